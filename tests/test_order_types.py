"""Double auctions whose agents draw the types of their orders."""

from __future__ import annotations

import copy
import math
from typing import Any

import numpy as np
import pytest

from ecs_market import InputError, Simulation, clear
from ecs_market.components.double_auction import ORDER_TYPES
from ecs_market.kernels.budgets import DRAWN, KIND, REACH, RULES, WHOLE, draw_kind
from ecs_market.kernels.jit import kernel
from ecs_market.mechanisms.order_types import reach, types_and_weights
from ecs_market.types import I64
from tests.oracles.mixed_orders import Period
from tests.test_double_auction_runs import hashes, scenario
from tests.test_double_auction_traders import SCHEDULE, efficiency, period, smith

MIXES: list[dict[str, float]] = [
    {"limit": 0.7, "market": 0.2, "stop": 0.1},
    {"limit": 3, "stop": 5},
    {"limit": 1, "market": 1, "immediate_or_cancel": 1, "fill_or_kill": 1, "stop": 1},
    {"limit": 1e-6, "market": 1e-6},
]


@kernel
def count_kinds(seed: int, calls: int, rule: I64, counts: I64) -> None:
    """Count the types drawn in so many activations of a clearing."""
    for call in range(calls):
        counts[draw_kind((seed, 5, 2, call), rule)] += 1


def rule_of(mix: dict[str, float]) -> I64:
    kind, weights = types_and_weights(mix)
    rule = np.zeros(RULES, np.int64)
    rule[KIND] = kind
    rule[REACH:] = reach(weights[np.newaxis])[0]
    return rule


@pytest.mark.kernel
@pytest.mark.parametrize("mix", MIXES, ids=str)
def test_types_come_as_often_as_their_weights_say(mix: dict[str, float]) -> None:
    calls = 20_000
    counts = np.zeros(len(ORDER_TYPES), np.int64)
    rule = rule_of(mix)
    assert rule[KIND] == DRAWN
    count_kinds(9, calls, rule, counts)
    assert counts.sum() == calls
    for name, count in zip(ORDER_TYPES, counts.tolist(), strict=True):
        share = mix.get(name, 0.0) / sum(mix.values())
        assert abs(count - calls * share) <= 4 * math.sqrt(calls * share * (1 - share)), name


def test_weights_are_met_exactly_at_the_ends() -> None:
    for mix in ({"market": 1e9, "limit": 5e-324}, {"stop": 0.1, "limit": 0.2, "market": 0}):
        ends = rule_of(mix)[REACH:]
        assert (np.diff(ends) >= 0).all()
        assert ends[-1] == WHOLE
    assert rule_of({"limit": 0, "stop": 2, "market": 0})[KIND] == ORDER_TYPES.index("stop")
    assert not reach(np.zeros((2, 5))).any()


@pytest.mark.parametrize("mix", MIXES[:3], ids=str)
def test_runs_are_those_of_plain_python(mix: dict[str, float]) -> None:
    """The same trades one by one, and the same orders left, as of lists and loops."""
    world = smith("zi_c", activations=150, order_type=mix, lifetime=1)
    total = dict.fromkeys(ORDER_TYPES, 0)
    for seed in range(40):
        ordered = {kind: mix.get(kind, 0.0) for kind in ORDER_TYPES}
        plain = Period(SCHEDULE, SCHEDULE, 400, 400, ordered, seed, world.tick)
        clearing = period(world, seed)
        exchange, traded = plain.hold(150)
        trades = clearing.trades()
        columns = (trades.buyer, trades.seller, trades.good, trades.quantity, trades.price)
        found = [tuple(int(v) for v in row) for row in zip(*columns, strict=True)]
        assert found == [trade[:5] for trade in exchange.trades], seed
        left = [order for order in exchange.resting if order.lots]
        assert clearing.settled.demand[0, 0] == len(found) + sum(o.buys for o in left)
        assert clearing.settled.supply[0, 0] == len(found) + sum(not o.buys for o in left)
        for kind, count in traded.items():
            total[kind] += count
    # Every type that there is takes part in trades.
    assert all((total[kind] > 5) == (mix.get(kind, 0.0) > 0.0) for kind in ORDER_TYPES), total


def test_stops_wait_and_are_triggered() -> None:
    mix = {"limit": 1, "stop": 1}
    keys = ("agent", "commodity", "direction", "limit_price")
    waiting: set[tuple[Any, ...]] = set()
    triggered = 0
    rules: dict[str, Any] = {"order_type": mix, "behaviour": "zi_c", "activations": 10}
    with Simulation(scenario(**rules), 3, threads=1, telemetry_level="off") as sim:
        for _ in range(30):
            sim.step()
            found = [
                ((post.id, *(order[key] for key in keys)), order.get("order_type"))
                for post in sim.markets
                for order in post.pending_orders
            ]
            # A stop of before at whose price somebody has traded is a limit order now.
            triggered += len(waiting & {order for order, kind in found if kind is None})
            waiting = {order for order, kind in found if kind == "stop"}
    assert triggered > 0


@pytest.mark.parametrize("behaviour", ["truthful", "zi_c", "zip"])
def test_nobody_loses_by_a_market_order(behaviour: str) -> None:
    world = smith(behaviour, activations=400, order_type=MIXES[2], lifetime=1)
    found = [period(world, seed) for seed in range(20)]
    assert all((each.settled.gain >= 0).all() for each in found)
    assert min(efficiency(each) for each in found) > 50


def test_learned_margins_are_not_misled_by_what_nobody_hears() -> None:
    """A market order goes as far as its agent's money: heard, it would pull all bids up."""
    errors = []
    for seed in range(10):
        world = smith("zip", activations=400, order_type={"limit": 7, "market": 3}, lifetime=1)
        days = [period(world, seed) for _ in range(10)]
        errors.append(abs(float(np.median(days[-1].trades().price)) - 200.0))
    assert np.mean(errors) < 15.0


def test_one_weight_is_one_word() -> None:
    for kind in ("limit", "stop"):
        word = {"order_type": kind, "lifetime": 2}
        assert hashes(word) == hashes(word | {"order_type": {kind: 3.5, "market": 0}})


def test_weights_are_part_of_the_state() -> None:
    def start(given: Any) -> str:
        with Simulation(scenario(order_type=given), 3, telemetry_level="off") as sim:
            return sim.state_hash()

    mixes = [{"limit": 1, "market": weight} for weight in (0, 1, 2)]
    assert len({start(mix) for mix in mixes}) == 3
    assert start("limit") == start(mixes[0])


def test_given_orders_name_their_own_type() -> None:
    order = {"agent": 1, "commodity": "X", "direction": "buy", "quantity": 1, "limit_price": 2}
    other = order | {"agent": 2, "direction": "sell", "order_type": "limit"}
    mixed = {"order_type": {"limit": 1, "market": 1}}
    with pytest.raises(InputError, match=r"orders\[1\]: order_type is missing; that of mechanism_"):
        clear(orders=[other, order], mechanism="continuous_double_auction", mechanism_params=mixed)
    order = copy.copy(order) | {"order_type": "market"}
    found = clear(
        orders=[other, order], mechanism="continuous_double_auction", mechanism_params=mixed
    )
    assert found.volume["X"] == 1
