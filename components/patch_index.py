"""Which resource patches lie where."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_market.types import I32, I64


@dataclass(slots=True)
class PatchIndex:
    """Resource patches in the order of tiles.

    Attributes
    ----------
    tiles_x, tiles_y
        Size of the grid [tile].
    tile_start
        int64 (tiles + 1,): the entries of a tile.
    patch, x, y
        int32: number and cell of each patch.
    """

    tiles_x: int
    tiles_y: int
    tile_start: I64
    patch: I32
    x: I32
    y: I32
