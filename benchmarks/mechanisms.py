"""Speed of one clearing under each mechanism with centralised orders.

    python benchmarks/mechanisms.py [--orders 1000000] [--threads 2] [--repeats 3] [--json FILE]

A line is the median of the repeats: of wall-clock time and of processor time, which is that of all
threads together and less troubled by a busy machine.  Kernels are compiled before.  In a double
auction every order is given, or there is one activation for each member; in the others every
trader has a single unit to buy or sell.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from double_auction import BEHAVIOURS, world_of

from ecs_market.build import build_world
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import PostVisibility
from ecs_market.scenario import from_dict
from ecs_market.schedule import SCHEDULE
from ecs_market.systems.appraise import Appraise
from ecs_market.world import World

WARM_UP = 1_000
# A value that is replaced by one of each trader's own, from 5 to 15 M.
SAME = 10.0


class Case(NamedTuple):
    """A line of the table: what makes a world for a number of orders, posts and a seed."""

    mechanism: str
    orders: str
    posts: int
    world: Callable[[int, int, int], World]


def traders_at(mechanism: str, params: dict[str, Any]) -> Callable[[int, int, int], World]:
    """Return what makes a world of traders of one unit, half buyers, half sellers, at posts."""

    def world(orders: int, posts: int, seed: int) -> World:
        half = orders // 2
        common = {"initial_positions": {"at": [0, 0]}}
        buyers = {"type": "induced_value", "values": [[SAME]]}
        sellers = {"type": "induced_value", "costs": [[SAME]]}
        scenario = {
            "goods": ["A"],
            "units": {"lot": 1, "price_step": 0.01},
            "grid": {"width": max(2, posts), "height": max(2, posts)},
            "market_posts": [
                {"location": [i, i], "mechanism": mechanism, "mechanism_params": params}
                for i in range(posts)
            ],
            "populations": [
                {
                    "name": "buyers",
                    "count": orders - half,
                    "inventories": {"A": 0, "M": 100},
                    "utilities": [buyers],
                    **common,
                },
                {
                    "name": "sellers",
                    "count": half,
                    "inventories": {"A": 1, "M": 0},
                    "utilities": [sellers],
                    **common,
                },
            ],
        }
        made = build_world(from_dict(scenario), seed, 1)
        parameters = made.agents.whole(Utility).parameters
        own = parameters == SAME
        parameters[own] = np.random.default_rng(seed).uniform(5.0, 15.0, int(own.sum()))
        intent, rows = made.agents.whole(Intent), made.agent_rows
        intent.kind[rows] = MARKET
        intent.target[rows] = np.arange(len(rows)) % posts
        # All stand at the first cell: every post must reach them.
        made.posts.whole(PostVisibility).interaction_radius[:] = 2**30
        return made

    return world


def double_auction(behaviour: str) -> Callable[[int, int, int], World]:
    """Return what makes a world of one double auction."""

    def world(orders: int, _posts: int, seed: int) -> World:
        return world_of(orders, behaviour, seed)

    return world


def cases(posts: int) -> list[Case]:
    """Return the lines of the table."""
    found = [
        Case("continuous_double_auction", name, 1, double_auction(name)) for name in BEHAVIOURS
    ]
    call = traders_at("call_auction", {})
    posted = traders_at("posted_price", {"initial_price": 10})
    for mechanism, world in (("call_auction", call), ("posted_price", posted)):
        found += [Case(mechanism, "truthful", count, world) for count in (1, posts)]
    return found


def measure(case: Case, orders: int, posts: int, seed: int, threads: int) -> dict[str, float]:
    """Return seconds and processor seconds of one clearing, and the number of trades."""
    world = case.world(orders, posts, seed)
    world.threads = threads
    clearing = [system() for phase, system in SCHEDULE if phase == "clearing"]
    try:
        Appraise().process(world)
        for phase, system in SCHEDULE:
            if phase == "order collection":
                system().process(world)
        began, used = time.perf_counter(), time.process_time()
        for each in clearing:
            each.process(world)
        trades = world.scratch.clearings[0].trades().size
        ended, burnt = time.perf_counter(), time.process_time()
        return {"seconds": ended - began, "processor": burnt - used, "trades": trades}
    finally:
        world.close()


def main() -> None:
    """Measure, print a table, and write it as JSON if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--posts", type=int, default=10_000, help="in the cases of many posts")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE")
    given = parser.parse_args()
    print(f"{given.orders:,} orders, {given.threads} threads\n")
    print(f"{'mechanism':<26}{'orders':<10}{'posts':>7}{'s':>9}{'processor s':>13}{'trades':>10}")
    rows = []
    for case in cases(given.posts):
        measure(case, WARM_UP, min(case.posts, 10), 0, given.threads)
        runs = [
            measure(case, given.orders, case.posts, seed, given.threads)
            for seed in range(given.repeats)
        ]
        row = {key: statistics.median(run[key] for run in runs) for key in runs[0]}
        rows.append(
            {"mechanism": case.mechanism, "orders": case.orders, "posts": case.posts, **row}
        )
        print(
            f"{case.mechanism:<26}{case.orders:<10}{case.posts:>7}{row['seconds']:>9.3f}"
            f"{row['processor']:>13.3f}{int(row['trades']):>10,}",
            flush=True,
        )
    if given.json:
        about = {
            "orders": given.orders,
            "threads": given.threads,
            "repeats": given.repeats,
            "processors": os.cpu_count(),
            "python": platform.python_version(),
            "numpy": np.__version__,
            "numba": numba.__version__,
        }
        given.json.write_text(json.dumps({**about, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
