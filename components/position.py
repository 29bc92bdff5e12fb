"""Where an agent or a post is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I32


@dataclass(slots=True)
class Position:
    """Cell on the bounded grid; cells may be shared."""

    x: I32 = column(np.int32, "cell")
    y: I32 = column(np.int32, "cell")
