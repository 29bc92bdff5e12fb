"""Traders are counted into tiles, so that neighbours are found without looking at everybody."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.bilateral_trader import BilateralTrader
from ecs_market.components.inventory import Inventory
from ecs_market.components.mobility import Mobility
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility
from ecs_market.kernels.lanes import LANES
from ecs_market.kernels.spatial import (
    COLUMN_SHIFT,
    SIDE,
    STRIP_SHIFT,
    TraderIndex,
    accumulate,
    count_tiles,
    fill_index,
    place_rows,
    tile_shifts,
)
from ecs_market.world import World


class IndexTraders(esper.Processor):
    """Build the compact index of all populations that bargain, in the order of tiles."""

    def process(self, world: World) -> None:
        """Count, place and copy; nothing if agents do not look for partners."""
        if not world.settings.sees_partners(world.tick):
            world.scratch.index = None
            return
        world.scratch.index = None  # freed before the next one is made
        position = world.agents.whole(Position)
        tables = list(world.tables(BilateralTrader, Position, Visibility))
        index = empty_index(world, sum(table.size for table in tables))
        for table in tables:
            here = (table.start, table.stop, position.x, position.y)
            count_tiles(*here, *index.tiling, index.tile_start)
        accumulate(index.tile_start)
        places = index.tile_start[:-1].copy()
        for table in tables:
            here = (table.start, table.stop, position.x, position.y)
            place_rows(*here, *index.tiling, places, index.row)
        inventory = world.agents.whole(Inventory)
        stands = world.over(
            0,
            len(index.row),
            fill_index,
            index.row,
            position.x,
            position.y,
            world.agents.whole(Visibility).vision_radius,
            world.agents.whole(Visibility).interaction_radius,
            world.agents.whole(Mobility).budget,
            world.scratch.search.rate,
            world.scratch.search.curvature,
            inventory.goods,
            inventory.money,
            world.settings.lot_size,
            world.settings.minor_size,
            index.x,
            index.y,
            index.vision,
            index.grasp,
            index.sides,
            world.settings.wanders,
        )
        index.stands = any(stands)
        world.scratch.index = index


def empty_index(world: World, entries: int) -> TraderIndex:
    """Allocate the index of a number of traders."""
    width, height, goods = world.settings.width, world.settings.height, world.goods
    column, strip = tile_shifts(width, height, COLUMN_SHIFT, STRIP_SHIFT, entries)
    tiles_x, tiles_y = (width >> column) + 1, (height >> strip) + 1
    return TraderIndex(
        tiles_x=tiles_x,
        tiles_y=tiles_y,
        column_shift=column,
        strip_shift=strip,
        tile_start=np.zeros(tiles_x * tiles_y + 1, np.int32),
        row=np.empty(entries, np.int32),
        x=np.zeros(entries + LANES, np.int32),
        y=np.zeros(entries + LANES, np.int32),
        vision=np.zeros(entries + LANES, np.int32),
        grasp=np.empty(entries, np.int32),
        stands=False,
        sides=np.empty((entries, goods, SIDE), np.float32),
    )
