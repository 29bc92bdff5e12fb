"""Agents look for one another, and with whom a trade would pay."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER
from ecs_market.kernels.partners import find_partners
from ecs_market.mechanisms.pursuits import bars_in_force
from ecs_market.preferences.modes import UNIT_OF_ACCOUNT
from ecs_market.scratch import PARTNER_SHARE
from ecs_market.world import World

# Looking at one neighbourhood costs about this many rows of simple work.
NEIGHBOURHOOD = 16


class SearchPartners(esper.Processor):
    """Write each trader's best partners in sight, by the pair's discounted total gain."""

    def process(self, world: World) -> None:
        """Read the index only; populations that do not bargain have no candidates."""
        search, settings = world.scratch.search, world.settings
        search.provide()
        search.candidates[:] = 0
        search.overlooked[:] = False
        index = world.scratch.index
        if index is None:
            return
        if settings.matching == "greedy_surplus":
            search.candidate_surplus = np.zeros(search.candidate_weight.shape, np.float32)
        world.over(
            0,
            len(index.row),
            find_partners,
            index.tile_start,
            index.tiles_x,
            index.tiles_y,
            index.column_shift,
            index.strip_shift,
            index.row,
            world.agents.whole(Identity).id,
            index.x,
            index.y,
            index.vision,
            index.grasp,
            index.stands,
            index.sides,
            world.beta_power,
            settings.min_value / PARTNER_SHARE,
            *bars_in_force(world),
            PARTNER,
            world.tick,
            search.candidates,
            search.candidate_row,
            search.candidate_weight,
            settings.mode != UNIT_OF_ACCOUNT,
            settings.barters,
            search.candidate_surplus,
            search.overlooked,
            settings.period_x,
            settings.period_y,
            cost=NEIGHBOURHOOD,
        )
        world.scratch.index = None  # its memory is of use to others
        world.trim()
