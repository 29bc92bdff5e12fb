"""What agents remember of prices, against a plain record of what each has heard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.build import build_world
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.position import Position
from ecs_market.scenario import from_dict
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.remember import Remember
from ecs_market.systems.search_markets import SearchMarkets
from ecs_market.world import World
from tests.oracles import worlds, worth
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, agents_of, group, scenario
from tests.test_reproducible import shuffler, trace

# By post and good: the price [price step] and the tick in which it was formed.
Memory = dict[int, dict[int, tuple[int, int]]]


def heard(world: World, tick: int, cell: tuple[int, int]) -> Memory:
    """Return the prices that can be heard on a cell."""
    found: Memory = {}
    market, settings = world.posts.whole(MarketPost), world.settings
    here = type("Here", (), {"x": cell[0], "y": cell[1]})
    for post in worlds.posts_of(world):
        row = world.post_rows[post.ident]
        prices = {
            k: (int(market.current_prices[row, k]), int(market.price_formed_at[row, k]))
            for k in worth.known_prices(post, tick, settings)
        }
        if prices and worlds.distance(here, post, settings) <= post.broadcast:
            found[post.ident] = prices
    return found


def oldest(prices: dict[int, tuple[int, int]]) -> int:
    """Return when the oldest of some prices was formed."""
    return min(formed for _, formed in prices.values())


def after(memory: Memory, now: Memory, tick: int, slots: int, expire_after: int) -> Memory:
    """Return what is left of a memory once these prices have been heard: the freshest posts."""
    kept = {
        post: {k: each for k, each in prices.items() if tick - each[1] <= expire_after}
        for post, prices in memory.items()
    }
    whole = {post: prices for post, prices in {**kept, **now}.items() if prices}
    order = sorted(whole, key=lambda post: (-oldest(whole[post]), post))
    return {post: whole[post] for post in order[:slots]}


def memories(world: World) -> Iterator[Memory]:
    """Yield what each agent remembers, by id."""
    memory, goods = world.agents.whole(MarketMemory), world.goods
    for row in world.agent_rows:
        price = memory.price[row].reshape(-1, goods)
        formed = memory.formed_at[row].reshape(-1, goods)
        yield {
            int(post): {
                k: (int(price[slot, k]), int(formed[slot, k]))
                for k in range(goods)
                if price[slot, k] > 0
            }
            for slot, post in enumerate(memory.post[row])
            if post >= 0
        }


def lively(slots: int, seed: int, **keys: Any) -> dict[str, Any]:
    """Return an economy with posts that are heard here and there."""
    generator = np.random.default_rng(seed)
    cells = generator.permutation(14 * 11)[:5]
    return scenario(
        group("one", 9, [LINEAR, COBB_DOUGLAS]),
        group("two", 9, [COBB_DOUGLAS, LINEAR], move_budget_per_tick=3),
        width=14,
        height=11,
        torus=bool(seed % 2),
        market_posts=[
            {
                "location": [int(cell) % 14, int(cell) // 14],
                "visibility_radius": 2,
                "interaction_radius": 2,
                "broadcast_radius": 3,
                "mechanism": ["walrasian", "posted_price"][index % 2],
                "commodities": [["A", "B"], ["A"], ["B"]][index % 3],
            }
            for index, cell in enumerate(cells)
        ],
        params={"patience_ticks": 2, "trade_cooldown_ticks": 5},
        price_info={"expire_after": 12, "half_life": 5, "distance": ["none", "linear"][seed // 2]},
        market_memory={"slots": slots},
        **keys,
    )


@pytest.mark.kernel
@pytest.mark.parametrize("slots", [1, 2, 7])
@pytest.mark.parametrize("seed", range(3))
def test_the_freshest_prices_heard_are_kept(slots: int, seed: int) -> None:
    with Simulation(lively(slots, seed), seed=seed, telemetry_level="off") as simulation:
        world = simulation.world
        expected: list[Memory] = [{} for _ in range(18)]
        forgotten = replaced = 0
        for tick in range(45):
            for agent in agents_of(world):
                now = heard(world, tick, (agent.x, agent.y))
                before = expected[agent.ident]
                expected[agent.ident] = after(before, now, tick, slots, 12)
                gone = set(before) - set(expected[agent.ident])
                replaced += bool(gone and len(expected[agent.ident]) == slots)
                forgotten += bool(gone and len(expected[agent.ident]) < slots)
            simulation.step()
            assert list(memories(world)) == expected
        assert forgotten + replaced >= 3


@pytest.mark.kernel
@pytest.mark.parametrize("seed", range(4))
def test_a_remembered_post_is_worth_its_old_prices(seed: int) -> None:
    """Take agents elsewhere between hearing and searching."""
    generator = np.random.default_rng(seed)
    world = build_world(from_dict(lively(3, seed)), seed, 1)
    worlds.shuffle(world, generator)
    market, position = world.posts.whole(MarketPost), world.agents.whole(Position)
    shape, rows = market.current_prices.shape, world.agent_rows
    remembered = visited = 0
    for tick in (4, 9):
        world.tick = tick
        market.current_prices[:] = generator.integers(2000, 9000, shape) * market.commodities
        market.price_formed_at[:] = generator.integers(0, tick, shape)
        position.x[rows], position.y[rows] = (generator.integers(0, size, 18) for size in (14, 11))
        for system in (Broadcast, Remember, SearchMarkets):
            system().process(world)
        posts, search = worlds.posts_of(world), world.scratch.search
        for agent, memory in zip(agents_of(world), memories(world), strict=True):
            noted = {
                post: {k: (steps * world.settings.step_size, at) for k, (steps, at) in each.items()}
                for post, each in memory.items()
            }
            values = {
                post.ident: worth.post_value(agent, post, tick, world.settings, noted)
                for post in posts
            }
            best = max(values.values())
            assert search.market_value[agent.row] == pytest.approx(best, rel=1e-6)
            chosen = int(search.best_market[agent.row])
            if best > 0:
                assert values[chosen] == pytest.approx(best, rel=1e-6)
                visited += 1
                plain = (worth.post_value(agent, p, tick, world.settings) for p in posts)
                remembered += best > max(plain)
    assert visited > 10
    assert remembered > 0


def test_without_slots_nothing_is_stored() -> None:
    plain = lively(0, 1)
    with Simulation(plain, telemetry_level="off") as simulation:
        world = simulation.world
        parts = world.esper.components_for_entity(world.agents.tables["one"].entity)
        assert not any(isinstance(part, MarketMemory) for part in parts)
        assert MarketMemory not in world.agents.specs
    absent = {key: value for key, value in plain.items() if key != "market_memory"}
    assert trace(plain, ticks=8) == trace(absent, ticks=8)
    assert trace(lively(1, 1), ticks=8)[-1] != trace(absent, ticks=8)[-1]


def test_rows_and_births() -> None:
    made = lively(2, 2)
    plain = trace(made, ticks=20)
    assert trace(made, ticks=20, between=shuffler(1)) == plain
    with Simulation(made, seed=7, telemetry_level="off") as simulation:
        simulation.run(15)
        assert any(memories(simulation.world))
        fresh = simulation.spawn("one", 2)
        known = list(memories(simulation.world))
        assert [known[ident] for ident in fresh] == [{}, {}]
        simulation.run(3)


def lost(slots: int) -> dict[str, Any]:
    """Return an economy in which one agent hears a post and is then carried off."""
    return scenario(
        group("near", 3, [LINEAR], cells=[[1, 1]] * 3, inventories={"A": 9, "B": 1, "M": 40}),
        group("rich", 1, [COBB_DOUGLAS], cells=[[1, 2]], inventories={"A": 1, "B": 9, "M": 40}),
        width=40,
        height=5,
        market_posts=[{"location": [1, 1], "visibility_radius": 3, "broadcast_radius": 5}],
        params={"exchange_regime": "centralized", "move_budget_per_tick": 3, "idle": "stay"},
        market_memory={"slots": slots},
    )


@pytest.mark.parametrize("slots", [0, 1])
def test_who_remembers_finds_back(slots: int) -> None:
    with Simulation(lost(slots), telemetry_level="off") as simulation:
        simulation.run(2)
        (market,) = simulation.markets
        prices = market.current_prices
        assert len(prices) == 3
        with simulation.edit() as edit:
            edit.set("position.x", [3], 20)
            edit.set("inventory.goods.A", [3], 20_000)
        seen = simulation.view(3)
        assert [each.remembered for each in seen.visible_markets] == [True] * slots
        known = [{**each, "M": 1.0} for each in seen.market_prices.values()]
        assert known == [prices] * slots
        simulation.run(9)
        x = int(simulation.population("rich").get("position.x")[0])
        assert (x < 5) == bool(slots)


def test_a_post_that_is_gone_is_forgotten() -> None:
    with Simulation(lost(1), telemetry_level="off") as simulation:
        simulation.run(2)
        assert all(0 in memory for memory in memories(simulation.world))
        simulation.remove_market_post(0)
        simulation.run(2)
        assert not any(memories(simulation.world))
        assert simulation.view(0).visible_markets == []
