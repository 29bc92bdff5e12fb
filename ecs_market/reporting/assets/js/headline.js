"use strict";
// The run at a glance: what it was and its key numbers.
(function (R) {
  function tile(label, value, note) {
    return R.el(
      "div",
      { class: "tile" },
      R.el("dt", {}, label),
      R.el("dd", {}, R.el("strong", {}, value), note ? R.el("span", {}, note) : null),
    );
  }

  function total(run, name) {
    const column = R.column(run.series.columns["total_" + name]);
    return column.length ? column[column.length - 1] : 0;
  }
  R.total = total;

  R.gainUnit = (run) => (run.facts.gain_unit === null ? "of several goods" : run.facts.gain_unit);

  function gains(run) {
    const { facts } = run;
    const at = total(run, "market_gain") / facts.units.minor,
      face = total(run, "bilateral_gain") / facts.units.minor;
    return tile(
      "Gains from trade",
      R.short(at + face) + " " + R.gainUnit(run),
      `${R.short(at)} at posts, ${R.short(face)} face to face`,
    );
  }

  // Mean price of all trades and what it scattered by, a good each.
  R.paid = function (run) {
    const { goods, overall } = run.market;
    const { good, volume, mean, deviation } = R.columns(overall.columns);
    return goods.map((name, number) => {
      let lots = 0,
        sum = 0,
        squares = 0;
      for (let i = 0; i < good.length; i++) {
        if (good[i] !== number) continue;
        lots += volume[i];
        sum += volume[i] * mean[i];
        squares += volume[i] * (mean[i] * mean[i] + deviation[i] * deviation[i]);
      }
      const average = sum / lots;
      const spread = squares / lots - average * average;
      return {
        good: name,
        volume: lots / run.facts.units.lots,
        mean: average / run.facts.units.steps,
        dispersion: Math.sqrt(Math.max(spread, 0)) / average,
      };
    });
  };

  function prices(run) {
    const traded = R.paid(run).filter((each) => each.volume > 0);
    if (!traded.length) return tile("Mean price paid", "–", "nothing was traded");
    const first = traded
      .slice()
      .sort((a, b) => b.volume - a.volume)
      .slice(0, 3);
    return tile(
      "Mean price paid",
      first.map((each) => `${each.good} ${R.short(each.mean)}`).join(" · "),
      `dispersion ${first.map((each) => R.percent(each.dispersion, 0)).join(" · ")}`,
    );
  }

  R.lastOf = function (packed) {
    const column = R.column(packed);
    return column.length ? column[column.length - 1] : NaN;
  };

  function efficiency(run) {
    const welfare = run.facts.summary && run.facts.summary.welfare;
    if (!welfare) return tile("Efficiency", "–", "in the summary beside a database; there is none");
    if (welfare.efficiency === null)
      return tile("Efficiency", "–", (welfare.reasons && welfare.reasons.efficiency) || "nothing was attainable");
    return tile(
      "Efficiency",
      R.percent(welfare.efficiency),
      `of ${R.short(welfare.attainable)} ${welfare.unit || "M"} attainable`,
    );
  }

  function cleared(run) {
    const { statuses, status_counts } = run.market;
    const { status, count } = R.columns(status_counts.columns);
    const sums = {};
    let of = 0;
    for (let i = 0; i < status.length; i++) {
      const name = statuses[status[i]];
      if (name === "indicative" || name === "none") continue;
      sums[name] = (sums[name] || 0) + count[i];
      of += count[i];
    }
    if (!of) return tile("Clears with something to trade", "–", "none");
    const [best, most] = Object.entries(sums).sort((a, b) => b[1] - a[1])[0];
    const others = Object.entries(sums)
      .filter(([name]) => name !== best)
      .map(([name, some]) => `${R.number(some)} ${name}`);
    return tile(
      "Clears with something to trade",
      `${R.percent(most / of, 0)} ${best}`,
      `of ${R.plural(of, "clear")}${others.length ? "; " + others.join(", ") : ""}`,
    );
  }

  R.tiles = function (run) {
    const { facts, series, market } = run;
    const at = total(run, "market_trades"),
      face = total(run, "bilateral_trades");
    const ns = run.systems.totals.reduce((sum, value) => sum + value, 0) / Math.max(series.ticks, 1);
    const measures = run.snapshots ? run.snapshots.measures : run.measures;
    const own = facts.summary && facts.summary.welfare ? facts.summary.welfare.gini : null;
    const gini = own === null || own === undefined ? R.lastOf(measures.gain_gini) : own;
    const posts = R.column(market.posts.id).length;
    return R.el(
      "dl",
      { class: "tiles" },
      tile("Agents", R.number(facts.agents), `${R.plural(posts, "post")}, ${R.plural(facts.ticks, "tick")}`),
      tile("Trades", R.number(at + face), `${R.number(at)} at posts, ${R.number(face)} face to face`),
      gains(run),
      efficiency(run),
      prices(run),
      cleared(run),
      tile("Gini of gains", R.number(gini, 2, 2), `of wealth ${R.number(R.lastOf(measures.wealth_gini), 2, 2)}`),
      tile(
        "A tick took",
        ns > 0 ? R.duration(ns) : "–",
        ns > 0 ? `${R.short((facts.agents * 1e9) / ns)} agents a second` : "no tick was run",
      ),
    );
  };

  R.notice = (text) => R.el("p", { class: "notice", role: "note" }, text);

  R.headline = function (run) {
    const { facts } = run;
    const when = facts.started_at ? ", " + facts.started_at.slice(0, 16).replace("T", " ") + " UTC" : "";
    const words = `Seed ${facts.seed}, ${R.plural(facts.ticks, "tick")}, ecs_market ${facts.versions.version}${when}`;
    document
      .getElementById("head")
      .append(
        R.el(
          "div",
          { class: "top" },
          R.el(
            "div",
            {},
            R.el("h1", {}, facts.name),
            R.el("p", { class: "sub" }, facts.description || ""),
            R.el("p", { class: "sub" }, words),
          ),
          R.themeSwitch(),
        ),
        ...facts.notices.map(R.notice),
        R.tiles(run),
      );
  };
})(window.ecsMarketReport);
