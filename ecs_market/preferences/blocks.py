"""Members of one family side by side, so that one instruction serves several of them.

A block is an array a quantity, (.., BLOCK): entry j of each row belongs to the same member.  A
family may have, besides its functions of one agent, `demands` and `utilities` of a block, which
give the same bits, or refuse by returning False what they are not made for.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.jit import borrowing, helper
from ecs_market.types import F64, Bool

# Members a block: what a loop works on stays in the fastest cache.
BLOCK = 128
# Rows of `work` besides one an entry of the bundle.
SPARE = 3


class Block(NamedTuple):
    """What a block of members holds and wants, and room for one member alone.

    Attributes
    ----------
    held, low, high
        float64 (n, BLOCK): holdings, and the box of holdings wanted [unit].
    price
        float64 (n, BLOCK) [M / unit].
    own
        float64 (width, BLOCK), parameters.
    wealth, worth
        float64 (BLOCK,): what a member can spend [M], and its marginal utility of money.
    work
        float64 (n + SPARE, BLOCK).
    one_held, one_low, one_high, one_own
        The same of a single member.
    """

    held: F64
    low: F64
    high: F64
    price: F64
    own: F64
    wealth: F64
    worth: F64
    work: F64
    one_held: F64
    one_low: F64
    one_high: F64
    one_own: F64


@helper
def new_block(n: int, width: int) -> Block:
    """Make room for a block of members with bundles of n and `width` parameters."""
    return Block(
        np.empty((n, BLOCK)),
        np.empty((n, BLOCK)),
        np.empty((n, BLOCK)),
        np.empty((n, BLOCK)),
        np.empty((width, BLOCK)),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty((n + SPARE, BLOCK)),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(width),
    )


@borrowing
def load_rows(columns: F64, first: int, count: int, block: F64) -> None:
    """Copy `count` rows of a table (m, w) from `first` on to the columns of a block (w, BLOCK)."""
    for k in range(columns.shape[1]):
        for j in range(count):
            block[k, j] = columns[first + j, k]


@borrowing
def add_block(count: int, block: Block, same: bool, total: F64) -> None:
    """Add the holdings that a block wants, and its purchases and sales, to four sums a good.

    Of the box that a member wants, the end nearer to what is held says what it surely trades.
    With `same` the box is a point, `low`.
    """
    held, low, work = block.held, block.low, block.work
    high = block.low if same else block.high
    for k in range(held.shape[0]):
        for j in range(count):
            buys = low[k, j] - held[k, j]
            sells = held[k, j] - high[k, j]
            work[0, j] = max(0.0, buys)
            work[1, j] = max(0.0, sells)
        least, most, bought, sold = total[0, k], total[1, k], total[2, k], total[3, k]
        for j in range(count):
            least += low[k, j]
            most += high[k, j]
            bought += work[0, j]
            sold += work[1, j]
        total[0, k] = least
        total[1, k] = most
        total[2, k] = bought
        total[3, k] = sold


@borrowing
def no_demands(
    count: int,
    price: F64,
    traded: Bool,
    held: F64,
    wealth: F64,
    own: F64,
    worth: F64,
    mode: int,
    low: F64,
    work: F64,
) -> bool:
    """Refuse: the family has demand of one agent alone."""
    return False


@borrowing
def no_utilities(count: int, goods: F64, own: F64, floor: float, work: F64, values: F64) -> bool:
    """Refuse: the family has utility of one agent alone."""
    return False
