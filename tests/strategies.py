"""Random scenarios: small, valid, lively, and full of corners.

A scenario is a function of one number, drawn by hypothesis.  Drawing every part by hypothesis would
let failures shrink further, but most of its scenarios are too poor for a single trade.
"""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

from hypothesis import strategies as st

GOODS = ("A", "B", "C")
# Sizes of a lot and of a price step; together they make the minor unit.
UNITS: tuple[tuple[float, float], ...] = (
    (0.001, 0.0001),
    (0.001, 0.0001),
    (1.0, 1.0),
    (1.0, 0.01),
    (0.000001, 0.0001),
    (0.25, 0.03),
    (0.5, 7.0),
    (12.0, 0.001),
)
SIZES = ((1, 1), (3, 2), (1, 9), (6, 6), (6, 6), (9, 8), (14, 9))
REGIMES = ("bilateral", "centralized", "mixed_bilateral_centralized", "mixed_bilateral_centralized")
COMPONENTS = ("Mobility", "BilateralTrader", "Forager")
# Numbers of scenarios in which much is traded, at posts or face to face.
LIVELY = (3, 6, 11, 19, 23, 34, 57)
FALLBACKS = ("newton", "ration_last", "bilateral", "no_trade")


def some(rng: random.Random, of: tuple[str, ...], least: int = 0) -> list[str]:
    """At least `least` different entries, in any order."""
    return rng.sample(of, rng.randint(least, len(of)))


def mostly(rng: random.Random, usual: Any, *corners: Any) -> Any:
    """Return the usual value three times out of four, else a corner."""
    return usual if rng.random() < 0.75 else rng.choice(corners)


def tastes(rng: random.Random, size: int) -> list[float]:
    """Parameters of a utility, one a good, at least one of them above 0."""
    found = [
        mostly(rng, rng.choice([0.3, 0.5, 0.6, 0.7, 1.0]), 0.0, 0.05, 4.0) for _ in range(size)
    ]
    if not any(found):
        found[rng.randrange(size)] = 0.5
    return found


def utility(rng: random.Random, goods: int, count: int) -> dict[str, Any]:
    """Preferences of some members."""
    entry: dict[str, Any] = {"count": count, "money_weight": rng.choice([1.0, 1.0, 0.1, 3.0])}
    if rng.random() < 0.4:
        return entry | {"type": "linear", "weights": tastes(rng, goods)}
    entry |= {"type": "cobb_douglas", "exponents": tastes(rng, goods)}
    entry["scale"] = rng.choice(["log", "log", "level"])
    if entry["scale"] == "log" and rng.random() < 0.5:
        entry["kappa"] = rng.choice([5.0, 10.0])
    return entry


def amounts(rng: random.Random, size: Fraction, count: int, most: int) -> dict[str, Any]:
    """Holdings of each member, multiples of `size`, some of them 0, the first one above 0."""
    found = [mostly(rng, rng.randint(0, most), 0, 1, most) for _ in range(count)]
    found[0] = max(1, found[0])
    return {"values": [float(size * each) for each in found]}


def places(rng: random.Random, width: int, height: int, count: int) -> dict[str, Any]:
    """Where the members of a population start: drawn by the engine, on one cell, or listed."""
    cells = [[rng.randrange(width), rng.randrange(height)] for _ in range(count)]
    return rng.choice([{"distribution": "uniform"}, {"at": cells[0]}, {"cells": cells}])


def population(
    rng: random.Random, name: str, size: tuple[int, int], units: tuple[float, float], goods: int
) -> dict[str, Any]:
    """One group of agents."""
    count = mostly(rng, 8, 1, 2, 5)
    lot, step = (Fraction(str(each)) for each in units)
    # A few units, or so few lots that every rounding shows.
    most = rng.choice([3, 40, *([max(40, int(20 / lot))] * 6)])
    cash = mostly(rng, max(1, int(1000 / (lot * step))), 1, 1000, max(1, int(5 / (lot * step))))
    split = rng.randint(1, count)
    members = [split] if split == count else [split, count - split]
    made: dict[str, Any] = {
        "name": name,
        "count": count,
        "initial_positions": places(rng, *size, count),
        "inventories": {good: amounts(rng, lot, count, most) for good in GOODS[:goods]},
        "utilities": [utility(rng, goods, each) for each in members],
    }
    made["inventories"]["M"] = amounts(rng, lot * step, count, cash)
    if rng.random() < 0.3:
        made["components"] = some(rng, COMPONENTS)
    if rng.random() < 0.3:
        made["move_budget_per_tick"] = rng.randint(0, 3)
    return made


def post(
    rng: random.Random, place: tuple[int, int], goods: int, least: int, units: tuple[float, float]
) -> dict[str, Any]:
    """One market post that trades at least `least` goods."""
    mechanism = rng.choice(["walrasian", "posted_price"])
    rules: dict[str, Any] = {"clear_every": rng.choice([1, 1, 1, 2, 3])}
    if rng.random() < 0.25:
        rules["initial_price"] = rng.choice([1, 5]) * units[1]
    if mechanism == "walrasian":
        rules["max_iterations"] = rng.choice([100, 100, 3])
        rules["price_tolerance"] = rng.choice([0.000001, 0.01])
        if rng.random() < 0.5:
            rules["on_failure"] = some(rng, FALLBACKS, 1)
    else:
        rules["price_update_frequency"] = rng.choice([1, 2, 5])
    return {
        "location": list(place),
        "visibility_radius": mostly(rng, 12, 0, 1, 4),
        "interaction_radius": mostly(rng, 3, 0, 1, 12),
        "broadcast_radius": mostly(rng, 12, 0, 1, 4),
        "mechanism": mechanism,
        "mechanism_params": rules,
        "commodities": some(rng, GOODS[:goods], least),
    }


def ground(rng: random.Random, goods: int, lot: Fraction) -> dict[str, Any]:
    """Resource patches, with or without regrowth."""
    unit = max(Fraction(1), lot)
    types = [
        {"good": good, "quantity": float(unit * rng.randint(0, 4))}
        for good in some(rng, GOODS[:goods], 1)
    ]
    made: dict[str, Any] = {"spawn_rate": rng.choice([0.05, 0.3, 1.0]), "types": types}
    if rng.random() < 0.5:
        made["regrowth"] = {
            "rate": float(lot * rng.randint(0, 3)),
            "cooldown": rng.randint(0, 4),
            "max_amount": float(unit * rng.randint(1, 5)),
        }
    return made


def params(rng: random.Random, posts: int, lot: Fraction) -> dict[str, Any]:
    """Rules that hold for everybody."""
    return {
        "exchange_regime": rng.choice(REGIMES if posts else REGIMES[:1]),
        "vision_radius": mostly(rng, 8, 0, 1, 3),
        "interaction_radius": mostly(rng, 1, 0, 2),
        "move_budget_per_tick": mostly(rng, 2, 0, 1, 3),
        "beta": mostly(rng, 0.95, 1.0, 0.5),
        "forage_rate": float(lot * rng.choice([0, 1, 1000])),
        "centralized_weight": mostly(rng, 2.0, 0.5, 0.0),
        "min_value": mostly(rng, 0.01, 0.0, 1.0),
        "patience_ticks": rng.randint(1, 4),
        "trade_cooldown_ticks": rng.randint(0, 6),
        "idle": rng.choice(["random_walk", "home", "stay"]),
        "mode": mostly(rng, "both", "trade", "forage"),
        "price_info": {
            "age": rng.choice(["exponential", "none"]),
            "half_life": rng.choice([2.0, 50.0]),
            "expire_after": mostly(rng, 200, 1, 3),
            "distance": rng.choice(["none", "linear"]),
            "floor": rng.choice([0.0, 0.5, 1.0]),
            "sigma": mostly(rng, 0.2, 0.0, 1.0),
        },
    }


def random_scenario(number: int) -> dict[str, Any]:
    """Return a valid scenario as a mapping: at most 24 agents and 4 posts on a small grid."""
    rng = random.Random(number)
    goods = mostly(rng, 2, 1, 3)
    barter = rng.random() < 0.25
    # Where a good has price 1, that must be a whole number of price steps.
    steps = [each for each in UNITS if not barter or (1 / Fraction(str(each[1]))).denominator == 1]
    units = rng.choice(steps)
    lot = Fraction(str(units[0]))
    size = rng.choice(SIZES)
    least = 2 if barter else 1
    goods = max(goods, least)
    cells = [(x, y) for x in range(size[0]) for y in range(size[1])]
    spots = rng.sample(cells, min(len(cells), mostly(rng, 3, 0, 1, 4)))
    names = ["first", "second", "third"][: rng.randint(1, 3)]
    made: dict[str, Any] = {
        "grid": {"width": size[0], "height": size[1]},
        "units": {"lot": units[0], "price_step": units[1]},
        "money": {"mode": "unit_of_account" if barter else "quasilinear"},
        "goods": list(GOODS[:goods]),
        "params": params(rng, len(spots), lot),
        "protocols": {
            "search": mostly(rng, "market_aware_search", "distance_discounted"),
            "bargaining": rng.choice(["compensating_block", "split_difference"]),
        },
        "populations": [population(rng, name, size, units, goods) for name in names],
        "market_posts": [post(rng, spot, goods, least, units) for spot in spots],
    }
    if rng.random() < 0.5:
        made["resources"] = ground(rng, goods, lot)
    return made


def scenarios() -> st.SearchStrategy[dict[str, Any]]:
    """Return random scenarios as a strategy."""
    return st.integers(0, 2**40).map(random_scenario)
