"""Demand, marginal utilities and their slopes, against generic optimisers and differences."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from scipy.optimize import linprog, minimize

from ecs_market.preferences import cobb_douglas, linear
from ecs_market.preferences.families import search
from ecs_market.preferences.modes import MODES
from tests.oracles.economics import QUASILINEAR, UNIT_OF_ACCOUNT, Taste, utility

pytestmark = pytest.mark.kernel

FLOOR = 5e-4
FAMILIES: dict[str, Any] = {"linear": linear, "cobb_douglas": cobb_douglas}
F = Any


def ask(
    taste: Taste,
    price: F,
    goods: F,
    money: float,
    traded: F,
    mode: str = QUASILINEAR,
    smoothing: float = 0.0,
) -> tuple[F, F, float]:
    """Return the demanded box and the wealth to spend."""
    low, high = np.empty(len(goods)), np.empty(len(goods))
    wealth = money if mode == QUASILINEAR else 0.0
    wealth += float(price[traded] @ goods[traded])
    numeraire = -1 if mode == QUASILINEAR else len(goods) - 1
    FAMILIES[taste.family].demand(
        price,
        traded,
        goods,
        wealth,
        np.array(taste.row()),
        taste.money_weight,
        MODES.index(mode),
        numeraire,
        FLOOR,
        smoothing,
        low,
        high,
    )
    return low, high, wealth


def worth(taste: Taste, holdings: F, price: F, goods: F, money: float, mode: str) -> float:
    """Return utility after buying `holdings`, money included where it counts."""
    kept = money + float(price @ (goods - holdings)) if mode == QUASILINEAR else 0.0
    return utility(
        taste, [max(0.0, x) for x in holdings], 0.0 if taste.scale == "level" else 1e-9
    ) + (taste.money_weight * kept)


def best_by_optimiser(
    taste: Taste, price: F, goods: F, money: float, traded: F, mode: str, rng: np.random.Generator
) -> float:
    """Return the best utility that sequential quadratic programming and sampling find."""
    free = np.flatnonzero(traded)
    wealth = float(price[free] @ goods[free]) + (money if mode == QUASILINEAR else 0.0)
    holds_money = mode == QUASILINEAR

    def value(shares: F) -> float:
        holdings = goods.copy()
        holdings[free] = np.maximum(shares[: len(free)], 0.0) * wealth / price[free]
        return worth(taste, holdings, price, goods, money, mode)

    size = len(free) + holds_money
    budget = {"type": "eq", "fun": lambda shares: shares.sum() - 1.0}
    best = -np.inf
    for _ in range(3):
        start = rng.dirichlet(np.ones(size))
        found = minimize(
            lambda shares: -value(shares),
            start,
            bounds=[(1e-9, 1.0)] * size,
            constraints=[budget],
            options={"ftol": 1e-14, "maxiter": 300},
        )
        shares = np.clip(found.x, 0.0, 1.0)
        best = max(best, value(shares / shares.sum()))
    samples = rng.dirichlet(np.full(size, 0.5), 200)
    return max(best, *(value(shares) for shares in samples))


def random_case(rng: np.random.Generator, family: str, scale: str, mode: str) -> tuple[Any, ...]:
    n = int(rng.integers(1, 4)) if mode == QUASILINEAR else int(rng.integers(2, 4))
    parameters = tuple(rng.uniform(0.1, 2.0, n))
    if scale == "level" and rng.random() < 0.5:
        parameters = tuple(np.array(parameters) / sum(parameters) * rng.choice([0.6, 1.0]))
    taste = Taste(
        family, parameters, scale, float(rng.uniform(0.2, 20)), float(rng.uniform(0.3, 3))
    )
    if scale == "level":
        taste = Taste(family, parameters, scale, 1.0, taste.money_weight)
    price = rng.uniform(0.05, 3.0, n)
    goods = rng.uniform(0.0, 20.0, n)
    # Poor agents are bound by their cash, rich ones are not.
    money = float(rng.choice([0.0, 0.5, 500.0]))
    traded = rng.random(n) < 0.7
    traded[int(rng.integers(0, n))] = True
    if mode == UNIT_OF_ACCOUNT:
        traded[:] = True
        price[-1] = 1.0
    return taste, price, goods, money, traded


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
@pytest.mark.parametrize(
    ("family", "scale"), [("linear", "log"), ("cobb_douglas", "log"), ("cobb_douglas", "level")]
)
def test_no_optimiser_finds_better(family: str, scale: str, mode: str) -> None:
    rng = np.random.default_rng(7)
    for _ in range(25):
        taste, price, goods, money, traded = random_case(rng, family, scale, mode)
        low, high, wealth = ask(taste, price, goods, money, traded, mode)
        assert np.all(low >= 0.0)
        assert np.all(low <= high)
        np.testing.assert_array_equal(low[~traded], goods[~traded])
        spent = float(price[traded] @ low[traded])
        assert spent <= wealth * (1 + 1e-12) + 1e-12
        if mode == UNIT_OF_ACCOUNT:
            assert spent == pytest.approx(wealth, rel=1e-12)
        mine = worth(taste, low, price, goods, money, mode)
        best = best_by_optimiser(taste, price, goods, money, traded, mode, rng)
        assert mine >= best - 1e-7 * (1.0 + abs(best)), (taste, price, goods, money, traded)


def test_a_log_agent_demands_what_the_optimiser_does() -> None:
    rng = np.random.default_rng(11)
    bound = slack = 0
    for _ in range(30):
        taste, price, goods, money, traded = random_case(rng, "cobb_douglas", "log", QUASILINEAR)
        low, _, wealth = ask(taste, price, goods, money, traded)
        free = np.flatnonzero(traded)
        exponents = np.array(taste.parameters)[free]

        def loss(spending: F, e: F = exponents, t: Taste = taste) -> float:
            return float(t.money_weight * spending.sum() - t.kappa * e @ np.log(spending))

        def slope(spending: F, e: F = exponents, t: Taste = taste) -> F:
            return t.money_weight - t.kappa * e / spending

        found = minimize(
            loss,
            np.full(len(free), wealth / (len(free) + 1)),
            jac=slope,
            bounds=[(1e-9, None)] * len(free),
            constraints=[{"type": "ineq", "fun": lambda s, w=wealth: w - s.sum()}],
            options={"ftol": 1e-15, "maxiter": 500},
        )
        np.testing.assert_allclose(low[free] * price[free], found.x, rtol=2e-4, atol=1e-5)
        bound += low[free] @ price[free] > wealth * (1 - 1e-9)
        slack += low[free] @ price[free] < wealth * (1 - 1e-3)
    assert bound > 5
    assert slack > 5


def test_linear_demand_solves_the_linear_programme() -> None:
    rng = np.random.default_rng(13)
    for _ in range(60):
        taste, price, goods, money, traded = random_case(rng, "linear", "log", QUASILINEAR)
        low, _, wealth = ask(taste, price, goods, money, traded)
        free = np.flatnonzero(traded)
        weights = np.array(taste.parameters)[free]
        found = linprog(
            -(weights - taste.money_weight * price[free]), A_ub=[price[free]], b_ub=[wealth]
        )
        np.testing.assert_allclose(low[free], found.x, rtol=1e-9, atol=1e-9)


def test_an_indifferent_agent_offers_the_whole_range() -> None:
    taste = Taste("linear", (0.5, 0.25), money_weight=1.0)
    goods, traded = np.array([4.0, 2.0]), np.array([True, True])
    low, high, _ = ask(taste, np.array([0.5, 1.0]), goods, 3.0, traded)
    np.testing.assert_array_equal(low, [0.0, 0.0])  # B is overpriced and goes
    np.testing.assert_allclose(high, [4.0 + (3.0 + 2.0) / 0.5, 0.0])


def test_worthless_goods_are_sold() -> None:
    goods, traded = np.array([4.0, 2.0]), np.array([True, True])
    for family in FAMILIES:
        low, high, _ = ask(Taste(family, (0.0, 1.0)), np.array([0.5, 1.5]), goods, 3.0, traded)
        assert low[0] == 0.0
        assert high[0] == 0.0


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
def test_smoothed_demand_goes_to_the_corner(mode: str) -> None:
    rng = np.random.default_rng(17)
    for _ in range(30):
        taste, price, goods, money, traded = random_case(rng, "linear", "log", mode)
        traded[:] = True
        corner, _, wealth = ask(taste, price, goods, money, traded, mode)
        ratios = np.sort(np.append(np.array(taste.parameters) / price, taste.money_weight))
        if ratios[-1] / ratios[-2] < 1.02:
            continue
        gaps = []
        for smoothing in (0.25, 0.06, 0.015, 0.004, 0.001):
            low, high, _ = ask(taste, price, goods, money, traded, mode, smoothing)
            np.testing.assert_array_equal(low, high)
            assert np.all(low >= 0.0)
            assert price @ low <= wealth * (1 + 1e-9)
            gaps.append(float(np.abs(price * (low - corner)).sum()))
        assert gaps[-1] <= 1e-6 * max(1.0, wealth)
        noise = 1e-12 * max(1.0, wealth)
        assert all(b <= a + noise for a, b in itertools.pairwise(gaps))


@pytest.mark.parametrize(
    ("family", "scale"), [("linear", "log"), ("cobb_douglas", "log"), ("cobb_douglas", "level")]
)
def test_marginals_and_hessian_are_derivatives(family: str, scale: str) -> None:
    rng = np.random.default_rng(19)
    module = FAMILIES[family]
    for _ in range(30):
        n = int(rng.integers(1, 4))
        taste = Taste(family, tuple(rng.uniform(0.1, 1.5, n)), scale, float(rng.uniform(0.5, 5)))
        row, goods = np.array(taste.row()), rng.uniform(0.5, 20.0, n)
        if scale == "level":
            row[n] = 1.0
        for k in range(n):
            step = np.zeros(n)
            step[k] = 1e-5 * goods[k]
            ends = [module.utility(goods + s * step, row, FLOOR) for s in (1, -1)]
            found = module.marginal(goods, row, FLOOR, k)
            assert found == pytest.approx((ends[0] - ends[1]) / (2 * step[k]), rel=1e-5, abs=1e-9)
            for m in range(n):
                near = [module.marginal(goods + s * step, row, FLOOR, m) for s in (1, -1)]
                slope = (near[0] - near[1]) / (2 * step[k])
                assert module.hessian(goods, row, FLOOR, m, k) == pytest.approx(
                    slope, rel=1e-5, abs=1e-8
                )


def test_utility_equals_the_formula_and_is_finite_at_zero() -> None:
    rng = np.random.default_rng(23)
    for family, scale in (("linear", "log"), ("cobb_douglas", "log"), ("cobb_douglas", "level")):
        for _ in range(20):
            n = int(rng.integers(1, 4))
            taste = Taste(family, tuple(rng.uniform(0.0, 1.5, n)), scale)
            goods = rng.uniform(0.0, 20.0, n) * (rng.random(n) < 0.8)
            row = np.array(taste.row())
            found = FAMILIES[family].utility(goods, row, FLOOR)
            assert found == pytest.approx(
                utility(taste, goods.tolist(), FLOOR), rel=1e-12, abs=1e-12
            )
            for k in range(n):
                assert np.isfinite(FAMILIES[family].marginal(goods, row, FLOOR, k))


def curvature_of(taste: Taste, goods: F, mode: str) -> tuple[F, F]:
    """Return marginal rates and minus their slopes as the engine's appraisal writes them."""
    n = len(goods)
    rate, bend = np.zeros((1, n), np.float32), np.zeros((1, n), np.float32)
    module = FAMILIES[taste.family]
    search((module.CODE,)).appraise(
        0,
        1,
        np.array([module.CODE], np.int8),
        np.rint(goods[np.newaxis] / 1e-3).astype(np.int64),
        np.zeros(1, np.int64),
        np.array([taste.row()]),
        np.array([taste.money_weight]),
        MODES.index(mode),
        1e-3,
        1e-7,
        rate,
        bend,
    )
    return rate[0], bend[0]


@pytest.mark.parametrize("mode", [QUASILINEAR, UNIT_OF_ACCOUNT])
@pytest.mark.parametrize(
    ("family", "scale"), [("linear", "log"), ("cobb_douglas", "log"), ("cobb_douglas", "level")]
)
def test_appraisal_is_the_slope_along_a_trade(family: str, scale: str, mode: str) -> None:
    """The rate is what a unit more fetches in what pays; its slope is along paying that."""
    rng = np.random.default_rng(29)
    module = FAMILIES[family]
    for _ in range(20):
        n = int(rng.integers(2, 4))
        weight = float(rng.uniform(0.5, 2.0))
        taste = Taste(family, tuple(rng.uniform(0.1, 0.9, n)), scale, 1.0, weight)
        goods = np.round(rng.uniform(1.0, 20.0, n), 3)
        row = np.array(taste.row())
        rates, bends = curvature_of(taste, goods, mode)
        last = n - 1
        for k in range(n - (mode == UNIT_OF_ACCOUNT)):
            worth_of_pay = (
                weight if mode == QUASILINEAR else module.marginal(goods, row, FLOOR, last)
            )
            rate = module.marginal(goods, row, FLOOR, k) / worth_of_pay
            assert rates[k] == pytest.approx(rate, rel=1e-6)

            def along(
                q: float, k: int = k, m: float = rate, g: F = goods, r: F = row, w: float = weight
            ) -> float:
                held = g.copy()
                held[k] += q
                if mode == QUASILINEAR:
                    return float(module.utility(held, r, FLOOR)) - w * m * q
                held[-1] -= m * q
                return float(module.utility(held, r, FLOOR))

            h = 1e-3 * goods[k]
            second = (along(h) - 2 * along(0.0) + along(-h)) / h**2 / worth_of_pay
            assert bends[k] == pytest.approx(-second, rel=1e-3, abs=1e-6)
