"""Agents that do not look around, and modes that change with the tick."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.intent import IDLE, MARKET, PARTNER, RESOURCE, Intent
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.kernels.philox import IDLE_WALK, below
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.index_traders import IndexTraders
from ecs_market.systems.search_markets import SearchMarkets
from ecs_market.systems.search_partners import SearchPartners
from ecs_market.systems.search_resources import SearchResources
from tests.oracles import worlds
from tests.oracles.walking import stroll
from tests.oracles.worlds import (
    COBB_DOUGLAS,
    LINEAR,
    agents_of,
    group,
    posts_of,
    scenario,
    world_of,
)

RICH = {"A": 6, "B": 6, "M": 30}


@pytest.mark.parametrize("torus", [False, True])
def test_wanderers_find_what_is_in_reach_only(torus: bool) -> None:
    world = world_of(
        group("short", 20, [COBB_DOUGLAS], vision_radius=9, inventories=RICH),
        group("long", 20, vision_radius=9, interaction_radius=3),
        market_posts=[
            {"location": [3, 3], "interaction_radius": 2, "visibility_radius": 20},
            {"location": [8, 7], "interaction_radius": 9, "visibility_radius": 4},
        ],
        resources={"spawn_rate": 0.5, "types": [{"good": "A", "quantity": 3}]},
        protocols={"search": "random_walk"},
        params={"min_value": 0.0},
        torus=torus,
    )
    for system in (Broadcast, Appraise, IndexTraders, SearchPartners, SearchMarkets):
        system().process(world)
    SearchResources().process(world)
    search, agents = world.scratch.search, agents_of(world)
    patches = world.only(ResourcePatches)
    assert patches is not None
    ident = {agent.row: agent.ident for agent in agents}
    for agent in agents:
        for row in search.candidate_row[agent.row, : search.candidates[agent.row]].tolist():
            other = agents[ident[row]]
            near = min(agent.reach, other.reach)
            assert worlds.distance(agent, other, world.settings) <= near
        within = [
            post.ident
            for post in posts_of(world)
            if worlds.distance(agent, post, world.settings) <= min(post.reach, post.sight)
        ]
        # To the rich every post is worth a visit.
        found = int(search.best_market[agent.row])
        assert found in within or (found == -1 and not (within and agent.ident < 20))
        here = np.flatnonzero((patches.x == agent.x) & (patches.y == agent.y)).tolist()
        assert [search.best_patch[agent.row]] == (here or [-1])
    assert search.candidates.any()
    assert (search.best_market >= 0).any()


def test_wanderers_walk_on_whatever_idle_says() -> None:
    made = scenario(
        group("all", 12, [LINEAR, COBB_DOUGLAS]),
        market_posts=[{"location": [5, 4], "interaction_radius": 2}],
        protocols={"search": "random_walk"},
        params={"idle": "stay"},
    )
    with Simulation(made, seed=2, telemetry_level="off") as simulation:
        world, met = simulation.world, 0
        for tick in range(40):
            before = agents_of(world)
            simulation.step()
            kinds = world.agents.whole(Intent).kind
            for agent, now in zip(before, agents_of(world), strict=True):
                turn = below(2, 0, tick // 5, agent.ident, IDLE_WALK, 4)
                at = (agent.x, agent.y)
                if kinds[agent.row] == IDLE:
                    at = stroll(at, turn, 1, 11, 9)
                else:
                    met += 1
                assert (now.x, now.y) == at
        assert met > 20


@pytest.mark.parametrize(
    "schedule",
    [
        [("forage", 2), ("trade", 3)],
        [("trade", 1), ("both", 2), ("forage", 1), ("trade", 2)],
    ],
)
def test_modes_follow_a_schedule(schedule: list[tuple[str, int]]) -> None:
    made = scenario(
        group("all", 16, [LINEAR, COBB_DOUGLAS], vision_radius=9),
        market_posts=[{"location": [5, 4]}],
        resources={"spawn_rate": 0.5, "types": [{"good": "A", "quantity": 3}]},
        params={"mode_schedule": [{"mode": mode, "ticks": ticks} for mode, ticks in schedule]},
    )
    modes = [mode for mode, ticks in schedule for _ in range(ticks)]
    kinds: dict[str, set[int]] = {mode: set() for mode in modes}
    with Simulation(made, seed=1, telemetry_level="off") as simulation:
        world = simulation.world
        for tick in range(3 * len(modes)):
            mode = modes[tick % len(modes)]
            assert simulation.view(0).mode == mode
            simulation.step()
            intent = world.agents.whole(Intent)
            kinds[mode] |= set(intent.kind[world.agent_rows].tolist())
            harvested = world.scratch.harvested.any()
            assert mode != "trade" or not harvested
    for mode, found in kinds.items():
        assert (RESOURCE in found) == (mode != "trade")
        assert bool({MARKET, PARTNER} & found) == (mode != "forage")
