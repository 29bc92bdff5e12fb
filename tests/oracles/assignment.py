"""The greatest surplus as an assignment of single lots to places, solved by scipy."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linear_sum_assignment


def greatest_surplus(values: Sequence[float], costs: Sequence[float]) -> float:
    """Return the most that buyers' values less sellers' costs can come to, one unit each."""
    if not values or not costs:
        return 0.0
    worth = np.maximum(np.subtract.outer(np.asarray(values), np.asarray(costs)), 0.0)
    return float(worth[linear_sum_assignment(worth, maximize=True)].sum())


def greatest_worth(places: Sequence[float], lots: int) -> float:
    """Return the most that `lots` lots are worth, one to a place; the rest is worth nothing."""
    if not places or not lots:
        return 0.0
    worth = np.tile(np.asarray(places, np.float64), (lots, 1))
    return float(worth[linear_sum_assignment(worth, maximize=True)].sum())
