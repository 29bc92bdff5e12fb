"""Measures of how well a market did: pure functions of numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ecs_market.errors import InputError
from ecs_market.types import F64


def smith_alpha(
    prices: Sequence[float] | F64,
    equilibrium: float,
    quantities: Sequence[float] | F64 | None = None,
) -> float:
    """Return Smith's coefficient of convergence, alpha [%].

    The standard deviation of trade prices around the equilibrium price, in percent of it:
    100 sqrt(mean (p - p0)^2) / p0 (V. L. Smith, Journal of Political Economy 70, 1962).

    Parameters
    ----------
    prices
        Shape (n,), prices of trades [M / unit].
    equilibrium
        The equilibrium price p0 [M / unit].
    quantities
        Shape (n,), weights of the trades; each counts once if not given.

    Returns
    -------
    float
        NaN if there are no trades.

    Raises
    ------
    InputError
        The equilibrium price is not above 0, or the lengths differ, or a quantity is below 0.
    """
    paid = np.asarray(prices, np.float64)
    weight = np.ones(paid.shape) if quantities is None else np.asarray(quantities, np.float64)
    if not (math.isfinite(equilibrium) and equilibrium > 0.0):
        raise InputError(f"smith_alpha: the equilibrium price must be above 0, not {equilibrium!r}")
    if paid.ndim != 1 or paid.shape != weight.shape:
        raise InputError("smith_alpha: prices and quantities must be lists of one length")
    if (weight < 0.0).any():
        raise InputError("smith_alpha: a quantity is below 0")
    total = float(weight.sum())
    if total == 0.0:
        return math.nan
    spread = float((weight * (paid - equilibrium) ** 2).sum()) / total
    return 100.0 * math.sqrt(spread) / equilibrium


def gini(values: Sequence[float] | F64) -> float:
    """Return the Gini coefficient of a distribution: 0 equal, towards 1 one has all.

    The mean absolute difference of two members over twice the mean (C. Gini, 1912).

    Parameters
    ----------
    values
        Shape (n,).  Some may be below 0; the coefficient can then exceed 1.

    Returns
    -------
    float
        0 if all are equal; NaN if there is none, or the sum is not above 0 otherwise.
    """
    held = np.sort(np.asarray(values, np.float64))
    n = len(held)
    if n == 0:
        return math.nan
    if held[0] == held[-1]:
        return 0.0
    total = float(held.sum())
    if total <= 0.0:
        return math.nan
    ranks = 2.0 * np.arange(1, n + 1) - n - 1.0
    return float((ranks * held).sum()) / (n * total)
