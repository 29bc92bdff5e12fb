"""Search and movement beside a hand-written C program and numpy with cKDTree, on the same agents.

    python benchmarks/search_and_move.py [--agents 10000 100000 1000000] [--large] [--threads 1 2]
        [--ticks 7] [--occupancy 0.05] [--json FILE]

All three get the same columns before each tick: those of the economy of `mixed.yaml` without posts
and resources (5 % occupancy, vision 5), with goods and money drawn anew. What is timed is to find
out who is where, whom everybody sees, what a trade with each would bring and who pairs with whom,
and to walk.

- ecs_market: the systems index_traders, search_partners, choose, match and move, as `timings()`
  tells. Not counted, for the C program is given its result: appraise, which works out marginal
  rates. Nor are bargaining, telemetry and the rest of the tick, which the others do not do.
- C: all of `tick` in `search_and_move.c`. Its agents stay in the order in which it sorted them a
  tick before; taking over new holdings is not counted. It keeps eight candidates, as the engine
  does, and pairs by the same rule.
- numpy: all of `tick` in `numpy_ckdtree.py`, in one thread, once for each size. Its lists of
  candidates have no end, so that in a dense crowd it pairs a few agents differently.

Every line is the median of the ticks, in which the engine and the C program take turns. "Processor"
is the time of all threads together: on a machine that has other work, compare that. `best` and
`moved` are the shares of agents that have the same best partner as in ecs_market, and that stand in
the same cell after the tick, in the worst of the ticks: the C program computes gains in single
precision, so that near ties may end the other way.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from hand_written import (
    Columns,
    HandWritten,
    Outcome,
    UnavailableError,
    columns_of,
    compile_program,
    version_of_compiler,
)
from mixed import economy

from ecs_market import Simulation
from ecs_market.bench import OCCUPANCY
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.scenario import from_dict
from ecs_market.schedule import system_name
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.choose import Choose
from ecs_market.systems.index_traders import IndexTraders
from ecs_market.systems.match import Match
from ecs_market.systems.move import Move
from ecs_market.systems.search_partners import SearchPartners

SYSTEMS = {
    system_name(system): system for system in (IndexTraders, SearchPartners, Choose, Match, Move)
}
SIZES = [10_000, 100_000, 1_000_000]
LARGE = 10_000_000
SEED = 1
# Ticks before the first that counts: kernels are loaded, agents come into their order.
SETTLING = 2


def bilateral(agents: int, occupancy: float) -> dict[str, Any]:
    """Return the benchmark economy without posts and resources, with so many agents a cell."""
    found = economy(agents)
    side = max(2, round(math.sqrt(agents / occupancy)))
    found["grid"] = {"width": side, "height": side}
    del found["market_posts"], found["resources"]
    found["name"] = f"search and movement, {agents} agents"
    found["params"] = {
        name: value for name, value in found["params"].items() if not name.endswith("_weight")
    } | {"exchange_regime": "bilateral"}
    return found


def outcome_of(simulation: Simulation) -> Outcome:
    """Return what the engine's last tick led to."""
    agents, rows = simulation.world.agents, simulation.world.agent_rows
    search, position = simulation.world.scratch.search, agents.whole(Position)
    wants = search.choice_kind[rows] == PARTNER
    ids = agents.whole(Identity).id
    return Outcome(
        position.x[rows],
        position.y[rows],
        np.where(wants, ids[np.where(wants, search.choice_target[rows], 0)], -1),
        agents.whole(Pairing).partner[rows],
    )


def agreement(one: Outcome, other: Outcome) -> dict[str, float]:
    """Return the shares of agents for whom two programs agree."""
    return {
        "best": float(np.mean(one.best == other.best)),
        "partner": float(np.mean(one.partner == other.partner)),
        "moved": float(np.mean((one.x == other.x) & (one.y == other.y))),
    }


def summary(program: str, agents: int, threads: int, ticks: list[dict[str, float]]) -> Any:
    """Return the figures of a program at a size from what its ticks and their parts took [s]."""
    median = {name: statistics.median(tick[name] for tick in ticks) for name in ticks[0]}
    each = {name: seconds * 1e9 / agents for name, seconds in median.items()}
    return {
        "program": program,
        "agents": agents,
        "threads": threads,
        "agent_ticks_per_s": agents / median["whole"],
        "ns_per_agent_tick": each.pop("whole"),
        "processor_ns_per_agent_tick": each.pop("processor"),
        "parts": each,
    }


class Clock:
    """Makes a system note the processor time that it takes [s]."""

    def __init__(self, system: Any) -> None:
        self.used = 0.0
        self._process = system.process
        system.process = self._timed

    def _timed(self, world: Any) -> None:
        before = time.process_time()
        self._process(world)
        self.used += time.process_time() - before


class Engine:
    """One economy in ecs_market, and how long its ticks took."""

    def __init__(self, agents: int, threads: int, occupancy: float) -> None:
        scenario = from_dict(bilateral(agents, occupancy))
        self.simulation = Simulation(scenario, seed=SEED, telemetry_level="off", threads=threads)
        self.generator = np.random.default_rng(SEED)
        self.ticks: list[dict[str, float]] = []
        find = self.simulation.esper.get_processor
        self.clocks = [Clock(find(system)) for system in SYSTEMS.values()]

    def prepare(self) -> Columns:
        """Draw holdings anew, and return what search and movement will read."""
        self.redraw()
        Appraise().process(self.simulation.world)
        return columns_of(self.simulation)

    def redraw(self) -> None:
        """Give everybody goods and money, in lots rather than units, so that few gains are tied."""
        population, units = self.simulation.population("agents"), self.simulation.units
        ids, lots, minor = population.ids(), units.to_lots(1), units.to_minor(1)
        draw = self.generator.integers
        with self.simulation.edit() as edit:
            for good in self.simulation.scenario.goods:
                held = draw(5 * lots, 30 * lots + 1, len(ids))
                edit.set(f"inventory.goods.{good}", ids, held)
            edit.set("inventory.money", ids, draw(100 * minor, 200 * minor + 1, len(ids)))

    def tick(self) -> Outcome:
        """Run a tick."""
        before, used = self.simulation.timings(), sum(clock.used for clock in self.clocks)
        self.simulation.step()
        after = self.simulation.timings()
        parts = {name: (after[name] - before.get(name, 0)) / 1e9 for name in SYSTEMS}
        used = sum(clock.used for clock in self.clocks) - used
        self.ticks.append({"whole": sum(parts.values()), "processor": used} | parts)
        return outcome_of(self.simulation)


def compare(
    agents: int, threads: int, ticks: int, occupancy: float, library: Path | None
) -> list[dict[str, Any]]:
    """Run one economy in ecs_market and in C, tick by tick in turn."""
    engine = Engine(agents, threads, occupancy)
    times: list[dict[str, float]] = []
    shares: list[dict[str, float]] = []
    with engine.simulation as simulation:
        program = None if library is None else HandWritten(library, simulation)
        for number in range(ticks + SETTLING):
            columns = engine.prepare()
            whole = 0.0
            if program is not None:
                program.load(columns)
                whole = program.tick(SEED, number, threads)
            ours = engine.tick()
            if program is not None:
                times.append({"whole": whole} | program.times())
                shares.append(agreement(ours, program.outcome()))
        if program is not None:
            program.close()
    rows = [summary("ecs_market", agents, threads, engine.ticks[SETTLING:])]
    if shares:
        least = {name: min(each[name] for each in shares) for name in shares[0]}
        row = summary("C", agents, threads, times[SETTLING:])
        rows.append(row | {"agreement": least})
    return rows


def vectorised(agents: int, occupancy: float) -> dict[str, Any]:
    """Run one tick with numpy and cKDTree."""
    import numpy_ckdtree

    engine = Engine(agents, 1, occupancy)
    with engine.simulation as simulation:
        columns = engine.prepare()
        start, used = time.perf_counter(), time.process_time()
        theirs = numpy_ckdtree.tick(columns, simulation.world.settings, SEED, 0)
        times = {"whole": time.perf_counter() - start, "processor": time.process_time() - used}
        shares = agreement(engine.tick(), theirs)
    row: dict[str, Any] = summary("numpy, cKDTree", agents, 1, [times])
    return row | {"agreement": shares}


def relate(rows: list[dict[str, Any]]) -> None:
    """Add ratios to the C program with as many threads: of time, and of processor time."""
    for row in rows:
        same = (row["agents"], row["threads"], "C")
        yardstick = [r for r in rows if (r["agents"], r["threads"], r["program"]) == same]
        for name in ("ns_per_agent_tick", "processor_ns_per_agent_tick"):
            ratio = row[name] / yardstick[0][name] if yardstick else None
            row[name.replace("ns_per_agent_tick", "ratio_to_c")] = ratio


def show(row: dict[str, Any]) -> None:
    """Print a line of the table."""
    ratio, used = row["ratio_to_c"], row["processor_ratio_to_c"]
    ratios = f"{'':18}" if ratio is None else f"{ratio:>9.2f}{used:>9.2f}"
    same = row.get("agreement")
    shares = "" if same is None else f"{same['best']:>11.4%}{same['moved']:>11.4%}"
    print(
        f"{row['agents']:>10,}  {row['program']:<15}{row['threads']:>7}"
        f"{row['agent_ticks_per_s']:>15,.0f}{row['ns_per_agent_tick']:>11,.1f}"
        f"{row['processor_ns_per_agent_tick']:>11,.1f}{ratios}{shares}",
        flush=True,
    )
    if row["parts"]:
        parts = ", ".join(f"{name} {cost:.1f}" for name, cost in row["parts"].items())
        print(f"{'':12}({parts})")


def main() -> None:
    """Print a table; write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="+", default=SIZES)
    parser.add_argument("--large", action="store_true", help="10 million agents as well")
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ticks", type=int, default=7)
    parser.add_argument("--occupancy", type=float, default=OCCUPANCY, help="agents a cell")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    sizes = options.agents + [LARGE] * options.large
    with tempfile.TemporaryDirectory(prefix="ecs-market-") as folder:
        library, compiler = None, None
        try:
            library, compiler = compile_program(Path(folder)), version_of_compiler()
            print(f"C program compiled by {compiler}")
        except UnavailableError as reason:
            print(f"C program skipped: {reason}")
        if importlib.util.find_spec("scipy") is None:
            print("numpy with cKDTree skipped: scipy is not installed")
        print(
            "\n    agents  program        threads  agent-ticks/s         ns  processor"
            "   ratio    proc.       best      moved"
        )
        rows: list[dict[str, Any]] = []
        for agents in sizes:
            found = [
                row
                for threads in options.threads
                for row in compare(agents, threads, options.ticks, options.occupancy, library)
            ]
            if importlib.util.find_spec("scipy") is not None:
                found.append(vectorised(agents, options.occupancy))
            relate(found)
            for row in found:
                show(row)
            rows += found
    if options.json:
        figures = {"compiler": compiler, "rows": rows}
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
