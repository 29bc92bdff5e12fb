"""Who harvests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I64


@dataclass(slots=True)
class Forager:
    """How much an agent takes from a patch in a tick."""

    rate: I64 = column(np.int64, "lot / tick")
