"""With whom an agent is paired."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I32


@dataclass(slots=True)
class Pairing:
    """The partner of this tick, -1 without one; always mutual."""

    partner: I32 = column(np.int32, "agent id", fill=-1, hashed=np.int64)
