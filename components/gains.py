"""What an agent has gained from trade so far."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I64


@dataclass(slots=True)
class Gains:
    """Sum of the gains of all trades, each valued in money when it was made."""

    realised: I64 = column(np.int64, "minor unit", state=False)
