"""The auctioneer's settings, a value a post."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import F64, I8, I32

NO_TRADE, NEWTON, RATION_LAST, BILATERAL, CALL_AUCTION = 0, 1, 2, 3, 4
FALLBACKS = ("no_trade", "newton", "ration_last", "bilateral", "call_auction")


@dataclass(slots=True)
class Walrasian:
    """Parameters of a post cleared by tatonnement; `on_failure` is filled up with NO_TRADE."""

    adjustment_speed: F64 = column(np.float64, "1")
    price_tolerance: F64 = column(np.float64, "1")
    max_iterations: I32 = column(np.int32, "1")
    initial_price: F64 = column(np.float64, "M / unit, 0 = none", width="goods")
    on_failure: I8 = column(np.int8, "index into FALLBACKS", width="fallbacks")
