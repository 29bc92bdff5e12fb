"""Where the search for prices has no single place to go."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from ecs_market import clear
from validity_cases import sources
from validity_cases.exchange import BARTER, CLEAR, FINE, TIGHT, group
from validity_cases.figures import Case, Figure, near, one_of


def scarfs_example() -> list[Figure]:
    """V15."""
    members = []
    for number in range(3):
        needs, owns = [0, 0, 0], [0, 0, 0]
        needs[number] = needs[(number + 1) % 3] = 1
        owns[number] = 10
        taste = {"type": "leontief", "coefficients": needs}
        members.append(group(f"g{number}", taste, owns, names="ABC"))
    start = {"A": 1.3, "B": 0.8, "C": 1.0}
    figures = []
    for remedy in ("no_trade", "newton"):
        remedies = ["no_trade"] if remedy == "no_trade" else ["newton", "no_trade"]
        params = {**TIGHT, "initial_price": start, "on_failure": remedies}
        found = clear(members, units=FINE, money=BARTER, mechanism_params=params)
        if remedy == "no_trade":
            figures.append(one_of("tatonnement alone: status", ("cycling", "failed"), found.status))
            volume = sum(found.volume.values())
            figures.append(near("tatonnement alone: volume", 0.0, volume, 0.0, 1))
            continue
        figures.append(one_of("with Newton: status", ("converged",), found.status))
        for good in "AB":
            ratio = found.prices[good] / found.prices["C"]
            figures.append(near(f"with Newton: p_{good} / p_C", 1.0, ratio, 1e-5))
        spread = float(np.abs(np.sort(found.goods, axis=1) - [0.0, 5.0, 5.0]).max())
        figures.append(near("with Newton: holdings less (5, 5, 0)", 0.0, spread, 1e-4))
    return figures


def several_equilibria() -> list[Figure]:
    """V16."""
    members = [
        group("one", {"type": "ces", "weights": [1024, 1], "rho": -4}, (12, 1)),
        group("two", {"type": "ces", "weights": [1, 1024], "rho": -4}, (1, 12)),
    ]

    def excess(log_ratio: float) -> float:
        """Excess demand for good A at p_A / p_B: weights to the power of 1/5 are 4 and 1."""
        p = float(np.exp(log_ratio))
        total = -13.0
        for share, (a, b) in ((4.0, (12.0, 1.0)), (0.25, (1.0, 12.0))):
            ratio = share * p**-0.2  # A over B
            total += (p * a + b) * ratio / (p * ratio + 1.0)
        return total

    figures = []
    for low, high, start in ((-4.0, -1.0, 0.1), (-0.5, 0.5, 1.0), (1.0, 4.0, 10.0)):
        price = float(np.exp(brentq(excess, low, high, xtol=1e-14)))
        params = {**TIGHT, "initial_price": {"A": start, "B": 1.0}}
        found = clear(members, units=FINE, money=BARTER, mechanism_params=params)
        share = found.prices["A"] / (found.prices["A"] + found.prices["B"])
        name = f"p_A / (p_A + p_B), from p_A / p_B = {start:g}"
        figures.append(near(name, price / (1.0 + price), share, 1e-5))
    return figures


CASES = (
    Case(
        15,
        "Global instability",
        (sources.SCARF,),
        "Three agents who own 10 of one good and want it and the next one in equal parts; "
        "equilibrium at p = (1, 1, 1), starting from (1.3, .8, 1). Tatonnement alone does not get "
        "there, and must say so and not trade; Newton's method does.",
        CLEAR,
        scarfs_example,
    ),
    Case(
        16,
        "Several equilibria",
        (sources.KEHOE, "a root finder (scipy)"),
        "Two agents with CES utility, rho = -4, weights (1024, 1) and (1, 1024), own (12, 1) and "
        "(1, 12): three equilibria, and where the search starts says which one is found.",
        CLEAR,
        several_equilibria,
    ),
)
