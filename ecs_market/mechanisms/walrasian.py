"""The Walrasian auctioneer: one clearing price vector a post, by joint tatonnement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np

from ecs_market.components.market_post import (
    INDICATIVE,
    RATIONED,
    STATUSES,
    MarketPost,
)
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.walrasian import (
    BILATERAL,
    CALL_AUCTION,
    FALLBACKS,
    NEWTON,
    NO_TRADE,
    RATION_LAST,
    Walrasian,
)
from ecs_market.mechanisms.batch import Batch, part, prices_given
from ecs_market.mechanisms.call_auction import clear_posts
from ecs_market.mechanisms.pursuits import bar_members, forgive
from ecs_market.mechanisms.search import Rules, Solution, bounds, median_rates, several_kinked
from ecs_market.mechanisms.settlement import (
    Clearing,
    Settled,
    gains_per_post,
    post_ids,
    settle,
)
from ecs_market.mechanisms.solver import call_newton, judge_search, solve
from ecs_market.mechanisms.ties import place, trade_steps
from ecs_market.types import F64, I64, Bool
from ecs_market.world import World

NAME = "walrasian_auctioneer"
COMPONENT = Walrasian
BOOKS: tuple[type, ...] = ()


def configure(world: World, row: int, parameters: Mapping[str, Any]) -> None:
    """Write a post's parameters, as a scenario gives them, to its row."""
    rules = world.posts.whole(Walrasian)
    rules.adjustment_speed[row] = parameters["adjustment_speed"]
    rules.price_tolerance[row] = parameters["price_tolerance"]
    rules.max_iterations[row] = parameters["max_iterations"]
    ways = [FALLBACKS.index(way) for way in parameters["on_failure"]]
    rules.on_failure[row] = NO_TRADE
    rules.on_failure[row, : len(ways)] = ways
    rules.initial_price[row] = prices_given(world, parameters["initial_price"])


def clear(world: World, name: str, post: MarketPost, auctioneer: Walrasian) -> Clearing:
    """Clear every post of the table `name` that has members, publish and report."""
    table = world.posts.tables[name]
    batch = part(world, table)
    market = world.posts.whole(MarketRules)
    band = market.price_band[table.start : table.stop]
    start = starting_prices(batch, post, auctioneer.initial_price)
    rules = Rules(
        auctioneer.adjustment_speed,
        auctioneer.price_tolerance,
        auctioneer.max_iterations,
        auctioneer.on_failure[:, 0] == NEWTON,
    )
    found = solve(batch, start, rules)
    steps, settled, rationed = _settle_or_fall_back(batch, post, auctioneer, rules, found, band)
    judge_search(batch, found)
    found.status[rationed] = RATIONED
    clearing = Clearing(
        mechanism=NAME,
        post=post_ids(batch),
        active=batch.active,
        participants=np.diff(batch.first),
        iterations=found.iterations,
        status=found.status,
        price=steps,
        residual=found.residual,
        residual_rounded=settled.residual,
        rounding_lots=np.abs(settled.demand - settled.supply),
        settled=settled,
        gain=gains_per_post(batch, settled),
        batch=batch,
        start=start,
        newton=found.newton,
    )
    forgive(world, batch)
    _publish(world, batch, post, clearing, found.converged)
    return clearing


def search_prices(world: World) -> tuple[str, F64]:
    """Look for clearing prices at a world's only post, without any trade.

    Returns
    -------
    status : str
        How the search ended.
    prices : ndarray of float64 (K,)
        Not rounded to steps [M / unit].
    """
    table = world.posts.tables[NAME]
    batch = part(world, table)
    mine = slice(table.start, table.stop)
    auctioneer = world.posts.whole(Walrasian)
    rules = Rules(
        auctioneer.adjustment_speed[mine],
        auctioneer.price_tolerance[mine],
        auctioneer.max_iterations[mine],
        auctioneer.on_failure[mine, 0] == NEWTON,
    )
    start = _with_numeraire(batch, np.clip(median_rates(batch), *bounds(batch)))
    found = solve(batch, start, rules)
    call_newton(batch, rules, found, batch.active & rules.newton & ~found.converged)
    judge_search(batch, found)
    return STATUSES[int(found.status[0])], found.price[0]


def _settle_or_fall_back(
    batch: Batch,
    post: MarketPost,
    auctioneer: Walrasian,
    rules: Rules,
    found: Solution,
    band: F64,
) -> tuple[I64, Settled, Bool]:
    """Trade at clearing prices; where there are none try the remedies one after the other.

    Returns the prices [price step], what was settled, and the posts that a price band rationed.
    """
    parts: list[Settled] = []
    steps = _rounded(batch, found.price)
    open_posts = batch.active & ~found.converged
    for rank in range(auctioneer.on_failure.shape[1]):
        way = auctioneer.on_failure[:, rank]
        call_newton(batch, rules, found, open_posts & (way == NEWTON))
        open_posts &= ~found.converged
        free = open_posts & found.spare & (way == NEWTON)
        if free.any():
            # Buyers of what is free are served, its sellers rationed.
            kept = _within_band(batch, post, _rounded(batch, found.price), band)
            steps = np.where(free[:, np.newaxis], kept, steps)
            open_posts &= ~_ration(batch, steps, free, found, parts)
        last = open_posts & (way == RATION_LAST)
        if last.any():
            steps = np.where(last[:, np.newaxis], _last_steps(batch, post, found), steps)
            open_posts &= ~_ration(batch, steps, last, found, parts)
        steps, traded = _call(batch, post, steps, open_posts & (way == CALL_AUCTION), parts)
        open_posts &= ~traded
        leaving = open_posts & (way == BILATERAL)
        bar_members(batch.world, batch, leaving)
        open_posts &= ~leaving & (way != NO_TRADE)
        if not open_posts.any():
            break
    cleared = batch.active & found.converged
    exact = _side_of_the_indifferent(batch, found)
    steps = np.where(cleared[:, np.newaxis], exact, steps)
    kept = _within_band(batch, post, steps, band)
    rationed = cleared & (kept != steps).any(axis=1)
    steps = np.where(cleared[:, np.newaxis], kept, steps)
    parts.append(_trade(batch, steps, found, cleared, rationed))
    return steps, _together(batch, parts), rationed


def starting_prices(batch: Batch, post: MarketPost, given: F64) -> F64:
    """Return where the rounds begin: the price given, else the last one, else the median rates."""
    settings = batch.world.settings
    last = settings.price(post.current_prices)
    chosen = np.where(given > 0.0, given, last)
    unknown = (chosen <= 0.0) & batch.commodities & batch.active[:, np.newaxis]
    if unknown.any():
        chosen = np.where(unknown, median_rates(batch), chosen)
    return _with_numeraire(batch, np.clip(chosen, *bounds(batch)))


def _with_numeraire(batch: Batch, price: F64) -> F64:
    counted = np.flatnonzero(batch.numeraire >= 0)
    price[counted, batch.numeraire[counted]] = 1.0
    return price


def _last_steps(batch: Batch, post: MarketPost, found: Solution) -> I64:
    """Return the prices last published, or where there are none those of the last round."""
    last: I64 = np.where(post.current_prices > 0, post.current_prices, _rounded(batch, found.price))
    return last


def _rounded(batch: Batch, price: F64) -> I64:
    """Return prices in price steps, to the nearest, the numeraire's at 1."""
    return _bounded(batch, np.rint(price / batch.world.settings.step_size))


def _bounded(batch: Batch, rounded: F64) -> I64:
    steps: I64 = np.clip(rounded, 1, batch.most_steps).astype(np.int64)
    counted = np.flatnonzero(batch.numeraire >= 0)
    steps[counted, batch.numeraire[counted]] = steps_of_one(batch.world.settings.step_size)
    return steps


def _side_of_the_indifferent(batch: Batch, found: Solution) -> I64:
    """Round clearing prices: where members are indifferent, to their advantage."""
    settings = batch.world.settings
    ratio = found.price / settings.step_size
    rounded = np.rint(ratio)
    pinned = (found.excess.low < found.excess.high) & found.converged[:, np.newaxis]
    if pinned.any():
        some: Bool = np.asarray(pinned.any(axis=1))
        holdings, indifferent = batch.desired(found.price, found.price, some)
        net = np.where(indifferent, 0.0, holdings - batch.goods)
        total = np.zeros((batch.size + 1, batch.world.goods), np.int64)
        # In lots, so that the sum does not depend on the order.
        np.cumsum(np.rint(net / settings.lot_size).astype(np.int64), axis=0, out=total[1:])
        wanted = total[batch.first[1:]] - total[batch.first[:-1]]
        on_grid = np.abs(ratio - rounded) < 1e-9 * ratio
        down, up = np.floor(ratio), np.ceil(ratio)
        sided = np.where(wanted < 0, down, np.where(wanted > 0, up, rounded))
        rounded = np.where(pinned & ~on_grid, sided, rounded)
    return _bounded(batch, rounded)


def _within_band(batch: Batch, post: MarketPost, steps: I64, band: F64) -> I64:
    """Return prices that differ from the last published ones by no more than the band allows."""
    last = post.current_prices
    most = np.where(band > 0.0, band, np.inf)[:, np.newaxis] * np.maximum(last, 1)
    moved = np.clip(steps - last, np.ceil(-most), np.floor(most))
    # A price that may not move by its own step may move by one, or it would never move again.
    moved = np.where((moved == 0.0) & (steps != last), np.sign(steps - last), moved)
    kept = np.where((band > 0.0)[:, np.newaxis] & (last > 0), last + moved, steps)
    return _bounded(batch, kept)


def _trade(batch: Batch, steps: I64, found: Solution, trading: Bool, off: Bool) -> Settled:
    """Settle the posts `trading` at `steps`.

    Who is indifferent is judged at the prices that were found, or where `off` at those traded at.
    """
    price = price_of(batch, steps)
    pinned = np.where((trading & ~off)[:, np.newaxis], found.price, price)
    holdings, indifferent = batch.desired(price, pinned, trading)
    tied = trading & several_kinked(batch)
    if tied.any():
        place(batch, price, pinned, tied, holdings, indifferent, write=True)
    trade_steps(batch, pinned, trading, holdings, indifferent)
    return settle(batch, steps, holdings, indifferent, trading)


def _ration(batch: Batch, steps: I64, posts: Bool, found: Solution, parts: list[Settled]) -> Bool:
    """Trade at given prices, the long side rationed; return the posts with volume."""
    parts.append(_trade(batch, steps, found, posts, posts))
    traded: Bool = posts & (parts[-1].volume.sum(axis=1) > 0)
    return traded


def _call(
    batch: Batch, post: MarketPost, steps: I64, posts: Bool, parts: list[Settled]
) -> tuple[I64, Bool]:
    """Call a good after the other on truthful orders; return the prices and where that traded."""
    if not posts.any():
        return steps, posts
    called = clear_posts(batch.world, batch, post, posts)
    parts.append(called.settled)
    priced = posts[:, np.newaxis] & (called.price > 0)
    traded: Bool = posts & (called.settled.volume.sum(axis=1) > 0)
    return np.where(priced, called.price, steps), traded


def _together(batch: Batch, parts: list[Settled]) -> Settled:
    """Return what settlements of different posts of a batch came to, all their entries added."""
    if len(parts) == 1:
        return parts[0]
    whole = Settled.nothing(batch)
    whole.fee, whole.gains, whole.unserved = (np.zeros(batch.posts, np.int64) for _ in range(3))
    for each_part in parts:
        each_part.gains = gains_per_post(batch, each_part)
        for each in fields(Settled):
            # A call keeps no count of fees or of what was not served.
            if getattr(each_part, each.name).size:
                total = getattr(whole, each.name)
                total += getattr(each_part, each.name)
    return whole


def price_of(batch: Batch, steps: I64) -> F64:
    """Return prices [M / unit], float64 (posts, K), the numeraire's exactly 1."""
    return _with_numeraire(batch, batch.world.settings.price(steps))


def steps_of_one(step: float) -> int:
    """Return price 1 in price steps."""
    return round(1.0 / step)


def _publish(
    world: World,
    batch: Batch,
    post: MarketPost,
    clearing: Clearing,
    cleared: Bool,
) -> None:
    """Set prices, their age and the last clear; without volume the price is indicative."""
    commodities = batch.commodities
    sold = batch.active & (clearing.settled.volume.sum(axis=1) > 0)
    solved = batch.active & cleared
    unpriced = commodities & (post.current_prices == 0)
    mute = batch.active & ~sold & ~solved & unpriced.any(axis=1)
    if mute.any():
        rates = _rounded(batch, median_rates(batch))
        clearing.price = np.where(mute[:, np.newaxis], rates, clearing.price)
    clearing.status[solved & ~sold] = INDICATIVE
    fresh = (sold | mute | solved)[:, np.newaxis] & commodities
    post.current_prices[fresh] = clearing.price[fresh]
    stale = batch.active[:, np.newaxis] & ~fresh & (post.current_prices > 0)
    clearing.price[stale] = post.current_prices[stale]
    post.price_formed_at[fresh] = world.tick
    post.last_clear_tick[sold] = world.tick
    post.status[batch.active] = clearing.status[batch.active]
