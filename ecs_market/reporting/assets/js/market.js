"use strict";
// The markets: which good and posts are looked at, and the charts of them.
(function (R) {
  const SHOWN = 4,
    MOST = 7,
    LISTED = 12,
    NAMED = 6;
  const COLOURS = [0, 2, 3, 4, 5, 7]; // of posts, in the order in which they are first chosen

  class Choice {
    constructor(run, data, renew) {
      const volume = R.paid(run).map((each) => each.volume || 0);
      this.data = data;
      this.renew = renew;
      this.good = Math.max(volume.indexOf(Math.max(...volume)), 0);
      this.posts = []; // that are shown, the longest chosen first
      this.wanted = new Set(); // the same whether or not they trade the good
      this.known = new Set();
      this.slots = new Map();
      this.boxes = R.el("div", { class: "posts" });
      this.words = R.el("p", { class: "note", id: "posts-left-out" });
      this.fill();
    }

    colour(id) {
      if (id === R.FACE_TO_FACE) return 1;
      if (!this.slots.has(id)) this.slots.set(id, COLOURS[this.slots.size % COLOURS.length]);
      return this.slots.get(id);
    }

    // Who trades the good, those with the most trades first.
    offered() {
      const { data, good } = this;
      const faced = data.paid(R.FACE_TO_FACE, good).tick.length > 0;
      return [...data.ids.filter((id) => data.sells(id, good)), ...(faced ? [R.FACE_TO_FACE] : [])];
    }

    fill() {
      const { data } = this;
      const offered = this.offered();
      const named = (id) => (id < 0 ? data.label(id) : `${data.label(id)} (${data.mechanism(id)})`);
      this.want(offered.filter((id) => !this.known.has(id)));
      this.shown(offered);
      if (!this.posts.length) this.want(offered);
      this.shown(offered);
      R.keepFocus(this.boxes, () => this.list(offered, named));
      this.words.textContent = this.leftOut(offered);
      this.words.hidden = !this.words.textContent;
    }

    // Some of what is there for the first time is shown.
    want(fresh) {
      for (const id of [...fresh.filter((id) => id >= 0).slice(0, SHOWN), ...fresh.filter((id) => id < 0)])
        this.wanted.add(id);
      for (const id of fresh) this.known.add(id);
    }

    shown(offered) {
      this.posts = [...this.wanted].filter((id) => offered.includes(id)).slice(-MOST);
    }

    list(offered, named) {
      const listed = offered.filter((id, i) => i < LISTED || this.posts.includes(id));
      const others = offered.filter((id) => !listed.includes(id));
      this.boxes.replaceChildren(
        ...listed.map((id) => R.toggle(named(id), this.posts.includes(id), (on) => this.put(id, on))),
      );
      const more = [["", "choose"], ...others.map((id) => [id, named(id)])];
      if (others.length)
        this.boxes.append(R.choice("More posts", more, "", (value) => value !== "" && this.put(Number(value), true)));
    }

    // Which posts no chart shows, and why.
    leftOut(offered) {
      const { data, good } = this;
      const absent = data.ids.filter((id) => !offered.includes(id)).sort((a, b) => a - b);
      const names = absent.slice(0, NAMED).map((id) => `${data.label(id)} (${data.sold(id).join(", ")})`);
      if (absent.length > NAMED) names.push(`${R.number(absent.length - NAMED)} more`);
      const does = absent.length === 1 ? "does" : "do";
      const words = [];
      if (absent.length) words.push(`Not shown: ${names.join(", ")}, which ${does} not trade ${data.goods[good]}.`);
      if (offered.length > MOST) words.push(`At most ${MOST} are shown at a time; those not ticked are left out.`);
      return words.join(" ");
    }

    put(id, on) {
      this.wanted.delete(id);
      if (on) this.wanted.add(id);
      if (on && this.posts.length === MOST) this.wanted.delete(this.posts[0]);
      this.fill();
      this.renew();
    }

    bar() {
      const goods = this.data.goods.map((name, i) => [i, name]);
      const pick = R.choice("Good", goods, this.good, (value) => {
        this.good = Number(value);
        this.fill();
        this.renew();
      });
      const posts = R.el("fieldset", {}, R.el("legend", {}, "Posts"), this.boxes);
      return R.el("div", { class: "controls bar" }, goods.length > 1 ? pick : null, posts, this.words);
    }
  }

  R.marketSection = function (run) {
    const data = R.marketData(run);
    const [kept, all] = [data.ids.length, data.posts.id.length];
    const lead =
      kept < all ? `Series are kept of the ${R.number(kept)} posts with the most trades, of ${R.number(all)}.` : null;
    const { section, body } = R.section("Markets", lead);
    const cards = [];
    const state = new Choice(run, data, () => cards.forEach((card) => card.renew()));
    section.insertBefore(state.bar(), body);
    const add = (title, name, options, spec) =>
      cards.push(R.chartCard(body, title, name, options, () => spec(data, state)));
    add("Prices", "prices", { wide: true, note: " " }, R.priceSpec);
    add("Volume", "volume", { wide: true, note: " " }, R.volumeSpec);
    add(
      "How posts cleared",
      "status",
      { wide: true, note: "A row for each chosen post, a bar for each tick in which it had members." },
      R.stripSpec,
    );
    const legend = R.stripLegend(() => R.stripStatuses(data, state));
    cards[2].body.append(legend.element);
    cards.push(legend);
    add(
      "Iterations to clear",
      "iterations",
      { note: "Price vectors tried; calls of members in an auction." },
      R.iterationsSpec,
    );
    add("Residual", "residual", { note: " " }, R.residualSpec);
    R.chartCard(body, "How all clears ended", "endings", { note: " " }, () => R.endingsSpec(run));
    return { data, body };
  };
})(window.ecsMarketReport);
