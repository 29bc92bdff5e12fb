"""Which targets an agent leaves alone for a while."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I8, I32


@dataclass(slots=True)
class Barred:
    """Targets that an agent waited for in vain; a slot is free once `until` is reached.

    `failures` counts how often the market `failed_at` sent its members away in a row.
    """

    kind: I8 = column(np.int8, "Intent kind", width="bars")
    target: I32 = column(np.int32, "id", width="bars", fill=-1, hashed=np.int64)
    until: I32 = column(np.int32, "first tick allowed again", width="bars")
    failed_at: I32 = column(np.int32, "post id", fill=-1, hashed=np.int64)
    failures: I32 = column(np.int32, "1")
