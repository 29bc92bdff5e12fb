"""Utility of the eight families from their textbook formulas, and generic maximisers of it.

Nothing here knows the engine's demand functions: optima are looked for by sequential quadratic
programming from several starts, and by sampling.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize

from ecs_market.types import F64

QUASILINEAR, UNIT_OF_ACCOUNT, IN_UTILITY = 0, 1, 2
FLOOR = 5e-4
LOT = 1e-3


@dataclass(frozen=True)
class Person:
    """A family with its parameters, as a scenario names them, and what is owned [unit, M].

    In mode `IN_UTILITY` money is the last entry of `goods`, and its weight the last of the weights.
    """

    family: str
    parameters: dict[str, Any]
    mode: int
    goods: tuple[float, ...]
    money: float = 0.0
    money_weight: float = 1.0
    traded: tuple[bool, ...] = field(default=())

    @property
    def numeraire(self) -> int:
        """Return the entry that pays, -1 where that is money outside the bundle."""
        if self.mode == QUASILINEAR:
            return -1
        return max(k for k, here in enumerate(self.traded) if here)


def _log_or_level(person: Person, logarithm: float) -> float:
    if person.parameters.get("scale", "log") == "log":
        return float(person.parameters["kappa"]) * logarithm
    return math.exp(logarithm)


def _ces(person: Person, x: Sequence[float]) -> float:
    rho, weights = person.parameters["rho"], person.parameters["weights"]
    level = person.parameters.get("scale") == "level"
    least = 0.0 if level and rho > 0 else FLOOR
    total = math.fsum(w * max(q, least) ** rho for w, q in zip(weights, x, strict=True) if w)
    if total == 0.0:
        return 0.0
    return _log_or_level(person, math.log(total) / rho)


def _induced(person: Person, x: Sequence[float]) -> float:
    step = person.parameters["unit"] * LOT
    total = 0.0
    for k, quantity in enumerate(x):
        worth = list(person.parameters["values"][k])
        # A seller saves its highest costs first.
        worth += sorted(person.parameters["costs"][k], reverse=True)
        for number, value in enumerate(worth):
            total += value * min(max(quantity - number * step, 0.0), step)
    return total


def _stone_geary(person: Person, x: Sequence[float]) -> float:
    exponents, least = person.parameters["exponents"], person.parameters["subsistence"]
    total = sum(
        a * math.log(max(q - s, FLOOR)) for a, q, s in zip(exponents, x, least, strict=True) if a
    )
    met = min([1.0] + [q / s for q, s in zip(x, least, strict=True) if s])
    # Nothing makes up for a lack of subsistence.
    return float(person.parameters["kappa"] * (total - 1e9 * (1.0 - met)))


def utility(person: Person, x: Sequence[float]) -> float:
    """Return U of a bundle, money apart unless it is part of the bundle."""
    given = person.parameters
    match person.family:
        case "linear":
            return math.fsum(float(w) * q for w, q in zip(given["weights"], x, strict=True))
        case "cobb_douglas":
            if given["scale"] == "level":
                pairs = zip(given["exponents"], x, strict=True)
                return float(math.prod(q**a for a, q in pairs if a))
            return _log_or_level(
                person,
                sum(
                    a * math.log(max(q, FLOOR))
                    for a, q in zip(given["exponents"], x, strict=True)
                    if a
                ),
            )
        case "ces":
            return _ces(person, x)
        case "leontief":
            least = 0.0 if given["scale"] == "level" else FLOOR
            pairs = zip(given["coefficients"], x, strict=True)
            level = min(max(q, least) / c for c, q in pairs if c)
            return level if given["scale"] == "level" else float(given["kappa"]) * math.log(level)
        case "quadratic":
            far = [q - b for q, b in zip(x, given["bliss"], strict=True)]
            value = -math.fsum((d / s) ** 2 for d, s in zip(far, given["sigma"], strict=True))
            return value - float(given["gamma"] * far[0] * far[1])
        case "stone_geary":
            return _stone_geary(person, x)
        case "translog":
            logs = np.log(np.maximum(np.asarray(x), FLOOR))
            form = given["exponents"] @ logs + 0.5 * logs @ np.array(given["cross"]) @ logs
            return float(given["kappa"] * form)
        case "induced_value":
            return _induced(person, x)
    raise ValueError(person.family)


def worth(person: Person, bundle: F64, ask: F64, bid: F64) -> float:
    """Return U after trading to `bundle`, whose numeraire the budget decides; -inf if unpaid."""
    owned, x = np.array(person.goods), np.array(bundle, float)
    balance = 0.0
    for k, here in enumerate(person.traded):
        if here and k != person.numeraire:
            change = x[k] - owned[k]
            balance -= (ask[k] if change > 0 else bid[k]) * change
        else:
            x[k] = owned[k]
    if person.mode == QUASILINEAR:
        left = person.money + balance
        if left < -1e-9 * (1.0 + person.money + float(np.abs(ask) @ owned)):
            return -math.inf
        return utility(person, x.tolist()) + person.money_weight * left
    x[person.numeraire] += balance / ask[person.numeraire]
    if x[person.numeraire] < -1e-9 * (1.0 + float(ask @ owned)):
        return -math.inf
    x[person.numeraire] = max(0.0, x[person.numeraire])
    return utility(person, x.tolist())


def best_found(person: Person, ask: F64, bid: F64, rng: np.random.Generator) -> float:
    """Return the best utility that the maximisers find at a buyer's and a seller's prices."""
    owned = np.array(person.goods)
    free = [k for k, here in enumerate(person.traded) if here and k != person.numeraire]
    size = len(free)
    wealth = person.money if person.mode == QUASILINEAR else float(owned[person.numeraire])
    if person.mode != QUASILINEAR:
        wealth *= ask[person.numeraire]
    most = wealth + float(ask[free] @ owned[free])

    def bundle(z: F64) -> F64:
        x = owned.copy()
        x[free] += z[:size] * most / ask[free] - z[size:] * owned[free]
        return x

    def value(z: F64) -> float:
        found = worth(person, bundle(np.clip(z, 0.0, 1.0)), ask, bid)
        return found if math.isfinite(found) else -1e30

    def slack(z: F64) -> float:
        gained = bid[free] @ (z[size:] * owned[free])
        return float((wealth + gained - most * z[:size].sum()) / max(most, 1e-12))

    best = worth(person, owned, ask, bid)
    if not free:
        return best
    starts = []
    for _ in range(200):
        shares = rng.dirichlet(np.full(size + 1, 0.4))[:size]
        sold = rng.random(size) * (rng.random(size) < 0.6)
        if rng.random() < 0.4:
            sold = np.where(rng.random(size) < 0.5, 1.0, sold)
        money = wealth + float(bid[free] @ (sold * owned[free]))
        z = np.concatenate([shares * money / max(most, 1e-12), sold])
        found = value(z)
        best = max(best, found)
        starts.append((found, z))
    starts.sort(key=lambda each: -each[0])
    for _, z in starts[:3]:
        found = minimize(
            lambda each: -value(each),
            z,
            bounds=[(0.0, 1.0)] * (2 * size),
            constraints=[{"type": "ineq", "fun": slack}],
            options={"ftol": 1e-13, "maxiter": 200},
        )
        if slack(found.x) >= 0.0:
            best = max(best, value(found.x))
    return best
