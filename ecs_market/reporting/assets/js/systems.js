"use strict";
// Where the time of a tick went.
(function (R) {
  const NAMED = 6;
  const MS = 1e6; // nanoseconds

  function parts(systems, x) {
    const columns = systems.series.map((packed) => R.scaled(R.column(packed), MS));
    const named = columns.slice(0, NAMED).map((own, i) => ({ own, label: systems.names[i], colour: i }));
    const rest = x.map((_, i) => columns.slice(NAMED).reduce((sum, column) => sum + column[i], 0));
    const others = columns.length > NAMED ? [{ own: rest, label: "all others", colour: 6 }] : [];
    return [...named, ...others].map((part) => ({ ...part, name: part.label + " [ms]", width: 0.5 }));
  }

  // Some ticks take far longer than others, the first above all: they may leave the chart.
  R.highest = function (sums) {
    const sorted = sums.slice().sort();
    const share = sorted.length > 20 ? 0.96 : 1;
    return 1.5 * sorted[Math.floor(share * (sorted.length - 1))] || 1;
  };

  function timeSpec(run) {
    const { systems } = run;
    const x = R.column(systems.tick);
    const columns = systems.series.map(R.column);
    const series = R.stacked(parts(systems, x));
    const table = {
      head: ["from tick", ...systems.names.map((name) => name + " [ns]")],
      rows: x.length,
      row: (i) => [x[i], ...columns.map((column) => column[i])],
    };
    const range = series.length ? [0, R.highest(series[0].values)] : undefined;
    return { x, series, table, range, clocked: true, yLabel: "ms a tick", height: 330, none: "The run has no tick." };
  }

  function bar(name, share, length) {
    const fill = R.el("span", { class: "fill" });
    fill.style.width = `${100 * length}%`;
    const track = R.el("span", { class: "track" }, fill);
    return R.el(
      "li",
      {},
      R.el("span", { class: "name" }, name),
      track,
      R.el("span", { class: "figure" }, R.percent(share)),
    );
  }

  function totals(body, run) {
    const { names, totals: spent } = run.systems;
    const all = spent.reduce((sum, ns) => sum + ns, 0);
    const share = (i) => (all ? spent[i] / all : 0);
    const card = R.card(body, "All systems", { name: "systems" });
    card.body.append(
      R.el("ul", { class: "bars" }, ...names.map((name, i) => bar(name, share(i), share(i) / (share(0) || 1)))),
    );
    card.card.append(
      R.actions("systems", "Time of all systems", () => ({
        head: ["system", "time [ms]", "share [%]", "a tick [µs]"],
        rows: names.length,
        row: (i) => [
          names[i],
          spent[i] / MS,
          Math.round(1e4 * share(i)) / 100,
          spent[i] / 1e3 / Math.max(run.facts.ticks, 1),
        ],
      })),
    );
  }

  R.systemsSection = function (run) {
    const { body } = R.section("Time", null);
    const { stretch } = run.systems;
    const per = stretch > 1 ? `, means of ${R.number(stretch)} ticks` : "";
    const note = `Milliseconds a tick${per}, stacked. Ticks that took far longer, such as first ones that compile, leave the chart.`;
    R.chartCard(body, "Time a system", "time", { note }, () => timeSpec(run));
    totals(body, run);
  };
})(window.ecsMarketReport);
