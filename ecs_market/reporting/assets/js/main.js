"use strict";
// From the data in the page to its parts.
(function (R) {
  const data = JSON.parse(document.getElementById("data").textContent);
  document
    .getElementById("foot")
    .append(
      R.el(
        "p",
        {},
        `Made by ecs_market ${data.made_by}. This file needs no network and asks for none. Charts by uPlot (MIT licence).`,
      ),
    );
  const moving = "arrow keys move the tick, ten at a time with Shift; the space bar plays; ";
  const keys = (data.differences === null ? moving : "") + "+ and − look closer and from farther away; 0 shows all.";
  document.getElementById("foot").append(R.el("p", { id: "chart-keys" }, "On a chart: " + keys));
  R.data = data;
  if (data.differences !== null) return R.comparison(data.runs, data.differences);
  const [run] = data.runs;
  const snapshots = R.column(run.snapshots.ticks);
  const first = snapshots.length && snapshots[0] < 0 ? -1 : Math.min(0, run.facts.last);
  R.clock.build(document.getElementById("clock"), first, Math.max(run.facts.last, first));
  R.clock.set(run.facts.last);
  R.headline(run);
  const map = R.map(run);
  const market = R.marketSection(run);
  R.curves(market, run);
  R.welfareSection(run);
  R.distributionSection(run, map);
  R.systemsSection(run);
  R.factsSection(run, market.data);
})(window.ecsMarketReport);
