"""Speed of one double auction: limit orders handed in, and members who act on their own accord.

    python benchmarks/double_auction.py [--orders 1000000] [--repeats 3]

Every line is the median of the repeats, of one clearing of one post in one thread; what is compiled
is compiled before.
"""

from __future__ import annotations

import argparse
import statistics
import time

import numpy as np

from ecs_market.components.double_auction import GivenOrders
from ecs_market.components.intent import MARKET, Intent
from ecs_market.order_book import OrderBook, check_orders, orders_world
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.clear_double_auction import ClearDoubleAuction
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.world import World

BEHAVIOURS = ("given", "zi_c", "truthful", "zip")


def world_of(orders: int, behaviour: str, seed: int) -> World:
    """Return a world with one agent an order, half of them buyers, limits from 5 to 15 M."""
    draw = np.random.default_rng(seed)
    one = {"agent": 0, "commodity": "A", "direction": "buy", "quantity": 1, "limit_price": 1}
    rules = {"behaviour": "truthful" if behaviour == "given" else behaviour, "price_high": 20}
    units = {"lot": 1, "price_step": 0.01}
    example = check_orders([one], units, "continuous_double_auction", rules)
    book = OrderBook(
        goods=("A",),
        agent=np.arange(orders),
        good=np.zeros(orders, np.int64),
        buys=draw.random(orders) < 0.5,
        lots=draw.integers(1, 10, orders),
        steps=draw.integers(500, 1500, orders),
        kind=np.zeros(orders, np.int64),
        units=example.units,
        post=example.post,
    )
    world = orders_world(book)
    if behaviour != "given":
        for entity, _ in world.esper.get_component(GivenOrders):
            world.esper.delete_entity(entity, immediate=True)
    intent = world.agents.whole(Intent)
    intent.kind[world.agent_rows] = MARKET
    intent.target[world.agent_rows] = 0
    return world


def seconds(orders: int, behaviour: str, seed: int) -> tuple[float, int]:
    """Return how long one clearing takes [s], and the number of trades."""
    world = world_of(orders, behaviour, seed)
    Appraise().process(world)
    CollectOrders().process(world)
    before = time.perf_counter()
    ClearDoubleAuction().process(world)
    return time.perf_counter() - before, world.scratch.clearings[0].trades().size


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--orders", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    print(f"{options.orders:,} orders\n\nbehaviour         s    ns an order     trades")
    for behaviour in BEHAVIOURS:
        seconds(1000, behaviour, 0)
        runs = [seconds(options.orders, behaviour, seed) for seed in range(options.repeats)]
        median = statistics.median(run[0] for run in runs)
        each = median / options.orders * 1e9
        print(f"{behaviour:<10}  {median:>8.3f}  {each:>13,.0f}  {runs[0][1]:>9,}", flush=True)


if __name__ == "__main__":
    main()
