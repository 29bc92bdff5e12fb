"use strict";
// Series of one good at one post, cut out of the tables of all.
(function (R) {
  R.FACE_TO_FACE = -1;
  R.OTHER_POSTS = -2;

  function index(table) {
    const columns = R.columns(table.columns);
    const found = new Map();
    for (let start = 0, i = 1; i <= columns.market.length; i++) {
      if (i < columns.market.length && columns.market[i] === columns.market[start] && columns.good[i] === columns.good[start]) continue;
      found.set(columns.market[start] + "|" + columns.good[start], [start, i]);
      start = i;
    }
    return (market, good) => {
      const [start, stop] = found.get(market + "|" + good) || [0, 0];
      const out = {};
      for (const name of Object.keys(columns)) out[name] = columns[name].subarray(start, stop);
      return out;
    };
  }

  R.marketData = function (run) {
    const { market, facts } = run;
    const posts = R.columns(Object.fromEntries(Object.entries(market.posts).filter(([, value]) => value && value.n !== undefined)));
    const at = new Map(Array.from(posts.id, (id, i) => [id, i]));
    const mechanism = (id) => market.posts.mechanisms[posts.mechanism[at.get(id)]];
    const label = (id) => (id === R.FACE_TO_FACE ? "face to face" : id === R.OTHER_POSTS ? "other posts" : `post ${id}`);
    const sells = (id, good) => JSON.parse(market.posts.commodities[posts.goods[at.get(id)]] || "[]").includes(market.goods[good]);
    const overall = R.columns(market.overall.columns);
    const traded = R.columns(market.traded.columns);

    function overallOf(good) {
      const rows = Array.from(overall.good.keys()).filter((i) => overall.good[i] === good);
      const pick = (name) => Float64Array.from(rows, (i) => overall[name][i]);
      return { tick: pick("tick"), volume: pick("volume"), mean: pick("mean"), deviation: pick("deviation") };
    }

    // Volume of a good in stretches of ticks at several places; what is not named is "the rest".
    function volumes(good, places) {
      const { stretch } = market.traded;
      const bars = Math.max(Math.ceil(facts.ticks / stretch), 0);
      const x = Float64Array.from({ length: bars }, (_, i) => i * stretch);
      const columns = new Map([...places, null].map((id) => [id, new Float64Array(bars)]));
      for (let i = 0; i < traded.tick.length; i++) {
        if (traded.good[i] !== good) continue;
        const into = columns.get(places.includes(traded.market[i]) ? traded.market[i] : null);
        into[traded.tick[i] / stretch] += traded.quantity[i] / facts.units.lots;
      }
      return { x, columns, stretch };
    }

    return {
      run, posts, at, mechanism, label, sells, overallOf, volumes,
      clears: index(market.clears), prices: index(market.prices), paid: index(market.paid),
      ids: market.chosen, goods: market.goods, steps: facts.units.steps, lots: facts.units.lots,
    };
  };

  R.scaled = (column, by) => Float64Array.from(column, (value) => value / by);
})(window.ecsMarketReport);
