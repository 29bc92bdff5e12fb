"""Exchange at one post: closed forms and root finders against the Walrasian auctioneer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ecs_market import clear
from ecs_market.clearing import ClearResult
from validity_cases import sources
from validity_cases.figures import Case, Figure, at_most, exactly, near, one_of

FINE = {"lot": 1e-6, "price_step": 1e-6}
TIGHT = {"price_tolerance": 1e-6}
BARTER = {"mode": "unit_of_account"}
CLEAR = "`clear`"
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
        one_of("status", ("converged",), found.status),
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


def three_traders() -> list[Group]:
    """Return agents with logarithmic utility and quasi-linear money, 100 M each."""
    bare = {"kappa": 1}
    return [
        group("one", cobb(6, 4, **bare), (10, 10), 100),
        group("two", cobb(3, 9, **bare), (5, 5), 100),
        group("three", cobb(2, 1, money_weight=0.5, **bare), (5, 15), 100),
    ]


def quasilinear_logs() -> list[Figure]:
    """V4."""
    found = clear(three_traders(), units=FINE, mechanism_params=TIGHT)
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
        one_of("status over 5 seeds", ("converged", "marginal"), " and ".join(statuses)),
        exactly("anybody worse off", False, worst < 0.0),
    ]
    if level.status == "failed":
        said = "failed" if not any(level.volume.values()) else "failed, yet there was trade"
        return [*figures, one_of("scale: level", ("(.70, .317)", "failed"), said)]
    return [
        *figures,
        near("scale: level, p_A", 0.70, level.prices["A"], 0.02),
        near("scale: level, p_B", 0.317, level.prices["B"], 0.02),
    ]


def walras_homogeneity_replication() -> list[Figure]:
    """V14."""
    found = clear(three_traders(), units=FINE, mechanism_params=TIGHT)
    price = np.array([found.prices["A"], found.prices["B"]])
    paid = np.abs((found.filled * price).sum(axis=1) + found.money - 100.0).max()
    figures = [at_most("|p . z + change of M| of an agent", 1e-9, float(paid), 2)]
    box = [group("one", cobb(0.6, 0.4), (10, 20)), group("two", cobb(0.3, 0.7), (20, 10))]
    ends = []
    for scale in (1.0, 3.0, 0.25):
        params = {**TIGHT, "initial_price": {"A": scale, "B": 1.0}}
        ends.append(clear(box, units=FINE, money=BARTER, mechanism_params=params))
    price = np.array([ends[0].prices["A"], ends[0].prices["B"]])
    lots = np.abs((ends[0].filled * price).sum(axis=1)).max() / (FINE["lot"] * price.max())
    figures.append(at_most("|p . z| of an agent, goods for goods [lot]", 1.0, float(lots), 2))
    worst = max(float(np.abs(each.goods - ends[0].goods).max()) for each in ends)
    figures.append(near("allocations from p_A = 1/4, 1 and 3: spread", 0.0, worst, 1e-5))
    figures += money_is_neutral()
    ratios = []
    for copies in (1, 2, 10, 100):
        many = [{**each, "count": copies} for each in box]
        ratios.append(clear(many, units=FINE, money=BARTER, mechanism_params=TIGHT).prices["A"])
    figures.append(near("p_A of 1, 2, 10, 100 copies: spread", 0.0, max(ratios) - min(ratios), 0.0))
    return figures


def money_is_neutral() -> list[Figure]:
    """Scale all money, and with it all prices; what is owned stays."""
    found = []
    for scale in (1, 4):
        members = [
            group("one", cobb(0.6, 0.4, money_weight=0.5), (10, 20), 20 * scale),
            group("two", cobb(0.3, 0.7, money_weight=0.5), (20, 10), 30 * scale),
        ]
        money = {"mode": "in_utility"}
        found.append(clear(members, units=FINE, money=money, mechanism_params=TIGHT))
    one, four = found
    moved = float(np.abs(four.goods - one.goods).max())
    return [
        near(
            "p_A with four times the money, over p_A", 4.0, four.prices["A"] / one.prices["A"], 1e-5
        ),
        near(
            "p_B with four times the money, over p_B", 4.0, four.prices["B"] / one.prices["B"], 1e-5
        ),
        near("goods with four times the money: change", 0.0, moved, 1e-4),
    ]


CASES = (
    Case(
        1,
        "Edgeworth box",
        (sources.EDGEWORTH, sources.CLOSED_FORM),
        "Two Cobb-Douglas agents, A^.6 B^.4 owning (10, 20) and A^.3 B^.7 owning (20, 10), trade "
        "goods for goods.",
        CLEAR,
        edgeworth_box,
    ),
    Case(
        3,
        "Gross substitutes",
        (sources.ARROW_HURWICZ, sources.CLOSED_FORM),
        "Two agents with CES utility, rho = .5 and weights (.6, .4), own (10, 50) and (20, 10) and "
        "trade goods for goods: p_A / p_B = 1.5 sqrt 2.",
        CLEAR,
        gross_substitutes,
    ),
    Case(
        4,
        "Quasi-linear logarithms",
        (sources.CLOSED_FORM,),
        "Three agents, U = alpha ln A + beta ln B + lambda M with (alpha, beta, lambda) = "
        "(6, 4, 1), (3, 9, 1), (2, 1, .5), own (10, 10), (5, 5), (5, 15) and 100 M each.",
        CLEAR,
        quasilinear_logs,
    ),
    Case(
        5,
        "Linear agents pin the price",
        (sources.CLOSED_FORM,),
        "20 linear agents of .7 A + .3 B + M and 20 Cobb-Douglas agents at one post, with 10 to 20 "
        "of each good and 100 to 200 M each, drawn from 5 seeds. With the Cobb-Douglas utility in "
        "levels (one seed) demand is all or nothing: the price is about (.70, .317), or the post "
        "says that it failed and nobody trades.",
        CLEAR,
        linear_agents_pin_the_price,
    ),
    Case(
        14,
        "Walras' law, homogeneity, replication",
        (sources.WALRAS, sources.DEBREU_SCARF),
        "The agents of V4; the box of V1 from other starting prices and with "
        "each agent replicated; the box with money in the utility, and four times the money.",
        CLEAR,
        walras_homogeneity_replication,
    ),
)
