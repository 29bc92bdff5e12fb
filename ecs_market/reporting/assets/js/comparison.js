"use strict";
// Several runs: a row of small charts a measure, all on the same axes, and tables of differences.
(function (R) {
  const label = (run) => run.facts.label || run.facts.name;

  function extent(columns) {
    let low = Infinity, high = -Infinity;
    for (const column of columns) for (const value of column) if (value < low || value > high) [low, high] = [Math.min(low, value), Math.max(high, value)];
    return low > high ? [0, 1] : low === high ? [low - (Math.abs(low) * 0.1 || 1), high + (Math.abs(high) * 0.1 || 1)] : [low, high];
  }

  // spec(run): {x, series, bands}; all panels share both axes.
  function multiples(body, runs, title, name, looks, spec) {
    const specs = runs.map(spec);
    const card = R.card(body, title, { wide: true, name, note: looks.note });
    const grid = R.el("div", { class: "multiples" });
    card.body.append(grid);
    const values = extent(specs.flatMap((each) => each.series.map((series) => series.values)));
    const pad = (values[1] - values[0]) * 0.05;
    const range = looks.range || [looks.zero && values[0] >= 0 ? 0 : values[0] - pad, values[1] + pad];
    const ticks = [0, Math.max(1, ...runs.map((run) => run.facts.ticks))];
    specs.forEach((each, i) => {
      const panel = R.el("div", { class: "panel" }, R.el("h4", {}, label(runs[i])));
      grid.append(panel);
      R.chart(panel, Object.assign({ title: `${title}, ${label(runs[i])}`, height: 170, range, xRange: ticks, clocked: false, none: "Nothing to show in this run." }, looks, each));
    });
    const { x, columns } = R.joined(specs.map((each) => [each.x, ...each.series.map((series) => series.shown || series.values)]));
    const head = specs.flatMap((each, i) => each.series.map((series) => `${label(runs[i])}: ${series.name || series.label}`));
    const flat = columns.flat();
    card.card.append(R.actions(name, title, () => ({ head: ["tick", ...head], rows: x.length, row: (i) => [x[i], ...flat.map((column) => (Number.isNaN(column[i]) ? null : column[i]))] })));
  }

  function priceSpec(run, good, colour) {
    const total = R.marketData(run).overallOf(run.market.goods.indexOf(good));
    const { steps } = run.facts.units;
    const around = (sign) => total.mean.map((value, i) => (value + sign * total.deviation[i]) / steps);
    return { x: total.tick, bands: [{ low: 1, high: 2, colour }], series: [{ label: "mean paid", name: "mean paid [M]", values: R.scaled(total.mean, steps), colour, dash: 0, points: "few", count: total.tick.length }, { label: "", name: "less its deviation [M]", values: around(-1), hidden: true, colour }, { label: "", name: "plus its deviation [M]", values: around(1), hidden: true, colour }] };
  }

  function volumeSpec(run, good) {
    const data = R.marketData(run), number = run.market.goods.indexOf(good);
    const { x, columns, stretch } = data.volumes(number, [R.FACE_TO_FACE]);
    const posts = columns.get(null), face = columns.get(R.FACE_TO_FACE);
    const per = (column) => column.map((value) => value / stretch);
    return { x, series: number < 0 ? [] : [{ label: "face to face", name: "face to face [unit a tick]", values: per(posts.map((value, i) => value + face[i])), shown: per(face), colour: 1, bars: 0.9, align: 1, fill: "solid" }, { label: "at posts", name: "at posts [unit a tick]", values: per(posts), shown: per(posts), colour: 0, bars: 0.9, align: 1, fill: "solid" }] };
  }

  function resultRows(runs) {
    const rows = [];
    const add = (name, digits, value) => rows.push([name, ...runs.map((run) => { const found = value(run); return typeof found === "number" && !Number.isNaN(found) ? Number(found.toFixed(digits)) : found === undefined || Number.isNaN(found) ? null : found; })]);
    const welfare = (name) => (run) => { const own = run.facts.summary && run.facts.summary.welfare; return own && own[name] !== null ? own[name] : null; };
    const sum = (name) => (run) => R.total(run, name);
    add("ticks", 0, (run) => run.facts.ticks);
    add("agents", 0, (run) => run.facts.agents);
    add("posts", 0, (run) => R.column(run.market.posts.id).length);
    add("trades at posts", 0, sum("market_trades"));
    add("trades face to face", 0, sum("bilateral_trades"));
    add("gains at posts [M]", 4, (run) => R.total(run, "market_gain") / run.facts.units.minor);
    add("gains face to face [M]", 4, (run) => R.total(run, "bilateral_gain") / run.facts.units.minor);
    add("fees [M]", 4, (run) => R.total(run, "fees") / run.facts.units.minor);
    add("attainable [M]", 4, welfare("attainable"));
    add("efficiency", 6, welfare("efficiency"));
    add("Gini of gains", 4, (run) => { const own = welfare("gini")(run); return own === null ? R.lastOf(run.measures.gain_gini) : own; });
    add("Gini of wealth", 4, (run) => R.lastOf(run.measures.wealth_gini));
    for (const good of goodsOf(runs)) {
      const found = (run) => R.paid(run).find((each) => each.good === good) || {};
      add(`volume of ${good} [unit]`, 3, (run) => found(run).volume);
      add(`mean price of ${good} [M]`, 6, (run) => found(run).mean);
      add(`dispersion of ${good}`, 6, (run) => found(run).dispersion);
    }
    add("milliseconds a tick", 3, (run) => run.systems.totals.reduce((a, b) => a + b, 0) / 1e6 / Math.max(run.facts.ticks, 1));
    add("state hash", 0, (run) => run.facts.state_hash || "");
    return rows;
  }

  const goodsOf = (runs) => [...new Set(runs.flatMap((run) => run.market.goods))];

  function tables(runs, differences) {
    const { body } = R.section("Differences", null);
    const put = (title, name, note, table) => {
      const card = R.card(body, title, { wide: true, name, note });
      card.body.append(R.el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": title }, R.tableOf(table, title)));
      card.card.append(R.actions(name, title, () => table, true));
    };
    const names = runs.map(label);
    const own = [["seed", ...runs.map((run) => String(run.facts.seed))], ["ticks", ...runs.map((run) => R.number(run.facts.ticks))], ["version", ...runs.map((run) => run.facts.versions.version)], ["telemetry level", ...runs.map((run) => run.facts.level)]].filter((row) => new Set(row.slice(1)).size > 1);
    const rows = [...own, ...differences.filter((each) => each.key !== "seed" && each.key !== "ticks").map((each) => [each.key, ...each.values])];
    put("Parameters that differ", "parameters", rows.length ? "As each run's resolved scenario has them; a dash where it has none." : "The runs have the same scenario, seed and version.", { head: ["parameter", ...names], rows: rows.length, row: (i) => rows[i] });
    const results = resultRows(runs);
    put("Results", "results", "", { head: ["measure", ...names], rows: results.length, row: (i) => results[i] });
  }

  R.comparison = function (runs, differences) {
    const titles = [...new Set(runs.map((run) => run.facts.name))];
    document.getElementById("head").append(
      R.el("div", { class: "top" }, R.el("div", {}, R.el("h1", {}, `${runs.length} runs side by side`), R.el("p", { class: "sub" }, titles.join(" · "))), R.themeSwitch()),
      ...runs.flatMap((run) => run.facts.notices.map((notice) => R.el("p", { class: "notice", role: "note" }, `${label(run)}: ${notice}`))),
    );
    tables(runs, differences);
    const goods = goodsOf(runs), minor = (run) => run.facts.units.minor;
    const market = R.section("Prices and volume", goods.length > 6 ? "Of the first six goods." : null).body;
    goods.slice(0, 6).forEach((good, i) => {
      multiples(market, runs, `Price of ${good}`, `price-${i}`, { yLabel: "M", note: "Mean of all trades; the band is one standard deviation." }, (run) => priceSpec(run, good, 0));
      multiples(market, runs, `Volume of ${good}`, `volume-${i}`, { zero: true, yLabel: "units a tick", note: "Units traded, stacked; means of stretches of ticks in long runs." }, (run) => volumeSpec(run, good));
    });
    const welfare = R.section("Trade and welfare", null).body;
    const columns = new Map(runs.map((run) => [run, R.columns(run.series.columns)]));
    multiples(welfare, runs, "Gains from trade", "gains", { zero: true, yLabel: "M so far" }, (run) => {
      const own = columns.get(run);
      return { x: own.tick, series: [{ label: "at posts", name: "at posts [M]", values: R.scaled(own.total_market_gain, minor(run)), colour: 0, dash: 0 }, { label: "face to face", name: "face to face [M]", values: R.scaled(own.total_bilateral_gain, minor(run)), colour: 1, dash: 1 }] };
    });
    multiples(welfare, runs, "Share of posts in trades", "share", { range: [0, 1], format: (value) => R.percent(value, 0), exact: R.percent, yLabel: "up to the tick" }, (run) => {
      const own = columns.get(run);
      return { x: own.tick, series: [{ label: "share", values: own.total_market_trades.map((value, i) => value / (value + own.total_bilateral_trades[i])), colour: 0, dash: 0 }] };
    });
    multiples(welfare, runs, "Gini coefficient", "gini", { zero: true, yLabel: "Gini" }, (run) => ({ x: R.column(run.measures.ticks), series: [{ label: "of wealth", values: R.column(run.measures.wealth_gini), colour: 0, dash: 0 }, { label: "of gains", values: R.column(run.measures.gain_gini), colour: 2, dash: 1 }] }));
    multiples(welfare, runs, "How clears ended", "endings", { zero: true, yLabel: "clears", note: "Of all posts and goods, stacked." }, R.endingsSpec);
    multiples(welfare, runs, "Time of a tick", "time", { zero: true, yLabel: "ms" }, (run) => {
      const series = run.systems.series.map(R.column), x = R.column(run.systems.tick);
      return { x, series: [{ label: "all systems", name: "all systems [ms]", values: x.map((_, i) => series.reduce((sum, column) => sum + column[i], 0) / 1e6), colour: 0, dash: 0 }] };
    });
    runsSection(runs);
  };

  function runsSection(runs) {
    const { body } = R.section("The runs", null);
    for (const run of runs) {
      const { facts } = run;
      const card = R.card(body, label(run), {});
      card.body.append(R.el("pre", { class: "command", tabindex: 0 }, facts.repeat.command), R.factList([["Scenario file", facts.repeat.file], ["State hash", R.el("code", { class: "hash" }, facts.state_hash || "–")], ["Started", facts.started_at], ["Read from", facts.place]]),
        R.el("details", {}, R.el("summary", {}, "The scenario, resolved"), R.el("pre", { class: "scenario", tabindex: 0 }, facts.scenario)));
    }
  }
})(window.ecsMarketReport);
