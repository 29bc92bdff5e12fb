"""Agents remember the prices they hear."""

from __future__ import annotations

from typing import Any

import esper

from ecs_market.components.identity import Identity
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.position import Position
from ecs_market.components.post_index import PostIndex
from ecs_market.components.visibility import PostVisibility
from ecs_market.kernels.memory import remember
from ecs_market.types import I32
from ecs_market.world import World

POST_COST = 4


class Remember(esper.Processor):
    """Refresh each agent's memory of prices from what it hears; old ones make room."""

    def process(self, world: World) -> None:
        """Do nothing where agents have no memory."""
        index = world.only(PostIndex)
        if not world.settings.memory_slots or index is None:
            return
        position, memory = world.agents.whole(Position), world.agents.whole(MarketMemory)
        heard = hearing(world, index, world.tick, position.x, position.y)
        for table in world.tables(MarketMemory, Position):
            world.over(
                table.start,
                table.stop,
                remember,
                *heard,
                memory.post,
                memory.price,
                memory.formed_at,
                cost=POST_COST,
            )


def hearing(world: World, index: PostIndex, tick: int, x: I32, y: I32) -> tuple[Any, ...]:
    """Return what `remember` reads of the posts for agents at these places."""
    place, post = world.posts.whole(Position), world.posts.whole(MarketPost)
    return (
        tick,
        world.settings.price_info.expire_after,
        x,
        y,
        index.tiles_x,
        index.shift,
        index.tile_start,
        index.post,
        world.post_rows,
        place.x,
        place.y,
        world.posts.whole(Identity).id,
        world.posts.whole(PostVisibility).broadcast_radius,
        world.scratch.heard_price,
        world.scratch.confidence,
        post.current_prices,
        post.price_formed_at,
        world.settings.period_x,
        world.settings.period_y,
    )
