"""What every post has besides its mechanism: how often it clears, its fees and its limits."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import F64, I32, I64


@dataclass(slots=True)
class MarketRules:
    """Rules of a post, whatever its mechanism.

    `fee_ppb` and `fee_per_lot` are what buyer and seller each pay on a trade.  `price_band` is the
    largest relative change against the price last published, `shading` the share by which members
    hold back what they want.
    """

    clear_every: I32 = column(np.int32, "tick", fill=1)
    fee_ppb: I64 = column(np.int64, "1e-9 of the payment")
    fee_per_lot: I64 = column(np.int64, "minor unit / lot")
    price_band: F64 = column(np.float64, "1, 0 = none")
    shading: F64 = column(np.float64, "1")
