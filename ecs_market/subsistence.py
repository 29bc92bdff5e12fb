"""Who has less than it needs to live on."""

from __future__ import annotations

from ecs_market.components.inventory import Inventory
from ecs_market.components.utility import Utility
from ecs_market.preferences import stone_geary
from ecs_market.world import World


def below_subsistence(world: World) -> int:
    """Return how many agents own less of a good than the subsistence of their Stone-Geary utility.

    For these the engine's demand is the same part of what they need of every good.
    """
    if stone_geary.CODE not in world.families:
        return 0
    utility, rows = world.agents.whole(Utility), world.agent_rows
    rows = rows[rows >= 0]
    rows = rows[utility.family[rows] == stone_geary.CODE]
    needs = utility.parameters[rows, world.bundle : world.bundle + world.goods]
    held = world.agents.whole(Inventory).goods[rows] * world.settings.lot_size
    return int((held < needs - 0.5 * world.settings.lot_size).any(axis=1).sum())
