"""Fees, price bands, shading and fallbacks of call auctions."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import Simulation, clear
from ecs_market.build import build_world
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import MarketPost
from ecs_market.errors import InputError, ScenarioError
from ecs_market.mechanisms.batch import part
from ecs_market.mechanisms.call_auction import clear_posts
from ecs_market.mechanisms.settlement import Trades
from ecs_market.scenario import scenario_for_clear
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.world import World
from tests.test_call_auction import MIXED, UNITS, cobb, listed, scenario, smith_orders

ROOT = Path(__file__).resolve().parent.parent
FEES = [
    {"type": "ad_valorem", "rate": 0.05},
    {"type": "per_lot", "rate": 0.00003},
]


@pytest.mark.parametrize("fees", FEES)
@pytest.mark.parametrize("mcafee", [False, True])
def test_fees_go_to_the_account_and_nobody_is_worse_off(fees: dict[str, Any], mcafee: bool) -> None:
    params = {"fees": fees, "mcafee": mcafee, "order_size": 0.5}
    for seed in range(4):
        free = clear(MIXED, mechanism="call_auction", seed=seed)
        result = clear(MIXED, mechanism="call_auction", mechanism_params=params, seed=seed)
        assert (result.gains >= 0.0).all()
        assert result.filled.sum(axis=0) == pytest.approx(0.0, abs=1e-9)
        assert 0.0 < result.volume["A"] < free.volume["A"]
        paid = int(free.money_minor.sum() - result.money_minor.sum())
        assert paid == int(result._trades.fee.sum()) > 0
        if not mcafee:
            assert paid >= least_fee(result, fees)


def least_fee(result: Any, fees: dict[str, Any]) -> int:
    """Return twice the fee on all trades, less what rounding down can take from it."""
    trades: Trades = result._trades
    rate: float = fees["rate"]
    if fees["type"] == "per_lot":
        return 2 * int(trades.quantity.sum()) * round(rate * 1e7)
    each = trades.quantity * trades.price
    return int(2 * rate * int(each.sum())) - 4 * len(MIXED) * 40


def test_a_fee_is_exact() -> None:
    """One trade of 1,000 lots at 0.5: 5,000 x 1,000 minor units, and 5 % of them from each side."""
    groups = [
        {
            "name": name,
            "count": 1,
            "inventories": {"A": goods, "M": 10},
            "utilities": [{"type": "linear", "weights": [worth]}],
        }
        for name, goods, worth in (("seller", 1, 0.4), ("buyer", 0, 0.6))
    ]
    result = clear(
        groups,
        mechanism="call_auction",
        mechanism_params={"fees": {"type": "ad_valorem", "rate": 0.05}},
    )
    price = result.prices["A"]
    # The buyer pays p (1 + f) <= 0.6, the seller gets p (1 - f) >= 0.4.
    assert 0.4 / 0.95 <= price <= 0.6 / 1.05
    assert result.money.tolist() == pytest.approx([10 + 0.95 * price, 10 - 1.05 * price])
    assert result._trades.fee.tolist() == [2 * (round(price * 1e4) * 1000 // 20)]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(st.booleans(), st.integers(1, 30), st.integers(1, 400)), min_size=1, max_size=12
    ),
    st.integers(0, 300),
)
def test_orders_with_fees_keep_their_limits(book: Any, rate: int) -> None:
    result = clear(
        orders=listed(book),
        units=UNITS,
        mechanism="call_auction",
        mechanism_params={"fees": {"type": "ad_valorem", "rate": rate / 1000}},
    )
    assert (result.gains >= -1e-12).all()
    assert (result.money_minor >= 0).all()
    before = sum(lots * limit for buys, lots, limit in book if buys)
    charged = int(result._trades.fee.sum())
    assert int(result.money_minor.sum()) == before - charged


def test_a_band_keeps_the_price() -> None:
    params = {"price_band": 0.1, "initial_price": 1.0}
    result = clear(
        orders=smith_orders(), units=UNITS, mechanism="call_auction", mechanism_params=params
    )
    assert result.prices["X"] == 1.05  # any price from 1.00 to the band's end has that volume
    assert result.volume["X"] == 2.0  # costs of 0.75 and 1.00
    assert result.status == "rationed"
    wide = {"price_band": 1.0, "initial_price": 1.0}
    result = clear(
        orders=smith_orders(), units=UNITS, mechanism="call_auction", mechanism_params=wide
    )
    assert result.prices["X"] == 2.0


def test_shading_holds_back() -> None:
    smooth = [cobb("smooth", 40, [5, 25])]
    volumes = []
    for shading in (0.0, 0.5, 0.9):
        params = {"shading": shading, "order_size": 0.1}
        result = clear(smooth, mechanism="call_auction", mechanism_params=params)
        assert (result.gains >= 0.0).all()
        volumes.append(result.volume["A"])
    assert volumes[1] == pytest.approx(0.5 * volumes[0], rel=0.05)
    assert volumes[2] == pytest.approx(0.1 * volumes[0], rel=0.1)


def meeting(groups: list[dict[str, Any]], mechanism: str = "walrasian") -> World:
    """Return a world whose agents all stand at its one post."""
    world = build_world(scenario_for_clear(groups, mechanism), 0, 1)
    intent = world.agents.whole(Intent)
    intent.kind[world.agent_rows] = MARKET
    intent.target[world.agent_rows] = 0
    Appraise().process(world)
    CollectOrders().process(world)
    return world


def test_posts_of_another_mechanism_can_be_called() -> None:
    world = meeting(MIXED)
    table = world.posts.tables["walrasian_auctioneer"]
    post = next(each for _, (each,) in world.esper.get_components(MarketPost) if len(each.status))
    batch = part(world, table)
    inventory = world.agents.whole(Inventory)
    goods, money = inventory.goods.sum(axis=0), int(inventory.money.sum())
    found = clear_posts(world, batch, post, np.zeros(1, np.bool_))
    assert not found.settled.volume.any()
    assert not found.price.any()
    assert found.orders.size == 0
    found = clear_posts(world, batch, post, np.ones(1, np.bool_))
    assert (found.settled.volume > 0).all()
    assert (found.settled.gain >= 0).all()
    assert (inventory.goods.sum(axis=0) == goods).all()
    assert int(inventory.money.sum()) == money
    assert not post.current_prices.any()
    called = clear(MIXED, mechanism="call_auction")
    assert world.settings.price(found.price)[0].tolist() == [
        called.prices["A"],
        called.prices["B"],
    ]
    world.close()


def test_accounts_conserve_money_over_ticks() -> None:
    params = {"fees": FEES[0], "mcafee": True}
    with Simulation(scenario(3, **params), 3, telemetry_level="off") as sim:
        inventory = sim.world.agents.whole(Inventory)
        goods, money = inventory.goods.sum(axis=0), int(inventory.money.sum())
        sim.run(20)
        taken = int(sim.world.posts.whole(MarketAccount).money.sum())
        assert taken > 0
        assert int(inventory.money.sum()) + taken == money
        assert (inventory.goods.sum(axis=0) == goods).all()


BAD = [
    ({"k": 1.5}, "k"),
    ({"interval": 0}, "interval"),
    ({"order_size": 0}, "order_size"),
    ({"mcafee": 3}, "mcafee"),
    ({"behaviour": "wild"}, "behaviour"),
    ({"behaviour": "zi_c"}, "price_high"),
    ({"price_low": 2, "price_high": 1}, "price_low"),
]


@pytest.mark.parametrize(("params", "words"), BAD)
def test_bad_parameters_are_named(params: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        clear(MIXED, mechanism="call_auction", mechanism_params=params)


def test_a_unit_of_account_is_refused() -> None:
    with pytest.raises(InputError, match="unit_of_account"):
        clear(MIXED, mechanism="call_auction", money={"mode": "unit_of_account"})


SAME = """
from tests.test_call_auction_rules import hashes
print(*hashes())
"""


def hashes() -> list[str]:
    """States after some ticks of call auctions of every behaviour."""
    found = []
    for seed, params in (
        (1, {"fees": FEES[0], "mcafee": True}),
        (2, {"behaviour": "zi_c", "price_high": 1.5, "interval": 2}),
        (3, {"behaviour": "zi_u", "price_high": 1.5, "shading": 0.3}),
    ):
        with Simulation(scenario(seed, **params), seed, telemetry_level="off") as sim:
            sim.run(8)
            found.append(sim.state_hash())
    return found


@pytest.mark.kernel
def test_without_compilation() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SAME],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == hashes()
