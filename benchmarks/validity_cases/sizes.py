"""How much numbers matter: of agents, and of lots in a trade."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import nnls, root

from ecs_market import clear
from validity_cases.exchange import CLEAR, TIGHT, Group, cobb, group
from validity_cases.figures import Case, Figure, at_most, one_of, within

COBBS = (
    ((9.0, 6.0), (10.0, 20.0), 1.0),
    ((3.6, 8.4), (20.0, 10.0), 1.0),
    ((4.5, 4.5), (5.0, 15.0), 0.8),
    ((5.6, 2.1), (12.0, 3.0), 1.3),
    ((4.0, 10.0), (8.0, 8.0), 1.0),
    ((4.5, 3.0), (15.0, 12.0), 0.6),
)


FAMILIES = ("Cobb-Douglas", "Stone-Geary", "quadratic")
BEND = np.array([[2 / 5.0**2, 0.02], [0.02, 2 / 4.0**2]])
SIZES = (6, 60, 600, 60_000)


def family_of(kind: str, number: int) -> str:
    """Return the family of a kind of agents; `all three` mixes them."""
    return FAMILIES[number % 3] if kind == "all three" else kind


def kinds(kind: str, size: int) -> list[Group]:
    """Return an economy of six kinds of agents, `size` agents in all."""
    members = []
    for number, (shape, goods, weight) in enumerate(COBBS):
        family = family_of(kind, number)
        if family == "Cobb-Douglas":
            taste = cobb(*shape, kappa=1)
        elif family == "Stone-Geary":
            kept = [0.1 * goods[0], 0.2 * goods[1]]
            taste = {"type": "stone_geary", "exponents": list(shape), "subsistence": kept}
            taste |= {"kappa": 1}
        else:
            bliss = [10.0 + 3.0 * shape[0], 10.0 + 3.0 * shape[1]]
            taste = {"type": "quadratic", "bliss": bliss, "sigma": [5.0, 4.0], "gamma": 0.02}
        taste["money_weight"] = weight
        members.append(group(f"g{number}", taste, goods, 500.0, size // len(COBBS)))
    return members


def wanted(family: str, price: Any, shape: Any, goods: Any, weight: float) -> Any:
    """Return what an agent of `COBBS` with money enough wants to own, by textbook formulas."""
    alpha = np.array(shape)
    if family == "Cobb-Douglas":
        return alpha / (weight * price)
    if family == "Stone-Geary":
        return np.array(goods) * [0.1, 0.2] + alpha / (weight * price)
    # The concave quadratic less its cost, over quantities from 0 on, as least squares.
    factor = np.linalg.cholesky(BEND)
    aim = np.linalg.solve(factor, BEND @ (10.0 + 3.0 * alpha) - weight * price)
    return nnls(factor.T, aim)[0]


def root_of(kind: str) -> list[float]:
    """Return the prices at which the economy's excess demand is zero, by a root finder."""
    there = np.sum([goods for _, goods, _ in COBBS], axis=0)

    def zeta(logs: Any) -> Any:
        price = np.exp(logs)
        total = np.zeros(2)
        for number, each in enumerate(COBBS):
            total += wanted(family_of(kind, number), price, *each)
        return total / there - 1.0

    found = root(zeta, np.zeros(2), tol=1e-14)
    assert np.abs(zeta(found.x)).max() < 1e-12, found.message  # noqa: S101  # the check must be right
    return [float(each) for each in np.exp(found.x)]


def sizes_do_not_matter() -> list[Figure]:
    """V11."""
    figures = []
    for kind in (*FAMILIES, "all three"):
        expected = root_of(kind)
        rounds = []
        worst = 0.0
        statuses = set()
        for size in SIZES:
            found = clear(
                kinds(kind, size),
                units={"lot": 1e-3, "price_step": 1e-7},
                mechanism_params={**TIGHT, "initial_price": 1.0},
            )
            rounds.append(found.iterations)
            statuses.add(found.status + (" by Newton" if found.newton else ""))
            for price, good in zip(expected, "AB", strict=True):
                worst = max(worst, abs(found.prices[good] / price - 1.0))
        figures.append(one_of(f"{kind}: status", ("converged",), " and ".join(sorted(statuses))))
        figures.append(at_most(f"{kind}: relative error of a price", 1e-6, worst, 2))
        counts = ", ".join(map(str, rounds))
        steady = max(rounds) <= 20 and max(rounds) - min(rounds) <= 2
        told = "at most 20, alike within 2"
        figures.append(Figure(f"{kind}: iterations at each N", told, counts, "bound", steady))
    return figures


def random_box(number: int) -> list[Group]:
    """Return 40 Cobb-Douglas agents, all different, who each trade about five units of a good."""
    rng = np.random.default_rng((12, number))
    members = []
    for ident in range(40):
        rich = ident % 2
        shape = np.round(rng.uniform(3.0, 9.0, 2), 2).tolist()
        goods = [float(rng.integers(14, 21)), float(rng.integers(4, 11))]
        taste = cobb(*shape, kappa=1)
        members.append(group(f"g{ident}", taste, goods[:: 1 - 2 * rich], 500.0))
    return members


def indivisible_lots() -> list[Figure]:
    """V12."""
    economies = [random_box(number) for number in range(10)]
    price = {"price_step": 1e-6}
    best = [
        float(clear(each, units={"lot": 1e-5, **price}, mechanism_params=TIGHT).gains.sum())
        for each in economies
    ]
    figures = []
    for lot in (1.0, 0.5, 0.2, 0.1):
        scaled, typical = [], []
        for members, most in zip(economies, best, strict=True):
            found = clear(members, units={"lot": lot, **price}, mechanism_params=TIGHT)
            lots = float(np.abs(found.filled).mean()) / lot
            typical.append(lots)
            scaled.append((most - float(found.gains.sum())) / most * lots**2)
        name = f"share lost x n^2, n = {np.mean(typical):.0f}"
        figures.append(within(name, 0.05, 0.5, float(np.mean(scaled)), 3))
    return figures


CASES = (
    Case(
        11,
        "Iterations do not grow with the number of agents",
        ("a root finder (scipy) on textbook demand",),
        "Six kinds of agents with quasi-linear money, N = 6, 60, 600 and 60,000 in all, lots of "
        ".001; an economy of each family, and one of all three.",
        CLEAR,
        sizes_do_not_matter,
        cheap=False,
    ),
    Case(
        12,
        "Indivisibility",
        ("second-order loss of rounding",),
        "40 Cobb-Douglas agents, all different, with lots of 1, .5, .2 and .1 of a unit, n lots in "
        "the mean net trade; the share of the gain that is lost against lots of 1e-5 is of the "
        "order of .05 to .5 / n^2. Mean of 10 economies.",
        CLEAR,
        indivisible_lots,
    ),
)
