"""Pairs face to face."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market import Simulation, clear
from ecs_market.build import build_world
from ecs_market.components.inventory import Inventory
from ecs_market.mechanisms.bargaining import bargain
from ecs_market.scenario import scenario_for_clear
from validity_cases.exchange import BARTER, TIGHT, cobb, group
from validity_cases.figures import Case, Figure, exactly, near, sampled, within

PAIRS = 20_000


def meeting(
    members: list[dict[str, Any]], rule: dict[str, Any] | str, ticks: int = 1, **more: Any
) -> Any:
    """Let agents meet on one cell, or on the cells they are given; return what they own."""
    scenario = {
        "grid": {"width": 1, "height": 1},
        "params": {
            "exchange_regime": "bilateral",
            "idle": "stay",
            "vision_radius": 0,
            "interaction_radius": 0,
            "min_value": 0.0,
        },
        "protocols": {"bargaining": rule},
        "populations": members,
        **more,
    }
    with Simulation(scenario, seed=0, telemetry_level="off") as sim:
        sim.run(ticks)
        rows = sim.world.agent_rows
        held = sim.world.agents.whole(Inventory)
        lot, minor = sim.world.settings.lot_size, sim.world.settings.minor_size
        return held.goods[rows] * lot, held.money[rows] * minor


def box_of_edgeworth() -> list[Figure]:
    """V2."""
    level = {"scale": "level"}
    box = [
        group("one", cobb(0.6, 0.4, **level), (10, 20)),
        group("two", cobb(0.3, 0.7, **level), (20, 10)),
    ]
    fine = {"units": {"lot": 1e-5, "price_step": 1e-5}, "money": BARTER}
    figures = []
    for proposer, published in (("higher_id", 17.542903), ("lower_id", 22.911050)):
        rule = {"name": "take_it_or_leave_it", "proposer": proposer}
        goods, _ = meeting(box, rule, **fine)
        one = goods[0]
        curve = 0.428571 * 30 * one[0] / (1.5 * (30 - one[0]) + 0.428571 * one[0])
        figures.append(near(f"take it or leave it, {proposer}: A", published, one[0], 1e-3))
        figures.append(near(f"take it or leave it, {proposer}: B", curve, one[1], 1e-3))
    goods, _ = meeting(box, "nash", **fine)
    figures.append(near("Nash: A of agent 1", 20.41192, goods[0, 0], 1e-3, 5))
    figures.append(near("Nash: B of agent 1", 11.34621, goods[0, 1], 1e-3, 5))
    return figures


def random_pairs(rule: dict[str, Any]) -> tuple[Any, Any, Any]:
    """Return values, costs and who traded, for pairs that meet once, each on a cell of its own."""
    rng = np.random.default_rng(6)
    value, cost = np.round(rng.uniform(1e-6, 1.0, (2, PAIRS)), 6)
    cells = [[pair, 0] for pair in range(PAIRS)]
    members = []
    for name, worth, held in (
        ("buyers", value, {"X": 0, "M": 1}),
        ("sellers", cost, {"X": 1, "M": 0}),
    ):
        taste = {"type": "linear", "weights": [{"values": worth.tolist()}]}
        who = {"name": name, "count": PAIRS, "initial_positions": {"cells": cells}}
        members.append({**who, "inventories": held, "utilities": [taste]})
    more = {"units": {"lot": 1, "price_step": 1e-6}, "grid": {"width": PAIRS, "height": 1}}
    goods, _ = meeting(members, rule, **more)
    return value, cost, goods[:PAIRS, 0] == 1.0


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
    agree = bool((traded == (value - cost >= 0.25))[clear_cut].all())
    share, error = share_of(value, cost, traded)
    truthful, _ = share_of(*random_pairs({"name": "sealed_bid", "strategy": "truthful"}))
    offer = {"name": "take_it_or_leave_it", "information": "prior", "proposer": "seller", **unit}
    offered, spread = share_of(*random_pairs(offer))
    return [
        exactly("equilibrium bids trade iff v - c >= 1/4", True, agree),
        sampled("equilibrium bids: efficiency", 27 / 32, share, error),
        near("truthful split: efficiency", 1.0, truthful, 1e-5, 4),
        sampled("take it or leave it: efficiency", 0.75, offered, spread),
    ]


def ring(count: int = 1) -> list[dict[str, Any]]:
    """Return Feldman's three agents: A + 2B owning A, B + 2M owning B, M + 2A owning M."""

    def linear(*weights: float, money: float) -> dict[str, Any]:
        return {"type": "linear", "weights": list(weights), "money_weight": money}

    return [
        group("one", linear(1, 2, money=1e-9), (1, 0), 0, count),
        group("two", linear(0, 1, money=2), (0, 1), 0, count),
        group("three", linear(2, 0, money=1), (0, 0), 1, count),
    ]


def feldman() -> list[Figure]:
    """V10."""
    inside = {"mode": "in_utility"}
    weights = np.array([[1.0, 2.0, 0.0], [0.0, 1.0, 2.0], [2.0, 0.0, 1.0]])
    goods, money = meeting(ring(), "split_difference", ticks=10, money=inside)
    after = (weights * np.column_stack([goods, money])).sum()
    found = clear(ring(), money=inside, mechanism_params={"initial_price": 1.0})
    at_post = (weights * np.column_stack([found.goods, found.money])).sum()
    return [
        near("pairs: sum of utilities", 3.0, float(after), 1e-9, 3),
        near("auctioneer: sum of utilities", 6.0, float(at_post), 1e-9, 3),
        exactly("auctioneer: (p_A, p_B)", (1.0, 1.0), (found.prices["A"], found.prices["B"])),
    ]


def one_post_or_many_pairs() -> list[Figure]:
    """V13."""
    figures = []
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
        post = clear(members, money={"mode": mode}, mechanism_params=TIGHT)
        price = np.array([post.prices["A"], post.prices["B"]])
        best = money_metric(members, post.goods, post.money, mode, price)
        shares = []
        for rounds in (1, 2, 5, 20):
            goods, money = rounds_of_pairs(members, mode, rounds)
            shares.append(money_metric(members, goods, money, mode, price) / best)
        figures.append(within(f"{mode}: pairs over post, R = 1", 0.0, 0.95, shares[0]))
        most = f"{mode}: pairs over post, most over R to 20"
        figures.append(within(most, 0.0, 1.0001, max(shares)))
    return figures


def rounds_of_pairs(members: list[dict[str, Any]], mode: str, rounds: int) -> tuple[Any, Any]:
    """Return holdings after rounds in which random pairs bargain until nothing gains."""
    world = build_world(scenario_for_clear(members, money={"mode": mode}), 0, 1)
    rng = np.random.default_rng(1)
    for _ in range(rounds):
        pairs = np.sort(rng.permutation(len(members)).reshape(-1, 2), axis=1)
        pairs = pairs[np.argsort(pairs[:, 0])]
        bargain(world, world.agent_rows[pairs[:, 0]], world.agent_rows[pairs[:, 1]])
    held, rows = world.agents.whole(Inventory), world.agent_rows
    found = held.goods[rows] * world.settings.lot_size, held.money[rows] * world.settings.minor_size
    world.close()
    return found


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
        "Edgeworth (1881), Nash (1950); contract curve",
        "The box of V1 with utility in levels. Who proposes takes all the other could gain; Nash's "
        "solution has equal power.",
        box_of_edgeworth,
    ),
    Case(
        6,
        "Private information",
        "Chatterjee and Samuelson (1983), Myerson and Satterthwaite (1983)",
        f"{PAIRS:,} pairs, value v and cost c uniform on [0, 1], one unit; bids 2v/3 + 1/12, asks "
        "2c/3 + 1/4, at the mean; a monopolist's offer on the prior.",
        private_information,
        cheap=False,
    ),
    Case(
        10,
        "A ring",
        "Feldman (1973)",
        "u1 = A + 2B, u2 = B + 2M, u3 = M + 2A, owning one unit of A, B and M; money counts in "
        "utility.",
        feldman,
    ),
    Case(
        13,
        "One post against random pairs",
        "Feldman (1973); first welfare theorem",
        "24 Cobb-Douglas agents at one post, or in R rounds of random pairs; gains in money.",
        one_post_or_many_pairs,
    ),
)
