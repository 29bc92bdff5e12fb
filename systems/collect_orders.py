"""Agents that have reached their post join it."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.intent import Intent
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.position import Position
from ecs_market.components.visibility import PostVisibility
from ecs_market.kernels.attendance import join_posts
from ecs_market.mechanisms.members import gather
from ecs_market.types import Bool
from ecs_market.world import World


class CollectOrders(esper.Processor):
    """Write who stands at which post, in the order (post, family, id)."""

    def process(self, world: World) -> None:
        """Join agents to their target post if it is in reach and clears now."""
        position, intent = world.agents.whole(Position), world.agents.whole(Intent)
        place = world.posts.whole(Position)
        if world.large:
            world.scratch.search.release()  # everybody has a target: members need the room
        world.trim()
        world.scratch.at_post[:] = -1
        world.scratch.filled[:] = False
        world.scratch.waiting[:] = False
        due = due_posts(world)
        for table in world.tables(Position, Intent):
            world.over(
                table.start,
                table.stop,
                join_posts,
                intent.kind,
                intent.target,
                position.x,
                position.y,
                world.post_rows,
                place.x,
                place.y,
                world.posts.whole(PostVisibility).interaction_radius,
                due,
                world.scratch.at_post,
                world.scratch.waiting,
                world.settings.period_x,
                world.settings.period_y,
            )
        world.scratch.orders = gather(world)


def due_posts(world: World) -> Bool:
    """Return the posts that clear in this tick: every `clear_every` ticks."""
    every = world.posts.whole(MarketRules).clear_every
    due: Bool = (world.tick + 1) % np.maximum(every, 1) == 0
    return due
