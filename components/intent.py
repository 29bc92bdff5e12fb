"""What an agent is after."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import F32, I8, I32

IDLE, MARKET, PARTNER, RESOURCE = 0, 1, 2, 3
KINDS = ("idle", "market", "agent", "resource")


@dataclass(slots=True)
class Intent:
    """The target of this tick, and the pursuit it belongs to.

    `target` is a post id, an agent id or a patch number, as `kind` says.  `since` is the tick in
    which the pursuit began, or -1 once it has ended.
    """

    kind: I8 = column(np.int8, "IDLE, MARKET, PARTNER or RESOURCE")
    target: I32 = column(np.int32, "id", fill=-1, hashed=np.int64)
    value: F32 = column(np.float32, "M", state=False)
    since: I32 = column(np.int32, "tick", fill=-1)
    waited: I32 = column(np.int32, "tick")
