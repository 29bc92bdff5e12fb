"""What a scenario may say about the family and the mechanism; imports no numba."""

from __future__ import annotations

from ecs_market.declared.mechanisms import CLEAR_EVERY
from ecs_market.registry import Entry, Parameter

EXPONENTIAL = Entry(
    kind="family",
    name="exponential",
    version="1.0",
    description="u is the sum of weight x (1 - exp(-rate x quantity)) / rate: each good satiates.",
    aliases=("cara",),
    parameters=(
        Parameter(
            "weights",
            "per_good",
            "Worth of the first bit of each good, in the order of goods.",
            minimum=0.0,
            maximum=1e6,
            required=True,
        ),
        Parameter(
            "rate", "number", "How fast the worth falls [1 / unit].", 0.1, above=0.0, maximum=1e3
        ),
    ),
    module="market_example.exponential",
    modes=("quasilinear", "unit_of_account"),
)

FIXED_PRICE = Entry(
    kind="mechanism",
    name="fixed_price",
    version="1.0",
    description="Trades at a price that never changes, the long side rationed.",
    parameters=(
        Parameter(
            "price",
            "price",
            "The price [M / unit], one for all goods or one a good.",
            required=True,
            above=0.0,
            maximum=1e6,
        ),
        CLEAR_EVERY,
    ),
    module="market_example.fixed_price",
    modes=("quasilinear",),
)
