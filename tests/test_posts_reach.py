"""Who sees, hears and joins a post, by the definition: a Manhattan distance within a radius."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.identity import Identity
from ecs_market.components.intent import IDLE, MARKET, Intent
from ecs_market.components.market_post import MarketPost
from ecs_market.components.position import Position
from ecs_market.components.utility import Utility
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.systems.search_markets import SearchMarkets
from ecs_market.world import World
from tests.oracles import worlds
from tests.oracles.walking import gap
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, agents_of, group, scenario, world_of

RICH = {"A": 6, "B": 6, "M": 30}


def crowded(width: int, height: int, posts: list[dict[str, Any]], torus: bool = False) -> World:
    """Return a world with an agent on every cell to whom every post it knows is worth a visit."""
    cells = [[x, y] for y in range(height) for x in range(width)]
    return world_of(
        group("all", len(cells), [COBB_DOUGLAS], cells=cells, inventories=RICH),
        width=width,
        height=height,
        market_posts=posts,
        params={"min_value": 0.0},
        torus=torus,
    )


@pytest.mark.kernel
@pytest.mark.parametrize(
    ("width", "height", "at", "sight", "broadcast"),
    [
        (13, 10, (6, 5), 4, 7),
        (13, 10, (6, 5), 5, 2),
        (13, 10, (0, 0), 3, 6),
        (13, 10, (12, 9), 8, 8),
        (9, 8, (8, 0), 0, 3),
        (9, 8, (0, 7), 2, 0),
        (8, 8, (7, 7), 0, 0),
        (1, 12, (0, 11), 3, 5),
        (5, 4, (3, 3), 40, 30),
        (5, 4, (1, 2), 10**6, 0),
        (17, 10, (16, 1), 6, 4),
    ],
)
@pytest.mark.parametrize("torus", [False, True])
def test_a_post_is_known_where_it_is_seen_or_heard(
    width: int, height: int, at: tuple[int, int], sight: int, broadcast: int, torus: bool
) -> None:
    world = crowded(
        width,
        height,
        [{"location": list(at), "visibility_radius": sight, "broadcast_radius": broadcast}],
        torus,
    )
    market = world.posts.whole(MarketPost)
    for priced in (False, True):
        if priced:
            market.current_prices[0, 1], market.price_formed_at[0, 1] = 5000, 0
            world.tick = 1
        Broadcast().process(world)
        SearchMarkets().process(world)
        for agent in agents_of(world):
            way = gap((agent.x, agent.y), at, (width, height) if torus else None)
            known = way <= sight or (priced and way <= broadcast)
            assert (world.scratch.search.best_market[agent.row] == 0) == known, agent


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_of_many_posts_each_is_found_where_it_reaches(seed: int, torus: bool) -> None:
    generator = np.random.default_rng(seed)
    width, height = (int(size) for size in generator.integers(5, 15, 2))
    cells = generator.permutation(width * height)[:6]
    world = crowded(
        width,
        height,
        [
            {
                "id": 3 * index,
                "location": [int(cell) % width, int(cell) // width],
                "visibility_radius": int(generator.integers(0, 6)),
                "broadcast_radius": int(generator.integers(0, 9)),
                "mechanism": ["posted_price", "walrasian"][index % 2],
            }
            for index, cell in enumerate(cells)
        ],
        torus,
    )
    market = world.posts.whole(MarketPost)
    market.current_prices[world.post_rows[[0, 9, 15]]] = 4000
    market.price_formed_at[world.post_rows[[0, 9, 15]]] = 0
    Broadcast().process(world)
    known = {
        agent.ident: {
            post.ident
            for post in worlds.posts_of(world)
            if worlds.distance(agent, post, world.settings) <= post.sight
            or (post.price[0] and worlds.distance(agent, post, world.settings) <= post.broadcast)
        }
        for agent in agents_of(world)
    }
    # One post after the other is left as the only one that trades anything.
    traded = market.commodities.copy()
    for post in worlds.posts_of(world):
        row = world.post_rows[post.ident]
        market.commodities[:] = False
        market.commodities[row] = traded[row]
        SearchMarkets().process(world)
        for agent in agents_of(world):
            found = int(world.scratch.search.best_market[agent.row])
            assert found == (post.ident if post.ident in known[agent.ident] else -1)
    assert any(len(seen) > 1 for seen in known.values())


@pytest.mark.kernel
@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_members_are_those_within_reach_that_want_to_join(seed: int, torus: bool) -> None:
    generator = np.random.default_rng(seed)
    world = world_of(
        group("one", 25, [COBB_DOUGLAS, LINEAR]),
        group("two", 20, [LINEAR, COBB_DOUGLAS], components=["BilateralTrader"]),
        seed=seed,
        market_posts=[
            {"id": 4, "location": [1, 1], "interaction_radius": 2},
            {"id": 0, "location": [9, 8], "interaction_radius": 0, "mechanism": "posted_price"},
            {"id": 7, "location": [5, 4], "interaction_radius": 5},
            {
                "id": 2,
                "location": [5, 5],
                "interaction_radius": 9,
                "mechanism_params": {"clear_every": 2},
            },
        ],
        torus=torus,
    )
    worlds.shuffle(world, generator)
    world.tick = seed
    intent, rows = world.agents.whole(Intent), world.agent_rows
    intent.kind[rows] = generator.choice([IDLE, MARKET, MARKET, MARKET], 45)
    intent.target[rows] = generator.choice([4, 0, 7, 2], 45)
    # Nobody joins by accident of the draw alone.
    position = world.agents.whole(Position)
    position.x[rows[:2]], position.y[rows[:2]] = 9, 8
    CollectOrders().process(world)
    orders, scratch = world.scratch.orders, world.scratch
    family = world.agents.whole(Utility).family
    joined = 0
    for post in worlds.posts_of(world):
        within = [
            agent
            for agent in agents_of(world)
            if intent.kind[agent.row] == MARKET
            and intent.target[agent.row] == post.ident
            and worlds.distance(agent, post, world.settings) <= post.reach
        ]
        due = post.ident != 2 or seed % 2 == 1
        for agent in within:
            assert scratch.waiting[agent.row] == (not due)
        members = sorted(within if due else [], key=lambda a: (family[a.row], a.ident))
        row = world.post_rows[post.ident]
        assert world.posts.whole(Identity).id[row] == post.ident
        here = slice(orders.first[row], orders.first[row + 1])
        assert orders.id[here].tolist() == [agent.ident for agent in members]
        assert orders.row[here].tolist() == [agent.row for agent in members]
        assert orders.id[orders.by_id[here]].tolist() == sorted(a.ident for a in members)
        assert orders.goods[here].tolist() == [pytest.approx(a.goods) for a in members]
        joined += len(members)
    assert orders.first[-1] == joined == (scratch.at_post >= 0).sum()
    assert joined > 5
    assert orders.segment_stop.sum() - orders.segment_start.sum() == joined


def test_distances_of_the_market_view() -> None:
    made = scenario(
        group("one", 1),
        width=20,
        height=20,
        market_posts=[
            {
                "location": [10, 10],
                "visibility_radius": 5,
                "interaction_radius": 2,
                "broadcast_radius": 7,
            }
        ],
    )
    with Simulation(made, telemetry_level="off") as simulation:
        (market,) = simulation.markets
        assert market.can_see((12, 12))  # distance 4
        assert market.can_see((15, 10))  # distance 5
        assert not market.can_see((16, 10))  # distance 6
        assert market.can_interact((10, 11))
        assert market.can_interact((11, 11))
        assert not market.can_interact((11, 12))
        assert market.can_receive_broadcast((10, 17))
        assert not market.can_receive_broadcast((9, 17))


def watch(made: dict[str, Any], ticks: int) -> tuple[list[dict[str, float]], set[int], list[str]]:
    """Run; return the prices after each tick, the ticks with a visitor, and the statuses."""
    prices, visits, statuses = [], set(), []
    with Simulation(made, seed=1, telemetry_level="off") as simulation:
        for tick in range(ticks):
            simulation.step()
            (market,) = simulation.markets
            prices.append(market.current_prices)
            statuses.append(market.status)
            if (simulation.world.scratch.at_post >= 0).any():
                visits.add(tick)
            assert market.last_clear_tick is None
    return prices, visits, statuses


@pytest.mark.parametrize("mechanism", ["walrasian", "posted_price"])
@pytest.mark.parametrize("utility", [LINEAR, COBB_DOUGLAS])
@pytest.mark.parametrize("count", [1, 2])
def test_no_post_stays_mute(mechanism: str, utility: dict[str, Any], count: int) -> None:
    """Without anybody to trade with a post still says what its visitors would pay."""
    made = scenario(
        group("same", count, [utility], cells=[[2, 4]] * count, inventories=RICH),
        market_posts=[{"location": [8, 4], "mechanism": mechanism}],
        params={"exchange_regime": "centralized", "idle": "stay", "patience_ticks": 4},
    )
    prices, visits, statuses = watch(made, 40)
    came = min(visits)
    assert all(price == {"M": 1.0} for price in prices[:came])
    rates = {"A": 0.7, "B": 0.3}
    if utility is COBB_DOUGLAS:
        # kappa is u at the holdings, so that rates there are those of the level form.
        size = 6.0
        rates = {"A": 0.6 * size / 6, "B": 0.4 * size / 6}
    # A posted price has been moved by the wishes of its first visitors already.
    near = 2e-4 if mechanism == "walrasian" else 0.1
    assert prices[came] == pytest.approx({**rates, "M": 1.0}, abs=near)
    for price in prices[came:]:
        assert set(price) == {"A", "B", "M"}
        if mechanism == "walrasian":
            assert price == pytest.approx(prices[came], abs=2e-4)
    assert set(statuses[came:]) == {"indicative"}
    # The visitors give up, keep away for a while, and return.
    gaps = [b - a for a, b in itertools.pairwise(sorted(visits))]
    assert max(gaps) > 4
    assert max(visits) > came + 20


def test_a_post_speaks_once_the_first_has_come() -> None:
    with Simulation(one_comer(), seed=0, telemetry_level="off") as simulation:
        simulation.run(3)
        (market,) = simulation.markets
        assert market.status == "indicative"
        assert set(market.current_prices) == {"A", "B", "M"}
        assert market.price_formed_at == {"A": 2, "B": 2}


def one_comer() -> dict[str, Any]:
    """Return an economy whose post is reached by one agent only."""
    return scenario(
        group("near", 1, [LINEAR], cells=[[4, 4]], inventories=RICH),
        group("far", 3, [COBB_DOUGLAS], cells=[[10, 8]] * 3, inventories=RICH, components=[]),
        market_posts=[{"location": [5, 4], "interaction_radius": 1}],
        params={"exchange_regime": "centralized"},
    )
