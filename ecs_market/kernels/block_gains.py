"""What a net trade is worth to each of a block of members; see `preferences.blocks`.

`utilities` is bound to the families in use.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.book import Book, Members, Scale
from ecs_market.kernels.jit import helper
from ecs_market.preferences.blocks import BLOCK, SPARE, load_rows
from ecs_market.preferences.chain import last_utilities as utilities
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.types import F64, float64, int64

# Utilities are compared up to this share of their size: the float error of the comparison.
NOISE = 1e-12


class Room(NamedTuple):
    """Working arrays of a block of members.

    Attributes
    ----------
    before, after
        float64 (n, BLOCK): what utility counts, without and with the trade [unit].
    own
        float64 (width, BLOCK), parameters.
    old, new
        float64 (BLOCK,): utility without and with it.
    work
        float64 (n + SPARE, BLOCK).
    """

    before: F64
    after: F64
    own: F64
    old: F64
    new: F64
    work: F64


@helper
def new_room(n: int, width: int) -> Room:
    """Make room for a block of members with bundles of n and `width` parameters."""
    return Room(
        np.empty((n, BLOCK)),
        np.empty((n, BLOCK)),
        np.empty((width, BLOCK)),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty((n + SPARE, BLOCK)),
    )


def gains_of_block(
    first: int, count: int, members: Members, book: Book, scale: Scale, room: Room
) -> bool:
    """Write what a round is worth to `count` members from `first` on, unless it can't be found.

    It can't where their families differ, or theirs has no utility of blocks.
    """
    family = int64(members.family[first])
    for i in range(first + 1, first + count):
        if members.family[i] != family:
            return False
    goods = book.wish.shape[1]
    before, after = room.before, room.after
    for k in range(goods):
        for j in range(count):
            i = first + j
            lots = members.lots[i, k]
            before[k, j] = float64(lots) * scale.lot
            after[k, j] = float64(lots + (book.filled[i, k] + book.part[i, k])) * scale.lot
    if scale.mode == IN_UTILITY:
        for j in range(count):
            minor = members.minor[first + j]
            left = minor - (minor + min(book.over[first + j], 0))
            before[goods, j] = float64(minor) * scale.minor
            after[goods, j] = float64(left) * scale.minor
    load_rows(members.parameters, first, count, room.own)
    floor = 0.5 * scale.lot
    if not utilities(family, count, before, room.own, floor, room.work, room.old):
        return False
    utilities(family, count, after, room.own, floor, room.work, room.new)
    for j in range(count):
        i = first + j
        spent = 0.0
        if scale.mode == QUASILINEAR:
            paid = members.minor[i] + min(book.over[i], 0)
            spent = members.weight[i] * (float64(paid) * scale.minor)
        old, new = room.old[j], room.new[j]
        book.trial[i] = new - old - spent
        book.noise[i] = NOISE * (abs(old) + abs(new) + abs(spent))
    return True
