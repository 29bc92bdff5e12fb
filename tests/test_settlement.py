"""Trades written between buyers and sellers, and books that balance to the last unit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from ecs_market.kernels.pairing import pair_trades
from tests.oracles.economics import Agent, Taste, groups

UNITS = {"lot": 1e-3, "price_step": 1e-4}


@st.composite
def net_trades(draw: st.DrawFn) -> tuple[Any, Any, Any]:
    """Return first, filled (m, K) with zero sums at each post, and ids in disorder."""
    posts, goods = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    sizes = [draw(st.integers(0, 6)) for _ in range(posts)]
    first = np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    filled = rng.integers(-50, 50, (int(first[-1]), goods)) * rng.integers(
        0, 2, (int(first[-1]), goods)
    )
    for a, b in itertools.pairwise(first):
        if b > a:
            filled[a] -= filled[a:b].sum(axis=0)
    return first, filled.astype(np.int64), rng.permutation(int(first[-1]) * 2)[: int(first[-1])]


@pytest.mark.kernel
@given(net_trades())
@settings(max_examples=60, deadline=None)
def test_trades_add_up_to_the_net_trades(case: tuple[Any, Any, Any]) -> None:
    first, filled, ids = case
    ids = ids.astype(np.int64)
    by_id = np.concatenate(
        [[], *(a + np.argsort(ids[a:b]) for a, b in itertools.pairwise(first))]
    ).astype(np.int64)
    goods = filled.shape[1]
    items = (len(first) - 1) * goods
    counts = np.zeros(items, np.int64)
    free = np.zeros(len(first) - 1, np.int64)
    price = np.ones((len(first) - 1, goods), np.int64)
    terms = (first, by_id, ids, filled, price, free, free)
    nothing = np.empty(0, np.int64)
    pair_trades(0, items, False, *terms, counts, nothing, nothing, nothing, nothing)
    buyer, seller, quantity, fee = (np.full(counts.sum(), -1, np.int64) for _ in range(4))
    places = np.cumsum(counts) - counts
    pair_trades(0, items, True, *terms, places, buyer, seller, quantity, fee)
    post, good = np.divmod(np.repeat(np.arange(items), counts), goods)
    assert not fee.any()
    assert np.all(quantity > 0)
    net = {int(i): np.zeros(filled.shape[1], np.int64) for i in ids}
    for g, b, s, q in zip(good, buyer, seller, quantity, strict=True):
        net[int(b)][g] += q
        net[int(s)][g] -= q
    for i, got in zip(ids, filled, strict=True):
        np.testing.assert_array_equal(net[int(i)], got)
    # Nobody buys and sells the same good, and both sides go up by id.
    for at in range(len(first) - 1):
        for k in range(goods):
            mine = (post == at) & (good == k)
            assert not set(buyer[mine]) & set(seller[mine])
            assert np.all(np.diff(buyer[mine]) >= 0)
            assert np.all(np.diff(seller[mine]) >= 0)
            # Two pointers need at most one trade less than there are traders.
            traders = len(set(buyer[mine])) + len(set(seller[mine]))
            assert mine.sum() <= max(0, traders - 1)


def random_members(seed: int, size: int) -> list[Agent]:
    rng = np.random.default_rng(seed)
    members: list[Agent] = []
    for _ in range(size):
        family = str(rng.choice(["linear", "cobb_douglas"]))
        parameters = tuple(np.round(rng.uniform(0.1, 1.5, 2), 2).tolist())
        taste = Taste(family, parameters, kappa=float(rng.integers(1, 12)))
        held = tuple(rng.integers(not members, 20, 2).astype(float).tolist())
        members.append(Agent(taste, held, float(rng.integers(0, 60))))
    return members


@pytest.mark.parametrize("mechanism", ["walrasian", "posted_price"])
@given(st.integers(0, 2**32 - 1), st.integers(1, 15))
@settings(max_examples=15, deadline=None)
def test_the_reported_trades_are_the_change_of_holdings(
    mechanism: str, seed: int, size: int
) -> None:
    members = random_members(seed, size)
    result = clear(groups(members), units=UNITS, mechanism=mechanism)
    goods = np.rint(np.array([m.goods for m in members]) * 1000).astype(np.int64)
    money = np.array([round(m.money * 1e7) for m in members])
    total = goods.sum(axis=0), money.sum()
    for trade in result.trades:
        lots, steps = round(trade.quantity * 1000), round(trade.price * 10_000)
        assert trade.price == result.prices[trade.commodity]
        assert lots > 0
        k = "AB".index(trade.commodity)
        goods[trade.buyer, k] += lots
        goods[trade.seller, k] -= lots
        money[trade.buyer] -= lots * steps
        money[trade.seller] += lots * steps
    np.testing.assert_array_equal(result.goods_lots, goods)
    np.testing.assert_array_equal(result.money_minor, money)
    np.testing.assert_array_equal(result.goods_lots.sum(axis=0), total[0])
    assert result.money_minor.sum() == total[1]
    assert result.money_minor.min() >= 0
    bought = dict.fromkeys("AB", 0.0)
    for trade in result.trades:
        bought[trade.commodity] += trade.quantity
    for good, volume in bought.items():
        assert volume == pytest.approx(result.volume[good], abs=1e-9)


def test_groups_are_reported_in_the_order_of_ids() -> None:
    members = random_members(5, 12)
    result = clear(groups(members), units=UNITS)
    assert result.ids.tolist() == list(range(12))
    start = np.array([m.goods for m in members])
    np.testing.assert_allclose(result.goods - start, result.filled, atol=1e-9)


def test_threads_change_nothing() -> None:
    wide = [m.group(f"g{i}", "AB", 700) for i, m in enumerate(random_members(6, 14))]
    one, two = (clear(wide, units=UNITS, threads=threads) for threads in (1, 2))
    np.testing.assert_array_equal(one.goods_lots, two.goods_lots)
    np.testing.assert_array_equal(one.money_minor, two.money_minor)
    assert one.prices == two.prices
    assert one.residual == two.residual
