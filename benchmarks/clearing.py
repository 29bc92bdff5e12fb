"""Speed of Walrasian clearing: one post of very many traders, very many posts of few.

Run as ``python -m benchmarks.clearing``.  Times are medians of whole clearings in memory: members
collected, prices found, trades rationed and booked.  Holdings are put back before each.
Processor time is that of all threads together; half of it is what two idle processors would need.
"""

from __future__ import annotations

import argparse
import statistics
import time
from typing import Any

import numpy as np

from ecs_market.build import build_world
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import STATUSES, MarketPost
from ecs_market.components.visibility import PostVisibility
from ecs_market.scenario import from_dict
from ecs_market.schedule import SCHEDULE
from ecs_market.systems.appraise import Appraise
from ecs_market.world import World

TASTES: dict[str, list[dict[str, Any]]] = {
    "cobb_douglas": [{"exponents": [0.6, 0.4]}, {"exponents": [0.3, 0.7]}],
    "ces": [{"weights": [0.6, 0.4], "rho": 0.5}, {"weights": [0.3, 0.7], "rho": -0.5}],
    "stone_geary": [
        {"exponents": [0.6, 0.4], "subsistence": [2, 1]},
        {"exponents": [0.3, 0.7], "subsistence": [1, 3]},
    ],
}


def economy(traders: int, posts: int, family: str) -> dict[str, Any]:
    """Return traders of one family with random holdings, and posts on the diagonal."""
    held = {"A": [10, 20], "B": [10, 20], "M": [100, 200]}
    half = traders // 2
    tastes = [
        {"type": family, "count": count, **taste}
        for count, taste in zip((traders - half, half), TASTES[family], strict=True)
        if count
    ]
    return {
        "grid": {"width": max(2, posts), "height": max(2, posts)},
        "market_posts": [{"location": [i, i], "visibility_radius": 0} for i in range(posts)],
        "agents": {
            "count": traders,
            "initial_positions": {"at": [0, 0]},
            "inventories": held,
            "utilities": tastes,
        },
    }


def gather(world: World, posts: int) -> tuple[Any, Any]:
    """Send the traders to the posts in turn; return copies of what they hold."""
    intent, inventory = world.agents.whole(Intent), world.agents.whole(Inventory)
    rows = world.agent_rows
    intent.kind[rows] = MARKET
    intent.target[rows] = np.arange(len(rows)) % posts
    # All stand at the first cell: every post must reach them.
    world.posts.whole(PostVisibility).interaction_radius[:] = 2**30
    return inventory.goods.copy(), inventory.money.copy()


def measure(traders: int, posts: int, family: str, threads: int, repeats: int) -> dict[str, Any]:
    """Return the median time of a clearing [s] by part, and how it ended."""
    world = build_world(from_dict(economy(traders, posts, family)), 1, threads)
    goods, money = gather(world, posts)
    inventory, post = world.agents.whole(Inventory), world.posts.whole(MarketPost)
    systems = [system() for phase, system in SCHEDULE if phase in ("order collection", "clearing")]
    Appraise().process(world)
    times: dict[str, list[float]] = {"collect": [], "whole": [], "processor": []}
    try:
        for _ in range(repeats + 1):
            inventory.goods[:], inventory.money[:] = goods, money
            post.current_prices[:] = 0
            world.scratch.clearings = []
            began, used = time.perf_counter(), time.process_time()
            systems[0].process(world)
            middle = time.perf_counter()
            for system in systems[1:]:
                system.process(world)
            ended = time.perf_counter()
            times["collect"].append(middle - began)
            times["whole"].append(ended - began)
            times["processor"].append(time.process_time() - used)
        clearing = world.scratch.clearings[0]
        found = {name: statistics.median(each[1:]) for name, each in times.items()}
        statuses = {STATUSES[int(code)] for code in np.unique(clearing.status[clearing.active])}
        most = int(clearing.iterations.max())
        return {**found, "iterations": most, "statuses": sorted(statuses)}
    finally:
        world.close()


def main() -> None:
    """Measure what the arguments ask for and print it."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--traders", type=int, default=1_000_000)
    parser.add_argument("--posts", type=int, default=10_000, help="posts of 100 traders each")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--families", nargs="+", choices=list(TASTES), default=list(TASTES))
    parser.add_argument("--sizes", type=int, nargs="*", default=[6, 60, 600, 60_000])
    given = parser.parse_args()
    heads = f"{'family':14}{'posts':>8}{'traders':>10}{'whole [s]':>11}{'processor [s]':>15}"
    print(f"{heads}{'rounds':>8}  status")
    for family in given.families:
        cases = [(given.traders, 1), (100 * given.posts, given.posts)]
        for traders, posts in [(size, 1) for size in given.sizes] + cases:
            if traders < 2:
                continue
            found = measure(traders, posts, family, given.threads, given.repeats)
            print(
                f"{family:14}{posts:>8}{traders:>10}{found['whole']:>11.4f}"
                f"{found['processor']:>15.4f}{found['iterations']:>8}"
                f"  {', '.join(found['statuses'])}  (collecting {found['collect']:.4f} s)",
                flush=True,
            )


if __name__ == "__main__":
    main()
