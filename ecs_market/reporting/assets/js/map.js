"use strict";
// The map card: canvas, what is shown on it, its legend, and who is under the pointer.
(function (R) {
  const HEAT = [["count", "agents in a square"], ["wealth", "mean wealth"], ["gain", "mean gain so far"]];
  const BY = [["family", "utility family"], ["population", "population"], ["target", "what they head for"], ["wealth", "wealth"], ["gain", "gain so far"]];

  function swatch(colour, shape, text) {
    const canvas = R.el("canvas", { width: 32, height: 32, class: "swatch", "aria-hidden": "true" });
    const pen = canvas.getContext("2d");
    if (shape === "line" || shape === "dashed") {
      pen.strokeStyle = colour;
      pen.lineWidth = 4;
      pen.setLineDash(shape === "dashed" ? [6, 8] : []);
      pen.beginPath();
      pen.moveTo(2, 16);
      pen.lineTo(30, 16);
      pen.stroke();
    } else {
      pen.fillStyle = colour;
      R.drawShape(pen, shape, 16, 16, 10);
    }
    return R.el("li", {}, canvas, R.el("span", {}, text));
  }

  function scaleBar(low, high) {
    const steps = Array.from({ length: 11 }, (_, i) => R.ramp(i / 10)).join(", ");
    const bar = R.el("span", { class: "ramp" });
    bar.style.backgroundImage = `linear-gradient(to right, ${steps})`;
    return R.el("li", { class: "scale" }, R.el("span", {}, low), bar, R.el("span", {}, high));
  }

  function legendItems(data, view, show) {
    const { snapshots, market } = data.run;
    const named = (names, colour, shape) => names.map((name, i) => swatch(colour(name, i), shape(i), name || "unknown"));
    const items = [];
    if (view.heat) items.push(scaleBar(`${show.by === "count" ? "" : "≤ "}${R.short(view.range[0])}`, show.by === "count" ? `${R.short(view.range[1])} agents` : `≥ ${R.short(view.range[1])} M`));
    else if (show.by === "family") items.push(...named(snapshots.families, (_, i) => R.colour(i), R.shape));
    else if (show.by === "population") items.push(...named(snapshots.populations, (_, i) => R.colour(i), R.shape));
    else {
      if (show.by === "target") items.push(...named(snapshots.kinds.map((kind) => ({ market: "a post", agent: "an agent", resource: "a patch", idle: "nothing" }[kind] || kind)), (_, i) => R.targetColour(snapshots.kinds[i]), () => "circle"));
      else items.push(scaleBar("≤ " + R.short(data.ranges[show.by][0]), `≥ ${R.short(data.ranges[show.by][1])} M`));
      if (snapshots.families.length > 1) items.push(...named(snapshots.families, () => R.ink("soft"), R.shape));
    }
    const posts = R.column(market.posts.id).length;
    if (posts) items.push(swatch(R.ink("text"), "square", posts > R.MOST_RADII ? "post" : "post, with its number"));
    if (!view.heat && show.trades && data.trades.kept) items.push(...market.goods.slice(0, 6).map((good, i) => swatch(R.colour(i + 2), "line", "trade of " + good)));
    if (!view.heat && show.pairs && data.pairs.kept) items.push(swatch(R.ink("soft"), "dashed", "pair that met"));
    if (!view.heat && show.patches && data.patches.changes) items.push(...market.goods.slice(0, 6).map((good, i) => swatch(R.faint(i + 2, 0.45), "square", "patch of " + good)));
    return items;
  }

  function notes(data) {
    const { facts, snapshots, trades, patches } = data.run;
    const words = [];
    if (data.sampled) words.push(snapshots.bins === null
      ? `A sample of ${R.number(data.ids.length)} of ${R.number(facts.agents)} agents is shown, evenly spaced by their numbers.`
      : `The heat map counts all ${R.number(snapshots.recorded)} recorded agents; as points a sample of ${R.number(data.ids.length)} is shown.`);
    if (facts.snapshot_every > 1 || snapshots.snapshots > data.ticks.length) words.push(`Positions are from ${R.plural(data.ticks.length, "snapshot")}${snapshots.snapshots > data.ticks.length ? ` of ${R.number(snapshots.snapshots)}` : ""}; between them the last one stays.`);
    if (!trades.recorded) words.push(`Single trades and pairs are not recorded at telemetry level ${facts.level}.`);
    else if (trades.kept < trades.rows) words.push(`${R.number(trades.kept)} of ${R.number(trades.rows)} trades are drawn, evenly chosen.`);
    if (patches.kept < patches.changes) words.push("Changes of stock are drawn for an even choice of patches; the others stay as they were first seen.");
    if (R.column(data.run.market.posts.id).length > R.MOST_RADII) words.push(`Radii are drawn for up to ${R.MOST_RADII} posts only.`);
    return words.join(" ");
  }

  R.map = function (run) {
    const data = R.mapData(run);
    const { body } = R.section("Map", null);
    const card = R.card(body, "Agents, posts and trades", { wide: true, name: "map", note: notes(data) });
    const canvas = R.el("canvas", { id: "map", tabindex: 0, role: "img" });
    const legend = R.el("ul", { class: "legend" });
    const about = R.el("p", { class: "about", id: "map-about" });
    const under = R.el("p", { class: "under", id: "under" });
    const few = R.column(run.market.posts.id).length <= 30;
    const show = { by: run.snapshots.families.length > 1 ? "family" : "gain", heat: data.heat, interaction: few, visibility: few, broadcast: false, pairs: true, trades: true, patches: true };
    const view = { scale: 1, tick: R.clock.tick, frame: -1, from: -1, heat: null, range: [0, 1] };
    const known = { trades: run.trades.kept > 0, pairs: run.pairs.kept > 0, patches: run.patches.changes > 0 };
    const boxes = [["interaction", "Interaction radius"], ["visibility", "Visibility radius"], ["broadcast", "Broadcast radius"], ["trades", "Trades"], ["pairs", "Pairs"], ["patches", "Patches"]].filter(([name]) => known[name] !== false).map(([name, label]) => R.toggle(label, show[name], (on) => { show[name] = on; draw(); }));
    const by = R.el("div");
    const offer = () => {
      const options = show.heat ? HEAT : BY;
      if (!options.some(([value]) => value === show.by)) show.by = options[0][0];
      by.replaceChildren(R.choice("Colour by", options, show.by, (value) => { show.by = value; draw(); }));
    };
    offer();
    if (data.heat) boxes.unshift(R.toggle("Heat map", true, (on) => { show.heat = on; offer(); draw(); }));
    const controls = R.el("div", { class: "controls" }, by, R.el("fieldset", {}, R.el("legend", {}, "Show"), ...boxes));
    const stage = R.el("div", { class: "stage" }, canvas);
    card.body.append(R.el("div", { class: "map" }, stage, R.el("div", { class: "side" }, about, controls, legend, under)));
    const foot = R.actions("agents", "Agents on the map", () => {
      const found = data.agents(view.frame);
      return {
        head: ["agent", "x", "y", "population", "family", "heads for", "money [M]", "wealth [M]", "gain [M]"], rows: found.length,
        row: (i) => { const each = found[i]; return [each.id, each.x, each.y, each.population, each.family, each.target, each.money, each.wealth, each.gain]; },
      };
    });
    card.card.append(foot);

    function size() {
      const tall = Math.max(360, Math.min(680, window.innerHeight - 170));
      view.scale = Math.min(Math.max(stage.clientWidth, 200) / data.width, tall / data.height);
      const [w, h] = [Math.round(data.width * view.scale), Math.round(data.height * view.scale)];
      canvas.style.width = w + "px";
      canvas.style.height = h + "px";
      canvas.width = w * devicePixelRatio;
      canvas.height = h * devicePixelRatio;
    }

    function draw() {
      view.tick = R.clock.tick;
      view.frame = data.frameAt(view.tick);
      const seen = view.frame < 0 ? view.tick : data.ticks[view.frame];
      view.from = Math.min(view.frame > 0 ? data.ticks[view.frame - 1] : -2, view.tick - 1);
      if (seen === view.tick) view.from = view.tick - 1;
      view.heat = show.heat && data.heat && view.frame >= 0 ? R.heatAt(data, view.frame) : null;
      if (view.heat) view.range = show.by === "count" ? [0, view.heat.count.reduce((most, value) => Math.max(most, value), 1)] : data.ranges[show.by];
      const pen = canvas.getContext("2d");
      pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      R.drawMap(pen, view, data, show);
      const count = view.frame < 0 ? 0 : data.agents(view.frame).length;
      const traded = data.within(data.trades, view.tick - 1, view.tick).length;
      Object.assign(canvas.dataset, { tick: view.tick, snapshot: seen, agents: count });
      canvas.setAttribute("aria-label", `Map of ${R.plural(count, "agent")} and the posts at ${R.clock.name(view.tick)}`);
      about.replaceChildren(R.el("strong", {}, view.tick < 0 ? "At the start" : "After tick " + R.number(view.tick)), `: ${R.plural(count, "agent")}${data.sampled ? " of the sample" : ""}${data.trades.recorded ? ", " + R.plural(traded, "trade") : ""}${seen !== view.tick && view.frame >= 0 ? `; positions of ${R.clock.name(seen)}` : ""}`);
      legend.replaceChildren(...legendItems(data, view, show));
      foot.renew();
    }

    function nearest(event) {
      const box = canvas.getBoundingClientRect();
      const [x, y] = [event.clientX - box.left, event.clientY - box.top];
      let best = null, least = 14 * 14;
      for (let i = 0; view.frame >= 0 && i < data.ids.length; i++) {
        const at = data.place(i, view.frame);
        if (!(data.fields.x[at] >= 0)) continue;
        const [cx, cy] = R.spot(view, data.ids[i], data.fields.x[at], data.fields.y[at]);
        const far = (cx - x) ** 2 + (cy - y) ** 2;
        if (far < least) [best, least] = [data.agent(i, view.frame), far];
      }
      return best;
    }

    canvas.addEventListener("pointermove", (event) => {
      const each = nearest(event);
      under.textContent = each === null ? "" : `Agent ${each.id} (${each.population}, ${each.family}) at (${each.x}, ${each.y}): heads for ${each.target}, wealth ${R.short(each.wealth)} M, gained ${R.short(each.gain)} M`;
    });
    canvas.addEventListener("keydown", (event) => {
      const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (by) R.clock.set(R.clock.tick + by * (event.shiftKey ? 10 : 1));
      if (event.key === " ") R.clock.play(!R.clock.playing);
      if (by || event.key === " ") event.preventDefault();
    });
    new ResizeObserver(() => { size(); draw(); }).observe(stage);
    R.clock.on(draw);
    R.onTheme(draw);

    // For tests and for whoever looks into the page's console; described in the documentation.
    R.agents = () => data.agents(view.frame);
    R.screenPosition = (id) => {
      const number = data.ids.indexOf(id), at = data.place(number, view.frame), box = canvas.getBoundingClientRect();
      const [x, y] = R.spot(view, id, data.fields.x[at], data.fields.y[at]);
      return [box.left + x, box.top + y];
    };
    size();
    draw();
    return data;
  };
})(window.ecsMarketReport);
