"use strict";
// What the run was, to the letter, and how to do it again.
(function (R) {
  const SAME =
    "It ends in the same state if the state hash is the same. What a host program changed between ticks is not in the scenario.";
  const NO_LEDGER = "The ledger stands in the summary that a run leaves beside its database; there is none here.";

  R.factList = function (pairs) {
    const known = pairs.filter(([, value]) => value !== null && value !== undefined && value !== "");
    return R.el(
      "dl",
      { class: "facts" },
      ...known.flatMap(([name, value]) => [R.el("dt", {}, name), R.el("dd", {}, value)]),
    );
  };

  R.hash = (run) => R.el("code", { class: "hash" }, run.facts.state_hash || "–");

  R.scenario = (run) =>
    R.el(
      "details",
      {},
      R.el("summary", {}, "The scenario, resolved: every default written out"),
      R.el("pre", { class: "scenario", tabindex: 0 }, run.facts.scenario),
      R.button("quiet", () => R.copy(run.facts.scenario), {}, "Copy the scenario"),
    );

  // A table that is always open, in a box of its own that scrolls.
  R.openTable = function (card, name, title, caption, table) {
    const box = R.el(
      "div",
      { class: "scroll", tabindex: 0, role: "region", "aria-label": title },
      R.tableOf(table, caption),
    );
    card.body.append(box);
    card.card.append(R.actions(name, title, () => table, true));
  };

  function repeat(body, run) {
    const { repeat: again, scenario, versions, state_hash: hash } = run.facts;
    const file = again.file === null ? ":" : `, and the scenario below saved as ${again.file}:`;
    const save = () => R.download(scenario, again.file || "scenario.yaml", "application/yaml");
    const card = R.card(body, "How to repeat it", { name: "repeat", wide: true });
    card.body.append(
      R.el("p", {}, `With ecs_market ${versions.version}${file}`),
      R.el("pre", { class: "command", tabindex: 0, id: "command" }, again.command),
      R.el(
        "div",
        { class: "actions" },
        R.button("quiet", () => R.copy(again.command), {}, "Copy the command"),
        R.button("quiet", save, { id: "save-scenario" }, "Download the scenario"),
      ),
      R.el("p", { class: "note" }, hash === null ? "The run has no tick to compare." : SAME),
      R.factList([["State hash", R.hash(run)]]),
      R.scenario(run),
    );
  }

  function ledger(body, run) {
    const own = run.facts.summary && run.facts.summary.ledger;
    const note = "Where every unit came from, and what exists: initial + harvest + host = current, a part of which posts own.";
    const card = R.card(body, "Ledger", { name: "ledger", note });
    if (!own) return card.body.append(R.el("p", { class: "empty" }, NO_LEDGER));
    const names = Object.keys(own);
    const parts = ["initial", "harvest", "host", "current", "markets"];
    const table = {
      head: ["", ...parts.slice(0, 4), "owned by posts"],
      rows: names.length,
      row: (i) => [names[i], ...parts.map((part) => own[names[i]][part])],
    };
    return R.openTable(card, "ledger", "Ledger", "Goods in units, M (money) in M", table);
  }

  function posts(body, run, data) {
    const { posts: own } = data;
    const { minor } = run.facts.units;
    const { mechanisms } = run.market.posts;
    const table = {
      head: [
        "post",
        "mechanism",
        "x",
        "y",
        "goods",
        "ticks with trade",
        "trades",
        `gains [${R.gainUnit(run)}]`,
        "fees [M]",
        "visibility",
        "interaction",
        "broadcast",
      ],
      rows: own.id.length,
      row: (i) => [
        own.id[i],
        mechanisms[own.mechanism[i]],
        own.x[i],
        own.y[i],
        data.sold(own.id[i]).join(" "),
        own.clears[i],
        own.trades[i],
        own.gain[i] / minor,
        own.fee[i] / minor,
        own.visibility[i],
        own.interaction[i],
        own.broadcast[i],
      ],
    };
    const caption = own.id.length ? "All posts and what they came to" : "The run has no post";
    R.openTable(R.card(body, "Posts", { name: "posts", wide: true }), "posts", "Posts", caption, table);
  }

  function ticksOf({ ticks, asked }) {
    const told = R.number(ticks);
    return asked === null || asked === ticks ? told : `${told} (the scenario says ${R.number(asked)})`;
  }

  function agentsOf({ agents, agents_at_start: start }) {
    return agents === start ? R.number(agents) : `${R.number(agents)} at the end, ${R.number(start)} at the start`;
  }

  function telemetryOf({ level, snapshot_agents: agents, snapshot_every: every }) {
    const often = !every ? "none" : every === 1 ? "every tick" : `every ${R.number(every)} ticks`;
    return `level ${level}; snapshots of ${R.plural(agents || 0, "agent")}, ${often}`;
  }

  function about(body, run) {
    const { facts } = run,
      { versions, units } = facts;
    const [width, height, torus] = facts.grid;
    R.card(body, "Facts", { name: "facts" }).body.append(
      R.factList([
        ["Name", facts.name],
        ["Seed", facts.seed],
        ["Ticks", ticksOf(facts)],
        ["Agents", agentsOf(facts)],
        ["Grid", `${R.number(width)} × ${R.number(height)} cells${torus ? ", wraps" : ""}`],
        ["Goods", run.market.goods.join(", ")],
        ["Units", `lot ${units.lot}, price step ${units.price_step} M, minor unit ${units.minor_size} M`],
        ["Telemetry", telemetryOf(facts)],
        [
          "ecs_market",
          `${versions.version} (random numbers ${versions.rng_version}, state hash ${versions.hash_version})`,
        ],
        ["Python", `${versions.python}, numpy ${versions.numpy}, numba ${versions.numba}`],
        ["Processor", facts.processor],
        ["Started", facts.started_at],
        ["Finished", facts.finished_at || "not finished"],
        ["Failed", facts.failure],
        ["Read from", facts.place],
      ]),
    );
  }

  R.factsSection = function (run, data) {
    const { body } = R.section("The run", null);
    repeat(body, run);
    about(body, run);
    ledger(body, run);
    posts(body, run, data);
  };
})(window.ecsMarketReport);
