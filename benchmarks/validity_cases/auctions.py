"""Auctions of units with induced values."""

from __future__ import annotations

from math import comb
from typing import Any

import numpy as np

from ecs_market import clear
from validity_cases.figures import Case, Figure, exactly, near, sampled, within

SMITH = tuple(round(3.25 - 0.25 * step, 2) for step in range(11))
CENTS = {"lot": 1, "price_step": 0.01}
MOST = 7.50
REPLICAS = 1024
BLOCK = 64


def order(agent: int, commodity: str, direction: str, limit: float) -> dict[str, Any]:
    """Return an order for one unit."""
    return {
        "agent": agent,
        "commodity": commodity,
        "direction": direction,
        "quantity": 1,
        "limit_price": limit,
    }


def markets(values: Any, costs: Any) -> list[dict[str, Any]]:
    """Return orders of one unit: a commodity for each row of values and costs."""
    made = []
    for market, (buyers, sellers) in enumerate(zip(values, costs, strict=True)):
        name = f"m{market}"
        for number, limit in enumerate(buyers):
            made.append(order(number, name, "buy", float(limit)))
        for number, limit in enumerate(sellers):
            made.append(order(1000 + number, name, "sell", float(limit)))
    return made


def most_surplus(values: Any, costs: Any) -> Any:
    """Return the largest surplus of each row: best buyers meet best sellers."""
    gaps = -np.sort(-values, axis=1) - np.sort(costs, axis=1)
    return np.maximum(gaps, 0.0).sum(axis=1)


def fixed_price() -> list[Figure]:
    """V7."""
    rng = np.random.default_rng(7)
    figures = []
    for m in (1, 2, 4, 8, 16):
        got, best = [], []
        for _ in range(REPLICAS // BLOCK):
            values, costs = np.round(rng.uniform(1e-6, 1.0, (2, BLOCK, m)), 6)
            found = clear(
                orders=markets(values, costs),
                mechanism="posted_price",
                mechanism_params={"initial_price": 0.5},
                units={"lot": 1, "price_step": 1e-6},
            )
            place = np.repeat(np.arange(BLOCK), 2 * m)
            got.append(np.bincount(place, weights=found.gains, minlength=BLOCK))
            best.append(most_surplus(values, costs))
        gain, most = np.concatenate(got), np.concatenate(best)
        share = gain.mean() / most.mean()
        error = (gain - share * most).std() / most.mean() / len(gain) ** 0.5
        published = (2 * m + 1) / (2 * m) * (1 - comb(2 * m, m) / 4**m)
        figures.append(sampled(f"efficiency, m = {m}", published, share, error))
    return figures


def smith_groups() -> list[dict[str, Any]]:
    """Return the traders of Smith's first test."""
    sides = []
    for name, key, held in (
        ("buyers", "values", {"X": 0, "M": 4}),
        ("sellers", "costs", {"X": 1, "M": 4}),
    ):
        tastes = [{"type": "induced_value", "count": 1, key: [[worth]]} for worth in SMITH]
        sides.append({"name": name, "count": 11, "inventories": held, "utilities": tastes})
    return sides


def zero_intelligence(behaviour: str, seed: int, activations: int) -> Any:
    """Run Smith's first test with traders that draw their prices."""
    rules = {
        "behaviour": behaviour,
        "activations": activations,
        "price_low": 0.01,
        "price_high": 4.00,
    }
    return clear(
        smith_groups(),
        mechanism="continuous_double_auction",
        mechanism_params=rules,
        units=CENTS,
        seed=seed,
    )


def smiths_first_test() -> list[Figure]:
    """V8."""
    book = markets([SMITH], [SMITH])
    called = clear(orders=book, mechanism="call_auction", units=CENTS)
    walras = clear(orders=book, units=CENTS)
    shares = [
        float(zero_intelligence("zi_c", seed, 4000).gains.sum()) / MOST for seed in range(100)
    ]
    return [
        near("call auction: price", 2.0, called.prices["m0"], 0.0, 2),
        near("call auction: units", 6, called.volume["m0"], 0.0, 0),
        near("call auction: surplus", MOST, float(called.gains.sum()), 1e-9, 2),
        near("auctioneer: price", 2.0, walras.prices["m0"], 0.0, 2),
        near("auctioneer: surplus", MOST, float(walras.gains.sum()), 1e-9, 2),
        near("ZI-C double auction: efficiency", 0.966, float(np.mean(shares)), 0.01, 4),
    ]


def gode_and_sunder() -> list[Figure]:
    """V9."""
    kept = [float(zero_intelligence("zi_c", seed, 4000).gains.sum()) / MOST for seed in range(50)]
    free = [zero_intelligence("zi_u", seed, 20_000) for seed in range(10)]
    units = {run.volume["X"] for run in free}
    gains = {round(float(run.gains.sum()), 9) for run in free}
    return [
        within("constrained: mean efficiency", 0.96, 1.0, float(np.mean(kept))),
        exactly("unconstrained, exhausted: units", {11.0}, units),
        exactly("unconstrained, exhausted: surplus", {0.0}, gains),
    ]


CASES = (
    Case(
        7,
        "A fixed price with random rationing",
        "order statistics; ratio of expected gains",
        "m buyers and m sellers, values and costs uniform on [0, 1], one unit each, price 1/2.",
        fixed_price,
        cheap=False,
    ),
    Case(
        8,
        "Smith's first test",
        "Smith (1962), test 1",
        "Eleven buyers and eleven sellers, 3.25, 3.00 ... 0.75 M; 100 double auctions of 4,000 "
        "activations with prices from 1 to 400 cents.",
        smiths_first_test,
        cheap=False,
    ),
    Case(
        9,
        "Zero intelligence",
        "Gode and Sunder (1993)",
        "The traders of Smith's first test draw their prices, with and without the budget "
        "constraint.",
        gode_and_sunder,
        cheap=False,
    ),
)
