"""Market posts that a host program builds between ticks."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from ecs_market.books import forget_post
from ecs_market.build import refresh_reach
from ecs_market.components.identity import Identity
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.post_index import PostIndex
from ecs_market.errors import InputError
from ecs_market.host.pursuits import release
from ecs_market.market_view import MarketView
from ecs_market.post_tables import add_post_table, index_posts, write_post
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
    world = simulation.world
    # Numbers of posts that are gone stay theirs: telemetry still speaks of them.
    free = {"id": len(world.post_rows), **settings}
    if settings.get("id", free["id"]) in np.flatnonzero(world.post_rows < 0).tolist():
        raise InputError(f"add_market_post: id {settings['id']} was a post that has been removed")
    scenario, post = _checked(simulation.scenario, location, free)
    _write_row(world, post)
    world.ledger.host += np.append(post.stock_goods or [0] * world.goods, post.stock_money)
    simulation.scenario = scenario
    market = MarketView(simulation, post.id)
    simulation.telemetry.append_posts([post_row(market)])
    return market


def remove_market_post(simulation: Simulation, ident: Any) -> None:
    """Remove a post; what it owned is booked out as the host's.

    Raises
    ------
    InputError
        There is no such post; nothing has changed.
    """
    world = simulation.world
    number = post_number(simulation, ident)
    row = int(world.post_rows[number])
    account = world.posts.whole(MarketAccount)
    lost = np.append(account.goods[row], account.money[row])
    forget_post(world, number)
    name = next(n for n, t in world.posts.tables.items() if t.start <= row < t.stop)
    table = world.posts.tables[name]
    rows = np.arange(table.start, table.stop, dtype=np.int64)
    world.posts.rearrange({name: rows[rows != row]})
    world.ledger.host -= lost
    intent = world.agents.whole(Intent)
    release(intent, (intent.kind == MARKET) & (intent.target == number))
    _index(world)
    left = tuple(post for post in simulation.scenario.market_posts if post.id != number)
    simulation.scenario = dataclasses.replace(simulation.scenario, market_posts=left)


def post_number(simulation: Simulation, ident: Any) -> int:
    """Return the id of a post that exists; InputError says which there are."""
    rows = simulation.world.post_rows
    whole = isinstance(ident, (int, np.integer)) and not isinstance(ident, bool)
    if whole and 0 <= ident < len(rows) and rows[ident] >= 0:
        return int(ident)
    known = ", ".join(map(str, np.flatnonzero(rows >= 0)[:20])) or "none"
    raise InputError(f"there is no market post {ident!r}; there is: {known}")


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
    new = ("market_posts", len(scenario.market_posts))
    checked = from_dict(mapping, "add_market_post", about=new)
    post = next(each for each in checked.market_posts if each.id not in before)
    return dataclasses.replace(scenario, market_posts=checked.market_posts), post


def _write_row(world: World, post: Post) -> None:
    """Make room in the mechanism's table, write the post, and index all posts anew."""
    posts = world.posts
    if post.mechanism not in posts.tables:
        posts.append_table(post.mechanism)
        add_post_table(world, post.mechanism)
    table = posts.tables[post.mechanism]
    rows = np.append(np.arange(table.start, table.stop, dtype=np.int64), -1)
    posts.rearrange({post.mechanism: rows})
    write_post(world, table.stop - 1, post)
    _index(world)


def _index(world: World) -> None:
    """Find the rows of all posts, and list them by where they are seen and heard, anew."""
    world.post_rows = _rows_by_id(world)
    for entity, _ in world.esper.get_component(PostIndex):
        world.esper.add_component(entity, index_posts(world))
    refresh_reach(world)


def _rows_by_id(world: World) -> I64:
    ids = world.posts.whole(Identity).id
    used = [ids[table.start : table.stop] for table in world.posts.tables.values()]
    known = max(len(world.post_rows), 1 + max((int(u.max(initial=-1)) for u in used), default=-1))
    found = np.full(known, -1, np.int64)
    for table in world.posts.tables.values():
        here = np.arange(table.start, table.stop, dtype=np.int64)
        found[ids[here]] = here
    return found
