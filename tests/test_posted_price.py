"""A posted price over several visits, against the rule written out in plain Python."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ecs_market.build import build_world
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import STATUSES, MarketPost
from ecs_market.components.posted_price import PostedPrice
from ecs_market.scenario import scenario_for_clear
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.clear_posted_price import ClearPostedPrice
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.world import World
from tests.oracles.economics import Agent, Taste, fill, groups

MEMBERS = [
    Agent(Taste("cobb_douglas", (1.0,), kappa=kappa), (goods,), 1000.0)
    for kappa, goods in ((4.0, 2.0), (9.0, 3.0), (2.0, 8.0), (6.0, 12.0), (5.0, 5.0))
]


def world_of(**params: Any) -> World:
    return build_world(scenario_for_clear(groups(MEMBERS), "posted_price", params), 0, 1)


def visit(world: World, who: list[int]) -> None:
    """Let the agents `who` come to the post in this tick."""
    intent, rows = world.agents.whole(Intent), world.agent_rows
    intent.kind[rows] = 0
    intent.kind[rows[who]] = MARKET
    intent.target[rows] = 0
    for system in (Appraise(), CollectOrders(), ClearPostedPrice()):
        system.process(world)
    world.tick += 1


VISITS = [[0, 1, 2, 3], [4], [0, 3], [1, 1, 2], [], [0, 1, 2, 3, 4], [3], [2, 4], [0], [1, 3]] * 2


@pytest.mark.parametrize("frequency", [1, 3, 5])
@pytest.mark.parametrize("eta", [0.1, 0.2])
def test_follows_the_rule(frequency: int, eta: float) -> None:
    world = world_of(initial_price=0.5, price_update_frequency=frequency, eta=eta)
    post, board = world.posts.whole(MarketPost), world.posts.whole(PostedPrice)
    row = world.post_rows[0]
    lots = [round(m.goods[0] * 1000) for m in MEMBERS]
    price, sign, formed, latest = 5000, 0, -1, {}
    for tick, who in enumerate(VISITS):
        visit(world, sorted(set(who)))
        present = sorted(set(who))
        if present and tick == 0:
            formed = 0
        wish = [
            [int(np.rint(MEMBERS[i].taste.kappa / (price * 1e-4) / 1e-3)) - lots[i]]
            for i in present
        ]
        filled = fill(wish, present) if present else []
        for i, wanted, (got,) in zip(present, wish, filled, strict=True):
            latest[i] = wanted[0]
            lots[i] += got
            formed = tick if got else formed
        held = world.agents.whole(Inventory).goods[world.agent_rows, 0]
        assert held.tolist() == lots
        if (tick + 1) % frequency == 0:
            buys = sum(max(0, w) for w in latest.values())
            sells = sum(max(0, -w) for w in latest.values())
            latest = {}
            if buys != sells:
                now = 1 if buys > sells else -1
                if sign == -now:
                    eta = max(0.001, eta * 0.5)
                elif sign == now:
                    eta = min(0.2, eta * 1.3)
                sign = now
                moved = int(price * math.exp(eta * (buys - sells) / max(buys, sells)) + 0.5)
                moved = moved if moved != price else price + now
                formed = tick if moved != price else formed
                price = moved
        assert post.current_prices[row, 0] == price
        assert board.eta[row, 0] == pytest.approx(eta)
        assert post.price_formed_at[row, 0] == formed


def test_the_first_price_is_the_median_rate_of_those_who_come_first() -> None:
    world = world_of(price_update_frequency=100)
    visit(world, [0, 2, 3])  # rates 2, 0.25 and 0.5
    post = world.posts.whole(MarketPost)
    assert post.current_prices[world.post_rows[0], 0] == 5000
    assert post.price_formed_at[world.post_rows[0], 0] == 0


def test_status_and_volume() -> None:
    world = world_of(initial_price=0.5, price_update_frequency=100)
    visit(world, [0, 3])
    clearing = world.scratch.clearings[-1]
    assert STATUSES[clearing.status[0]] == "indicative"  # 3 holds just what it wants
    assert clearing.settled.volume.sum() == 0
    visit(world, [0, 2])
    clearing = world.scratch.clearings[-1]
    assert STATUSES[clearing.status[0]] == "rationed"
    assert clearing.settled.volume.tolist() == [[4000]]
    assert world.posts.whole(MarketPost).last_clear_tick[world.post_rows[0]] == 1
