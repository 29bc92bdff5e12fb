"""Pairs face to face, and one post against many pairs."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.optimize import brentq

from ecs_market import clear
from validity_cases import sources
from validity_cases.exchange import BARTER, TIGHT, cobb, group
from validity_cases.figures import Case, Figure, exactly, near, sampled, within
from validity_cases.meetings import meeting, rounds_of_pairs

PAIRS = 20_000
# A scenario takes 100,000 values at most: so many pairs at a time.
AT_ONCE = 5_000
ROUNDS = (1, 2, 5, 20)
BENT = 3 / 7  # the contract curve of the box of V1: y = BENT 30 x / (1.5 (30 - x) + BENT x)


def contract_curve(x: float) -> float:
    """Return B of agent 1 where its A is `x` and nobody can gain any more."""
    return BENT * 30.0 * x / (1.5 * (30.0 - x) + BENT * x)


def gains_in_the_box(x: float) -> tuple[float, float]:
    """Return both agents' gains in utility on the contract curve."""
    y = contract_curve(x)
    one = x**0.6 * y**0.4 - 10**0.6 * 20**0.4
    two = (30.0 - x) ** 0.3 * (30.0 - y) ** 0.7 - 20**0.3 * 10**0.7
    return one, two


def kalai_smorodinsky_point(low: float, high: float) -> float:
    """Return A of agent 1 where gains are in proportion to the most that each can have."""
    most_one, most_two = gains_in_the_box(high)[0], gains_in_the_box(low)[1]

    def gap(x: float) -> float:
        one, two = gains_in_the_box(x)
        return float(one / most_one - two / most_two)

    return float(brentq(gap, low, high, xtol=1e-12))


def box_of_edgeworth() -> list[Figure]:
    """V2."""
    level = {"scale": "level"}
    box = [
        group("one", cobb(0.6, 0.4, **level), (10, 20)),
        group("two", cobb(0.3, 0.7, **level), (20, 10)),
    ]
    fine: dict[str, Any] = {"units": {"lot": 1e-5, "price_step": 1e-5}, "money": BARTER}
    figures = []
    ends = {"higher_id": 17.542903, "lower_id": 22.911050}
    for proposer, published in ends.items():
        rule = {"name": "take_it_or_leave_it", "proposer": proposer}
        goods, _ = meeting(box, rule, **fine)
        x, y = (float(each) for each in goods[0])
        proposes = "agent 1" if proposer == "lower_id" else "agent 2"
        figures.append(near(f"{proposes} proposes: A of agent 1", published, x, 1e-3))
        figures.append(near(f"{proposes} proposes: B on the curve", contract_curve(x), y, 1e-3))
    goods, _ = meeting(box, "nash", **fine)
    figures.append(near("Nash: A of agent 1", 20.41192, goods[0, 0], 1e-3, 5))
    figures.append(near("Nash: B of agent 1", 11.34621, goods[0, 1], 1e-3, 5))
    point = kalai_smorodinsky_point(*ends.values())
    goods, _ = meeting(box, "kalai_smorodinsky", **fine)
    figures.append(near("Kalai-Smorodinsky: A of agent 1", point, goods[0, 0], 1e-3, 5))
    figures.append(
        near("Kalai-Smorodinsky: B of agent 1", contract_curve(point), goods[0, 1], 1e-3, 5)
    )
    return figures


def random_pairs(rule: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return values, costs and who traded, for pairs that meet once, each on a cell of its own."""
    rng = np.random.default_rng(6)
    value, cost = np.round(rng.uniform(1e-6, 1.0, (2, PAIRS)), 6)
    traded = []
    for first in range(0, PAIRS, AT_ONCE):
        part = slice(first, first + AT_ONCE)
        sides = (
            ("buyers", value[part], {"X": 0, "M": 1}),
            ("sellers", cost[part], {"X": 1, "M": 0}),
        )
        members = []
        for name, worth, held in sides:
            taste = {"type": "linear", "weights": [{"values": worth.tolist()}]}
            cells = {"cells": [[pair, 0] for pair in range(AT_ONCE)]}
            who = {"name": name, "count": AT_ONCE, "initial_positions": cells}
            members.append({**who, "inventories": held, "utilities": [taste]})
        grid = {"width": AT_ONCE, "height": 1}
        goods, _ = meeting(members, rule, units={"lot": 1, "price_step": 1e-6}, grid=grid)
        traded.append(goods[:AT_ONCE, 0] == 1.0)
    return value, cost, np.concatenate(traded)


def share_of(value: Any, cost: Any, traded: Any) -> tuple[float, float]:
    """Return the share of the attainable gain that was realised, and its standard error."""
    most = np.maximum(value - cost, 0.0)
    got = np.where(traded, value - cost, 0.0)
    share = got.sum() / most.sum()
    error = (got - share * most).std() / most.mean() / len(got) ** 0.5
    return float(share), float(error)


def private_information() -> list[Figure]:
    """V6."""
    unit = {"low": 0.0, "high": 1.0}
    value, cost, traded = random_pairs({"name": "sealed_bid", "strategy": "equilibrium", **unit})
    clear_cut = np.abs(value - cost - 0.25) > 1e-5  # bids are rounded to price steps
    strange = int((traded != (value - cost >= 0.25))[clear_cut].sum())
    share, error = share_of(value, cost, traded)
    truthful, _ = share_of(*random_pairs({"name": "sealed_bid", "strategy": "truthful"}))
    figures = [
        exactly("pairs that trade with v - c < 1/4, or do not with more", 0, strange),
        sampled("equilibrium bids: efficiency", 27 / 32, share, error),
        near("truthful bids: efficiency", 1.0, truthful, 1e-5),
    ]
    for proposer in ("seller", "buyer"):
        rule = {"name": "take_it_or_leave_it", "information": "prior", "proposer": proposer}
        offered, spread = share_of(*random_pairs({**rule, **unit}))
        figures.append(sampled(f"the {proposer} proposes: efficiency", 0.75, offered, spread))
    return figures


def ring() -> list[dict[str, Any]]:
    """Return Feldman's three agents: A + 2B owning A, B + 2M owning B, M + 2A owning M."""

    def linear(*weights: float, money: float) -> dict[str, Any]:
        return {"type": "linear", "weights": list(weights), "money_weight": money}

    return [
        group("one", linear(1, 2, money=0), (1, 0), 0),
        group("two", linear(0, 1, money=2), (0, 1), 0),
        group("three", linear(2, 0, money=1), (0, 0), 1),
    ]


def feldman() -> list[Figure]:
    """V10."""
    inside = {"mode": "in_utility"}
    weights = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0], [2.0, 0.0, 1.0]])

    def welfare(goods: Any, money: Any) -> float:
        return float((weights * np.column_stack([goods, money])).sum())

    figures = []
    for rule in ("compensating_block", "split_difference", "nash"):
        after = welfare(*meeting(ring(), rule, ticks=10, money=inside))
        figures.append(near(f"pairs, {rule}: sum of u", 3.0, after, 1e-9, 3))
    for start in (None, 1.0):
        found = clear(ring(), money=inside, mechanism_params={"initial_price": start})
        where = "no initial price" if start is None else "from p = (1, 1, 1)"
        at_post = welfare(found.goods, found.money)
        figures.append(near(f"auctioneer, {where}: sum of u", 6.0, at_post, 1e-9, 3))
        prices = tuple(found.prices[item] for item in "ABM")
        figures.append(exactly(f"auctioneer, {where}: p", (1.0, 1.0, 1.0), prices))
    return figures


def one_post_or_many_pairs() -> list[Figure]:
    """V13."""
    figures = []
    fine = {"lot": 1e-5, "price_step": 1e-5}
    for mode in ("quasilinear", "unit_of_account"):
        rng = np.random.default_rng(4)
        members = [
            group(
                f"g{number}",
                cobb(*np.round(rng.uniform(0.2, 1.0, 2), 2).tolist(), kappa=8),
                rng.integers(2, 20, 2).tolist(),
                200.0,
            )
            for number in range(24)
        ]
        money = {"mode": mode}
        post = clear(members, money=money, units=fine, mechanism_params=TIGHT)
        price = np.array([post.prices["A"], post.prices["B"]])
        best = money_metric(members, post.goods, post.money, mode, price)
        ends = rounds_of_pairs(
            members, "compensating_block", ROUNDS, seed=1, units=fine, money=money
        )
        for rounds, (goods, cash) in zip(ROUNDS, ends, strict=True):
            share = money_metric(members, goods, cash, mode, price) / best
            most = 0.99 if rounds == 1 else 1.0
            figures.append(within(f"{mode}: share, R = {rounds}", 0.0, most, share, 6))
    return figures


def money_metric(
    members: list[dict[str, Any]], goods: Any, money: Any, mode: str, price: Any
) -> float:
    """Return the sum of gains: in M, or as expenditure at `price` that gives the same utility."""
    total = 0.0
    for member, held, cash in zip(members, goods, money, strict=True):
        alpha = np.array(member["utilities"][0]["exponents"])
        start = np.array([member["inventories"][good] for good in "AB"], float)
        after, before = (float((alpha * np.log(each)).sum()) for each in (held, start))
        if mode == "quasilinear":
            total += 8.0 * (after - before) + cash - 200.0
            continue
        share = alpha / alpha.sum()
        scale = float((share * np.log(share / price)).sum())
        total += np.exp(after / alpha.sum() - scale) - np.exp(before / alpha.sum() - scale)
    return total


CASES = (
    Case(
        2,
        "Bargaining in the box",
        (sources.EDGEWORTH, sources.NASH, sources.KALAI_SMORODINSKY),
        "The box of V1 with utility in levels. Who proposes takes all that the other could gain "
        "and ends on the contract curve. The solutions of Nash (equal power) and of Kalai and "
        "Smorodinsky are points of that curve. Lots and price steps of 1e-5.",
        "`Simulation`, two agents on one cell, one tick",
        box_of_edgeworth,
    ),
    Case(
        6,
        "Private information",
        (sources.CHATTERJEE_SAMUELSON, sources.MYERSON_SATTERTHWAITE),
        f"{PAIRS:,} pairs with value v and cost c uniform on [0, 1] and one unit: sealed bids of "
        "2v/3 + 1/12 and 2c/3 + 1/4, at their mean, trade if v - c >= 1/4 (looked at where v - c "
        "is more than 1e-5 from 1/4, as bids are whole price steps) and gain 27/32; truthful bids "
        "gain all there is; an offer that is best against the prior gains 3/4.",
        f"`Simulation`, {AT_ONCE:,} pairs at a time, each on a cell of its own, one tick",
        private_information,
        cheap=False,
    ),
    Case(
        10,
        "A ring that no pair can serve",
        (sources.FELDMAN,),
        "u1 = A + 2B, u2 = B + 2M, u3 = M + 2A, owning one unit of A, B and M; money is in the "
        "utility, and worth nothing to agent 1. All three on one cell for ten ticks, or at one "
        "post, which starts at marginal rates or at the equilibrium.",
        "`Simulation` for the pairs, `clear` for the auctioneer",
        feldman,
    ),
    Case(
        13,
        "One post against random pairs",
        (sources.ARROW, sources.FELDMAN),
        "24 Cobb-Douglas agents at one post, or in R rounds of pairs drawn evenly, who bargain "
        "block by block until neither gains, and not one block only. Their gains "
        "in money, or in equivalent variation at the post's prices where money is a unit of "
        "account, as a share of the post's: at most 1 for every R, and clearly less for R = 1. "
        "Lots and price steps of 1e-5.",
        "`clear`, and `Simulation` with the agents set on their cells by `edit` before each tick",
        one_post_or_many_pairs,
    ),
)
