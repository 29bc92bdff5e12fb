"use strict";
// How wealth and gains are spread among agents, at the chosen tick and over time.
(function (R) {
  const BARS = 30;

  function histogram(values) {
    if (!values.length) return { x: new Float64Array(0), count: new Float64Array(0), width: 1 };
    let low = Infinity, high = -Infinity;
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const width = (high - low) / BARS || 1;
    const count = new Float64Array(high > low ? BARS : 1);
    for (const value of values) count[Math.min(count.length - 1, Math.floor((value - low) / width))] += 1;
    return { x: count.map((_, i) => low + i * width), count, width };
  }

  function barsSpec(data, what, words) {
    const frame = data.frameAt(R.clock.tick);
    const minor = data.run.facts.units.minor;
    const values = [];
    for (let i = 0; frame >= 0 && i < data.ids.length; i++) {
      const at = data.place(i, frame), value = data.fields[what][at];
      if (data.fields.x[at] >= 0 && !Number.isNaN(value)) values.push(value / minor);
    }
    const { x, count, width } = histogram(values);
    const measure = (name) => (frame < 0 ? NaN : R.column(data.run.snapshots.measures[`${what}_${name}`])[frame]);
    const tick = frame < 0 ? R.clock.tick : data.ticks[frame];
    words.replaceChildren(R.el("strong", {}, `Gini ${R.number(measure("gini"), 3, 3)}`), ` at ${R.clock.name(tick)}; median ${R.short(measure("median") / minor)}, mean ${R.short(measure("mean") / minor)} M`);
    return {
      x, series: [{ label: "agents", values: count, colour: what === "wealth" ? 0 : 2, bars: 0.94, align: 1, fill: "solid" }], zero: true, xRange: x.length ? [x[0], x[x.length - 1] + width] : undefined,
      xLabel: `${what} [M]`, yLabel: "agents", xName: `${what} from [M]`, height: 200, none: what === "wealth" && values.length === 0 && frame >= 0 ? "Wealth is not known yet: nobody has paid for some of the goods." : "No agent was recorded.",
      table: { head: [`${what} from [M]`, "to [M]", "agents"], rows: x.length, row: (i) => [x[i], x[i] + width, count[i]] },
    };
  }

  function bars(body, data, what, title, note) {
    const words = R.el("p", { class: "about" });
    const card = R.chartCard(body, title, what, { note }, () => barsSpec(data, what, words));
    card.body.before(words);
    let waiting = false;
    R.clock.on(() => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => { waiting = false; card.renew(); });
    });
  }

  R.distributionSection = function (run, data) {
    const sample = data.sampled ? `Of a sample of ${R.number(data.ids.length)} agents.` : null;
    const { body } = R.section("Who has gained", sample);
    bars(body, data, "wealth", "Wealth", "Money and goods, at the mean prices paid so far.");
    bars(body, data, "gain", "Gains from trade", "What each agent has gained so far.");
    const measures = R.columns(run.snapshots.measures);
    R.chartCard(body, "Gini coefficient", "gini", { note: "0: all have the same; towards 1: one has all." }, () => ({
      x: data.ticks, clocked: true, zero: true, series: [{ label: "of wealth", values: measures.wealth_gini, colour: 0, dash: 0 }, { label: "of gains", values: measures.gain_gini, colour: 2, dash: 1 }], yLabel: "Gini", none: "No agent was recorded.",
    }));
    const minor = run.facts.units.minor;
    R.chartCard(body, "Spread of gains", "gain-spread", { note: "The median agent, and the band from the poorest tenth to the richest." }, () => ({
      x: data.ticks, clocked: true, zero: true, bands: [{ low: 1, high: 2, colour: 2 }], yLabel: "M so far", none: "No agent was recorded.",
      series: [{ label: "median", name: "median [M]", values: R.scaled(measures.gain_median, minor), colour: 2, dash: 0 }, { label: "", name: "tenth percentile [M]", values: R.scaled(measures.gain_low, minor), hidden: true, colour: 2 }, { label: "", name: "ninetieth percentile [M]", values: R.scaled(measures.gain_high, minor), hidden: true, colour: 2 }, { label: "mean", name: "mean [M]", values: R.scaled(measures.gain_mean, minor), colour: 1, dash: 1 }],
    }));
  };
})(window.ecsMarketReport);
