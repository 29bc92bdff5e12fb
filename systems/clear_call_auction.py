"""Call auctions clear at one price."""

from __future__ import annotations

import esper

from ecs_market.components.call_auction import CallAuction, GatheredOrders
from ecs_market.components.market_post import MarketPost
from ecs_market.components.table import Table
from ecs_market.mechanisms import call_auction
from ecs_market.world import World


class ClearCallAuction(esper.Processor):
    """Gather orders; at the end of an interval trade them at the price of most volume."""

    def process(self, world: World) -> None:
        """Call each table that has members, or orders of agents that have left."""
        for _, (table, post, rules, book) in world.esper.get_components(
            Table, MarketPost, CallAuction, GatheredOrders
        ):
            first = world.scratch.orders.first
            if first[table.stop] > first[table.start] or len(book.agent):
                clearing = call_auction.clear(world, table.name, post, rules, book)
                orders = clearing.orders
                if clearing.active.any() or (orders is not None and orders.size):
                    world.scratch.clearings.append(clearing)
