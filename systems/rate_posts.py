"""Posts earn a reputation by what they give of what they promised."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.reputation import Reputation
from ecs_market.mechanisms.reputation import observed
from ecs_market.world import World


class RatePosts(esper.Processor):
    """Move the averages of each post that had something to show for itself in this tick."""

    def process(self, world: World) -> None:
        """Leave posts without members, or whose members wished for nothing, what they have."""
        weight = world.settings.reputation_weight
        if weight <= 0.0:
            return
        reputation = world.posts.whole(Reputation)
        for clearing in world.scratch.clearings:
            table = clearing.batch.table
            here = slice(table.start, table.stop)
            gain, fill = observed(clearing, world.scratch.search.promise)
            for average, shown in ((reputation.gain, gain), (reputation.fill, fill)):
                told = ~np.isnan(shown)
                moved = (1.0 - weight) * average[here] + weight * np.where(told, shown, 0.0)
                average[here] = np.where(told, moved, average[here])
