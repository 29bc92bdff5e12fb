"""Call auctions: their rules, a value a post, and the orders that wait for a call."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.columns import column
from ecs_market.components.book import Book, no_numbers
from ecs_market.types import F64, I8, I32, I64, Bool

TRUTHFUL, ZI_C, ZI_U = 0, 1, 2
BEHAVIOURS = ("truthful", "zi_c", "zi_u")


@dataclass(slots=True)
class CallAuction:
    """Parameters of a post that gathers orders and clears them at one price.

    `k` places the price within the interval of prices that clear, 0 at its lower end.
    """

    k: F64 = column(np.float64, "1", fill=0.5)
    interval: I32 = column(np.int32, "tick", fill=1)
    mcafee: Bool = column(np.bool_, "whether the marginal orders are given up")
    order_size: I64 = column(np.int64, "lot", fill=1)
    behaviour: I8 = column(np.int8, "index into BEHAVIOURS")
    price_low: I64 = column(np.int64, "price step", fill=1)
    price_high: I64 = column(np.int64, "price step", fill=1)
    initial_price: F64 = column(np.float64, "M / unit, 0 = none", width="goods")


def no_flags() -> Bool:
    """Return an empty column of bool."""
    return np.empty(0, np.bool_)


@dataclass(slots=True)
class GatheredOrders(Book):
    """Orders that wait for the end of an interval, by post and agent.

    Attributes
    ----------
    good
        int64 (m,), index of the good.
    sells
        bool (m,).
    lots, price
        int64 (m,): quantity [lot] and limit [price step].
    """

    good: I64 = field(default_factory=no_numbers)
    sells: Bool = field(default_factory=no_flags)
    lots: I64 = field(default_factory=no_numbers)
    price: I64 = field(default_factory=no_numbers)
