"""Which pairs stand near enough to trade."""

from __future__ import annotations

import numpy as np

from ecs_market.components.intent import PARTNER
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.spatial import apart
from ecs_market.types import I8, I32, I64, int64, uint64


@kernel
def list_meetings(
    start: int,
    stop: int,
    ids: I64,
    kind: I8,
    partner: I32,
    mate: I32,
    agent_rows: I64,
    x: I32,
    y: I32,
    interaction: I32,
    period_x: int,
    period_y: int,
) -> I32:
    """Return the rows of both agents of each pair within reach, (m, 2), the lower id's first.

    `mate` is the row of a partner that matching has found; where a host has made pairs of its own,
    the partner's id is looked up.
    """
    found = np.empty((stop - start, 2), np.int32)
    pairs = 0
    for row in range(uint64(start), uint64(stop)):
        if kind[row] != PARTNER or ids[row] >= partner[row]:
            continue
        other = uint64(max(int64(mate[row]), int64(0)))
        if mate[row] < 0 or ids[other] != partner[row]:
            other = uint64(agent_rows[partner[row]])
        distance = apart(int64(x[row]), int64(x[other]), period_x)
        distance += apart(int64(y[row]), int64(y[other]), period_y)
        if distance <= min(interaction[row], interaction[other]):
            found[pairs, 0] = row
            found[pairs, 1] = other
            pairs += 1
    return found[:pairs].copy()
