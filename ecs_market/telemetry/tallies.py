"""What a tick's clearings and bargains add up to."""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.tallying import add_pairs, add_trades
from ecs_market.totals import Prices, Tally
from ecs_market.world import World

PAIRS_TOGETHER = 4096


def tally_posts(world: World) -> Tally:
    """Return the tick's trade at posts, a row a post id."""
    tally = Tally.none(len(world.post_rows), world.goods)
    for clearing in world.scratch.clearings:
        ids, volume = clearing.post, clearing.settled.volume
        tally.trades[ids] += clearing.trade_counts()
        tally.clears[ids] += volume.any(axis=1)
        tally.gain[ids] += clearing.gain
        tally.volume[ids] += volume
        made = clearing.made
        # Mechanisms count fees a post, or trade by trade, or charge none.
        if len(clearing.settled.fee):
            tally.fee[ids] += clearing.settled.fee
        elif made is not None and len(made.fee):
            np.add.at(tally.fee, made.market, made.fee)
        if made is None:
            at, good = np.nonzero(volume)
            trades = ids[at], good, volume[at, good], clearing.price[at, good]
        else:
            trades = made.market, made.good, made.quantity, made.price
        place, kind, lots, steps = (np.ascontiguousarray(each, np.int64) for each in trades)
        add_trades(place, kind, lots, steps, tally.prices.origin, tally.prices.sums)
    return tally


def tally_pairs(world: World) -> Tally:
    """Return the tick's trade face to face, in one row."""
    tally = Tally.none(1, world.goods)
    bargains = world.scratch.bargains
    if bargains is not None and bargains.agreements.any():
        tally.trades[0] = bargains.agreements.sum()
        tally.clears[0] = 1
        tally.gain[0] = bargains.side_gain.sum()
        # Sums are of each pair first, and of pairs by their ids, always so many of them together:
        # neither the order of rows nor threads change a bit.
        groups = Prices.none(-(-len(bargains.order) // PAIRS_TOGETHER), world.goods)
        world.over(
            0,
            len(groups.lots),
            add_pairs,
            PAIRS_TOGETHER,
            bargains.order,
            bargains.prices.origin,
            bargains.prices.sums,
            groups.origin,
            groups.sums,
            cost=PAIRS_TOGETHER,
        )
        tally.prices = groups.pooled()
        tally.volume[:] = tally.prices.lots.astype(np.int64)
    return tally
