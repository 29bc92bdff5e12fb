"""Pairs that have met bargain."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.bilateral_trader import BilateralTrader
from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility
from ecs_market.kernels.meetings import list_meetings
from ecs_market.mechanisms.bargaining import bargain
from ecs_market.types import I64
from ecs_market.world import World


class Bargain(esper.Processor):
    """Let each pair within interaction radius trade until nothing gains a lot."""

    def process(self, world: World) -> None:
        """Pairs are disjoint; they go in the order of rows, which are near each other in memory."""
        world.trim()
        first, second = meetings(world)
        world.scratch.bargains = bargain(world, first, second)


def meetings(world: World) -> tuple[I64, I64]:
    """Return the rows of the two agents of each pair that can trade, first the lower id's."""
    position, sight = world.agents.whole(Position), world.agents.whole(Visibility)
    found = [np.empty((0, 2), np.int32)]
    for table in world.tables(BilateralTrader, Pairing, Intent):
        found += world.over(
            table.start,
            table.stop,
            list_meetings,
            world.agents.whole(Identity).id,
            world.agents.whole(Intent).kind,
            world.agents.whole(Pairing).partner,
            world.scratch.search.mate,
            world.agent_rows,
            position.x,
            position.y,
            sight.interaction_radius,
            world.settings.period_x,
            world.settings.period_y,
        )
    sides = np.concatenate(found)
    return sides[:, 0].astype(np.int64), sides[:, 1].astype(np.int64)
