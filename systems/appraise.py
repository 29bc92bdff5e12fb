"""Agents work out what a unit more of each good is worth to them."""

from __future__ import annotations

import esper

from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.preferences import families
from ecs_market.world import World


class Appraise(esper.Processor):
    """Write marginal rates [M / unit] and how fast they fall, once an agent and tick."""

    def process(self, world: World) -> None:
        """Go through every population."""
        utility = world.agents.whole(Utility)
        inventory = world.agents.whole(Inventory)
        search = world.scratch.search
        for table in world.tables(Inventory, Utility):
            world.over(
                table.start,
                table.stop,
                families.search(world.families).appraise,
                utility.family,
                inventory.goods,
                inventory.money,
                utility.parameters,
                utility.money_weight,
                world.settings.mode,
                world.settings.lot_size,
                world.settings.minor_size,
                search.rate,
                search.curvature,
            )
