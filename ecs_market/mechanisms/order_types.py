"""Types of orders that agents hand in at a double auction: one, or each with a weight."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecs_market.components.double_auction import ORDER_TYPES
from ecs_market.kernels.budgets import DRAWN, WHOLE
from ecs_market.types import F64, I64


def types_and_weights(given: str | Mapping[str, float]) -> tuple[int, F64]:
    """Return the one type that orders have, or `DRAWN`; and the weight of each type if drawn."""
    weights = np.zeros(len(ORDER_TYPES))
    if isinstance(given, str):
        return ORDER_TYPES.index(given), weights
    for name, weight in given.items():
        weights[ORDER_TYPES.index(name)] = weight
    if np.count_nonzero(weights) == 1:
        return int(weights.argmax()), np.zeros_like(weights)
    return DRAWN, weights


def reach(weights: F64) -> I64:
    """Return up to where each type is drawn, (posts, types), in parts of `WHOLE`; 0 if it is not.

    Weights need not add up to 1.  A type's share is met to within 2^-52.
    """
    share = np.cumsum(weights, axis=1)
    whole = share[:, -1:].copy()
    np.divide(share, whole, out=share, where=whole > 0.0)
    found: I64 = (share * WHOLE).astype(np.int64)
    return found
