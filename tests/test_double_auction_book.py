"""The order book against a plain one: random streams of orders, tick after tick."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest

from ecs_market.books import books, keep
from ecs_market.build import build_world
from ecs_market.components.double_auction import (
    ORDER_TYPES,
    DoubleAuction,
    GivenOrders,
    RestingOrders,
)
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.mechanisms.settlement import ORDER_STATUSES, Clearing
from ecs_market.scenario import scenario_for_clear
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.clear_double_auction import ClearDoubleAuction
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.world import World
from tests.oracles.order_book import FOREVER, Exchange, Order, Trader

AGENTS, GOODS = 6, 2


@cache
def shared_world() -> World:
    """One post for all streams; each starts it afresh."""
    group = {
        "name": "all",
        "count": AGENTS,
        "inventories": {"A": 1, "B": 1, "M": 1},
        "utilities": [{"type": "linear", "weights": [1, 1]}],
    }
    return build_world(scenario_for_clear([group], "continuous_double_auction", {}), 0, 1)


@dataclass
class Stream:
    """What one stream of orders is about."""

    rng: random.Random
    ticks: int
    orders: int
    prices: int
    sizes: int
    kinds: tuple[str, ...]
    fee: tuple[int, int]
    band: float
    clear_every: int


def stream(number: int) -> Stream:
    rng = random.Random(number)
    kinds = rng.choice([("limit",), ("limit", "stop"), ORDER_TYPES, ORDER_TYPES])
    fee = rng.choice([(0, 0), (0, 0), (10**7, 0), (0, 2), (333_333_333, 1)])
    return Stream(
        rng,
        ticks=rng.choice([1, 2, 4]),
        orders=rng.choice([5, 20, 60]),
        prices=rng.choice([3, 10, 100]),
        sizes=rng.choice([1, 5, 30]),
        kinds=kinds,
        fee=fee,
        band=rng.choice([0.0, 0.0, 0.0, 0.3]),
        clear_every=rng.choice([1, 1, 2]),
    )


def start(world: World, case: Stream) -> Exchange:
    """Set up the world and the plain exchange alike."""
    rng = case.rng
    rows = world.agent_rows
    inventory, post = world.agents.whole(Inventory), world.posts.whole(MarketPost)
    rules = world.posts.whole(MarketRules)
    world.tick = 0
    inventory.goods[rows] = [[rng.randint(0, 40) for _ in range(GOODS)] for _ in rows]
    inventory.money[rows] = [rng.choice([0, 100, 3000, 3000]) for _ in rows]
    for book in books(world):
        keep(book, np.zeros(len(book.post), np.bool_))
    post.current_prices[:] = 0
    world.posts.whole(DoubleAuction).last_price[:] = 0
    world.posts.whole(MarketAccount).money[:] = 0
    rules.fee_ppb[:], rules.fee_per_lot[:] = case.fee
    rules.price_band[:] = case.band
    rules.clear_every[:] = case.clear_every
    # Whose orders an agent's are is known for those handed in, not for those that rest.
    shared = case.ticks == 1
    owners = [max(0, i - 1) if shared and rng.random() < 0.3 else i for i in range(AGENTS)]
    traders = {
        i: Trader(int(inventory.money[r]), inventory.goods[r].tolist(), owners[i])
        for i, r in enumerate(rows)
    }
    return Exchange(traders, case.fee, case.band)


def given(case: Stream, tick: int, owners: list[int]) -> GivenOrders:
    """Draw the orders of a tick."""
    rng, n = case.rng, case.orders
    kind = [ORDER_TYPES.index(rng.choice(case.kinds)) for _ in range(n)]
    agent = [rng.randrange(AGENTS) for _ in range(n)]
    return GivenOrders(
        post=np.zeros(n, np.int64),
        agent=np.array(agent),
        good=np.array([rng.randrange(GOODS) for _ in range(n)]),
        owner=np.array([owners[i] for i in agent]),
        sells=np.array([rng.random() < 0.5 for _ in range(n)]),
        price=np.array([rng.randint(1, case.prices) for _ in range(n)]),
        lots=np.array([rng.randint(1, case.sizes) for _ in range(n)]),
        kind=np.array(kind),
        expires=np.array([rng.choice([FOREVER, tick + 1, tick + 2]) for _ in range(n)]),
        replaces=np.array([rng.random() < 0.2 for _ in range(n)]),
    )


def run_tick(world: World, orders: GivenOrders, present: set[int]) -> Clearing | None:
    intent, rows = world.agents.whole(Intent), world.agent_rows
    intent.kind[rows] = [MARKET if i in present else 0 for i in range(AGENTS)]
    intent.target[rows] = 0
    world.scratch.clearings.clear()
    entity = world.esper.create_entity(orders)
    for system in (Appraise(), CollectOrders(), ClearDoubleAuction()):
        system.process(world)
    world.esper.delete_entity(entity, immediate=True)
    world.tick += 1
    return world.scratch.clearings[0] if world.scratch.clearings else None


def same_in_plain(
    plain: Exchange,
    case: Stream,
    tick: int,
    orders: GivenOrders,
    present: set[int],
    published: list[int],
) -> list[tuple[object, ...]]:
    """Do the same with the plain exchange; return what should be reported."""
    before = [(o, o.lots, o.trigger) for o in plain.resting + plain.stops]
    plain.trades = []
    if (tick + 1) % case.clear_every:
        plain.leave(present)
        new: list[Order] = []
    else:
        plain.begin(tick, present, published)
        new = []
        for n in range(case.orders):
            order = Order(
                int(orders.agent[n]),
                int(orders.good[n]),
                not orders.sells[n],
                int(orders.price[n]),
                int(orders.lots[n]),
                int(orders.expires[n]),
            )
            if order.agent in present:
                new.append(order)
                kind = ORDER_TYPES[orders.kind[n]]
                plain.submit(order, kind, replaces=bool(orders.replaces[n]))
    there = {id(o) for o in plain.resting + plain.stops}
    told = [
        o for o, lots, stop in before if id(o) not in there or (lots, stop) != (o.lots, o.trigger)
    ]
    return sorted(
        (o.agent, o.good, o.buys, o.price, o.quantity, plain.status(o)) for o in told + new
    )


def reported(clearing: Clearing | None) -> list[tuple[object, ...]]:
    if clearing is None:
        return []
    orders = clearing.orders
    assert orders is not None
    rows = zip(
        orders.agent.tolist(),
        orders.good.tolist(),
        (orders.lots > 0).tolist(),
        orders.limit.tolist(),
        np.abs(orders.lots).tolist(),
        [ORDER_STATUSES[status] for status in orders.status],
        strict=True,
    )
    return sorted(rows)


def resting(world: World) -> list[tuple[int, ...]]:
    book = next(book for book in books(world) if isinstance(book, RestingOrders))
    columns = (book.agent, book.good, book.sells, book.price, book.trigger, book.lots, book.expires)
    return [tuple(int(v) for v in row) for row in zip(*columns, strict=True)]


def edit(world: World, plain: Exchange, rng: random.Random) -> None:
    """Take something from an agent that may have promised it."""
    who = rng.randrange(AGENTS)
    row = world.agent_rows[who]
    inventory, trader = world.agents.whole(Inventory), plain.traders[who]
    trader.money //= rng.choice([1, 2, 10])
    trader.goods = [each // rng.choice([1, 2, 10]) for each in trader.goods]
    inventory.money[row], inventory.goods[row] = trader.money, trader.goods


def compare(number: int) -> int:
    """Run one stream both ways; return the number of trades."""
    world, case = shared_world(), stream(number)
    plain = start(world, case)
    inventory, rows = world.agents.whole(Inventory), world.agent_rows
    total = inventory.goods[rows].sum(), inventory.money[rows].sum()
    made = 0
    for tick in range(case.ticks):
        if tick and case.rng.random() < 0.3:
            edit(world, plain, case.rng)
            total = inventory.goods[rows].sum(), inventory.money[rows].sum() + plain.account
        present = {i for i in range(AGENTS) if case.rng.random() < 0.85}
        orders = given(case, tick, [plain.traders[i].owner for i in range(AGENTS)])
        published = world.posts.whole(MarketPost).current_prices[world.post_rows[0]].tolist()
        clearing = run_tick(world, orders, present)
        expected = same_in_plain(plain, case, tick, orders, present, published)
        where = f"stream {number}, tick {tick}"
        trades = [] if clearing is None else _rows(clearing)
        assert trades == plain.trades, where
        assert resting(world) == plain.book(), where
        assert reported(clearing) == expected, where
        assert inventory.money[rows].tolist() == [t.money for t in plain.traders.values()], where
        assert inventory.goods[rows].tolist() == [t.goods for t in plain.traders.values()], where
        account = int(world.posts.whole(MarketAccount).money.sum())
        assert account == plain.account, where
        assert (inventory.goods[rows].sum(), inventory.money[rows].sum() + account) == total, where
        made += len(trades)
    return made


def _rows(clearing: Clearing) -> list[tuple[int, ...]]:
    made = clearing.trades()
    columns = (made.buyer, made.seller, made.good, made.quantity, made.price, made.fee)
    return [tuple(int(v) for v in row) for row in zip(*columns, strict=True)]


def test_random_streams() -> None:
    made = sum(compare(number) for number in range(300))
    assert made > 1000


@pytest.mark.slow
def test_ten_thousand_random_streams() -> None:
    for number in range(300, 10_300):
        compare(number)
