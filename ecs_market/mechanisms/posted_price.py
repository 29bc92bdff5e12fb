"""Posted prices: trade at the price on the board, and move it by what was wanted since."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ecs_market.components.market_post import CONVERGED, INDICATIVE, RATIONED, MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.posted_price import PostedPrice, WishBook
from ecs_market.kernels import posting
from ecs_market.mechanisms.batch import Batch, part, prices_given
from ecs_market.mechanisms.search import median_rates
from ecs_market.mechanisms.settlement import Clearing, gains_per_post, post_ids, settle
from ecs_market.mechanisms.walrasian import steps_of_one
from ecs_market.preferences.modes import UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool
from ecs_market.world import World

NAME = "posted_price"
COMPONENT = PostedPrice
BOOKS: tuple[type, ...] = (WishBook,)


def configure(world: World, row: int, parameters: Mapping[str, Any]) -> None:
    """Write a post's parameters, as a scenario gives them, to its row."""
    board = world.posts.whole(PostedPrice)
    board.price_update_frequency[row] = parameters["price_update_frequency"]
    board.eta[row] = parameters["eta"]
    board.initial_price[row] = prices_given(world, parameters["initial_price"])
    board.deals[row] = bool(parameters["stock"])
    post = world.posts.whole(MarketPost)
    published = post.commodities[row] & (board.initial_price[row] > 0.0)
    steps = np.rint(board.initial_price[row] / world.settings.step_size).astype(np.int64)
    post.current_prices[row, published] = steps[published]
    post.price_formed_at[row, published] = world.tick


def clear(
    world: World, name: str, post: MarketPost, board: PostedPrice, book: WishBook
) -> Clearing:
    """Trade at every post of the table `name` that has members, then adjust due prices."""
    batch = part(world, world.posts.tables[name])
    _set_first_prices(world, batch, post, board)
    steps = post.current_prices.copy()
    price = world.settings.price(steps)
    holdings, indifferent = batch.desired(price, price, batch.active)
    settled = settle(batch, steps, holdings, indifferent, batch.active, board.deals)
    sold = settled.volume > 0
    status = np.zeros(batch.posts, np.int8)
    served = settled.unserved == 0
    status[batch.active] = np.where(served, CONVERGED, RATIONED)[batch.active]
    status[batch.active & ~sold.any(axis=1)] = INDICATIVE
    post.price_formed_at[sold] = world.tick
    post.last_clear_tick[sold.any(axis=1)] = world.tick
    post.status[batch.active] = status[batch.active]
    ids = post_ids(batch)
    _remember(batch, ids, settled.desired, book)
    table = batch.table
    band = world.posts.whole(MarketRules).price_band[table.start : table.stop]
    _adjust_prices(world, ids, band, post, board, book)
    return Clearing(
        mechanism=NAME,
        post=ids,
        active=batch.active,
        participants=np.diff(batch.first),
        iterations=batch.active.astype(np.int32),
        status=status,
        price=steps,
        residual=settled.residual,
        residual_rounded=settled.residual,
        rounding_lots=np.zeros(steps.shape, np.int64),
        settled=settled,
        gain=gains_per_post(batch, settled),
        batch=batch,
        start=price,
        newton=np.zeros(batch.posts, np.bool_),
    )


def _set_first_prices(world: World, batch: Batch, post: MarketPost, board: PostedPrice) -> None:
    """Price what has none: the price given, else the first attendees' median marginal rate."""
    missing = batch.commodities & (post.current_prices == 0) & batch.active[:, np.newaxis]
    if not missing.any():
        return
    rates = np.where(board.initial_price > 0.0, board.initial_price, median_rates(batch))
    steps = np.rint(rates / world.settings.step_size)
    steps = np.clip(steps, 1, world.most_steps()).astype(np.int64)
    if world.settings.mode == UNIT_OF_ACCOUNT:
        counted = np.flatnonzero(batch.numeraire >= 0)
        steps[counted, batch.numeraire[counted]] = steps_of_one(world.settings.step_size)
    post.current_prices[missing] = steps[missing]
    post.price_formed_at[missing] = world.tick


def _remember(batch: Batch, ids: I64, wish: I64, book: WishBook) -> None:
    """Keep each agent's latest wish at each post, in the order (post, agent)."""
    posts = np.concatenate([book.post, np.repeat(ids, np.diff(batch.first))])
    agents = np.concatenate([book.agent, batch.id])
    wishes = np.concatenate([book.wish.reshape(len(book.post), wish.shape[1]), wish])
    order = np.lexsort((agents, posts))  # stable: of equals the latest comes last
    posts, agents = posts[order], agents[order]
    latest = np.ones(len(order), np.bool_)
    latest[:-1] = (posts[1:] != posts[:-1]) | (agents[1:] != agents[:-1])
    book.post, book.agent, book.wish = posts[latest], agents[latest], wishes[order][latest]


def _adjust_prices(
    world: World, ids: I64, band: F64, post: MarketPost, board: PostedPrice, book: WishBook
) -> None:
    """Move the prices that are due by the excess demand of the wishes, and forget those."""
    due: Bool = world.tick - board.updated_at >= board.price_update_frequency
    if not due.any():
        return
    order = np.argsort(ids)
    place = order[np.searchsorted(ids, book.post, sorter=order)]
    wanted = np.zeros(post.current_prices.shape, np.int64)
    offered = np.zeros(post.current_prices.shape, np.int64)
    posting.sum_wishes(place, book.wish, wanted, offered)
    posting.adjust_prices(
        due,
        wanted,
        offered,
        world.most_steps(),
        world.tick,
        band,
        board.eta,
        board.sign,
        post.current_prices,
        post.price_formed_at,
    )
    board.updated_at[due] = world.tick
    kept = ~due[place]
    book.post, book.agent, book.wish = book.post[kept], book.agent[kept], book.wish[kept]
