"use strict";
// What the run was, to the letter, and how to do it again.
(function (R) {
  function list(pairs) {
    return R.el("dl", { class: "facts" }, ...pairs.filter(([, value]) => value !== null && value !== undefined && value !== "").flatMap(([name, value]) => [R.el("dt", {}, name), R.el("dd", {}, value instanceof Node ? value : String(value))]));
  }
  R.factList = list;

  function card(body, title, name, options) {
    return R.card(body, title, Object.assign({ name }, options));
  }

  function repeat(body, run) {
    const { facts } = run, again = facts.repeat;
    const own = card(body, "How to repeat it", "repeat", { wide: true });
    const code = R.el("pre", { class: "command", tabindex: 0, id: "command" }, again.command);
    own.body.append(
      R.el("p", {}, again.file === null ? `With ecs_market ${facts.versions.version}:` : `With ecs_market ${facts.versions.version}, and the scenario below saved as ${again.file}:`), code,
      R.el("div", { class: "actions" }, R.el("button", { type: "button", class: "quiet", on: { click: () => R.copy(again.command) } }, "Copy the command"), R.el("button", { type: "button", class: "quiet", id: "save-scenario", on: { click: () => R.download(facts.scenario, again.file || "scenario.yaml", "application/yaml") } }, "Download the scenario")),
      R.el("p", { class: "note" }, facts.state_hash === null ? "The run has no tick to compare." : "It ends in the same state if the state hash is the same. What a host program changed between ticks is not in the scenario."),
    );
    own.body.append(list([["State hash", R.el("code", { class: "hash" }, facts.state_hash || "–")]]));
    const scenario = R.el("details", {}, R.el("summary", {}, "The scenario, resolved: every default written out"), R.el("pre", { class: "scenario", tabindex: 0 }, facts.scenario), R.el("button", { type: "button", class: "quiet", on: { click: () => R.copy(facts.scenario) } }, "Copy the scenario"));
    own.body.append(scenario);
  }

  function ledger(body, run) {
    const own = run.facts.summary && run.facts.summary.ledger;
    const box = card(body, "Ledger", "ledger", { note: "Where every unit came from, and what exists: initial + harvest + host = current." });
    if (!own) return box.body.append(R.el("p", { class: "empty" }, "The ledger stands in the summary that a run leaves beside its database; there is none here."));
    const names = Object.keys(own), parts = ["initial", "harvest", "host", "current", "markets"];
    const table = () => ({ head: ["", "initial", "harvest", "host", "current", "of it owned by posts"], rows: names.length, row: (i) => [names[i], ...parts.map((part) => own[names[i]][part])] });
    box.body.append(R.el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Ledger" }, R.tableOf(table(), "Units, and M")));
    box.card.append(R.actions("ledger", "Ledger", table, true));
  }

  function posts(body, run, data) {
    const box = card(body, "Posts", "posts", { wide: true });
    const { units } = run.facts, own = data.posts;
    const table = () => ({
      head: ["post", "mechanism", "x", "y", "goods", "ticks with trade", "trades", "gains [M]", "fees [M]", "visibility", "interaction", "broadcast"], rows: own.id.length,
      row: (i) => [own.id[i], run.market.posts.mechanisms[own.mechanism[i]], own.x[i], own.y[i], JSON.parse(run.market.posts.commodities[own.goods[i]] || "[]").filter((good) => good !== "M").join(" "), own.clears[i], own.trades[i], own.gain[i] / units.minor, own.fee[i] / units.minor, own.visibility[i], own.interaction[i], own.broadcast[i]],
    });
    box.body.append(R.el("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Posts" }, R.tableOf(table(), own.id.length ? "All posts and what they came to" : "The run has no post")));
    box.card.append(R.actions("posts", "Posts", table, true));
  }

  R.factsSection = function (run, data) {
    const { facts } = run, { versions, units } = facts;
    const { body } = R.section("The run", null);
    repeat(body, run);
    const about = card(body, "Facts", "facts");
    const [width, height, torus] = facts.grid;
    about.body.append(list([
      ["Name", facts.name], ["Seed", facts.seed], ["Ticks", facts.asked !== null && facts.asked !== facts.ticks ? `${R.number(facts.ticks)} (the scenario says ${R.number(facts.asked)})` : R.number(facts.ticks)],
      ["Agents", facts.agents_at_start === facts.agents ? R.number(facts.agents) : `${R.number(facts.agents)} at the end, ${R.number(facts.agents_at_start)} at the start`],
      ["Grid", `${R.number(width)} × ${R.number(height)} cells${torus ? ", wraps" : ""}`], ["Goods", run.market.goods.join(", ")],
      ["Units", `lot ${units.lot}, price step ${units.price_step} M, minor unit ${units.minor_size} M`], ["Telemetry", `level ${facts.level}; snapshots of ${R.plural(facts.snapshot_agents, "agent")}, ${facts.snapshot_every === 1 ? "every tick" : facts.snapshot_every ? `every ${R.number(facts.snapshot_every)} ticks` : "none"}`],
      ["ecs_market", `${versions.version} (random numbers ${versions.rng_version}, state hash ${versions.hash_version})`], ["Python", `${versions.python}, numpy ${versions.numpy}, numba ${versions.numba}`], ["Processor", facts.processor],
      ["Started", facts.started_at], ["Finished", facts.finished_at || "not finished"], ["Ended", facts.failure ? "failed: " + facts.failure : null], ["Read from", facts.place],
    ]));
    ledger(body, run);
    posts(body, run, data);
  };
})(window.ecsMarketReport);
