"""From a tick's scratch to totals and rows of telemetry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.components.gains import Gains
from ecs_market.components.market_post import STATUSES
from ecs_market.kernels.tallying import add_gains
from ecs_market.mechanisms.settlement import ORDER_STATUSES, Clearing, Orders, Trades
from ecs_market.state_hash import state_hash
from ecs_market.telemetry.batches import Coded
from ecs_market.telemetry.recorder import Recorder
from ecs_market.telemetry.schema import Level
from ecs_market.telemetry.tallies import tally_pairs, tally_posts
from ecs_market.totals import Tally
from ecs_market.types import I64, Bool
from ecs_market.world import World


def add_up(world: World) -> None:
    """Add the tick to the run's totals and to what each agent has gained."""
    realised = world.agents.whole(Gains).realised
    gained = [(each.batch.row, each.settled.gain) for each in world.scratch.clearings]
    bargains = world.scratch.bargains
    if bargains is not None:
        gained.append((bargains.row.ravel(), bargains.side_gain.ravel()))
    for rows, gain in gained:
        world.over(0, len(rows), add_gains, rows, gain, realised)
    world.scratch.tallies = tally_posts(world), tally_pairs(world)
    world.totals.include(world.tick, *world.scratch.tallies)


def record(world: World, recorder: Recorder) -> None:
    """Write the tick to every table that the level records."""
    if recorder.level == Level.OFF:
        return
    for clearing in world.scratch.clearings:
        _record_clearing(world, recorder, clearing)
        if recorder.level >= Level.TRADES:
            _record_trades(world, recorder, clearing.trades(), bilateral=False)
        if recorder.level >= Level.ORDERS:
            _record_orders(world, recorder, clearing)
    bargains = world.scratch.bargains
    if recorder.level >= Level.TRADES and bargains is not None:
        _record_trades(world, recorder, bargains.trades, bilateral=True)
    if world.snapshots is not None:
        world.snapshots.take(world, world.tick)
    for tally, bilateral in zip(world.scratch.tallies, (False, True), strict=True):
        _record_tally(world, recorder, tally, bilateral=bilateral)
    _record_tick(world, recorder)
    recorder.end_tick()


def _record_clearing(world: World, recorder: Recorder, clearing: Clearing) -> None:
    """Write a row for each post that had members and each good it trades."""
    batch = clearing.batch
    traded: Bool = batch.commodities & clearing.active[:, np.newaxis]
    traded[np.flatnonzero(batch.numeraire >= 0), batch.numeraire[batch.numeraire >= 0]] = False
    at, good = np.nonzero(traded)
    common: dict[str, Any] = {
        "tick": world.tick,
        "market_id": clearing.post[at],
        "commodity": Coded(good, world.settings.goods),
    }
    settled = clearing.settled
    recorder.append(
        "market_clears",
        {
            **common,
            "clearing_price": clearing.price[at, good],
            "total_demand": settled.demand[at, good],
            "total_supply": settled.supply[at, good],
            "quantity_traded": settled.volume[at, good],
            "convergence_iterations": clearing.iterations[at],
            "status": Coded(clearing.status[at], STATUSES),
            "residual": clearing.residual[at, good],
            "participants": clearing.participants[at],
        },
    )
    recorder.append(
        "market_prices",
        {
            **common,
            "price": clearing.price[at, good],
            "bid_ask_spread": _spread(clearing, at, good),
        },
    )


def _spread(clearing: Clearing, at: I64, good: I64) -> Any:
    """Return the best ask less the best bid, NULL where one of them is missing."""
    if clearing.best_bid is None or clearing.best_ask is None:
        return None
    bid, ask = clearing.best_bid[at, good], clearing.best_ask[at, good]
    return np.ma.masked_array(ask - bid, (bid == 0) | (ask == 0))


def _record_trades(world: World, recorder: Recorder, trades: Trades, *, bilateral: bool) -> None:
    if not trades.size:
        return
    recorder.append(
        "trades",
        {
            "tick": world.tick,
            "market_id": None if bilateral else trades.market,
            "buyer_id": np.ma.masked_array(trades.buyer, trades.buyer < 0),
            "seller_id": np.ma.masked_array(trades.seller, trades.seller < 0),
            "commodity": Coded(trades.good, world.settings.goods),
            "quantity": trades.quantity,
            "price": trades.price,
            "fee": trades.fee if len(trades.fee) else 0,
        },
    )


def _record_orders(world: World, recorder: Recorder, clearing: Clearing) -> None:
    """Write each member's net desire at the price, and what became of it."""
    if clearing.orders is not None:
        _record_book_orders(world, recorder, clearing.orders)
        return
    batch, settled = clearing.batch, clearing.settled
    wish = settled.desired[batch.by_id]
    member, good = np.nonzero(wish)
    lots = wish[member, good]
    filled = settled.filled[batch.by_id][member, good]
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    status = np.where(filled == lots, 0, np.where(filled == 0, 2, 1))
    recorder.append(
        "market_orders",
        {
            "tick": world.tick,
            "market_id": clearing.post[at[member]],
            "agent_id": batch.id[batch.by_id][member],
            "commodity": Coded(good, world.settings.goods),
            "direction": Coded((lots < 0).astype(np.int64), ("buy", "sell")),
            "quantity": np.abs(lots),
            "limit_price": None,
            "status": Coded(status, ("filled", "partial", "unfilled")),
        },
    )


def _record_book_orders(world: World, recorder: Recorder, orders: Orders) -> None:
    """Write the orders that were submitted to a book, or changed there."""
    if not orders.size:
        return
    recorder.append(
        "market_orders",
        {
            "tick": world.tick,
            "market_id": orders.market,
            "agent_id": orders.agent,
            "commodity": Coded(orders.good, world.settings.goods),
            "direction": Coded((orders.lots < 0).astype(np.int64), ("buy", "sell")),
            "quantity": np.abs(orders.lots),
            "limit_price": np.ma.masked_array(orders.limit, orders.limit == 0),
            "status": Coded(orders.status, ORDER_STATUSES),
        },
    )


def _record_tally(world: World, recorder: Recorder, tally: Tally, *, bilateral: bool) -> None:
    """Write what was gained at each post with trade, or by pairs, and the prices of each good."""
    at = np.flatnonzero(tally.clears)
    recorder.append(
        "trade_gains",
        {
            "tick": world.tick,
            "market_id": _no_market(at) if bilateral else at,
            "trades": tally.trades[at],
            "gain": tally.gain[at],
            "fee": tally.fee[at],
        },
    )
    place, good = np.nonzero(tally.volume)
    mean, deviation = tally.prices.mean[place, good], tally.prices.deviation[place, good]
    # Goods for goods can come to a price of 0: nothing to compare the deviation with.
    dispersion = np.divide(deviation, mean, out=np.full(len(mean), np.nan), where=mean > 0.0)
    recorder.append(
        "trade_prices",
        {
            "tick": world.tick,
            "market_id": _no_market(place) if bilateral else place,
            "commodity": Coded(good, world.settings.goods),
            "quantity": tally.volume[place, good],
            "mean_price": mean,
            "dispersion": dispersion,
        },
    )


def _no_market(like: I64) -> Any:
    return np.ma.masked_array(like, np.ones(len(like), np.bool_))


def _record_tick(world: World, recorder: Recorder) -> None:
    posts, pairs = world.scratch.tallies
    recorder.append(
        "ticks",
        {
            "tick": world.tick,
            "agents": world.agents.size,
            "market_trades": int(posts.trades.sum()),
            "bilateral_trades": int(pairs.trades.sum()),
            "market_volume": int(posts.volume.sum()),
            "bilateral_volume": int(pairs.volume.sum()),
            "harvested": int(world.scratch.harvested.sum()),
            "market_gain": int(posts.gain.sum()),
            "bilateral_gain": int(pairs.gain.sum()),
            "state_hash": state_hash(world, world.tick + 1),
            "elapsed_ns": sum(world.timings.values()),
        },
    )
    recorder.append(
        "system_times",
        {
            "tick": world.tick,
            "system": list(world.timings),
            "ns": np.array(list(world.timings.values()), np.int64),
        },
    )
