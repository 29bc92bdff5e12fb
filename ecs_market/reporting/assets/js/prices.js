"use strict";
// Prices and volume of the chosen good at the chosen posts.
(function (R) {
  const NOTE =
    "Lines: prices as posts publish them, and means of what was paid. Bands: one standard deviation of prices paid, or the spread between best bid and ask.";

  // A line with what lies on either side of it: {tick, value, aside, name, aside's name, looks}.
  function overall(data, state) {
    const { tick, mean, deviation } = data.overallOf(state.good);
    const looks = { ink: "text", width: 2.25, band: 6 };
    return { tick, value: mean, aside: deviation, name: "mean paid, all trades", of: "deviation", looks };
  }

  function ofPost(data, state, id) {
    const colour = state.colour(id);
    const looks = { colour, dash: colour + 1, stepped: id !== R.FACE_TO_FACE, band: colour };
    if (id === R.FACE_TO_FACE) {
      const { tick, mean, dispersion } = data.paid(id, state.good);
      const aside = mean.map((value, i) => value * dispersion[i]);
      return { tick, value: mean, aside, name: "mean paid face to face", of: "deviation", looks };
    }
    const { tick, price, spread } = data.prices(id, state.good);
    return {
      tick,
      value: price,
      aside: R.scaled(spread, 2),
      name: data.label(id) + ", published",
      of: "half the spread",
      looks,
    };
  }

  // A post that posts prices has already set the next one when a tick ends.
  function nextPrices(data, state) {
    const posting = state.posts.filter((id) => id >= 0 && data.mechanism(id) === "posted_price");
    if (!posting.length) return "";
    const { summary } = data.run.facts;
    const good = data.goods[state.good];
    const set = posting.flatMap((id) => {
      const own = ((summary && summary.posts) || []).find((each) => each.id === id);
      const last = data.prices(id, state.good).price.at(-1) / data.steps;
      const next = own && own.prices ? own.prices[good] : undefined;
      const another = next !== undefined && Math.abs(next - last) > 0.5 / data.steps;
      return another ? [`${data.label(id)} ${R.short(next)} M`] : [];
    });
    const told = set.length ? `, so that at the end the run's summary says: ${set.join(", ")}` : "";
    return ` A published price is the one of the tick; a post that posts prices may then set another for the next${told}.`;
  }

  R.priceSpec = function (data, state) {
    const lines = [overall(data, state), ...state.posts.map((id) => ofPost(data, state, id))];
    const { x, columns } = R.joined(lines.map(({ tick, value, aside }) => [tick, value, aside]));
    const series = [],
      bands = [];
    columns.forEach(([value, aside], i) => {
      const { tick, name, of, looks } = lines[i];
      series.push({
        label: name,
        name: name + " [M]",
        values: R.scaled(value, data.steps),
        points: "few",
        count: tick.length,
        ...looks,
      });
      if (!aside.some((width) => width > 0)) return;
      bands.push({ low: series.length, high: series.length + 1, colour: looks.band });
      for (const [sign, word] of [
        [-1, "less"],
        [1, "plus"],
      ]) {
        const edge = value.map((middle, at) => (middle + sign * aside[at]) / data.steps);
        series.push({ label: "", name: `${name}, ${word} ${of} [M]`, values: edge, hidden: true });
      }
    });
    const note = NOTE + nextPrices(data, state) + thinned(data.run.market.clears) + averaged(data.run.market.overall);
    const yLabel = `M for a unit of ${data.goods[state.good]}`;
    return {
      x,
      series: x.length ? series : [],
      bands,
      clocked: true,
      yLabel,
      note,
      none: "No price of this good was recorded.",
    };
  };

  function thinned({ rows, kept }) {
    if (kept === rows) return "";
    return ` Of ${R.number(rows)} points ${R.number(kept)} are kept: of each stretch of ticks the first, the last and the extremes.`;
  }

  function averaged({ stretch }) {
    return stretch > 1 ? ` Means over all trades are of ${R.number(stretch)} ticks each.` : "";
  }

  R.volumeSpec = function (data, state) {
    const { x, columns, stretch } = data.volumes(state.good, state.posts);
    const rest = columns.get(null).some((value) => value > 0);
    const parts = [...state.posts, ...(rest ? [null] : [])].map((id) => {
      const label = id === null ? "all others" : data.label(id);
      return {
        own: columns.get(id),
        label,
        name: label + " [unit]",
        colour: id === null ? 6 : state.colour(id),
        bars: 0.9,
      };
    });
    const per = stretch > 1 ? ` in ${R.number(stretch)} ticks` : " in a tick";
    const note = `Units of ${data.goods[state.good]} traded${per}, stacked.`;
    return {
      x,
      series: R.stacked(parts),
      clocked: true,
      zero: true,
      yLabel: "units" + per,
      stretch,
      xName: "from tick",
      note,
    };
  };
})(window.ecsMarketReport);
