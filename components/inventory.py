"""What an agent owns."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I64


@dataclass(slots=True)
class Inventory:
    """Goods and money, in integers, so that nothing is ever lost in rounding."""

    goods: I64 = column(np.int64, "lot", width="goods")
    money: I64 = column(np.int64, "minor unit")
