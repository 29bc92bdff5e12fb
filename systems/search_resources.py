"""Foragers look for resource patches."""

from __future__ import annotations

import esper

from ecs_market.components.forager import Forager
from ecs_market.components.intent import RESOURCE, Intent
from ecs_market.components.mobility import Mobility
from ecs_market.components.patch_index import PatchIndex
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.visibility import Visibility
from ecs_market.kernels.patches import find_patches
from ecs_market.mechanisms.pursuits import bars_in_force
from ecs_market.world import World

NEIGHBOURHOOD = 8


class SearchResources(esper.Processor):
    """Write each forager's best patch in sight: its whole amount at the marginal rate."""

    def process(self, world: World) -> None:
        """Look only at populations that forage, in modes that do."""
        search, settings = world.scratch.search, world.settings
        search.best_patch[:] = -1
        search.patch_value[:] = 0.0
        patches, index = world.only(ResourcePatches), world.only(PatchIndex)
        if patches is None or index is None or not settings.forages_at(world.tick):
            return
        position, sight = world.agents.whole(Position), world.agents.whole(Visibility)
        intent = world.agents.whole(Intent)
        for table in world.tables(Forager, Position, Visibility, Intent):
            world.over(
                table.start,
                table.stop,
                find_patches,
                position.x,
                position.y,
                sight.vision_radius,
                world.agents.whole(Mobility).budget,
                search.rate,
                index.tile_start,
                index.tiles_x,
                index.tiles_y,
                patches.x,
                patches.y,
                patches.good,
                patches.amount,
                patches.touched,
                patches.regrowth_rate,
                patches.cooldown,
                patches.max_amount,
                settings.lot_size,
                world.beta_power,
                settings.min_value,
                intent.kind,
                intent.target,
                intent.since,
                *bars_in_force(world),
                RESOURCE,
                world.tick,
                search.best_patch,
                search.patch_value,
                settings.wanders,
                settings.period_x,
                settings.period_y,
                cost=NEIGHBOURHOOD,
            )
