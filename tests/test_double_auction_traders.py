"""What traders do in a double auction, and the published results that follow."""

from __future__ import annotations

import math
from statistics import mean, stdev
from typing import Any

import numpy as np

from ecs_market.components.double_auction import DoubleAuction, GivenOrders
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.mechanisms.settlement import Clearing
from ecs_market.order_book import check_orders, orders_world
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.clear_double_auction import ClearDoubleAuction
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.world import World

# Smith (1962), test 1: values and costs [cent].
SCHEDULE = [325 - 25 * n for n in range(11)]
MAXIMUM = 750
UNITS = {"lot": 1, "price_step": 0.01}


def smith(behaviour: str, **params: Any) -> World:
    """Eleven buyers and eleven sellers of one unit each, who act on their own accord."""
    orders = [
        {
            "agent": n + 11 * sells,
            "commodity": "A",
            "direction": "sell" if sells else "buy",
            "quantity": 1,
            "limit_price": value / 100,
            "order_type": "limit",
        }
        for sells in (0, 1)
        for n, value in enumerate(SCHEDULE)
    ]
    settings = {"behaviour": behaviour, "price_low": 0.01, "price_high": 4.0, **params}
    world = orders_world(check_orders(orders, UNITS, "continuous_double_auction", settings))
    for entity, _ in world.esper.get_component(GivenOrders):
        world.esper.delete_entity(entity, immediate=True)
    intent = world.agents.whole(Intent)
    intent.kind[world.agent_rows] = MARKET
    intent.target[world.agent_rows] = 0
    return world


def period(world: World, seed: int) -> Clearing:
    """Let everybody start afresh for one clearing."""
    inventory, rows = world.agents.whole(Inventory), world.agent_rows
    inventory.goods[rows, 0] = [0] * 11 + [1] * 11
    inventory.money[rows] = [400] * 11 + [0] * 11
    world.seed = seed
    world.posts.whole(DoubleAuction).last_price[:] = 0
    world.scratch.clearings.clear()
    for system in (Appraise(), CollectOrders(), ClearDoubleAuction()):
        system.process(world)
    world.tick += 1
    found: Clearing = world.scratch.clearings[0]
    return found


def efficiency(clearing: Clearing) -> float:
    return 100.0 * float(clearing.gain.sum()) / MAXIMUM


def test_zero_intelligence_with_constraint_reaches_the_published_efficiency() -> None:
    world = smith("zi_c", activations=4000, lifetime=1)
    found = [efficiency(period(world, seed)) for seed in range(400)]
    error = stdev(found) / math.sqrt(len(found))
    assert abs(mean(found) - 96.6) < 1.0 + 3 * error
    assert 96.0 - 3 * error < mean(found) < 100.0


def test_zero_intelligence_without_constraint_trades_until_nothing_is_gained() -> None:
    world = smith("zi_u", activations=4000, lifetime=1)
    for seed in range(40):
        clearing = period(world, seed)
        assert clearing.settled.volume[0, 0] == 11
        assert clearing.gain.sum() == 0


def test_nobody_with_constraint_loses() -> None:
    for behaviour in ("truthful", "zi_c", "zip"):
        world = smith(behaviour, activations=300, lifetime=1)
        for seed in range(20):
            assert (period(world, seed).settled.gain >= 0).all()


def test_truthful_traders_exhaust_the_gains() -> None:
    world = smith("truthful", activations=2000, lifetime=1)
    assert [efficiency(period(world, seed)) for seed in range(20)] == [100.0] * 20


def test_learned_margins_lead_to_the_equilibrium_price() -> None:
    """Cliff (1997): prices close in on 2.00 over a few days, and little is left to gain."""
    errors, gains = [], []
    for seed in range(10):
        world = smith("zip", activations=400, lifetime=1)
        days = [period(world, seed) for _ in range(10)]
        prices = days[-1].trades().price
        errors.append(abs(float(np.median(prices)) - 200.0))
        gains.append(efficiency(days[-1]))
    assert mean(errors) < 10.0
    assert mean(gains) > 96.0
