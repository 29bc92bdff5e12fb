"""Which posts can be seen or heard from where."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_market.types import I32


@dataclass(slots=True)
class PostIndex:
    """The posts whose visibility or broadcast reaches into each tile.

    Attributes
    ----------
    tiles_x
        Width of the grid [tile].
    shift
        A tile is 2**shift cells wide and high.
    tile_start
        int32 (tiles + 1,): the entries of a tile.
    post
        int32, row of a post in the arena, an entry for each tile it covers.
    numeraire
        int32 (posts,), the good each post counts in, -1 for money.
    """

    tiles_x: int
    shift: int
    tile_start: I32
    post: I32
    numeraire: I32
