"""Pursuits end: with a trade, or after waiting in vain."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.barred import Barred
from ecs_market.components.intent import Intent
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.visibility import PostVisibility, Visibility
from ecs_market.kernels.pursuit import conclude_pursuits
from ecs_market.world import World


class Conclude(esper.Processor):
    """End the pursuits that were filled; bar targets that kept an agent waiting too long."""

    def process(self, world: World) -> None:
        """Count waiting only within reach, and not at a post that does not clear yet."""
        position, intent = world.agents.whole(Position), world.agents.whole(Intent)
        barred, place = world.agents.whole(Barred), world.posts.whole(Position)
        patches, settings = world.only(ResourcePatches), world.settings
        nowhere = np.empty(0, np.int32)
        for table in world.tables(Intent, Barred):
            barred_any = world.over(
                table.start,
                table.stop,
                conclude_pursuits,
                world.tick,
                settings.patience_ticks,
                settings.trade_cooldown_ticks,
                world.scratch.filled,
                world.scratch.waiting,
                position.x,
                position.y,
                world.agents.whole(Visibility).interaction_radius,
                world.agent_rows,
                world.post_rows,
                place.x,
                place.y,
                world.posts.whole(PostVisibility).interaction_radius,
                nowhere if patches is None else patches.x,
                nowhere if patches is None else patches.y,
                intent.kind,
                intent.target,
                intent.since,
                intent.waited,
                barred.kind,
                barred.target,
                barred.until,
                settings.period_x,
                settings.period_y,
            )
            if any(barred_any):
                until = world.tick + 1 + settings.trade_cooldown_ticks
                world.barred_until = max(world.barred_until, until)
