"""Members to whom any amount within a range is equally good take up what the others leave.

`gain_of` is bound to the families in use.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.book import Chunks, Members, Scale, Terms
from ecs_market.kernels.fees import paid_for
from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.rationing import share_out
from ecs_market.kernels.settlement import gain_of, load_member, most_affordable
from ecs_market.preferences.modes import IN_UTILITY, UNIT_OF_ACCOUNT
from ecs_market.types import I64, Bool, int64

# Columns of a room: lots a member would buy, would sell; and the same if its taste, not its purse
# or its holdings, is what ends it and it would not do the opposite.
BUY, SELL, ONLY_BUY, ONLY_SELL = 0, 1, 2, 3


@kernel
def net_wishes(
    start: int, stop: int, chunks: Chunks, active: Bool, desired: I64, indifferent: Bool, net: I64
) -> None:
    """Write, for each chunk, the net wish for each good and how many are indifferent (2 K)."""
    goods = desired.shape[1]
    for chunk in range(start, stop):
        for column in range(2 * goods):
            net[chunk, column] = 0
        if not active[chunks.post[chunk]]:
            continue
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            for k in range(goods):
                net[chunk, k] += desired[i, k]
                if indifferent[i, k]:
                    net[chunk, goods + k] += 1


def write_rooms(
    start: int,
    stop: int,
    k: int,
    chunks: Chunks,
    wanted: Bool,
    members: Members,
    terms: Terms,
    desired: I64,
    indifferent: Bool,
    scale: Scale,
    room: I64,
) -> None:
    """Write how far each indifferent member of the wanted posts would go in good k [lot].

    Where goods pay for goods `minor` is what a member has of the numeraire, at its price.
    """
    goods = desired.shape[1]
    lots, parameters = members.lots, members.parameters
    held = np.empty(goods, np.int64)
    net = np.empty(goods, np.int64)
    own = np.empty(parameters.shape[1])
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not wanted[post]:
            continue
        price = terms.price[post]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            for side in range(4):
                room[i, side] = 0
            if not indifferent[i, k]:
                continue
            if scale.mode == UNIT_OF_ACCOUNT:
                room[i, BUY] = members.minor[i] // price[k]
                room[i, SELL] = members.lots[i, k]
                continue
            load_member(i, lots, parameters, held, own)
            for m in range(goods):
                net[m] = desired[i, m]
            sated = False
            wish = desired[i, k]
            none = -math.inf
            # Ask about nothing (for comparison), then all, one lot and halves, to buy and to sell;
            # at last about one lot more than is bought, paid on credit: taste is put to the test.
            for question in range(4):
                low = int64(0)
                high = int64(0)
                sign = 1
                net[k] = wish
                if question == 1 and wish >= 0:
                    high = most_affordable(k, members.minor[i], net, price, ppb, per_lot)
                elif question == 2 and wish <= 0:
                    sign = -1
                    high = held[k] + wish
                elif question == 3:
                    if scale.mode == IN_UTILITY:
                        continue
                    low = room[i, BUY]
                    high = low + 1
                middle = high
                asking = True
                while asking:
                    net[k] = wish + sign * middle
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
                    if question == 0:
                        none = gain
                    first = middle == high
                    if gain >= none - noise:
                        low = middle
                    else:
                        high = middle - 1
                    middle = low + 1 if first else low + (high - low + 1) // 2
                    asking = question > 0 and low < high
                if question == 1:
                    room[i, BUY] = low
                elif question == 2:
                    room[i, SELL] = low
                elif question == 3:
                    sated = low == room[i, BUY]
            if sated and room[i, SELL] == 0:
                room[i, ONLY_BUY] = room[i, BUY]
            if sated and room[i, BUY] == 0:
                room[i, ONLY_SELL] = room[i, SELL]


@helper
def share_room(
    a: int,
    b: int,
    k: int,
    side: int,
    sums: I64,
    most: int,
    ids: I64,
    room: I64,
    desired: I64,
    weights: I64,
    parts: I64,
    scratch: I64,
) -> None:
    """Let members buy (an even side) or sell up to `most`, by their room; use that up.

    `sums` (4,) is brought up to date.
    """
    amount = min(most, sums[side])
    if amount <= 0:
        return
    for i in range(a, b):
        weights[i - a] = room[i, side]
    share_out(weights, sums[side], amount, ids[a:b], parts, scratch)
    for each in range(4):
        sums[each] = 0
    for i in range(a, b):
        desired[i, k] += parts[i - a] if side % 2 == 0 else -parts[i - a]
        for each in range(4):
            room[i, each] = max(0, room[i, each] - parts[i - a])
            sums[each] += room[i, each]


@kernel
def share_rooms(
    start: int,
    stop: int,
    k: int,
    wanted: Bool,
    net: I64,
    first: I64,
    ids: I64,
    room: I64,
    desired: I64,
) -> None:
    """Let the indifferent of the wanted posts take up the net wish of the others for good k.

    Then those that can only buy trade with those that can only sell, so that as much is traded as
    can be without loss.
    """
    sums = np.zeros(4, np.int64)
    for post in range(start, stop):
        if not wanted[post]:
            continue
        a = first[post]
        b = first[post + 1]
        weights = np.empty(b - a, np.int64)
        parts = np.empty(b - a, np.int64)
        scratch = np.empty(b - a, np.int64)
        for each in range(4):
            sums[each] = 0
            for i in range(a, b):
                sums[each] += room[i, each]
        side = SELL if net[post, k] > 0 else BUY
        most = abs(net[post, k])
        for _ in range(3):
            share_room(a, b, k, side, sums, most, ids, room, desired, weights, parts, scratch)
            if _ == 0:
                most = min(sums[ONLY_BUY], sums[ONLY_SELL])
                side = ONLY_BUY
            else:
                side = ONLY_SELL
