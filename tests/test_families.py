"""Demand of every family against generic maximisers, in all money modes, with fees and without."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest

from ecs_market.preferences.families import by_name, dispatch, loops
from tests.oracles.preferences import (
    FLOOR,
    IN_UTILITY,
    QUASILINEAR,
    UNIT_OF_ACCOUNT,
    Person,
    best_found,
    utility,
    worth,
)

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.kernel
F = Any
LEVELED = ("cobb_douglas", "ces", "leontief")
CASES = [
    *((name, "log", mode) for name in (*LEVELED, "linear", "stone_geary") for mode in range(3)),
    *((name, "level", mode) for name in LEVELED for mode in range(3)),
    *((name, "log", mode) for name in ("quadratic", "translog") for mode in range(2)),
    ("induced_value", "log", QUASILINEAR),
]


def row_of(person: Person) -> F:
    """Pack a person's parameters as the engine does."""
    listed = {"weights", "exponents", "coefficients", "subsistence", "bliss", "sigma"}
    cut = slice(None, -1 if person.mode == IN_UTILITY else None)
    weight = None
    arrays: dict[str, Any] = {}
    for key, value in person.parameters.items():
        if key in listed:
            arrays[key] = np.array([value[cut]], float)
            if person.mode == IN_UTILITY and key != "subsistence":
                weight = np.array([value[-1]])
        elif isinstance(value, float | int):
            arrays[key] = np.array([value])
        else:
            arrays[key] = value
    module = by_name(person.family)
    rows = module.pack(arrays, len(person.goods), weight)
    assert rows.shape == (1, module.width(len(person.goods)))
    return np.ascontiguousarray(rows[0], np.float64)


def taste_of(rng: np.random.Generator, family: str, scale: str, n: int) -> dict[str, Any]:
    """Return random parameters for a bundle of n entries."""
    numbers = rng.uniform(0.1, 2.0, n)
    numbers[rng.random(n) < 0.15] = 0.0
    numbers[-1] = max(numbers[-1], 0.1)
    kappa = 1.0 if scale == "level" else float(rng.uniform(0.3, 20.0))
    if scale == "level" and rng.random() < 0.5:
        numbers *= rng.choice([0.6, 1.0]) / numbers.sum()
    match family:
        case "linear":
            return {"weights": tuple(numbers)}
        case "cobb_douglas":
            return {"exponents": tuple(numbers), "scale": scale, "kappa": kappa}
        case "ces":
            rho = float(rng.choice([-50.0, -4.0, -0.7, -0.01, 0.01, 0.3, 0.6, 0.9]))
            return {"weights": tuple(numbers), "rho": rho, "scale": scale, "kappa": kappa}
        case "leontief":
            return {"coefficients": tuple(numbers), "scale": scale, "kappa": kappa}
        case "quadratic":
            sigma = rng.uniform(0.5, 5.0, 2)
            gamma = float(rng.uniform(-0.95, 0.95) * 2.0 / sigma.prod())
            return {"bliss": tuple(rng.uniform(0, 30, 2)), "sigma": tuple(sigma), "gamma": gamma}
        case "stone_geary":
            least = rng.uniform(0.0, 4.0, n) * (rng.random(n) < 0.7)
            return {"exponents": tuple(numbers), "subsistence": tuple(least), "kappa": kappa}
        case "translog":
            bend = float(rng.uniform(-0.04, 0.04))
            tilt = rng.uniform(-0.005, 0.005, 2)
            cross = ((bend + tilt[0], -bend), (-bend, bend + tilt[1]))
            return {"exponents": tuple(rng.uniform(0.4, 0.9, 2)), "cross": cross, "kappa": kappa}
    curves = [tuple(sorted(rng.uniform(0.1, 3.0, rng.integers(0, 6)))) for _ in range(n)]
    sells = rng.random(n) < 0.5
    values = tuple(() if s else c[::-1] for s, c in zip(sells, curves, strict=True))
    costs = tuple(c if s else () for s, c in zip(sells, curves, strict=True))
    return {"values": values, "costs": costs, "unit": 1000}


def person_of(rng: np.random.Generator, family: str, scale: str, mode: int) -> tuple[Person, F]:
    """Return a random person and prices."""
    n = int(rng.integers(1, 4)) if mode == QUASILINEAR else int(rng.integers(2, 4))
    if family in ("quadratic", "translog"):
        n = 2
    goods = np.round(rng.uniform(0.0, 20.0, n) * (rng.random(n) < 0.85), 3)
    money = float(rng.choice([0.0, 0.5, 30.0, 500.0]))
    traded = rng.random(n) < 0.7
    traded[int(rng.integers(0, n))] = True
    if mode == UNIT_OF_ACCOUNT:
        traded[:2] = True
    if mode == IN_UTILITY:
        traded[-1] = True
        goods[-1] = money
    price = np.round(rng.uniform(0.05, 3.0, n), 4)
    taste = taste_of(rng, family, scale, n)
    if mode == IN_UTILITY and family == "stone_geary":
        taste["subsistence"] = (*taste["subsistence"][:-1], 0.0)
    person = Person(
        family,
        taste,
        mode,
        tuple(goods.tolist()),
        money,
        float(rng.uniform(0.3, 3.0)),
        tuple(bool(each) for each in traded),
    )
    if mode != QUASILINEAR:
        price[person.numeraire] = 1.0
    return person, price


def demand_sums(person: Person, price: F, rate: float, unit: float) -> tuple[F, F]:
    """Return the ends of the box that a person demands, by the loop that clearings use."""
    n = len(person.goods)
    module = by_name(person.family)
    sums = [np.zeros((1, n)) for _ in range(4)]
    loops(module.CODE, fees=rate > 0.0 or unit > 0.0).sum_demand(
        0,
        1,
        module.CODE,
        np.zeros(1, np.int32),
        np.zeros(1, np.int64),
        np.ones(1, np.int64),
        np.ones(1, np.bool_),
        price[np.newaxis].copy(),
        np.array([person.traded]),
        np.array([person.numeraire], np.int32),
        np.array([rate]),
        np.array([unit]),
        np.zeros(1),
        np.array([person.goods]),
        np.array([person.money]),
        row_of(person)[np.newaxis].copy(),
        np.array([person.money_weight]),
        person.mode,
        FLOOR,
        0.0,
        *sums,
    )
    return sums[0][0], sums[1][0]


def slack(person: Person, price: F, best: float) -> float:
    """Return what the maximisers may find besides: rounding, and goods that count as half a lot."""
    return 1e-7 * (1.0 + abs(best)) + FLOOR * person.money_weight * float(price.sum())


@pytest.mark.parametrize(("family", "scale", "mode"), CASES)
def test_no_maximiser_finds_better(family: str, scale: str, mode: int) -> None:
    rng = np.random.default_rng(7)
    for _ in range(12):
        person, price = person_of(rng, family, scale, mode)
        low, high = demand_sums(person, price, 0.0, 0.0)
        owned, traded = np.array(person.goods), np.array(person.traded)
        assert np.all(np.isfinite(low))
        assert np.all(low >= 0.0)
        assert np.all(low <= high)
        np.testing.assert_array_equal(low[~traded], owned[~traded])
        spent = float(price[traded] @ (low - owned)[traded])
        if mode == QUASILINEAR:
            assert spent <= person.money * (1 + 1e-12) + 1e-9
        else:
            assert spent == pytest.approx(0.0, abs=1e-9 * (1 + price @ owned))
        best = best_found(person, price, price, rng)
        assert worth(person, low, price, price) >= best - slack(person, price, best)


@pytest.mark.parametrize(
    ("family", "scale", "mode"), [case for case in CASES if case[2] != UNIT_OF_ACCOUNT]
)
def test_no_maximiser_finds_better_after_fees(family: str, scale: str, mode: int) -> None:
    rng = np.random.default_rng(11)
    for _ in range(8):
        person, price = person_of(rng, family, scale, mode)
        rate, unit = float(rng.choice([0.0, 0.02, 0.2])), float(rng.choice([0.0, 0.01, 0.1]))
        fee = rate * price + unit
        if person.numeraire >= 0:
            fee[person.numeraire] = 0.0
        ask, bid = price + fee, price - fee
        low, high = demand_sums(person, price, rate, unit)
        assert np.all(low >= 0.0)
        assert np.all(low <= high)
        best = best_found(person, ask, np.maximum(bid, 0.0), rng)
        assert worth(person, low, ask, bid) >= best - slack(person, ask, best)


def test_a_fee_makes_a_range_of_prices_at_which_nobody_moves() -> None:
    """Between what a buyer pays and a seller gets lies the marginal rate of who holds."""
    person = Person(
        "cobb_douglas",
        {"exponents": (1.0,), "scale": "log", "kappa": 10.0},
        QUASILINEAR,
        (5.0,),
        100.0,
        1.0,
        (True,),
    )
    for price, wanted in ((1.5, 10.0 / 1.65), (1.9, 5.0), (2.1, 5.0), (2.5, 10.0 / 2.25)):
        low, high = demand_sums(person, np.array([price]), 0.1, 0.0)
        np.testing.assert_allclose(low, [wanted], rtol=1e-12)
        np.testing.assert_array_equal(low, high)


def test_linear_agents_are_indifferent_where_a_fee_moves_their_price() -> None:
    person = Person("linear", {"weights": (0.7,)}, QUASILINEAR, (4.0,), 6.0, 1.0, (True,))
    for rate, unit in ((0.03, 0.0), (0.0, 0.05), (0.07, 0.01)):
        buys, sells = (0.7 - unit) / (1.0 + rate), (0.7 + unit) / (1.0 - rate)
        for side, price in ((0, buys), (1, sells)):
            low, high = demand_sums(person, np.array([price]), rate, unit)
            ends = (4.0, 4.0 + 6.0 / 0.7) if side == 0 else (0.0, 4.0)
            np.testing.assert_allclose([low[0], high[0]], ends, rtol=1e-12)
        low, high = demand_sums(person, np.array([0.5 * (buys + sells)]), rate, unit)
        assert low[0] == high[0] == 4.0


def kink_of(person: Person, lower: float, upper: float, rate: float, unit: float) -> float:
    """Return the kink of the first good between two prices, as the engine finds it."""
    module = by_name(person.family)
    n = len(person.goods)
    found = np.zeros((1, n))
    loops(module.CODE).nearest_kink(
        0,
        1,
        module.CODE,
        np.zeros(1, np.int32),
        np.zeros(1, np.int64),
        np.ones(1, np.int64),
        np.array([[True] + [False] * (n - 1)]),
        np.full((1, n), lower),
        np.full((1, n), upper),
        np.array([rate]),
        np.array([unit]),
        row_of(person)[np.newaxis].copy(),
        np.array([person.money_weight]),
        person.mode,
        np.array([person.numeraire], np.int32),
        found,
    )
    return float(found[0, 0])


def laboratory(values: tuple[float, ...], costs: tuple[float, ...], owned: float) -> Person:
    """Return a trader of one good with steps of one unit."""
    curves = {"values": (values,), "costs": (costs,), "unit": 1000}
    return Person("induced_value", curves, QUASILINEAR, (owned,), 100.0, 1.0, (True,))


def test_kinks_are_indifference_prices_and_move_with_fees() -> None:
    buyer = laboratory((3.0, 2.0, 1.0), (), 0.0)
    assert kink_of(buyer, 1.2, 3.5, 0.0, 0.0) == 2.0
    assert kink_of(buyer, 2.5, 3.5, 0.0, 0.0) == 3.0
    assert kink_of(buyer, 2.1, 2.9, 0.0, 0.0) == 0.0
    assert kink_of(buyer, 1.9, 1.95, 0.05, 0.0) == 2.0 / 1.05
    assert kink_of(buyer, 2.0, 2.15, 0.0, 0.1) == 2.1
    linear = Person(
        "linear", {"weights": (0.7, 2.0)}, IN_UTILITY, (1.0, 1.0), 1.0, 1.0, (True,) * 2
    )
    assert kink_of(linear, 0.1, 0.9, 0.0, 0.0) == 0.35


def test_induced_demand_is_the_schedule() -> None:
    buyer, seller = laboratory((3.0, 2.0, 1.0), (), 0.0), laboratory((), (0.5, 1.5, 2.5), 3.0)
    for price, bought, kept in ((0.4, 3, 3), (0.9, 3, 2), (1.7, 2, 1), (2.2, 1, 1), (3.5, 0, 0)):
        low, high = demand_sums(buyer, np.array([price]), 0.0, 0.0)
        assert low[0] == high[0] == pytest.approx(bought, abs=1e-12)
        low, high = demand_sums(seller, np.array([price]), 0.0, 0.0)
        assert low[0] == high[0] == pytest.approx(kept, abs=1e-12)
    low, high = demand_sums(buyer, np.array([2.0]), 0.0, 0.0)
    assert (low[0], high[0]) == pytest.approx((1.0, 2.0))
    low, high = demand_sums(seller, np.array([1.5]), 0.0, 0.0)
    assert (low[0], high[0]) == pytest.approx((1.0, 2.0))
    module, held = by_name("induced_value"), np.array([3.0])
    assert module.marginal(held, row_of(seller), FLOOR, 0) == 0.5  # the first it would sell
    assert module.marginal(np.array([2.0]), row_of(seller), FLOOR, 0) == 1.5
    assert module.marginal(np.array([2.0]), row_of(buyer), FLOOR, 0) == 1.0
    assert module.marginal(held, row_of(buyer), FLOOR, 0) == 0.0


SMOOTH = [
    ("linear", "log"),
    *((name, scale) for name in LEVELED for scale in ("log", "level")),
    *((name, "log") for name in ("quadratic", "stone_geary", "translog")),
]


@pytest.mark.parametrize(("family", "scale"), SMOOTH)
def test_utility_and_its_derivatives(family: str, scale: str) -> None:
    rng = np.random.default_rng(13)
    module = by_name(family)
    for _ in range(15):
        n = 2 if family in ("quadratic", "translog") else int(rng.integers(1, 4))
        taste = taste_of(rng, family, scale, n)
        goods = rng.uniform(5.0, 20.0, n)
        person = Person(family, taste, QUASILINEAR, tuple(goods.tolist()))
        row = row_of(person)
        mine = module.utility(goods, row, FLOOR)
        assert mine == pytest.approx(utility(person, goods.tolist()), rel=1e-10, abs=1e-10)
        for k in range(n):
            step = np.zeros(n)
            step[k] = 1e-5 * goods[k]
            ends = [module.utility(goods + s * step, row, FLOOR) for s in (1, -1)]
            noise = 1e-14 * abs(mine) / step[k]
            found = module.marginal(goods, row, FLOOR, k)
            slope = (ends[0] - ends[1]) / (2 * step[k])
            assert found == pytest.approx(slope, rel=1e-5, abs=1e-8 + noise)
            # Families that work both out at once must not change a bit.
            both = dispatch((module.CODE,)).slopes(module.CODE, goods, row, FLOOR, k)
            assert both == (found, module.hessian(goods, row, FLOOR, k, k))
            for m in range(n):
                near = [module.marginal(goods + s * step, row, FLOOR, m) for s in (1, -1)]
                bend = (near[0] - near[1]) / (2 * step[k])
                found = module.hessian(goods, row, FLOOR, m, k)
                scaled = 1e-5 * abs(near[0]) / goods[k] + 1e-8
                assert found == pytest.approx(bend, rel=1e-4, abs=scaled)


@pytest.mark.parametrize(("family", "scale", "mode"), CASES)
def test_numbers_stay_finite_and_demand_homogeneous(family: str, scale: str, mode: int) -> None:
    """Scaling all prices and money, and the weight of money inversely, changes no demand."""
    rng = np.random.default_rng(17)
    module = by_name(family)
    for _ in range(10):
        person, price = person_of(rng, family, scale, mode)
        low, high = demand_sums(person, price, 0.0, 0.0)
        if mode == QUASILINEAR:
            richer = replace(
                person, money=4.0 * person.money, money_weight=0.25 * person.money_weight
            )
            scaled = demand_sums(richer, 4.0 * price, 0.0, 0.0)
            np.testing.assert_allclose(scaled, (low, high), rtol=1e-9, atol=1e-9)
        row, n = row_of(person), len(person.goods)
        for goods in (np.zeros(n), np.full(n, 1e6), np.where(np.arange(n) == 0, 1e6, 0.0)):
            assert math.isfinite(module.utility(goods, row, FLOOR))
            for k in range(n):
                assert math.isfinite(module.marginal(goods, row, FLOOR, k))
                assert all(math.isfinite(module.hessian(goods, row, FLOOR, k, m)) for m in range(n))


@pytest.mark.parametrize("rho", [-1000.0, -50.0, -1e-6, 1e-6, 0.999, 0.9999])
@pytest.mark.parametrize("scale", ["log", "level"])
def test_ces_at_the_ends_of_its_domain(rho: float, scale: str) -> None:
    """Close to its limits CES demand is that of the limiting family."""
    person = Person(
        "ces",
        {"weights": (0.6, 0.4), "rho": rho, "scale": scale, "kappa": 3.0},
        UNIT_OF_ACCOUNT,
        (10.0, 5.0),
        0.0,
        1.0,
        (True, True),
    )
    for p in (1e-4, 0.5, 1.499, 1.501, 3.0, 1e4):
        price = np.array([p, 1.0])
        low, _ = demand_sums(person, price, 0.0, 0.0)
        wealth = 10.0 * p + 5.0
        assert low @ price == pytest.approx(wealth, rel=1e-12)
        with mpmath.workdps(40):
            sigma = 1 / (1 - mpmath.mpf(rho))
            parts = [
                mpmath.mpf(w) ** sigma * mpmath.mpf(q) ** (1 - sigma)
                for w, q in ((0.6, p), (0.4, 1.0))
            ]
            share = float(parts[0] / (parts[0] + parts[1]))
        assert low[0] * p / wealth == pytest.approx(share, rel=1e-9, abs=1e-12)
    if scale == "log" and rho > -100.0:
        outside = replace(person, mode=QUASILINEAR, money=50.0, traded=(True, False))
        low, _ = demand_sums(outside, np.array([0.5, 1.0]), 0.0, 0.0)
        best = best_found(
            outside, np.array([0.5, 1.0]), np.array([0.5, 1.0]), np.random.default_rng(1)
        )
        assert worth(outside, low, np.array([0.5, 1.0]), np.array([0.5, 1.0])) >= best - 1e-3


def test_below_subsistence_all_goods_are_cut_alike() -> None:
    taste = {"exponents": (0.5, 0.5), "subsistence": (4.0, 2.0), "kappa": 1.0}
    person = Person("stone_geary", taste, QUASILINEAR, (2.0, 0.0), 1.0, 1.0, (True, True))
    low, _ = demand_sums(person, np.array([1.0, 1.0]), 0.0, 0.0)
    np.testing.assert_allclose(low, [2.0, 1.0])
    module, row = by_name("stone_geary"), row_of(person)
    before = module.utility(np.array([2.0, 0.0]), row, FLOOR)
    assert module.utility(low, row, FLOOR) - 1.0 > before


def test_compiled_and_interpreted_demand_agree() -> None:
    """Kernels run as plain Python give the same bits, with fees and without."""
    program = "from tests.test_families import bits; print(bits())"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == bits()


def bits() -> str:
    """Return a digest of many demands, utilities, rates and slopes."""
    rng = np.random.default_rng(19)
    digest = hashlib.sha256()
    for family, scale, mode in CASES:
        module = by_name(family)
        for _ in range(4):
            person, price = person_of(rng, family, scale, mode)
            rate = 0.0 if mode == UNIT_OF_ACCOUNT else float(rng.choice([0.0, 0.05]))
            low, high = demand_sums(person, price, rate, 0.0)
            row = row_of(person)
            goods = np.array(person.goods)
            scalars = [module.utility(goods, row, FLOOR)]
            scalars += [module.marginal(goods, row, FLOOR, k) for k in range(len(goods))]
            scalars += [module.hessian(goods, row, FLOOR, 0, k) for k in range(len(goods))]
            digest.update(np.concatenate([low, high, np.array(scalars)]).tobytes())
    return digest.hexdigest()
