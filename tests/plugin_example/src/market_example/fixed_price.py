"""Trade at a price that never changes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.columns import column
from ecs_market.components.market_post import CONVERGED, INDICATIVE, RATIONED, MarketPost
from ecs_market.mechanisms.batch import part, prices_given
from ecs_market.mechanisms.settlement import Clearing, gains_per_post, post_ids, settle
from ecs_market.types import F64
from ecs_market.world import World

NAME = "fixed_price"
BOOKS: tuple[type, ...] = ()


@dataclass(slots=True)
class FixedPrice:
    """The price of each post's goods."""

    price: F64 = column(np.float64, "M / unit", width="goods")


COMPONENT = FixedPrice


def configure(world: World, row: int, parameters: Mapping[str, Any]) -> None:
    """Write a post's parameters, as a scenario gives them, to its row; publish the price."""
    board, post = world.posts.whole(FixedPrice), world.posts.whole(MarketPost)
    board.price[row] = prices_given(world, parameters["price"])
    traded = post.commodities[row] & (board.price[row] > 0.0)
    steps = np.rint(board.price[row] / world.settings.step_size).astype(np.int64)
    post.current_prices[row, traded] = steps[traded]
    post.price_formed_at[row, traded] = world.tick


def clear(world: World, name: str, post: MarketPost, board: FixedPrice) -> Clearing:
    """Trade at every post of the table `name` that has members."""
    batch = part(world, world.posts.tables[name])
    steps = post.current_prices.copy()
    price = world.settings.price(steps)
    holdings, indifferent = batch.desired(price, price, batch.active)
    settled = settle(batch, steps, holdings, indifferent, batch.active)
    sold = (settled.volume > 0).any(axis=1)
    balanced = (settled.demand == settled.supply).all(axis=1)
    status = np.where(sold, np.where(balanced, CONVERGED, RATIONED), INDICATIVE).astype(np.int8)
    status[~batch.active] = 0
    post.price_formed_at[batch.active] = world.tick
    post.last_clear_tick[sold] = world.tick
    post.status[batch.active] = status[batch.active]
    return Clearing(
        mechanism=NAME,
        post=post_ids(batch),
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
