"use strict";
// How uPlot draws here: axes, series and scales from a spec, and a mark at the chosen tick.
(function (R) {
  const FONT = "12px system-ui, sans-serif";
  const TENS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
  const WHOLE = TENS.flatMap((ten) => [ten, 2 * ten, 5 * ten]);
  const POINTS = 150; // up to this many, single points are marked

  function axis(scale, label, upright, format, extra) {
    const longest = (texts) => Math.max(3, ...(texts || []).map((text) => (text || "").length));
    return {
      scale,
      label,
      side: upright ? 3 : 2,
      space: upright ? 30 : 72,
      size: upright ? (u, texts) => 12 + 7 * longest(texts) : 30,
      font: FONT,
      labelFont: FONT,
      labelSize: label ? 18 : 0,
      labelGap: 2,
      gap: 4,
      stroke: R.ink("soft"),
      ticks: { stroke: R.ink("line"), width: 1, size: 4 },
      grid: { stroke: R.ink("line"), width: 1 },
      values: (u, splits) => splits.map((value) => (value === null ? "" : format(value))),
      ...extra,
    };
  }

  function axes(spec) {
    const format = spec.format || R.tight;
    const ticks = spec.xLabel === undefined;
    const tick = (value) => (value === -1 ? "start" : value < 0 ? "" : R.tight(value));
    const x = ticks
      ? axis("x", "tick", spec.turned, tick, { incrs: WHOLE })
      : axis("x", spec.xLabel, spec.turned, R.tight, {});
    const y = axis("y", spec.yLabel, !spec.turned, format, spec.yAxis);
    if (spec.log) {
      const power = (value) => value !== null && Math.abs(Math.log10(value) % 1) < 1e-6;
      y.values = (u, splits) => splits.map((value) => (power(value) ? format(value) : ""));
    }
    return [x, y];
  }

  // Bars of ticks stand on their ticks, from half a tick before the first; others begin at their x.
  function bars(share, stretch) {
    if (stretch === undefined) return uPlot.paths.bars({ size: [share, Infinity, 1], align: 1 });
    const x0 = { unit: 1, values: (u) => u.data[0].map((tick) => tick - 0.5 + (stretch * (1 - share)) / 2) };
    return uPlot.paths.bars({ disp: { x0, size: { unit: 1, values: () => [share * stretch] } } });
  }

  function paths(each, spec) {
    if (each.bars) return bars(each.bars, spec.stretch);
    if (each.points === "only") return () => null;
    return each.stepped ? uPlot.paths.stepped({ align: each.align || 1 }) : undefined;
  }

  R.colourOf = (each) => (each.ink ? R.ink(each.ink) : R.colour(each.colour));

  function line(each, spec) {
    const colour = each.hidden ? "transparent" : () => R.colourOf(each);
    const few = each.points === "few" && each.count <= POINTS;
    return {
      label: each.label,
      show: each.show !== false,
      scale: "y",
      spanGaps: true,
      // Pieces of a stack are told apart by an edge besides their colour.
      stroke: each.bars ? () => R.ink("card") : colour,
      width: each.hidden ? 0 : each.bars ? 1 : each.width || 1.75,
      dash: each.dash === undefined ? undefined : R.dash(each.dash),
      fill: each.filled ? colour : undefined,
      paths: paths(each, spec),
      points: { show: each.points === "only" || few, size: 5, stroke: colour, fill: colour },
    };
  }

  function yScale(spec) {
    if (spec.log) {
      const power = (value, round) => 10 ** round(Math.log10(value));
      const range = (u, low, high) => [
        power(low, Math.floor),
        Math.max(power(high, Math.ceil), 10 * power(low, Math.floor)),
      ];
      return { distr: 3, range };
    }
    const range = (u, low, high) => {
      if (low === null || high === null) return [0, 1];
      if (spec.range) return spec.range;
      const pad = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
      return [spec.zero && low >= 0 ? 0 : low - pad, high + pad];
    };
    return { range };
  }

  // From where to where a chart's x goes; all charts of ticks are of the same ticks.
  R.wholeOf = function ({ x, xRange, clocked }) {
    const ticks = [R.clock.first - 0.5, R.clock.last + 0.5];
    return xRange || (clocked ? ticks : [x[0], x[x.length - 1]]);
  };

  // All there is, unless somebody has drawn a stretch to look at.
  function xScale(spec) {
    const [first, last] = [spec.x[0], spec.x[spec.x.length - 1]];
    const whole = R.wholeOf(spec);
    const range = (u, low, high) => {
      const [from, to] = low === first && high === last ? whole : [low, high];
      return from === to ? [from - 1, to + 1] : [from, to];
    };
    return { time: false, range };
  }

  function scales(spec) {
    const [x, y] = [xScale(spec), yScale(spec)];
    return spec.turned ? { x: { ...x, ori: 1, dir: 1 }, y: { ...y, ori: 0, dir: 1 } } : { x, y };
  }

  // The chosen tick as a line across the chart.
  function mark(u, spec) {
    const at = u.valToPos(R.clock.tick, "x", true);
    const { left, top, width, height } = u.bbox;
    if (!spec.clocked || !(at >= left && at <= left + width)) return;
    u.ctx.save();
    u.ctx.setLineDash([]);
    u.ctx.strokeStyle = R.ink("accent");
    u.ctx.lineWidth = 1.5 * devicePixelRatio;
    R.stroke(u.ctx, [at, top], [at, top + height]);
    u.ctx.restore();
  }

  // What uPlot is told; `live()` follows the pointer, `scaled(plot)` the stretch that is shown.
  R.chartOptions = function (spec, width, live, scaled) {
    const bands = (spec.bands || []).map(({ low, high, colour }) => ({
      series: [high + 1, low + 1],
      fill: R.faint(colour, 0.18),
    }));
    return {
      width,
      height: spec.height || R.CHART_HEIGHT,
      legend: { show: false },
      padding: [8, 20, 0, 0],
      scales: scales(spec),
      series: [{ label: "tick" }, ...spec.series.map((each) => line(each, spec))],
      axes: axes(spec),
      bands,
      cursor: {
        sync: spec.clocked ? { key: "ticks", setSeries: false } : undefined,
        y: Boolean(spec.turned),
        drag: { x: !spec.turned, y: false },
        points: { size: 6 },
      },
      hooks: {
        draw: [...(spec.draw ? [spec.draw] : []), (u) => mark(u, spec)],
        setCursor: [() => live()],
        setScale: [(u, name) => name === "x" && scaled(u)],
      },
    };
  };
  R.CHART_HEIGHT = 220;
})(window.ecsMarketReport);
