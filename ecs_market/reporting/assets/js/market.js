"use strict";
// Prices, volume and how posts cleared, for the good and the posts that are chosen.
(function (R) {
  const SHOWN = 4, MOST = 7;

  function priceSpec(data, state) {
    const { good, posts } = state;
    const { steps } = data, unit = `M for a unit of ${data.goods[good]}`;
    const total = data.overallOf(good);
    const tables = [[total.tick, total.mean, total.mean.map((v, i) => v - total.deviation[i]), total.mean.map((v, i) => v + total.deviation[i])]];
    for (const id of posts) {
      if (id === R.FACE_TO_FACE) {
        const paid = data.paid(id, good);
        tables.push([paid.tick, paid.mean, paid.mean.map((v, i) => v * (1 - paid.dispersion[i])), paid.mean.map((v, i) => v * (1 + paid.dispersion[i]))]);
      } else {
        const price = data.prices(id, good);
        tables.push([price.tick, price.price, price.price.map((v, i) => v - price.spread[i] / 2), price.price.map((v, i) => v + price.spread[i] / 2)]);
      }
    }
    const { x, columns } = R.joined(tables);
    const series = [], bands = [];
    columns.forEach(([value, low, high], i) => {
      const id = posts[i - 1], all = i === 0;
      const look = all ? { ink: "text", width: 2.25, points: "few", count: total.tick.length } : { colour: state.colour(id), dash: state.colour(id) + 1, stepped: id !== R.FACE_TO_FACE, points: "few", count: tables[i][0].length };
      const name = all ? "mean paid, all trades" : id === R.FACE_TO_FACE ? "mean paid face to face" : `${data.label(id)}, published`;
      if (state.hidden.has(name)) look.show = false;
      series.push(Object.assign({ label: name, name: name + " [M]", values: R.scaled(value, steps) }, look));
      if (low.every((v, at) => Number.isNaN(v) || v === value[at])) return;
      bands.push({ low: series.length, high: series.length + 1, colour: all ? 6 : state.colour(id) });
      series.push({ label: "", name: `${name}, ${all || id === R.FACE_TO_FACE ? "less its deviation" : "less half the spread"} [M]`, values: R.scaled(low, steps), hidden: true, colour: 0 });
      series.push({ label: "", name: `${name}, ${all || id === R.FACE_TO_FACE ? "plus its deviation" : "plus half the spread"} [M]`, values: R.scaled(high, steps), hidden: true, colour: 0 });
    });
    const note = "Lines: prices as posts publish them, and means of what was paid. Bands: one standard deviation of prices paid, or the spread between best bid and ask." + thinned(data.run.market.clears) + averaged(data.run.market.overall);
    return { x, series: x.length ? series : [], bands, clocked: true, yLabel: unit, note, none: "No price of this good was recorded." };
  }

  function thinned(table) {
    return table.kept < table.rows ? ` Of ${R.number(table.rows)} points ${R.number(table.kept)} are kept: of each stretch of ticks the first, the last and the extremes.` : "";
  }

  function averaged(table) {
    return table.stretch > 1 ? ` Means over all trades are of ${R.number(table.stretch)} ticks each.` : "";
  }

  function volumeSpec(data, state) {
    const { x, columns, stretch } = data.volumes(state.good, state.posts);
    const rest = columns.get(null).some((value) => value > 0);
    const places = [...state.posts, ...(rest ? [null] : [])];
    const sum = new Float64Array(x.length);
    const series = places.map((id) => {
      const own = columns.get(id);
      const values = own.map((value, i) => (sum[i] += value));
      const name = id === null ? "all others" : data.label(id);
      return { label: name, name: name + " [unit]", values, shown: own, colour: id === null ? 6 : state.colour(id), bars: 0.9, align: 1, fill: "solid" };
    });
    series.reverse(); // the highest sums first, so that the lower ones lie before them
    const per = stretch > 1 ? ` in ${R.number(stretch)} ticks` : " in a tick";
    return { x, series, clocked: true, zero: true, yLabel: "units" + per, xRange: x.length ? [0, Math.max(x[x.length - 1] + stretch, 1)] : undefined, xName: "from tick", note: `Units of ${data.goods[state.good]} traded${per}, stacked.` };
  }

  function stripSpec(data, state) {
    const rows = state.posts.filter((id) => id !== R.FACE_TO_FACE);
    const tables = rows.map((id) => data.clears(id, state.good)).map((each) => [each.tick, each.status]);
    const { x, columns } = R.joined(tables);
    const names = data.run.market.statuses;
    const last = data.run.facts.last;
    const height = 60 + 34 * Math.max(rows.length, 1);
    const series = rows.map((id, i) => ({ label: "", hidden: true, name: data.label(id), values: columns[i][0].map((v) => (Number.isNaN(v) ? NaN : rows.length - 1 - i)), shown: columns[i][0] }));
    const draw = (u) => paintStrip(u, columns.map((each) => each[0]), rows.length, names);
    const words = (value) => (Number.isNaN(value) ? null : names[value]);
    return {
      x, series, draw, height, clocked: true, range: [-0.5, rows.length - 0.5], xRange: [0, Math.max(last + 1, 1)], none: "None of the chosen posts had members.",
      yAxis: { splits: () => rows.map((_, i) => i), values: (u, splits) => splits.map((i) => data.label(rows[rows.length - 1 - i])), size: 22 + 7 * Math.max(...rows.map((id) => data.label(id).length), 4), grid: { show: false } },
      table: { head: ["tick", ...rows.map(data.label)], rows: x.length, row: (i) => [x[i], ...columns.map((each) => words(each[0][i]))] },
    };
  }

  function paintStrip(u, columns, rows, names) {
    const { ctx } = u;
    const edge = (value) => Math.round(u.valToPos(value, "x", true));
    const single = Math.abs(u.valToPos(1, "x", true) - u.valToPos(0, "x", true));
    ctx.save();
    ctx.beginPath();
    ctx.rect(u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height);
    ctx.clip();
    columns.forEach((column, row) => {
      const foot = u.valToPos(rows - 1 - row - 0.42, "y", true), head = u.valToPos(rows - 1 - row + 0.42, "y", true);
      for (let i = 0; i < column.length; i++) {
        if (Number.isNaN(column[i])) continue;
        const look = R.status(names[column[i]]);
        const left = edge(u.data[0][i]), tall = (foot - head) * look.height, wide = Math.max(edge(u.data[0][i] + 1) - left - (single > 6 ? 1 : 0), 1);
        ctx.fillStyle = R.colour(look.colour);
        ctx.fillRect(left, foot - tall, wide, tall);
        if (!look.hatched || wide < 5) continue;
        ctx.strokeStyle = R.ink("card");
        ctx.lineWidth = 1;
        for (let at = -tall; at < wide; at += 5) {
          const from = Math.max(at, 0), to = Math.min(at + tall, wide);
          ctx.beginPath();
          ctx.moveTo(left + from, foot - (from - at));
          ctx.lineTo(left + to, foot - (to - at));
          ctx.stroke();
        }
      }
    });
    ctx.restore();
  }

  function strip(body, data, state) {
    const card = R.chartCard(body, "How posts cleared", "status", { wide: true, note: "A row for each chosen post, a bar for each tick in which it had members." }, () => stripSpec(data, state));
    const legend = R.el("ul", { class: "legend inline" });
    const paint = () => legend.replaceChildren(...data.run.market.statuses.map((name) => {
      const look = R.status(name);
      const box = R.el("span", { class: "bar" });
      box.style.backgroundColor = R.colour(look.colour);
      box.style.height = Math.max(14 * look.height, 3) + "px";
      if (look.hatched) box.style.backgroundImage = `repeating-linear-gradient(135deg, transparent 0 3px, ${R.ink("card")} 3px 4px)`;
      return R.el("li", {}, box, R.el("span", {}, look.text));
    }));
    R.onTheme(paint);
    paint();
    card.body.append(legend);
    return card;
  }

  // How all clears ended, of all posts: counts in stretches of ticks, stacked.
  R.endingsSpec = function (run) {
    const { statuses, status_counts: table } = run.market;
    const { status, tick, count } = R.columns(table.columns);
    const stretch = run.market.traded.stretch;
    const bars = Math.ceil(run.facts.ticks / stretch);
    const x = Float64Array.from({ length: bars }, (_, i) => i * stretch);
    const counts = statuses.map(() => new Float64Array(bars));
    for (let i = 0; i < status.length; i++) counts[status[i]][Math.floor(tick[i] / stretch)] += count[i];
    const order = statuses.map((_, i) => i).sort((a, b) => R.status(statuses[a]).rank - R.status(statuses[b]).rank);
    const sum = new Float64Array(bars);
    const series = order.map((i) => {
      const values = counts[i].map((value, at) => (sum[at] += value));
      return { label: statuses[i], name: statuses[i], values, shown: counts[i], colour: R.status(statuses[i]).colour, show: order.length === 1 || (statuses[i] !== "indicative" && statuses[i] !== "none"), bars: 0.9, align: 1, fill: "solid" };
    }).reverse();
    return { x: series.length ? x : [], series, clocked: true, zero: true, yLabel: "clears", xName: "from tick", none: "No post had members.", note: `Clears of all posts and goods${stretch > 1 ? ` in ${R.number(stretch)} ticks` : ""}, stacked.` };
  };

  function effortSpec(data, state, name, more) {
    const rows = state.posts.filter((id) => id !== R.FACE_TO_FACE);
    const tables = rows.map((id) => data.clears(id, state.good)).map((each) => [each.tick, each[name].map(Math.abs)]);
    const { x, columns } = R.joined(tables);
    const series = rows.map((id, i) => ({ label: data.label(id), values: columns[i][0], colour: state.colour(id), dash: state.colour(id) + 1, points: "few", count: tables[i][0].length }));
    return Object.assign({ x, series, clocked: true, none: "None of the chosen posts had members." }, more(columns.map((each) => each[0])));
  }

  function residualLooks(columns) {
    const log = columns.some((each) => each.some((value) => value > 0));
    return { log, yLabel: "share of gross wishes", note: "Excess demand over gross wishes when the mechanism stopped, before rounding, without its sign." + (log ? " Where it was 0, nothing is drawn." : ""), zero: true, format: log ? (value) => value.toExponential(0).replace("-", "−") : R.tight };
  }

  // What may be chosen: the good, and up to MOST posts.
  function controls(data, state, renew) {
    const boxes = R.el("div", { class: "posts" });
    const fill = () => {
      const offered = [...data.ids.filter((id) => data.sells(id, state.good)), ...(data.paid(R.FACE_TO_FACE, state.good).tick.length ? [R.FACE_TO_FACE] : [])];
      state.posts = state.posts.filter((id) => offered.includes(id));
      if (!state.posts.length) state.posts = [...offered.filter((id) => id >= 0).slice(0, SHOWN), ...offered.filter((id) => id < 0)];
      const listed = offered.slice(0, 12).concat(offered.slice(12).filter((id) => state.posts.includes(id)));
      boxes.replaceChildren(...listed.map((id) => R.toggle(id < 0 ? data.label(id) : `${data.label(id)} (${data.mechanism(id)})`, state.posts.includes(id), (on) => change(id, on))));
      const others = offered.filter((id) => !listed.includes(id));
      if (others.length) boxes.append(R.choice("More posts", [["", "choose"], ...others.map((id) => [id, `${id} (${data.mechanism(id)})`])], "", (value) => value !== "" && change(Number(value), true)));
    };
    const change = (id, on) => {
      state.posts = state.posts.filter((other) => other !== id);
      if (on) state.posts = [...state.posts, id].slice(-MOST);
      fill();
      renew();
    };
    fill();
    const goods = data.goods.length > 1 ? R.choice("Good", data.goods.map((name, i) => [i, name]), state.good, (value) => { state.good = Number(value); fill(); renew(); }) : null;
    return R.el("div", { class: "controls bar" }, goods, R.el("fieldset", {}, R.el("legend", {}, "Posts"), boxes));
  }

  R.marketSection = function (run) {
    const data = R.marketData(run);
    const all = data.posts.id.length;
    const lead = data.ids.length < all ? `Series are kept of the ${R.number(data.ids.length)} posts with the most trades, of ${R.number(all)}.` : null;
    const { section, body } = R.section("Markets", lead);
    const volume = R.paid(run).map((each) => each.volume || 0);
    const slots = new Map();
    const state = {
      good: Math.max(volume.indexOf(Math.max(...volume)), 0), posts: [], hidden: new Set(),
      colour: (id) => {
        if (id === R.FACE_TO_FACE) return 1;
        if (!slots.has(id)) slots.set(id, [0, 2, 3, 4, 5, 7][slots.size % 6]);
        return slots.get(id);
      },
    };
    const cards = [];
    const bar = controls(data, state, () => cards.forEach((card) => card.renew()));
    section.insertBefore(bar, body);
    cards.push(
      R.chartCard(body, "Prices", "prices", { wide: true, note: " " }, () => priceSpec(data, state)),
      R.chartCard(body, "Volume", "volume", { wide: true, note: " " }, () => volumeSpec(data, state)),
      strip(body, data, state),
      R.chartCard(body, "Iterations to clear", "iterations", { note: "Price vectors tried; calls of members in an auction." }, () => effortSpec(data, state, "iterations", () => ({ zero: true, yLabel: "iterations" }))),
      R.chartCard(body, "Residual", "residual", { note: " " }, () => effortSpec(data, state, "residual", residualLooks)),
      R.chartCard(body, "How all clears ended", "endings", { note: " " }, () => R.endingsSpec(run)),
    );
    return { data, state, body };
  };
})(window.ecsMarketReport);
