"""A place where a price is made."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I8, I32, I64, Bool

NONE, CONVERGED, MARGINAL, CYCLING, BOUNDARY, FAILED, INDICATIVE, RATIONED = range(8)
STATUSES = (
    "none",
    "converged",
    "marginal",
    "cycling",
    "boundary",
    "failed",
    "indicative",
    "rationed",
)


@dataclass(slots=True)
class MarketPost:
    """What a post trades and what it last published.

    `status` is how the last clearing ended, an index into `STATUSES`.
    """

    commodities: Bool = column(np.bool_, "traded here", width="goods")
    current_prices: I64 = column(np.int64, "price step, 0 = none", width="goods")
    price_formed_at: I32 = column(np.int32, "tick, -1 = never", width="goods", fill=-1)
    last_clear_tick: I32 = column(np.int32, "tick, -1 = never", fill=-1)
    status: I8 = column(np.int8, "index into STATUSES", state=False)
