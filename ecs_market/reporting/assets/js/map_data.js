"use strict";
// Where agents were, what patches held and who traded, at any tick.
(function (R) {
  const HEAT_AGENTS = 5000; // more of them are first shown as a heat map
  const HEAT_SQUARES = 48; // along the longer side of the grid
  const RANGE = [0.02, 0.98]; // outliers do not stretch the colours

  class MapData {
    constructor(run) {
      const { facts, snapshots, patches, pairs, trades } = run;
      Object.assign(this, { run, patches, pairs, trades });
      this.ticks = R.column(snapshots.ticks);
      this.ids = R.column(snapshots.ids);
      this.fields = R.columns(snapshots.fields);
      this.family = R.column(snapshots.family);
      this.population = R.column(snapshots.population);
      [this.width, this.height, this.torus] = facts.grid;
      this.minor = facts.units.minor;
      this.sampled = facts.agents > this.ids.length;
      this.heat = facts.agents > HEAT_AGENTS || snapshots.bins !== null;
      this.ranges = { wealth: this.rangeOf("wealth"), gain: this.rangeOf("gain") };
      this.stock = new Float64Array(R.column(patches.x).length);
      this.done = 0; // changes of stock that are in `stock`
      this.upTo = -Infinity;
    }

    rangeOf(name) {
      const known = this.fields[name].filter((value) => !Number.isNaN(value)).sort();
      if (!known.length) return [0, 1];
      return RANGE.map((share) => known[Math.round(share * (known.length - 1))] / this.minor);
    }

    // Matrices have a row for each agent and a column for each snapshot.
    place(agent, frame) {
      return agent * this.ticks.length + frame;
    }

    // The frame that shows a tick: the last snapshot up to it.
    frameAt(tick) {
      return this.ticks.length ? Math.max(0, R.before(this.ticks, tick)) : -1;
    }

    agent(number, frame) {
      const { fields, minor } = this;
      const { populations, families, kinds } = this.run.snapshots;
      const at = this.place(number, frame);
      if (frame < 0 || !(fields.x[at] >= 0)) return null;
      return {
        id: this.ids[number],
        x: fields.x[at],
        y: fields.y[at],
        population: populations[this.population[number]],
        family: families[this.family[number]],
        target: kinds[fields.kind[at]],
        money: fields.money[at] / minor,
        wealth: fields.wealth[at] / minor,
        gain: fields.gain[at] / minor,
      };
    }

    agents(frame) {
      return Array.from(this.ids, (_, i) => this.agent(i, frame)).filter((each) => each !== null);
    }

    // Rows sorted by tick that fall in (from, to].
    within(table, from, to) {
      if (!table.recorded || !table.kept) return [];
      const tick = R.column(table.tick);
      const rows = [];
      for (let i = R.before(tick, from) + 1; i < tick.length && tick[i] <= to; i++) rows.push(i);
      return rows;
    }

    // Stocks of patches at a tick; going on from the last call where time has gone on.
    stocks(tick) {
      const [when, which, what] = [this.patches.tick, this.patches.patch, this.patches.stock].map(R.column);
      if (tick < this.upTo) this.done = 0;
      for (; this.done < when.length && when[this.done] <= tick; this.done++)
        this.stock[which[this.done]] = what[this.done];
      this.upTo = tick;
      return this.stock;
    }
  }

  R.mapData = (run) => new MapData(run);

  function recorded(data, bins, frame) {
    const frames = data.ticks.length;
    const { size, columns, rows } = bins;
    const pick = (name, unit) => {
      const all = R.column(bins[name]);
      return Float64Array.from({ length: columns * rows }, (_, i) => all[i * frames + frame] / unit);
    };
    return {
      size,
      columns,
      rows,
      count: pick("count", 1),
      wealth: pick("wealth", data.minor),
      gain: pick("gain", data.minor),
    };
  }

  // Agents by square of the grid: how many, their mean wealth and gain.
  R.heatAt = function (data, frame) {
    const { bins } = data.run.snapshots;
    if (bins !== null) return recorded(data, bins, frame);
    const size = Math.max(1, Math.ceil(Math.max(data.width, data.height) / HEAT_SQUARES));
    const [columns, rows] = [data.width, data.height].map((cells) => Math.ceil(cells / size));
    const [count, wealth, gain] = [0, 0, 0].map(() => new Float64Array(columns * rows));
    const { x, y, wealth: owned, gain: gained } = data.fields;
    for (let i = 0; i < data.ids.length; i++) {
      const at = data.place(i, frame);
      if (!(x[at] >= 0)) continue;
      const bin = Math.floor(y[at] / size) * columns + Math.floor(x[at] / size);
      count[bin] += 1;
      wealth[bin] += owned[at] / data.minor;
      gain[bin] += gained[at] / data.minor;
    }
    const mean = (sums) => sums.map((sum, i) => sum / count[i]);
    return { size, columns, rows, count, wealth: mean(wealth), gain: mean(gain) };
  };
})(window.ecsMarketReport);
