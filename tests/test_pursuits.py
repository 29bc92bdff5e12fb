"""How long a target is kept, and when it is left alone for a while."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.barred import Barred
from ecs_market.components.intent import IDLE, MARKET, PARTNER, RESOURCE, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.kernels.pursuit import bar
from tests.oracles.walking import gap
from tests.oracles.worlds import (
    COBB_DOUGLAS,
    LINEAR,
    Agent,
    agents_of,
    group,
    posts_of,
    scenario,
    world_of,
)

SAME = {"A": 6, "B": 6, "M": 30}


@contextmanager
def running(*populations: dict[str, Any], seed: int = 0, **keys: Any) -> Iterator[Simulation]:
    """Return a simulation of a small scenario that records nothing."""
    made = scenario(*populations, **keys)
    with Simulation(made, seed, telemetry_level="off", threads=1) as simulation:
        yield simulation


def intents(simulation: Simulation) -> list[tuple[int, int]]:
    """Return everybody's target in the last tick, by id."""
    intent = simulation.world.agents.whole(Intent)
    rows = simulation.world.agent_rows
    return list(zip(intent.kind[rows].tolist(), intent.target[rows].tolist(), strict=True))


def since(simulation: Simulation, ident: int) -> int:
    """Return when an agent's pursuit began, -1 without one."""
    return int(simulation.world.agents.whole(Intent).since[simulation.world.agent_rows[ident]])


@pytest.mark.kernel
def test_patience_bars_exactly_that_target_for_the_cooldown() -> None:
    """Alone at a post an agent waits for 3 ticks, leaves it for 5, and comes back."""
    with running(
        group("one", 1, [COBB_DOUGLAS], cells=[[4, 4]], inventories=SAME),
        market_posts=[{"location": [4, 4]}],
        params={"patience_ticks": 3, "trade_cooldown_ticks": 5, "idle": "stay"},
    ) as simulation:
        seen = []
        for _ in range(24):
            simulation.step()
            seen.append(intents(simulation)[0])
    market, nothing = (MARKET, 0), (IDLE, -1)
    assert seen == ([market] * 3 + [nothing] * 5) * 3


@pytest.mark.kernel
def test_a_short_bar_does_not_end_a_longer_one() -> None:
    """A market that fails sends its members away for a tick, whatever else they are barred from."""
    world = world_of(group("all", 3), market_posts=[{"location": [4, 4]}, {"location": [6, 4]}])
    barred = world.agents.whole(Barred)
    slots = (barred.kind, barred.target, barred.until)
    rows = world.agent_rows
    world.tick = 20
    for row in rows[:2]:
        bar(row, MARKET, 0, 26, *slots)
    for row in rows[1:]:
        bar(row, MARKET, 1, 22, *slots)
    first, second = (MARKET, 0), (MARKET, 1)
    assert [agent.barred for agent in agents_of(world)] == [{first}, {first, second}, {second}]
    bar(rows[1], PARTNER, 2, 22, *slots)
    assert agents_of(world)[1].barred == {first, second}
    world.tick = 22
    assert [agent.barred for agent in agents_of(world)] == [{first}, {first}, set()]


def test_another_post_is_free_during_the_bar() -> None:
    with running(
        group("one", 1, [COBB_DOUGLAS], cells=[[4, 4]], inventories=SAME),
        market_posts=[{"location": [4, 4]}, {"location": [6, 4], "interaction_radius": 2}],
        params={"patience_ticks": 2, "trade_cooldown_ticks": 3, "idle": "stay"},
    ) as simulation:
        seen = []
        for _ in range(7):
            simulation.step()
            seen.append(intents(simulation)[0])
    assert seen[:5] == [(MARKET, 0), (MARKET, 0), (MARKET, 1), (MARKET, 1), (IDLE, -1)]
    # The first bar ran from tick 2 to 4, the second runs from tick 4 to 6.
    assert seen[5:] == [(MARKET, 0), (MARKET, 0)]


@pytest.mark.kernel
def test_waiting_at_a_post_that_is_not_due_does_not_count() -> None:
    with running(
        group("one", 1, [COBB_DOUGLAS], cells=[[4, 4]], inventories=SAME),
        market_posts=[{"location": [4, 4], "mechanism_params": {"clear_every": 4}}],
        params={"patience_ticks": 2, "trade_cooldown_ticks": 64, "idle": "stay"},
    ) as simulation:
        waited, kinds = [], []
        for _ in range(10):
            simulation.step()
            row = simulation.world.agent_rows[0]
            waited.append(int(simulation.world.agents.whole(Intent).waited[row]))
            kinds.append(intents(simulation)[0][0])
    # It clears in ticks 3 and 7; after the second of them patience is over.
    assert waited == [0, 0, 0, 1, 1, 1, 1, 0, 0, 0]
    assert kinds == [MARKET] * 8 + [IDLE] * 2


def test_the_way_does_not_count_and_a_trade_ends_the_pursuit() -> None:
    with running(
        group("a", 1, [LINEAR], cells=[[0, 4]], inventories=SAME),
        group(
            "b", 1, [{"type": "linear", "weights": [0.2, 0.9]}], cells=[[6, 4]], inventories=SAME
        ),
        params={"patience_ticks": 1, "idle": "stay", "vision_radius": 6},
    ) as simulation:
        began = []
        while not simulation.world.scratch.filled.any():
            simulation.step()
            began.append((since(simulation, 0), since(simulation, 1)))
            assert simulation.tick < 10
        assert intents(simulation) == [(PARTNER, 1), (PARTNER, 0)]
        # Kept since tick 0 for all of the way, over with the trade.
        assert began[:-1] == [(0, 0)] * (len(began) - 1)
        assert len(began) > 2
        assert began[-1] == (-1, -1)
        assert not any(agent.barred for agent in agents_of(simulation.world))
        simulation.step()
        assert intents(simulation) == [(IDLE, -1), (IDLE, -1)]


@pytest.mark.parametrize("how", ["sight", "worth"])
def test_a_partner_out_of_sight_or_without_gain_is_given_up(how: str) -> None:
    with running(
        group("a", 1, [LINEAR], cells=[[0, 4]], inventories=SAME),
        group(
            "b", 1, [{"type": "linear", "weights": [0.2, 0.9]}], cells=[[5, 4]], inventories=SAME
        ),
        params={"idle": "stay", "vision_radius": 5},
    ) as simulation:
        simulation.step()
        assert intents(simulation) == [(PARTNER, 1), (PARTNER, 0)]
        world = simulation.world
        if how == "sight":
            world.agents.whole(Position).y[world.agent_rows[1]] = 0
        else:
            world.agents.whole(Inventory).goods[world.agent_rows] = 0
        simulation.step()
        assert intents(simulation) == [(IDLE, -1), (IDLE, -1)]
        assert since(simulation, 0) == -1
        assert not any(agent.barred for agent in agents_of(world))


SELDOM = {"clear_every": 1000}


def test_a_pursuit_is_kept_on_ties_and_left_for_something_better() -> None:
    with running(
        group("one", 1, [COBB_DOUGLAS], cells=[[5, 4]], inventories=SAME, components=["Mobility"]),
        market_posts=[
            {"id": 3, "location": [1, 4], "interaction_radius": 5, "mechanism_params": SELDOM},
            {"id": 8, "location": [9, 4], "interaction_radius": 5, "mechanism_params": SELDOM},
        ],
        params={"idle": "stay", "move_budget_per_tick": 0},
    ) as simulation:
        world = simulation.world
        intent, row = world.agents.whole(Intent), world.agent_rows[0]
        simulation.step()
        assert intents(simulation) == [(MARKET, 3)]
        intent.target[row] = 8
        for _ in range(3):
            simulation.step()
            assert intents(simulation) == [(MARKET, 8)]
            assert since(simulation, 0) == 0
        world.agents.whole(Position).x[row] = 4
        simulation.step()
        assert intents(simulation) == [(MARKET, 3)]
        assert since(simulation, 0) == 4


@dataclass(slots=True)
class Watch:
    """One agent's pursuit as the rules have it."""

    pursued: tuple[int, int] | None = None
    waited: int = 0
    bars: dict[tuple[int, int], int] = field(default_factory=dict)


def within_reach(simulation: Simulation, agent: Agent, target: tuple[int, int]) -> bool:
    """Return whether an agent stands where it could trade or harvest."""
    kind, number = target
    here = (agent.x, agent.y)
    if kind == MARKET:
        (post,) = (post for post in posts_of(simulation.world) if post.ident == number)
        return gap(here, (post.x, post.y)) <= post.reach
    if kind == PARTNER:
        (other,) = (a for a in agents_of(simulation.world) if a.ident == number)
        return gap(here, (other.x, other.y)) <= min(agent.reach, other.reach)
    patches = simulation.world.only(ResourcePatches)
    assert patches is not None
    return here == (int(patches.x[number]), int(patches.y[number]))


@pytest.mark.parametrize("seed", range(3))
def test_pursuits_of_a_whole_economy(seed: int) -> None:
    """Replay: fills end pursuits, patience bars targets, bars hold; nothing else is forgotten."""
    patience, cooldown = [(2, 7), (3, 3), (4, 9)][seed]
    with running(
        group("linear", 7, [LINEAR], inventories=SAME),
        group("mixed", 7, [LINEAR, COBB_DOUGLAS], interaction_radius=2),
        seed=seed,
        market_posts=[
            {"location": [2, 2], "interaction_radius": 1},
            {"location": [8, 6], "mechanism_params": {"clear_every": 3}},
            {"location": [8, 2], "mechanism": "posted_price", "commodities": ["A"]},
        ],
        resources={"spawn_rate": 0.05, "types": [{"good": "A", "quantity": [1, 2]}]},
        params={"patience_ticks": patience, "trade_cooldown_ticks": cooldown},
    ) as simulation:
        watches = [Watch() for _ in range(14)]
        barred, kinds = 0, set()
        for tick in range(60):
            simulation.step()
            world = simulation.world
            assert (world.agents.whole(Barred).until <= world.barred_until).all()
            for agent, watch, target in zip(
                agents_of(world), watches, intents(simulation), strict=True
            ):
                kinds.add(target[0])
                assert watch.bars.get(target, 0) <= tick, (tick, agent.ident, target)
                if target != watch.pursued:
                    watch.pursued, watch.waited = target, 0
                if target[0] == IDLE or world.scratch.filled[agent.row]:
                    watch.pursued, watch.waited = None, 0
                elif not world.scratch.waiting[agent.row] and within_reach(
                    simulation, agent, target
                ):
                    watch.waited += 1
                    if watch.waited == patience:
                        watch.bars[target] = tick + 1 + cooldown
                        watch.pursued, watch.waited = None, 0
                        barred += 1
                assert agent.pursued == watch.pursued
                assert world.agents.whole(Intent).waited[agent.row] == watch.waited
        assert barred > 3
        assert kinds >= {MARKET, PARTNER, RESOURCE}
        assert np.isfinite(world.agents.whole(Intent).value).all()
