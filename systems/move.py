"""Agents walk towards their targets."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.mobility import Mobility
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.visibility import PostVisibility, Visibility
from ecs_market.kernels.movement import IDLE_WAYS, RANDOM_WALK, move_agents
from ecs_market.world import World


class Move(esper.Processor):
    """Move each mobile agent up to its budget, towards where its target was before the tick."""

    def process(self, world: World) -> None:
        """Take the snapshot of positions, then move every population that has Mobility."""
        position, mobility = world.agents.whole(Position), world.agents.whole(Mobility)
        intent, place = world.agents.whole(Intent), world.posts.whole(Position)
        patches, settings = world.only(ResourcePatches), world.settings
        idle = RANDOM_WALK if settings.wanders else IDLE_WAYS.index(settings.idle)
        nowhere = np.empty(0, np.int32)
        end = world.agents.end
        world.scratch.before_x[:end] = position.x[:end]
        world.scratch.before_y[:end] = position.y[:end]
        for table in world.tables(Position, Intent, Mobility):
            world.over(
                table.start,
                table.stop,
                move_agents,
                world.agents.whole(Identity).id,
                world.seed,
                world.tick,
                settings.width,
                settings.height,
                idle,
                world.scratch.before_x,
                world.scratch.before_y,
                mobility.budget,
                mobility.home_x,
                mobility.home_y,
                world.agents.whole(Visibility).interaction_radius,
                intent.kind,
                intent.target,
                world.agents.whole(Pairing).partner,
                world.scratch.search.mate,
                world.agent_rows,
                world.post_rows,
                place.x,
                place.y,
                world.posts.whole(PostVisibility).interaction_radius,
                nowhere if patches is None else patches.x,
                nowhere if patches is None else patches.y,
                position.x,
                position.y,
                settings.period_x,
                settings.period_y,
            )
