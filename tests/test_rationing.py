"""Who gets how many lots: integers against fractions, and what a settlement must never do."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from ecs_market.kernels.book import Members, Scale, Terms
from ecs_market.kernels.rationing import fill_orders, nth_largest, share_out
from ecs_market.mechanisms import settlement
from ecs_market.preferences import cobb_douglas, linear
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from tests.oracles import economics as oracle
from tests.oracles.economics import Agent, Taste, groups, utility

pytestmark = pytest.mark.kernel

LOT, STEP = 1e-3, 1e-4
CODES = (linear.CODE, cobb_douglas.CODE)
EXAMPLES = settings(max_examples=60, deadline=None)


def ints(values: Any) -> Any:
    return np.array(values, dtype=np.int64)


amounts = st.integers(0, 40).flatmap(lambda bits: st.integers(0, 2**bits))


@st.composite
def shared(draw: st.DrawFn) -> tuple[list[int], int, list[int]]:
    weights = draw(st.lists(amounts, min_size=1, max_size=8))
    ids = draw(st.permutations(range(len(weights))))
    return weights, draw(st.integers(0, sum(weights))), list(ids)


@given(st.lists(st.integers(0, 2**62), min_size=1, max_size=20), st.data())
@EXAMPLES
def test_nth_largest(values: list[int], data: st.DataObject) -> None:
    n = data.draw(st.integers(1, len(values)))
    assert nth_largest(ints(values), len(values), n) == sorted(values, reverse=True)[n - 1]


def test_nth_largest_of_many() -> None:
    values = np.random.default_rng(3).integers(0, 2**62, 3000)
    ordered = np.sort(values)[::-1].tolist()
    for n in (1, 2, 700, 2999, 3000):
        assert nth_largest(values, len(values), n) == ordered[n - 1]


@given(shared())
@EXAMPLES
def test_shares_are_by_largest_remainder(case: tuple[list[int], int, list[int]]) -> None:
    weights, amount, ids = case
    parts, scratch = np.empty(len(weights), np.int64), np.empty(len(weights), np.int64)
    share_out(ints(weights), sum(weights), amount, ints(ids), parts, scratch)
    assert parts.tolist() == oracle.share_out(weights, amount, ids)
    assert parts.sum() == amount
    assert all(part <= weight for part, weight in zip(parts.tolist(), weights, strict=True))


def test_ties_go_to_the_lower_ids() -> None:
    parts, scratch = np.empty(4, np.int64), np.empty(4, np.int64)
    share_out(ints([1, 1, 1, 1]), 4, 2, ints([7, 3, 9, 1]), parts, scratch)
    assert parts.tolist() == [0, 1, 0, 1]


@st.composite
def wishes(draw: st.DrawFn) -> tuple[list[list[int]], list[int]]:
    n = draw(st.integers(1, 3))
    lots = st.integers(-(10**6), 10**6) | st.integers(-3, 3)
    rows = draw(st.lists(st.lists(lots, min_size=n, max_size=n), min_size=1, max_size=8))
    return rows, list(draw(st.permutations(range(len(rows)))))


@given(wishes())
@EXAMPLES
def test_the_short_side_is_served_and_the_long_side_shares(
    case: tuple[list[list[int]], list[int]],
) -> None:
    desired, ids = case
    size = len(desired)
    filled, scratch = np.empty((size, len(desired[0])), np.int64), np.empty((3, size), np.int64)
    fill_orders(ints(desired), ints(ids), filled, *scratch)
    assert filled.tolist() == oracle.fill(desired, ids)
    assert not filled.sum(axis=0).any()
    for k in range(len(desired[0])):
        buys = sum(max(0, row[k]) for row in desired)
        sells = sum(max(0, -row[k]) for row in desired)
        short = 1 if buys <= sells else -1
        for row, got in zip(desired, filled, strict=True):
            if row[k] * short > 0:
                assert got[k] == row[k]
            assert 0 <= got[k] * np.sign(row[k]) <= abs(row[k])


@dataclass
class Case:
    """Members of one post with arbitrary wishes, in storage units."""

    tastes: list[Taste]
    lots: Any
    minor: Any
    desired: Any
    steps: Any
    indifferent: Any
    fee_ppb: int = 0
    fee_per_lot: int = 0
    stock: list[int] = field(default_factory=list)
    cash: int = 0
    mode: int = QUASILINEAR


@st.composite
def cases(draw: st.DrawFn, least: int = 1, plain: bool = False) -> Case:
    n = draw(st.integers(least, 3))
    size = draw(st.integers(1, 7))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    mode = QUASILINEAR if plain else draw(st.sampled_from([QUASILINEAR, IN_UTILITY]))
    tastes = []
    for _ in range(size):
        family = str(rng.choice(["linear", "cobb_douglas"]))
        entries = n + (mode == IN_UTILITY)
        parameters = tuple(np.round(rng.uniform(0.1, 1.5, entries), 2).tolist())
        tastes.append(Taste(family, parameters, kappa=float(rng.integers(1, 12))))
    scale = int(rng.choice([5, 20_000]))
    lots = rng.integers(0, scale, (size, n))
    desired = np.maximum(rng.integers(-scale, scale, (size, n)), -lots)
    minor = rng.integers(0, 2 * scale * 10_000, size) * rng.integers(0, 2, size)
    indifferent = rng.random((size, n)) < 0.2
    desired[indifferent] = 0
    case = Case(tastes, lots, minor, desired, rng.integers(1, 30_000, n), indifferent, mode=mode)
    if not plain and draw(st.booleans()):
        case.fee_ppb = draw(st.sampled_from([0, 1, 12_345_678, 999_999_999]))
        case.fee_per_lot = draw(st.sampled_from([0, 1, 700, 10**6]))
    if not plain and draw(st.booleans()):
        case.stock = rng.integers(0, scale, n).tolist()
        case.cash = int(rng.integers(0, scale * 10_000))
    return case


def here(start: int, stop: int, kernel: Any, *args: Any, cost: int = 1) -> None:
    kernel(start, stop, *args)


def run(case: Case, order: Any, barter: bool = False) -> tuple[Any, Any, Any]:
    """Settle the members in the given order of rows; return fills, gains and wishes by id."""
    size, n = case.lots.shape
    parameters = np.zeros((size, n + 3))
    for i, taste in enumerate(case.tastes):
        row = taste.row()
        parameters[i, : len(row)] = row
    codes = ints([{"linear": CODES[0], "cobb_douglas": CODES[1]}[t.family] for t in case.tastes])
    first = ints([0, size])
    world = SimpleNamespace(over=here, goods=n)
    batch: Any = SimpleNamespace(
        first=first, size=size, posts=1, world=world, numeraire=np.array([n - 1], np.int32)
    )
    members = Members(
        ints(np.arange(size))[order],
        codes[order],
        ints(case.lots)[order],
        ints(case.minor)[order],
        parameters[order],
        np.ones(size),
    )
    terms = Terms(
        first,
        ints([case.steps]),
        ints([case.fee_ppb]),
        ints([case.fee_per_lot]),
        ints([case.stock or [0] * n]),
        ints([case.cash]),
    )
    stage = settlement._Stage(batch, settlement._chunks(first))
    book = settlement._empty_book(size, n)
    book.desired[:] = case.desired[order]
    kernels, active = settlement._kernels(CODES), np.array([True])
    flags = case.indifferent[order]
    scale = Scale(UNIT_OF_ACCOUNT if barter else case.mode, LOT, LOT * STEP)
    if barter:
        settlement._barter(stage, kernels, active, members, terms, flags, book, scale)
    else:
        settlement._assign(stage, kernels, active, members, terms, flags, book, scale)
        settlement._trade(stage, kernels, active, members, terms, book, scale)
    back = np.argsort(order)
    return book.filled[back], book.gain[back], book.desired[back]


def change(taste: Taste, before: Any, after: Any) -> float:
    """Return the change in utility of holdings in lots."""
    old, new = (utility(taste, (held * LOT).tolist(), LOT / 2) for held in (before, after))
    return new - old


def paid(case: Case, net: Any) -> int:
    """Return what a member pays for net trades [minor unit], fees included."""
    total = 0
    for lots, price in zip(net.tolist(), case.steps.tolist(), strict=True):
        total += lots * price
        total += abs(lots) * price * case.fee_ppb // 10**9 + abs(lots) * case.fee_per_lot
    return total


def worth(case: Case, i: int, net: Any) -> float:
    """Return the change of a member's utility, money and fees included."""
    after, spent = case.lots[i] + net, paid(case, net)
    if case.mode == IN_UTILITY:
        # Money in lots: the oracle's bundle counts all entries in the same unit.
        cash = np.array([case.minor[i], case.minor[i] - spent]) * STEP
        return change(case.tastes[i], np.append(case.lots[i], cash[0]), np.append(after, cash[1]))
    return change(case.tastes[i], case.lots[i], after) - spent * LOT * STEP


def noise_of(case: Case, i: int) -> float:
    return 1e-11 * (1.0 + float(case.minor[i]) * LOT * STEP + 200 * case.tastes[i].kappa)


@given(cases())
@EXAMPLES
def test_settlement_against_money(case: Case) -> None:
    filled, gain, desired = run(case, np.arange(len(case.lots)))
    for k, net in enumerate(filled.sum(axis=0).tolist()):
        assert net == 0 if not case.stock else net <= case.stock[k]
    assert case.cash + int(filled.sum(axis=0) @ case.steps) >= 0
    assert np.all(case.lots + filled >= 0)
    for i in range(len(case.lots)):
        assert paid(case, filled[i]) <= case.minor[i]
        gained = worth(case, i, filled[i])
        assert gained >= -noise_of(case, i)
        assert gain[i] == pytest.approx(gained, abs=noise_of(case, i))
        for k in range(len(case.steps)):
            assert 0 <= filled[i, k] * np.sign(desired[i, k]) <= abs(desired[i, k])
            if not case.indifferent[i, k]:
                assert desired[i, k] == case.desired[i, k]


@given(cases())
@EXAMPLES
def test_no_two_members_are_left_who_could_trade_a_lot_and_gain(case: Case) -> None:
    filled, _, desired = run(case, np.arange(len(case.lots)))
    for k in range(len(case.steps)):
        willing = {1: False, -1: False}
        for i in range(len(case.lots)):
            sign = int(np.sign(desired[i, k] - filled[i, k]))
            if sign == 0:
                continue
            more = filled[i].copy()
            more[k] += sign
            if paid(case, more) <= case.minor[i]:
                gained = worth(case, i, more) - worth(case, i, filled[i])
                # A fee rounded down rises by a whole minor unit now and then.
                jump = 2 * LOT * STEP if case.fee_ppb else 0.0
                willing[sign] |= gained > noise_of(case, i) + jump
        net = int(filled[:, k].sum())
        left = case.stock[k] - net if case.stock else 0
        cash = case.cash + int(filled.sum(axis=0) @ case.steps)
        assert not (willing[1] and (willing[-1] or left > 0))
        assert not (willing[-1] and cash >= case.steps[k])


@given(cases(least=2, plain=True))
@EXAMPLES
def test_settlement_of_goods_for_goods(case: Case) -> None:
    """No money moves, each good is conserved, budgets balance within a lot of the dearest good."""
    case.steps[-1] = round(1 / STEP)
    filled, gain, _ = run(case, np.arange(len(case.lots)), barter=True)
    assert not filled.sum(axis=0).any()
    assert np.all(case.lots + filled >= 0)
    assert np.all(np.abs(filled @ case.steps) <= case.steps.max())
    for i, taste in enumerate(case.tastes):
        gained = change(taste, case.lots[i], case.lots[i] + filled[i])
        noise = 1e-11 * (1.0 + 100 * taste.kappa)
        assert gained >= -noise
        rate = taste.parameters[-1]
        if taste.family != "linear":
            rate *= taste.kappa / max(case.lots[i, -1] * LOT, LOT / 2)
        assert gain[i] == pytest.approx(gained / rate, abs=noise / rate)


@given(cases(least=2), st.booleans(), st.randoms(use_true_random=False))
@EXAMPLES
def test_the_order_of_rows_does_not_matter(case: Case, barter: bool, shuffle: Any) -> None:
    if barter:
        case.steps[-1] = round(1 / STEP)
        case.fee_ppb = case.fee_per_lot = 0
        goods = len(case.steps)
        case.tastes = [Taste(t.family, t.parameters[:goods], kappa=t.kappa) for t in case.tastes]
    order = list(range(len(case.lots)))
    plain = run(case, np.array(order), barter)
    shuffle.shuffle(order)
    mixed = run(case, np.array(order), barter)
    for one, other in zip(plain, mixed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_somebody_who_would_be_worse_off_scales_the_whole_bundle() -> None:
    """Selling all of A to buy B is good as a whole; with no B to be had half of it is bad."""
    swap = Taste("cobb_douglas", (1.0, 1.0), kappa=10.0)
    keep = Taste("linear", (2.0, 1.0))
    case = Case(
        [swap, keep],
        ints([[10_000, 100], [0, 10]]),
        ints([0, 10**9]),
        ints([[-9_000, 9_000], [9_000, 0]]),
        ints([10_000, 10_000]),
        np.zeros((2, 2), np.bool_),
    )
    filled, _, _ = run(case, np.arange(2))
    assert filled.tolist() == [[0, 0], [0, 0]]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["quasilinear", "unit_of_account"]))
@settings(max_examples=20, deadline=None)
def test_clearing_far_from_equilibrium_harms_nobody(seed: int, mode: str) -> None:
    """At a price after one round, with nothing solved, the settlement still keeps its promises."""
    rng = np.random.default_rng(seed)
    members: list[Agent] = []
    for _ in range(int(rng.integers(2, 8))):
        parameters = tuple(np.round(rng.uniform(0.1, 1.5, 2), 2).tolist())
        family = str(rng.choice(["linear", "cobb_douglas"]))
        held = tuple(rng.integers(not members, 15, 2).astype(float).tolist())
        taste = Taste(family, parameters, kappa=float(rng.integers(1, 12)))
        members.append(Agent(taste, held, float(rng.choice([0, 2, 80]))))
    start = {"A": float(np.round(rng.uniform(0.2, 2.0), 2)), "B": 1.0}
    result = clear(
        groups(members),
        money={"mode": mode},
        mechanism_params={
            "initial_price": start,
            "max_iterations": 1,
            "on_failure": ["ration_last"],
        },
    )
    before = ints([[round(x * 1000) for x in m.goods] for m in members])
    minor = ints([round(m.money * 1e7) for m in members])
    np.testing.assert_array_equal(result.goods_lots.sum(axis=0), before.sum(axis=0))
    assert result.money_minor.sum() == minor.sum()
    assert result.goods_lots.min() >= 0
    assert result.money_minor.min() >= 0
    if mode == "unit_of_account":
        np.testing.assert_array_equal(result.money_minor, minor)
    for i, member in enumerate(members):
        gained = change(member.taste, before[i], result.goods_lots[i])
        gained += float(result.money_minor[i] - minor[i]) * 1e-7
        assert gained >= -1e-9


VALUES = [3.25 - 0.25 * place for place in range(11)]


@pytest.mark.parametrize("mechanism", ["walrasian", "posted_price"])
def test_at_the_margin_as_much_is_traded_as_can_be(mechanism: str) -> None:
    """Smith's first test: at 2.00 the sixth buyer and the sixth seller neither gain nor lose."""
    orders = [
        {"agent": i, "commodity": "X", "direction": side, "quantity": 1, "limit_price": value}
        for side in ("buy", "sell")
        for i, value in enumerate(VALUES, 0 if side == "buy" else 100)
    ]
    result = clear(
        orders=orders,
        units={"lot": 1, "price_step": 0.01},
        mechanism=mechanism,
        mechanism_params={"initial_price": 2.0},
    )
    assert result.prices["X"] == 2.0
    assert result.volume["X"] == 6.0
    assert result.gains.sum() == pytest.approx(7.5)


def test_who_would_as_soon_buy_as_sell_does_not_trade_with_its_like() -> None:
    held = {"A": 10, "M": 10}
    taste = {"type": "linear", "weights": [0.7]}
    result = clear(
        [{"name": "all", "count": 5, "inventories": held, "utilities": [taste]}],
        mechanism="posted_price",
        mechanism_params={"initial_price": 0.7},
    )
    assert result.volume["A"] == 0.0
