"""Which prices an agent remembers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I32, I64


@dataclass(slots=True)
class MarketMemory:
    """The last prices heard of some posts; agents have it only where they remember any.

    `price` and `formed_at` hold one entry for each good, slot after slot; a slot is free where
    `post` is -1, a good has no price where it is 0.
    """

    post: I64 = column(np.int64, "post id", width="memory", fill=-1)
    price: I64 = column(np.int64, "price step", width="memory_prices")
    formed_at: I32 = column(np.int32, "tick", width="memory_prices", fill=-1)
