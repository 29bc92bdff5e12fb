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
LIVELY = (7, 89, 129, 148)
FALLBACKS = ("newton", "ration_last", "call_auction", "bilateral", "no_trade")
# Families that meet in one economy. Kernels are compiled for each set of families in use, so these
# are few.
FAMILIES = (
    ("linear", "cobb_douglas"),
    ("linear", "cobb_douglas"),
    ("ces", "leontief"),
    ("stone_geary", "quadratic"),
    ("translog",),
    ("induced_value",),
)
MECHANISMS = ("walrasian", "posted_price", "continuous_double_auction", "call_auction")
BARGAINING = (
    "compensating_block",
    "split_difference",
    "nash",
    "kalai_smorodinsky",
    "take_it_or_leave_it",
    "sealed_bid",
)


def some(rng: random.Random, of: tuple[str, ...], least: int = 0) -> list[str]:
    """At least `least` different entries, in any order."""
    return rng.sample(of, rng.randint(least, len(of)))


def mostly(rng: random.Random, usual: Any, *corners: Any) -> Any:
    """Return the usual value three times out of four, else a corner."""
    return usual if rng.random() < 0.75 else rng.choice(corners)


def number(rng: random.Random, value: float) -> Any:
    """Return a positive number, or now and then a draw of numbers about as large."""
    if rng.random() < 0.9:
        return value
    return rng.choice(
        [
            {"distribution": "uniform", "low": 0.5 * value, "high": value},
            {"distribution": "normal", "mean": value, "sd": 0.3 * value, "low": 0.1 * value},
            {"distribution": "lognormal", "mean_log": 0.0, "sd_log": 0.2},
        ]
    )


def tastes(rng: random.Random, size: int) -> list[Any]:
    """Parameters of a utility, one a good, at least one of them above 0."""
    found = [
        mostly(rng, rng.choice([0.3, 0.5, 0.6, 0.7, 1.0]), 0.0, 0.05, 4.0) for _ in range(size)
    ]
    if not any(found):
        found[rng.randrange(size)] = 0.5
    return [number(rng, each) if each else each for each in found]


def steps(rng: random.Random, goods: int) -> dict[str, Any]:
    """Values of some goods, falling, and costs of the others, rising."""
    sells = [rng.random() < 0.5 for _ in range(goods)]
    curves = [
        sorted(float(rng.randint(1, 12)) for _ in range(rng.randint(1, 4))) for _ in range(goods)
    ]
    pairs = list(zip(sells, curves, strict=True))
    return {
        "values": [[] if sold else curve[::-1] for sold, curve in pairs],
        "costs": [curve if sold else [] for sold, curve in pairs],
        "unit": rng.choice([1, 1, 7]),
    }


def utility(rng: random.Random, family: str, goods: int, count: int) -> dict[str, Any]:
    """Preferences of some members."""
    weight = number(rng, rng.choice([1.0, 1.0, 0.1, 3.0]))
    entry: dict[str, Any] = {"type": family, "count": count, "money_weight": weight}
    if family == "linear":
        return entry | {"weights": tastes(rng, goods)}
    if family == "induced_value":
        return entry | steps(rng, goods)
    if family == "quadratic":
        bliss = [float(rng.randint(0, 30)) for _ in range(goods)]
        sigma = [rng.choice([1.0, 4.0]) for _ in range(goods)]
        return entry | {"bliss": bliss, "sigma": sigma, "gamma": rng.choice([0.0, 0.05, -0.05])}
    if family == "translog":
        bend = rng.choice([0.0, 0.02])
        entry["cross"] = [[-bend, bend], [bend, -bend]]
        return entry | {"exponents": [0.4, rng.choice([0.3, 0.4])]}
    if family == "stone_geary":
        entry["subsistence"] = [rng.choice([0.0, 0.0, 1.0, 30.0]) for _ in range(goods)]
        return entry | {"exponents": tastes(rng, goods)}
    entry["scale"] = rng.choice(["log", "log", "level"])
    if entry["scale"] == "log" and rng.random() < 0.5:
        entry["kappa"] = rng.choice([5.0, 10.0])
    if family == "ces":
        return entry | {"weights": tastes(rng, goods), "rho": rng.choice([-2.0, -0.5, 0.5])}
    key = {"leontief": "coefficients", "cobb_douglas": "exponents"}[family]
    return entry | {key: tastes(rng, goods)}


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
    rng: random.Random,
    name: str,
    size: tuple[int, int],
    units: tuple[float, float],
    families: tuple[str, ...],
    goods: int,
) -> dict[str, Any]:
    """One group of agents."""
    count = mostly(rng, 8, 1, 2, 5)
    lot, step = (Fraction(str(each)) for each in units)
    # A few units, or so few lots that every rounding shows.
    most = rng.choice([3, 40, *([max(40, int(20 / lot))] * 6)])
    cash = mostly(rng, max(1, int(1000 / (lot * step))), 1, 1000, max(1, int(5 / (lot * step))))
    # Every family is in use, so that kernels are compiled for no more sets of them than there are.
    count = max(count, len(families))
    split = rng.randint(1, count - len(families) + 1)
    members = [split] if split == count else [split, count - split]
    kinds = rng.sample(families, len(families)) if len(families) > 1 else [*families, *families]
    made: dict[str, Any] = {
        "name": name,
        "count": count,
        "initial_positions": places(rng, *size, count),
        "inventories": {good: amounts(rng, lot, count, most) for good in GOODS[:goods]},
        "utilities": [
            utility(rng, family, goods, each) for family, each in zip(kinds, members, strict=False)
        ],
    }
    made["inventories"]["M"] = amounts(rng, lot * step, count, cash)
    if rng.random() < 0.3:
        made["components"] = some(rng, COMPONENTS)
    if rng.random() < 0.3:
        made["move_budget_per_tick"] = rng.randint(0, 3)
    return made


def common_rules(rng: random.Random, money: str, units: tuple[float, float]) -> dict[str, Any]:
    """Rules that a post of any mechanism may have."""
    rules: dict[str, Any] = {"clear_every": rng.choice([1, 1, 1, 2, 3])}
    if money != "unit_of_account" and rng.random() < 0.3:
        lot, step = (Fraction(str(each)) for each in units)
        rules["fees"] = rng.choice(
            [
                {"type": "ad_valorem", "rate": rng.choice([0.000000001, 0.01, 0.25])},
                {"type": "per_lot", "rate": float(lot * step * rng.choice([1, 50]))},
            ]
        )
    if rng.random() < 0.2:
        rules["price_band"] = rng.choice([0.001, 0.3])
    if rng.random() < 0.2:
        rules["shading"] = rng.choice([0.3, 0.99])
    if rng.random() < 0.25:
        rules["initial_price"] = rng.choice([1, 5]) * units[1]
    return rules


def book_rules(rng: random.Random, mechanism: str, units: tuple[float, float]) -> dict[str, Any]:
    """Rules of a mechanism that takes orders."""
    lot, step = (Fraction(str(each)) for each in units)
    rules: dict[str, Any] = {"order_size": float(lot * rng.choice([1, 3, 1000]))}
    call = mechanism == "call_auction"
    rules["behaviour"] = rng.choice(
        ["truthful", "truthful", "zi_c", "zi_u", *([] if call else ["zip"])]
    )
    if rules["behaviour"] in ("zi_c", "zi_u"):
        rules["price_low"] = float(step * rng.choice([1, 2]))
        rules["price_high"] = float(step * rng.choice([2, 20_000]))
    if call:
        return rules | {
            "k": rng.choice([0.5, 0.0, 1.0]),
            "interval": rng.choice([1, 2]),
            "mcafee": rng.random() < 0.3,
        }
    kinds = ["limit", "limit", "market", "immediate_or_cancel", "fill_or_kill", "stop"]
    rules["order_type"] = rng.choice(kinds)
    if rng.random() < 0.4:
        weights = {kind: rng.choice([0, 0.5, 1, 3]) for kind in some(rng, tuple(kinds[2:]), 1)}
        rules["order_type"] = weights | {"limit": 2}
    if rng.random() < 0.5:
        rules |= {"activations": rng.choice([1, 12]), "lifetime": rng.choice([1, 3])}
    return rules


def post(
    rng: random.Random,
    place: tuple[int, int],
    goods: int,
    money: str,
    units: tuple[float, float],
) -> dict[str, Any]:
    """One market post, which trades at least two goods where goods pay for goods."""
    least = 2 if money == "unit_of_account" else 1
    mechanism = rng.choice(MECHANISMS[:2] if least == 2 else MECHANISMS)
    rules = common_rules(rng, money, units)
    commodities = some(rng, GOODS[:goods], least)
    if mechanism == "walrasian":
        rules["max_iterations"] = rng.choice([100, 100, 3])
        rules["price_tolerance"] = rng.choice([0.000001, 0.01])
        if rng.random() < 0.5:
            ways = FALLBACKS if least == 1 else tuple(w for w in FALLBACKS if w != "call_auction")
            tried = some(rng, ways, 1)
            rules["on_failure"] = sorted(tried, key="no_trade".__eq__)
    elif mechanism == "posted_price":
        rules["price_update_frequency"] = rng.choice([1, 2, 5])
        if money != "unit_of_account" and rng.random() < 0.4:
            lot = Fraction(str(units[0]))
            rules["stock"] = {commodities[0]: float(lot * rng.randint(1, 5000))}
    else:
        rules |= book_rules(rng, mechanism, units)
    return {
        "location": list(place),
        "visibility_radius": mostly(rng, 12, 0, 1, 4),
        "interaction_radius": mostly(rng, 3, 0, 1, 12),
        "broadcast_radius": mostly(rng, 12, 0, 1, 4),
        "mechanism": mechanism,
        "mechanism_params": rules,
        "commodities": commodities,
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
    made = {
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
        "market_memory": {"slots": mostly(rng, 0, 1, 3)},
        "market_choice": mostly(rng, "score", {"type": "softmax", "temperature": 0.5}),
        "reputation": mostly(rng, "none", "ema", {"type": "ema", "weight": 1.0}),
    }
    if rng.random() < 0.2:
        phases = rng.sample([("forage", 3), ("trade", 4), ("both", 2)], rng.randint(1, 3))
        made["mode"] = "both"
        made["mode_schedule"] = [{"mode": mode, "ticks": ticks} for mode, ticks in phases]
    return made


def bargaining(rng: random.Random, step: float) -> Any:
    """A bargaining protocol with parameters."""
    name = rng.choice((*BARGAINING[:2], *BARGAINING))
    made: dict[str, Any] = {"name": name, "barter": rng.random() < 0.2}
    if name == "nash":
        made["power"] = rng.choice([0.5, 0.2])
    elif name == "take_it_or_leave_it":
        made["proposer"] = rng.choice(["random", "buyer", "seller", "lower_id", "higher_id"])
    elif name == "sealed_bid" and rng.random() < 0.5:
        made |= {"strategy": "equilibrium", "low": step, "high": 2.0 + 2.0 * step}
    return made


def random_scenario(number: int) -> dict[str, Any]:
    """Return a valid scenario as a mapping: at most 24 agents and 4 posts on a small grid."""
    rng = random.Random(number)
    families = rng.choice(FAMILIES)
    money = mostly(rng, "quasilinear", "unit_of_account", "in_utility")
    if "induced_value" in families:
        money = "quasilinear"
    elif money == "in_utility" and not {"quadratic", "translog"}.isdisjoint(families):
        money = "unit_of_account"
    barter = money == "unit_of_account"
    pairs = not {"quadratic", "translog"}.isdisjoint(families)
    goods = 2 if pairs else max(mostly(rng, 2, 1, 3), 2 if barter else 1)
    # Where a good has price 1, that must be a whole number of price steps.
    sizes = [each for each in UNITS if not barter or (1 / Fraction(str(each[1]))).denominator == 1]
    units = rng.choice(sizes)
    lot = Fraction(str(units[0]))
    size = rng.choice(SIZES)
    cells = [(x, y) for x in range(size[0]) for y in range(size[1])]
    spots = rng.sample(cells, min(len(cells), mostly(rng, 3, 0, 1, 4)))
    names = ["first", "second", "third"][: rng.randint(1, 3)]
    made: dict[str, Any] = {
        "grid": {"width": size[0], "height": size[1], "torus": rng.random() < 0.25},
        "units": {"lot": units[0], "price_step": units[1]},
        "money": {"mode": money},
        "goods": list(GOODS[:goods]),
        "params": params(rng, len(spots), lot),
        "protocols": {
            "search": mostly(rng, "market_aware_search", "distance_discounted", "random_walk"),
            "matching": mostly(rng, "three_pass", "greedy_surplus", "random"),
            "bargaining": bargaining(rng, units[1]),
        },
        "populations": [population(rng, name, size, units, families, goods) for name in names],
        "market_posts": [post(rng, spot, goods, money, units) for spot in spots],
    }
    if rng.random() < 0.5:
        made["resources"] = ground(rng, goods, lot)
    return made


def scenarios() -> st.SearchStrategy[dict[str, Any]]:
    """Return random scenarios as a strategy."""
    return st.integers(0, 2**40).map(random_scenario)
