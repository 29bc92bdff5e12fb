"""A posted price's settings and what was wanted at it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.columns import column
from ecs_market.components.book import Book
from ecs_market.types import F64, I8, I32, I64, Bool


def _no_wishes() -> I64:
    return np.empty((0, 0), np.int64)


@dataclass(slots=True)
class PostedPrice:
    """Parameters of a post that trades at its posted price, and its adjustment gain."""

    initial_price: F64 = column(np.float64, "M / unit, 0 = none", width="goods")
    price_update_frequency: I32 = column(np.int32, "tick", fill=1)
    eta: F64 = column(np.float64, "1", width="goods")
    sign: I8 = column(np.int8, "last sign of excess demand", width="goods")
    updated_at: I32 = column(np.int32, "tick", fill=-1)
    deals: Bool = column(np.bool_, "trades with its own stock")


@dataclass(slots=True)
class WishBook(Book):
    """Each agent's latest wish at each post since its last price update, by (post, agent).

    Attributes
    ----------
    wish
        int64 (m, K), desired net purchase [lot].
    """

    wish: I64 = field(default_factory=_no_wishes)
