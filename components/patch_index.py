"""Which resource patches lie in which tile."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_market.types import I32


@dataclass(slots=True)
class PatchIndex:
    """Where the patches of each tile begin in `ResourcePatches`.

    Attributes
    ----------
    tiles_x, tiles_y
        Size of the grid [tile].
    tile_start
        int32 (tiles + 1,): the first patch of a tile, and of the one after it.
    """

    tiles_x: int
    tiles_y: int
    tile_start: I32
