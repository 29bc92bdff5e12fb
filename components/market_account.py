"""What a post itself owns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I64


@dataclass(slots=True)
class MarketAccount:
    """Fees taken, and the stock of a post that trades on its own account."""

    goods: I64 = column(np.int64, "lot", width="goods")
    money: I64 = column(np.int64, "minor unit")
