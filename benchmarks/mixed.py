"""The benchmark economy of `mixed.yaml` at any size: speed, where the time goes, what agents do.

    python benchmarks/mixed.py [--agents 1000000] [--threads 1 2] [--ticks 5] [--crowded]
        [--telemetry off summary trades orders full] [--json FILE]

Goods and money are drawn anew, through the host interface and outside the time measured, before
each tick that is timed, or the economy would soon be at rest.
"""

from __future__ import annotations

import argparse
import copy
import functools
import itertools
import json
import math
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from ecs_market import Simulation
from ecs_market.bench import forget_peak, lattice, resident
from ecs_market.components.intent import IDLE, MARKET, PARTNER, RESOURCE, Intent
from ecs_market.scenario import from_dict

TEMPLATE = Path(__file__).with_name("mixed.yaml")
LEVELS = ("off", "summary", "trades", "orders", "full")
CROWD = 13  # agents a cell that the crowded variant puts within reach of posts


@functools.cache
def template() -> dict[str, Any]:
    """Return the scenario of `mixed.yaml`."""
    found: dict[str, Any] = yaml.safe_load(TEMPLATE.read_text(encoding="utf-8"))
    return found


def economy(agents: int, posts: int | None = None) -> dict[str, Any]:
    """Return the scenario of `mixed.yaml`, repeated until it has so many agents."""
    found = copy.deepcopy(template())
    grid, base = found["grid"], found["agents"]["count"]
    side = max(2, round(math.sqrt(grid["width"] * grid["height"] * agents / base)))
    number = max(1, agents // base) if posts is None else posts
    post = {key: value for key, value in found["market_posts"][0].items() if key != "id"}
    found["name"] = f"benchmark economy, {agents} agents, {number} posts"
    found["grid"] = {"width": side, "height": side}
    found["market_posts"] = [post | {"location": place} for place in lattice(number, side)]
    found["agents"]["count"] = agents
    return found


def crowd(simulation: Simulation) -> None:
    """Put `CROWD` agents on every cell around the posts, in growing squares."""
    ids = simulation.population("agents").ids()
    posts = np.array([post.location for post in simulation.markets])
    half = math.ceil((math.sqrt(len(ids) / (CROWD * len(posts))) - 1) / 2)
    steps = range(-half, half + 1)
    offsets = sorted(
        itertools.product(steps, steps), key=lambda way: (max(abs(way[0]), abs(way[1])), way)
    )
    index = np.arange(len(ids)) // CROWD
    cells = posts[index % len(posts)] + np.array(offsets)[index // len(posts)]
    grid = simulation.scenario.grid
    with simulation.edit() as edit:
        edit.set("position.x", ids, np.clip(cells[:, 0], 0, grid.width - 1))
        edit.set("position.y", ids, np.clip(cells[:, 1], 0, grid.height - 1))


def redraw(simulation: Simulation, generator: np.random.Generator) -> None:
    """Give everybody goods and money as at the start."""
    population, units = simulation.population("agents"), simulation.units
    ranges = template()["agents"]["inventories"]
    ids = population.ids()
    for name, (least, most) in ranges.items():
        drawn = generator.integers(least, most + 1, len(ids))
        drawn *= units.to_minor(1) if name == "M" else units.to_lots(1)
        # One after the other: an edit keeps what it is to write until its end.
        with simulation.edit() as edit:
            field = "money" if name == "M" else f"goods.{name}"
            edit.set(f"inventory.{field}", ids, drawn)


def shares(simulation: Simulation) -> dict[str, float]:
    """Return what share of the agents was after what in the last tick, or stood at a post."""
    kind = simulation.world.agents.whole(Intent).kind[: simulation.world.agents.end]
    return {
        "idle": float(np.mean(kind == IDLE)),
        "market": float(np.mean(kind == MARKET)),
        "partner": float(np.mean(kind == PARTNER)),
        "resource": float(np.mean(kind == RESOURCE)),
        "at_posts": float(np.mean(simulation.world.scratch.at_post >= 0)),
    }


def measure(
    scenario: dict[str, Any], threads: int, ticks: int, level: str, crowded: bool = False
) -> dict[str, Any]:
    """Run an economy and return ns an agent and tick by system, shares, memory and hash."""
    forget_peak()
    before = resident("VmRSS")
    agents = scenario["agents"]["count"]
    generator = np.random.default_rng(1)
    times, used, systems, doing = [], [], [], []
    with Simulation(
        from_dict(scenario), seed=1, telemetry_level=level, threads=threads
    ) as simulation:
        if crowded:
            crowd(simulation)
        for tick in range(ticks + 2):
            redraw(simulation, generator)
            sums = simulation.timings()
            start, processor = time.perf_counter(), time.process_time()
            simulation.step()
            elapsed, processor = time.perf_counter() - start, time.process_time() - processor
            if tick >= 2:
                times.append(elapsed)
                used.append(processor)
                systems.append({k: v - sums[k] for k, v in simulation.timings().items()})
                doing.append(shares(simulation))
        peak, digest = resident("VmHWM"), simulation.state_hash()
    return {
        "agents": agents,
        "threads": threads,
        "telemetry": level,
        "agent_ticks_per_s": agents / statistics.median(times),
        "ns_per_agent_tick": statistics.median(times) * 1e9 / agents,
        "processor_ns_per_agent_tick": statistics.median(used) * 1e9 / agents,
        "systems": {
            name: statistics.median(each[name] for each in systems) / agents for name in systems[0]
        },
        "shares": {name: statistics.median(each[name] for each in doing) for name in doing[0]},
        "bytes_per_agent": None if before is None or peak is None else (peak - before) / agents,
        "state_hash": digest,
    }


def main() -> None:
    """Print tables; write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--threads", type=int, nargs="+", default=[2])
    parser.add_argument("--ticks", type=int, default=5)
    parser.add_argument("--telemetry", nargs="+", default=["summary"], choices=LEVELS)
    parser.add_argument("--crowded", action="store_true", help="put the agents close to the posts")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    measure(economy(2_000), max(options.threads), 3, options.telemetry[0])
    runs = [
        measure(economy(agents), threads, options.ticks, level, options.crowded)
        for agents in options.agents
        for threads in options.threads
        for level in options.telemetry
    ]
    for run in runs:
        print(
            f"{run['agents']:,} agents, {run['threads']} threads, telemetry {run['telemetry']}: "
            f"{run['agent_ticks_per_s']:,.0f} agent-ticks/s, "
            f"{run['ns_per_agent_tick']:.0f} ns an agent-tick"
        )
        print("  " + ", ".join(f"{name} {share:.1%}" for name, share in run["shares"].items()))
        for name, cost in sorted(run["systems"].items(), key=lambda item: -item[1]):
            if cost >= 0.5:
                print(f"  {name:22} {cost:8.1f} ns")
    if options.json:
        options.json.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
