"use strict";
// Drawing the map: the grid is `scale` pixels a cell, y grows downwards as rows do.
(function (R) {
  const TARGET_COLOURS = { idle: 6, market: 0, agent: 1, resource: 2 };

  // An agent's place: cells may be shared, so agents of a cell are spread within it by their ids.
  R.spot = function (view, id, x, y) {
    const spread = view.scale >= 6 ? 0.56 : 0;
    const turn = id * 2.399963,
      far = spread * Math.sqrt(((id * 0.618034) % 1) * 0.25);
    return [(x + 0.5 + far * Math.cos(turn)) * view.scale, (y + 0.5 + far * Math.sin(turn)) * view.scale];
  };

  R.drawShape = function (pen, shape, x, y, r) {
    pen.beginPath();
    if (shape === "triangle" || shape === "down") {
      const up = shape === "down" ? -1 : 1;
      pen.moveTo(x, y - up * 1.25 * r);
      pen.lineTo(x + 1.15 * r, y + up * 0.85 * r);
      pen.lineTo(x - 1.15 * r, y + up * 0.85 * r);
      pen.closePath();
    } else if (shape === "square") pen.rect(x - 0.9 * r, y - 0.9 * r, 1.8 * r, 1.8 * r);
    else if (shape === "diamond") {
      pen.moveTo(x, y - 1.3 * r);
      pen.lineTo(x + 1.3 * r, y);
      pen.lineTo(x, y + 1.3 * r);
      pen.lineTo(x - 1.3 * r, y);
      pen.closePath();
    } else if (shape === "cross") {
      const w = 0.42 * r;
      pen.rect(x - w, y - 1.2 * r, 2 * w, 2.4 * r);
      pen.rect(x - 1.2 * r, y - w, 2.4 * r, 2 * w);
    } else if (shape === "star") {
      for (let i = 0; i < 10; i++) {
        const far = i % 2 ? 0.6 * r : 1.4 * r,
          turn = (Math.PI * i) / 5 - Math.PI / 2;
        pen[i ? "lineTo" : "moveTo"](x + far * Math.cos(turn), y + far * Math.sin(turn));
      }
      pen.closePath();
    } else pen.arc(x, y, r, 0, 2 * Math.PI);
    pen.fill();
  };

  R.agentColour = function (data, by, number, at) {
    if (by === "family") return R.colour(data.family[number]);
    if (by === "population") return R.colour(data.population[number]);
    if (by === "target") return R.colour(TARGET_COLOURS[data.run.snapshots.kinds[data.fields.kind[at]]] || 0);
    const [low, high] = data.ranges[by];
    const value = data.fields[by][at] / data.run.facts.units.minor;
    return Number.isNaN(value) ? R.ink("soft") : R.ramp((value - low) / (high - low || 1));
  };
  R.targetColour = (kind) => R.colour(TARGET_COLOURS[kind] || 0);

  function drawPatches(pen, view, data) {
    const [x, y, good, capacity] = ["x", "y", "good", "capacity"].map((name) => R.column(data.patches[name]));
    const stock = data.stocks(view.tick),
      size = Math.max(view.scale, 1.5);
    for (let i = 0; i < x.length; i++) {
      const share = capacity[i] > 0 ? Math.min(stock[i] / capacity[i], 1) : 0;
      pen.strokeStyle = R.goodColour(good[i], 0.35);
      pen.fillStyle = R.goodColour(good[i], 0.34);
      if (view.scale >= R.OUTLINED) pen.strokeRect(x[i] * view.scale + 1, y[i] * view.scale + 1, size - 2, size - 2);
      const high = size * share;
      if (high > 0)
        pen.fillRect(
          x[i] * view.scale + 1,
          y[i] * view.scale + size - high + 1,
          size - 2,
          high - 2 > 0 ? high - 2 : high,
        );
    }
  }

  // Distances are Manhattan: what is within a radius is a diamond.
  function diamond(pen, view, data, x, y, radius) {
    const around = data.torus ? [-1, 0, 1] : [0];
    for (const i of around) {
      for (const j of around) {
        const cx = (x + 0.5 + i * data.width) * view.scale,
          cy = (y + 0.5 + j * data.height) * view.scale,
          r = (radius + 0.5) * view.scale;
        pen.beginPath();
        pen.moveTo(cx, cy - r);
        pen.lineTo(cx + r, cy);
        pen.lineTo(cx, cy + r);
        pen.lineTo(cx - r, cy);
        pen.closePath();
        pen.stroke();
        pen.fill();
      }
    }
  }

  // The name of a radius, the dashes of its edge and how much it is filled; the widest comes first.
  R.RADII = [
    ["broadcast", [2, 5], 0.02],
    ["visibility", [7, 4], 0.03],
    ["interaction", [], 0.08],
  ];
  R.OUTLINED = 5; // pixels a cell from which on patches have outlines

  function drawRadii(pen, view, data, show) {
    const { posts } = data.run.market;
    const [id, x, y] = ["id", "x", "y"].map((name) => R.column(posts[name]));
    pen.lineWidth = 1.25;
    for (const [name, dash, fill] of R.RADII) {
      if (!show[name] || id.length > R.MOST_RADII) continue;
      const radius = R.column(posts[name]);
      pen.strokeStyle = R.faint(0, 0.75);
      pen.fillStyle = R.faint(0, fill);
      pen.setLineDash(dash);
      for (let i = 0; i < id.length; i++) diamond(pen, view, data, x[i], y[i], radius[i]);
    }
    pen.setLineDash([]);
  }

  function drawPosts(pen, view, data) {
    const { posts } = data.run.market;
    const [id, x, y] = ["id", "x", "y"].map((name) => R.column(posts[name]));
    const size = Math.max(id.length > 200 ? 1.5 : 5, Math.min(view.scale * 0.75, 9));
    for (let i = 0; i < id.length; i++) {
      const [cx, cy] = [(x[i] + 0.5) * view.scale, (y[i] + 0.5) * view.scale];
      pen.fillStyle = R.ink("text");
      pen.fillRect(cx - size, cy - size, 2 * size, 2 * size);
      if (size < 5) continue;
      pen.fillStyle = R.ink("card");
      pen.font = `600 ${Math.round(1.3 * size)}px system-ui, sans-serif`;
      pen.textAlign = "center";
      pen.textBaseline = "middle";
      if (id.length <= 200) pen.fillText(String(id[i]), cx, cy + 0.5);
    }
  }
  R.MOST_RADII = 200;

  function ends(view, data, number) {
    if (number < 0) return null;
    const at = data.place(number, view.frame);
    return data.fields.x[at] >= 0 ? R.spot(view, data.ids[number], data.fields.x[at], data.fields.y[at]) : null;
  }

  function line(pen, view, data, from, to) {
    if (from === null || to === null) return;
    const wide = [data.width * view.scale, data.height * view.scale];
    if (data.torus && [0, 1].some((i) => Math.abs(from[i] - to[i]) > wide[i] / 2)) return; // across the edge
    pen.beginPath();
    pen.moveTo(from[0], from[1]);
    pen.lineTo(to[0], to[1]);
    pen.stroke();
  }

  function drawMeetings(pen, view, data, show) {
    pen.lineCap = "round";
    if (show.pairs) {
      const [first, second] = data.pairs.recorded ? [data.pairs.first, data.pairs.second].map(R.column) : [];
      pen.strokeStyle = R.ink("soft");
      pen.lineWidth = 2;
      pen.setLineDash([3, 4]);
      for (const i of data.within(data.pairs, view.seen - 1, view.seen))
        line(pen, view, data, ends(view, data, first[i]), ends(view, data, second[i]));
      pen.setLineDash([]);
    }
    if (!show.trades || !data.trades.recorded || !data.trades.kept) return;
    const [tick, market, buyer, seller, good] = ["tick", "market", "buyer", "seller", "good"].map((name) =>
      R.column(data.trades[name]),
    );
    const { posts } = data.run.market;
    const [id, x, y] = ["id", "x", "y"].map((name) => R.column(posts[name]));
    pen.lineWidth = 2.25;
    for (const i of data.within(data.trades, view.tick - view.trail, view.tick)) {
      pen.globalAlpha = 1 - (view.tick - tick[i]) / view.trail;
      pen.strokeStyle = R.goodColour(good[i]);
      const [from, to] = [ends(view, data, seller[i]), ends(view, data, buyer[i])];
      const at = market[i] < 0 ? -1 : id.indexOf(market[i]);
      if (at < 0) line(pen, view, data, from, to);
      else
        for (const end of [from, to])
          line(pen, view, data, end, [(x[at] + 0.5) * view.scale, (y[at] + 0.5) * view.scale]);
    }
    pen.globalAlpha = 1;
  }

  function drawAgents(pen, view, data, by) {
    const r = Math.max(1.6, Math.min(view.scale * 0.34, 5.5));
    const edge = r >= 3;
    pen.lineWidth = 1;
    pen.strokeStyle = R.ink("card");
    for (let i = 0; i < data.ids.length; i++) {
      const at = data.place(i, view.frame);
      if (!(data.fields.x[at] >= 0)) continue;
      const [x, y] = R.spot(view, data.ids[i], data.fields.x[at], data.fields.y[at]);
      pen.fillStyle = R.agentColour(data, by, i, at);
      R.drawShape(pen, R.shape(by === "population" ? data.population[i] : data.family[i]), x, y, r);
      if (edge) pen.stroke();
    }
  }

  function drawHeat(pen, view, heat, by, range) {
    const values = heat[by];
    for (let i = 0; i < values.length; i++) {
      if (!(heat.count[i] > 0) || Number.isNaN(values[i])) continue;
      pen.fillStyle = R.ramp((values[i] - range[0]) / (range[1] - range[0] || 1));
      const side = heat.size * view.scale;
      pen.fillRect((i % heat.columns) * side, Math.floor(i / heat.columns) * side, side + 0.5, side + 0.5);
    }
  }

  R.drawMap = function (pen, view, data, show) {
    pen.clearRect(0, 0, data.width * view.scale, data.height * view.scale);
    if (view.frame >= 0 && view.heat) drawHeat(pen, view, view.heat, show.by, view.range);
    if (show.patches && !view.heat) drawPatches(pen, view, data);
    drawRadii(pen, view, data, show);
    if (view.frame >= 0 && !view.heat) drawMeetings(pen, view, data, show);
    drawPosts(pen, view, data);
    if (view.frame >= 0 && !view.heat) drawAgents(pen, view, data, show.by);
  };
})(window.ecsMarketReport);
