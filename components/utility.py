"""What an agent wants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import F64, I8


@dataclass(slots=True)
class Utility:
    """A utility family and its parameters; the layout of a row is the family's own."""

    family: I8 = column(np.int8, "family code")
    parameters: F64 = column(np.float64, "family's own", width="parameters")
    money_weight: F64 = column(np.float64, "utility / M", fill=1.0)
