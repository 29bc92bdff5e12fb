"use strict";
// The page's parts: sections, cards with a title, a chart or two, notes and numbers.
(function (R) {
  R.section = function (title, lead) {
    const id = "section-" + title.toLowerCase().replace(/[^a-z]+/g, "-");
    const body = R.el("div", { class: "cards" });
    const section = R.el(
      "section",
      { "aria-labelledby": id },
      R.el("h2", { id }, title),
      lead ? R.el("p", { class: "lead" }, lead) : null,
      body,
    );
    document.getElementById("report").append(section);
    return { section, body };
  };

  R.card = function (host, title, options) {
    const { wide, note, name } = options || {};
    const heading = R.el("h3", {}, title);
    const text = R.el("p", { class: "note", hidden: !note }, note || "");
    const body = R.el("div", { class: "body" });
    const card = R.el(
      "article",
      { class: wide ? "card wide" : "card", id: name ? "card-" + name : null },
      heading,
      text,
      body,
    );
    host.append(card);
    return {
      card,
      body,
      heading,
      note(words) {
        text.textContent = words;
        text.hidden = !words;
      },
    };
  };

  // A card whose chart is made anew by `spec()`, with the chart's own numbers below it.
  R.chartCard = function (host, title, name, options, spec) {
    const card = R.card(host, title, Object.assign({ name }, options));
    let current = null;
    const make = () => {
      current = Object.assign({ title }, spec());
      if (current.note !== undefined) card.note(current.note);
      return current;
    };
    const chart = R.chart(card.body, make());
    const table = () =>
      current.table || {
        head: [current.xName || "tick", ...current.series.map((each) => each.name || each.label)],
        rows: current.x.length,
        row: (i) => [
          current.x[i],
          ...current.series.map((each) => {
            const value = (each.shown || each.values)[i];
            return Number.isNaN(value) ? null : value;
          }),
        ],
      };
    const foot = R.actions(name, title, table);
    card.card.append(foot);
    card.renew = () => {
      chart.renew(make());
      foot.renew();
    };
    return card;
  };
})(window.ecsMarketReport);
