"""Market posts that a host program builds between ticks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ecs_market.build import refresh_reach
from ecs_market.components.identity import Identity
from ecs_market.components.post_index import PostIndex
from ecs_market.errors import InputError
from ecs_market.market_view import MarketView
from ecs_market.post_tables import index_posts, write_post
from ecs_market.run_record import post_row
from ecs_market.scenario import Post, Scenario, from_dict
from ecs_market.types import I64
from ecs_market.world import World

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


def add_market_post(
    simulation: Simulation, location: Any, settings: Mapping[str, Any]
) -> MarketView:
    """Add a post; it takes part from the next tick on.

    Parameters
    ----------
    location
        Its cell (x, y).
    settings
        Keys of an entry of a scenario's ``market_posts``, ``id`` and ``location`` optional.

    Raises
    ------
    InputError
        A setting is not allowed, or the cell or the id is taken; nothing has changed.
    """
    scenario, post = _checked(simulation.scenario, location, settings)
    world = simulation.world
    _write_row(world, post)
    simulation.scenario = scenario
    market = MarketView(simulation, post.id)
    simulation.telemetry.append_posts([post_row(market)])
    return market


def _checked(
    scenario: Scenario, location: Any, settings: Mapping[str, Any]
) -> tuple[Scenario, Post]:
    """Let the scenario's own checks decide; return the new scenario and the new post."""
    try:
        cell = [each.item() if isinstance(each, np.generic) else each for each in location]
    except TypeError as error:
        raise InputError(
            f"add_market_post: location must be a cell (x, y), not {location!r}"
        ) from (error)
    mapping = scenario.to_dict()
    before = {post.id for post in scenario.market_posts}
    mapping["market_posts"] = [*mapping["market_posts"], {"location": cell, **settings}]
    checked = from_dict(mapping, "add_market_post")
    post = next(each for each in checked.market_posts if each.id not in before)
    return dataclasses.replace(scenario, market_posts=checked.market_posts), post


def _write_row(world: World, post: Post) -> None:
    """Make room in the mechanism's table, write the post, and index all posts anew."""
    posts = world.posts
    table = posts.tables[post.mechanism]
    rows = np.append(np.arange(table.start, table.stop, dtype=np.int64), -1)
    posts.rearrange({post.mechanism: rows})
    write_post(world, table.stop - 1, post)
    world.post_rows = _rows_by_id(world)
    for entity, _ in world.esper.get_component(PostIndex):
        world.esper.add_component(entity, index_posts(world))
    refresh_reach(world)


def _rows_by_id(world: World) -> I64:
    ids = world.posts.whole(Identity).id
    found = np.full(int(ids.max()) + 1, -1, np.int64)
    for table in world.posts.tables.values():
        here = np.arange(table.start, table.stop, dtype=np.int64)
        found[ids[here]] = here
    return found
