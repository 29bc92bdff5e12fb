"""Face-to-face trade against a plain Python reference, and what it must never do."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market.build import build_world
from ecs_market.components.inventory import Inventory
from ecs_market.errors import MarketError
from ecs_market.kernels.jit import borrowing
from ecs_market.mechanisms import bargaining as mechanism
from ecs_market.mechanisms.bargaining import bargain
from ecs_market.preferences import families
from ecs_market.scenario import scenario_for_clear
from ecs_market.types import F64
from ecs_market.world import World
from tests.oracles.economics import QUASILINEAR, UNIT_OF_ACCOUNT, Agent, Taste, groups
from tests.oracles.economics_bargaining import Bargain, Party

RULES = ("compensating_block", "split_difference")
EXAMPLES = settings(max_examples=12, deadline=None)


@borrowing
def shapeless(family: int, goods: F64, parameters: F64) -> int:
    """Know nothing of marginal utilities."""
    return 0


def world_of(members: list[Agent], mode: str, rule: str) -> World:
    scenario = scenario_for_clear(groups(members), money={"mode": mode})
    world = build_world(scenario, 0, 1)
    world.settings = dataclasses.replace(world.settings, bargaining=rule)
    return world


def meet(members: list[Agent], mode: str = QUASILINEAR, rule: str = RULES[0]) -> tuple[Any, ...]:
    """Let agents 0 and 1, 2 and 3, ... bargain; return the report, lots and minor units by id."""
    world = world_of(members, mode, rule)
    rows = world.agent_rows
    report = bargain(world, rows[::2], rows[1::2])
    held = world.agents.whole(Inventory)
    return report, held.goods[rows].copy(), held.money[rows].copy()


def party(member: Agent) -> Party:
    return Party(member.taste, [round(x * 1000) for x in member.goods], round(member.money * 1e7))


def random_member(rng: np.random.Generator, n: int) -> Agent:
    family = str(rng.choice(["linear", "cobb_douglas"]))
    taste = Taste(
        family,
        tuple(np.round(rng.uniform(0.1, 1.5, n), 2).tolist()),
        kappa=float(rng.integers(1, 15)),
        money_weight=float(np.round(rng.uniform(0.5, 2.0), 2)),
    )
    held = tuple(np.round(rng.uniform(0, 12, n) * (rng.random(n) < 0.85) + 0.001, 3).tolist())
    return Agent(taste, held, float(rng.choice([0.0, 0.3, 5.0, 100.0])))


@pytest.mark.parametrize(
    ("mode", "rule"),
    [(QUASILINEAR, RULES[0]), (QUASILINEAR, RULES[1]), (UNIT_OF_ACCOUNT, RULES[0])],
)
@given(seed=st.integers(0, 2**32 - 1), n=st.integers(1, 3))
@EXAMPLES
def test_equals_the_reference(mode: str, rule: str, seed: int, n: int) -> None:
    n = max(n, 2) if mode == UNIT_OF_ACCOUNT else n
    rng = np.random.default_rng(seed)
    members = [random_member(rng, n) for _ in range(2)]
    expected = Bargain((party(members[0]), party(members[1])), mode)
    expected.run(rule)
    report, goods, money = meet(members, mode, rule)
    assert goods.tolist() == [p.lots for p in expected.parties]
    assert money.tolist() == [p.minor for p in expected.parties]
    rows = report.trades
    found = [
        (int(rows.buyer[i]), int(rows.good[i]), int(rows.quantity[i]), int(rows.price[i]))
        for i in range(rows.size)
    ]
    wanted = []
    for buyer, k, pay, lots, paid, steps in expected.trades:
        wanted.append((buyer, k, lots, steps))
        if pay < n:
            wanted.append((1 - buyer, pay, paid, 10_000))
    assert found == wanted
    assert report.agreements.tolist() == [len(expected.trades)]


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
@given(seed=st.integers(0, 2**32 - 1))
@EXAMPLES
def test_both_gain_at_every_trade_and_nothing_is_lost(mode: str, rule: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    members = [random_member(rng, 3) for _ in range(6)]
    report, goods, money = meet(members, mode, rule)
    parties = [party(member) for member in members]
    np.testing.assert_array_equal(goods.sum(axis=0), np.sum([p.lots for p in parties], axis=0))
    assert money.sum() == sum(p.minor for p in parties)
    assert goods.min() >= 0
    assert money.min() >= 0
    if mode == UNIT_OF_ACCOUNT:
        assert money.tolist() == [p.minor for p in parties]
    assert report.pairs == 3
    values = [p.value(p.lots, p.minor) for p in parties]
    trades, place = report.trades, 0
    while place < trades.size:
        legs = 1 if mode == QUASILINEAR else 2
        for leg in range(place, place + legs):
            buyer, seller = int(trades.buyer[leg]), int(trades.seller[leg])
            assert buyer // 2 == seller // 2
            k, lots = int(trades.good[leg]), int(trades.quantity[leg])
            parties[buyer].lots[k] += lots
            parties[seller].lots[k] -= lots
            if mode == QUASILINEAR:
                parties[buyer].minor -= lots * int(trades.price[leg])
                parties[seller].minor += lots * int(trades.price[leg])
        for who in (int(trades.buyer[place]), int(trades.seller[place])):
            now = parties[who].value(parties[who].lots, parties[who].minor)
            assert now > values[who] - 1e-12 * max(1.0, abs(now))
            values[who] = now
        place += legs
    assert goods.tolist() == [p.lots for p in parties]
    assert money.tolist() == [p.minor for p in parties]
    assert np.all(report.gain >= 0)
    assert np.all((report.gain > 0) <= (report.agreements > 0))


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
@given(seed=st.integers(0, 2**32 - 1))
@EXAMPLES
def test_blocks_end_when_no_lot_gains_for_both(mode: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    members = [random_member(rng, 2) for _ in range(2)]
    _, goods, money = meet(members, mode)
    left = Bargain(
        (
            Party(members[0].taste, goods[0].tolist(), int(money[0])),
            Party(members[1].taste, goods[1].tolist(), int(money[1])),
        ),
        mode,
    )
    for k, pay in left.swaps():
        buyer, steps = left.terms(k, pay)
        assert not left.good_for_both(buyer, k, pay, 1, steps)


def test_linear_pairs_trade_all_they_can() -> None:
    """A buyer who values A at 2 and a seller at 1 meet at 1.5: money or the good runs out."""
    buyer, seller = Taste("linear", (2.0,)), Taste("linear", (1.0,))
    for rule in RULES:
        _, goods, money = meet([Agent(buyer, (0.0,), 100.0), Agent(seller, (8.0,), 0.0)], rule=rule)
        assert goods[:, 0].tolist() == [8000, 0]
        assert money.tolist() == [88 * 10**7, 12 * 10**7]
        _, goods, money = meet([Agent(buyer, (0.0,), 3.0), Agent(seller, (8.0,), 0.0)], rule=rule)
        assert goods[:, 0].tolist() == [2000, 6000]
        assert money.tolist() == [0, 3 * 10**7]


def test_alike_and_penniless_pairs_do_not_trade() -> None:
    smooth = Taste("cobb_douglas", (1.0, 2.0), kappa=5.0)
    for rule in RULES:
        alike = [Agent(smooth, (4.0, 8.0), 50.0)] * 2
        assert meet(alike, rule=rule)[0].trades.size == 0
        poor = [Agent(Taste("linear", (2.0,)), (0.0,), 0.0), Agent(Taste("linear", (1.0,)), (5.0,))]
        assert meet(poor, rule=rule)[0].trades.size == 0


@pytest.mark.parametrize("rule", RULES)
def test_huge_holdings_stay_exact(rule: str) -> None:
    rich = [
        Agent(Taste("linear", (2.0,)), (0.0,), 9e10),
        Agent(Taste("linear", (1.0,)), (5e10,), 0.0),
    ]
    report, goods, money = meet(rich, rule=rule)
    assert goods.sum() == 5 * 10**13
    assert money.sum() == 9 * 10**17
    assert goods.min() >= 0
    assert money.min() >= 0
    assert report.trades.size > 0
    assert report.trades.price.tolist() == [15_000] * report.trades.size


def test_goods_for_goods_reaches_the_contract_curve() -> None:
    box = [
        Agent(Taste("cobb_douglas", (0.6, 0.4)), (10.0, 20.0)),
        Agent(Taste("cobb_douglas", (0.3, 0.7)), (20.0, 10.0)),
    ]
    for rule in RULES:
        _, goods, _ = meet(box, UNIT_OF_ACCOUNT, rule)
        (a, b), (c, d) = goods.tolist()
        assert a + c == b + d == 30_000
        assert 0.6 / 0.4 * b / a == pytest.approx(0.3 / 0.7 * d / c, rel=1e-2)


@pytest.mark.kernel
def test_one_pair_by_hand() -> None:
    """Rates 2 and 1 at the start, midpoint 1.5: blocks of a unit, then the last halves."""
    members = [
        Agent(Taste("cobb_douglas", (1.0,), kappa=4.0), (2.0,), 10.0),
        Agent(Taste("linear", (1.0,)), (9.0,), 0.0),
    ]
    report, goods, money = meet(members)
    first = (report.trades.quantity[0], report.trades.price[0])
    assert first == (1000, 15_000)
    expected = Bargain((party(members[0]), party(members[1])))
    expected.run("compensating_block")
    assert goods[:, 0].tolist() == [p.lots[0] for p in expected.parties]
    assert 3900 <= goods[0, 0] <= 4000
    assert money.sum() == 10**8


@pytest.mark.kernel
def test_the_last_lot_is_not_sold_at_a_loss() -> None:
    """Without a good u is 0 at once, whatever the marginal utilities of half a lot of it say."""
    taste = Taste("cobb_douglas", (0.2, 0.4, 0.7), scale="level")
    members = [
        Agent(taste, (14.0, 8.999, 15.999), 40.0),
        Agent(taste, (10.0, 0.001, 0.001), 40.0),
    ]
    trades = meet(members)[0].trades
    assert (trades.good[0], trades.quantity[0], trades.price[0]) == (2, 1, 8_999)
    parties = [party(member) for member in members]
    for i in range(trades.size):
        before = [p.value(p.lots, p.minor) for p in parties]
        lots, steps = int(trades.quantity[i]), int(trades.price[i])
        for who, sign in ((int(trades.buyer[i]), 1), (int(trades.seller[i]), -1)):
            parties[who].lots[trades.good[i]] += sign * lots
            parties[who].minor -= sign * lots * steps
        assert all(p.value(p.lots, p.minor) > b for p, b in zip(parties, before, strict=True))


@pytest.mark.parametrize("rule", ["compensating_block", "split_difference", "nash"])
def test_prices_are_added_up_whether_or_not_trades_are_itemised(rule: str) -> None:
    rng = np.random.default_rng(5)
    members = [random_member(rng, 2) for _ in range(60)]
    found = []
    for itemise in (True, False):
        world = world_of(members, QUASILINEAR, rule)
        world.itemise = itemise
        rows = world.agent_rows
        found.append(bargain(world, rows[::2], rows[1::2]))
    whole, added = found
    assert whole.agreements.tolist() == added.agreements.tolist()
    assert whole.side_gain.tolist() == added.side_gain.tolist()
    trades = whole.trades
    assert trades.size > 20
    for each in found:
        lots = np.array([trades.quantity[trades.good == good].sum() for good in range(2)])
        paid = [trades.quantity[trades.good == k] @ trades.price[trades.good == k] for k in (0, 1)]
        assert each.prices.lots.sum(axis=0).tolist() == lots.tolist()
        pooled = each.prices.pooled()
        assert pooled.mean[0] == pytest.approx(np.array(paid) / lots)
        spread = [
            np.sqrt(
                np.average(
                    (trades.price[trades.good == k] - pooled.mean[0, k]) ** 2,
                    weights=trades.quantity[trades.good == k],
                )
            )
            for k in (0, 1)
        ]
        assert pooled.deviation[0] == pytest.approx(np.array(spread))
    with pytest.raises(MarketError, match=r"set world\.itemise = True before the tick"):
        _ = added.trades


def test_shapes_of_marginal_utilities_change_no_trade(monkeypatch: pytest.MonkeyPatch) -> None:
    tastes = [
        {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": 60},
        {"type": "ces", "weights": [0.3, 0.7], "rho": 0.5, "count": 60},
        {"type": "stone_geary", "exponents": [0.5, 0.5], "subsistence": [2, 1], "count": 60},
        {"type": "quadratic", "bliss": [40, 30], "sigma": [5, 5], "gamma": 0.01, "count": 60},
    ]
    everybody = {
        "name": "agents",
        "count": 240,
        "inventories": {"A": [1, 30], "B": [1, 30], "M": [100, 200]},
        "utilities": tastes,
    }
    order = np.random.default_rng(2).permutation(240).reshape(-1, 2)
    order.sort(axis=1)
    found = []
    whole = families.dispatch
    for known in (True, False):
        if not known:
            monkeypatch.setattr(
                families,
                "dispatch",
                lambda codes: dataclasses.replace(
                    whole(codes), name=f"shapeless_{whole(codes).name}", shape=shapeless
                ),
            )
            mechanism._kernel.cache_clear()
        world = build_world(scenario_for_clear([everybody]), 0, 1)
        rows = world.agent_rows[order]
        trades = bargain(world, rows[:, 0].copy(), rows[:, 1].copy()).trades
        fields = (trades.buyer, trades.seller, trades.good, trades.quantity, trades.price)
        found.append(np.array(fields).tolist())
    mechanism._kernel.cache_clear()
    assert found[0] == found[1]
    assert len(found[0][0]) > 500
