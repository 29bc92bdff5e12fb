"use strict";
// Elements and numbers. Text from the run goes in as text content only.
(function (R) {
  R.el = function (tag, attributes, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name === "on") for (const [event, act] of Object.entries(value)) element.addEventListener(event, act);
      else if (name in { checked: 1, disabled: 1, hidden: 1, selected: 1, value: 1 }) element[name] = value;
      else if (value !== undefined && value !== null) element.setAttribute(name, value);
    }
    element.append(
      ...children
        .filter((child) => child !== null && child !== undefined)
        .map((child) => (child instanceof Node ? child : document.createTextNode(String(child)))),
    );
    return element;
  };

  R.button = function (kind, act, attributes, ...children) {
    return R.el("button", { type: "button", class: kind, on: { click: act }, ...attributes }, ...children);
  };

  R.stroke = function (pen, from, to) {
    pen.beginPath();
    pen.moveTo(...from);
    pen.lineTo(...to);
    pen.stroke();
  };

  // Call at most once a frame, however often it is asked for.
  R.once = function (act) {
    let waiting = false;
    return () => {
      if (waiting) return;
      waiting = true;
      requestAnimationFrame(() => {
        waiting = false;
        act();
      });
    };
  };

  // What stands beside a box or a list.
  const nameOf = (field) => {
    const label = field.closest("label");
    return label === null ? null : label.querySelector("span").textContent;
  };

  // Rebuild what is in `host`; the field that had the focus has it again.
  R.keepFocus = function (host, rebuild) {
    const before = host.contains(document.activeElement) ? nameOf(document.activeElement) : null;
    rebuild();
    if (before === null) return;
    const again = [...host.querySelectorAll("input, select")].find((field) => nameOf(field) === before);
    if (again) again.focus();
  };

  R.say = function (text) {
    document.getElementById("said").textContent = text;
  };

  const formats = new Map();
  function format(digits, least) {
    const key = digits + "|" + least;
    if (!formats.has(key))
      formats.set(
        key,
        new Intl.NumberFormat("en", {
          maximumFractionDigits: digits,
          minimumFractionDigits: least,
        }),
      );
    return formats.get(key);
  }

  // A number with separators, a dash where there is none.
  R.number = function (value, digits = 0, least = 0) {
    return value === null || value === undefined || Number.isNaN(value)
      ? "–"
      : format(digits, least).format(value).replace("-", "−");
  };

  // About four significant digits.
  R.short = function (value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "–";
    const size = Math.abs(value);
    if (size !== 0 && (size >= 1e9 || size < 1e-4)) return value.toExponential(2).replace("-", "−");
    if (size === 0) return "0";
    return R.number(value, Math.max(0, Math.min(8, 3 - Math.floor(Math.log10(size)))));
  };

  // For axes, where room is scarce.
  R.tight = function (value) {
    const size = Math.abs(value);
    for (const [limit, letter] of [
      [1e12, "T"],
      [1e9, "G"],
      [1e6, "M"],
      [1e4, "k"],
    ]) {
      if (size >= limit) return R.short(value / (letter === "k" ? 1e3 : limit)) + "\u200a" + letter;
    }
    if (size !== 0 && size < 1e-3) return value.toExponential(0).replace("-", "−");
    return R.number(value, 6);
  };

  // A percentage with as many decimals as tell it from 100, where it is less.
  R.percent = function (share, digits = 1) {
    if (share === null || Number.isNaN(share)) return "–";
    for (let more = digits; more <= Math.max(digits, 2); more++) {
      const told = R.number(100 * share, more);
      if (told !== "100" || share >= 1) return told + "\u202f%";
    }
    return ">\u202f99.99\u202f%";
  };

  R.duration = function (ns) {
    if (ns >= 1e9) return R.number(ns / 1e9, 2) + " s";
    if (ns >= 1e6) return R.number(ns / 1e6, 2) + " ms";
    return R.number(ns / 1e3, 1) + " µs";
  };

  R.plural = function (count, one, many) {
    return R.number(count) + "\u00a0" + (count === 1 ? one : many || one + "s");
  };

  // The last place whose value is at most what is sought, -1 if there is none; values ascend.
  R.before = function (values, sought) {
    let low = 0,
      high = values.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (values[middle] <= sought) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  };

  R.choice = function (label, options, selected, act) {
    const select = R.el("select", { on: { change: () => act(select.value) } });
    for (const [value, text] of options)
      select.append(R.el("option", { value, selected: String(value) === String(selected) }, text));
    return R.el("label", { class: "choice" }, R.el("span", {}, label), select);
  };

  R.toggle = function (label, checked, act) {
    const box = R.el("input", {
      type: "checkbox",
      checked,
      on: { change: () => act(box.checked) },
    });
    return R.el("label", { class: "toggle" }, box, R.el("span", {}, label));
  };
})(window.ecsMarketReport);
