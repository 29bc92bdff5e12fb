"""How an agent moves."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I32


@dataclass(slots=True)
class Mobility:
    """Steps a tick, and the cell to return to; a population without it stays put."""

    home_x: I32 = column(np.int32, "cell")
    home_y: I32 = column(np.int32, "cell")
    budget: I32 = column(np.int32, "cell / tick")
