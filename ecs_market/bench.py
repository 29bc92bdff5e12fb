"""Speed and memory of a generated economy, as `ecs-market bench` prints them.

The economy has any number of agents at 5 % occupancy, 70 % of them Cobb-Douglas and 30 % linear,
and Walrasian posts on an even lattice. The same kernels are compiled by a small run beforehand, so
that neither time nor memory of compiling is counted.
"""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ecs_market.simulation import Simulation

OCCUPANCY = 0.05  # agents a cell
WARM_UP_AGENTS = 1_000
WARM_UP_TICKS = 30
STATUS = Path("/proc/self/status")
CLEAR_REFS = Path("/proc/self/clear_refs")


def lattice(posts: int, side: int) -> list[list[int]]:
    """Spread posts evenly over a square grid of `side` cells, row by row; no cell twice.

    Parameters
    ----------
    posts : int
        How many.
    side : int
        The grid's width and height [cell].
    """
    columns = max(1, math.ceil(math.sqrt(posts)))
    rows = max(1, math.ceil(posts / columns))
    places = []
    for index in range(posts):
        row, column = divmod(index, columns)
        x, y = (2 * column + 1) * side // (2 * columns), (2 * row + 1) * side // (2 * rows)
        places.append([x, y])
    return places


def economy(agents: int, posts: int) -> dict[str, Any]:
    """Return the scenario of a benchmark, as a mapping that `from_dict` takes.

    Parameters
    ----------
    agents, posts : int
        How many of each.
    """
    # Room for the posts too, or a few agents with many posts would find no free cell for them.
    side = max(math.ceil(math.sqrt(agents / OCCUPANCY)), math.ceil(math.sqrt(posts)), 2)
    linear = agents * 3 // 10
    tastes: list[dict[str, Any]] = [
        {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": agents - linear},
        {"type": "linear", "weights": [0.7, 0.3], "count": linear},
    ]
    return {
        "name": f"{agents} agents, {posts} posts",
        "grid": {"width": side, "height": side},
        "params": {"vision_radius": 5},
        "market_posts": [
            {"id": number, "location": place, "mechanism": "walrasian"}
            for number, place in enumerate(lattice(posts, side))
        ],
        "agents": {
            "count": agents,
            "initial_positions": {"distribution": "uniform"},
            "inventories": {"A": [10, 20], "B": [10, 20], "M": [100, 200]},
            "utilities": [taste for taste in tastes if taste["count"]],
        },
        "resources": {
            "spawn_rate": 0.1,
            "types": [{"good": "A", "quantity": [1, 3]}, {"good": "B", "quantity": [1, 3]}],
        },
    }


def resident(field: str) -> int | None:
    """Return this process's memory [byte], None where the platform does not tell.

    Parameters
    ----------
    field : str
        "VmRSS" for what it holds now, "VmHWM" for its peak since `forget_peak`.
    """
    try:
        for line in STATUS.read_text(encoding="ascii").splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
    except OSError:
        return None
    return None


def forget_peak() -> None:
    """Start the peak anew, so that compiling does not count as the economy's memory."""
    try:
        CLEAR_REFS.write_text("5", encoding="ascii")
    except OSError:
        return


def build(agents: int, posts: int, threads: int | None) -> Simulation:
    """Make the benchmark's simulation with summary telemetry in memory."""
    from ecs_market.scenario import from_dict
    from ecs_market.simulation import Simulation

    given: Mapping[str, Any] = {} if threads is None else {"threads": threads}
    scenario = from_dict(economy(agents, posts))
    return Simulation(scenario, seed=1, telemetry_level="summary", **given)


def measure(agents: int, posts: int, ticks: int, threads: int | None = None) -> dict[str, Any]:
    """Run the benchmark's economy.

    Parameters
    ----------
    agents, posts, ticks : int
        The economy's size and the number of ticks that are timed.
    threads : int, optional
        As for `Simulation`.

    Returns
    -------
    dict
        `ns_per_agent_tick` by system and `total_ns_per_agent_tick`, `agent_ticks_per_s`,
        `elapsed_s`, `bytes_per_agent` (peak resident memory less that before construction, by
        agent; None where it can't be measured), `state_hash`, and the sizes asked for.
    """
    with build(WARM_UP_AGENTS, min(posts, WARM_UP_AGENTS // 10), threads) as small:
        small.run(WARM_UP_TICKS)
    forget_peak()
    before = resident("VmRSS")
    with build(agents, posts, threads) as simulation:
        start = time.perf_counter()
        simulation.run(ticks)
        elapsed = time.perf_counter() - start
        peak = resident("VmHWM")
        timings = simulation.timings()
        state_hash = simulation.state_hash()
    work = agents * ticks
    size = None if before is None or peak is None else (peak - before) / agents
    return {
        "agents": agents,
        "posts": posts,
        "ticks": ticks,
        "threads": threads,
        "ns_per_agent_tick": {name: total / work for name, total in timings.items()},
        "total_ns_per_agent_tick": elapsed * 1e9 / work,
        "agent_ticks_per_s": work / elapsed,
        "elapsed_s": elapsed,
        "bytes_per_agent": size,
        "state_hash": state_hash,
    }
