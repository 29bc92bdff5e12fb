"use strict";
// How posts cleared: a strip of statuses, iterations and residuals, and all clears together.
(function (R) {
  const NONE = "None of the chosen posts had members.";

  const columnOf = (data, state, rows, pick) => {
    const tables = rows.map((id) => data.clears(id, state.good)).map((each) => [each.tick, pick(each)]);
    const { x, columns } = R.joined(tables);
    return { x, columns: columns.map(([column]) => column), counts: tables.map(([tick]) => tick.length) };
  };

  const postsOf = (state) => state.posts.filter((id) => id !== R.FACE_TO_FACE);

  R.stripSpec = function (data, state) {
    const rows = postsOf(state),
      last = rows.length - 1;
    const { x, columns } = columnOf(data, state, rows, (each) => each.status);
    const names = data.run.market.statuses;
    const longest = Math.max(...rows.map((id) => data.label(id).length), 4);
    const series = rows.map((id, i) => ({
      label: "",
      hidden: true,
      name: data.label(id),
      shown: columns[i],
      values: columns[i].map((code) => (Number.isNaN(code) ? NaN : last - i)),
    }));
    const yAxis = {
      splits: () => rows.map((_, i) => i),
      values: (u, splits) => splits.map((i) => data.label(rows[last - i])),
      size: 22 + 7 * longest,
      grid: { show: false },
    };
    const table = {
      head: ["tick", ...rows.map(data.label)],
      rows: x.length,
      row: (i) => [x[i], ...columns.map((column) => (Number.isNaN(column[i]) ? null : names[column[i]]))],
    };
    const draw = (u) => paintStrip(u, columns, names);
    return {
      x,
      series,
      draw,
      yAxis,
      table,
      height: 60 + 34 * Math.max(rows.length, 1),
      clocked: true,
      range: [-0.5, last + 0.5],
      none: NONE,
    };
  };

  function paintStrip(u, columns, names) {
    const { ctx, bbox } = u;
    // A bar reaches half a tick to either side of its own.
    const edge = (tick) => Math.round(u.valToPos(tick - 0.5, "x", true));
    const gap = edge(1) - edge(0) > 6 ? 1 : 0;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    columns.forEach((column, row) => {
      const middle = columns.length - 1 - row;
      const [foot, head] = [middle - 0.42, middle + 0.42].map((at) => u.valToPos(at, "y", true));
      for (let i = 0; i < column.length; i++) {
        if (Number.isNaN(column[i])) continue;
        const left = edge(u.data[0][i]);
        const wide = Math.max(edge(u.data[0][i] + 1) - left - gap, 1);
        paintBar(ctx, R.status(names[column[i]]), left, foot, wide, foot - head);
      }
    });
    ctx.restore();
  }

  function paintBar(ctx, look, left, foot, wide, room) {
    const tall = room * look.height;
    ctx.fillStyle = R.colour(look.colour);
    ctx.fillRect(left, foot - tall, wide, tall);
    if (!look.hatched || wide < 5) return;
    ctx.strokeStyle = R.ink("card");
    ctx.lineWidth = 1;
    for (let at = -tall; at < wide; at += 5) {
      const [from, to] = [Math.max(at, 0), Math.min(at + tall, wide)];
      R.stroke(ctx, [left + from, foot - from + at], [left + to, foot - to + at]);
    }
  }

  // The statuses that the strip shows.
  R.stripStatuses = function (data, state) {
    const shown = new Set(postsOf(state).flatMap((id) => Array.from(data.clears(id, state.good).status)));
    const rank = (name) => R.status(name).rank;
    return data.run.market.statuses.filter((_, code) => shown.has(code)).sort((a, b) => rank(a) - rank(b));
  };

  // What the strip's bars mean; `names()` are the statuses.
  R.stripLegend = function (names) {
    const legend = R.el("ul", { class: "legend inline" });
    const entry = (name) => {
      const look = R.status(name);
      const box = R.el("span", { class: "bar" });
      box.style.backgroundColor = R.colour(look.colour);
      box.style.height = Math.max(14 * look.height, 3) + "px";
      if (look.hatched)
        box.style.backgroundImage = `repeating-linear-gradient(135deg, transparent 0 3px, ${R.ink("card")} 3px 4px)`;
      return R.el("li", {}, box, R.el("span", {}, look.text));
    };
    const renew = () => legend.replaceChildren(...names().map(entry));
    R.onTheme(renew);
    renew();
    return { element: legend, renew };
  };

  function effort(data, state, pick) {
    const rows = postsOf(state);
    const { x, columns, counts } = columnOf(data, state, rows, pick);
    const looks = (id, i) => ({
      colour: state.colour(id),
      dash: state.colour(id) + 1,
      points: "few",
      count: counts[i],
    });
    const series = rows.map((id, i) => ({ label: data.label(id), values: columns[i], ...looks(id, i) }));
    return { x, series, clocked: true, zero: true, none: NONE };
  }

  R.iterationsSpec = (data, state) => ({ ...effort(data, state, (each) => each.iterations), yLabel: "iterations" });

  R.residualSpec = function (data, state) {
    const spec = effort(data, state, (each) => each.residual.map(Math.abs));
    const log = spec.series.some(({ values }) => values.some((value) => value > 0));
    const note = "Excess demand over gross wishes when the mechanism stopped, before rounding, without its sign.";
    return {
      ...spec,
      log,
      yLabel: "share of gross wishes",
      note: note + (log ? " Where it was 0, nothing is drawn." : ""),
    };
  };

  // How the clears of all posts ended: counts in stretches of ticks.
  R.endingsSpec = function (run) {
    const { statuses, status_counts: table } = run.market;
    const { status, tick, count } = R.columns(table.columns);
    const { stretch } = table;
    const bars = Math.ceil(run.facts.ticks / stretch);
    const counts = statuses.map(() => new Float64Array(bars));
    for (let i = 0; i < status.length; i++) counts[status[i]][tick[i] / stretch] += count[i];
    const order = statuses.map((_, i) => i).sort((a, b) => R.status(statuses[a]).rank - R.status(statuses[b]).rank);
    const telling = (name) => order.length === 1 || (name !== "indicative" && name !== "none");
    const parts = order.map((i) => ({
      own: counts[i],
      label: statuses[i],
      colour: R.status(statuses[i]).colour,
      show: telling(statuses[i]),
      bars: 0.9,
    }));
    const x = Float64Array.from({ length: statuses.length ? bars : 0 }, (_, i) => i * stretch);
    const per = stretch > 1 ? ` in ${R.number(stretch)} ticks` : "";
    return {
      x,
      series: R.stacked(parts),
      stretch,
      clocked: true,
      zero: true,
      yLabel: "clears",
      xName: "from tick",
      none: "No post had members.",
      note: `Clears of all posts${per}, stacked; all goods of a post clear at once and count as one.`,
    };
  };
})(window.ecsMarketReport);
