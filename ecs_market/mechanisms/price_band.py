"""How far a price may be from the one last published."""

from __future__ import annotations

import numpy as np

from ecs_market.types import F64, I64

# Steps by which a bound may be missed through rounding.
SLACK = 1e-9


def within(published: I64, band: F64, most: int) -> tuple[I64, I64]:
    """Return the lowest and the highest price that bands allow.

    Parameters
    ----------
    published
        int64 (posts, K), the prices last published [price step], 0 for none.
    band
        float64 (posts,), the largest relative change, 0 for any.
    most
        The highest price there is [price step].

    Returns
    -------
    low, high : ndarray of int64
        Shape (posts, K) [price step].  A price may always move by one step, or a cheap good's would
        never move.
    """
    share = band[:, np.newaxis]
    change = np.maximum(1.0, np.floor(published * share + SLACK))
    bound = (share > 0.0) & (published > 0)
    low = np.where(bound, np.maximum(1.0, published - change), 1.0)
    high = np.where(bound, np.minimum(published + change, float(most)), float(most))
    return low.astype(np.int64), high.astype(np.int64)
