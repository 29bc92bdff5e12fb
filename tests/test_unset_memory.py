"""No result depends on what fresh memory happens to hold.

Kernels run as plain Python in economies of every rule of trade and every mode of money, while
`np.empty` hands out arrays full of one thing or another.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import patch

import numpy as np

from tests.strategies import LIVELY, random_scenario
from tests.test_jit_off import interpreted

MODES = ("quasilinear", "unit_of_account", "in_utility")
BARGAINING: tuple[dict[str, Any], ...] = (
    {"name": "compensating_block"},
    {"name": "compensating_block", "barter": True},
    {"name": "split_difference"},
    {"name": "nash"},
    {"name": "kalai_smorodinsky"},
    {"name": "take_it_or_leave_it", "proposer": "buyer"},
    {"name": "take_it_or_leave_it", "proposer": "seller", "barter": True},
    {"name": "take_it_or_leave_it", "information": "prior", "low": 0.0, "high": 4.0},
    {"name": "sealed_bid"},
)
POSTS: tuple[dict[str, Any], ...] = (
    {"mechanism": "walrasian"},
    {"mechanism": "posted_price"},
    {"mechanism": "continuous_double_auction"},
    {"mechanism": "continuous_double_auction", "behaviour": "zip"},
    {"mechanism": "call_auction"},
)
RUN = """
from tests.test_unset_memory import traces
for line in traces():
    print(line)
"""


# What memory may have held: nothing, or any numbers, drawn with these seeds.
HELD = (0, 1, 2)


def holding(seed: int) -> Callable[..., Any]:
    """Return `np.empty` for memory that holds anything, and some of it no number; 0: nothing."""
    words = np.random.default_rng(seed).integers(0, 100, 4099)
    start = itertools.count(0, 7)

    def empty(shape: Any, dtype: Any = np.float64) -> Any:
        found = np.zeros(shape, dtype)
        if seed and found.dtype.kind in "biuf":
            at = next(start) + np.arange(found.size)
            held = words[at % words.size].reshape(found.shape)
            found[...] = held % 2 if found.dtype.kind == "b" else held
            if found.dtype.kind == "f":
                found[held % 5 == 0] = math.nan
        return found

    return empty


def economies() -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a small lively economy for each rule of trade and mode of money, and random ones."""
    for mode, rule in itertools.product(MODES, (*BARGAINING, *POSTS)):
        if mode == "unit_of_account" and "auction" in rule.get("mechanism", ""):
            continue
        made = economy(mode)
        if "name" in rule:
            made |= {"exchange_regime": "bilateral", "protocols": {"bargaining": rule}}
        else:
            options = {key: rule[key] for key in rule if key != "mechanism"}
            made["exchange_regime"] = "centralized"
            made["market_posts"] = [
                {"location": [0, 0], "mechanism": rule["mechanism"], "mechanism_params": options}
            ]
        yield f"{mode} {rule}".replace(" ", ""), made
    for number in LIVELY:
        yield f"random_{number}", random_scenario(number)


def economy(mode: str) -> dict[str, Any]:
    """Return a few agents of two families on few cells."""
    curved = {"type": "cobb_douglas", "exponents": [0.5, 0.5], "kappa": 20.0}
    straight = {"type": "linear", "weights": [1.0, 2.5]}
    held = (("some", 2, 9, curved), ("others", 10, 1, curved), ("rest", 7, 4, straight))
    return {
        "grid": {"width": 2, "height": 1},
        "units": {"lot": 0.01, "price_step": 0.01},
        "money": {"mode": mode},
        "goods": ["A", "B"],
        "populations": [
            {
                "name": name,
                "count": 3,
                "inventories": {"A": a, "B": b, "M": 40},
                "utilities": [taste],
            }
            for name, a, b, taste in held
        ],
    }


def traces() -> Iterator[str]:
    """Yield a line for each economy: its name, and what a run of it ends in for each memory."""
    from ecs_market import Simulation
    from ecs_market.scenario import from_dict

    for name, made in economies():
        ends = []
        for held in HELD:
            try:
                with (
                    patch.object(np, "empty", holding(held)),
                    Simulation(from_dict(made), 3, telemetry_level="off", threads=1) as sim,
                ):
                    start = sim.state_hash()
                    sim.run(3)
                    ends.append("idle" if sim.state_hash() == start else sim.state_hash())
            except (ArithmeticError, LookupError, ValueError) as error:
                ends.append(type(error).__name__)
        yield " ".join([name, *ends])


def test_memory_does_not_matter() -> None:
    words = interpreted(RUN)
    width = 1 + len(HELD)
    rows = [words[i : i + width] for i in range(0, len(words), width)]
    assert len(rows) == len(list(economies()))
    assert [name for name, *ends in rows if len(set(ends)) > 1 or "idle" in ends] == []
