"use strict";
// Where the time of a tick went.
(function (R) {
  const NAMED = 6;

  R.systemsSection = function (run) {
    const { systems } = run;
    const { body } = R.section("Time", null);
    const x = R.column(systems.tick);
    const columns = systems.series.map(R.column);
    const all = systems.totals.reduce((sum, value) => sum + value, 0);
    const rest = x.map((_, i) => columns.slice(NAMED).reduce((sum, column) => sum + column[i], 0));
    const groups = [...columns.slice(0, NAMED).map((own, i) => ({ own, label: systems.names[i], colour: i })), ...(columns.length > NAMED ? [{ own: rest, label: "all others", colour: 6 }] : [])];
    const sum = new Float64Array(x.length);
    const series = groups.map(({ own, label, colour }) => {
      const values = own.map((value, i) => (sum[i] += value) / 1e6);
      return { label, name: label + " [ms]", values, shown: R.scaled(own, 1e6), colour, fill: "solid", width: 0.5 };
    }).reverse();
    const per = systems.stretch > 1 ? `, means of ${R.number(systems.stretch)} ticks` : "";
    R.chartCard(body, "Time a system", "time", { note: `Milliseconds a tick${per}, stacked. The first tick may hold the time of compiling.` }, () => {
      const highest = x.length > 20 ? sum.slice().sort()[Math.floor(0.99 * (x.length - 1))] / 1e6 : Math.max(...sum, 1) / 1e6;
      return { x, series, clocked: true, range: [0, 1.15 * highest || 1], yLabel: "ms a tick", height: 330, none: "The run has no tick.", table: { head: ["from tick", ...systems.names.map((name) => name + " [ns]")], rows: x.length, row: (i) => [x[i], ...columns.map((column) => column[i])] } };
    });
    const card = R.card(body, "All systems", { name: "systems" });
    const table = () => ({ head: ["system", "time [ms]", "share [%]", "a tick [µs]"], rows: systems.names.length, row: (i) => [systems.names[i], systems.totals[i] / 1e6, all ? Math.round((1e4 * systems.totals[i]) / all) / 100 : 0, systems.totals[i] / 1e3 / Math.max(run.facts.ticks, 1)] });
    const lines = R.el("ul", { class: "bars" }, ...systems.names.map((name, i) => {
      const fill = R.el("span", { class: "fill" });
      fill.style.width = `${all ? (100 * systems.totals[i]) / systems.totals[0] : 0}%`;
      return R.el("li", {}, R.el("span", { class: "name" }, name), R.el("span", { class: "track" }, fill), R.el("span", { class: "figure" }, R.percent(all ? systems.totals[i] / all : NaN)));
    }));
    card.body.append(lines);
    card.card.append(R.actions("systems", "Time of all systems", table));
  };
})(window.ecsMarketReport);
