"use strict";
// The map card: canvas, what is shown on it, and who is under the pointer.
(function (R) {
  const HEAT = [
    ["count", "agents in a square"],
    ["wealth", "mean wealth"],
    ["gain", "mean gain so far"],
  ];
  const BY = [
    ["family", "utility family"],
    ["population", "population"],
    ["target", "what they head for"],
    ["wealth", "wealth"],
    ["gain", "gain so far"],
  ];
  const LAYERS = [
    ["interaction", "Interaction radius"],
    ["visibility", "Visibility radius"],
    ["broadcast", "Broadcast radius"],
    ["trades", "Trades"],
    ["pairs", "Pairs"],
    ["patches", "Patches"],
  ];
  const TRAIL_SECONDS = 0.4; // how long a trade is seen while time goes on
  const NEAR = 14; // the pointer finds agents within this many pixels

  class MapCard {
    constructor(run) {
      this.data = R.mapData(run);
      const few = R.column(run.market.posts.id).length <= 30;
      const by = run.snapshots.families.length > 1 ? "family" : "gain";
      this.show = {
        by,
        heat: this.data.heat,
        interaction: few,
        visibility: few,
        broadcast: false,
        pairs: true,
        trades: true,
        patches: true,
      };
      this.view = { scale: 1, tick: R.clock.tick, frame: -1, seen: -1, trail: 1, heat: null, range: [0, 1] };
      this.build(run);
      this.listen();
      this.fit();
    }

    build(run) {
      const { body } = R.section("Map", null);
      const card = R.card(body, "Agents, posts and trades", { wide: true, name: "map", note: R.mapNotes(this.data) });
      this.canvas = R.el("canvas", { id: "map", tabindex: 0, role: "img" });
      this.stage = R.el("div", { class: "stage" }, this.canvas);
      this.legend = R.el("ul", { class: "legend" });
      this.about = R.el("p", { class: "about" });
      this.under = R.el("p", { class: "under", id: "under" });
      const side = R.el("div", { class: "side" }, this.about, this.controls(run), this.legend, this.under);
      card.body.append(R.el("div", { class: "map" }, this.stage, side));
      this.foot = R.actions("agents", "Agents on the map", () => this.table());
      card.card.append(this.foot);
    }

    controls(run) {
      const { show, data } = this;
      const [by, layers] = [R.el("div"), R.el("fieldset")];
      const posts = R.column(run.market.posts.id).length;
      const radii = posts > 0 && posts <= R.MOST_RADII;
      const events = { trades: run.trades.kept, pairs: run.pairs.kept, patches: run.patches.changes };
      const set = (name) => (value) => {
        show[name] = value;
        if (name === "heat") R.keepFocus(layers, offer);
        this.draw();
      };
      // What a heat map covers is not offered with it.
      const offered = ([name]) => (name in events ? events[name] > 0 && !show.heat : radii);
      const offer = () => {
        const options = show.heat ? HEAT : BY;
        if (!options.some(([value]) => value === show.by)) show.by = options[0][0];
        by.replaceChildren(R.choice("Colour by", options, show.by, set("by")));
        const boxes = LAYERS.filter(offered).map(([name, label]) => R.toggle(label, show[name], set(name)));
        layers.replaceChildren(R.el("legend", {}, "Show"), ...(data.heat ? [heat] : []), ...boxes);
        layers.hidden = !data.heat && !boxes.length;
      };
      const heat = R.toggle("Heat map", true, set("heat"));
      offer();
      return R.el("div", { class: "controls" }, by, layers);
    }

    table() {
      const found = this.data.agents(this.view.frame);
      const names = ["id", "x", "y", "population", "family", "target", "money", "wealth", "gain"];
      return {
        head: [
          "agent",
          "x",
          "y",
          "population",
          "family",
          "heads for",
          "money [M]",
          "wealth [M]",
          `gain [${R.gainUnit(this.data.run)}]`,
        ],
        rows: found.length,
        row: (i) => names.map((name) => found[i][name]),
      };
    }

    fit() {
      const { canvas, data, view } = this;
      const tall = Math.max(360, Math.min(680, window.innerHeight - 170));
      const wide = Math.max(this.stage.clientWidth, 200);
      view.scale = Math.min(wide / data.width, tall / data.height);
      const [w, h] = [data.width, data.height].map((cells) => Math.round(cells * view.scale));
      canvas.style.width = w + "px";
      canvas.style.height = h + "px";
      canvas.width = w * devicePixelRatio;
      canvas.height = h * devicePixelRatio;
      this.draw();
    }

    look() {
      const { data, view, show } = this;
      view.tick = R.clock.tick;
      view.frame = data.frameAt(view.tick);
      view.seen = view.frame < 0 ? view.tick : data.ticks[view.frame];
      view.trail = R.clock.playing ? Math.ceil(TRAIL_SECONDS * R.clock.speed) : 1;
      view.heat = show.heat && data.heat && view.frame >= 0 ? R.heatAt(data, view.frame) : null;
      if (view.heat === null) return;
      const most = view.heat.count.reduce((high, value) => Math.max(high, value), 1);
      view.range = show.by === "count" ? [0, most] : data.ranges[show.by];
    }

    draw() {
      this.look();
      const { canvas, data, view, show } = this;
      const pen = canvas.getContext("2d");
      pen.setTransform(devicePixelRatio, 0, 0, devicePixelRatio, 0, 0);
      R.drawMap(pen, view, data, show);
      this.tell();
      this.legend.replaceChildren(...R.mapLegend(data, view, show));
      this.foot.renew();
    }

    tell() {
      const { canvas, data, view } = this;
      const count = view.frame < 0 ? 0 : data.agents(view.frame).length;
      const words = [R.plural(count, "agent") + (data.sampled ? " of the sample" : "")];
      if (data.trades.recorded)
        words.push(R.plural(data.within(data.trades, view.tick - 1, view.tick).length, "trade"));
      const late = view.seen !== view.tick ? `; positions of ${R.clock.name(view.seen)}` : "";
      const when = view.tick < 0 ? "At the start" : "After tick " + R.number(view.tick);
      this.about.replaceChildren(R.el("strong", {}, when), `: ${words.join(", ")}${late}`);
      Object.assign(canvas.dataset, { tick: view.tick, snapshot: view.seen, agents: count });
      canvas.setAttribute("aria-label", `Map of ${words[0]} and the posts at ${R.clock.name(view.tick)}`);
    }

    // Where an agent is drawn, in pixels of the canvas; null if it is not.
    spot(number) {
      const { data, view } = this;
      const at = data.place(number, view.frame);
      if (view.frame < 0 || !(data.fields.x[at] >= 0)) return null;
      return R.spot(view, data.ids[number], data.fields.x[at], data.fields.y[at]);
    }

    nearest(event) {
      const box = this.canvas.getBoundingClientRect();
      let [best, least] = [-1, NEAR];
      for (let i = 0; i < this.data.ids.length; i++) {
        const spot = this.spot(i);
        if (spot === null) continue;
        const far = Math.hypot(spot[0] - event.clientX + box.left, spot[1] - event.clientY + box.top);
        if (far < least) [best, least] = [i, far];
      }
      return best < 0 ? null : this.data.agent(best, this.view.frame);
    }

    describe(each) {
      if (each === null) return "";
      const gained = `${R.short(each.gain)} ${R.gainUnit(this.data.run)}`;
      const place = `at (${each.x}, ${each.y}): heads for ${R.targetName(each.target)}`;
      return `Agent ${each.id} (${each.population}, ${each.family}) ${place}, wealth ${R.short(each.wealth)} M, gained ${gained}`;
    }

    listen() {
      const { canvas } = this;
      canvas.addEventListener("pointermove", (event) => (this.under.textContent = this.describe(this.nearest(event))));
      canvas.addEventListener("keydown", R.clock.key);
      new ResizeObserver(() => this.fit()).observe(this.stage);
      R.clock.on(() => this.draw());
      R.onTheme(() => this.draw());
    }
  }

  R.map = function (run) {
    const map = new MapCard(run);
    // For tests and for whoever looks into the page's console; described in the documentation.
    R.agents = () => map.data.agents(map.view.frame);
    R.screenPosition = function (id) {
      const box = map.canvas.getBoundingClientRect();
      const [x, y] = map.spot(map.data.ids.indexOf(id));
      return [box.left + x, box.top + y];
    };
    return map.data;
  };
})(window.ecsMarketReport);
