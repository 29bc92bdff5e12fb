"""Speed of face-to-face bargaining: many disjoint pairs of the canonical ranges, one meeting each.

    python benchmarks/bargaining.py [--pairs 250000] [--threads 2] [--rules nash ...] [--repeats 3]

Half of the agents are linear, half Cobb-Douglas; each rule's line is the median of the repeats,
after one meeting of a few pairs that compiles.  `barter` is `compensating_block` with goods for
goods besides.  The processor's time does not count what else runs on the machine.
"""

from __future__ import annotations

import argparse
import dataclasses
import statistics
import time

import numpy as np

from ecs_market.build import build_world
from ecs_market.components.inventory import Inventory
from ecs_market.mechanisms.bargaining import bargain
from ecs_market.scenario import scenario_for_clear
from ecs_market.world import World

RULES = (
    "compensating_block",
    "split_difference",
    "sealed_bid",
    "nash",
    "kalai_smorodinsky",
    "take_it_or_leave_it",
    "barter",
)


def world_of(agents: int, threads: int) -> World:
    """Return agents with the canonical holdings and tastes."""
    tastes = [
        {"type": "linear", "weights": [0.7, 0.3], "share": 0.5},
        {"type": "cobb_douglas", "exponents": [0.6, 0.4], "share": 0.5},
    ]
    held = {"A": [10, 20], "B": [10, 20], "M": [100, 200]}
    group = {"name": "agents", "count": agents, "inventories": held, "utilities": tastes}
    return build_world(scenario_for_clear([group]), 0, threads)


def measure(world: World, rule: str, repeats: int) -> tuple[float, float, float, float]:
    """Return seconds to compile or load, of all meetings, of a processor; agreements a pair."""
    barter = rule == "barter"
    world.settings = dataclasses.replace(
        world.settings,
        bargaining=RULES[0] if barter else rule,
        bargaining_parameters={"barter": True} if barter else {},
    )
    inventory = world.agents.whole(Inventory)
    goods, money = inventory.goods.copy(), inventory.money.copy()
    order = np.random.default_rng(1).permutation(len(world.agent_rows)).reshape(-1, 2)
    order.sort(axis=1)
    order = order[np.argsort(order[:, 0])]
    first, second = (world.agent_rows[order[:, side]] for side in range(2))
    clock = time.perf_counter()
    bargain(world, first[:4], second[:4])
    loading = time.perf_counter() - clock
    found, used, agreements = [], [], 0.0
    for _ in range(repeats):
        inventory.goods[:], inventory.money[:] = goods, money
        clock, processor = time.perf_counter(), time.process_time()
        report = bargain(world, first, second)
        found.append(time.perf_counter() - clock)
        used.append(time.process_time() - processor)
        agreements = float(report.agreements.mean())
    inventory.goods[:], inventory.money[:] = goods, money
    return loading, statistics.median(found), statistics.median(used), agreements


def main() -> None:
    """Print a line for each rule."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--pairs", type=int, default=250_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--rules", nargs="+", choices=RULES, default=RULES)
    options = parser.parse_args()
    print(
        "rule                   compiled [s]  meeting [s]  processor [us a pair]  agreements a pair"
    )
    world = world_of(2 * options.pairs, options.threads)
    for rule in options.rules:
        loading, spent, used, agreements = measure(world, rule, options.repeats)
        each = used / options.pairs * 1e6
        print(f"{rule:<22} {loading:>12.2f} {spent:>12.3f} {each:>22.2f} {agreements:>18.2f}")
    world.close()


if __name__ == "__main__":
    main()
