"""Demand of every family against generic maximisers, in all money modes, with fees and without."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market.preferences.families import by_name, loops
from tests.oracles.preferences import (
    FLOOR,
    IN_UTILITY,
    QUASILINEAR,
    UNIT_OF_ACCOUNT,
    Person,
    best_found,
    worth,
)

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


def ask_for(person: Person, price: F, rate: float = 0.0, unit: float = 0.0) -> tuple[F, F]:
    """Return the box that a person demands, through the loops that clearings use."""
    low, high = demand_sums(person, price, rate, unit)
    return low, high


def demand_sums(person: Person, price: F, rate: float, unit: float) -> tuple[F, F]:
    """Return the ends of the box as the engine's sums over one member."""
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
        low, high = ask_for(person, price)
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
