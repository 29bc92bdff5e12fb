"""Foragers harvest the patch they stand on."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.forager import Forager
from ecs_market.components.identity import Identity
from ecs_market.components.intent import RESOURCE, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.kernels.patches import harvest
from ecs_market.world import World


class Forage(esper.Processor):
    """Agents that target a patch and stand on it take from it, in the order of ids."""

    def process(self, world: World) -> None:
        """Book what was taken as harvest."""
        patches = world.only(ResourcePatches)
        world.scratch.harvested = np.zeros(world.goods, np.int64)
        if patches is None or not world.settings.forages_at(world.tick):
            return
        intent, position = world.agents.whole(Intent), world.agents.whole(Position)
        found = [np.empty(0, np.int64)]
        for table in world.tables(Forager, Intent, Position):
            here = slice(table.start, table.stop)
            rows = table.start + np.flatnonzero(intent.kind[here] == RESOURCE)
            patch = intent.target[rows]
            there = (position.x[rows] == patches.x[patch]) & (position.y[rows] == patches.y[patch])
            found.append(rows[there])
        rows = np.concatenate(found)
        harvest(
            rows[np.argsort(world.agents.whole(Identity).id[rows])],
            intent.target,
            world.agents.whole(Forager).rate,
            patches.good,
            patches.amount,
            patches.touched,
            patches.regrowth_rate,
            patches.cooldown,
            patches.max_amount,
            world.tick,
            world.agents.whole(Inventory).goods,
            world.scratch.filled,
            world.scratch.harvested,
        )
        world.ledger.harvest[:-1] += world.scratch.harvested
        world.ledger.check_bounds()
