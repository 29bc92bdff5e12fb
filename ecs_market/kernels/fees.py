"""What a net trade costs: the payment, and a fee rounded down once."""

from __future__ import annotations

from ecs_market.kernels.jit import helper
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, int64

# Rates are in parts of this.
BILLION = 1_000_000_000


@helper
def fee_on(lots: int, price: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return the fee on trading `lots` >= 0 net at `price` [minor unit]."""
    share = int64(0)
    if fee_ppb > 0:
        share, _ = mul_div(lots * price, fee_ppb, BILLION)
    return share + lots * fee_per_lot


@helper
def cost_of(lots: int, price: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return what a net purchase of `lots` costs, fee included; of a sale minus its proceeds."""
    if lots == 0:
        return int64(0)
    return lots * price + fee_on(abs(lots), price, fee_ppb, fee_per_lot)


@helper
def most_lots(limit: int, price: int, fee_ppb: int, fee_per_lot: int) -> int:
    """Return the most lots that cost no more than `limit`, fee included."""
    if limit < price or price <= 0:
        return int64(0)
    high = limit // price
    if fee_ppb == 0 and fee_per_lot == 0:
        return high
    low = int64(0)
    # Money and fee rates are bounded, and so is a fee on what the payment alone would allow,
    # unless the fee a lot is more than the price: then it bounds the lots.
    if fee_per_lot > price:
        high = limit // fee_per_lot
    while low < high:
        middle = low + (high - low + 1) // 2
        if cost_of(middle, price, fee_ppb, fee_per_lot) <= limit:
            low = middle
        else:
            high = middle - 1
    return low


@helper
def paid_for(net: I64, price: I64, fee_ppb: int, fee_per_lot: int) -> int:
    """Return what net trades of all goods cost together [minor unit]."""
    paid = int64(0)
    for k in range(net.shape[0]):
        paid += cost_of(net[k], price[k], fee_ppb, fee_per_lot)
    return paid
