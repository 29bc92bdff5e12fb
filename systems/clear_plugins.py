"""Posts clear whose mechanisms come from other packages."""

from __future__ import annotations

import esper

from ecs_market.components.market_post import MarketPost
from ecs_market.mechanisms.registered import MECHANISMS, by_name
from ecs_market.world import World


class ClearPlugins(esper.Processor):
    """Let each mechanism that is plugged in clear its table of posts."""

    def process(self, world: World) -> None:
        """Call each mechanism that has posts, even where nobody came in this tick."""
        for name, table in world.posts.tables.items():
            if name in MECHANISMS or not table.size:
                continue
            module = by_name(name)
            kinds = (MarketPost, module.COMPONENT, *module.BOOKS)
            parts = [world.esper.component_for_entity(table.entity, kind) for kind in kinds]
            clearing = module.clear(world, name, *parts)
            if clearing.active.any():
                world.scratch.clearings.append(clearing)
