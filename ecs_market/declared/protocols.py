"""The protocols that come with the engine."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ecs_market.registry import Entry, Parameter

_BARTER = Parameter(
    "barter",
    "flag",
    "Whether a good is traded against a good too in money mode quasilinear.",
    False,
)

_RANGE = (
    Parameter(
        "low",
        "number",
        "Lowest value or cost [M / unit].",
        None,
        minimum=0.0,
        maximum=1e9,
        optional=True,
    ),
    Parameter(
        "high",
        "number",
        "Highest value or cost [M / unit].",
        None,
        above=0.0,
        maximum=1e9,
        optional=True,
    ),
)


def check_range(
    parameters: Mapping[str, Any], goods: tuple[str, ...], mode: str
) -> list[tuple[str, str]]:
    """Refuse a strategy that needs to know from where values and costs come, but does not."""
    low, high = parameters.get("low"), parameters.get("high")
    if low is None or high is None:
        missing = "low" if low is None else "high"
        if parameters.get("strategy") == "equilibrium":
            return [(missing, "strategy equilibrium needs low and high")]
        if parameters.get("information") == "prior":
            return [(missing, "information prior needs low and high")]
    elif low >= high:
        return [("low", f"must be below high, got {low:g} and {high:g}")]
    return []


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "search",
        "market_aware_search",
        "2025.10.29",
        "Weighs markets, partners and resources against each other.",
    ),
    Entry(
        "search",
        "distance_discounted",
        "2025.10.29",
        "Ranks partners and patches by value discounted over the distance; ignores posts.",
    ),
    Entry(
        "search",
        "random_walk",
        "2025.10.29",
        "Looks for nothing: agents walk at random and take what comes within reach.",
    ),
    Entry(
        "matching",
        "three_pass",
        "2025.10.26",
        "Mutual first choices, then greedily by the pair's discounted gain.",
        ("legacy",),
    ),
    Entry(
        "matching",
        "greedy_surplus",
        "2025.10.29",
        "Greedily by the pair's total gain, however far apart the two are.",
    ),
    Entry(
        "matching",
        "random",
        "2025.10.29",
        "Pairs that would gain, in random order.",
    ),
    Entry(
        "bargaining",
        "compensating_block",
        "2025.10.26",
        "Blocks of 1, 2, 4 ... units at the midpoint of both marginal rates, then halves.",
        ("legacy",),
        (_BARTER,),
    ),
    Entry(
        "bargaining",
        "split_difference",
        "2025.10.29",
        "The midpoint price and the smaller desired quantity, repeated.",
        parameters=(_BARTER,),
    ),
    Entry(
        "bargaining",
        "nash",
        "2025.10.29",
        "The trade with the largest product of both gains, weighted by power.",
        parameters=(
            Parameter(
                "power",
                "number",
                "Bargaining power of the agent with the lower id.",
                0.5,
                above=0.0,
                below=1.0,
            ),
            _BARTER,
        ),
    ),
    Entry(
        "bargaining",
        "kalai_smorodinsky",
        "2025.10.29",
        "Gains in proportion to the largest that each could have.",
        parameters=(_BARTER,),
    ),
    Entry(
        "bargaining",
        "take_it_or_leave_it",
        "2025.10.29",
        "One side makes one offer, the other accepts what does not harm it.",
        parameters=(
            Parameter(
                "proposer",
                "choice",
                "Who makes the offer.",
                "random",
                choices=("random", "buyer", "seller", "lower_id", "higher_id"),
            ),
            Parameter(
                "information",
                "choice",
                "complete: the proposer knows the other's utility; prior: only that a unit is "
                "worth something between low and high, evenly.",
                "complete",
                choices=("complete", "prior"),
            ),
            *_RANGE,
            _BARTER,
        ),
        check=check_range,
    ),
    Entry(
        "bargaining",
        "sealed_bid",
        "2025.10.29",
        "Both name a price; they trade at the mean if the bid is at least the ask.",
        parameters=(
            Parameter(
                "strategy",
                "choice",
                "truthful: bids are marginal rates; equilibrium: the linear equilibrium for "
                "values drawn evenly from low to high.",
                "truthful",
                choices=("truthful", "equilibrium"),
            ),
            *_RANGE,
            _BARTER,
        ),
        check=check_range,
    ),
)
