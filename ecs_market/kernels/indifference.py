"""Members to whom any amount within a range is equally good take up what the others leave."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.fees import cost_of, most_lots, paid_for
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.rationing import share_out
from ecs_market.kernels.settlement import Members, Scale, Terms, gain_of
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool, int64

# Columns of a room: lots a member would buy, would sell; and the same if its taste, not its purse
# or its holdings, is what ends it and it would not do the opposite.
BUY, SELL, ONLY_BUY, ONLY_SELL = 0, 1, 2, 3


def willing(
    i: int,
    k: int,
    more: int,
    post: int,
    members: Members,
    terms: Terms,
    desired: I64,
    trial: I64,
    scale: Scale,
    before: F64,
    after: F64,
) -> bool:
    """Tell whether member i finds `more` lots of good k no worse than its wish alone."""
    price = terms.price[post]
    ppb = terms.fee_ppb[post]
    per_lot = terms.fee_per_lot[post]
    trial[k] = 0
    paid = paid_for(desired[i], trial, price, ppb, per_lot)
    without, _ = gain_of(i, members, desired[i], trial, paid, scale, before, after)
    trial[k] = more
    paid = paid_for(desired[i], trial, price, ppb, per_lot)
    with_it, noise = gain_of(i, members, desired[i], trial, paid, scale, before, after)
    trial[k] = 0
    return bool(with_it >= without - noise)


def most_willing(
    i: int,
    k: int,
    sign: int,
    most: int,
    post: int,
    members: Members,
    terms: Terms,
    desired: I64,
    trial: I64,
    scale: Scale,
    before: F64,
    after: F64,
) -> int:
    """Return how many lots of good k member i would take (sign 1) or give (-1), up to `most`."""
    low = int64(0)
    high = int64(max(0, most))
    middle = high
    first = True
    while low < high:
        if willing(i, k, sign * middle, post, members, terms, desired, trial, scale, before, after):
            low = middle
        else:
            high = middle - 1
        # Mostly it is all or nothing, so one lot is asked about second.
        middle = low + 1 if first else low + (high - low + 1) // 2
        first = False
    return low


def write_rooms(
    start: int,
    stop: int,
    post: int,
    k: int,
    members: Members,
    terms: Terms,
    desired: I64,
    indifferent: Bool,
    scale: Scale,
    room: I64,
) -> I64:
    """Write how far each indifferent member would go in good k; return the sums (4,) [lot].

    Where goods pay for goods `minor` is what a member has of the numeraire, at its price.
    """
    goods = desired.shape[1]
    sums = np.zeros(4, np.int64)
    price = terms.price[post]
    ppb = terms.fee_ppb[post]
    per_lot = terms.fee_per_lot[post]
    trial = np.zeros(goods, np.int64)
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    for i in range(start, stop):
        for side in range(4):
            room[i, side] = 0
        if not indifferent[i, k]:
            continue
        if scale.mode == UNIT_OF_ACCOUNT:
            room[i, BUY] = members.minor[i] // price[k]
            room[i, SELL] = members.lots[i, k]
            sums[BUY] += room[i, BUY]
            sums[SELL] += room[i, SELL]
            continue
        own = desired[i, k]
        if own >= 0:
            trial[k] = 0
            paid = paid_for(desired[i], trial, price, ppb, per_lot)
            spent = cost_of(own, price[k], ppb, per_lot)
            most = most_lots(members.minor[i] - paid + spent, price[k], ppb, per_lot) - own
            room[i, BUY] = most_willing(
                i, k, 1, most, post, members, terms, desired, trial, scale, before, after
            )
        if own <= 0:
            room[i, SELL] = most_willing(
                i,
                k,
                -1,
                members.lots[i, k] + own,
                post,
                members,
                terms,
                desired,
                trial,
                scale,
                before,
                after,
            )
        # With one more lot, paid on credit, taste is put to the test.
        sated = scale.mode == QUASILINEAR and not willing(
            i,
            k,
            room[i, BUY] + 1,
            post,
            members,
            terms,
            desired,
            trial,
            scale,
            before,
            after,
        )
        if sated and room[i, SELL] == 0:
            room[i, ONLY_BUY] = room[i, BUY]
        if sated and room[i, BUY] == 0:
            room[i, ONLY_SELL] = room[i, SELL]
        for side in range(4):
            sums[side] += room[i, side]
    return sums


@kernel
def net_wish(start: int, stop: int, k: int, desired: I64, indifferent: Bool) -> I64:
    """Return the net wish for good k, and how many members are indifferent about it."""
    found = np.zeros(2, np.int64)
    for i in range(start, stop):
        found[0] += desired[i, k]
        if indifferent[i, k]:
            found[1] += 1
    return found


@kernel
def share_room(
    a: int, b: int, k: int, side: int, amount: int, total: int, ids: I64, room: I64, desired: I64
) -> None:
    """Let members buy (side 0 or 2) or sell `amount` in proportion to their room; use that up."""
    weights = np.empty(b - a, np.int64)
    parts = np.empty(b - a, np.int64)
    scratch = np.empty(b - a, np.int64)
    for i in range(a, b):
        weights[i - a] = room[i, side]
    share_out(weights, total, amount, ids[a:b], parts, scratch)
    sells = side == SELL or side == ONLY_SELL
    for i in range(a, b):
        desired[i, k] += -parts[i - a] if sells else parts[i - a]
        for other in range(4):
            room[i, other] = max(0, room[i, other] - parts[i - a])


@kernel
def sum_room(a: int, b: int, room: I64) -> I64:
    """Return the sums of what is left of the rooms (4,) [lot]."""
    sums = np.zeros(4, np.int64)
    for i in range(a, b):
        for side in range(4):
            sums[side] += room[i, side]
    return sums


def assign_indifferent(
    post: int,
    members: Members,
    terms: Terms,
    desired: I64,
    indifferent: Bool,
    scale: Scale,
    room: I64,
) -> None:
    """Let the indifferent members of a post take up what the others leave, in place [lot].

    They sell in proportion to their holdings of a good and buy in proportion to their money, as
    far as it is no loss to them; first the goods that they sell, which pay for the others.  Then
    those that can only buy trade with those that can only sell, so that as much is traded as can
    be without loss.
    """
    a = int64(terms.first[post])
    b = int64(terms.first[post + 1])
    for sold in range(2):
        for k in range(terms.price.shape[1]):
            found = net_wish(a, b, k, desired, indifferent)
            net = found[0]
            if found[1] == 0 or (net > 0) != (sold == 0):
                continue
            sums = write_rooms(a, b, post, k, members, terms, desired, indifferent, scale, room)
            side = SELL if net > 0 else BUY
            amount = min(abs(net), sums[side])
            if amount > 0:
                share_room(a, b, k, side, amount, sums[side], members.ids, room, desired)
                sums = sum_room(a, b, room)
            amount = min(sums[ONLY_BUY], sums[ONLY_SELL])
            if amount > 0:
                bought = sums[ONLY_BUY]
                sold_most = sums[ONLY_SELL]
                share_room(a, b, k, ONLY_BUY, amount, bought, members.ids, room, desired)
                share_room(a, b, k, ONLY_SELL, amount, sold_most, members.ids, room, desired)


def assign_posts(
    start: int,
    stop: int,
    active: Bool,
    members: Members,
    terms: Terms,
    desired: I64,
    indifferent: Bool,
    scale: Scale,
    room: I64,
) -> None:
    """Do so at the active posts of a range."""
    for post in range(start, stop):
        if active[post]:
            assign_indifferent(post, members, terms, desired, indifferent, scale, room)
