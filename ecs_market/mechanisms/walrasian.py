"""The Walrasian auctioneer: one clearing price vector a post, by joint tatonnement."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.components.market_post import (
    CONVERGED,
    INDICATIVE,
    MARGINAL,
    MarketPost,
)
from ecs_market.components.walrasian import (
    BILATERAL,
    FALLBACKS,
    NEWTON,
    NO_TRADE,
    RATION_LAST,
    Walrasian,
)
from ecs_market.mechanisms.batch import Batch, part, prices_given
from ecs_market.mechanisms.pursuits import bar_members
from ecs_market.mechanisms.settlement import Clearing, gains_per_post, post_ids, settle
from ecs_market.mechanisms.solver import Rules, Solution, solve
from ecs_market.preferences.modes import QUASILINEAR
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
    batch = part(world, world.posts.tables[name])
    start = starting_prices(batch, post, auctioneer.initial_price)
    newton = (auctioneer.on_failure == NEWTON).any(axis=1)
    rules = Rules(
        auctioneer.adjustment_speed,
        auctioneer.price_tolerance,
        auctioneer.max_iterations,
        newton,
    )
    found = solve(batch, start, rules)
    steps, price = _prices_to_trade_at(batch, post, auctioneer, found)
    trading = batch.active & (found.converged | _falls_back(auctioneer, found, RATION_LAST))
    holdings, indifferent = batch.desired(price, _unrounded(found, price), trading)
    settled = settle(batch, steps, holdings, indifferent, trading)
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
    _publish(world, batch, post, clearing, trading)
    bar_members(world, batch, batch.active & _falls_back(auctioneer, found, BILATERAL))
    return clearing


def median_rates(batch: Batch) -> F64:
    """Return the median of the members' marginal rates, (posts, K) [M / unit].

    The mean of the middle two where their number is even; 0 at posts without members.
    """
    rate = batch.world.scratch.search.rate[batch.row].astype(np.float64)
    post = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    median = np.zeros(batch.endowment.shape)
    start, size = batch.first[:-1][batch.active], np.diff(batch.first)[batch.active]
    for k in range(rate.shape[1]):
        ordered = rate[np.lexsort((rate[:, k], post)), k]
        middle = ordered[start + size // 2] + ordered[start + (size - 1) // 2]
        median[batch.active, k] = 0.5 * middle
    return median


def starting_prices(batch: Batch, post: MarketPost, given: F64) -> F64:
    """Return where the rounds begin: the price given, else the last one, else the median rates."""
    settings = batch.world.settings
    last = settings.price(post.current_prices)
    chosen = np.where(given > 0.0, given, last)
    unknown = (chosen <= 0.0) & batch.commodities & batch.active[:, np.newaxis]
    if unknown.any():
        chosen = np.where(unknown, median_rates(batch), chosen)
    chosen = np.clip(chosen, settings.step_size, settings.step_size * batch.world.most_steps())
    return _with_numeraire(batch, chosen)


def _with_numeraire(batch: Batch, price: F64) -> F64:
    counted = np.flatnonzero(batch.numeraire >= 0)
    price[counted, batch.numeraire[counted]] = 1.0
    return price


def _falls_back(auctioneer: Walrasian, found: Solution, way: int) -> Bool:
    """Return where the search failed and `way` is the first remedy besides Newton's method."""
    remedy = auctioneer.on_failure.copy()
    remedy[remedy == NEWTON] = -1
    position = np.argmax(remedy >= 0, axis=1)
    first = remedy[np.arange(len(remedy)), position]
    chosen: Bool = ~found.converged & (first == way)
    return chosen


def _prices_to_trade_at(
    batch: Batch, post: MarketPost, auctioneer: Walrasian, found: Solution
) -> tuple[I64, F64]:
    """Round to price steps: where members are indifferent, to their advantage.

    Returns the steps and the same in M a unit.  A post that rations at its last price uses that.
    """
    settings = batch.world.settings
    step = settings.step_size
    ratio = found.price / step
    rounded = np.rint(ratio)
    kinked = (found.excess.low < found.excess.high) & found.converged[:, np.newaxis]
    if kinked.any():
        holdings, indifferent = batch.desired(found.price, found.price, batch.active)
        net = np.where(indifferent, 0.0, holdings - batch.goods)
        total = np.zeros((batch.size + 1, net.shape[1]), np.int64)
        # In lots, so that the sum does not depend on the order.
        np.cumsum(np.rint(net / settings.lot_size).astype(np.int64), axis=0, out=total[1:])
        wanted = total[batch.first[1:]] - total[batch.first[:-1]]
        on_grid = np.abs(ratio - rounded) < 1e-9 * ratio
        down, up = np.floor(ratio), np.ceil(ratio)
        sided = np.where(wanted < 0, down, np.where(wanted > 0, up, rounded))
        rounded = np.where(kinked & ~on_grid, sided, rounded)
    steps = np.clip(rounded, 1, batch.world.most_steps()).astype(np.int64)
    stale = _falls_back(auctioneer, found, RATION_LAST)[:, np.newaxis]
    steps = np.where(stale & (post.current_prices > 0), post.current_prices, steps)
    counted = np.flatnonzero(batch.numeraire >= 0)
    steps[counted, batch.numeraire[counted]] = steps_of_one(step)
    price = settings.price(steps)
    return steps, _with_numeraire(batch, price)


def steps_of_one(step: float) -> int:
    """Return price 1 in price steps."""
    return round(1.0 / step)


def _unrounded(found: Solution, price: F64) -> F64:
    """Return the prices at which indifference is judged: the solver's, or those traded at."""
    return np.where(found.converged[:, np.newaxis], found.price, price)


def _publish(
    world: World,
    batch: Batch,
    post: MarketPost,
    clearing: Clearing,
    trading: Bool,
) -> None:
    """Set prices, their age and the last clear; without volume the price is indicative."""
    volume = clearing.settled.volume.sum(axis=1)
    sold = trading & (volume > 0)
    solved = (clearing.status == CONVERGED) | (clearing.status == MARGINAL)
    unpriced = batch.commodities & (post.current_prices == 0)
    mute = batch.active & ~sold & ~solved & unpriced.any(axis=1)
    if mute.any():
        rates = np.rint(median_rates(batch) / world.settings.step_size)
        rates = np.clip(rates, 1, world.most_steps()).astype(np.int64)
        clearing.price = np.where(mute[:, np.newaxis], rates, clearing.price)
    clearing.status[batch.active & ~sold & solved] = INDICATIVE
    fresh = (sold | mute | (batch.active & solved))[:, np.newaxis] & batch.commodities
    if world.settings.mode != QUASILINEAR:
        counted = np.flatnonzero(batch.numeraire >= 0)
        unit = steps_of_one(world.settings.step_size)
        clearing.price[counted, batch.numeraire[counted]] = unit
    post.current_prices[fresh] = clearing.price[fresh]
    stale = batch.active[:, np.newaxis] & ~fresh & (post.current_prices > 0)
    clearing.price[stale] = post.current_prices[stale]
    post.price_formed_at[fresh] = world.tick
    post.last_clear_tick[sold] = world.tick
    post.status[batch.active] = clearing.status[batch.active]
