"""What the members of a Walrasian post would buy and sell at prices around the clearing price."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from ecs_market.mechanisms.batch import Batch, Run
from ecs_market.mechanisms.demand_jumps import MOST_JUMPS, Ask, Points, jumps, merged, narrowed
from ecs_market.mechanisms.reports import Clearing
from ecs_market.mechanisms.walrasian import price_of
from ecs_market.types import F64, I64, Bool

MOST_MEMBERS = 2_000
"""Posts with more members are left out."""

SPREAD = 3.0
"""Prices go from the clearing price over this to the clearing price times this."""

POINTS = 25
"""Prices of a curve, evenly spaced in logs; the middle one is the clearing price."""

MOST_POINTS = POINTS + 2 * MOST_JUMPS
"""Prices of a curve with those on either side of its jumps."""

_MOST_LOTS = 2.0**62


@dataclass(frozen=True, slots=True)
class Curves:
    """Points of demand and supply curves: arrays of one length, by post, good and rising price.

    Attributes
    ----------
    post
        int64, index of the post in its batch.
    good
        int64.
    price
        int64 [price step].
    demand, supply
        int64: gross purchases and sales that members wish, rounded [lot]; who is indifferent at
        the price wishes neither.
    """

    post: I64
    good: I64
    price: I64
    demand: I64
    supply: I64


def demand_curves(clearing: Clearing, wanted: Bool) -> Curves:
    """Return the curves of each good at Walrasian posts, as of before the clearing.

    Where wishes jump between neighbouring prices, two more lie close on either side of the jump.
    Members are asked as the clearing asked them, with the other goods at their clearing prices.

    Parameters
    ----------
    clearing
        What the tatonnement came to; nothing of it is changed.
    wanted
        bool (posts,), for which posts.
    """
    batch = clearing.batch
    traded = batch.commodities & (wanted & batch.active)[:, np.newaxis]
    counted = np.flatnonzero(batch.numeraire >= 0)
    traded[counted, batch.numeraire[counted]] = False
    # Without a price of every good there is nothing to hold the others at.
    unpriced: Bool = np.any(batch.commodities & (clearing.price <= 0), axis=1)
    traded[unpriced] = False
    post, good = np.nonzero(traded)
    if not len(post):
        none = np.empty(0, np.int64)
        return Curves(none, none, none, none, none)
    curve, price = _prices(batch, post, good, clearing.price)
    found = Points(curve, price, *_wishes(clearing, post[curve], good[curve])(price))
    steep = jumps(found, batch.kinked()[post])
    if len(steep.below):
        of = curve[steep.below]
        found = merged(found, narrowed(found, steep, _wishes(clearing, post[of], good[of])))
    return Curves(post[found.curve], good[found.curve], *found[1:])


def _wishes(clearing: Clearing, post: I64, good: I64) -> Ask:
    """Return a function of prices [price step], each of a good at a post (in ascending order)."""
    batch, each = clearing.batch, np.arange(len(post))
    asked, active = _spread_out(batch, post), np.ones(len(post), np.bool_)
    lot = batch.world.settings.lot_size

    def ask(price: I64) -> tuple[I64, I64]:
        steps = np.maximum(clearing.price[post], 1)
        steps[each, good] = price
        found = asked.excess(price_of(asked, steps), active)
        return _lots(found.bought[each, good], lot), _lots(found.sold[each, good], lot)

    return ask


def _prices(batch: Batch, post: I64, good: I64, clearing: I64) -> tuple[I64, I64]:
    """Return the prices to ask at [price step], each once, with their curves' numbers."""
    half = POINTS // 2
    factors = SPREAD ** (np.arange(-half, half + 1) / half)
    most = batch.most_steps[good][:, np.newaxis]
    price = np.rint(clearing[post, good][:, np.newaxis] * factors)
    price = np.clip(price, 1, most).astype(np.int64)
    fresh = np.ones(price.shape, np.bool_)
    fresh[:, 1:] = price[:, 1:] != price[:, :-1]
    curve, _ = np.nonzero(fresh)
    return curve, price[fresh]


def _spread_out(batch: Batch, post: I64) -> Batch:
    """Return a batch with a post for each entry of `post` (ascending), of the members there.

    The members themselves are shared, so that one call asks them at all prices.
    """
    first = np.searchsorted(post, np.arange(batch.posts + 1))
    runs = [_repeated(run, first) for run in batch.runs]
    return dataclasses.replace(
        batch,
        # Says how many posts there are: their members are found through the runs.
        first=np.zeros(len(post) + 1, np.int64),
        runs=[run for run in runs if len(run.post)],
        commodities=batch.commodities[post],
        numeraire=batch.numeraire[post],
        active=np.ones(len(post), np.bool_),
        endowment=batch.endowment[post],
        purse=batch.purse[post],
        fee_rate=batch.fee_rate[post],
        fee_unit=batch.fee_unit[post],
        shading=batch.shading[post],
    )


def _repeated(run: Run, first: I64) -> Run:
    """Return a family's segments, each for every entry of its post, with room for their sums."""
    times = np.diff(first)[run.post]
    segment = np.repeat(np.arange(len(run.post)), times)
    before = np.cumsum(times) - times
    entry = first[run.post[segment]] + np.arange(len(segment)) - before[segment]
    sums = (np.zeros((len(segment), run.low.shape[1])) for _ in range(4))
    return Run(run.family, entry.astype(np.int32), run.start[segment], run.stop[segment], *sums)


def _lots(units: F64, lot: float) -> I64:
    lots: I64 = np.minimum(np.rint(units / lot), _MOST_LOTS).astype(np.int64)
    return lots
