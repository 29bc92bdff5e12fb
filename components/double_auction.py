"""Continuous double auctions: their settings and what rests in their books."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.columns import column
from ecs_market.components.book import Book, no_numbers
from ecs_market.types import F64, I8, I32, I64, Bool

TRUTHFUL, ZI_C, ZI_U, ZIP = range(4)
BEHAVIOURS = ("truthful", "zi_c", "zi_u", "zip")
ORDER_TYPES = ("limit", "market", "immediate_or_cancel", "fill_or_kill", "stop")


def no_rates() -> F64:
    """Return an empty column of float64."""
    return np.empty(0)


def no_flags() -> Bool:
    """Return an empty column of bool."""
    return np.empty(0, np.bool_)


@dataclass(slots=True)
class DoubleAuction:
    """Parameters of a post that runs a continuous double auction, and its last prices.

    `order_weights` has a weight for each of `ORDER_TYPES`, all 0 where a post has one type.
    `last_price` is the price of the last trade; unlike what the post publishes it is never a first
    price given or an indicative one.
    """

    behaviour: I8 = column(np.int8, "index into BEHAVIOURS")
    activations: I64 = column(np.int64, "1, 0 = one for each member")
    order_size: I64 = column(np.int64, "lot", fill=1)
    order_type: I8 = column(np.int8, "index into ORDER_TYPES, -1 = drawn by order_weights")
    order_weights: F64 = column(np.float64, "1", width="order_types", optional=True)
    lifetime: I32 = column(np.int32, "tick, 0 = until the agent leaves")
    price_low: I64 = column(np.int64, "price step", fill=1)
    price_high: I64 = column(np.int64, "price step, 0 = none")
    initial_price: F64 = column(np.float64, "M / unit, 0 = none", width="goods")
    last_price: I64 = column(np.int64, "price step, 0 = none", width="goods")


@dataclass(slots=True)
class RestingOrders(Book):
    """Orders that rest at posts, an entry each, by post id and in order of time.

    Attributes
    ----------
    good
        int64 (m,), index of the good.
    sells
        bool (m,).
    price, trigger
        int64 (m,) [price step]: the limit; the trigger of a stop order not triggered yet, else 0.
    quantity, lots
        int64 (m,) [lot]: when handed in, and what of it is left.
    expires
        int64 (m,), the first tick in which the order is void.
    """

    good: I64 = field(default_factory=no_numbers)
    sells: Bool = field(default_factory=no_flags)
    price: I64 = field(default_factory=no_numbers)
    trigger: I64 = field(default_factory=no_numbers)
    quantity: I64 = field(default_factory=no_numbers)
    lots: I64 = field(default_factory=no_numbers)
    expires: I64 = field(default_factory=no_numbers)


@dataclass(slots=True)
class Margins(Book):
    """What `zip` traders have learned, by (post, agent, good).

    Attributes
    ----------
    good
        int64 (m,), index of the good.
    bid_margin, ask_margin
        float64 (m,): limit x (1 + margin) is the price bid or asked; at most 0 and at least 0.
    bid_change, ask_change
        float64 (m,): the last changes of those prices [price step].
    """

    good: I64 = field(default_factory=no_numbers)
    bid_margin: F64 = field(default_factory=no_rates)
    ask_margin: F64 = field(default_factory=no_rates)
    bid_change: F64 = field(default_factory=no_rates)
    ask_change: F64 = field(default_factory=no_rates)


@dataclass(slots=True)
class GivenOrders:
    """Orders handed in from outside, in order of time, in place of what members would do.

    A world has one instance or none.  All arrays have one entry an order.

    Attributes
    ----------
    post, agent, good
        int64: post id; id of the agent that pays and delivers; index of the good.
    owner
        int64: orders of one owner never meet.
    sells
        bool.
    price, lots
        int64: limit [price step], quantity [lot].
    kind
        int64, index into `ORDER_TYPES`; a stop is triggered at its limit.
    expires
        int64, the first tick in which the order is void.
    replaces
        bool: whether the agent's earlier orders in the good are cancelled first.
    """

    post: I64
    agent: I64
    good: I64
    owner: I64
    sells: Bool
    price: I64
    lots: I64
    kind: I64
    expires: I64
    replaces: Bool
