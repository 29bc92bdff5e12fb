"use strict";
// uPlot with this page's looks: theme, dashes, a mark at the chosen tick, values beside the names.
(function (R) {
  const FONT = "12px system-ui, sans-serif";
  const all = [];
  const WHOLE = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9].flatMap((ten) => [ten, 2 * ten, 5 * ten]);

  function axis(scale, label, side, format, extra) {
    return Object.assign({
      scale, side, label, space: side % 2 ? 30 : 72, labelFont: FONT, font: FONT, labelSize: label ? 18 : 0, labelGap: 2, gap: 4,
      size: side % 2 ? (u, values) => 12 + 7 * Math.max(3, ...(values || []).map((text) => (text || "").length)) : 30,
      stroke: R.ink("soft"), ticks: { stroke: R.ink("line"), width: 1, size: 4 }, grid: { stroke: R.ink("line"), width: 1 },
      values: (u, splits) => splits.map((value) => (value === null ? "" : format(value))),
    }, extra || {});
  }

  function seriesOf(spec, x) {
    const series = [Object.assign({ label: x.label || "tick" })];
    for (const each of spec) {
      const colour = () => (each.ink ? R.ink(each.ink) : R.colour(each.colour));
      series.push({
        label: each.label, show: each.show !== false, scale: "y", spanGaps: each.spanGaps !== false,
        stroke: each.hidden ? "transparent" : colour, width: each.hidden ? 0 : each.width || 1.75, dash: each.dash === undefined ? undefined : R.dash(each.dash),
        fill: each.fill ? () => (each.fill === "solid" ? R.colour(each.colour) : R.faint(each.colour, 0.25)) : undefined,
        paths: each.bars ? uPlot.paths.bars({ size: [each.bars, Infinity, 1], align: each.align || 0 }) : each.points === "only" ? () => null : each.stepped ? uPlot.paths.stepped({ align: each.align || 1 }) : undefined,
        points: { show: each.points === "only" || (each.points === "few" && each.count <= 150), size: 5, stroke: colour, fill: colour },
      });
    }
    return series;
  }

  // The chosen tick as a line across the chart.
  function mark(u, spec) {
    if (!spec.clocked) return;
    const at = u.valToPos(R.clock.tick, "x", true);
    if (!(at >= u.bbox.left && at <= u.bbox.left + u.bbox.width)) return;
    u.ctx.save();
    u.ctx.setLineDash([]);
    u.ctx.strokeStyle = R.ink("accent");
    u.ctx.lineWidth = 1.5 * devicePixelRatio;
    u.ctx.beginPath();
    u.ctx.moveTo(at, u.bbox.top);
    u.ctx.lineTo(at, u.bbox.top + u.bbox.height);
    u.ctx.stroke();
    u.ctx.restore();
  }

  function scales(spec) {
    const room = (u, low, high) => {
      if (low === null || high === null) return [0, 1];
      if (spec.range) return [spec.range[0] === null ? low : spec.range[0], spec.range[1] === null ? high : spec.range[1]];
      const pad = (high - low) * 0.08 || Math.abs(high) * 0.1 || 1;
      return [spec.zero && low >= 0 ? 0 : low - pad, high + pad];
    };
    const decades = (u, low, high) => [10 ** Math.floor(Math.log10(low)), 10 ** Math.max(Math.ceil(Math.log10(high)), Math.floor(Math.log10(low)) + 1)];
    const y = spec.log ? { distr: 3, range: decades } : { range: room };
    const all = [spec.x[0], spec.x[spec.x.length - 1]];
    const whole = spec.xRange || (spec.clocked ? [Math.min(all[0], 0), Math.max(R.clock.last, 1)] : null);
    const x = { time: false, range: (u, low, high) => (whole !== null && low === all[0] && high === all[1] ? whole : low === high ? [low - 1, high + 1] : [low, high]) };
    if (spec.turned) {
      Object.assign(x, { ori: 1, dir: 1 });
      Object.assign(y, { ori: 0, dir: 1 });
    }
    return { x, y };
  }

  function options(spec, width, live) {
    const format = spec.format || R.tight;
    const xAxis = axis("x", spec.xLabel === undefined ? "tick" : spec.xLabel, spec.turned ? 3 : 2, R.tight, spec.xLabel === undefined ? { incrs: WHOLE } : {});
    const yAxis = axis("y", spec.yLabel, spec.turned ? 2 : 3, format, spec.yAxis);
    if (spec.log) yAxis.values = (u, splits) => splits.map((value) => (value !== null && Number.isInteger(Math.round(Math.log10(value) * 1e6) / 1e6) ? format(value) : ""));
    return {
      width, height: spec.height || 220, legend: { show: false }, padding: [8, 20, 0, 0],
      scales: scales(spec), series: seriesOf(spec.series, spec), axes: spec.turned ? [xAxis, yAxis] : [xAxis, yAxis], bands: (spec.bands || []).map((band) => ({ series: [band.high + 1, band.low + 1], fill: R.faint(band.colour, 0.18) })),
      cursor: { sync: spec.clocked ? { key: "ticks", setSeries: false } : undefined, y: Boolean(spec.turned), drag: { x: !spec.turned, y: false }, points: { size: 6 } },
      hooks: { draw: [(u) => mark(u, spec), ...(spec.draw ? [spec.draw] : [])], setCursor: [(u) => live(u.cursor.idx)] },
    };
  }

  // A name with its line, dashes and shape as on the chart; pressing it hides and shows the series.
  function key(each, flip) {
    const canvas = R.el("canvas", { width: 56, height: 24, "aria-hidden": "true", class: "stroke" });
    const value = R.el("span", { class: "value" });
    const button = R.el("button", { type: "button", class: "key", "aria-pressed": String(each.show !== false), on: { click: flip } }, canvas, R.el("span", {}, each.label), value);
    const paint = () => {
      const pen = canvas.getContext("2d");
      pen.clearRect(0, 0, 56, 24);
      pen.strokeStyle = pen.fillStyle = each.ink ? R.ink(each.ink) : R.colour(each.colour);
      if (each.bars || each.fill === "solid") return pen.fillRect(12, 3, 32, 18);
      if (each.points === "only") return pen.arc(28, 12, 6, 0, 7), pen.fill();
      pen.lineWidth = 4;
      pen.setLineDash(R.dash(each.dash || 0).map((length) => 2 * length));
      pen.beginPath();
      pen.moveTo(2, 12);
      pen.lineTo(54, 12);
      pen.stroke();
    };
    return { button, value, paint };
  }

  // A chart in `host`; dragging across it looks closer, a double click shows all again. spec: x, series [{label, values, colour, dash, ...}], and looks; `renew`
  // takes another one.
  R.chart = function (host, spec) {
    const legend = R.el("div", { class: "keys" });
    const area = R.el("div", { class: "plot", role: "img", tabindex: 0 });
    const empty = R.el("p", { class: "empty" });
    host.append(legend, area, empty);
    let plot = null, keys = [];

    function live(at) {
      const here = at === null || at === undefined ? (spec.clocked ? R.before(spec.x, R.clock.tick) : -1) : at;
      keys.forEach((each, i) => {
        const value = here < 0 || spec.series[keyed[i]].show === false ? null : spec.series[keyed[i]].shown ? spec.series[keyed[i]].shown[here] : spec.series[keyed[i]].values[here];
        each.value.textContent = value === null || value === undefined || Number.isNaN(value) ? "" : (spec.exact || R.short)(value);
      });
    }

    let keyed = [];
    function flip(number) {
      const each = spec.series[number];
      each.show = each.show === false;
      build();
    }

    function build() {
      if (plot !== null) plot.destroy();
      plot = null;
      keyed = spec.series.map((each, i) => i).filter((i) => !spec.series[i].hidden);
      keys = keyed.map((i) => key(spec.series[i], () => flip(i)));
      const focused = legend.contains(document.activeElement) ? [...legend.children].indexOf(document.activeElement) : -1;
      legend.replaceChildren(...keys.map((each) => each.button));
      if (focused >= 0 && legend.children[focused]) legend.children[focused].focus();
      keys.forEach((each) => each.paint());
      const none = spec.x.length === 0 || spec.series.length === 0;
      empty.textContent = none ? spec.none || "Nothing to show." : "";
      empty.hidden = !none;
      area.hidden = none;
      legend.hidden = none || keyed.length === 0;
      area.setAttribute("aria-label", none ? "" : `${spec.title}, chart of ${spec.series.filter((each) => !each.hidden).map((each) => each.label).join(", ")}`);
      if (none) return;
      const data = [spec.x, ...spec.series.map((each) => Array.from(each.values, (value) => (Number.isNaN(value) || (spec.log && !(value > 0)) ? null : value)))];
      plot = new uPlot(options(spec, Math.max(area.clientWidth, 220), live), data, area);
      live(null);
    }

    let pressed = 0;
    area.addEventListener("mousedown", (event) => (pressed = event.clientX));
    area.addEventListener("click", (event) => {
      if (Math.abs(event.clientX - pressed) > 3) return; // a stretch was drawn, to look closer
      if (!spec.clocked || plot === null || !plot.over.contains(event.target) || plot.cursor.idx === null) return;
      R.clock.set(spec.x[plot.cursor.idx]);
    });
    area.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (!by || !spec.clocked) return;
      R.clock.set(R.clock.tick + by * (event.shiftKey ? 10 : 1));
      event.preventDefault();
    });
    new ResizeObserver(() => {
      if (plot !== null && area.clientWidth > 0 && Math.abs(plot.width - area.clientWidth) > 1) plot.setSize({ width: area.clientWidth, height: spec.height || 220 });
    }).observe(area);
    R.onTheme(build);
    const chart = {
      renew(next) {
        spec = next;
        build();
      },
      title: () => spec.title,
      plot: () => plot,
      tick() {
        if (plot !== null && spec.clocked) {
          plot.redraw(false);
          live(null);
        }
      },
    };
    all.push(chart);
    build();
    return chart;
  };

  // What charts of a title draw, and on which scales: for tests and for the page's console.
  const titled = (title) => all.filter((chart) => chart.title().startsWith(title) && chart.plot() !== null).map((chart) => chart.plot());
  R.drawn = (title) => titled(title)[0].data;
  R.scalesOf = (title) => titled(title).map(({ scales }) => [scales.x.min, scales.x.max, scales.y.min, scales.y.max]);

  let waiting = false;
  R.clock.on(() => {
    if (waiting) return;
    waiting = true;
    requestAnimationFrame(() => {
      waiting = false;
      for (const chart of all) chart.tick();
    });
  });

  // Sparse columns over the union of their ticks, as a chart wants them.
  R.joined = function (tables) {
    const ticks = [...new Set(tables.flatMap((table) => Array.from(table[0])))].sort((a, b) => a - b);
    const at = new Map(ticks.map((tick, i) => [tick, i]));
    const columns = tables.map(([own, ...values]) => values.map((column) => {
      const out = new Float64Array(ticks.length).fill(NaN);
      for (let i = 0; i < own.length; i++) out[at.get(own[i])] = column[i];
      return out;
    }));
    return { x: Float64Array.from(ticks), columns };
  };
})(window.ecsMarketReport);
