"""Gains from trade: their sums, their bounds, and what indivisible lots cost."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market import clear
from tests.oracles.economics import Agent, Taste, groups, utility

TASTES = ((6.0, 4.0), (3.0, 9.0), (2.0, 1.0), (5.0, 5.0))
HELD = ((10.0, 10.0), (5.0, 5.0), (5.0, 15.0), (12.0, 3.0))
MEMBERS = [
    Agent(Taste("cobb_douglas", taste, money_weight=w), held, 100.0)
    for taste, held, w in zip(TASTES, HELD, (1.0, 1.0, 0.5, 2.0), strict=True)
]


def test_gains_are_utility_in_money() -> None:
    result = clear(groups(MEMBERS))
    for i, member in enumerate(MEMBERS):
        change = utility(member.taste, result.goods[i].tolist()) - utility(
            member.taste, member.goods
        )
        expected = change / member.taste.money_weight + result.money[i] - member.money
        assert result.gains[i] == pytest.approx(expected, abs=1e-6)
        assert result.gains[i] > 0.0


def test_no_redistribution_of_the_goods_is_worth_more() -> None:
    """With money to spare an equilibrium maximises the sum of gains over all allocations."""
    result = clear(groups(MEMBERS), mechanism_params={"price_tolerance": 1e-9})
    best = result.gains.sum()
    rng = np.random.default_rng(1)
    total = np.sum(HELD, axis=0)
    for _ in range(500):
        shares = result.goods / total * rng.lognormal(0.0, 0.2, result.goods.shape)
        goods = shares / shares.sum(axis=0) * total
        worth = sum(
            (utility(m.taste, x.tolist()) - utility(m.taste, m.goods)) / m.taste.money_weight
            for m, x in zip(MEMBERS, goods, strict=True)
        )
        assert worth <= best + 1e-4


def test_the_welfare_lost_to_lots_falls_with_their_square() -> None:
    fine = clear(groups(MEMBERS), units={"lot": 1e-5, "price_step": 1e-6}).gains.sum()
    for lot, most in ((1.0, 0.2), (0.1, 0.01), (0.01, 1e-4)):
        result = clear(groups(MEMBERS), units={"lot": lot, "price_step": 1e-6})
        lost = (fine - result.gains.sum()) / fine
        assert -1e-6 <= lost <= most


def test_trading_again_gains_nothing() -> None:
    first = clear(groups(MEMBERS))
    after = [
        Agent(m.taste, tuple(np.round(held, 3).tolist()), round(float(cash), 7))
        for m, held, cash in zip(MEMBERS, first.goods, first.money, strict=True)
    ]
    again = clear(groups(after))
    assert again.gains.sum() <= 1e-4 * first.gains.sum()
