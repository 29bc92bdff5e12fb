"""Options of agents that belong to no mechanism, family or protocol."""

from __future__ import annotations

from ecs_market.registry import Parameter

MONEY_WEIGHT = Parameter(
    "money_weight",
    "number",
    "Utility of one M; in money mode in_utility the weight of M among the goods, which may be 0.",
    1.0,
    minimum=0.0,
    maximum=1e12,
)
MARKET_MEMORY = Parameter(
    "market_memory",
    "block",
    "What agents remember of prices they heard.",
    {"slots": 0},
    parts=(
        Parameter("slots", "integer", "Posts whose prices are kept.", 0, minimum=0, maximum=64),
    ),
)
MARKET_CHOICE = Parameter(
    "market_choice",
    "block",
    "How an agent picks among the posts that it knows.",
    {"type": "score", "temperature": 1.0},
    parts=(
        Parameter(
            "type",
            "choice",
            "score: the best; softmax: drawn, the better the likelier.",
            "score",
            choices=("score", "softmax"),
        ),
        Parameter(
            "temperature",
            "number",
            "Difference in value that makes a post e times as likely [M].",
            1.0,
            above=0.0,
            maximum=1e12,
        ),
    ),
)
REPUTATION = Parameter(
    "reputation",
    "block",
    "Whether agents learn how much of a post's promised gain they get.",
    {"type": "none", "weight": 0.2},
    parts=(
        Parameter(
            "type",
            "choice",
            "none, or ema: a moving average of the realised share.",
            "none",
            choices=("none", "ema"),
        ),
        Parameter(
            "weight",
            "number",
            "Weight of the latest clearing in the average.",
            0.2,
            above=0.0,
            maximum=1.0,
        ),
    ),
)
# Options that stand at the top level or in params.
OPTIONS = (MARKET_MEMORY, MARKET_CHOICE, REPUTATION)
