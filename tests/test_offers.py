"""Offers valued side by side are worth what each is worth by itself, to the last bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market.components.market_post import MarketPost
from ecs_market.components.position import Position
from ecs_market.preferences import searching
from ecs_market.systems import search_markets
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.search_markets import SearchMarkets, alike
from tests.oracles import worlds
from tests.oracles.worlds import COBB_DOUGLAS, LEVEL, group, world_of

pytestmark = pytest.mark.kernel

MODES = ("quasilinear", "in_utility", "unit_of_account")


def crowd(seed: int, mode: str, agents: int = 60) -> Any:
    """Return a world of several families around posts of which some are not heard."""
    tastes: list[dict[str, Any]] = [
        {"type": "cobb_douglas", "exponents": [0.5, 0.3]},
        {"type": "ces", "weights": [0.6, 0.4], "rho": 0.5},
        {"type": "stone_geary", "exponents": [0.6, 0.4], "subsistence": [1, 1]},
        {"type": "linear", "weights": [0.7, 0.3]},
        {"type": "cobb_douglas", "exponents": [0.5, 0.5], "scale": "level"},
    ]
    if mode == "unit_of_account":
        tastes[2]["subsistence"] = [1, 0]
    return world_of(
        group("all", agents, tastes, inventories={"A": [0, 9], "B": [0, 9], "M": [0, 30]}),
        seed=seed,
        width=12,
        height=12,
        market_posts=[
            {
                "location": [3 * index, 5],
                "visibility_radius": 9,
                "broadcast_radius": 4,
                "mechanism": "walrasian",
                "commodities": ["A"] if index == 2 and mode != "unit_of_account" else ["A", "B"],
                "mechanism_params": {"shading": 0.2 if index == 1 else 0.0},
            }
            for index in range(4)
        ],
        price_info={"sigma": [0.0, 0.1][seed % 2], "half_life": 20},
        params={
            "reputation": {"type": "ema", "weight": 0.5} if seed % 3 == 0 else {"type": "none"},
            "min_value": 0.0,
            "market_memory": {"slots": 2 * (seed % 2)},
        },
        money={"mode": mode},
    )


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("seed", range(4))
def test_offers_together_and_alone(seed: int, mode: str, monkeypatch: pytest.MonkeyPatch) -> None:
    generator, world = np.random.default_rng(seed), crowd(seed, mode)
    worlds.shuffle(world, generator)
    world.tick = 30
    market = world.posts.whole(MarketPost)
    shape = market.current_prices.shape
    priced = (generator.random(shape) < 0.8) & market.commodities
    market.current_prices[:] = np.where(priced, generator.integers(2000, 12000, shape), 0)
    market.price_formed_at[:] = np.where(priced, generator.integers(15, 30, shape), -1)
    Appraise().process(world)
    Broadcast().process(world)
    found = []
    # Where there may be charges, each offer is valued by itself.
    for charges in (False, True):
        monkeypatch.setattr(search_markets, "charges", lambda _, answer=charges: answer)
        SearchMarkets().process(world)
        search = world.scratch.search
        found.append((search.best_market.copy(), search.market_value.copy(), search.promise.copy()))
    for together, alone in zip(*found, strict=True):
        np.testing.assert_array_equal(together, alone)
    assert len(set(found[0][0][world.agent_rows].tolist())) > 2


def test_a_post_that_is_not_heard_promises_nothing() -> None:
    for hearing in (1, 9):
        world = world_of(
            group("all", 20, [LEVEL, COBB_DOUGLAS], inventories={"A": [1, 9], "B": [1, 9], "M": 3}),
            market_posts=[
                {"location": [0, 0], "visibility_radius": 40, "broadcast_radius": hearing}
            ],
            price_info={"sigma": 0.3},
            params={"reputation": {"type": "ema", "weight": 0.5}, "min_value": 0.0},
        )
        market = world.posts.whole(MarketPost)
        market.current_prices[0], market.price_formed_at[0] = [3000, 9000], 0
        world.tick = 1
        Appraise().process(world)
        Broadcast().process(world)
        SearchMarkets().process(world)
        position, search = world.agents.whole(Position), world.scratch.search
        rows = world.agent_rows
        far = position.x[rows] + position.y[rows] > hearing
        assert (search.best_market[rows][far] == 0).any()
        assert (search.promise[rows][far] == 0.0).all()
        assert hearing == 1 or (search.promise[rows][~far] > 0.0).any()


def test_more_offers_than_there_is_room_for() -> None:
    posts, found = searching.OFFERS_AT_ONCE + 90, []
    cells = [(post % 40, post // 40) for post in range(posts)]
    for chosen in (cells, cells[: posts // 2], cells[posts // 2 :]):
        world = world_of(
            group("all", 5, [COBB_DOUGLAS], inventories={"A": [1, 9], "B": [1, 9], "M": 20}),
            width=40,
            height=40,
            market_posts=[{"location": list(at), "visibility_radius": 90} for at in chosen],
            params={"min_value": 0.0},
        )
        prices = [[2000 + 7 * x, 9000 - 5 * y] for x, y in chosen]
        world.posts.whole(MarketPost).current_prices[world.post_rows] = prices
        world.posts.whole(MarketPost).price_formed_at[:] = 0
        world.tick = 1
        Broadcast().process(world)
        SearchMarkets().process(world)
        found.append(world.scratch.search.market_value[world.agent_rows])
    assert (found[1] != found[2]).all()
    np.testing.assert_array_equal(found[0], np.maximum(found[1], found[2]))


def test_posts_alike_have_the_same_rules() -> None:
    generator = np.random.default_rng(3)
    fee = generator.integers(0, 2, 40) * 0.1
    goods = generator.random((40, 2)) < 0.7
    first = alike(fee, goods)
    for post in range(40):
        same = (fee == fee[post]) & (goods == goods[post]).all(axis=1)
        assert first[post] == np.flatnonzero(same)[0]
    many = alike(np.arange(40.0))
    assert (many == np.arange(40)).all()
