"""What trading costs: exact fees, who gets them, and that nobody trades at a loss after them."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import Simulation, clear
from ecs_market.components.market_account import MarketAccount
from ecs_market.errors import ScenarioError
from ecs_market.kernels.fees import BILLION, cost_of, fee_on, most_lots, paid_for
from ecs_market.kernels.pairing import fee_between
from tests.oracles import charges
from tests.oracles.economics import Agent, Taste, groups

UNITS = {"lot": 1e-3, "price_step": 1e-4}
MINOR = 10**7
rates = st.integers(0, BILLION - 1) | st.sampled_from([0, 1, 10_000_000, BILLION - 1])
per_lots = st.integers(0, 10**6)
prices = st.integers(1, 10**6)


@pytest.mark.kernel
@settings(deadline=None)
@given(st.integers(0, 10**9), prices, rates, per_lots)
def test_a_fee_is_rounded_down_once(lots: int, price: int, ppb: int, per_lot: int) -> None:
    expected = charges.fee(lots, price, Fraction(ppb, BILLION), per_lot)
    assert fee_on(lots, price, ppb, per_lot) == expected
    assert cost_of(lots, price, ppb, per_lot) == (lots * price + expected if lots else 0)
    assert cost_of(-lots, price, ppb, per_lot) == (expected - lots * price if lots else 0)
    net, cost = np.array([lots, -lots]), np.array([price, price])
    assert paid_for(net, cost, ppb, per_lot) == 2 * expected


@pytest.mark.kernel
@settings(deadline=None)
@given(st.integers(-5, 10**12), prices, rates, per_lots)
def test_the_most_that_can_be_paid_for(limit: int, price: int, ppb: int, per_lot: int) -> None:
    lots = most_lots(limit, price, ppb, per_lot)
    assert lots >= 0
    assert lots == 0 or cost_of(lots, price, ppb, per_lot) <= limit
    assert cost_of(lots + 1, price, ppb, per_lot) > limit


@pytest.mark.kernel
@settings(deadline=None)
@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=8), prices, rates, per_lots)
def test_a_fee_spread_over_trades_adds_up(
    lots: list[int], price: int, ppb: int, per_lot: int
) -> None:
    whole = charges.fee(sum(lots), price, Fraction(ppb, BILLION), per_lot)
    parts, done = [], 0
    for each in lots:
        parts.append(fee_between(sum(lots), done, each, price, ppb, per_lot))
        done += each
    assert parts == charges.spread(whole, lots)
    assert sum(parts) == whole
    assert min(parts) >= 0


def members_of(seed: int, size: int) -> list[Agent]:
    rng = np.random.default_rng(seed)
    members: list[Agent] = []
    for _ in range(size):
        family = str(rng.choice(["linear", "cobb_douglas"]))
        parameters = tuple(np.round(rng.uniform(0.1, 1.5, 2), 2).tolist())
        taste = Taste(family, parameters, kappa=float(rng.integers(1, 12)))
        held = tuple(rng.integers(not members, 20, 2).astype(float).tolist())
        members.append(Agent(taste, held, float(rng.integers(0, 60))))
    return members


charged = st.one_of(
    st.sampled_from([0.001, 0.0123456, 0.2]).map(lambda rate: ("ad_valorem", rate)),
    st.sampled_from([1e-7, 2.5e-6, 3e-4]).map(lambda rate: ("per_lot", rate)),
)


@given(st.integers(0, 2**32 - 1), charged, st.sampled_from(["walrasian", "posted_price"]))
@settings(max_examples=30, deadline=None)
def test_what_members_pay_is_what_the_post_takes(
    seed: int, charge: tuple[str, float], mechanism: str
) -> None:
    kind, rate = charge
    members = members_of(seed, 2 + seed % 9)
    params: dict[str, Any] = {"fees": {"type": kind, "rate": rate}}
    result = clear(groups(members), units=UNITS, mechanism=mechanism, mechanism_params=params)
    share = Fraction(str(rate)) if kind == "ad_valorem" else Fraction(0)
    per_lot = round(rate * MINOR) if kind == "per_lot" else 0
    start = np.rint(np.array([m.goods for m in members]) * 1000).astype(np.int64)
    steps = [round(result.prices[name] * 10_000) for name in "AB"]
    taken = 0
    for i, member in enumerate(members):
        net = (result.goods_lots[i] - start[i]).tolist()
        fees = [charges.fee(n, p, share, per_lot) for n, p in zip(net, steps, strict=True)]
        paid = sum(n * p for n, p in zip(net, steps, strict=True)) + sum(fees)
        assert result.money_minor[i] == round(member.money * MINOR) - paid
        taken += sum(fees)
    assert round(result.fees * MINOR) == taken
    assert result.money_minor.min() >= 0
    assert result.gains.min() >= 0.0


def world_with_fees(**params: Any) -> dict[str, Any]:
    population = [m.group(f"g{i}", "AB") for i, m in enumerate(members_of(4, 8))]
    for group in population:
        group["initial_positions"] = {"at": [1, 1]}
    return {
        "name": "charged",
        "goods": ["A", "B"],
        "grid": {"width": 3, "height": 3},
        "units": UNITS,
        "params": {"exchange_regime": "centralized"},
        "populations": population,
        "market_posts": [{"location": [1, 1], "mechanism_params": params}],
    }


@pytest.mark.parametrize("mechanism", ["walrasian", "posted_price"])
def test_fees_in_telemetry_and_ledger(mechanism: str) -> None:
    scenario = world_with_fees(fees={"type": "ad_valorem", "rate": 0.0123})
    scenario["market_posts"][0]["mechanism"] = mechanism
    with Simulation(scenario, seed=3, telemetry_level="trades") as sim:
        sim.run(6)
        entry = sim.ledger()["M"]
        recorded = sim.telemetry.query("SELECT sum(fee), min(fee), count(*) FROM trades")[0]
        assert recorded[2] > 0
        assert recorded[1] > 0
        assert entry["markets"] == recorded[0]
        assert entry["current"] == entry["initial"]
        assert sim.markets[0].fees == {"ad_valorem": 0.0123, "per_lot": 0.0}
        assert sim.markets[0].account["M"] == entry["markets"] / MINOR


MECHANISMS = ["walrasian", "posted_price", "call_auction", "continuous_double_auction"]


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_a_clearing_tells_what_the_post_took(mechanism: str) -> None:
    taste = {"type": "cobb_douglas", "exponents": [0.5], "kappa": 20}
    members = [
        {"name": f"a{n}", "count": 1, "inventories": held, "utilities": [taste]}
        for n, held in enumerate(({"A": 10, "M": 50}, {"A": 2, "M": 50}))
    ]
    rules: dict[str, Any] = {"fees": {"type": "ad_valorem", "rate": 0.1}}
    if mechanism == "continuous_double_auction":
        rules["activations"] = 50
    if mechanism == "posted_price":
        rules["initial_price"] = 1.6
    result = clear(members, mechanism=mechanism, mechanism_params=rules)
    assert result.fees > 0.0
    assert result.money.sum() + result.fees == pytest.approx(100.0, abs=1e-9)


@pytest.mark.parametrize("mechanism", ["call_auction", "continuous_double_auction"])
def test_a_clearing_of_orders_tells_what_the_post_took(mechanism: str) -> None:
    orders = [
        {"agent": n, "commodity": "A", "direction": side, "quantity": 2, "limit_price": price}
        for n, (side, price) in enumerate((("sell", 1.0), ("buy", 2.0)))
    ]
    rules = {"fees": {"type": "ad_valorem", "rate": 0.1}}
    result = clear(orders=orders, mechanism=mechanism, mechanism_params=rules)
    (trade,) = result.trades
    assert result.fees == pytest.approx(2 * 0.1 * trade.quantity * trade.price)


def test_the_hash_covers_the_account() -> None:
    hashes = set()
    for money in (0, 1):
        with Simulation(world_with_fees(), seed=3, telemetry_level="off") as sim:
            sim.world.posts.whole(MarketAccount).money[sim.world.post_rows[0]] = money
            hashes.add(sim.state_hash())
    assert len(hashes) == 2


def test_a_prohibitive_fee_stops_trade() -> None:
    members = members_of(7, 6)
    params = {"fees": {"type": "per_lot", "rate": 1.0}}
    result = clear(groups(members), units=UNITS, mechanism="posted_price", mechanism_params=params)
    assert result.volume == {"A": 0.0, "B": 0.0}
    assert result.fees == 0.0


@pytest.mark.parametrize(
    ("fees", "words"),
    [
        ({"type": "ad_valorem", "rate": 1.0}, "below 1"),
        ({"type": "ad_valorem", "rate": -0.1}, "rate"),
        ({"type": "percent", "rate": 0.1}, "percent"),
        ({"type": "per_lot", "rate": "much"}, "rate"),
    ],
)
def test_bad_fees_are_refused(fees: dict[str, Any], words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        clear(groups(members_of(1, 2)), units=UNITS, mechanism_params={"fees": fees})


def test_no_fees_where_no_money_moves() -> None:
    params = {"fees": {"type": "ad_valorem", "rate": 0.1}}
    with pytest.raises(ScenarioError, match="no money moves"):
        clear(groups(members_of(1, 2)), money={"mode": "unit_of_account"}, mechanism_params=params)
