"use strict";
// How wealth and gains are spread among agents, at the chosen tick and over time.
(function (R) {
  const BARS = 30;
  const NONE = "No agent was recorded.";
  const UNKNOWN = "Wealth is not known yet: nobody has paid for some of the goods.";

  function histogram(values) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const width = (high - low) / BARS || 1;
    const count = new Float64Array(values.length === 0 ? 0 : high > low ? BARS : 1);
    for (const value of values) count[Math.min(count.length - 1, Math.floor((value - low) / width))] += 1;
    return { x: count.map((_, i) => low + i * width), count, width };
  }

  function valuesAt(data, what, frame) {
    const values = [];
    for (let i = 0; frame >= 0 && i < data.ids.length; i++) {
      const at = data.place(i, frame);
      const value = data.fields[what][at];
      if (data.fields.x[at] >= 0 && !Number.isNaN(value)) values.push(value / data.run.facts.units.minor);
    }
    return values;
  }

  function tell(words, data, what, frame, unit) {
    const measures = data.run.snapshots.measures;
    const measure = (name) => (frame < 0 ? NaN : R.column(measures[`${what}_${name}`])[frame]);
    const money = (name) => R.short(measure(name) / data.run.facts.units.minor);
    const when = R.clock.name(frame < 0 ? R.clock.tick : data.ticks[frame]);
    const gini = R.el("strong", {}, `Gini ${R.number(measure("gini"), 3, 3)}`);
    words.replaceChildren(gini, ` at ${when}; median ${money("median")}, mean ${money("mean")} ${unit}`);
  }

  function barsSpec(data, what, words) {
    const frame = data.frameAt(R.clock.tick);
    const unit = what === "gain" ? R.gainUnit(data.run) : "M";
    const { x, count, width } = histogram(valuesAt(data, what, frame));
    tell(words, data, what, frame, unit);
    const from = `${what} from [${unit}]`;
    const table = {
      head: [from, `to [${unit}]`, "agents"],
      rows: x.length,
      row: (i) => [x[i], x[i] + width, count[i]],
    };
    const series = [{ label: "agents", values: count, colour: what === "wealth" ? 0 : 2, bars: 0.94, filled: true }];
    const xRange = x.length ? [x[0], x[x.length - 1] + width] : undefined;
    const none = what === "wealth" && frame >= 0 ? UNKNOWN : NONE;
    return {
      x,
      series,
      table,
      xRange,
      zero: true,
      xLabel: `${what} [${unit}]`,
      yLabel: "agents",
      xName: from,
      height: 200,
      none,
    };
  }

  function bars(body, data, what, title, note) {
    const words = R.el("p", { class: "about" });
    const card = R.chartCard(body, title, what, { note }, () => barsSpec(data, what, words));
    card.body.before(words);
    R.clock.on(R.once(card.renew));
  }

  const overTime = (data, series, looks) => () => ({
    x: data.ticks,
    series,
    clocked: true,
    zero: true,
    none: NONE,
    ...looks,
  });

  function spread(run, measures) {
    const { minor } = run.facts.units;
    const line = (label, of, looks) => ({
      label,
      name: `${label || looks.name} [${R.gainUnit(run)}]`,
      values: R.scaled(measures["gain_" + of], minor),
      ...looks.with,
    });
    return [
      line("median", "median", { with: { colour: 2, dash: 0 } }),
      line("", "low", { name: "tenth percentile", with: { hidden: true } }),
      line("", "high", { name: "ninetieth percentile", with: { hidden: true } }),
      line("mean", "mean", { with: { colour: 1, dash: 1 } }),
    ];
  }

  R.distributionSection = function (run, data) {
    const sample = data.sampled ? `Of a sample of ${R.number(data.ids.length)} agents.` : null;
    const { body } = R.section("Who has gained", sample);
    const measures = R.columns(run.snapshots.measures);
    bars(body, data, "wealth", "Wealth of agents", "Money and goods, at the mean prices paid so far.");
    bars(body, data, "gain", "Gains of agents", "What each agent has gained so far.");
    const gini = [
      { label: "of wealth", values: measures.wealth_gini, colour: 0, dash: 0 },
      { label: "of gains", values: measures.gain_gini, colour: 2, dash: 1 },
    ];
    R.chartCard(
      body,
      "Gini coefficient",
      "gini",
      { note: "0: all have the same; towards 1: one has all." },
      overTime(data, gini, { yLabel: "Gini" }),
    );
    const looks = { bands: [{ low: 1, high: 2, colour: 2 }], yLabel: `${R.gainUnit(run)} so far` };
    R.chartCard(
      body,
      "Spread of gains",
      "gain-spread",
      { note: "The median agent, and the band from the poorest tenth to the richest." },
      overTime(data, spread(run, measures), looks),
    );
  };
})(window.ecsMarketReport);
