"use strict";
// Demand and supply of one clear, price upwards as in any textbook; or the excess of demand.
(function (R) {
  function clearsOf(table) {
    const columns = R.columns({ good: table.good, market: table.market, tick: table.tick, price: table.price, demand: table.demand, supply: table.supply });
    const found = new Map();
    for (let start = 0, i = 1; i <= columns.tick.length; i++) {
      if (i < columns.tick.length && ["good", "market", "tick"].every((name) => columns[name][i] === columns[name][start])) continue;
      const key = columns.market[start] + "|" + columns.good[start];
      if (!found.has(key)) found.set(key, []);
      found.get(key).push({ tick: columns.tick[start], start, stop: i });
      start = i;
    }
    return { columns, found };
  }

  function added(values, backwards) {
    const out = Float64Array.from(values);
    if (backwards) for (let i = out.length - 2; i >= 0; i--) out[i] += out[i + 1];
    else for (let i = 1; i < out.length; i++) out[i] += out[i - 1];
    return out;
  }

  // Some bid or ask at any price: a third of the price where the curves cross, to three times it.
  function around(x, demand, supply) {
    const cross = demand.findIndex((value, i) => supply[i] >= value);
    const price = x[cross < 0 ? x.length - 1 : cross];
    const near = [Math.max(x[0], price / 3), Math.min(x[x.length - 1], 3 * price)];
    return near[0] < near[1] ? near : undefined;
  }

  R.curves = function (market, run) {
    const { data, body } = market;
    const schedules = clearsOf(run.curves.schedules), orders = clearsOf(run.curves.orders);
    const keys = [...new Set([...schedules.found.keys(), ...orders.found.keys()])];
    if (!keys.length) {
      const level = run.facts.level;
      R.card(body, "Demand and supply of a clear", { name: "curve" }).body.append(R.el("p", { class: "empty" }, run.curves.recorded ? "No curve was recorded: no Walrasian post cleared in a snapshot, or they had too many members; auctions' curves need telemetry level orders." : `Curves are not recorded at telemetry level ${level}; level trades has them.`));
      return;
    }
    const label = (key) => { const [id, good] = key.split("|").map(Number); return `${data.label(id)}, ${data.goods[good]}`; };
    const state = { key: keys[0], excess: false, at: 0 };
    const source = () => (schedules.found.has(state.key) ? schedules : orders);
    const list = () => source().found.get(state.key);
    const follow = () => (state.at = Math.max(0, R.before(list().map((each) => each.tick), R.clock.tick)));
    follow();

    function spec() {
      const from = source(), clear = list()[state.at], [id, good] = state.key.split("|").map(Number);
      const cut = (name) => from.columns[name].subarray(clear.start, clear.stop);
      const own = from === orders;
      const x = R.scaled(cut("price"), data.steps);
      const demand = R.scaled(own ? added(cut("demand"), true) : cut("demand"), data.lots), supply = R.scaled(own ? added(cut("supply"), false) : cut("supply"), data.lots);
      const excess = demand.map((value, i) => value - supply[i]);
      const stepped = own ? { stepped: true } : {};
      const series = state.excess ? [Object.assign({ label: "excess demand", name: "excess demand [unit]", values: excess, colour: 3, dash: 0 }, stepped)]
        : [Object.assign({ label: "demand", name: "demand [unit]", values: demand, colour: 0, dash: 0 }, stepped, own ? { align: -1 } : {}), Object.assign({ label: "supply", name: "supply [unit]", values: supply, colour: 1, dash: 1 }, stepped)];
      const cleared = data.clears(id, good);
      const row = R.before(cleared.tick, clear.tick);
      const known = row >= 0 && cleared.tick[row] === clear.tick;
      const price = known ? cleared.price[row] / data.steps : NaN;
      const crossing = Math.max(...demand.map((value, i) => Math.min(value, supply[i])));
      const far = 4 * (crossing || Math.min(Math.max(...demand), Math.max(...supply)));
      const range = !state.excess && Math.max(...demand, ...supply) > far && far > 0 ? [-0.04 * far, far] : undefined;
      const near = own ? around(x, demand, supply) : undefined;
      const draw = (u) => paint(u, price, known ? (state.excess ? 0 : cleared.traded[row] / data.lots) : NaN, state.excess);
      words.textContent = `${label(state.key)}, tick ${R.number(clear.tick)}` + (known ? `: ${R.number(cleared.participants[row])} members, price ${R.short(price)} M, ${R.short(cleared.traded[row] / data.lots)} units traded, ${data.run.market.statuses[cleared.status[row]]}` : "");
      const sum = run.curves[own ? "orders" : "schedules"];
      const kept = sum.kept < sum.clears ? ` Of ${R.number(sum.clears)} clears ${R.number(sum.kept)} are kept.` : "";
      return { x, series, draw, turned: true, height: 280, xRange: near, range, xLabel: "price [M]", yLabel: "units", xName: "price [M]", note: (own ? "What orders recorded in this tick bid and asked, added up by their limits; shown near where they cross." : "What members wished to buy and sell at prices near the clearing price, other goods at their clearing prices.") + (range ? " Quantities far beyond where the curves cross are cut off." : "") + " The dot is what was traded." + kept,
        table: { head: ["price [M]", "demand [unit]", "supply [unit]", "excess demand [unit]"], rows: x.length, row: (i) => [x[i], demand[i], supply[i], excess[i]] } };
    }

    function paint(u, price, quantity, excess) {
      const { ctx } = u;
      ctx.save();
      ctx.strokeStyle = ctx.fillStyle = R.ink("accent");
      ctx.lineWidth = devicePixelRatio;
      ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
      const line = (x1, y1, x2, y2) => { ctx.beginPath(); ctx.moveTo(x1, y1); ctx.lineTo(x2, y2); ctx.stroke(); };
      const { left, top, width, height } = u.bbox;
      const y = u.valToPos(price, "x", true), x = u.valToPos(quantity, "y", true);
      if (y >= top && y <= top + height) line(left, y, left + width, y);
      if (excess && x >= left && x <= left + width) line(x, top, x, top + height);
      ctx.setLineDash([]);
      if (y >= top && y <= top + height && x >= left && x <= left + width) {
        ctx.beginPath();
        ctx.arc(x, y, 5 * devicePixelRatio, 0, 7);
        ctx.fill();
      }
      ctx.restore();
    }

    const words = R.el("p", { class: "about" });
    const card = R.chartCard(body, "Demand and supply of a clear", "curve", { note: " " }, spec);
    const move = (by) => () => { state.at = Math.max(0, Math.min(list().length - 1, state.at + by)); R.clock.set(list()[state.at].tick); card.renew(); };
    const pick = R.choice("Clear", keys.map((key) => [key, label(key)]), state.key, (key) => { state.key = key; follow(); card.renew(); });
    card.card.insertBefore(R.el("div", { class: "controls bar" }, pick, R.el("div", { class: "actions" }, R.el("button", { type: "button", class: "quiet", on: { click: move(-1) } }, "Clear before"), R.el("button", { type: "button", class: "quiet", on: { click: move(1) } }, "Next clear")), R.toggle("Excess demand", false, (on) => { state.excess = on; card.renew(); })), card.body);
    card.body.before(words);
    R.clock.on(() => { const before = state.at; follow(); if (before !== state.at) card.renew(); });
  };
})(window.ecsMarketReport);
