"""Call auctions clear at one price."""

from __future__ import annotations

import esper

from ecs_market.components.call_auction import CallAuction
from ecs_market.components.market_post import MarketPost
from ecs_market.components.table import Table
from ecs_market.mechanisms import call_auction
from ecs_market.world import World


class ClearCallAuction(esper.Processor):
    """Gather orders; at the end of an interval trade them at the price of most volume."""

    def process(self, world: World) -> None:
        """Call each table of call auctions that has members."""
        for _, (table, post, rules) in world.esper.get_components(Table, MarketPost, CallAuction):
            first = world.scratch.orders.first
            if first[table.stop] > first[table.start]:
                clearing = call_auction.clear(world, table.name, post, rules)
                if clearing.active.any():
                    world.scratch.clearings.append(clearing)
