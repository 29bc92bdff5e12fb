"use strict";
// The numbers behind a chart: as CSV to copy or download, and as a table for reading aloud.
(function (R) {
  const ROWS = 200;

  function cell(value) {
    if (value === null || value === undefined || (typeof value === "number" && Number.isNaN(value))) return "";
    let text = String(value);
    // A spreadsheet would take such a text for a formula.
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  R.csv = function (table) {
    const lines = [table.head.map(cell).join(",")];
    for (let i = 0; i < table.rows; i++) lines.push(table.row(i).map(cell).join(","));
    return lines.join("\r\n") + "\r\n";
  };

  async function copy(text) {
    try {
      await navigator.clipboard.writeText(text);
    } catch (refused) {
      const area = R.el("textarea", { class: "unseen" });
      area.value = text;
      document.body.append(area);
      area.select();
      const done = document.execCommand("copy");
      area.remove();
      if (!done) return R.say("Copying was refused; download the file instead.");
    }
    R.say("Copied.");
  }
  R.copy = copy;

  R.download = function (text, name, type) {
    const link = R.el("a", {
      download: name,
      href: URL.createObjectURL(new Blob([text], { type })),
    });
    document.body.append(link);
    link.click();
    link.remove();
    setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    R.say("Downloaded " + name + ".");
  };

  function shown(value) {
    if (typeof value !== "number") return value === null || value === undefined ? "–" : value;
    return Number.isInteger(value) ? R.number(value) : R.number(value, 8);
  }

  // At most ROWS rows, evenly chosen; the CSV always has all.
  R.tableOf = function (table, caption) {
    const step = Math.max(1, Math.ceil(table.rows / ROWS));
    const note =
      step > 1 ? `${caption}. One row in ${R.number(step)} of ${R.number(table.rows)}; the CSV has all.` : caption;
    const rows = [];
    for (let i = 0; i < table.rows; i += step) rows.push(table.row(i));
    const figure = table.head.map((_, at) => (rows.some((row) => typeof row[at] === "number") ? "figure" : null));
    const put = (value, at) => R.el(at ? "td" : "th", { scope: at ? null : "row", class: figure[at] }, shown(value));
    const body = R.el("tbody", {}, ...rows.map((row) => R.el("tr", {}, ...row.map(put))));
    const head = R.el("tr", {}, ...table.head.map((name, at) => R.el("th", { scope: "col", class: figure[at] }, name)));
    return R.el("table", {}, R.el("caption", {}, note), R.el("thead", {}, head), body);
  };

  // Buttons for a card; `table` returns {head, rows, row(i)} when asked. Where the table is `visible`
  // anyway, it is not offered again.
  R.actions = function (name, caption, table, visible) {
    const file = name + ".csv";
    const place = R.el("div", {
      class: "scroll",
      tabindex: 0,
      role: "region",
      "aria-label": caption + ", numbers",
    });
    const fill = () => place.replaceChildren(R.tableOf(table(), caption));
    const details = R.el(
      "details",
      { class: "numbers", on: { toggle: () => details.open && fill() } },
      R.el("summary", {}, "Numbers"),
      place,
    );
    const button = (text, label, act) =>
      R.el(
        "button",
        {
          type: "button",
          class: "quiet",
          "aria-label": `${label}: ${caption}`,
          on: { click: act },
        },
        text,
      );
    const row = R.el(
      "div",
      { class: "actions" },
      button("Copy CSV", "Copy CSV", () => copy(R.csv(table()))),
      button("Download CSV", "Download CSV", () => R.download(R.csv(table()), file, "text/csv")),
    );
    const box = R.el("div", { class: "card-foot" }, row, visible ? null : details);
    R.tables[name] = table;
    box.renew = () => details.open && fill();
    return box;
  };
  R.tables = {};
})(window.ecsMarketReport);
