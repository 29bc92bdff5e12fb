"""Pairs that have met bargain."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.bilateral_trader import BilateralTrader
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility
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
    ids = world.agents.whole(Identity).id
    partner = world.agents.whole(Pairing).partner
    kind = world.agents.whole(Intent).kind
    position, sight = world.agents.whole(Position), world.agents.whole(Visibility)
    found = [np.empty(0, np.int64)]
    for table in world.tables(BilateralTrader, Pairing, Intent):
        here = slice(table.start, table.stop)
        lower = (kind[here] == PARTNER) & (ids[here] < partner[here])
        found.append(table.start + np.flatnonzero(lower))
    first = np.concatenate(found)
    second = world.scratch.search.mate[first].astype(np.int64)
    # Where a host has made pairs of its own, matching has not.
    changed = np.flatnonzero((second < 0) | (ids[second] != partner[first]))
    second[changed] = world.agent_rows[partner[first[changed]]]
    distance = world.settings.distances(
        position.x[first], position.y[first], position.x[second], position.y[second]
    )
    reach = np.minimum(sight.interaction_radius[first], sight.interaction_radius[second])
    return first[distance <= reach], second[distance <= reach]
