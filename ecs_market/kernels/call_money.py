"""Money at a call auction: what orders can cost, what fills cost, and what the post takes."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.fees import BILLION, fee_on, most_lots
from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, Bool, int64


@helper
def affordable(lots: int, minor: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return the highest price at which `lots` and their fee cost no more than `minor`."""
    rest = int64(minor) - int64(lots) * int64(fee_per_lot)
    if rest <= 0 or lots <= 0:
        return int64(0)
    before_fee, _ = mul_div(rest, BILLION, BILLION + int64(fee_ppb))
    return int64(before_fee // int64(lots))


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
            most = most_lots(minor[own], limit[i], fee_ppb[at[own]], fee_per_lot[at[own]])
        lots[i] = max(int64(0), min(lots[i], most - had))
        had += lots[i]


@kernel
def charge(
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
    for i in range(at.shape[0]):
        post = at[i]
        fee[i] = 0
        paid[i] = 0
        if change[i] == 0:
            continue
        lots = abs(change[i])
        own = bought_at[post] if change[i] > 0 else sold_at[post]
        fee[i] = fee_on(lots, own, fee_ppb[post], fee_per_lot[post])
        fee[i] += lots * abs(own - price[post])
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
