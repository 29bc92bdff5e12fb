"""How much of a run fits on a page, and what is left out where it is too much."""

from __future__ import annotations

import itertools

import numpy as np

from ecs_market.types import I64
from ecs_market.types import Column as Array

AGENT_CELLS = 400_000
"""Positions of agents, over all snapshots."""
AGENTS_SHOWN = 5_000
"""Agents in a snapshot; where more are recorded, a sample of these, and bins of all."""
CLEAR_ROWS = 120_000
"""Clears of goods, over all posts."""
CURVE_POINTS = 60_000
"""Points of demand and supply curves, over all clears."""
PATCH_CELLS = 400_000
"""Stocks of patches, over all snapshots."""
SERIES_POINTS = 4_000
"""Points of a series over time; longer ones keep the extremes of stretches of ticks."""
SYSTEM_POINTS = 1_000
"""Points of the times of systems, each the mean of a stretch of ticks."""
TRADES_SHOWN = 100_000
"""Trades and pairs on the map."""
VOLUME_BARS = 120
"""Bars of volume over time, each the sum of a stretch of ticks."""


def extremes(columns: list[Array], most: int = SERIES_POINTS) -> I64:
    """Return which points of parallel series to keep.

    Parameters
    ----------
    columns
        Each of shape (n,), in the order of ticks; NaN is no value.
    most
        About how many points may be kept.

    Returns
    -------
    numpy.ndarray
        Places, ascending: all if there are few; otherwise of each of equally long stretches the
        first and last point and, for every column, the lowest and the highest.
    """
    n = len(columns[0])
    if n <= most:
        return np.arange(n)
    stretches = max(most // (2 + 2 * len(columns)), 1)
    edges = np.linspace(0, n, stretches + 1).astype(np.int64)
    kept = [edges[:-1], edges[1:] - 1]
    for column in columns:
        values = np.asarray(column, np.float64)
        for start, stop in itertools.pairwise(edges):
            part = values[start:stop]
            if not np.isnan(part).all():
                kept.append(start + np.array([np.nanargmin(part), np.nanargmax(part)]))
    return np.unique(np.concatenate(kept))


def evenly(n: int, most: int) -> I64:
    """Return at most so many places from 0 to n - 1, evenly spaced, both ends among them."""
    if n <= most:
        return np.arange(n)
    return np.unique(np.linspace(0, n - 1, max(most, 2)).round().astype(np.int64))
