"""Walking towards posts, partners and patches, idling, and pairs that must not dance."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market.components.intent import IDLE, MARKET, PARTNER, RESOURCE, Intent
from ecs_market.components.mobility import Mobility
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.visibility import Visibility
from ecs_market.kernels.philox import IDLE_WALK, below
from ecs_market.systems.move import Move
from ecs_market.world import World
from tests.oracles import worlds
from tests.oracles.walking import Cell, gap, stroll, walk
from tests.oracles.worlds import LINEAR, group, world_of


def cells(world: World) -> list[Cell]:
    """Return where everybody is, by id."""
    return [(agent.x, agent.y) for agent in worlds.agents_of(world)]


def aim(world: World, ident: int, kind: int, target: int) -> None:
    """Let an agent go for a target."""
    row = world.agent_rows[ident]
    intent = world.agents.whole(Intent)
    intent.kind[row], intent.target[row], intent.since[row] = kind, target, world.tick
    world.agents.whole(Pairing).partner[row] = target if kind == PARTNER else -1


@pytest.mark.kernel
@pytest.mark.parametrize("size", [None, (17, 12), (16, 12), (10, 8)])
@pytest.mark.parametrize("seed", range(4))
def test_targets_are_walked_to_by_the_longer_axis(seed: int, size: Cell | None) -> None:
    generator = np.random.default_rng(seed)
    world = world_of(
        group("walkers", 20, interaction_radius=2, move_budget_per_tick=3),
        group("runners", 6, interaction_radius=1, move_budget_per_tick=7),
        group("rocks", 4, components=["BilateralTrader"], move_budget_per_tick=5),
        seed=seed,
        width=(size or (17, 12))[0],
        height=(size or (17, 12))[1],
        torus=size is not None,
        market_posts=[
            {"id": 5, "location": [2, 3], "interaction_radius": 0},
            {"id": 1, "location": [9, 7], "interaction_radius": 4},
        ],
        resources={"spawn_rate": 0.2, "types": [{"good": "A", "quantity": 1}]},
        params={"idle": "stay"},
    )
    worlds.shuffle(world, generator)
    patches = world.only(ResourcePatches)
    assert patches is not None
    before = cells(world)
    place = {5: (2, 3), 1: (9, 7)}
    expected = []
    chosen = generator.permutation(30)[:16].tolist()
    partner = dict(zip(chosen, reversed(chosen), strict=True))
    budget = [3] * 20 + [7] * 6 + [0] * 4
    reach = [2] * 20 + [1] * 10
    for ident, at in enumerate(before):
        steps = budget[ident]
        if ident in partner:
            other = partner[ident]
            aim(world, ident, PARTNER, other)
            near = min(reach[ident], reach[other])
            stands = ident > other and budget[other] > 0
            if stands and gap(at, before[other], size) <= budget[other] + max(near, 1):
                steps = 0
            expected.append(walk(at, before[other], steps, near, size, back=ident > other))
        elif ident % 3 == 0:
            aim(world, ident, MARKET, [5, 1][ident % 2])
            reached = place[[5, 1][ident % 2]]
            expected.append(walk(at, reached, steps, [0, 4][ident % 2], size))
        elif ident % 3 == 1:
            patch = int(generator.integers(len(patches.x)))
            aim(world, ident, RESOURCE, patch)
            to = (int(patches.x[patch]), int(patches.y[patch]))
            expected.append(walk(at, to, steps, 0, size))
        else:
            aim(world, ident, IDLE, -1)
            expected.append(at)
    Move().process(world)
    assert cells(world) == expected


@pytest.mark.kernel
@pytest.mark.parametrize(("lower", "higher", "reach"), [(1, 1, 1), (2, 1, 0), (1, 2, 1), (3, 3, 2)])
def test_the_higher_id_of_a_near_pair_stands(lower: int, higher: int, reach: int) -> None:
    world = world_of(
        group("a", 1, [LINEAR], move_budget_per_tick=lower, interaction_radius=reach),
        group("b", 1, [LINEAR], move_budget_per_tick=higher, interaction_radius=reach),
        width=30,
        height=1,
    )
    aim(world, 0, PARTNER, 1)
    aim(world, 1, PARTNER, 0)
    position, rows = world.agents.whole(Position), world.agent_rows
    for apart in range(reach + 1, 20):
        position.x[rows] = [0, apart]
        Move().process(world)
        stood = position.x[rows[1]] == apart
        assert stood == (apart <= lower + max(reach, 1))


@pytest.mark.parametrize("torus", [False, True])
def test_a_pair_always_meets(torus: bool) -> None:
    """All budgets, radii and offsets: nobody dances, and the way takes no longer than it must.

    On the torus, 8 by 7, both ways round can be as long.
    """
    spans = range(-4, 5)
    size = (8, 7) if torus else (13, 13)
    offsets = [(dx, dy) for dx in spans for dy in spans]
    settings = [(a, b, r) for a in range(4) for b in range(4) for r in range(3) if a + b]
    lower = group("lower", len(offsets), [LINEAR], cells=[[6, 6]] * len(offsets))
    shifted = [[(6 + dx) % size[0], (6 + dy) % size[1]] for dx, dy in offsets]
    higher = group("higher", len(offsets), [LINEAR], cells=shifted)
    for one, two in ((lower, higher), (higher, lower)):
        world = world_of(one, two, width=size[0], height=size[1], torus=torus)
        pairs = len(offsets)
        for ident in range(pairs):
            aim(world, ident, PARTNER, ident + pairs)
            aim(world, ident + pairs, PARTNER, ident)
        position, budget = world.agents.whole(Position), world.agents.whole(Mobility).budget
        first, second = world.agent_rows[:pairs], world.agent_rows[pairs:]
        start = position.x.copy(), position.y.copy()
        for a, b, reach in settings:
            position.x[:], position.y[:] = start
            budget[first], budget[second] = a, b
            world.agents.whole(Visibility).interaction_radius[:] = reach
            apart = np.zeros(pairs, np.int64)
            # The slower of two walkers alone would need this long, and two ticks to settle.
            for _ in range(-(-8 // min(x for x in (a, b) if x)) + 2):
                Move().process(world)
                places = [(position.x[rows], position.y[rows]) for rows in (first, second)]
                apart = world.settings.distances(*places[0], *places[1])
                world.tick += 1
            assert (apart <= reach).all(), (a, b, reach)


@pytest.mark.kernel
@pytest.mark.parametrize("torus", [False, True])
def test_idle_agents_walk_at_random_for_five_ticks_at_a_time(torus: bool) -> None:
    walkers = group("all", 12, move_budget_per_tick=3)
    world = world_of(walkers, seed=9, width=8, height=6, torus=torus)
    ways: dict[int, set[int]] = {}
    for tick in range(40):
        world.tick = tick
        before = cells(world)
        Move().process(world)
        for ident, (at, now) in enumerate(zip(before, cells(world), strict=True)):
            way = below(9, 0, tick // 5, ident, IDLE_WALK, 4)
            assert now == stroll(at, way, 3, 8, 6, torus)
            ways.setdefault(ident, set()).add(way)
    assert set().union(*ways.values()) == {0, 1, 2, 3}
    assert len(ways[0]) > 1


@pytest.mark.kernel
def test_idle_agents_go_home_or_stay() -> None:
    for idle in ("home", "stay"):
        world = world_of(group("all", 9, move_budget_per_tick=2), seed=1, params={"idle": idle})
        homes = cells(world)
        position = world.agents.whole(Position)
        position.x[world.agent_rows], position.y[world.agent_rows] = 10, 8
        before = cells(world)
        for _ in range(10):
            Move().process(world)
        assert cells(world) == (homes if idle == "home" else before)


@pytest.mark.kernel
def test_a_population_without_mobility_stays_put() -> None:
    world = world_of(group("rocks", 6, components=["BilateralTrader"]), group("others", 6))
    before = cells(world)
    for world.tick in range(6):
        Move().process(world)
    after = cells(world)
    assert after[:6] == before[:6]
    assert after[6:] != before[6:]
