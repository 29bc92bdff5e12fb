"""Who a row is: the id that stays when rows move."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I64


@dataclass(slots=True)
class Identity:
    """The stable id of each row, given in declaration order and never reused."""

    id: I64 = column(np.int64, "id", fill=-1)
