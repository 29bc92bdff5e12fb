"""The tables of market posts: one for each mechanism, and the index over all of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.components.double_auction import ORDER_TYPES
from ecs_market.components.identity import Identity
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.position import Position
from ecs_market.components.post_index import PostIndex
from ecs_market.components.reputation import Reputation
from ecs_market.components.visibility import PostVisibility
from ecs_market.components.walrasian import FALLBACKS
from ecs_market.errors import InputError
from ecs_market.kernels.posts import cover_tiles
from ecs_market.kernels.spatial import TILE_SHIFT, accumulate, tile_shifts
from ecs_market.mechanisms.batch import numeraires
from ecs_market.mechanisms.registered import by_name
from ecs_market.world import World

# What the index of posts may list: half a gigabyte of row numbers.
MOST_ENTRIES = 2**27
# How many values a row has where that is the same in every world.
POST_WIDTHS = {"fallbacks": len(FALLBACKS), "order_types": len(ORDER_TYPES)}
POST_COMPONENTS: list[type] = [Position, PostVisibility, MarketPost, MarketRules, MarketAccount]


def add_post_tables(world: World) -> None:
    """Make an entity for each table of posts."""
    for name in world.posts.tables:
        add_post_table(world, name)


def add_post_table(world: World, name: str) -> None:
    """Make the entity of a mechanism's table, with its books."""
    module = by_name(name)
    common = [*POST_COMPONENTS, *([Reputation] if world.settings.reputation_weight > 0.0 else [])]
    entity = world.add_table(world.posts, name, [*common, module.COMPONENT])
    for book in module.BOOKS:
        world.esper.add_component(entity, book())


def write_post(world: World, row: int, post: Any) -> None:
    """Write a scenario's post to a row of its mechanism's table."""
    posts = world.posts
    posts.whole(Identity).id[row] = post.id
    posts.whole(Position).x[row] = post.x
    posts.whole(Position).y[row] = post.y
    reach = posts.whole(PostVisibility)
    reach.visibility_radius[row] = post.visibility_radius
    reach.interaction_radius[row] = post.interaction_radius
    reach.broadcast_radius[row] = post.broadcast_radius
    market = posts.whole(MarketPost)
    market.commodities[row] = [good in post.commodities for good in world.settings.goods]
    rules = posts.whole(MarketRules)
    rules.clear_every[row] = post.parameters.get("clear_every", 1)
    rules.fee_ppb[row], rules.fee_per_lot[row] = post.fee_ppb, post.fee_per_lot
    rules.price_band[row] = post.parameters.get("price_band") or 0.0
    rules.shading[row] = post.parameters.get("shading", 0.0)
    account = posts.whole(MarketAccount)
    account.goods[row] = post.stock_goods or 0
    account.money[row] = post.stock_money
    by_name(post.mechanism).configure(world, row, post.parameters)


def index_posts(world: World) -> PostIndex:
    """List the posts that reach into each tile of the grid, by ascending post id."""
    width, height = world.settings.width, world.settings.height
    shift, _ = tile_shifts(width, height, TILE_SHIFT, TILE_SHIFT, world.agents.size)
    tiles_x, tiles_y, side = (width >> shift) + 1, (height >> shift) + 1, 1 << shift
    place, sight = world.posts.whole(Position), world.posts.whole(PostVisibility)
    reach = np.maximum(sight.visibility_radius, sight.broadcast_radius)
    rows = world.post_rows[world.post_rows >= 0]
    covered = reach[rows].astype(np.float64) ** 2 * 2.0 / side**2
    if np.minimum(covered, tiles_x * tiles_y).sum() > MOST_ENTRIES:
        raise InputError(
            f"market posts: together they are seen or heard in more than {MOST_ENTRIES:,} "
            f"places of {side} x {side} cells; reduce their radii or their number"
        )
    nothing, size = np.empty(0, np.int32), (tiles_x, tiles_y, shift)
    periods = world.settings.period_x, world.settings.period_y
    starts = np.zeros(tiles_x * tiles_y + 1, np.int32)
    cover_tiles(rows, place.x, place.y, reach, *size, starts, False, nothing, *periods)
    accumulate(starts)
    entries = np.empty(starts[-1], np.int32)
    cover_tiles(rows, place.x, place.y, reach, *size, starts[:-1].copy(), True, entries, *periods)
    commodities = world.posts.whole(MarketPost).commodities
    return PostIndex(tiles_x, shift, starts, entries, numeraires(commodities, world.settings.mode))
