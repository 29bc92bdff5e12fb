"""Small worlds, and their agents, posts and patches as plain records."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.build import build_world
from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.position import Position
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import PostVisibility, Visibility
from ecs_market.scenario import from_dict
from ecs_market.settings import Settings
from ecs_market.world import World
from tests.oracles.walking import gap

LINEAR = {"type": "linear", "weights": [0.7, 0.3]}
COBB_DOUGLAS = {"type": "cobb_douglas", "exponents": [0.6, 0.4]}
LEVEL = {**COBB_DOUGLAS, "scale": "level"}
HOLDINGS = {"A": [0, 12], "B": [0, 12], "M": [0, 60]}


def group(
    name: str,
    count: int,
    utilities: Sequence[dict[str, Any]] = (LINEAR, COBB_DOUGLAS),
    cells: Sequence[Sequence[int]] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Return a population; the utilities share its members evenly."""
    shares = [count // len(utilities)] * len(utilities)
    shares[-1] += count - sum(shares)
    made = {
        "name": name,
        "count": count,
        "inventories": HOLDINGS,
        "utilities": [
            {**utility, "count": members}
            for utility, members in zip(utilities, shares, strict=True)
            if members
        ],
        **more,
    }
    if cells is not None:
        made["initial_positions"] = {"cells": [list(cell) for cell in cells]}
    return made


def scenario(
    *populations: dict[str, Any],
    width: int = 11,
    height: int = 9,
    torus: bool = False,
    **keys: Any,
) -> dict[str, Any]:
    """Return a scenario of these populations on a small grid."""
    grid = {"width": width, "height": height, "torus": torus}
    return {"grid": grid, "populations": list(populations), **keys}


def world_of(*populations: dict[str, Any], seed: int = 0, **keys: Any) -> World:
    """Build the world of `scenario`."""
    return build_world(from_dict(scenario(*populations, **keys)), seed, 1)


@dataclass(slots=True)
class Agent:
    """One agent as plain numbers; quantities in units, money in M."""

    ident: int
    row: int
    x: int
    y: int
    vision: int
    reach: int
    goods: list[float]
    money: float
    linear: bool
    parameters: list[float]
    weight: float
    pursued: tuple[int, int] | None
    since: int
    barred: set[tuple[int, int]]


def agents_of(world: World, idents: Iterable[int] | None = None) -> list[Agent]:
    """Return the agents in the order of `idents`, by default all that live by ascending id."""
    whole, found = world.agents.whole, []
    position, sight, held = whole(Position), whole(Visibility), whole(Inventory)
    taste, intent, barred = whole(Utility), whole(Intent), whole(Barred)
    if idents is None:
        idents = np.flatnonzero(world.agent_rows >= 0).tolist()
    for ident in idents:
        row = int(world.agent_rows[ident])
        assert whole(Identity).id[row] == ident
        since = int(intent.since[row])
        found.append(
            Agent(
                ident,
                row,
                int(position.x[row]),
                int(position.y[row]),
                int(sight.vision_radius[row]),
                int(sight.interaction_radius[row]),
                [int(lots) * world.settings.lot_size for lots in held.goods[row]],
                int(held.money[row]) * world.settings.minor_size,
                taste.family[row] == 0,
                taste.parameters[row].tolist(),
                float(taste.money_weight[row]),
                (int(intent.kind[row]), int(intent.target[row])) if since >= 0 else None,
                since,
                {
                    (int(kind), int(target))
                    for kind, target, until in zip(
                        barred.kind[row], barred.target[row], barred.until[row], strict=True
                    )
                    if until > world.tick
                },
            )
        )
    return found


@dataclass(slots=True)
class Post:
    """One post as plain numbers; prices in M a unit, 0 where there is none."""

    ident: int
    x: int
    y: int
    sight: int
    reach: int
    broadcast: int
    traded: list[bool]
    price: list[float]
    formed: list[int]


def posts_of(world: World) -> list[Post]:
    """Return all posts by ascending id."""
    whole = world.posts.whole
    place, reach, market = whole(Position), whole(PostVisibility), whole(MarketPost)
    return [
        Post(
            ident,
            int(place.x[row]),
            int(place.y[row]),
            int(reach.visibility_radius[row]),
            int(reach.interaction_radius[row]),
            int(reach.broadcast_radius[row]),
            market.commodities[row].tolist(),
            (market.current_prices[row] * world.settings.step_size).tolist(),
            market.price_formed_at[row].tolist(),
        )
        for ident, row in enumerate(world.post_rows.tolist())
        if row >= 0
    ]


def shuffle(world: World, generator: np.random.Generator) -> None:
    """Move every population's rows to random places."""
    tables = world.agents.tables.items()
    world.restructure(reorder={name: generator.permutation(table.size) for name, table in tables})


def distance(a: Any, b: Any, settings: Settings | None = None) -> int:
    """Return the Manhattan distance; with settings on a torus, the least over all ways round."""
    torus = settings is not None and settings.torus
    size = (settings.width, settings.height) if settings is not None and torus else None
    return gap((int(a.x), int(a.y)), (int(b.x), int(b.y)), size)
