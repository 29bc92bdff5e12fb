"""The spatial index: rows counted into tiles, in the order of tiles.

Tiles of one row of tiles follow one another, so that a search for neighbours reads one contiguous
run of entries for each row of tiles that it touches.  Posts and patches lie in square tiles.  Those
of traders are higher than wide: a sight touches few rows of them, and little beyond its edge.

An axis of a torus has its length as its period; an axis that ends has the period `OPEN`, so far
that no way round is ever the shorter one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.kernels.jit import helper, inlined, kernel
from ecs_market.settings import OPEN
from ecs_market.types import F32, I32, I64, float64, int64, uint64

TILE_SHIFT = 2
# The least sizes of a trader's tile; on a grid that is almost empty tiles are larger.
COLUMN_SHIFT = 1
STRIP_SHIFT = 3
# How many tiles there are at most for each entry; and without any.
TILES_AN_ENTRY = 8
# What an index holds of a trader for each good; together it is as long as a short vector.
RATE, CURVATURE, STOCK, CASH = range(4)
SIDE = 4
FEW_TILES = 1024


@dataclass(slots=True)
class TraderIndex:
    """Compact copy, in tile order, of what the search for partners reads; one entry a trader.

    Attributes
    ----------
    tiles_x, tiles_y
        Size of the grid [tile].
    column_shift, strip_shift
        A tile is 2**column_shift wide and 2**strip_shift high [cell].
    tile_start
        int32 (tiles + 1,): the entries of a tile.
    row
        Row in the arena.
    x, y, vision
        int32 (m + LANES,) [cell]: `LANES` entries at a time are read, up to so many past the last.
    grasp
        int32 (m,): how far one who does not walk to others can trade, -1 for who does [cell].
    stands
        Whether there is one who does not.
    sides
        float32 (m, K, SIDE): for each good what the gain of trading it depends on, namely the
        marginal rate [M / unit], minus its slope, how much there is of it [unit], and what it can
        be paid with [M].
    """

    tiles_x: int
    tiles_y: int
    column_shift: int
    strip_shift: int
    tile_start: I32
    row: I32
    x: I32
    y: I32
    vision: I32
    grasp: I32
    stands: bool
    sides: F32

    @property
    def tiling(self) -> tuple[int, int, int]:
        """Return what leads from a cell to its tile."""
        return self.tiles_x, self.column_shift, self.strip_shift


def tile_shifts(width: int, height: int, column: int, strip: int, entries: int) -> tuple[int, int]:
    """Return how wide and high tiles are, as powers of two: at least as the two given [cell].

    There are not many more tiles than entries, so that an index takes memory and time for what is
    in it, and none for a grid that is almost empty.
    """
    most = FEW_TILES + TILES_AN_ENTRY * entries
    while ((width >> column) + 1) * ((height >> strip) + 1) > most:
        column, strip = column + 1, strip + 1
    return column, strip


@inlined
def apart(a: int, b: int, period: int) -> int:
    """Return how far two places on an axis are apart, the shorter way round [cell]."""
    gap = abs(a - b)
    return min(gap, period - gap)


@helper
def way(start: int, end: int, period: int) -> int:
    """Return the signed way from one place on an axis to another, the shorter one.

    Where both ways round are as long, it is the positive one.
    """
    gap = end - start
    if 2 * gap > period:
        return gap - period
    if 2 * gap <= -period:
        return gap + period
    return gap


@helper
def tile_spans(
    at: int, sight: int, tiles: int, period: int, shift: int
) -> tuple[int, int, int, int]:
    """Return which tiles of an axis a neighbourhood touches: two spans, each tile in one of them.

    Parameters
    ----------
    at, sight
        Middle and radius of the neighbourhood [cell].
    tiles
        Tiles of the axis.
    period
        Its length if it wraps, else `OPEN`.
    shift
        A tile is 2**shift long [cell].

    Returns
    -------
    tuple of int
        First and last tile of the first span, then of the second, which is empty (its last tile
        comes before its first) unless the neighbourhood reaches over the edge.
    """
    low = at - sight
    high = at + sight
    if period >= OPEN:
        return max(0, low) >> shift, min(tiles - 1, high >> shift), 0, -1
    last = (period - 1) >> shift
    if high - low + 1 >= period:
        return 0, last, 0, -1
    if low >= 0 and high < period:
        return low >> shift, high >> shift, 0, -1
    if low < 0:
        low += period
    else:
        high -= period
    # The two ends may meet in one tile, which then must not be found twice.
    if low >> shift <= high >> shift:
        return 0, last, 0, -1
    return 0, high >> shift, low >> shift, last


@kernel
def count_tiles(
    start: int,
    stop: int,
    x: I32,
    y: I32,
    tiles_x: int,
    column_shift: int,
    strip_shift: int,
    tile_start: I32,
) -> None:
    """Add each row to the count of its tile, kept one place on (`tile_start[tile + 1]`)."""
    for row in range(uint64(start), uint64(stop)):
        tile = (int64(y[row]) >> strip_shift) * tiles_x + (int64(x[row]) >> column_shift)
        tile_start[uint64(tile + 1)] += 1


@kernel
def accumulate(starts: I32 | I64) -> None:
    """Turn counts into starts."""
    total = int64(0)
    for place in range(uint64(starts.shape[0])):
        total += int64(starts[place])
        starts[place] = total


@kernel
def place_rows(
    start: int,
    stop: int,
    x: I32,
    y: I32,
    tiles_x: int,
    column_shift: int,
    strip_shift: int,
    next_place: I32,
    placed: I32,
) -> None:
    """Write each row to the next free place of its tile."""
    for row in range(uint64(start), uint64(stop)):
        tile = uint64((int64(y[row]) >> strip_shift) * tiles_x + (int64(x[row]) >> column_shift))
        place = next_place[tile]
        placed[uint64(place)] = row
        next_place[tile] = place + 1


@kernel
def fill_index(
    start: int,
    stop: int,
    rows: I32,
    x: I32,
    y: I32,
    vision: I32,
    interaction: I32,
    budget: I32,
    rate: F32,
    curvature: F32,
    goods: I64,
    cash: I64,
    lot_size: float,
    minor_size: float,
    out_x: I32,
    out_y: I32,
    out_vision: I32,
    out_grasp: I32,
    sides: F32,
    wanders: bool,
) -> bool:
    """Copy what the search reads; return whether anybody does not walk to others.

    Who `wanders` trades only where it stands.
    """
    n = goods.shape[1]
    stands = False
    for entry in range(uint64(start), uint64(stop)):
        row = uint64(rows[entry])
        out_x[entry] = x[row]
        out_y[entry] = y[row]
        out_vision[entry] = vision[row]
        stays = budget[row] <= 0 or wanders
        out_grasp[entry] = interaction[row] if stays else -1
        stands |= stays
        money = np.float32(float64(cash[row]) * minor_size)
        for k in range(uint64(n)):
            sides[entry, k, RATE] = rate[row, k]
            sides[entry, k, CURVATURE] = curvature[row, k]
            sides[entry, k, STOCK] = np.float32(float64(goods[row, k]) * lot_size)
            sides[entry, k, CASH] = money
    return stands
