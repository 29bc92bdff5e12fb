"""Where goods grow."""

from __future__ import annotations

from dataclasses import dataclass

from ecs_market.types import I8, I32, I64


@dataclass(slots=True)
class ResourcePatches:
    """Patches of a good, one a cell, numbered tile by tile and by cell within a tile.

    Attributes
    ----------
    x, y
        int32 (p,) [cell].
    good
        int8 (p,), index of the good.
    amount
        int64 (p,), what lay there at the end of tick `touched` [lot].
    touched
        int32 (p,), the last tick somebody harvested it, -1 = never [tick].
    regrowth_rate
        Growth once the cooldown is over [lot / tick]; 0 never regrows.
    cooldown
        Ticks after a harvest without growth [tick].
    max_amount
        What a patch grows to [lot].
    """

    x: I32
    y: I32
    good: I8
    amount: I64
    touched: I32
    regrowth_rate: int
    cooldown: int
    max_amount: int
