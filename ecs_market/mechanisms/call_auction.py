"""The call auction: orders gather, and all trade at one price of maximum volume."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.components.call_auction import BEHAVIOURS, CallAuction, GatheredOrders
from ecs_market.components.market_post import MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.mechanisms import price_band
from ecs_market.mechanisms.batch import Batch, part, prices_given
from ecs_market.mechanisms.call_report import Called
from ecs_market.mechanisms.calls import call
from ecs_market.mechanisms.gathering import gather_orders, join_orders
from ecs_market.mechanisms.schedules import CallRules
from ecs_market.mechanisms.search import median_rates
from ecs_market.mechanisms.settlement import Clearing, gains_per_post, post_ids
from ecs_market.types import I64, Bool
from ecs_market.world import World

NAME = "call_auction"
COMPONENT = CallAuction
BOOKS: tuple[type, ...] = (GatheredOrders,)


def configure(world: World, row: int, parameters: Mapping[str, Any]) -> None:
    """Write a post's parameters, as a scenario gives them, to its row."""
    settings = world.settings
    rules = world.posts.whole(CallAuction)
    rules.k[row] = parameters["k"]
    rules.interval[row] = parameters["interval"]
    rules.mcafee[row] = parameters["mcafee"]
    rules.order_size[row] = max(1, round(parameters["order_size"] / settings.lot_size))
    rules.behaviour[row] = BEHAVIOURS.index(parameters["behaviour"])
    low, high = parameters["price_low"], parameters["price_high"]
    rules.price_low[row] = 1 if low is None else max(1, round(low / settings.step_size))
    rules.price_high[row] = 1 if high is None else max(1, round(high / settings.step_size))
    rules.initial_price[row] = prices_given(world, parameters["initial_price"])
    post = world.posts.whole(MarketPost)
    published = post.commodities[row] & (rules.initial_price[row] > 0.0)
    steps = np.rint(rules.initial_price[row] / settings.step_size).astype(np.int64)
    post.current_prices[row, published] = steps[published]
    post.price_formed_at[row, published] = world.tick


def clear(
    world: World, name: str, post: MarketPost, rules: CallAuction, book: GatheredOrders
) -> Clearing:
    """Call every post of the table `name` that has members and whose interval is over.

    Posts with an interval of several ticks gather orders: members hand in theirs when they come,
    and who leaves takes its orders along.  Posts with an interval of one tick have no book.
    """
    batch = part(world, world.posts.tables[name])
    every = np.maximum(rules.interval, 1)
    called = batch.active & ((world.tick + 1) % every == 0)
    waiting = np.repeat(batch.active & ~called, np.diff(batch.first))
    world.scratch.waiting[batch.row[waiting]] = True
    lowest, highest = _band(batch, post)
    ways = CallRules(
        rules.k,
        rules.mcafee,
        rules.order_size,
        rules.behaviour,
        rules.price_low,
        np.minimum(rules.price_high, world.most_steps()),
        lowest,
        highest,
    )
    gathers: Bool = every > 1
    if gathers.any():
        gathered, changes = gather_orders(batch, gathers, called, ways, book)
        found = call(batch, called, ways, gathered)
        found.orders = join_orders([*changes, found.orders])
    else:
        found = call(batch, called, ways)
    _publish(world, batch, post, found, called)
    return Clearing(
        mechanism=NAME,
        post=post_ids(batch),
        active=called,
        participants=np.where(called, np.diff(batch.first), 0),
        iterations=called.astype(np.int32),
        status=found.status,
        price=found.price,
        residual=found.settled.residual,
        residual_rounded=found.settled.residual,
        rounding_lots=np.zeros(found.price.shape, np.int64),
        settled=found.settled,
        gain=gains_per_post(batch, found.settled),
        batch=batch,
        start=world.settings.price(found.price),
        newton=np.zeros(batch.posts, np.bool_),
        orders=found.orders,
        made=found.trades,
        best_bid=found.best_bid,
        best_ask=found.best_ask,
    )


def clear_posts(world: World, batch: Batch, post: MarketPost, posts: Bool) -> Called:
    """Call some posts of another mechanism's batch, on their members' truthful schedules.

    One good is cleared after the other, in the order of goods, each with what its members have
    left; nobody ends up worse off.  Blocks are of one unit, the price is the midpoint (`k` 0.5).
    The trades are booked when this returns: goods and money of the agents, the posts' accounts,
    the copies in `batch.lots` and `batch.minor`, and `scratch.filled`.  Nothing is published.

    Parameters
    ----------
    batch
        The posts and members, as `batch.part` gives them.
    post
        The posts' component: its last prices matter to a `price_band`.
    posts
        bool (posts,), which of them to call.

    Returns
    -------
    Called
        `price` int64 (posts, K) [price step]: the uniform price where `settled.volume` > 0, else a
        quote, or 0; `settled` with desired, filled and gain a member, and volume, demand and supply
        a post, all 0 at posts not called; `trades` with fees; `orders`; best bid and ask.
    """
    lowest, highest = _band(batch, post)
    count = batch.posts
    unit = max(1, round(1.0 / world.settings.lot_size))
    rules = CallRules(
        np.full(count, 0.5),
        np.zeros(count, np.bool_),
        np.full(count, unit, np.int64),
        np.zeros(count, np.int8),
        np.ones(count, np.int64),
        np.ones(count, np.int64),
        lowest,
        highest,
    )
    return call(batch, batch.active & posts, rules)


def _band(batch: Batch, post: MarketPost) -> tuple[I64, I64]:
    """Return the lowest and highest price allowed of each good [price step]."""
    rows = slice(batch.table.start, batch.table.stop)
    band = batch.world.posts.whole(MarketRules).price_band[rows]
    return price_band.within(post.current_prices, band, batch.world.most_steps())


def _publish(world: World, batch: Batch, post: MarketPost, found: Called, called: Bool) -> None:
    """Set prices and their age; without any order a post keeps its price, or takes median rates."""
    here = called[:, np.newaxis] & batch.commodities
    mute = here & (found.price == 0)
    if (mute & (post.current_prices == 0)).any():
        rates = np.rint(median_rates(batch) / world.settings.step_size)
        rates = np.clip(rates, 1, world.most_steps()).astype(np.int64)
        unpriced = mute & (post.current_prices == 0)
        found.price[unpriced] = rates[unpriced]
        mute &= ~unpriced
    fresh = here & ~mute
    post.current_prices[fresh] = found.price[fresh]
    found.price[mute] = post.current_prices[mute]
    post.price_formed_at[fresh] = world.tick
    post.last_clear_tick[(found.settled.volume > 0).any(axis=1)] = world.tick
    post.status[called] = found.status[called]
