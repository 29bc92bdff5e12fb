"""Published and closed-form results that a clearing must reproduce."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest
from scipy.optimize import root

from ecs_market import clear
from ecs_market.build import build_world
from ecs_market.components.inventory import Inventory
from ecs_market.mechanisms.bargaining import bargain
from ecs_market.scenario import scenario_for_clear
from tests.oracles.economics import (
    QUASILINEAR,
    UNIT_OF_ACCOUNT,
    Agent,
    Taste,
    groups,
    indirect_money,
    utility,
)

FINE = {"lot": 1e-6, "price_step": 1e-6}
TIGHT = {"price_tolerance": 1e-6}


def cobb(*exponents: float, **more: Any) -> Taste:
    return Taste("cobb_douglas", exponents, **more)


def test_edgeworth_box() -> None:
    box = [Agent(cobb(0.6, 0.4), (10.0, 20.0)), Agent(cobb(0.3, 0.7), (20.0, 10.0))]
    result = clear(groups(box), units=FINE, money={"mode": UNIT_OF_ACCOUNT}, mechanism_params=TIGHT)
    assert result.status == "converged"
    assert result.prices["A"] / result.prices["B"] == pytest.approx(5 / 6, abs=1e-5)
    assert result.goods[0] == pytest.approx([20.4, 34 / 3], abs=1e-5)
    assert result.goods[1] == pytest.approx([9.6, 56 / 3], abs=1e-5)


def test_quasilinear_log_economy() -> None:
    agents = [
        Agent(cobb(6.0, 4.0), (10.0, 10.0), 100.0),
        Agent(cobb(3.0, 9.0), (5.0, 5.0), 100.0),
        Agent(cobb(2.0, 1.0, money_weight=0.5), (5.0, 15.0), 100.0),
    ]
    result = clear(groups(agents), units=FINE, mechanism_params=TIGHT)
    assert result.status == "converged"
    assert [result.prices["A"], result.prices["B"]] == pytest.approx([0.65, 0.50], abs=1e-5)


def canonical(scale: str, seed: int) -> Any:
    tastes = [
        {"type": "linear", "weights": [0.7, 0.3], "count": 20},
        {"type": "cobb_douglas", "exponents": [0.6, 0.4], "scale": scale, "count": 20},
    ]
    held = {"A": [10, 20], "B": [10, 20], "M": [100, 200]}
    group = {"name": "all", "count": 40, "inventories": held, "utilities": tastes}
    return clear([group], seed=seed, mechanism_params=TIGHT)


@pytest.mark.parametrize("seed", range(5))
def test_linear_agents_pin_the_price(seed: int) -> None:
    result = canonical("log", seed)
    assert result.status in {"converged", "marginal"}
    assert (result.prices["A"], result.prices["B"]) == (0.7, 0.3)
    assert result.gains.min() >= 0.0
    assert result.gains.sum() > 0.0
    assert result.volume["A"] > 0.0
    # Those who set the price gain nothing from it.
    assert np.abs(result.gains[:20]).max() <= 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_the_level_form_is_cleared_or_honestly_failed(seed: int) -> None:
    result = canonical("level", seed)
    if result.status in {"converged", "marginal"}:
        assert result.prices["A"] == pytest.approx(0.70, abs=0.02)
        assert result.prices["B"] == pytest.approx(0.317, abs=0.02)
    else:
        assert result.status == "failed"
        assert result.newton
        assert result.residual > 1e-6
        assert result.volume == {"A": 0.0, "B": 0.0}
    assert result.gains.min() >= 0.0


KINDS = [
    (cobb(0.6, 0.4, kappa=15.0), (10.0, 20.0)),
    (cobb(0.3, 0.7, kappa=12.0), (20.0, 10.0)),
    (cobb(0.5, 0.5, kappa=9.0, money_weight=0.8), (5.0, 15.0)),
    (cobb(0.8, 0.3, kappa=7.0, money_weight=1.3), (12.0, 3.0)),
    (cobb(0.2, 0.5, kappa=20.0), (8.0, 8.0)),
    (cobb(0.9, 0.6, kappa=5.0, money_weight=0.6), (15.0, 12.0)),
]


def root_of_kinds() -> list[float]:
    """Return the prices of the economy of `KINDS`, whose members are never short of cash."""

    def zeta(logs: Any) -> list[float]:
        price = np.exp(logs)
        wanted = sum(
            np.array([t.kappa * a for a in t.parameters]) / (t.money_weight * price)
            for t, _ in KINDS
        )
        return list(wanted / np.sum([held for _, held in KINDS], axis=0) - 1.0)

    return list(np.exp(root(zeta, np.zeros(2), tol=1e-14).x))


def iterations_at(size: int) -> int:
    copies = size // len(KINDS)
    members = [
        Agent(taste, held, 100.0).group(f"g{i}", "AB", copies)
        for i, (taste, held) in enumerate(KINDS)
    ]
    units = {"lot": 1e-3, "price_step": 1e-7}
    result = clear(members, units=units, mechanism_params={**TIGHT, "initial_price": 1.0})
    assert result.status == "converged"
    assert not result.newton
    assert [result.prices["A"], result.prices["B"]] == pytest.approx(root_of_kinds(), rel=1e-6)
    return result.iterations


def test_iterations_do_not_grow_with_the_number_of_agents() -> None:
    found = [iterations_at(size) for size in (6, 60, 600)]
    assert max(found) <= 18, found
    assert max(found) - min(found) <= 2, found


@pytest.mark.slow
def test_iterations_of_sixty_thousand() -> None:
    assert abs(iterations_at(60_000) - iterations_at(6)) <= 2


def test_identical_agents_move_with_their_number_unchanged() -> None:
    """Without differences nobody trades, and the price is the common marginal rate."""
    for size in (1, 6, 60):
        result = clear([Agent(cobb(6.0, 4.0), (10.0, 8.0), 50.0).group("all", "AB", size)])
        assert result.status == "indicative"
        assert (result.prices["A"], result.prices["B"]) == (0.6, 0.5)


def bilateral_rounds(members: list[Agent], mode: str, rounds: int, rule: str, seed: int) -> Any:
    """Return the world after rounds of random pairs that each bargain until nothing gains."""
    scenario = scenario_for_clear(groups(members), units={"lot": 1e-3}, money={"mode": mode})
    world = build_world(scenario, 0, 1)
    world.settings = dataclasses.replace(world.settings, bargaining=rule)
    rng = np.random.default_rng(seed)
    for _ in range(rounds):
        order = rng.permutation(len(members)).reshape(-1, 2)
        order.sort(axis=1)
        order = order[np.argsort(order[:, 0])]
        rows = world.agent_rows
        bargain(world, rows[order[:, 0]], rows[order[:, 1]])
    return world


def surplus(members: list[Agent], goods: Any, money: Any, mode: str, price: list[float]) -> float:
    """Return the sum over agents of what their gains are worth in money [M]."""
    total = 0.0
    for member, held, cash in zip(members, goods, money, strict=True):
        after, before = utility(member.taste, held), utility(member.taste, member.goods)
        if mode == QUASILINEAR:
            total += (after - before) / member.taste.money_weight + cash - member.money
        else:
            total += indirect_money(member.taste, price, after)
            total -= indirect_money(member.taste, price, before)
    return total


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
@pytest.mark.parametrize("rule", ["compensating_block", "split_difference"])
def test_one_post_beats_rounds_of_random_pairs(mode: str, rule: str) -> None:
    rng = np.random.default_rng(4)
    members = [
        Agent(
            cobb(*np.round(rng.uniform(0.2, 1.0, 2), 2).tolist(), kappa=8.0),
            (float(rng.integers(2, 20)), float(rng.integers(2, 20))),
            200.0,
        )
        for _ in range(24)
    ]
    units = {"lot": 1e-3}
    post = clear(groups(members), units=units, money={"mode": mode}, mechanism_params=TIGHT)
    price = [post.prices["A"], post.prices["B"]]
    best = surplus(members, post.goods, post.money, mode, price)
    assert best > 0.0
    found = []
    for rounds in (1, 2, 5, 20):
        world = bilateral_rounds(members, mode, rounds, rule, seed=1)
        held = world.agents.whole(Inventory)
        rows = world.agent_rows
        goods = held.goods[rows] * world.settings.lot_size
        money = held.money[rows] * world.settings.minor_size
        found.append(surplus(members, goods, money, mode, price))
    noise = 1e-4 * best
    assert all(0.0 < each <= best + noise for each in found)
    assert found[0] < 0.95 * best
    assert found[0] < found[1] < found[-1]


def smith_orders() -> list[dict[str, Any]]:
    values = [round(3.25 - 0.25 * i, 2) for i in range(11)]
    orders = []
    for i, value in enumerate(values):
        for agent, direction in ((i, "buy"), (100 + i, "sell")):
            order = {"agent": agent, "commodity": "X", "direction": direction}
            orders.append({**order, "quantity": 1, "limit_price": value})
    return orders


def test_smiths_first_market() -> None:
    result = clear(orders=smith_orders(), units={"lot": 1, "price_step": 0.01})
    assert result.prices["X"] == 2.0
    assert result.volume["X"] == 6.0  # the sixth unit gains nothing
    assert result.gains.sum() == pytest.approx(7.50, abs=1e-9)
    assert result.status in {"converged", "marginal"}


def test_two_goods_at_one_price_each_leave_money_where_it_was() -> None:
    """Feldman's pattern with two goods: what a pair cannot do, a post can do for a circle."""
    tastes = [(1.0, 2.0, 0.0), (0.0, 1.0, 2.0), (2.0, 0.0, 1.0)]
    members = [
        Agent(Taste("linear", taste), tuple(10.0 if k == i else 0.0 for k in range(3)))
        for i, taste in enumerate(tastes)
    ]
    start = {"A": 1.0, "B": 1.0, "C": 1.0}
    result = clear(
        groups(members), money={"mode": UNIT_OF_ACCOUNT}, mechanism_params={"initial_price": start}
    )
    after = [utility(m.taste, held) for m, held in zip(members, result.goods, strict=True)]
    assert after == [20.0, 20.0, 20.0]
    world = bilateral_rounds([*members, *members], UNIT_OF_ACCOUNT, 0, "compensating_block", 0)
    rows = world.agent_rows
    for i, j in ((0, 1), (0, 2), (1, 2)):
        bargains = bargain(world, rows[[i]], rows[[j]])
        assert bargains.trades.size == 0
