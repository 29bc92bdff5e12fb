"use strict";
// Demand and supply of one clear, price upwards as in any textbook; or the excess of demand.
(function (R) {
  const SCHEDULES =
    "What members wished to buy and sell at prices near the clearing price, other goods at their clearing prices. Small dots are the prices that were asked.";
  const JUMPS = " Where two lie at the same height wishes jump, and nobody wishes what lies between.";
  const CLOSE = 1.002; // prices that lie closer were asked on either side of a jump
  const ORDERS =
    "What orders recorded in this tick bid and asked, added up by their limits; shown near where they cross.";
  // What the dot is, by how the post comes to its prices.
  const DOTS = {
    walrasian_auctioneer: "The large dot is the clearing price and what was traded at it.",
    call_auction: "The dot is the one price of the call and what was traded at it.",
    continuous_double_auction:
      "Trades took place one after the other at prices of their own: the dot is the last of these prices and all that was traded in the tick.",
    posted_price: "The dot is the posted price and what was traded at it.",
  };
  const DOT = "The dot is the price of the clear and what was traded.";
  const ONE_BY_ONE = "continuous_double_auction";
  const NAMES = ["good", "market", "tick", "price", "demand", "supply"];

  // Clears by post and good, and where their points are.
  function clearsOf(table) {
    const columns = R.columns(Object.fromEntries(NAMES.map((name) => [name, table[name]])));
    const same = (i, j) => ["good", "market", "tick"].every((name) => columns[name][i] === columns[name][j]);
    const found = new Map();
    for (let start = 0, i = 1; i <= columns.tick.length; i++) {
      if (i < columns.tick.length && same(i, start)) continue;
      const key = columns.market[start] + "|" + columns.good[start];
      if (!found.has(key)) found.set(key, []);
      found.get(key).push({ tick: columns.tick[start], start, stop: i });
      start = i;
    }
    return { columns, found, table };
  }

  // Orders up to each limit, or from it on.
  function added(values, backwards) {
    const out = Float64Array.from(values);
    if (backwards) for (let i = out.length - 2; i >= 0; i--) out[i] += out[i + 1];
    else for (let i = 1; i < out.length; i++) out[i] += out[i - 1];
    return out;
  }

  // Some bid or ask at any price: a third of the price where the curves cross, to three times it.
  function around({ x, demand, supply }) {
    const cross = demand.findIndex((value, i) => supply[i] >= value);
    const price = x[cross < 0 ? x.length - 1 : cross];
    const near = [Math.max(x[0], price / 3), Math.min(x[x.length - 1], 3 * price)];
    return near[0] < near[1] ? near : undefined;
  }

  // Near a reserve price, wishes can be without measure: what is shown ends well past the crossing.
  function reach({ demand, supply }) {
    const crossing = Math.max(...demand.map((value, i) => Math.min(value, supply[i])));
    const far = 4 * (crossing || Math.min(Math.max(...demand), Math.max(...supply)));
    return far > 0 && Math.max(...demand, ...supply) > far ? [-0.04 * far, far] : undefined;
  }

  function seriesOf({ demand, supply, excess, own }, chosen) {
    const stepped = own ? { stepped: true } : { points: "few", count: demand.length };
    if (chosen)
      return [{ label: "excess demand", name: "excess demand [unit]", values: excess, colour: 3, dash: 0, ...stepped }];
    return [
      { label: "demand", name: "demand [unit]", values: demand, colour: 0, dash: 0, ...stepped, align: -1 },
      { label: "supply", name: "supply [unit]", values: supply, colour: 1, dash: 1, ...stepped },
    ];
  }

  // The clearing price, and what was traded at it.
  function paint(u, price, quantity, excess) {
    const { ctx } = u;
    const { left, top, width, height } = u.bbox;
    const [x, y] = [u.valToPos(quantity, "y", true), u.valToPos(price, "x", true)];
    const inside = [x >= left && x <= left + width, y >= top && y <= top + height];
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = R.ink("accent");
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 4 * devicePixelRatio]);
    if (inside[1]) R.stroke(ctx, [left, y], [left + width, y]);
    if (inside[0] && excess) R.stroke(ctx, [x, top], [x, top + height]);
    ctx.setLineDash([]);
    if (inside[0] && inside[1]) R.drawShape(ctx, "circle", x, y, 5 * devicePixelRatio);
    ctx.restore();
  }

  class CurveCard {
    constructor(data, body, sources, keys) {
      Object.assign(this, { data, sources, keys, key: keys[0], excess: false });
      this.follow();
      this.words = R.el("p", { class: "about" });
      this.card = R.chartCard(body, "Demand and supply of a clear", "curve", { note: " " }, () => this.spec());
      this.card.card.insertBefore(this.controls(), this.card.body);
      this.card.body.before(this.words);
      R.clock.on(() => this.follow() && this.card.renew());
    }

    source() {
      return this.sources.find(({ found }) => found.has(this.key));
    }

    list() {
      return this.source().found.get(this.key);
    }

    // Take the last clear up to the chosen tick; say whether that is another one.
    follow() {
      const before = this.at;
      const ticks = this.list().map(({ tick }) => tick);
      this.at = Math.max(0, R.before(ticks, R.clock.tick));
      return this.at !== before;
    }

    label(key) {
      const [id, good] = key.split("|").map(Number);
      return `${this.data.label(id)}, ${this.data.goods[good]}`;
    }

    mechanism() {
      return this.data.mechanism(Number(this.key.split("|")[0]));
    }

    points() {
      const { columns } = this.source();
      const { start, stop } = this.list()[this.at];
      const cut = (name) => columns[name].subarray(start, stop);
      const own = this.source() === this.sources[1];
      const demand = R.scaled(own ? added(cut("demand"), true) : cut("demand"), this.data.lots);
      const supply = R.scaled(own ? added(cut("supply"), false) : cut("supply"), this.data.lots);
      const excess = demand.map((value, i) => value - supply[i]);
      return { x: R.scaled(cut("price"), this.data.steps), demand, supply, excess, own };
    }

    // What the clear came to, null if its row is not on the page.
    outcome() {
      const { data } = this;
      const { tick } = this.list()[this.at];
      const cleared = data.clears(...this.key.split("|").map(Number));
      const row = R.before(cleared.tick, tick);
      if (row < 0 || cleared.tick[row] !== tick) return null;
      const status = data.run.market.statuses[cleared.status[row]];
      return {
        price: cleared.price[row] / data.steps,
        traded: cleared.traded[row] / data.lots,
        members: cleared.participants[row],
        status,
      };
    }

    tell(outcome) {
      const clear = `${this.label(this.key)}, tick ${R.number(this.list()[this.at].tick)}`;
      if (outcome === null) return clear;
      const { members, price, traded, status } = outcome;
      const last = this.mechanism() === ONE_BY_ONE ? "last price" : "price";
      return `${clear}: ${R.plural(members, "member")}, ${last} ${R.short(price)} M, ${R.short(traded)} units traded, ${status}`;
    }

    note({ own, x }, cut) {
      const { clears, kept } = this.source().table;
      const far = cut ? " Quantities far beyond where the curves cross are cut off." : "";
      const sample = kept < clears ? ` Of ${R.number(clears)} clears ${R.number(kept)} are kept.` : "";
      const jumps = x.some((price, i) => i > 0 && price < CLOSE * x[i - 1]) ? JUMPS : "";
      return `${own ? ORDERS : SCHEDULES + jumps}${far} ${DOTS[this.mechanism()] || DOT}${sample}`;
    }

    spec() {
      const points = this.points(),
        outcome = this.outcome(),
        { excess } = this;
      const range = excess ? undefined : reach(points);
      this.words.textContent = this.tell(outcome);
      const draw = (u) => outcome !== null && paint(u, outcome.price, excess ? 0 : outcome.traded, excess);
      const { x, demand, supply } = points;
      const table = {
        head: ["price [M]", "demand [unit]", "supply [unit]", "excess demand [unit]"],
        rows: x.length,
        row: (i) => [x[i], demand[i], supply[i], points.excess[i]],
      };
      return {
        x,
        series: seriesOf(points, excess),
        draw,
        table,
        range,
        turned: true,
        height: 280,
        xRange: points.own ? around(points) : undefined,
        xLabel: "price [M]",
        yLabel: "units",
        xName: "price [M]",
        note: this.note(points, range !== undefined),
      };
    }

    move(by) {
      this.at = Math.max(0, Math.min(this.list().length - 1, this.at + by));
      R.clock.set(this.list()[this.at].tick);
      this.card.renew();
    }

    controls() {
      const pick = R.choice(
        "Clear",
        this.keys.map((key) => [key, this.label(key)]),
        this.key,
        (key) => {
          this.key = key;
          this.follow();
          this.card.renew();
        },
      );
      const steps = R.el(
        "div",
        { class: "actions" },
        R.button("quiet", () => this.move(-1), {}, "Clear before"),
        R.button("quiet", () => this.move(1), {}, "Next clear"),
      );
      const excess = R.toggle("Excess demand", false, (on) => {
        this.excess = on;
        this.card.renew();
      });
      return R.el("div", { class: "controls bar" }, pick, steps, excess);
    }
  }

  R.curves = function ({ data, body }, run) {
    const sources = [clearsOf(run.curves.schedules), clearsOf(run.curves.orders)];
    const keys = [...new Set(sources.flatMap(({ found }) => [...found.keys()]))];
    if (keys.length) return new CurveCard(data, body, sources, keys);
    const none =
      "No curve was recorded: no Walrasian post cleared in a snapshot, or they had too many members; auctions' curves need telemetry level orders.";
    const level = `Curves are not recorded at telemetry level ${run.facts.level}; level trades has them.`;
    const card = R.card(body, "Demand and supply of a clear", { name: "curve" });
    return card.body.append(R.el("p", { class: "empty" }, run.curves.recorded ? none : level));
  };
})(window.ecsMarketReport);
