"use strict";
// Where trade took place and what it gained.
(function (R) {
  const OF = [
    ["trades", "trades"],
    ["volume", "volume (units of all goods)"],
    ["gain", "gains"],
  ];

  function shareSpec(columns, of) {
    const pick = (prefix) => [columns[prefix + "market_" + of], columns[prefix + "bilateral_" + of]];
    const share = ([at, face]) => at.map((value, i) => (value + face[i] > 0 ? value / (value + face[i]) : NaN));
    return {
      x: columns.tick,
      clocked: true,
      range: [0, 1],
      yLabel: "share of posts",
      format: (value) => R.percent(value, 0),
      exact: (value) => R.percent(value),
      series: [
        { label: "up to the tick", values: share(pick("total_")), colour: 0, dash: 0, width: 2.25 },
        { label: "within the tick", values: share(pick("")), colour: 1, points: "only" },
      ],
      none: "The run has no tick.",
    };
  }

  function gainSpec(columns, minor, unit) {
    const sums = ["market_gain", "bilateral_gain", "fees"].map((name) => R.scaled(columns["total_" + name], minor));
    const labels = ["at posts", "face to face", "fees"];
    const series = labels
      .map((label, i) => ({
        label,
        name: `${label} [${unit}]`,
        values: sums[i],
        colour: i,
        dash: i,
      }))
      .filter((_, i) => i < 2 || sums[i].some((value) => value !== 0));
    const all = columns.tick.map((_, i) => sums[0][i] + sums[1][i] + sums[2][i]);
    series.unshift({ label: "all", name: `all [${unit}]`, values: all, ink: "text", width: 2.25 });
    return {
      x: columns.tick,
      series,
      clocked: true,
      zero: true,
      yLabel: `${unit} so far`,
      none: "The run has no tick.",
    };
  }

  function tradesSpec(columns) {
    const series = [
      ["market_trades", "at posts"],
      ["bilateral_trades", "face to face"],
    ].map(([name, label], i) => ({
      label,
      values: columns[name],
      colour: i,
      dash: i,
      width: 1.25,
    }));
    return {
      x: columns.tick,
      series,
      clocked: true,
      zero: true,
      yLabel: "trades in a tick",
      none: "The run has no tick.",
    };
  }

  function efficiencySpec(run, columns) {
    const welfare = run.facts.summary && run.facts.summary.welfare;
    const reason = welfare && welfare.reasons && welfare.reasons.efficiency;
    if (!welfare || welfare.efficiency === null || !(welfare.attainable > 0))
      return {
        x: [],
        series: [],
        none: welfare
          ? `Efficiency is not known: ${reason || "nothing was attainable"}.`
          : "Efficiency stands in the summary that a run leaves beside its database; there is none here.",
        note: "",
      };
    const all = columns.tick.map(
      (_, i) =>
        (columns.total_market_gain[i] + columns.total_bilateral_gain[i] + columns.total_fees[i]) /
        run.facts.units.minor /
        welfare.attainable,
    );
    return {
      x: columns.tick,
      series: [{ label: "realised", values: all, colour: 2, dash: 0, width: 2.25 }],
      clocked: true,
      range: [0, Math.max(1, ...all)],
      yLabel: "share of attainable",
      format: (value) => R.percent(value, 0),
      exact: (value) => R.percent(value, 2),
      note: `Gains and fees so far over the ${R.short(welfare.attainable)} M that were attainable, as reckoned at the end of the run${welfare.exact ? "" : " (an estimate)"}.`,
    };
  }

  R.welfareSection = function (run) {
    const columns = R.columns(run.series.columns);
    const kept =
      run.series.kept < run.series.ticks
        ? `Of ${R.number(run.series.ticks)} ticks ${R.number(run.series.kept)} are kept: of each stretch the first, the last and the extremes.`
        : null;
    const { body } = R.section("Trade and welfare", kept);
    const state = { of: "trades" };
    const share = R.chartCard(body, "Posts against face to face", "share", {}, () => shareSpec(columns, state.of));
    share.card.insertBefore(
      R.el(
        "div",
        { class: "controls bar" },
        R.choice("Share of", OF, state.of, (value) => {
          state.of = value;
          share.renew();
        }),
      ),
      share.body,
    );
    R.chartCard(
      body,
      "Gains from trade",
      "gains",
      { note: "What agents have gained so far by their own preferences." },
      () => gainSpec(columns, run.facts.units.minor, R.gainUnit(run)),
    );
    R.chartCard(body, "Trades", "trades", {}, () => tradesSpec(columns));
    R.chartCard(body, "Efficiency", "efficiency", { note: " " }, () => efficiencySpec(run, columns));
    return body;
  };
})(window.ecsMarketReport);
