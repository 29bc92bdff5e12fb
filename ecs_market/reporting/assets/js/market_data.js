"use strict";
// Series of one good at one post, cut out of the tables of all.
(function (R) {
  R.FACE_TO_FACE = -1;

  // A function that gives a post's and a good's part of a table that is sorted by both.
  function cutter(table) {
    const columns = R.columns(table.columns);
    const { market, good } = columns;
    const found = new Map();
    for (let start = 0, i = 1; i <= market.length; i++) {
      if (i < market.length && market[i] === market[start] && good[i] === good[start]) continue;
      found.set(market[start] + "|" + good[start], [start, i]);
      start = i;
    }
    return (id, number) => {
      const range = found.get(id + "|" + number) || [0, 0];
      return Object.fromEntries(Object.entries(columns).map(([name, column]) => [name, column.subarray(...range)]));
    };
  }

  class MarketData {
    constructor(run) {
      const { market, facts } = run;
      this.run = run;
      this.posts = R.columns(
        Object.fromEntries(Object.entries(market.posts).filter(([, value]) => value.n !== undefined)),
      );
      this.at = new Map(Array.from(this.posts.id, (id, i) => [id, i]));
      this.overall = R.columns(market.overall.columns);
      this.traded = R.columns(market.traded.columns);
      this.clears = cutter(market.clears);
      this.prices = cutter(market.prices);
      this.paid = cutter(market.paid);
      this.ids = market.chosen;
      this.goods = market.goods;
      this.steps = facts.units.steps;
      this.lots = facts.units.lots;
      this.label = (id) => (id === R.FACE_TO_FACE ? "face to face" : `post ${id}`);
    }

    mechanism(id) {
      return this.run.market.posts.mechanisms[this.posts.mechanism[this.at.get(id)]];
    }

    // The goods that a post trades.
    sold(id) {
      return this.run.market.posts.commodities[this.posts.goods[this.at.get(id)]].filter((name) => name !== "M");
    }

    sells(id, good) {
      return this.sold(id).includes(this.goods[good]);
    }

    overallOf(good) {
      const rows = Array.from(this.overall.good.keys()).filter((i) => this.overall.good[i] === good);
      const pick = (name) => Float64Array.from(rows, (i) => this.overall[name][i]);
      return { tick: pick("tick"), volume: pick("volume"), mean: pick("mean"), deviation: pick("deviation") };
    }

    // Volume of a good in stretches of ticks at several places; `null` stands for all others.
    volumes(good, places) {
      const { stretch } = this.run.market.traded;
      const bars = Math.ceil(this.run.facts.ticks / stretch);
      const columns = new Map([...places, null].map((id) => [id, new Float64Array(bars)]));
      const { tick, market, quantity, good: of } = this.traded;
      for (let i = 0; i < tick.length; i++) {
        if (of[i] !== good) continue;
        const into = columns.get(places.includes(market[i]) ? market[i] : null);
        into[tick[i] / stretch] += quantity[i] / this.lots;
      }
      return { x: Float64Array.from({ length: bars }, (_, i) => i * stretch), columns, stretch };
    }
  }

  R.marketData = (run) => new MarketData(run);
  R.scaled = (column, by) => Float64Array.from(column, (value) => value / by);
})(window.ecsMarketReport);
