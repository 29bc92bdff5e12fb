"use strict";
// Several runs: a row of small charts a measure, all on the same axes.
(function (R) {
  const GOODS = 6;

  function extent(columns) {
    let [low, high] = [Infinity, -Infinity];
    for (const column of columns)
      for (const value of column) if (!Number.isNaN(value)) [low, high] = [Math.min(low, value), Math.max(high, value)];
    if (low > high) return [0, 1];
    const pad = (high - low) * 0.05 || Math.abs(high) * 0.1 || 1;
    return [low - pad, high + pad];
  }

  function allNumbers(runs, specs) {
    const { x, columns } = R.joined(
      specs.map((each) => [each.x, ...each.series.map((series) => series.shown || series.values)]),
    );
    const head = specs.flatMap((each, i) =>
      each.series.map((series) => `${R.labelOf(runs[i])}: ${series.name || series.label}`),
    );
    const flat = columns.flat();
    return { head: ["tick", ...head], rows: x.length, row: (i) => [x[i], ...flat.map((column) => column[i])] };
  }

  // A card with a panel a run; spec(run): {x, series, bands}. All panels share both axes.
  function multiples(body, runs, title, name, looks, spec) {
    const specs = runs.map(spec);
    const card = R.card(body, title, { wide: true, name, note: looks.note });
    const grid = R.el("div", { class: "multiples" });
    card.body.append(grid);
    const [low, high] = extent(specs.flatMap((each) => each.series.map((series) => series.values)));
    const range = looks.range || [looks.zero ? Math.min(0, low + (high - low) / 22) : low, high];
    const first = Math.min(0, ...runs.map((run) => R.column(run.measures.ticks)[0] || 0));
    const xRange = [first - 0.5, Math.max(1, ...runs.map((run) => run.facts.ticks)) - 0.5];
    const common = { ...looks, range, xRange, height: 170, clocked: false, none: "Nothing to show in this run." };
    specs.forEach((each, i) => {
      const panel = R.el("div", { class: "panel" }, R.el("h4", {}, R.labelOf(runs[i])));
      grid.append(panel);
      R.chart(panel, { ...each, ...common, title: `${title}, ${R.labelOf(runs[i])}` });
    });
    card.card.append(R.actions(name, title, () => allNumbers(runs, specs)));
  }

  function price(run, good) {
    const total = R.marketData(run).overallOf(run.market.goods.indexOf(good));
    const { steps } = run.facts.units;
    const around = (sign) => total.mean.map((value, i) => (value + sign * total.deviation[i]) / steps);
    const mean = {
      label: "mean paid",
      name: "mean paid [M]",
      values: around(0),
      colour: 0,
      dash: 0,
      points: "few",
      count: total.tick.length,
    };
    const edges = [
      [-1, "less"],
      [1, "plus"],
    ].map(([sign, word]) => ({ label: "", name: `${word} its deviation [M]`, values: around(sign), hidden: true }));
    return { x: total.tick, bands: [{ low: 1, high: 2, colour: 0 }], series: [mean, ...edges] };
  }

  function volume(run, good) {
    const number = run.market.goods.indexOf(good);
    if (number < 0) return { x: [], series: [] };
    const { x, columns, stretch } = R.marketData(run).volumes(number, [R.FACE_TO_FACE]);
    const part = (label, id, colour) => ({
      own: R.scaled(columns.get(id), stretch),
      label,
      name: label + " [unit a tick]",
      colour,
      bars: 0.9,
    });
    return { x, stretch, series: R.stacked([part("at posts", null, 0), part("face to face", R.FACE_TO_FACE, 1)]) };
  }

  function gains(run) {
    const own = R.columns(run.series.columns);
    const line = (label, name, colour) => ({
      label,
      name: `${label} [${R.gainUnit(run)}]`,
      values: R.scaled(own["total_" + name], run.facts.units.minor),
      colour,
      dash: colour,
    });
    return { x: own.tick, series: [line("at posts", "market_gain", 0), line("face to face", "bilateral_gain", 1)] };
  }

  function share(run) {
    const own = R.columns(run.series.columns);
    const values = own.total_market_trades.map((value, i) => value / (value + own.total_bilateral_trades[i]));
    return { x: own.tick, series: [{ label: "share", values, colour: 0, dash: 0 }] };
  }

  function gini(run) {
    const line = (label, name, colour, dash) => ({ label, values: R.column(run.measures[name]), colour, dash });
    return {
      x: R.column(run.measures.ticks),
      series: [line("of wealth", "wealth_gini", 0, 0), line("of gains", "gain_gini", 2, 1)],
    };
  }

  function time(run) {
    const columns = run.systems.series.map(R.column),
      x = R.column(run.systems.tick);
    const values = x.map((_, i) => columns.reduce((sum, column) => sum + column[i], 0) / 1e6);
    return { x, series: [{ label: "all systems", name: "all systems [ms]", values, colour: 0, dash: 0 }] };
  }

  function charts(runs) {
    const goods = R.goodsOf(runs);
    const market = R.section("Prices and volume", goods.length > GOODS ? `Of the first ${GOODS} goods.` : null).body;
    goods.slice(0, GOODS).forEach((good, i) => {
      multiples(
        market,
        runs,
        `Price of ${good}`,
        `price-${i}`,
        { yLabel: "M", note: "Mean of all trades; the band is one standard deviation." },
        (run) => price(run, good),
      );
      multiples(
        market,
        runs,
        `Volume of ${good}`,
        `volume-${i}`,
        {
          zero: true,
          yLabel: "units a tick",
          note: "Units traded, stacked; means of stretches of ticks in long runs.",
        },
        (run) => volume(run, good),
      );
    });
    const { body } = R.section("Trade and welfare", null);
    multiples(body, runs, "Gains from trade", "gains", { zero: true, yLabel: "so far" }, gains);
    multiples(
      body,
      runs,
      "Share of posts in trades",
      "share",
      { range: [0, 1], format: (value) => R.percent(value, 0), exact: R.percent, yLabel: "up to the tick" },
      share,
    );
    multiples(body, runs, "Gini coefficient", "gini", { zero: true, yLabel: "Gini" }, gini);
    multiples(
      body,
      runs,
      "How clears ended",
      "endings",
      { zero: true, yLabel: "clears", note: "Of all posts, stacked; all goods of a post clear at once and count as one." },
      R.endingsSpec,
    );
    const most = Math.max(...runs.map((run) => R.highest(time(run).series[0].values)));
    const far = "Ticks that took far longer, such as first ones that compile, leave the chart.";
    multiples(body, runs, "Time of a tick", "time", { range: [0, most], yLabel: "ms", note: far }, time);
  }

  function head(runs) {
    const titles = [...new Set(runs.map((run) => run.facts.name))];
    const words = R.el(
      "div",
      {},
      R.el("h1", {}, `${runs.length} runs side by side`),
      R.el("p", { class: "sub" }, titles.join(" · ")),
    );
    const notices = runs.flatMap((run) => run.facts.notices.map((notice) => `${R.labelOf(run)}: ${notice}`));
    document
      .getElementById("head")
      .append(R.el("div", { class: "top" }, words, R.themeSwitch()), ...notices.map(R.notice));
  }

  function about(runs) {
    const { body } = R.section("The runs", null);
    for (const run of runs) {
      const { repeat, started_at: started, place } = run.facts;
      const facts = R.factList([
        ["Scenario file", repeat.file],
        ["State hash", R.hash(run)],
        ["Started", started],
        ["Read from", place],
      ]);
      R.card(body, R.labelOf(run), {}).body.append(
        R.el("pre", { class: "command", tabindex: 0 }, repeat.command),
        facts,
        R.scenario(run),
      );
    }
  }

  R.comparison = function (runs, differences) {
    head(runs);
    R.comparisonTables(runs, differences);
    charts(runs);
    about(runs);
  };
})(window.ecsMarketReport);
