"""Continuous double auctions: an order book at each post, one order at a time."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.double_auction import (
    BEHAVIOURS,
    ZIP,
    DoubleAuction,
    GivenOrders,
    Margins,
    RestingOrders,
)
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import CONVERGED, INDICATIVE, MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.kernels import auction as auctions
from ecs_market.kernels import auction_close as closing
from ecs_market.kernels import book_records, budgets, quoting, traders
from ecs_market.kernels import double_auction as sessions
from ecs_market.kernels import margins as learners
from ecs_market.kernels.book_records import GOOD, LIMIT, MARKET, OUTCOME, REFUSED, SIGNED_LOTS
from ecs_market.kernels.jit import borrowing, inlined, kernel, specialise
from ecs_market.mechanisms import order_types, price_band, resting_orders
from ecs_market.mechanisms.batch import Batch, part, prices_given
from ecs_market.mechanisms.search import median_rates
from ecs_market.mechanisms.settlement import Clearing, Settled, Trades, post_ids
from ecs_market.preferences import families
from ecs_market.types import F64, I64
from ecs_market.world import World

NAME = "continuous_double_auction"
COMPONENT = DoubleAuction
NO_ASK = np.iinfo(np.int64).max
BOOKS: tuple[type, ...] = (RestingOrders, Margins)
# Templates that are called in several places, or seldom.
SHARED = (
    auctions.no_worse,
    auctions.on_offer,
    budgets.shaded_limit,
    learners.learned_quote,
)


def configure(world: World, row: int, parameters: Mapping[str, Any]) -> None:
    """Write a post's parameters, as a scenario gives them, to its row."""
    settings = world.settings
    rules = world.posts.whole(DoubleAuction)
    rules.behaviour[row] = BEHAVIOURS.index(parameters["behaviour"])
    rules.activations[row] = parameters["activations"] or 0
    rules.order_size[row] = max(1, round(parameters["order_size"] / settings.lot_size))
    kind, weights = order_types.types_and_weights(parameters["order_type"])
    rules.order_type[row], rules.order_weights[row] = kind, weights
    rules.lifetime[row] = parameters["lifetime"] or 0
    low, high = parameters["price_low"] or 0.0, parameters["price_high"] or 0.0
    # Prices in the range, and at least one: a draw may not be above what was declared.
    rules.price_low[row] = max(1, _steps(world, low, up=True))
    rules.price_high[row] = max(rules.price_low[row], _steps(world, high, up=False)) if high else 0
    rules.last_price[row] = 0
    rules.initial_price[row] = prices_given(world, parameters["initial_price"])
    post = world.posts.whole(MarketPost)
    published = post.commodities[row] & (rules.initial_price[row] > 0.0)
    steps = np.rint(rules.initial_price[row] / settings.step_size).astype(np.int64)
    post.current_prices[row, published] = steps[published]
    post.price_formed_at[row, published] = world.tick


def _steps(world: World, price: float, *, up: bool) -> int:
    """Return a price in whole steps, what is within float error of a step taken for it."""
    steps = price / world.settings.step_size
    nearest = round(steps)
    if abs(steps - nearest) <= 1e-9 * max(1.0, steps):
        return nearest
    return int(np.ceil(steps) if up else np.floor(steps))


@functools.cache
def _kernels(codes: tuple[int, ...]) -> tuple[Any, Any]:
    """Return `hold_auctions` and `close_auctions` for the families in use."""
    chosen, quotes = families.dispatch(codes), quoting.bind(codes)

    def bound(template: Any, **names: Any) -> Any:
        # What is called in one place alone is inlined: to hand on so many arrays takes longer than
        # most of these functions.  Only the whole makes arrays.
        compiler = inlined
        if template in (sessions.hold_auctions, closing.close_auctions):
            compiler = kernel
        elif template in SHARED:
            compiler = borrowing
        return specialise(template, f"{template.__name__}_{chosen.name}", compiler, **names)

    no_worse = bound(auctions.no_worse, gain_from=quotes.gain_from)
    on_offer = bound(auctions.on_offer, no_worse=no_worse)
    match = bound(auctions.match, no_worse=no_worse)
    execute = bound(auctions.execute, on_offer=on_offer, match=match)
    enter = bound(auctions.enter, execute=execute)
    limit = bound(budgets.shaded_limit, limit_price=quotes.limit_price)
    learned_quote = bound(learners.learned_quote, shaded_limit=limit)
    choose = bound(
        traders.choose,
        truthful=bound(traders.truthful, shaded_limit=limit),
        zero_intelligence=bound(traders.zero_intelligence, shaded_limit=limit),
        learning=bound(learners.learning, learned_quote=learned_quote),
    )
    submit = bound(sessions.submit, enter=enter)
    hold_auction = bound(sessions.hold_auction, choose=choose, submit=submit)
    gain = bound(closing.gain_since, utility=chosen.utility, marginal=chosen.marginal)
    return (
        bound(sessions.hold_auctions, hold_auction=hold_auction),
        bound(closing.close_auctions, learned_quote=learned_quote, gain_since=gain),
    )


@dataclass(slots=True)
class _Session:
    """What the auctions of a tick came to; arrays a post are (posts, K)."""

    told: I64
    resting: I64
    trades: I64
    volume: I64
    demand: I64
    supply: I64
    bids: I64
    asks: I64
    gain: F64


def clear(
    world: World,
    name: str,
    post: MarketPost,
    rules: DoubleAuction,
    book: RestingOrders,
    margins: Margins,
) -> Clearing:
    """Hold the auctions of the table `name`; what is left rests until the next tick."""
    batch = part(world, world.posts.tables[name])
    ids = post_ids(batch)
    published = post.current_prices.copy()
    before = batch.lots.copy(), batch.minor.copy()
    split = resting_orders.split(batch, ids, book)
    handed_in = resting_orders.given(batch, ids, world.only(GivenOrders))
    if handed_in.instead:
        calls = np.diff(handed_in.first)
    else:
        calls = np.where(rules.activations > 0, rules.activations, np.diff(batch.first))
    found = _hold(batch, ids, post, rules, split, margins, handed_in, calls, before)
    fees = _move(batch, found)
    resting_orders.store(book, split, found.resting)
    traded = found.volume > 0
    post.current_prices[traded] = rules.last_price[traded]
    post.price_formed_at[traded] = world.tick
    post.last_clear_tick[traded.any(axis=1)] = world.tick
    status = np.zeros(batch.posts, np.int8)
    status[batch.active] = np.where(traded.any(axis=1), CONVERGED, INDICATIVE)[batch.active]
    post.status[batch.active] = status[batch.active]
    _publish_guess(batch, post, rules, found)
    _walk(batch, ids, post, published, found)
    settled = Settled(
        desired=batch.lots - before[0],
        filled=batch.lots - before[0],
        gain=_in_minor(batch, found.gain),
        volume=found.volume,
        demand=found.demand,
        supply=found.supply,
        fee=fees,
    )
    return Clearing(
        mechanism=NAME,
        post=ids,
        active=batch.active,
        participants=np.diff(batch.first),
        iterations=np.where(batch.active, np.minimum(calls, 2**31 - 1), 0).astype(np.int32),
        status=status,
        price=post.current_prices.copy(),
        residual=settled.residual,
        residual_rounded=settled.residual,
        rounding_lots=np.zeros(published.shape, np.int64),
        settled=settled,
        gain=_sum(settled.gain, batch),
        batch=batch,
        start=world.settings.price(published),
        newton=np.zeros(batch.posts, np.bool_),
        orders=resting_orders.report(split, found.told),
        made=_trades(batch, ids, found.trades),
        best_bid=found.bids,
        best_ask=found.asks,
    )


def _hold(
    batch: Batch,
    ids: I64,
    post: MarketPost,
    rules: DoubleAuction,
    split: resting_orders.Split,
    margins: Margins,
    handed_in: resting_orders.HandedIn,
    calls: I64,
    before: tuple[I64, I64],
) -> _Session:
    """Run the kernel over all posts that have members."""
    world, m, goods = batch.world, batch.size, batch.world.goods
    settings = world.settings
    common = world.posts.whole(MarketRules)
    rows = slice(batch.table.start, batch.table.stop)
    table = _rule_table(batch, rules, common, rows, calls)
    low, high = price_band.within(post.current_prices, common.price_band[rows], world.most_steps())
    learned = resting_orders.load_margins(batch, ids, margins, rules.behaviour == ZIP)
    per_post = [np.zeros((batch.posts, goods), np.int64) for _ in range(5)]
    counts, gain = np.zeros(batch.posts, np.int64), np.zeros(m)
    held = np.zeros((m, goods), np.int64), np.zeros(m, np.int64)
    loud = batch.posts if len(learned[0]) else 1
    shouts = (
        np.empty((loud, goods, learners.MEMORY, learners.SHOUT)),
        np.zeros((loud, goods), np.int64),
    )
    tastes = batch.family, batch.parameters, batch.weight
    sizes = settings.mode, settings.lot_size, settings.minor_size, settings.step_size, world.bundle
    hold, close = _kernels(world.families)
    shading = np.ascontiguousarray(common.shading[rows])
    parts = world.over(
        0,
        batch.posts,
        hold,
        batch.active,
        batch.first,
        batch.by_id,
        batch.id,
        handed_in.owner,
        batch.lots,
        batch.minor,
        *tastes,
        ids,
        batch.commodities,
        post.current_prices,
        table,
        shading,
        low,
        high,
        rules.last_price,
        split.first,
        split.entries,
        handed_in.instead,
        handed_in.first,
        handed_in.entries,
        world.seed,
        world.tick,
        *sizes,
        *held,
        np.full((m, goods), -1, np.int64),
        np.zeros((m, goods), np.int8),
        *learned,
        *shouts,
        *per_post,
        counts,
        cost=max(1, int(calls.sum()) // max(1, batch.posts)),
    )
    world.over(
        0,
        m,
        close,
        batch.first,
        batch.id,
        batch.lots,
        batch.minor,
        *before,
        *tastes,
        batch.commodities,
        table,
        shading,
        world.seed,
        world.tick,
        *sizes,
        *held,
        *learned,
        *shouts,
        gain,
    )
    resting_orders.store_margins(batch, ids, margins, rules.behaviour == ZIP, learned)
    hot, cold, trades = (
        each[0] if len(each) == 1 else np.concatenate(each) for each in zip(*parts, strict=True)
    )
    rested = np.diff(split.first)
    told, resting = book_records.write_records(hot, cold, counts, rested, ids, batch.id)
    volume, demand, supply, bids, asks = per_post
    return _Session(told, resting, trades, volume, demand, supply, bids, asks, gain)


def _rule_table(
    batch: Batch, rules: DoubleAuction, common: MarketRules, rows: slice, calls: I64
) -> I64:
    """Return the posts' rules in the columns that the kernels read."""
    most = batch.world.most_steps()
    table = np.zeros((batch.posts, budgets.RULES), np.int64)
    table[:, budgets.BEHAVIOUR] = rules.behaviour
    table[:, budgets.ORDER_LOTS] = rules.order_size
    table[:, budgets.KIND] = rules.order_type
    table[:, budgets.REACH :] = order_types.reach(rules.order_weights)
    table[:, budgets.LOW] = np.minimum(rules.price_low, most)
    high = np.where(rules.price_high > 0, rules.price_high, most)
    table[:, budgets.HIGH] = np.minimum(high, most)
    table[:, budgets.MOST] = most
    table[:, budgets.ACTIVATIONS] = calls
    table[:, budgets.LIFETIME] = rules.lifetime
    table[:, budgets.FEE_PPB] = common.fee_ppb[rows]
    table[:, budgets.FEE_PER_LOT] = common.fee_per_lot[rows]
    return table


def _move(batch: Batch, found: _Session) -> I64:
    """Write what members own now to the world, and fees to the posts' accounts; return the fees."""
    world = batch.world
    inventory = world.agents.whole(Inventory)
    inventory.goods[batch.row] = batch.lots
    inventory.money[batch.row] = batch.minor
    dealt = np.zeros(batch.size, np.bool_)
    dealt[found.trades[:, 1]] = True
    dealt[found.trades[:, 2]] = True
    world.scratch.filled[batch.row] |= dealt
    fees = np.zeros(batch.posts, np.int64)
    np.add.at(fees, found.trades[:, 0], found.trades[:, 6])
    world.posts.whole(MarketAccount).money[batch.table.start : batch.table.stop] += fees
    return fees


def _publish_guess(batch: Batch, post: MarketPost, rules: DoubleAuction, found: _Session) -> None:
    """Publish a price where none was ever made or given: mid-quote, or the median marginal rate.

    A post that said nothing would hardly be found worth a visit.
    """
    unknown = batch.commodities & (rules.last_price == 0) & (rules.initial_price <= 0.0)
    unknown &= batch.active[:, np.newaxis]
    rows = slice(batch.table.start, batch.table.stop)
    banded = batch.world.posts.whole(MarketRules).price_band[rows] > 0.0
    unknown &= ~(banded[:, np.newaxis] & (post.current_prices > 0))
    if not unknown.any():
        return
    world = batch.world
    middle = 0.5 * (found.bids + found.asks)
    quoted = (found.bids > 0) & (found.asks > 0)
    steps = np.where(quoted, middle, median_rates(batch) / world.settings.step_size)
    steps = np.clip(np.rint(steps), 1, world.most_steps()).astype(np.int64)
    post.current_prices[unknown] = steps[unknown]
    post.price_formed_at[unknown] = world.tick


def _walk(batch: Batch, ids: I64, post: MarketPost, published: I64, found: _Session) -> None:
    """Move a price at which nothing was traded towards what its band has kept from being said.

    That are orders refused, and bids and asks at the ends of the band.  As at a call auction the
    price goes to the middle between the best bid and the best ask, those refused with them, or to
    the only one of the two, by one band at most.  Else members out of reach would never trade.
    """
    world, told = batch.world, found.told
    rows = slice(batch.table.start, batch.table.stop)
    band = world.posts.whole(MarketRules).price_band[rows]
    if not (band > 0.0).any():
        return
    low, high = price_band.within(published, band, world.most_steps())
    at, good, price = resting_orders.places(ids, told[MARKET]), told[GOOD], told[LIMIT]
    outside = (told[OUTCOME] == REFUSED) & ((price < low[at, good]) | (price > high[at, good]))
    buys = told[SIGNED_LOTS] > 0
    bids, asks = found.bids.copy(), np.where(found.asks > 0, found.asks, NO_ASK)
    walks = (bids >= high) | (asks <= low)
    for side, best, better in ((buys, bids, np.maximum), (~buys, asks, np.minimum)):
        chosen = outside & side
        walks[at[chosen], good[chosen]] = True
        better.at(best, (at[chosen], good[chosen]), price[chosen])
    walks &= (found.volume == 0) & batch.active[:, np.newaxis] & batch.commodities
    walks &= (band[:, np.newaxis] > 0.0) & (published > 0)
    middle = np.where(bids == 0, asks, np.where(asks == NO_ASK, bids, bids + (asks - bids) // 2))
    post.current_prices[walks] = np.clip(middle, low, high)[walks]
    post.price_formed_at[walks] = world.tick


def _trades(batch: Batch, ids: I64, made: I64) -> Trades:
    """Return the trades in the order in which they were made."""
    return Trades(
        market=ids[made[:, 0]],
        buyer=batch.id[made[:, 1]],
        seller=batch.id[made[:, 2]],
        good=made[:, 3].copy(),
        quantity=made[:, 4].copy(),
        price=made[:, 5].copy(),
        fee=made[:, 6].copy(),
    )


def _in_minor(batch: Batch, gain: F64) -> I64:
    """Return gains as whole minor units, bounded so that their sum over members fits."""
    bound = float(2**61 // max(1, batch.size))
    minor = np.rint(gain / batch.world.settings.minor_size)
    return np.clip(minor, -bound, bound).astype(np.int64)


def _sum(amount: I64, batch: Batch) -> I64:
    """Return the sums over each post's members."""
    total = np.zeros(batch.size + 1, np.int64)
    np.cumsum(amount, out=total[1:])
    per_post: I64 = total[batch.first[1:]] - total[batch.first[:-1]]
    return per_post
