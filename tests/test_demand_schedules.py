"""Schedules against their definition: j blocks at the limit are no worse than j - 1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from ecs_market.build import build_world
from ecs_market.components.intent import MARKET, Intent
from ecs_market.mechanisms.batch import Batch, part
from ecs_market.mechanisms.schedules import CallRules, orders_for
from ecs_market.scenario import scenario_for_clear
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.collect_orders import CollectOrders
from tests.test_call_auction import UNITS

STEP, LOT = 1e-4, 1e-3
MODES = ("quasilinear", "in_utility")


def batch_of(groups: list[dict[str, Any]], mode: str, **params: Any) -> Batch:
    """Return the members of one call auction."""
    scenario = scenario_for_clear(groups, "call_auction", params, money={"mode": mode})
    world = build_world(scenario, 0, 1)
    intent = world.agents.whole(Intent)
    intent.kind[world.agent_rows] = MARKET
    intent.target[world.agent_rows] = 0
    Appraise().process(world)
    CollectOrders().process(world)
    return part(world, world.posts.tables["call_auction"])


def rules_of(batch: Batch, order_size: int) -> CallRules:
    one = np.ones(batch.posts, np.int64)
    bounds = np.ones((batch.posts, batch.world.goods), np.int64)
    return CallRules(
        np.full(batch.posts, 0.5),
        np.zeros(batch.posts, np.bool_),
        order_size * one,
        np.zeros(batch.posts, np.int8),
        one,
        one,
        bounds,
        bounds,
    )


def schedule(batch: Batch, member: int, order_size: int) -> tuple[list[Any], list[Any]]:
    """Return a member's bids and asks as (lots, limit), best first."""
    called = np.ones(batch.posts, np.bool_)
    records = orders_for(batch, called, rules_of(batch, order_size), 0, ahead=True)
    mine = [(int(lots), int(limit)) for who, lots, limit in records if who == member]
    bids = sorted(((n, p) for n, p in mine if n > 0), key=lambda each: -each[1])
    asks = sorted(((-n, p) for n, p in mine if n < 0), key=lambda each: each[1])
    return bids, asks


def utility(mode: str, taste: tuple[float, float], goods: float, money: float) -> float:
    """Return kappa ln x + lambda m, or a ln x + b ln m."""
    one, other = taste
    value = one * math.log(max(goods, LOT / 2))
    if mode == "in_utility":
        return value + other * math.log(max(money, LOT / 2))
    return value + other * money


tastes = st.tuples(st.floats(0.5, 20.0), st.floats(0.2, 3.0))


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(MODES),
    tastes,
    st.integers(1, 12),
    st.integers(1, 30),
    st.sampled_from([0.0, 0.02]),
    st.sampled_from([0.0, 5e-6]),
)
def test_limits_are_where_another_block_stops_to_pay(
    mode: str,
    taste: tuple[float, float],
    goods: int,
    money: int,
    rate: float,
    per_lot: float,
) -> None:
    kind = {"type": "ad_valorem", "rate": rate} if rate else {"type": "per_lot", "rate": per_lot}
    mine = {"type": "cobb_douglas", "exponents": [1.0], "kappa": 1}
    own = {**mine, "kappa": taste[0], "money_weight": taste[1]}
    if mode == "in_utility":
        own = {**mine, "exponents": [taste[0]], "money_weight": taste[1]}
    batch = batch_of(
        [
            {
                "name": "one",
                "count": 1,
                "inventories": {"A": goods, "M": money},
                "utilities": [own],
            },
            {"name": "rest", "count": 1, "inventories": {"A": 9, "M": 9}, "utilities": [mine]},
        ],
        mode,
        fees=kind,
    )
    member = int(np.flatnonzero(batch.id == 0)[0])
    bids, asks = schedule(batch, member, 1000)
    rate, per_lot = (rate, 0.0) if rate else (0.0, per_lot)

    def after(lots: int, steps: int) -> float:
        paid = lots * LOT * steps * STEP
        cash = money - paid - abs(paid) * rate - abs(lots) * per_lot
        return utility(mode, taste, goods + lots * LOT, cash) if cash > -1e-9 else -math.inf

    offered = sum(lots for lots, _ in asks)
    # The last unit may have no price: no money makes up for none of the good.
    assert offered == goods * 1000 if mode == "quasilinear" else 0 <= offered <= goods * 1000
    for side, blocks in ((1, bids), (-1, asks)):
        had = 0
        for lots, limit in blocks:
            total = had + side * lots
            tolerance = 1e-9 * (1 + abs(after(total, limit)))
            assert after(total, limit) >= after(had, limit) - tolerance
            if lots == 1000 and not (side == 1 and asks and limit == asks[0][1] - 1):
                worse = limit + side
                part_ahead = side == 1 and after(total, worse) == -math.inf
                assert part_ahead or after(total, worse) <= after(had, worse) + tolerance
            had = total
        if side == 1 and blocks:
            assert blocks[0][1] < (asks[0][1] if asks else 2**40)


MIXED = [
    {
        "name": "cobb",
        "count": 20,
        "inventories": {"A": [5, 25], "B": [5, 25], "M": [100, 200]},
        "utilities": [{"type": "cobb_douglas", "exponents": [0.3, 0.3], "money_weight": 0.4}],
    },
    {
        "name": "ces",
        "count": 20,
        "inventories": {"A": [5, 25], "B": [5, 25], "M": [10, 40]},
        "utilities": [{"type": "ces", "weights": [0.3, 0.4], "rho": -1, "money_weight": 0.3}],
    },
    {
        "name": "linear",
        "count": 10,
        "inventories": {"A": [5, 25], "B": [5, 25], "M": [10, 40]},
        "utilities": [{"type": "linear", "weights": [2, 3], "money_weight": 1}],
    },
]


@pytest.mark.parametrize("behaviour", ["truthful", "zi_c"])
@pytest.mark.parametrize("mcafee", [False, True])
def test_money_in_utility(behaviour: str, mcafee: bool) -> None:
    params = {
        "behaviour": behaviour,
        "price_high": 9.0,
        "mcafee": mcafee,
        "fees": {"type": "ad_valorem", "rate": 0.01},
    }
    result = clear(
        MIXED, mechanism="call_auction", mechanism_params=params, money={"mode": "in_utility"}
    )
    assert result.volume["A"] > 0
    assert (result.gains >= 0.0).all()
    assert (result.goods >= 0.0).all()
    assert (result.money >= 0.0).all()
    assert result.filled.sum(axis=0) == pytest.approx(0.0, abs=1e-9)


def test_smith_1962_test_1_with_induced_values() -> None:
    steps = [3.25 - 0.25 * i for i in range(11)]
    groups = [
        {
            "name": f"{key}{i}",
            "count": 1,
            "inventories": {"X": 1 if key == "costs" else 0, "M": 10},
            "utilities": [{"type": "induced_value", key: [[worth]]}],
        }
        for key in ("values", "costs")
        for i, worth in enumerate(steps)
    ]
    result = clear(groups, mechanism="call_auction", units=UNITS)
    assert result.prices["X"] == 2.0
    assert result.volume["X"] == 6.0
    assert result.gains.sum() == pytest.approx(7.5)
