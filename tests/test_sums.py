"""Sums over members, agents and pairs are those of their plain definitions, to the bit."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ecs_market.kernels.attendance import add_holdings
from ecs_market.kernels.tallying import add_gains, add_pairs
from ecs_market.totals import Prices

pytestmark = pytest.mark.kernel
GOODS = 3


def test_holdings_of_posts_some_of_which_are_empty() -> None:
    generator = np.random.default_rng(1)
    first = np.cumsum([0, 0, 5, 0, 12, 3, 0])
    lots, minor = generator.integers(0, 99, (20, GOODS)), generator.integers(0, 999, 20)
    post_lots, post_minor = np.zeros((6, GOODS), np.int64), np.zeros(6, np.int64)
    add_holdings(0, 2, first, lots, minor, post_lots, post_minor)
    add_holdings(2, 6, first, lots, minor, post_lots, post_minor)
    for post in range(6):
        here = slice(first[post], first[post + 1])
        assert post_lots[post].tolist() == lots[here].sum(axis=0).tolist()
        assert post_minor[post] == minor[here].sum()


@pytest.mark.parametrize("kind", [np.int32, np.int64])
def test_gains_go_to_their_rows(kind: type) -> None:
    rows: Any = np.array([4, 0, 7, 2], kind)
    realised = np.arange(9)
    add_gains(1, 4, rows, np.array([10, 20, 30, 40]), realised)
    assert realised.tolist() == [20, 1, 42, 3, 4, 5, 6, 37, 8]


def test_pairs_that_trade_no_lot_of_a_good_add_nothing_to_it() -> None:
    generator = np.random.default_rng(2)
    pairs = 50
    lots = np.where(generator.random((pairs, GOODS)) < 0.5, 0, generator.integers(1, 9, (50, 3)))
    lots[:, 2] = 0
    steps = generator.integers(900, 1100, (pairs, GOODS))
    found = Prices.none(pairs, GOODS)
    found.origin[lots > 0] = steps[lots > 0]
    found.lots[:] = lots
    found.offset[:] = np.where(lots > 0, generator.normal(size=lots.shape), 0.0)
    found.squares[:] = np.where(lots > 0, generator.random(lots.shape), 0.0)
    order = generator.permutation(pairs)
    size = 20
    total = Prices.none(3, GOODS)
    add_pairs(1, 3, size, order, found.origin, found.sums, total.origin, total.sums)
    add_pairs(0, 1, size, order, found.origin, found.sums, total.origin, total.sums)

    assert total.lots.sum(axis=0).tolist() == lots.sum(axis=0).tolist()
    for place, k in itertools.product(range(3), range(GOODS)):
        together = order[place * size : (place + 1) * size]
        traded = [pair for pair in together.tolist() if lots[pair, k] > 0]
        origin = int(steps[traded[0], k]) if traded else 0
        many, offset, squares = 0.0, 0.0, 0.0
        for pair in traded:
            own, away = found.lots[pair, k], found.offset[pair, k]
            moved = float(found.origin[pair, k] - origin)
            squares += found.squares[pair, k] + 2.0 * moved * away + own * moved * moved
            offset += away + own * moved
            many += own
        assert total.origin[place, k] == origin
        assert [each[place, k] for each in total.sums] == [many, offset, squares]
