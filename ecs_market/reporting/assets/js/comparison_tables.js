"use strict";
// In what runs differ: parameters and results.
(function (R) {
  R.labelOf = (run) => run.facts.label || run.facts.name;
  R.goodsOf = (runs) => [...new Set(runs.flatMap((run) => run.market.goods))];

  const welfare = (name) => (run) => {
    const own = run.facts.summary && run.facts.summary.welfare;
    return own && own[name] !== null ? own[name] : NaN;
  };
  const money = (name) => (run) => R.total(run, name) / run.facts.units.minor;
  const either = (value, other) => (run) => (Number.isNaN(value(run)) ? other(run) : value(run));
  const spent = (run) => run.systems.totals.reduce((sum, ns) => sum + ns, 0) / 1e6;

  // A name, how many decimals, and the value of a run.
  const MEASURES = [
    ["ticks", 0, (run) => run.facts.ticks],
    ["agents", 0, (run) => run.facts.agents],
    ["posts", 0, (run) => R.column(run.market.posts.id).length],
    ["trades at posts", 0, (run) => R.total(run, "market_trades")],
    ["trades face to face", 0, (run) => R.total(run, "bilateral_trades")],
    ["gains are counted in", 0, (run) => R.gainUnit(run)],
    ["gains at posts", 4, money("market_gain")],
    ["gains face to face", 4, money("bilateral_gain")],
    ["fees", 4, money("fees")],
    ["attainable", 4, welfare("attainable")],
    ["efficiency", 6, welfare("efficiency")],
    ["Gini of gains", 4, either(welfare("gini"), (run) => R.lastOf(run.measures.gain_gini))],
    ["Gini of wealth", 4, (run) => R.lastOf(run.measures.wealth_gini)],
  ];
  const LAST = [
    ["milliseconds a tick", 3, (run) => spent(run) / Math.max(run.facts.ticks, 1)],
    ["state hash, its start", 0, (run) => (run.facts.state_hash || "–").slice(0, 12)],
  ];

  function ofGood(good) {
    const found = (run) => R.paid(run).find((each) => each.good === good) || {};
    return [
      [`volume of ${good} [unit]`, 3, (run) => found(run).volume],
      [`mean price of ${good} [M]`, 6, (run) => found(run).mean],
      [`dispersion of ${good}`, 6, (run) => found(run).dispersion],
    ];
  }

  function results(runs) {
    const shown = (value, digits) =>
      typeof value !== "number" ? value : Number.isNaN(value) ? null : Number(value.toFixed(digits));
    const measures = [...MEASURES, ...R.goodsOf(runs).flatMap(ofGood), ...LAST];
    return measures.map(([name, digits, value]) => [name, ...runs.map((run) => shown(value(run), digits))]);
  }

  function parameters(runs, differences) {
    const own = [
      ["seed", (run) => String(run.facts.seed)],
      ["ticks", (run) => R.number(run.facts.ticks)],
      ["version", (run) => run.facts.versions.version],
      ["telemetry level", (run) => run.facts.level],
    ].map(([name, value]) => [name, ...runs.map(value)]);
    const named = differences
      .filter(({ key }) => key !== "seed" && key !== "ticks")
      .map(({ key, values }) => [key, ...values]);
    return [...own.filter((row) => new Set(row.slice(1)).size > 1), ...named];
  }

  R.comparisonTables = function (runs, differences) {
    const { body } = R.section("Differences", null);
    const put = (title, name, note, first, rows) => {
      const table = { head: [first, ...runs.map(R.labelOf)], rows: rows.length, row: (i) => rows[i] };
      R.openTable(R.card(body, title, { wide: true, name, note }), name, title, title, table);
    };
    const rows = parameters(runs, differences);
    const note = rows.length
      ? "As each run's resolved scenario has them; a dash where it has none."
      : "The runs have the same scenario, seed and version.";
    put("Parameters that differ", "parameters", note, "parameter", rows);
    put("Results", "results", "", "measure", results(runs));
  };
})(window.ecsMarketReport);
