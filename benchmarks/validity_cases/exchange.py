"""Exchange at one post: closed forms and root finders against the Walrasian auctioneer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import root

from ecs_market import clear
from ecs_market.clearing import ClearResult
from validity_cases.figures import Case, Figure, exactly, near, one_of, within

FINE = {"lot": 1e-6, "price_step": 1e-6}
TIGHT = {"price_tolerance": 1e-6}
BARTER = {"mode": "unit_of_account"}
Group = dict[str, Any]


def group(
    name: str,
    taste: Group,
    goods: Sequence[float],
    money: float = 0.0,
    count: int = 1,
    names: str = "AB",
) -> Group:
    """Return a group of identical agents as `clear` takes it."""
    held = {**dict(zip(names, goods, strict=True)), "M": money}
    return {"name": name, "count": count, "inventories": held, "utilities": [taste]}


def cobb(*exponents: float, **more: Any) -> Group:
    """Return a Cobb-Douglas taste."""
    return {"type": "cobb_douglas", "exponents": list(exponents), **more}


def edgeworth_box() -> list[Figure]:
    """V1."""
    box = [group("one", cobb(0.6, 0.4), (10, 20)), group("two", cobb(0.3, 0.7), (20, 10))]
    found = clear(box, units=FINE, money=BARTER, mechanism_params=TIGHT)
    return [
        near("p_A / p_B", 5 / 6, found.prices["A"] / found.prices["B"], 1e-5),
        near("A of agent 1", 20.4, float(found.goods[0, 0]), 1e-5),
        near("B of agent 1", 34 / 3, float(found.goods[0, 1]), 1e-5),
    ]


def gross_substitutes() -> list[Figure]:
    """V3."""
    taste = {"type": "ces", "rho": 0.5, "weights": [0.6, 0.4]}
    pair = [group("one", taste, (10, 50)), group("two", taste, (20, 10))]
    found = clear(pair, units=FINE, money=BARTER, mechanism_params=TIGHT)
    ratio = found.prices["A"] / found.prices["B"]
    return [near("p_A / p_B", 1.5 * 2**0.5, ratio, 1e-5)]


def quasilinear_logs() -> list[Figure]:
    """V4."""
    bare = {"kappa": 1}
    members = [
        group("one", cobb(6, 4, **bare), (10, 10), 100),
        group("two", cobb(3, 9, **bare), (5, 5), 100),
        group("three", cobb(2, 1, money_weight=0.5, **bare), (5, 15), 100),
    ]
    found = clear(members, units=FINE, mechanism_params=TIGHT)
    return [
        near("p_A", 0.65, found.prices["A"], 1e-5),
        near("p_B", 0.50, found.prices["B"], 1e-5),
    ]


def canonical(scale: str, seed: int) -> ClearResult:
    """Clear the canonical mix at one post."""
    tastes = [
        {"type": "linear", "weights": [0.7, 0.3], "count": 20},
        cobb(0.6, 0.4, scale=scale, count=20),
    ]
    held = {"A": [10, 20], "B": [10, 20], "M": [100, 200]}
    mix = {"name": "all", "count": 40, "inventories": held, "utilities": tastes}
    return clear([mix], seed=seed, mechanism_params=TIGHT)


def linear_agents_pin_the_price() -> list[Figure]:
    """V5."""
    runs = [canonical("log", seed) for seed in range(5)]
    prices = sorted({(run.prices["A"], run.prices["B"]) for run in runs})
    statuses = sorted({run.status for run in runs})
    worst = min(float(run.gains.min()) for run in runs)
    level = canonical("level", 0)
    figures = [
        exactly("(p_A, p_B) over 5 seeds", [(0.7, 0.3)], prices),
        one_of("status", ("converged", "marginal"), statuses[0] if len(statuses) == 1 else "mixed"),
        within("least gain of anybody [M]", 0.0, float("inf"), worst),
    ]
    if level.status == "failed":
        return [*figures, one_of("scale: level", ("failed", "(.70, .317)"), level.status)]
    return [
        *figures,
        near("scale: level, p_A", 0.70, level.prices["A"], 0.02),
        near("scale: level, p_B", 0.317, level.prices["B"], 0.02),
    ]


COBBS = (
    ((9.0, 6.0), (10.0, 20.0), 1.0),
    ((3.6, 8.4), (20.0, 10.0), 1.0),
    ((4.5, 4.5), (5.0, 15.0), 0.8),
    ((5.6, 2.1), (12.0, 3.0), 1.3),
    ((4.0, 10.0), (8.0, 8.0), 1.0),
    ((4.5, 3.0), (15.0, 12.0), 0.6),
)


def mix(kind: str, size: int) -> list[Group]:
    """Return an economy of six kinds of one family, `size` agents in all."""
    members = []
    for number, (shape, goods, weight) in enumerate(COBBS):
        if kind == "Cobb-Douglas":
            taste = cobb(*shape, kappa=1)
        elif kind == "Stone-Geary":
            kept = [0.1 * goods[0], 0.2 * goods[1]]
            taste = {"type": "stone_geary", "exponents": list(shape), "subsistence": kept}
            taste |= {"kappa": 1}
        else:
            bliss = [10.0 + 3.0 * shape[0], 10.0 + 3.0 * shape[1]]
            taste = {"type": "quadratic", "bliss": bliss, "sigma": [5.0, 4.0], "gamma": 0.02}
        taste["money_weight"] = weight
        members.append(group(f"g{number}", taste, goods, 500.0, size // len(COBBS)))
    return members


def root_of(kind: str) -> list[float]:
    """Return the prices at which the economy's excess demand is zero, by a root finder."""

    def wanted(price: Any, shape: Any, goods: Any, weight: float) -> Any:
        alpha, held = np.array(shape), np.array(goods)
        if kind == "Cobb-Douglas":
            return alpha / (weight * price)
        if kind == "Stone-Geary":
            return held * [0.1, 0.2] + alpha / (weight * price)
        bliss = 10.0 + 3.0 * alpha
        bend = np.array([[2 / 5.0**2, 0.02], [0.02, 2 / 4.0**2]])
        return bliss - np.linalg.solve(bend, weight * price)

    def zeta(logs: Any) -> Any:
        price = np.exp(logs)
        total = np.sum([wanted(price, *each) for each in COBBS], axis=0)
        return total / np.sum([goods for _, goods, _ in COBBS], axis=0) - 1.0

    return [float(each) for each in np.exp(root(zeta, np.zeros(2), tol=1e-14).x)]


def sizes_do_not_matter(sizes: Sequence[int]) -> list[Figure]:
    """V11."""
    figures = []
    for kind in ("Cobb-Douglas", "Stone-Geary", "quadratic"):
        expected = root_of(kind)
        rounds = []
        worst = 0.0
        for size in sizes:
            found = clear(
                mix(kind, size),
                units={"lot": 1e-3, "price_step": 1e-7},
                mechanism_params={**TIGHT, "initial_price": 1.0},
            )
            rounds.append(found.iterations)
            for price, good in zip(expected, "AB", strict=True):
                worst = max(worst, abs(found.prices[good] / price - 1.0))
        figures.append(near(f"{kind}: largest relative error", 0.0, worst, 1e-6, 9))
        spread = f"{kind}: iterations, most less fewest"
        figures.append(within(spread, 0, 2, max(rounds) - min(rounds), 0))
        figures.append(within(f"{kind}: iterations, most", 1, 20, max(rounds), 0))
    return figures


def indivisible_lots() -> list[Figure]:
    """V12."""
    members = [
        group("one", cobb(0.6, 0.4), (10, 20), 50),
        group("two", cobb(0.3, 0.7), (20, 10), 50),
    ]
    price = {"price_step": 1e-7}
    best = float(clear(members, units={"lot": 1e-6, **price}, mechanism_params=TIGHT).gains.sum())
    figures = []
    for lot in (0.5, 0.25, 0.1, 0.05):
        found = clear(members, units={"lot": lot, **price}, mechanism_params=TIGHT)
        lots = float(np.abs(found.filled).mean()) / lot
        lost = (best - float(found.gains.sum())) / best
        figures.append(within(f"lost x n^2 at n = {lots:.1f}", -0.01, 0.5, lost * lots**2))
    return figures


def walras_homogeneity_replication() -> list[Figure]:
    """V14."""
    members = mix("Cobb-Douglas", 6)
    found = clear(members, units=FINE, mechanism_params=TIGHT)
    price = np.array([found.prices["A"], found.prices["B"]])
    paid = np.abs((found.filled * price).sum(axis=1) + found.money - 500.0).max()
    figures = [near("largest |p . z + change of M|", 0.0, float(paid), 1e-9, 9)]
    box = [group("one", cobb(0.6, 0.4), (10, 20)), group("two", cobb(0.3, 0.7), (20, 10))]
    ends = []
    for scale in (1.0, 3.0, 0.25):
        params = {"price_tolerance": 1e-9, "initial_price": {"A": scale, "B": 1.0}}
        ends.append(clear(box, units=FINE, money=BARTER, mechanism_params=params).goods)
    worst = max(float(np.abs(each - ends[0]).max()) for each in ends)
    figures.append(near("same end from any start, A and B", 0.0, worst, 1e-5))
    ratios = []
    for copies in (1, 2, 10, 100):
        many = [{**each, "count": copies} for each in box]
        ratios.append(clear(many, units=FINE, money=BARTER, mechanism_params=TIGHT).prices["A"])
    figures.append(near("p_A of 1 to 100 copies: spread", 0.0, max(ratios) - min(ratios), 1e-6))
    return figures


CASES = (
    Case(
        1,
        "Edgeworth box",
        "Edgeworth (1881); closed form",
        "Two Cobb-Douglas agents, A^.6 B^.4 owning (10, 20) and A^.3 B^.7 owning (20, 10), trade "
        "goods for goods.",
        edgeworth_box,
    ),
    Case(
        3,
        "Gross substitutes",
        "Arrow and Hurwicz (1958); closed form",
        "CES with rho = .5 and weights (.6, .4), endowments (10, 50), (20, 10), goods for goods.",
        gross_substitutes,
    ),
    Case(
        4,
        "Quasi-linear logarithms",
        "closed form",
        "(alpha, beta, lambda) = (6, 4, 1), (3, 9, 1), (2, 1, .5), endowments (10, 10), (5, 5), "
        "(5, 15), 100 M each, kappa = 1.",
        quasilinear_logs,
    ),
    Case(
        5,
        "Linear agents pin the price",
        "closed form",
        "20 linear agents of .7 A + .3 B and 20 Cobb-Douglas agents at one post, 100 to 200 M "
        "each.",
        linear_agents_pin_the_price,
    ),
    Case(
        11,
        "Iterations do not grow with the number of agents",
        "root finder",
        "Six kinds of agents, N = 6, 60, 600 and 60,000 in all, lots of .001.",
        lambda: sizes_do_not_matter((6, 60, 600, 60_000)),
        cheap=False,
    ),
    Case(
        12,
        "Indivisibility",
        "second-order loss",
        "The box of V1 with money; lots of .5 to .05, n lots in a typical net trade; the share of "
        "the gain that is lost is of the order .05 to .5 / n^2.",
        indivisible_lots,
    ),
    Case(
        14,
        "Walras' law, homogeneity, replication",
        "Walras (1874); Debreu and Scarf (1963)",
        "Six Cobb-Douglas agents; the box of V1 from other starting prices and with each agent "
        "replicated.",
        walras_homogeneity_replication,
    ),
)
