"""Agents remember the prices they hear."""

from __future__ import annotations

import esper

from ecs_market.components.identity import Identity
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.position import Position
from ecs_market.components.post_index import PostIndex
from ecs_market.components.visibility import PostVisibility
from ecs_market.kernels.memory import remember
from ecs_market.world import World

POST_COST = 4


class Remember(esper.Processor):
    """Refresh each agent's memory of prices from what it hears; old ones make room."""

    def process(self, world: World) -> None:
        """Do nothing where agents have no memory."""
        index, settings = world.only(PostIndex), world.settings
        if not settings.memory_slots or index is None:
            return
        position, place = world.agents.whole(Position), world.posts.whole(Position)
        memory, post = world.agents.whole(MarketMemory), world.posts.whole(MarketPost)
        for table in world.tables(MarketMemory, Position):
            world.over(
                table.start,
                table.stop,
                remember,
                world.tick,
                settings.price_info.expire_after,
                position.x,
                position.y,
                index.tiles_x,
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
                settings.period_x,
                settings.period_y,
                memory.post,
                memory.price,
                memory.formed_at,
                cost=POST_COST,
            )
