"""What a net trade is worth to each of a block of members; see `preferences.blocks`.

`utilities` is bound to the families in use.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.book import Book, Members, Scale
from ecs_market.kernels.jit import kernel
from ecs_market.preferences.blocks import BLOCK, SPARE, load_rows
from ecs_market.preferences.chain import last_utilities as utilities
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.types import F64, I64, Bool, float64, int64

# Utilities are compared up to this share of their size: the float error of the comparison.
NOISE = 1e-12


class Trial(NamedTuple):
    """What a round would give a block of members.

    Attributes
    ----------
    before, after
        float64 (n, BLOCK): what utility counts, without and with the trade [unit].
    own
        float64 (width, BLOCK), parameters.
    old, new
        float64 (BLOCK,): utility without and with it.
    gain, noise
        float64 (BLOCK,): change in utility less payment, and the noise of comparing.
    work
        float64 (n + SPARE, BLOCK).
    over
        int64 (BLOCK,): what the trade costs beyond the cash there is [minor unit].
    asked
        bool (BLOCK,): members whose gain is to be found.
    """

    before: F64
    after: F64
    own: F64
    old: F64
    new: F64
    gain: F64
    noise: F64
    work: F64
    over: I64
    asked: Bool


@kernel
def new_trial(n: int, width: int) -> Trial:
    """Make room for a block of members with bundles of n and `width` parameters."""
    return Trial(
        np.empty((n, BLOCK)),
        np.empty((n, BLOCK)),
        np.empty((width, BLOCK)),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty((n + SPARE, BLOCK)),
        np.empty(BLOCK, np.int64),
        np.empty(BLOCK, np.bool_),
    )


def gains_of_block(
    first: int, count: int, members: Members, book: Book, scale: Scale, trial: Trial
) -> bool:
    """Write `gain` and `noise` of `count` members from `first` on; tell whether that was possible.

    It is not where their families differ, or theirs has no utility of blocks.
    """
    family = int64(members.family[first])
    if family != members.family[first + count - 1]:
        return False
    goods = book.wish.shape[1]
    before, after, gain = trial.before, trial.after, trial.gain
    for k in range(goods):
        for j in range(count):
            i = first + j
            lots = members.lots[i, k]
            before[k, j] = float64(lots) * scale.lot
            after[k, j] = float64(lots + (book.filled[i, k] + book.part[i, k])) * scale.lot
    for j in range(count):
        minor = members.minor[first + j]
        paid = minor + min(trial.over[j], 0)
        gain[j] = 0.0
        if scale.mode == IN_UTILITY:
            before[goods, j] = float64(minor) * scale.minor
            after[goods, j] = float64(minor - paid) * scale.minor
        elif scale.mode == QUASILINEAR:
            gain[j] = members.weight[first + j] * (float64(paid) * scale.minor)
    load_rows(members.parameters, first, count, trial.own)
    floor = 0.5 * scale.lot
    if not utilities(family, count, before, trial.own, floor, trial.work, trial.old):
        return False
    utilities(family, count, after, trial.own, floor, trial.work, trial.new)
    for j in range(count):
        spent = gain[j]
        old, new = trial.old[j], trial.new[j]
        gain[j] = new - old - spent
        trial.noise[j] = NOISE * (abs(old) + abs(new) + abs(spent))
    return True
