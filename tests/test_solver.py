"""Clearing prices against root finders, and the laws that any equilibrium keeps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from tests.oracles.economics import (
    QUASILINEAR,
    UNIT_OF_ACCOUNT,
    Agent,
    Taste,
    demand,
    excess,
    groups,
    one_good_price,
    smooth_prices,
)

FINE = {"lot": 1e-3, "price_step": 1e-7}
TIGHT = {"price_tolerance": 1e-9}


def solved(agents: list[Agent], mode: str = QUASILINEAR, **params: Any) -> Any:
    return clear(
        groups(agents), units=FINE, money={"mode": mode}, mechanism_params={**TIGHT, **params}
    )


def random_taste(rng: np.random.Generator, n: int) -> Taste:
    exponents = tuple(np.round(rng.uniform(0.1, 2.0, n), 3))
    return Taste(
        "cobb_douglas",
        exponents,
        kappa=float(np.round(rng.uniform(1.0, 12.0), 3)),
        money_weight=float(np.round(rng.uniform(0.4, 2.5), 3)),
    )


def random_agents(rng: np.random.Generator, size: int, n: int, money: float) -> list[Agent]:
    return [
        Agent(random_taste(rng, n), tuple(np.round(rng.uniform(0.5, 20.0, n), 3)), money)
        for _ in range(size)
    ]


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
@pytest.mark.parametrize(("n", "size"), [(1, 2), (1, 9), (2, 2), (2, 17), (3, 5), (3, 60)])
@pytest.mark.parametrize("money", [0.5, 500.0])
def test_prices_equal_the_root_finder(mode: str, n: int, size: int, money: float) -> None:
    """With little money many are bound by cash, and goods are gross complements through it."""
    n += mode == UNIT_OF_ACCOUNT
    rng = np.random.default_rng([n, size, int(money)])
    for _ in range(3):
        agents = random_agents(rng, size, n, money)
        result = solved(agents, mode)
        found = [result.prices[good] for good in "ABCD"[:n]]
        expected = smooth_prices(agents, mode, found)
        assert result.status in {"converged", "indicative"}
        assert found == pytest.approx(expected, rel=1e-6, abs=2e-7)
        wanted = np.array([demand(agent, expected, mode) for agent in agents])
        if result.status == "converged":
            dearest = max(expected) / min(expected)
            np.testing.assert_allclose(result.goods, wanted, atol=1e-3 * (size + dearest))


@pytest.mark.parametrize("seed", range(12))
def test_one_good_with_jumping_demand(seed: int) -> None:
    """Linear and Cobb-Douglas members together: the price is where excess demand passes zero."""
    rng = np.random.default_rng(seed)
    agents = random_agents(rng, int(rng.integers(1, 12)), 1, 500.0)
    for _ in range(int(rng.integers(1, 8))):
        taste = Taste("linear", (float(np.round(rng.uniform(0.2, 3.0), 2)),))
        agents.append(Agent(taste, (float(rng.integers(0, 20)),), float(rng.integers(0, 60))))
    result = solved(agents)

    def wanted(price: float) -> float:
        return excess(agents, [price], QUASILINEAR)[0]

    assert result.status in {"converged", "marginal", "indicative"}
    assert result.prices["A"] == pytest.approx(one_good_price(wanted), rel=2e-6, abs=2e-7)
    assert np.all(result.gains >= 0.0)


@pytest.mark.parametrize("seed", [0, 2, 3, 4, 5])
def test_the_linear_pin_prices_of_two_goods(seed: int) -> None:
    """Many linear members with deep pockets of both: prices are their marginal rates."""
    rng = np.random.default_rng(seed)
    pins = np.round(rng.uniform(0.2, 2.0, 2), 2)
    agents = random_agents(rng, 4, 2, 500.0)
    pinning = Taste("linear", (float(pins[0]), float(pins[1])))
    agents += [Agent(pinning, (400.0, 400.0), 4000.0) for _ in range(3)]
    result = solved(agents)
    assert result.status == "marginal"
    assert [result.prices["A"], result.prices["B"]] == pytest.approx(pins.tolist(), rel=1e-12)
    smooth = [demand(agent, pins.tolist()) for agent in agents[:4]]
    np.testing.assert_allclose(result.goods[:4], smooth, atol=2e-3)
    assert np.all(result.gains >= 0.0)


def test_the_linear_pin_relative_prices_too() -> None:
    """A linear member with much of both goods serves the others at its own rate of exchange."""
    agents = [
        Agent(Taste("linear", (2.0, 1.0)), (500.0, 500.0)),
        Agent(Taste("cobb_douglas", (0.6, 0.4)), (10.0, 20.0)),
        Agent(Taste("cobb_douglas", (0.3, 0.7)), (20.0, 10.0)),
    ]
    result = solved(agents, UNIT_OF_ACCOUNT)
    assert result.prices["A"] == pytest.approx(2.0, rel=1e-9)
    expected = [demand(agent, [2.0, 1.0], UNIT_OF_ACCOUNT) for agent in agents[1:]]
    np.testing.assert_allclose(result.goods[1:], expected, atol=5e-3)


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 12),
    st.integers(1, 3),
    st.sampled_from([0.0, 1.0, 30.0, 500.0]),
    st.floats(0.0, 1.0),
)
@settings(max_examples=30, deadline=None)
def test_any_mix_is_cleared_or_reported(
    seed: int, size: int, n: int, money: float, linear_share: float
) -> None:
    rng = np.random.default_rng(seed)
    agents = random_agents(rng, size, n, money)
    for i in range(size):
        if rng.random() < linear_share:
            weights = tuple(np.round(rng.uniform(0.1, 2.0, n), 1))
            agents[i] = Agent(Taste("linear", weights), agents[i].goods, agents[i].money)
    result = solved(agents, price_tolerance=1e-6, max_iterations=100)
    before = np.array([agent.goods for agent in agents])
    assert all(price > 0.0 for price in result.prices.values())
    np.testing.assert_array_equal(
        result.goods_lots.sum(axis=0), np.rint(before * 1000).astype(np.int64).sum(axis=0)
    )
    assert result.money_minor.sum() == sum(round(agent.money * 1e10) for agent in agents)
    assert result.money_minor.min() >= 0
    assert result.goods_lots.min() >= 0
    assert result.gains.min() >= 0.0
    assert result.status in {"converged", "marginal", "indicative", "failed", "cycling", "boundary"}
    if result.status in {"failed", "cycling", "boundary"}:
        assert sum(result.volume.values()) == 0.0


def test_relative_prices_do_not_depend_on_where_the_search_starts() -> None:
    agents = random_agents(np.random.default_rng(3), 8, 3, 500.0)
    for mode in (QUASILINEAR, UNIT_OF_ACCOUNT):
        found = [
            solved(agents, mode, initial_price={"A": start, "B": 1.0 / start, "C": 1.0}).prices
            for start in (0.05, 1.0, 20.0)
        ]
        for prices in found[1:]:
            assert list(prices.values()) == pytest.approx(list(found[0].values()), rel=1e-6)


def test_all_money_scaled_scales_prices_and_nothing_else() -> None:
    rng = np.random.default_rng(5)
    agents = random_agents(rng, 7, 2, 2.0)
    eightfold = [
        Agent(
            Taste(
                "cobb_douglas", a.taste.parameters, "log", a.taste.kappa, a.taste.money_weight / 8
            ),
            a.goods,
            a.money * 8,
        )
        for a in agents
    ]
    one, other = solved(agents), solved(eightfold)
    for good in "AB":
        assert other.prices[good] == pytest.approx(8 * one.prices[good], rel=1e-6)
    np.testing.assert_allclose(other.goods, one.goods, atol=2e-3)


def test_walras_law_holds_in_the_books() -> None:
    """Nothing is given away: each member pays exactly the price of what it gets."""
    agents = random_agents(np.random.default_rng(8), 20, 3, 5.0)
    result = solved(agents)
    before = np.array([agent.goods for agent in agents])
    lots = result.goods_lots - np.rint(before / FINE["lot"]).astype(np.int64)
    steps = np.array([round(result.prices[good] / FINE["price_step"]) for good in "ABC"])
    paid = np.rint(5.0 / (FINE["lot"] * FINE["price_step"])).astype(np.int64) - result.money_minor
    np.testing.assert_array_equal(lots @ steps, paid)
    assert lots.any()


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
def test_replicas_have_the_same_price_and_the_same_bundles(mode: str) -> None:
    agents = random_agents(np.random.default_rng(9), 4, 2, 3.0)
    prices, goods = [], []
    for copies in (1, 2, 7, 50):
        replicated = [a.group(f"g{i}", "AB", copies) for i, a in enumerate(agents)]
        result = clear(replicated, units=FINE, money={"mode": mode}, mechanism_params=TIGHT)
        assert result.status == "converged"
        prices.append([result.prices["A"], result.prices["B"]])
        goods.append(result.goods.reshape(4, copies, 2))
    for other in prices[1:]:
        assert other == pytest.approx(prices[0], rel=1e-6)
    for copies_of in goods:
        expected = np.broadcast_to(goods[0], copies_of.shape)
        np.testing.assert_allclose(copies_of, expected, atol=5e-3)
        # Equal treatment: copies differ by rounding alone.
        assert np.ptp(copies_of, axis=1).max() <= 5e-3


def two_unlike() -> list[Agent]:
    return [
        Agent(Taste("cobb_douglas", (6.0, 4.0)), (10.0, 10.0), 100.0),
        Agent(Taste("cobb_douglas", (3.0, 9.0)), (5.0, 15.0), 100.0),
    ]


def test_converged_says_how() -> None:
    result = solved(two_unlike(), initial_price=5.0)
    assert result.status == "converged"
    assert 1 < result.iterations <= 30
    assert result.residual <= 1e-9
    assert result.start_prices == {"A": 5.0, "B": 5.0}
    assert not result.newton


def test_marginal_and_indicative() -> None:
    linear = Taste("linear", (0.7,))
    smooth = Taste("cobb_douglas", (1.0,), kappa=7.0)
    marginal = solved([Agent(linear, (50.0,), 50.0), Agent(smooth, (2.0,), 50.0)])
    assert (marginal.status, marginal.prices["A"]) == ("marginal", 0.7)
    assert marginal.volume["A"] == 8.0
    alike = solved([Agent(linear, (50.0,), 50.0), Agent(linear, (2.0,), 50.0)])
    assert (alike.status, alike.prices["A"], alike.volume["A"]) == ("indicative", 0.7, 0.0)
    alone = solved([Agent(smooth, (2.0,), 50.0)])
    assert (alone.status, alone.volume["A"]) == ("indicative", 0.0)
    assert alone.prices["A"] == pytest.approx(3.5)


def test_too_few_rounds_fail_and_trade_nothing() -> None:
    for way in (["no_trade"], ["bilateral"], ["bilateral", "no_trade"]):
        result = solved(two_unlike(), initial_price=3.0, max_iterations=2, on_failure=way)
        assert result.status == "failed"
        assert result.iterations == 2
        assert sum(result.volume.values()) == 0.0
        assert not result.newton
        assert result.residual > 0.0


def test_newton_finishes_what_too_few_rounds_began() -> None:
    result = solved(two_unlike(), initial_price=3.0, max_iterations=2, on_failure=["newton"])
    assert result.newton
    assert result.status == "converged"
    expected = smooth_prices(two_unlike(), QUASILINEAR, [1.0, 1.0])
    assert [result.prices["A"], result.prices["B"]] == pytest.approx(expected, rel=1e-6)


def test_rationing_at_the_last_price_trades_what_it_can() -> None:
    result = solved(two_unlike(), initial_price=0.5, max_iterations=1, on_failure=["ration_last"])
    assert result.status == "failed"
    assert sum(result.volume.values()) > 0.0
    assert result.gains.min() >= 0.0
    assert result.gains.sum() > 0.0
    assert result.rounding_lots > 0


def test_a_worthless_good_is_driven_to_the_boundary() -> None:
    """Everybody sells at any price: the price falls to one step and stays in excess supply."""
    tastes = [Taste("cobb_douglas", (0.0, a), kappa=5.0) for a in (1.0, 2.0)]
    agents = [Agent(tastes[0], (10.0, 5.0), 50.0), Agent(tastes[1], (10.0, 5.0), 50.0)]
    result = clear(
        groups(agents), units={"price_step": 0.01}, mechanism_params={"max_iterations": 1000}
    )
    assert result.status in {"boundary", "indicative"}
    assert result.prices["A"] == 0.01
