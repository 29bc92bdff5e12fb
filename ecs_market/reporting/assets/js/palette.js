"use strict";
// Colours that colour-blind readers can tell apart (Okabe and Ito, 2008; cividis), and the theme.
(function (R) {
  const LIGHT = ["#0072b2", "#d55e00", "#009e73", "#b3558f", "#b07a00", "#2f9bd6", "#5b5b5b", "#7a4a00"];
  const DARK = ["#4aa8e0", "#ff8b3d", "#2fcf9f", "#e38fc4", "#f0b429", "#8fd3ff", "#c4c4c4", "#f0e442"];
  const DASHES = [[], [8, 4], [2, 3], [10, 3, 2, 3], [5, 2], [14, 4], [1, 2], [6, 2, 1, 2, 1, 2]];
  const SHAPES = ["circle", "triangle", "square", "diamond", "cross", "star", "down", "ring"];
  const CIVIDIS = [
    [0, 34, 78],
    [18, 53, 112],
    [59, 73, 108],
    [87, 93, 109],
    [112, 113, 115],
    [138, 134, 120],
    [165, 156, 116],
    [195, 179, 105],
    [225, 204, 85],
    [254, 232, 56],
  ];

  // How a clear can end: colour by place in the palette, height in its row, and hatching.
  const STATUSES = {
    converged: { rank: 0, colour: 2, height: 1, text: "converged: demand equals supply" },
    marginal: {
      rank: 1,
      colour: 5,
      height: 0.75,
      text: "marginal: some are indifferent at the price",
    },
    rationed: {
      rank: 2,
      colour: 4,
      height: 0.75,
      hatched: true,
      text: "rationed: the long side got a part",
    },
    cycling: {
      rank: 4,
      colour: 3,
      height: 0.9,
      hatched: true,
      text: "cycling: prices went in circles",
    },
    boundary: { rank: 3, colour: 0, height: 0.55, text: "boundary: a price at its bound" },
    failed: { rank: 5, colour: 1, height: 1, hatched: true, text: "failed: no price found" },
    indicative: {
      rank: 6,
      colour: 6,
      height: 0.3,
      text: "indicative: a price, nothing left to trade",
    },
    none: { rank: 7, colour: 6, height: 0.12, text: "none" },
  };

  const media = window.matchMedia("(prefers-color-scheme: dark)");
  const listeners = [];
  let chosen = null;

  R.dark = () => (chosen === null ? media.matches : chosen === "dark");
  R.colour = (number) => (R.dark() ? DARK : LIGHT)[number % LIGHT.length];
  R.dash = (number) => DASHES[number % DASHES.length];
  R.shape = (number) => SHAPES[number % SHAPES.length];
  R.status = (name) => STATUSES[name] || { colour: 7, height: 0.5, text: name };
  R.ink = (name) =>
    getComputedStyle(document.documentElement)
      .getPropertyValue("--" + name)
      .trim();

  R.faint = function (number, share) {
    const hex = R.colour(number);
    const part = (at) => parseInt(hex.slice(at, at + 2), 16);
    return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${share})`;
  };

  // Goods have their own, apart from those of the first families.
  R.goodColour = (number, share = 1) => R.faint(number + 2, share);

  // Dark to bright for 0 to 1.
  R.ramp = function (share) {
    const at = Math.max(0, Math.min(1, share)) * (CIVIDIS.length - 1);
    const low = Math.min(Math.floor(at), CIVIDIS.length - 2);
    const mix = CIVIDIS[low].map((value, i) => Math.round(value + (CIVIDIS[low + 1][i] - value) * (at - low)));
    return `rgb(${mix.join(", ")})`;
  };

  R.onTheme = function (act) {
    listeners.push(act);
  };

  function changed() {
    for (const act of listeners) act();
  }

  R.setTheme = function (theme) {
    chosen = theme;
    if (theme === null) document.documentElement.removeAttribute("data-theme");
    else document.documentElement.setAttribute("data-theme", theme);
    changed();
  };

  media.addEventListener("change", () => chosen === null && changed());

  R.themeSwitch = function () {
    const label = () => (R.dark() ? "Light colours" : "Dark colours");
    const button = R.el(
      "button",
      {
        type: "button",
        class: "quiet",
        id: "theme",
        on: { click: () => R.setTheme(R.dark() ? "light" : "dark") },
      },
      label(),
    );
    R.onTheme(() => (button.textContent = label()));
    return button;
  };
})(window.ecsMarketReport);
