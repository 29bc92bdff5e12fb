"""The spatial index: rows counted into square tiles, in the order of tiles.

Tiles of one row of tiles follow one another, so that a search for neighbours reads one contiguous
run of entries for each row of tiles that it touches.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.types import F32, I32, I64, float64, int64

TILE_SHIFT = 2


@dataclass(slots=True)
class TraderIndex:
    """Compact copy, in tile order, of what the search for partners reads; one entry a trader.

    Attributes
    ----------
    tiles_x, tiles_y
        Size of the grid [tile].
    tile_start
        int32 (tiles + 1,): the entries of a tile.
    row, id
        Row in the arena and id.
    x, y, vision
        int32 (m,) [cell].
    grasp
        int32 (m,): how far one who cannot walk can trade, -1 for who can walk [cell].
    rate, curvature, stock
        float32 (m, K): marginal rate [M / unit], minus its slope, holdings [unit].
    cash
        float32 (m,): what can be paid with [M].
    """

    tiles_x: int
    tiles_y: int
    tile_start: I32
    row: I32
    id: I64
    x: I32
    y: I32
    vision: I32
    grasp: I32
    rate: F32
    curvature: F32
    stock: F32
    cash: F32


@kernel
def count_tiles(start: int, stop: int, x: I32, y: I32, tiles_x: int, tile_start: I32) -> None:
    """Add each row to the count of its tile, kept one place on (`tile_start[tile + 1]`)."""
    for row in range(start, stop):
        tile = (int64(y[row]) >> TILE_SHIFT) * tiles_x + (int64(x[row]) >> TILE_SHIFT)
        tile_start[tile + 1] += 1


@kernel
def accumulate(starts: I32 | I64) -> None:
    """Turn counts into starts."""
    for place in range(1, starts.shape[0]):
        starts[place] += starts[place - 1]


@kernel
def place_rows(
    start: int, stop: int, x: I32, y: I32, tiles_x: int, next_place: I32, placed: I32
) -> None:
    """Write each row to the next free place of its tile."""
    for row in range(start, stop):
        tile = (int64(y[row]) >> TILE_SHIFT) * tiles_x + (int64(x[row]) >> TILE_SHIFT)
        placed[next_place[tile]] = row
        next_place[tile] += 1


@kernel
def fill_index(
    start: int,
    stop: int,
    rows: I32,
    ids: I64,
    x: I32,
    y: I32,
    vision: I32,
    interaction: I32,
    budget: I32,
    rate: F32,
    curvature: F32,
    goods: I64,
    cash: I64,
    cash_good: int,
    lot_size: float,
    minor_size: float,
    out_id: I64,
    out_x: I32,
    out_y: I32,
    out_vision: I32,
    out_grasp: I32,
    out_rate: F32,
    out_curvature: F32,
    out_stock: F32,
    out_cash: F32,
) -> None:
    """Copy what the search reads; `cash_good` is the good that pays, -1 for money."""
    n = goods.shape[1]
    for entry in range(start, stop):
        row = rows[entry]
        out_id[entry] = ids[row]
        out_x[entry] = x[row]
        out_y[entry] = y[row]
        out_vision[entry] = vision[row]
        out_grasp[entry] = interaction[row] if budget[row] <= 0 else -1
        for k in range(n):
            out_rate[entry, k] = rate[row, k]
            out_curvature[entry, k] = curvature[row, k]
            out_stock[entry, k] = np.float32(float64(goods[row, k]) * lot_size)
        if cash_good < 0:
            out_cash[entry] = np.float32(float64(cash[row]) * minor_size)
        else:
            out_cash[entry] = out_stock[entry, cash_good]
