"""Wishes become net trades wished for; net trades settled become holdings and sums a post."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.book import Book, Chunks, Members, Scale, Terms
from ecs_market.kernels.fees import fee_on
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.settlement import load_member
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.modes import UNIT_OF_ACCOUNT
from ecs_market.types import F64, I32, I64, Bool, float64, int64


@kernel
def write_wishes(
    start: int,
    stop: int,
    chunks: Chunks,
    active: Bool,
    holdings: F64,
    goods: F64,
    lots: I64,
    lot_size: float,
    desired: I64,
) -> None:
    """Turn desired holdings [unit] into net trades [lot] that sell no more than is owned.

    From the difference: whoever wants what it has trades nothing, however much that is.
    """
    for chunk in range(start, stop):
        trades = active[chunks.post[chunk]]
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            for k in range(goods.shape[1]):
                desired[i, k] = 0
                if trades:
                    wanted = (float64(holdings[i, k]) - float64(goods[i, k])) / lot_size
                    desired[i, k] = max(int64(np.rint(wanted)), -lots[i, k])


def write_worths(
    start: int,
    stop: int,
    chunks: Chunks,
    members: Members,
    book: Book,
    scale: Scale,
    worth: F64,
) -> None:
    """Write the marginal utility of money, which is the bundle's last entry, of those who traded.

    At what they held before; `marginal` is bound to the families in use.
    """
    goods = book.filled.shape[1]
    lots, minor, parameters = members.lots, members.minor, members.parameters
    held = np.empty(goods, np.int64)
    own = np.empty(parameters.shape[1])
    before = np.empty(goods + 1)
    for chunk in range(start, stop):
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            changed = False
            for k in range(goods):
                changed = changed or book.filled[i, k] != 0
            if not changed:
                continue
            load_member(i, lots, parameters, held, own)
            for k in range(goods):
                before[k] = float64(held[k]) * scale.lot
            before[goods] = float64(minor[i]) * scale.minor
            worth[i] = marginal(members.family[i], before, own, 0.5 * scale.lot, goods)


@kernel
def book_members(
    start: int,
    stop: int,
    chunks: Chunks,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
    worth: F64,
    most_gain: float,
    row: I32,
    held: I64,
    money: I64,
    traded: Bool,
    gain: I64,
    sums: I64,
) -> None:
    """Move goods and money of the members of each chunk, and sum up what they did.

    `worth` (m,) is each one's marginal utility of money.  `held`, `money` and `traded` are the
    world's own columns; `gain` (m,) is in minor units, at
    most `most_gain`.  `sums` (chunks, 4 K + 2) takes what is bought, sold, wished for by buyers and
    by sellers of each good, then fees and gains.
    """
    goods = book.filled.shape[1]
    lots, minor = members.lots, members.minor
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        for column in range(4 * goods + 2):
            sums[chunk, column] = 0
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            changed = False
            for k in range(goods):
                filled = book.filled[i, k]
                wished = book.desired[i, k]
                sums[chunk, k] += max(0, filled)
                sums[chunk, goods + k] += max(0, -filled)
                sums[chunk, 2 * goods + k] += max(0, wished)
                sums[chunk, 3 * goods + k] += max(0, -wished)
                changed = changed or filled != 0
            gain[i] = 0
            if not changed:
                continue
            gained = book.gain[i] / worth[i] / scale.minor if worth[i] > 0.0 else 0.0
            gain[i] = int64(np.rint(min(most_gain, max(-most_gain, gained))))
            sums[chunk, 4 * goods + 1] += gain[i]
            traded[row[i]] = True
            paid = int64(0)
            for k in range(goods):
                filled = book.filled[i, k]
                lots[i, k] += filled
                held[row[i], k] = lots[i, k]
                if scale.mode != UNIT_OF_ACCOUNT and filled != 0:
                    price = terms.price[post, k]
                    fee = fee_on(abs(filled), price, ppb, per_lot)
                    paid += filled * price + fee
                    sums[chunk, 4 * goods] += fee
            minor[i] -= paid
            money[row[i]] = minor[i]


@kernel
def add_chunks(chunk_post: I64, sums: I64, total: I64) -> None:
    """Add the sums of chunks to those of their posts."""
    for chunk in range(chunk_post.shape[0]):
        for column in range(sums.shape[1]):
            total[chunk_post[chunk], column] += sums[chunk, column]
