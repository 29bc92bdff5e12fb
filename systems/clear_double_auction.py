"""Double auctions take one order after the other."""

from __future__ import annotations

import esper

from ecs_market.components.double_auction import DoubleAuction, Margins, RestingOrders
from ecs_market.components.market_post import MarketPost
from ecs_market.components.table import Table
from ecs_market.mechanisms import double_auction
from ecs_market.world import World


class ClearDoubleAuction(esper.Processor):
    """Let members hand in orders one by one; what is not traded rests."""

    def process(self, world: World) -> None:
        """Orders are cancelled when their agents leave, even where nobody is left."""
        for _, (table, post, rules, book, margins) in world.esper.get_components(
            Table, MarketPost, DoubleAuction, RestingOrders, Margins
        ):
            if not table.size:
                continue
            clearing = double_auction.clear(world, table.name, post, rules, book, margins)
            if clearing.active.any() or (clearing.orders is not None and clearing.orders.size):
                world.scratch.clearings.append(clearing)
