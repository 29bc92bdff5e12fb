"""Agents look for market posts and what trading there would be worth."""

from __future__ import annotations

from typing import Any

import esper
import numpy as np
from numpy.typing import NDArray

from ecs_market.components.identity import Identity
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.mobility import Mobility
from ecs_market.components.position import Position
from ecs_market.components.post_index import PostIndex
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import PostVisibility
from ecs_market.kernels.broadcast import tilts
from ecs_market.mechanisms.batch import charges, post_rules
from ecs_market.mechanisms.pursuits import bars_in_force
from ecs_market.mechanisms.reputation import standing
from ecs_market.preferences import families
from ecs_market.types import I32
from ecs_market.world import World

POST_COST = 32
# Posts are compared with the first of so many kinds of them.
MOST_KINDS = 8


class SearchMarkets(esper.Processor):
    """Write each agent's best post by its exact gain at the prices it knows."""

    def process(self, world: World) -> None:
        """Look up the posts that cover an agent's tile; nothing if agents ignore markets."""
        search, settings = world.scratch.search, world.settings
        search.best_market[:] = -1
        search.market_value[:] = 0.0
        index = world.only(PostIndex)
        if not settings.sees_markets(world.tick) or index is None or not len(index.post):
            return
        position, inventory = world.agents.whole(Position), world.agents.whole(Inventory)
        utility, intent = world.agents.whole(Utility), world.agents.whole(Intent)
        place, reach = world.posts.whole(Position), world.posts.whole(PostVisibility)
        info = settings.price_info
        memory = memory_of(world)
        reputation = standing(world)
        if settings.reputation_weight > 0.0:
            search.promise = np.zeros(world.agents.end, np.float32)
        find_market = families.search(world.families, charges(world)).find_market
        fee_rate, fee_unit, shading = post_rules(world)
        commodities = world.posts.whole(MarketPost).commodities
        for table in world.tables(Position, Inventory, Utility, Intent):
            world.over(
                table.start,
                table.stop,
                find_market,
                utility.family,
                inventory.goods,
                inventory.money,
                utility.parameters,
                utility.money_weight,
                settings.mode,
                settings.lot_size,
                settings.minor_size,
                position.x,
                position.y,
                index.shift,
                index.tiles_x,
                index.tile_start,
                index.post,
                place.x,
                place.y,
                world.posts.whole(Identity).id,
                world.agents.whole(Mobility).budget,
                reach.interaction_radius,
                reach.visibility_radius,
                reach.broadcast_radius,
                commodities,
                index.numeraire,
                fee_rate,
                fee_unit,
                shading,
                alike(fee_rate, fee_unit, shading, index.numeraire, commodities),
                world.scratch.heard_price,
                world.scratch.confidence,
                info.floor,
                1.0 - info.floor if info.by_distance else 0.0,
                *tilts(info.sigma),
                world.beta_power,
                settings.min_value,
                intent.kind,
                intent.target,
                intent.since,
                *bars_in_force(world),
                world.tick,
                MARKET,
                search.best_market,
                search.market_value,
                settings.wanders,
                settings.period_x,
                settings.period_y,
                world.agents.whole(Identity).id,
                world.seed,
                settings.temperature,
                reputation,
                search.promise,
                world.post_rows,
                memory.post,
                memory.price,
                memory.formed_at,
                settings.step_numerator,
                settings.step_denominator,
                info.decays,
                info.half_life,
                cost=POST_COST,
            )


def alike(*rules: NDArray[Any]) -> I32:
    """Return for each post the first one that has the same rules, arrays of a row a post.

    Posts of the first kinds are told; where there are more, each of the others counts as a kind.
    """
    found = np.arange(len(rules[0]), dtype=np.int32)
    left = np.ones(len(found), np.bool_)
    for _ in range(MOST_KINDS):
        if not left.any():
            break
        first = int(left.argmax())
        same = left.copy()
        for rule in rules:
            equal = rule == rule[first]
            same &= equal if equal.ndim == 1 else equal.all(axis=1)
        found[same] = first
        left &= ~same
    return found


def memory_of(world: World) -> MarketMemory:
    """Return what agents remember: no slots where they have no memory."""
    if world.settings.memory_slots:
        return world.agents.whole(MarketMemory)
    nothing = np.empty((0, 0), np.int64)
    return MarketMemory(nothing, nothing, nothing.astype(np.int32))
