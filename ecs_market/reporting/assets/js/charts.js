"use strict";
// A chart: the names of its series with their values, uPlot's drawing, and the chosen tick.
(function (R) {
  const all = [];

  // A name with its line, dashes and shape as on the chart; pressing it hides and shows the series.
  function key(each, flip) {
    const canvas = R.el("canvas", { width: 56, height: 24, "aria-hidden": "true", class: "stroke" });
    const value = R.el("span", { class: "value" });
    const pressed = String(each.show !== false);
    const button = R.button("key", flip, { "aria-pressed": pressed }, canvas, R.el("span", {}, each.label), value);
    const pen = canvas.getContext("2d");
    pen.strokeStyle = pen.fillStyle = R.colourOf(each);
    if (each.filled) pen.fillRect(12, 3, 32, 18);
    else if (each.points === "only") R.drawShape(pen, "circle", 28, 12, 6);
    else {
      pen.lineWidth = 4;
      pen.setLineDash(R.dash(each.dash || 0).map((length) => 2 * length));
      R.stroke(pen, [2, 12], [54, 12]);
    }
    return { button, value, each };
  }

  class Chart {
    constructor(host, spec) {
      this.spec = spec;
      this.plot = null;
      this.keys = [];
      this.stretch = null; // what is looked at closely, [from, to]
      this.legend = R.el("div", { class: "keys" });
      this.area = R.el("div", { class: "plot", role: "img", tabindex: 0, "aria-describedby": "chart-keys" });
      this.all = R.button("quiet all", () => (this.area.focus(), this.showAll()), { hidden: true }, "Show all");
      this.empty = R.el("p", { class: "empty" });
      host.append(this.legend, R.el("div", { class: "frame" }, this.area, this.all), this.empty);
      this.listen();
      R.onTheme(() => this.build());
      this.build();
    }

    // Take another spec; what was hidden stays so.
    renew(spec) {
      for (const each of spec.series) {
        const before = this.spec.series.find((other) => other.label && other.label === each.label);
        if (before !== undefined && before.show !== undefined) each.show = before.show;
      }
      this.spec = spec;
      this.build();
    }

    build() {
      const { spec, area } = this;
      const stretch = spec.clocked ? this.stretch : null;
      this.stretch = null;
      this.all.hidden = true;
      if (this.plot !== null) this.plot.destroy();
      this.plot = null;
      this.buildKeys();
      const none = spec.x.length === 0 || spec.series.length === 0;
      this.empty.textContent = none ? spec.none || "Nothing to show." : "";
      this.empty.hidden = !none;
      area.hidden = none;
      this.legend.hidden = none || this.keys.length === 0;
      const names = this.keys.map(({ each }) => each.label).join(", ");
      area.setAttribute("aria-label", `${spec.title}, chart${names ? " of " + names : ""}`);
      if (none) return;
      const drawn = (value) => (Number.isNaN(value) || (spec.log && !(value > 0)) ? null : value);
      const data = [spec.x, ...spec.series.map(({ values }) => Array.from(values, drawn))];
      const live = () => this.live(this.pointed());
      const width = Math.max(area.clientWidth, 220);
      this.plot = new uPlot(R.chartOptions(spec, width, live, (plot) => this.scaled(plot)), data, area);
      if (stretch !== null) this.plot.setScale("x", { min: stretch[0], max: stretch[1] });
      this.live(null);
    }

    // Where in the series the pointer is, null if it is elsewhere; a bar goes on up to the next.
    pointed() {
      const { plot, spec } = this;
      if (plot === null || plot.cursor.idx === null || plot.cursor.idx === undefined) return null;
      if (!(spec.stretch > 1)) return plot.cursor.idx;
      return Math.max(0, R.before(spec.x, plot.posToVal(plot.cursor.left, "x") + 0.5));
    }

    // Charts of ticks are looked at closely together, as they are when a stretch is drawn.
    together() {
      return this.spec.clocked ? all.filter(({ plot, spec }) => plot !== null && spec.clocked) : [this];
    }

    show([min, max]) {
      for (const { plot } of this.together()) plot.setScale("x", { min, max });
    }

    showAll() {
      for (const { plot, spec } of this.together())
        plot.setScale("x", { min: spec.x[0], max: spec.x[spec.x.length - 1] });
    }

    // Another stretch is shown.
    scaled({ scales: { x } }) {
      const [from, to] = R.wholeOf(this.spec);
      const closer = x.max - x.min < 0.999 * (to - from);
      this.stretch = closer ? [x.min, x.max] : null;
      this.all.hidden = !closer;
    }

    // Look closer (by > 1) or from farther away: at the chosen tick where there is one.
    zoom(by) {
      const { plot, spec } = this;
      const [first, last] = R.wholeOf(spec);
      const { min, max } = plot.scales.x;
      const middle = spec.clocked ? R.clock.tick : (min + max) / 2;
      const half = Math.max((max - min) / by / 2, spec.clocked ? 2 : (last - first) / 1000);
      if (2 * half >= last - first) return this.showAll();
      const from = Math.min(Math.max(middle - half, first), last - 2 * half);
      return this.show([from, from + 2 * half]);
    }

    key(event) {
      const { plot, spec } = this;
      const by = { "+": 2, "=": 2, "-": 0.5, 0: 0 }[event.key];
      const zooms = by !== undefined && !event.ctrlKey && !event.metaKey && !event.altKey;
      if (!zooms) return spec.clocked && R.clock.key(event);
      if (plot === null || spec.turned) return false;
      event.preventDefault();
      return by === 0 ? this.showAll() : this.zoom(by);
    }

    buildKeys() {
      const focused = [...this.legend.children].indexOf(document.activeElement);
      const flip = (each) => () => {
        each.show = each.show === false;
        this.build();
      };
      this.keys = this.spec.series.filter(({ hidden }) => !hidden).map((each) => key(each, flip(each)));
      this.legend.replaceChildren(...this.keys.map(({ button }) => button));
      if (focused >= 0 && this.keys[focused]) this.keys[focused].button.focus();
    }

    // Values beside the names: under the pointer, or else at the chosen tick.
    live(at) {
      const { spec } = this;
      const chosen = spec.clocked ? R.before(spec.x, R.clock.tick) : -1;
      const here = at === null || at === undefined ? chosen : at;
      for (const { each, value } of this.keys) {
        const found = here < 0 || each.show === false ? NaN : (each.shown || each.values)[here];
        const none = found === undefined || found === null || Number.isNaN(found);
        value.textContent = none ? "" : (spec.exact || R.short)(found);
      }
    }

    // The tick has changed.
    tick() {
      if (this.plot === null || !this.spec.clocked) return;
      this.plot.redraw(false);
      this.live(null);
    }

    listen() {
      const { area } = this;
      let pressed = 0;
      area.addEventListener("mousedown", (event) => (pressed = event.clientX));
      area.addEventListener("click", (event) => {
        const { plot, spec } = this;
        if (Math.abs(event.clientX - pressed) > 3) return; // a stretch was drawn, to look closer
        if (plot === null || !spec.clocked || !plot.over.contains(event.target)) return;
        const at = this.pointed();
        if (at !== null) R.clock.set(spec.x[at]);
      });
      area.addEventListener("keydown", (event) => this.key(event));
      new ResizeObserver(() => this.fit()).observe(area);
    }

    fit() {
      const { plot, area, spec } = this;
      if (plot === null || area.clientWidth === 0 || Math.abs(plot.width - area.clientWidth) <= 1) return;
      plot.setSize({ width: area.clientWidth, height: spec.height || R.CHART_HEIGHT });
    }
  }

  // A chart in `host`. spec: x, series of {label, values, colour, dash, ...}, and looks; a series'
  // `shown` stands in for its values where these are stacked.
  R.chart = function (host, spec) {
    const chart = new Chart(host, spec);
    all.push(chart);
    return chart;
  };

  R.clock.on(R.once(() => all.forEach((chart) => chart.tick())));

  // What charts of a title draw, and on which scales: for tests and for the page's console.
  const titled = (title) => all.filter((chart) => chart.plot !== null && chart.spec.title.startsWith(title));
  R.drawn = (title) => titled(title)[0].plot.data;
  R.scalesOf = (title) =>
    titled(title).map(
      ({
        plot: {
          scales: { x, y },
        },
      }) => [x.min, x.max, y.min, y.max],
    );

  // Sparse columns over the union of their ticks, as a chart wants them.
  R.joined = function (tables) {
    const ticks = [...new Set(tables.flatMap((table) => Array.from(table[0])))].sort((a, b) => a - b);
    const at = new Map(ticks.map((tick, i) => [tick, i]));
    const spread = (own, column) => {
      const out = new Float64Array(ticks.length).fill(NaN);
      for (let i = 0; i < own.length; i++) out[at.get(own[i])] = column[i];
      return out;
    };
    const columns = tables.map(([own, ...values]) => values.map((column) => spread(own, column)));
    return { x: Float64Array.from(ticks), columns };
  };

  // Series stacked in the order given, drawn from the highest sum down: the lower ones lie in front.
  R.stacked = function (parts) {
    const sum = parts.length ? new Float64Array(parts[0].own.length) : [];
    return parts
      .map(({ own, ...looks }) => ({
        ...looks,
        values: own.map((value, i) => (sum[i] += value)),
        shown: own,
        filled: true,
      }))
      .reverse();
  };
})(window.ecsMarketReport);
