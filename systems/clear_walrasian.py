"""Walrasian posts clear by tatonnement."""

from __future__ import annotations

import esper

from ecs_market.components.market_post import MarketPost
from ecs_market.components.table import Table
from ecs_market.components.walrasian import Walrasian
from ecs_market.mechanisms import walrasian
from ecs_market.world import World


class ClearWalrasian(esper.Processor):
    """Find clearing prices at all Walrasian posts together, ration and settle."""

    def process(self, world: World) -> None:
        """Clear each table of Walrasian posts that has members."""
        for _, (table, post, rules) in world.esper.get_components(Table, MarketPost, Walrasian):
            first = world.scratch.orders.first
            if first[table.stop] > first[table.start]:
                clearing = walrasian.clear(world, table.name, post, rules)
                world.scratch.clearings.append(clearing)
