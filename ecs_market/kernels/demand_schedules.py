"""Members' demand schedules: at which prices they would trade how many lots of one good.

A schedule is made of blocks.  The limit of the j-th bid is the highest price at which j blocks, all
at that price, are affordable and no worse than j - 1; that of the j-th ask the lowest price at
which it is no worse to sell j blocks than j - 1.  At a uniform price that is the truth.

`utility` and `marginal` are bound to the families in use; see `mechanisms.call_auction`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.philox import CALL_LIMIT, CALL_SIDE, below
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import IN_UTILITY
from ecs_market.types import F64, I8, I64, Bool, float64, int64

FIELDS = 3  # member, lots (negative to sell), limit
TRUTHFUL, ZI_C, ZI_U = 0, 1, 2
# Blocks double in size after this many, so that a schedule reaches any quantity in few of them.
OCTAVE = 32
MOST_BLOCKS = 512
PPB = 1_000_000_000
# The float error of a difference of utilities, as a share of their size, with room for many blocks.
SLACK = 1e-14
# Utilities are compared up to this share of their size, as in settlement.
NOISE = 1e-12


def worth_at(
    family: int,
    lots: I64,
    k: int,
    change: int,
    cash: float,
    parameters: F64,
    mode: int,
    lot_size: float,
    bundle: F64,
) -> float:
    """Return the utility with `change` lots more of good k, and `cash` [M] if utility counts it."""
    n = lots.shape[0]
    for j in range(n):
        bundle[j] = float64(lots[j]) * lot_size
    bundle[k] = float64(lots[k] + change) * lot_size
    if mode == IN_UTILITY:
        bundle[n] = cash
    return utility(family, bundle, parameters, 0.5 * lot_size)


@kernel
def affordable(lots: int, minor: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return the highest price at which `lots` and their fee cost no more than `minor`."""
    rest = int64(minor) - int64(lots) * int64(fee_per_lot)
    if rest <= 0 or lots <= 0:
        return int64(0)
    before_fee, _ = mul_div(rest, PPB, PPB + int64(fee_ppb))
    return int64(before_fee // int64(lots))


def would_trade(
    family: int,
    lots: I64,
    minor: int,
    k: int,
    had: int,
    total: int,
    price: int,
    parameters: F64,
    rate: float,
    per_lot: float,
    lot_size: float,
    minor_size: float,
    bundle: F64,
) -> bool:
    """Tell whether trading `total` lots at `price` is no worse than `had` lots, money in utility.

    Both are negative for sales.
    """
    paid = float64(had) * float64(price)
    paid += abs(paid) * rate + abs(float64(had)) * per_lot
    cash = max(0.0, (float64(minor) - paid) * minor_size)
    old = worth_at(family, lots, k, had, cash, parameters, IN_UTILITY, lot_size, bundle)
    paid = float64(total) * float64(price)
    paid += abs(paid) * rate + abs(float64(total)) * per_lot
    cash = max(0.0, (float64(minor) - paid) * minor_size)
    new = worth_at(family, lots, k, total, cash, parameters, IN_UTILITY, lot_size, bundle)
    return new >= old


def block_limit(
    family: int,
    lots: I64,
    minor: int,
    k: int,
    had: int,
    total: int,
    parameters: F64,
    weight: float,
    mode: int,
    fee_ppb: int,
    fee_per_lot: int,
    most: int,
    lot_size: float,
    step_size: float,
    minor_size: float,
    bundle: F64,
) -> int:
    """Return the limit of the block from `had` to `total` lots [price step], negative for sales.

    Above `most` there is no price at which the block would be sold, at 0 none to buy it.  Money
    is not looked at.
    """
    rate = float64(fee_ppb) / PPB
    if mode == IN_UTILITY:
        low = int64(0)
        high = int64(most) + 1
        buys = total > 0
        while high - low > 1:
            price = low + (high - low) // 2
            fine = would_trade(
                family,
                lots,
                minor,
                k,
                had,
                total,
                price,
                parameters,
                rate,
                float64(fee_per_lot),
                lot_size,
                minor_size,
                bundle,
            )
            if fine == buys:
                low = price
            else:
                high = price
        return low if buys else high
    old = worth_at(family, lots, k, had, 0.0, parameters, mode, lot_size, bundle)
    new = worth_at(family, lots, k, total, 0.0, parameters, mode, lot_size, bundle)
    size = weight * abs(float64(total - had)) * lot_size
    slack = SLACK * (abs(old) + abs(new)) / size
    fee = float64(fee_per_lot) * minor_size / lot_size
    if total > 0:
        steps = ((new - old) / size + slack - fee) / ((1.0 + rate) * step_size)
        return int64(min(max(steps, 0.0), float64(most)))
    cost = max(0.0, (old - new) / size - slack) + fee
    steps = cost / ((1.0 - rate) * step_size)
    if steps >= float64(most):
        return int64(most) + 1 if steps > float64(most) else int64(most)
    return max(int64(1), int64(np.ceil(steps)))


def first_quotes(
    start: int,
    stop: int,
    at: I64,
    called: Bool,
    family: I64,
    lots: I64,
    minor: I64,
    k: int,
    supply: I64,
    parameters: F64,
    weight: F64,
    mode: int,
    fee_ppb: I64,
    fee_per_lot: I64,
    order_size: I64,
    most: int,
    lot_size: float,
    step_size: float,
    minor_size: float,
    bid: I64,
    ask: I64,
) -> None:
    """Write the limits of each member's first bid and ask [price step], 0 where there is none.

    Who holds the good and would as soon buy as sell at a price bids a step less.
    """
    bundle = np.empty(lots.shape[1] + 1 if mode == IN_UTILITY else lots.shape[1])
    for i in range(start, stop):
        post = at[i]
        bid[i] = 0
        ask[i] = 0
        if not called[post]:
            continue
        for side in range(2):
            size = int64(order_size[post])
            if side == 0:
                size = min(size, lots[i, k])
            elif supply[post] > lots[i, k]:
                size = min(size, supply[post] - lots[i, k])
            if size <= 0:
                continue
            limit = block_limit(
                family[i],
                lots[i],
                minor[i],
                k,
                int64(0),
                size if side else -size,
                parameters[i],
                weight[i],
                mode,
                fee_ppb[post],
                fee_per_lot[post],
                most,
                lot_size,
                step_size,
                minor_size,
                bundle,
            )
            if side == 0:
                ask[i] = limit if limit <= most else 0
                continue
            if ask[i] > 0:
                limit = min(limit, ask[i] - 1)
            bid[i] = limit if affordable(1, minor[i], fee_ppb[post], fee_per_lot[post]) > 0 else 0


@kernel
def cost_of(lots: int, price: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return what a buyer pays for `lots` at `price`, its fee included."""
    paid = int64(lots) * int64(price)
    fee, _ = mul_div(paid, int64(fee_ppb), PPB)
    return paid + fee + int64(lots) * int64(fee_per_lot)


@kernel
def most_at(minor: int, price: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return how many lots `minor` is enough for at `price`, up to the rounding of the fee."""
    before_fee, _ = mul_div(int64(minor), PPB, PPB + int64(fee_ppb))
    lots = before_fee // (int64(price) + int64(fee_per_lot))
    while lots > 0 and cost_of(lots, price, fee_ppb, fee_per_lot) > minor:
        lots -= 1
    return int64(lots)


@kernel
def append(
    records: I64, found: int, member: int, lots: int, limit: int, merge: bool
) -> tuple[I64, int]:
    """Return `records` with one order more, or with the last one made larger; and their number."""
    if merge and found > 0:
        last = records[found - 1]
        if last[0] == member and last[2] == limit and (last[1] > 0) == (lots > 0):
            last[1] += lots
            return records, int64(found)
    if found == records.shape[0]:
        longer = np.empty((2 * found + 8, FIELDS), np.int64)
        for i in range(found):
            for j in range(FIELDS):
                longer[i, j] = records[i, j]
        records = longer
    records[found, 0] = member
    records[found, 1] = lots
    records[found, 2] = limit
    return records, int64(found) + 1


def write_schedules(
    start: int,
    stop: int,
    at: I64,
    called: Bool,
    family: I64,
    lots: I64,
    minor: I64,
    k: int,
    supply: I64,
    parameters: F64,
    weight: F64,
    mode: int,
    fee_ppb: I64,
    fee_per_lot: I64,
    shading: F64,
    order_size: I64,
    behaviour: I8,
    price_low: I64,
    price_high: I64,
    most: int,
    lot_size: float,
    step_size: float,
    minor_size: float,
    bid: I64,
    ask: I64,
    high_bid: I64,
    low_ask: I64,
    seed: int,
    ids: I64,
    tick: int,
) -> I64:
    """Return the members' orders for good k: member, lots (negative to sell) and limit, a row each.

    Parameters
    ----------
    at, called
        Post of each member; whether a post is called.
    supply
        int64 (posts,): lots of the good that there may be to buy.
    bid, ask, high_bid, low_ask
        First limits of each member, and the limits of each post beyond which nothing can trade:
        a schedule ends there, after its first block.
    tick
        Of what is drawn.
    """
    bundle = np.empty(lots.shape[1] + 1 if mode == IN_UTILITY else lots.shape[1])
    records = np.empty((stop - start + 8, FIELDS), np.int64)
    found = 0
    for i in range(start, stop):
        post = at[i]
        if not called[post]:
            continue
        drawn = behaviour[post] != TRUTHFUL
        only = int64(-1)
        if drawn and bid[i] > 0 and ask[i] > 0:
            only = below(seed, k, tick, ids[i], CALL_SIDE, 2)
        for side in range(2):
            if (ask[i] if side == 0 else bid[i]) <= 0 or only == 1 - side:
                continue
            most_lots = int64(lots[i, k])
            if side == 1:
                most_lots = max(supply[post] - lots[i, k], order_size[post])
            last = int64(1) if side == 0 else int64(most)
            if side == 1 and ask[i] > 0 and only < 0:
                last = ask[i] - 1
            had = int64(0)
            block = int64(0)
            cash = int64(minor[i])
            while had < most_lots and block < MOST_BLOCKS:
                size = int64(order_size[post]) << min(int64(20), block // OCTAVE)
                size = min(size, most_lots - had)
                total = had + size
                limit = block_limit(
                    family[i],
                    lots[i],
                    minor[i],
                    k,
                    had if side == 1 else -had,
                    total if side == 1 else -total,
                    parameters[i],
                    weight[i],
                    mode,
                    fee_ppb[post],
                    fee_per_lot[post],
                    most,
                    lot_size,
                    step_size,
                    minor_size,
                    bundle,
                )
                if side == 0:
                    limit = max(limit, last)
                    if limit > most:
                        break
                else:
                    limit = min(limit, last)
                    payable = affordable(total, minor[i], fee_ppb[post], fee_per_lot[post])
                    if payable < limit:
                        # The part of the block that the money is enough for keeps its limit.
                        part = most_at(minor[i], limit, fee_ppb[post], fee_per_lot[post]) - had
                        if part > 0 and not drawn:
                            size = part
                            total = had + part
                        else:
                            limit = payable
                    if limit < 1:
                        break
                last = limit
                if not drawn and block > 0:
                    if side == 0 and limit > high_bid[post]:
                        break
                    if side == 1 and (low_ask[post] == 0 or limit < low_ask[post]):
                        break
                if drawn:
                    low = int64(price_low[post])
                    high = int64(price_high[post])
                    if behaviour[post] == ZI_C and side == 0:
                        low = max(low, limit)
                    if behaviour[post] == ZI_C and side == 1:
                        high = min(high, limit)
                    limit = int64(0)
                    if low <= high:
                        draw = (2 * k + side) * MOST_BLOCKS + block
                        limit = low + below(seed, draw, tick, ids[i], CALL_LIMIT, high - low + 1)
                    if limit > 0 and side == 0 and fee_per_lot[post] > 0:
                        rate = float64(fee_ppb[post]) / PPB
                        least = float64(fee_per_lot[post]) / (1.0 - rate)
                        limit = max(limit, int64(np.ceil(least)))
                ordered = size - int64(shading[post] * float64(size))
                if drawn and side == 1 and limit > 0:
                    # What is drawn may be dear: only what the money is enough for is ordered.
                    ordered = min(ordered, most_at(cash, limit, fee_ppb[post], fee_per_lot[post]))
                    cash -= cost_of(ordered, limit, fee_ppb[post], fee_per_lot[post])
                if limit > 0 and ordered > 0:
                    signed = -ordered if side == 0 else ordered
                    records, found = append(records, found, i, signed, limit, not drawn)
                had = total
                block += 1
    return records[:found]


def gains(
    start: int,
    stop: int,
    family: I64,
    lots: I64,
    minor: I64,
    change: I64,
    paid: I64,
    k: int,
    parameters: F64,
    weight: F64,
    mode: int,
    lot_size: float,
    minor_size: float,
    gain: F64,
) -> None:
    """Write what each member gains by `change` lots of good k for `paid` [M], 0 within the noise.

    The change in utility over the marginal utility of money before the trade.
    """
    bundle = np.empty(lots.shape[1] + 1 if mode == IN_UTILITY else lots.shape[1])
    for i in range(start, stop):
        gain[i] = 0.0
        if change[i] == 0:
            continue
        before = float64(minor[i]) * minor_size
        after = float64(minor[i] - paid[i]) * minor_size
        old = worth_at(family[i], lots[i], k, 0, before, parameters[i], mode, lot_size, bundle)
        money = weight[i]
        spent = 0.0
        if mode == IN_UTILITY:
            money = marginal(family[i], bundle, parameters[i], 0.5 * lot_size, int64(lots.shape[1]))
        else:
            spent = weight[i] * float64(paid[i]) * minor_size
        new = worth_at(
            family[i], lots[i], k, change[i], after, parameters[i], mode, lot_size, bundle
        )
        won = new - old - spent
        if abs(won) > NOISE * (abs(old) + abs(new) + abs(spent)) and money > 0.0:
            gain[i] = won / money


@kernel
def best_quotes(at: I64, called: Bool, bid: I64, ask: I64, high_bid: I64, low_ask: I64) -> None:
    """Write the highest bid and the lowest ask of each post, 0 where there is none."""
    for i in range(at.shape[0]):
        post = at[i]
        if not called[post]:
            continue
        high_bid[post] = max(high_bid[post], bid[i])
        if ask[i] > 0 and (low_ask[post] == 0 or ask[i] < low_ask[post]):
            low_ask[post] = ask[i]


@kernel
def charge(
    start: int,
    stop: int,
    at: I64,
    change: I64,
    price: I64,
    bought_at: I64,
    sold_at: I64,
    fee_ppb: I64,
    fee_per_lot: I64,
    fee: I64,
    paid: I64,
) -> None:
    """Write each member's fee and what it pays in all, the fee included [minor unit].

    The fee holds what a buyer pays above, and a seller gets below, the price published.
    """
    for i in range(start, stop):
        post = at[i]
        fee[i] = 0
        paid[i] = 0
        if change[i] == 0:
            continue
        lots = abs(change[i])
        own = bought_at[post] if change[i] > 0 else sold_at[post]
        share, _ = mul_div(lots * own, fee_ppb[post], PPB)
        fee[i] = share + lots * fee_per_lot[post] + lots * abs(own - price[post])
        paid[i] = change[i] * price[post] + fee[i]


@kernel
def spread_fees(
    buyer: I64, seller: I64, good: I64, quantity: I64, filled: I64, fee: I64, out: I64
) -> None:
    """Write the fee on each trade: both members' fees, cumulatively in proportion to their lots.

    `buyer` and `seller` are members; `filled` and `fee` are (m, K).
    """
    done = np.zeros(filled.shape, np.int64)
    for t in range(buyer.shape[0]):
        k = good[t]
        out[t] = 0
        for member in (buyer[t], seller[t]):
            total = abs(filled[member, k])
            before, _ = mul_div(fee[member, k], done[member, k], total)
            done[member, k] += quantity[t]
            after, _ = mul_div(fee[member, k], done[member, k], total)
            out[t] += after - before


@kernel
def trim(
    member: I64,
    sells: Bool,
    lots: I64,
    limit: I64,
    at: I64,
    held: I64,
    minor: I64,
    fee_ppb: I64,
    fee_per_lot: I64,
) -> None:
    """Cut orders to what their members now own and can pay, in place [lot].

    Orders are sorted by member and side, best limits first.
    """
    had = int64(0)
    for i in range(member.shape[0]):
        own = member[i]
        if i == 0 or member[i - 1] != own or sells[i - 1] != sells[i]:
            had = int64(0)
        most = int64(held[own])
        if not sells[i]:
            most = most_at(minor[own], limit[i], fee_ppb[at[own]], fee_per_lot[at[own]])
        lots[i] = max(int64(0), min(lots[i], most - had))
        had += lots[i]
