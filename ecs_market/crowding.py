"""How many others an agent sees: what search costs grows with it."""

from __future__ import annotations

import logging
import math

import numpy as np

from ecs_market.components.bilateral_trader import BilateralTrader
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility
from ecs_market.world import World

# Speed is promised for so many visible neighbours.
PROMISED = 50

_LOG = logging.getLogger("ecs_market")


def visible_neighbours(world: World) -> float:
    """Estimate how many others that bargain an agent sees where agents stand now, in the mean.

    The grid is cut into squares of as many cells as an agent sees; each agent is taken to see its
    own square.  That is exact in the mean for a uniform crowd and for clusters within a square; one
    pass over the agents.  0 where agents do not look for partners.
    """
    tables = list(world.tables(BilateralTrader, Position, Visibility))
    if world.settings.exchange_regime == "centralized" or not sum(t.size for t in tables):
        return 0.0
    position, sight = world.agents.whole(Position), world.agents.whole(Visibility)
    rows = np.concatenate([np.arange(t.start, t.stop) for t in tables])
    radius = sight.vision_radius[rows].astype(np.float64)
    # A diamond of radius r has 2 r (r + 1) + 1 cells.
    side = max(1.0, math.sqrt(float(np.mean(2 * radius * (radius + 1) + 1))))
    across = int(world.settings.width / side) + 1
    square = (position.y[rows] / side).astype(np.int64) * across
    square += (position.x[rows] / side).astype(np.int64)
    counts = np.unique(square, return_counts=True)[1].astype(np.float64)
    return float((counts * counts).sum() / len(rows) - 1.0)


def crowding_notice(neighbours: float) -> str | None:
    """Return what to tell about a crowd that is denser than speed is promised for, or None."""
    if neighbours <= PROMISED:
        return None
    return (
        f"an agent sees about {neighbours:,.0f} others; speed is promised for up to {PROMISED}, "
        f"and the search for partners will take about {neighbours / PROMISED:,.1f} times as long"
    )


def tell_crowding(world: World) -> float:
    """Log a dense crowd as a warning; return the estimate."""
    neighbours = visible_neighbours(world)
    notice = crowding_notice(neighbours)
    if notice is not None:
        _LOG.warning("%s", notice)
    return neighbours
