"""The prices that a run's trades were paid at, as far as they were paid for with the same thing."""

from __future__ import annotations

import numpy as np

from ecs_market.components.market_post import MarketPost
from ecs_market.mechanisms.batch import numeraires
from ecs_market.preferences.modes import UNIT_OF_ACCOUNT
from ecs_market.totals import Prices
from ecs_market.world import World

SEVERAL = "posts count in different goods"
BARTER = "pairs pay with goods too: prices are those at posts"


def good_that_pays(world: World) -> int | None:
    """Return the index of the good that pays at all posts, None if there are several."""
    rows = world.post_rows[world.post_rows >= 0]
    commodities = world.posts.whole(MarketPost).commodities[rows]
    pays = np.unique(numeraires(commodities, UNIT_OF_ACCOUNT))
    if len(pays) == 0:
        return world.goods - 1
    return int(pays[0]) if len(pays) == 1 else None


def prices_paid(world: World) -> tuple[Prices, str | None]:
    """Return the prices of all trades that were paid for with the same thing.

    Returns
    -------
    prices : Prices
        Of one place.
    reason : str or None
        Why trades were left out.
    """
    totals, settings = world.totals, world.settings
    same = not settings.barters or world.goods == (2 if settings.mode == UNIT_OF_ACCOUNT else 1)
    paid = Prices.none(1, world.goods)
    if settings.mode == UNIT_OF_ACCOUNT and good_that_pays(world) is None:
        return paid, SEVERAL
    paid.include(totals.posts.prices.pooled())
    if same:
        paid.include(totals.pairs.prices)
    elif totals.bilateral_trades:
        return paid, BARTER
    return paid, None
