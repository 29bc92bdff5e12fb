"use strict";
// Where agents were, what patches held and who traded, at any tick.
(function (R) {
  R.mapData = function (run) {
    const { facts, snapshots, patches, pairs, trades } = run;
    const ticks = R.column(snapshots.ticks), ids = R.column(snapshots.ids);
    const fields = R.columns(snapshots.fields);
    const [width, height, torus] = facts.grid;
    const place = (agent, frame) => agent * ticks.length + frame;
    const population = R.column(snapshots.population), family = R.column(snapshots.family);

    // The frame that shows a tick: the last snapshot up to it.
    const frameAt = (tick) => (ticks.length ? Math.max(0, R.before(ticks, tick)) : -1);

    function agent(number, frame) {
      const at = place(number, frame);
      if (frame < 0 || !(fields.x[at] >= 0)) return null;
      const money = (name) => fields[name][at] / facts.units.minor;
      return {
        id: ids[number], x: fields.x[at], y: fields.y[at], population: snapshots.populations[population[number]], family: snapshots.families[family[number]],
        target: snapshots.kinds[fields.kind[at]], money: money("money"), wealth: money("wealth"), gain: money("gain"),
      };
    }

    function agents(frame) {
      const out = [];
      for (let i = 0; i < ids.length; i++) {
        const each = agent(i, frame);
        if (each !== null) out.push(each);
      }
      return out;
    }

    // Rows sorted by tick that fall in (from, to].
    function within(table, from, to) {
      if (!table.recorded || !table.kept) return [];
      const tick = R.column(table.tick);
      const rows = [];
      for (let i = R.before(tick, from) + 1; i < tick.length && tick[i] <= to; i++) rows.push(i);
      return rows;
    }

    // Stocks of patches at a tick; going on from the last call where time has gone on.
    const stock = new Float64Array(R.column(patches.x).length);
    let done = 0, upTo = -Infinity;
    function stocks(tick) {
      const [when, which, what] = [patches.tick, patches.patch, patches.stock].map(R.column);
      if (tick < upTo) done = 0;
      while (done < when.length && when[done] <= tick) stock[which[done]] = what[done++];
      upTo = tick;
      return stock;
    }

    const ranges = {};
    for (const name of ["wealth", "gain"]) {
      const known = fields[name].filter((value) => !Number.isNaN(value)).sort();
      ranges[name] = known.length ? [known[Math.floor(0.02 * (known.length - 1))], known[Math.ceil(0.98 * (known.length - 1))]].map((value) => value / facts.units.minor) : [0, 1];
    }

    return {
      run, ticks, ids, fields, place, width, height, torus, frameAt, agent, agents, within, stocks, ranges, family, population,
      trades, pairs, patches, sampled: facts.agents > ids.length, heat: facts.agents > 5000 || snapshots.bins !== null,
    };
  };

  // Agents by square of the grid: how many, their mean wealth and gain.
  R.heatAt = function (data, frame) {
    const { bins } = data.run.snapshots;
    const minor = data.run.facts.units.minor;
    if (bins !== null) {
      const frames = data.ticks.length, n = bins.columns * bins.rows;
      const pick = (name, unit) => Float64Array.from({ length: n }, (_, i) => R.column(bins[name])[i * frames + frame] / unit);
      return { size: bins.size, columns: bins.columns, rows: bins.rows, count: pick("count", 1), wealth: pick("wealth", minor), gain: pick("gain", minor) };
    }
    const size = Math.max(1, Math.ceil(Math.max(data.width, data.height) / 48));
    const columns = Math.ceil(data.width / size), rows = Math.ceil(data.height / size);
    const out = { size, columns, rows, count: new Float64Array(columns * rows), wealth: new Float64Array(columns * rows), gain: new Float64Array(columns * rows) };
    for (let i = 0; i < data.ids.length; i++) {
      const at = data.place(i, frame);
      if (!(data.fields.x[at] >= 0)) continue;
      const bin = Math.floor(data.fields.y[at] / size) * columns + Math.floor(data.fields.x[at] / size);
      out.count[bin] += 1;
      out.wealth[bin] += data.fields.wealth[at] / minor;
      out.gain[bin] += data.fields.gain[at] / minor;
    }
    for (let i = 0; i < out.count.length; i++) for (const name of ["wealth", "gain"]) out[name][i] /= out.count[i];
    return out;
  };
})(window.ecsMarketReport);
