"use strict";
// What the map's colours and shapes mean, and what it leaves out.
(function (R) {
  const TARGETS = { market: "a post", agent: "an agent", resource: "a patch", idle: "nothing" };
  const GOODS = 6;
  const WITHIN = {
    interaction: "within it agents can trade at the post",
    visibility: "within it agents see the post",
    broadcast: "within it agents hear its prices",
  };

  // `dash` [pixel] is of lines only.
  function swatch(colour, shape, text, dash = []) {
    const canvas = R.el("canvas", { width: 32, height: 32, class: "swatch", "aria-hidden": "true" });
    const pen = canvas.getContext("2d");
    pen.strokeStyle = pen.fillStyle = colour;
    if (shape === "line") {
      pen.lineWidth = 4;
      pen.setLineDash(dash.map((length) => 2 * length));
      R.stroke(pen, [2, 16], [30, 16]);
    } else if (shape === "outline") {
      pen.lineWidth = 2;
      pen.strokeRect(7, 7, 18, 18);
    } else R.drawShape(pen, shape, 16, 16, 10);
    return R.el("li", {}, canvas, R.el("span", {}, text));
  }

  function scaleBar(low, high) {
    const steps = Array.from({ length: 11 }, (_, i) => R.ramp(i / 10)).join(", ");
    const bar = R.el("span", { class: "ramp" });
    bar.style.backgroundImage = `linear-gradient(to right, ${steps})`;
    return R.el("li", { class: "scale" }, R.el("span", {}, low), bar, R.el("span", {}, high));
  }

  R.targetName = (kind) => TARGETS[kind] || kind;

  const named = (names, colour, shape) => names.map((name, i) => swatch(colour(i), shape(i), name || "unknown"));

  function agentItems(data, show) {
    const { families, populations, kinds } = data.run.snapshots;
    if (show.by === "family") return named(families, R.colour, R.shape);
    if (show.by === "population") return named(populations, R.colour, R.shape);
    const shapes = families.length > 1 ? named(families, () => R.ink("soft"), R.shape) : [];
    if (show.by === "target") {
      const targets = kinds.map(R.targetName);
      return [
        ...named(
          targets,
          (i) => R.targetColour(kinds[i]),
          () => "circle",
        ),
        ...shapes,
      ];
    }
    const [low, high] = data.ranges[show.by].map(R.short);
    return [scaleBar("≤ " + low, `≥ ${high} ${unitOf(data, show)}`), ...shapes];
  }

  const unitOf = (data, show) => (show.by === "gain" ? R.gainUnit(data.run) : "M");

  function heatItems(data, view, show) {
    const [low, high] = view.range.map(R.short);
    if (show.by === "count") return [scaleBar(low, high + " agents")];
    return [scaleBar("≤ " + low, `≥ ${high} ${unitOf(data, show)}`)];
  }

  function radiusItems(show, posts) {
    const shown = R.RADII.filter(([name]) => show[name] && posts > 0 && posts <= R.MOST_RADII).reverse();
    const item = ([name, dash]) => swatch(R.faint(0, 0.9), "line", `${name} radius: ${WITHIN[name]}`, dash);
    return shown.map(item);
  }

  function eventItems(data, view, show) {
    const goods = data.run.market.goods.slice(0, GOODS);
    const items = [];
    if (show.trades && data.trades.kept)
      items.push(...goods.map((good, i) => swatch(R.goodColour(i), "line", "trade of " + good)));
    if (show.pairs && data.pairs.kept) items.push(swatch(R.ink("soft"), "line", "pair that met", [3, 4]));
    if (show.patches && data.patches.changes) {
      items.push(...goods.map((good, i) => swatch(R.goodColour(i, 0.45), "square", "patch of " + good)));
      if (view.scale >= R.OUTLINED) items.push(swatch(R.goodColour(0, 0.8), "outline", "outlined patch: empty"));
    }
    return items;
  }

  R.mapLegend = function (data, view, show) {
    const posts = R.column(data.run.market.posts.id).length;
    const post = posts > R.MOST_RADII ? "post" : "post, with its number";
    return [
      ...(view.heat ? heatItems(data, view, show) : agentItems(data, show)),
      ...(posts ? [swatch(R.ink("text"), "square", post)] : []),
      ...radiusItems(show, posts),
      ...(view.heat ? [] : eventItems(data, view, show)),
    ];
  };

  function sampleNote(data) {
    const { facts, snapshots } = data.run;
    const shown = R.number(data.ids.length);
    if (snapshots.bins !== null)
      return `The heat map counts all ${R.number(snapshots.recorded)} recorded agents; as points a sample of ${shown} is shown.`;
    return `A sample of ${shown} of ${R.number(facts.agents)} agents is shown, evenly spaced by their numbers.`;
  }

  R.mapNotes = function (data) {
    const { facts, snapshots, trades, patches, market } = data.run;
    const words = [];
    const taken = snapshots.snapshots,
      frames = data.ticks.length;
    if (data.sampled) words.push(sampleNote(data));
    if (facts.snapshot_every > 1 || taken > frames) {
      const of = taken > frames ? ` of ${R.number(taken)}` : "";
      words.push(`Positions are from ${R.plural(frames, "snapshot")}${of}; between them the last one stays.`);
    }
    if (!trades.recorded) words.push(`Single trades and pairs are not recorded at telemetry level ${facts.level}.`);
    else if (trades.kept < trades.rows)
      words.push(`${R.number(trades.kept)} of ${R.number(trades.rows)} trades are drawn, evenly chosen.`);
    if (patches.kept < patches.changes)
      words.push("Changes of stock are drawn for an even choice of patches; the others stay as they were first seen.");
    if (R.column(market.posts.id).length > R.MOST_RADII)
      words.push(`Radii are drawn for up to ${R.MOST_RADII} posts only.`);
    return words.join(" ");
  };
})(window.ecsMarketReport);
