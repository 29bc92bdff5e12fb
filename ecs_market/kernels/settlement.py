"""From desired to settled trades: feasible, exact, and nobody worse off.

A settlement goes through stages, all posts in step: wishes are offered, the two sides of each good
planned, shares cut, members checked, and again until nobody is harmed.  `utility` is bound to the
families in use; `mechanisms.settlement` has the order of stages.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.block_gains import NOISE, gains_of_block, new_room
from ecs_market.kernels.book import ALL, Book, Chunks, Members, Progress, Scale, Sides, Terms
from ecs_market.kernels.fees import cost_of, most_lots, paid_for
from ecs_market.kernels.jit import helper, kernel
from ecs_market.preferences.blocks import BLOCK
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.types import F64, I64, Bool, float64, int64


def gain_of(
    family: int,
    held: I64,
    net: I64,
    minor: int,
    paid: int,
    own: F64,
    weight: float,
    mode: int,
    lot_size: float,
    minor_size: float,
    before: F64,
    after: F64,
) -> tuple[float, float]:
    """Return the change in utility of a net trade, and the noise of comparing.

    `held` are lots before the trade, `minor` the money, `own` the parameters.
    """
    goods = held.shape[0]
    for k in range(goods):
        before[k] = float64(held[k]) * lot_size
        after[k] = float64(held[k] + net[k]) * lot_size
    spent = 0.0
    if mode == IN_UTILITY:
        before[goods] = float64(minor) * minor_size
        after[goods] = float64(minor - paid) * minor_size
    elif mode == QUASILINEAR:
        spent = weight * (float64(paid) * minor_size)
    floor = 0.5 * lot_size
    old = utility(family, before, own, floor)
    new = utility(family, after, own, floor)
    return new - old - spent, NOISE * (abs(old) + abs(new) + abs(spent))


@helper
def load_member(i: int, lots: I64, parameters: F64, held: I64, own: F64) -> None:
    """Copy what a member holds and its parameters to arrays of this thread alone.

    Views of shared arrays count their users in shared memory, which threads wait for.
    """
    for k in range(held.shape[0]):
        held[k] = lots[i, k]
    for p in range(own.shape[0]):
        own[p] = parameters[i, p]


@helper
def most_affordable(
    k: int, minor: int, net: I64, price: I64, fee_ppb: int, fee_per_lot: int
) -> int:
    """Return how many more lots of good k can be paid for with `minor`, besides `net`."""
    others = paid_for(net, price, fee_ppb, fee_per_lot)
    others -= cost_of(net[k], price[k], fee_ppb, fee_per_lot)
    return int64(max(0, most_lots(minor - others, price[k], fee_ppb, fee_per_lot) - net[k]))


def offer(
    start: int,
    stop: int,
    chunks: Chunks,
    progress: Progress,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
    sides: Sides,
) -> None:
    """Let members wish for what they have not got yet: everything, or one good alone.

    Of one good a member wishes no more than what leaves each lot no loss: along it, utility less
    payment has a single peak, which is found by halving.
    """
    goods = book.wish.shape[1]
    lots, parameters, filled, wish = members.lots, members.parameters, book.filled, book.wish
    held = np.empty(goods, np.int64)
    net = np.empty(goods, np.int64)
    own = np.empty(parameters.shape[1])
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not progress.busy[post]:
            continue
        price = terms.price[post]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        only = progress.good[post]
        for column in range(2 * goods):
            sides.wished[chunk, column] = 0
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            book.sound[i] = False
            for k in range(goods):
                book.part[i, k] = 0
                rest = book.desired[i, k] - filled[i, k]
                if only != ALL:
                    rest = rest if k == only else int64(0)
                wish[i, k] = rest
            if only != ALL and wish[i, only] != 0:
                load_member(i, lots, parameters, held, own)
                for k in range(goods):
                    net[k] = filled[i, k]
                sign = 1 if wish[i, only] > 0 else -1
                high = abs(wish[i, only])
                if sign > 0:
                    most = most_affordable(only, members.minor[i], net, price, ppb, per_lot)
                    high = min(high, most)
                low = int64(0)
                middle = high
                while low < high:
                    reached = -math.inf
                    peak = True
                    for step in range(2):
                        net[only] = filled[i, only] + sign * (middle - 1 + step)
                        gain, noise = gain_of(
                            members.family[i],
                            held,
                            net,
                            members.minor[i],
                            paid_for(net, price, ppb, per_lot),
                            own,
                            members.weight[i],
                            scale.mode,
                            scale.lot,
                            scale.minor,
                            before,
                            after,
                        )
                        peak = gain >= reached - noise
                        reached = gain
                    if peak:
                        low = middle
                    else:
                        high = middle - 1
                    middle = low + (high - low + 1) // 2
                wish[i, only] = sign * low
            for k in range(goods):
                sides.wished[chunk, k] += max(0, book.wish[i, k])
                sides.wished[chunk, goods + k] += max(0, -book.wish[i, k])


@helper
def cut_purchases(
    i: int, over: int, price: I64, fee_ppb: int, fee_per_lot: int, filled: I64, part: I64, wish: I64
) -> None:
    """Cut member i's purchases just enough to cost `over` less, goods in their order.

    If that is not enough, what it sells costs more in fees than it brings: it drops out.
    """
    for k in range(price.shape[0]):
        if over <= 0 or part[i, k] <= 0:
            continue
        whole = filled[i, k] + part[i, k]
        cost = cost_of(whole, price[k], fee_ppb, fee_per_lot)
        kept = most_lots(cost - over, price[k], fee_ppb, fee_per_lot)
        kept = max(filled[i, k], min(kept, whole))
        over -= cost - cost_of(kept, price[k], fee_ppb, fee_per_lot)
        wish[i, k] = kept - filled[i, k]
    if over > 0:
        for k in range(price.shape[0]):
            wish[i, k] = 0


@helper
def scale_wish(i: int, wish: I64, part: I64) -> None:
    """Scale member i's wish as a whole by its smallest fill; drop it if it was filled."""
    smallest = 1.0
    for k in range(wish.shape[1]):
        if wish[i, k] != 0:
            smallest = min(smallest, float64(part[i, k]) / float64(wish[i, k]))
    for k in range(wish.shape[1]):
        scaled = int64(float64(wish[i, k]) * smallest)
        wish[i, k] = scaled if smallest < 1.0 else int64(0)


@kernel
def take_shares(
    start: int, stop: int, chunks: Chunks, busy: Bool, members: Members, terms: Terms, book: Book
) -> None:
    """Note what a round gives its members, what that costs them beyond their cash, whom to ask.

    Who gets nothing, or what the last check found sound, is not asked again.
    """
    fresh, part, filled, over = book.fresh, book.part, book.filled, book.over
    net = np.empty(book.wish.shape[1], np.int64)
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not busy[post]:
            continue
        price = terms.price[post]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            same = book.sound[i]
            nothing = True
            for k in range(net.shape[0]):
                same = same and fresh[i, k] == part[i, k]
                part[i, k] = fresh[i, k]
                net[k] = filled[i, k] + part[i, k]
                nothing = nothing and part[i, k] == 0
            if not same:
                book.sound[i] = True
                book.reached[i] = book.gain[i]
            book.asked[i] = not same and not nothing
            over[i] = 0
            if book.asked[i]:
                over[i] = paid_for(net, price, ppb, per_lot) - members.minor[i]


def find_gains(
    start: int,
    stop: int,
    chunks: Chunks,
    busy: Bool,
    members: Members,
    book: Book,
    scale: Scale,
) -> None:
    """Write what a round is worth to the members that are asked, if they pay what they can."""
    goods = book.wish.shape[1]
    lots, parameters, minor = members.lots, members.parameters, members.minor
    held = np.empty(goods, np.int64)
    net = np.empty(goods, np.int64)
    own = np.empty(parameters.shape[1])
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    room = new_room(before.shape[0], own.shape[0])
    for chunk in range(start, stop):
        if not busy[chunks.post[chunk]]:
            continue
        for first in range(chunks.start[chunk], chunks.stop[chunk], BLOCK):
            count = min(BLOCK, chunks.stop[chunk] - first)
            many = int64(0)
            for i in range(first, first + count):
                many += 1 if book.asked[i] else 0
            if many > count // 4 and gains_of_block(first, count, members, book, scale, room):
                continue
            for i in range(first, first + count):
                if not book.asked[i]:
                    continue
                load_member(i, lots, parameters, held, own)
                for k in range(goods):
                    net[k] = book.filled[i, k] + book.part[i, k]
                book.trial[i], book.noise[i] = gain_of(
                    members.family[i],
                    held,
                    net,
                    minor[i],
                    minor[i] + min(book.over[i], 0),
                    own,
                    members.weight[i],
                    scale.mode,
                    scale.lot,
                    scale.minor,
                    before,
                    after,
                )


@kernel
def shrink(
    start: int, stop: int, chunks: Chunks, busy: Bool, terms: Terms, book: Book, sides: Sides
) -> None:
    """Shrink the wishes of whom a round harms.

    Who lacks the cash has purchases cut just enough; who would be worse off has the whole wish
    scaled by its smallest fill, any part of a preferred bundle being no worse than none.
    """
    goods = book.wish.shape[1]
    wish, sound, wished = book.wish, book.sound, sides.wished
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not busy[post]:
            continue
        price = terms.price[post]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        harmed = int64(0)
        for column in range(2 * goods):
            wished[chunk, column] = 0
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            if book.asked[i]:
                gain, noise, over = book.trial[i], book.noise[i], book.over[i]
                book.reached[i] = 0.0 if abs(gain) <= noise else gain
                if over > 0:
                    sound[i] = False
                    cut_purchases(i, over, price, ppb, per_lot, book.filled, book.part, wish)
                elif gain < -noise or gain < book.gain[i] - noise:
                    sound[i] = False
                    scale_wish(i, wish, book.part)
            harmed += 0 if sound[i] else 1
            for k in range(goods):
                wished[chunk, k] += max(0, wish[i, k])
                wished[chunk, goods + k] += max(0, -wish[i, k])
        sides.harmed[chunk] = harmed
