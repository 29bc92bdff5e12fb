"""Posted-price posts trade at their price and adjust it."""

from __future__ import annotations

import esper

from ecs_market.components.market_post import MarketPost
from ecs_market.components.posted_price import PostedPrice, WishBook
from ecs_market.components.table import Table
from ecs_market.mechanisms import posted_price
from ecs_market.world import World


class ClearPostedPrice(esper.Processor):
    """Ration trades at posted prices; move prices by what was wanted."""

    def process(self, world: World) -> None:
        """Prices are adjusted when due even where nobody came in this tick."""
        for _, (table, post, board, book) in world.esper.get_components(
            Table, MarketPost, PostedPrice, WishBook
        ):
            clearing = posted_price.clear(world, table.name, post, board, book)
            if clearing.active.any():
                world.scratch.clearings.append(clearing)
