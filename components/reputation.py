"""How far a post has kept what it promised."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import F64


@dataclass(slots=True)
class Reputation:
    """Moving averages from 0 to 1; posts have it only where reputation plays a role.

    `gain` is what members gained over what the post's prices promised them, `fill` what they traded
    over what they wished for.
    """

    gain: F64 = column(np.float64, "1", fill=1.0)
    fill: F64 = column(np.float64, "1", fill=1.0)
