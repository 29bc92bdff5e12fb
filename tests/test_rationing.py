"""Who gets how many lots: integers against fractions, and what a settlement must never do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from ecs_market.kernels.rationing import assign_indifferent, fill_orders, nth_largest, share_out
from ecs_market.mechanisms.settlement import _kernels
from ecs_market.preferences import cobb_douglas, linear
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


@given(wishes(), st.data())
@EXAMPLES
def test_the_indifferent_take_up_what_they_can(
    case: tuple[list[list[int]], list[int]], data: st.DataObject
) -> None:
    rows, ids = case
    size, n = len(rows), len(rows[0])
    flags = data.draw(
        st.lists(st.lists(st.booleans(), min_size=n, max_size=n), min_size=size, max_size=size)
    )
    lots = data.draw(st.lists(st.integers(0, 10**6), min_size=size, max_size=size))
    minor = data.draw(st.lists(st.integers(0, 10**9), min_size=size, max_size=size))
    steps = data.draw(st.lists(st.integers(1, 10**4), min_size=n, max_size=n))
    desired = ints(rows)
    desired[np.array(flags)] = 0
    before = desired.copy()
    held = np.repeat(ints(lots)[:, np.newaxis], n, axis=1)
    scratch = np.empty((3, size), np.int64)
    assign_indifferent(
        desired, np.array(flags), held, ints(minor), ints(steps), ints(ids), *scratch
    )
    for k in range(n):
        net = int(before[:, k].sum())
        able = [
            (lots[i] if net > 0 else minor[i] // steps[k]) if flags[i][k] else 0
            for i in range(size)
        ]
        expected = oracle.share_out(able, min(abs(net), sum(able)), ids)
        sign = -1 if net > 0 else 1
        for i in range(size):
            assert desired[i, k] == (sign * expected[i] if flags[i][k] else before[i, k])


@dataclass
class Case:
    """Members of one post with arbitrary wishes, in storage units."""

    tastes: list[Taste]
    lots: Any
    minor: Any
    desired: Any
    steps: Any
    indifferent: Any


@st.composite
def cases(draw: st.DrawFn, least: int = 1) -> Case:
    n = draw(st.integers(least, 3))
    size = draw(st.integers(1, 7))
    seed = draw(st.integers(0, 2**32 - 1))
    rng = np.random.default_rng(seed)
    tastes = []
    for _ in range(size):
        family = str(rng.choice(["linear", "cobb_douglas"]))
        parameters = tuple(np.round(rng.uniform(0.1, 1.5, n), 2).tolist())
        tastes.append(Taste(family, parameters, kappa=float(rng.integers(1, 12))))
    scale = int(rng.choice([5, 20_000]))
    lots = rng.integers(0, scale, (size, n))
    desired = np.maximum(rng.integers(-scale, scale, (size, n)), -lots)
    minor = rng.integers(0, 2 * scale * 10_000, size) * rng.integers(0, 2, size)
    indifferent = rng.random((size, n)) < 0.2
    desired[indifferent] = 0
    return Case(tastes, lots, minor, desired, rng.integers(1, 30_000, n), indifferent)


def run(case: Case, order: Any, barter: bool) -> tuple[Any, Any]:
    """Settle the members in the given order of rows; return fills and gains by id."""
    size, n = case.lots.shape
    parameters = np.zeros((size, n + 2))
    for i, taste in enumerate(case.tastes):
        row = taste.row()
        parameters[i, : len(row)] = row
    codes = ints([{"linear": CODES[0], "cobb_douglas": CODES[1]}[t.family] for t in case.tastes])
    filled, gain = np.zeros((size, n), np.int64), np.zeros(size)
    unit = (ints([n - 1]),) if barter else ()
    _kernels(CODES)[barter](
        0,
        1,
        ints([0, size]),
        np.array([True]),
        ints([case.steps]),
        *unit,
        ints(np.arange(size))[order],
        codes[order],
        ints(case.lots)[order],
        ints(case.minor)[order],
        parameters[order],
        np.ones(size),
        case.indifferent[order],
        LOT,
        LOT * STEP,
        ints(case.desired)[order],
        np.zeros((size, n), np.int64),
        filled,
        gain,
    )
    back = np.argsort(order)
    return filled[back], gain[back]


def change(taste: Taste, before: Any, after: Any) -> float:
    """Return the change in utility of holdings in lots."""
    old, new = (utility(taste, (held * LOT).tolist(), LOT / 2) for held in (before, after))
    return new - old


@given(cases())
@EXAMPLES
def test_settlement_against_money(case: Case) -> None:
    filled, gain = run(case, np.arange(len(case.lots)), barter=False)
    paid = filled @ case.steps
    assert not filled.sum(axis=0).any()
    assert paid.sum() == 0
    assert np.all(case.minor - paid >= 0)
    assert np.all(case.lots + filled >= 0)
    for i, taste in enumerate(case.tastes):
        gained = change(taste, case.lots[i], case.lots[i] + filled[i]) - paid[i] * LOT * STEP
        noise = 1e-11 * (1.0 + abs(gained) + case.minor[i] * LOT * STEP + 100 * taste.kappa)
        assert gained >= -noise
        assert gain[i] == pytest.approx(gained, abs=noise)
        for k in range(len(case.steps)):
            if not case.indifferent[i, k]:
                assert 0 <= filled[i, k] * np.sign(case.desired[i, k]) <= abs(case.desired[i, k])


@given(cases(least=2))
@EXAMPLES
def test_settlement_of_goods_for_goods(case: Case) -> None:
    """No money moves, each good is conserved, budgets balance within a lot of the dearest good."""
    case.steps[-1] = round(1 / STEP)
    filled, gain = run(case, np.arange(len(case.lots)), barter=True)
    assert not filled.sum(axis=0).any()
    assert np.all(case.lots + filled >= 0)
    assert np.all(np.abs(filled @ case.steps) <= case.steps.max())
    for i, taste in enumerate(case.tastes):
        gained = change(taste, case.lots[i], case.lots[i] + filled[i])
        noise = 1e-11 * (1.0 + 100 * taste.kappa)
        assert gained >= -noise
        worth = taste.parameters[-1]
        if taste.family != "linear":
            worth *= taste.kappa / max(case.lots[i, -1] * LOT, LOT / 2)
        assert gain[i] == pytest.approx(gained / worth, abs=noise / worth)


@given(cases(least=2), st.booleans(), st.randoms(use_true_random=False))
@EXAMPLES
def test_the_order_of_rows_does_not_matter(case: Case, barter: bool, shuffle: Any) -> None:
    if barter:
        case.steps[-1] = round(1 / STEP)
    order = list(range(len(case.lots)))
    plain = run(case, np.array(order), barter)
    shuffle.shuffle(order)
    mixed = run(case, np.array(order), barter)
    np.testing.assert_array_equal(plain[0], mixed[0])
    np.testing.assert_array_equal(plain[1], mixed[1])


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
    filled, _ = run(case, np.arange(2), barter=False)
    assert filled.tolist() == [[0, 0], [0, 0]]


@given(st.integers(0, 2**32 - 1), st.sampled_from(["quasilinear", "unit_of_account"]))
@settings(max_examples=20, deadline=None)
def test_clearing_far_from_equilibrium_harms_nobody(seed: int, mode: str) -> None:
    """At a price after one round, with nothing solved, the settlement still keeps its promises."""
    rng = np.random.default_rng(seed)
    members = []
    for _ in range(int(rng.integers(2, 8))):
        parameters = tuple(np.round(rng.uniform(0.1, 1.5, 2), 2).tolist())
        family = str(rng.choice(["linear", "cobb_douglas"]))
        held = tuple(rng.integers(0, 15, 2).astype(float).tolist())
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
