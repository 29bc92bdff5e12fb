"""What agents see, know and think it is worth, against brute force with the same formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market.components.barred import Barred
from ecs_market.components.intent import Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_post import MarketPost
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.index_traders import IndexTraders
from ecs_market.systems.search_markets import SearchMarkets
from ecs_market.systems.search_partners import SearchPartners
from ecs_market.systems.search_resources import SearchResources
from ecs_market.world import World
from tests.oracles import worlds, worth
from tests.oracles.walking import gap
from tests.oracles.worlds import (
    COBB_DOUGLAS,
    LEVEL,
    LINEAR,
    agents_of,
    group,
    posts_of,
    world_of,
)

pytestmark = pytest.mark.kernel

MODES = ("quasilinear", "unit_of_account")


def random_bars(world: World, kind: int, targets: int, generator: np.random.Generator) -> None:
    """Bar one target a slot for every agent, some of them until now only."""
    barred = world.agents.whole(Barred)
    shape = barred.until.shape
    barred.kind[:] = kind
    barred.target[:] = generator.integers(0, targets, shape)
    barred.until[:] = world.tick + generator.integers(0, 2, shape)
    world.barred_until = world.tick + 1


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("utility", [LINEAR, COBB_DOUGLAS, LEVEL])
def test_marginal_rates_and_their_slopes(mode: str, utility: dict[str, Any]) -> None:
    world = world_of(
        group(
            "one",
            12,
            [{**utility, "money_weight": 1.7}],
            inventories={"A": [1, 9], "B": [1, 9], "M": 5},
        ),
        money={"mode": mode},
    )
    Appraise().process(world)
    for agent in agents_of(world):
        rate, slope = worth.rates(agent, world.settings)
        assert world.scratch.search.rate[agent.row] == pytest.approx(rate, rel=1e-6)
        assert world.scratch.search.curvature[agent.row] == pytest.approx(slope, rel=1e-6)


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("seed", range(6))
def test_partners_are_the_best_eight_in_sight(seed: int, torus: bool) -> None:
    generator = np.random.default_rng(seed)
    mode = MODES[seed % 2]
    world = world_of(
        group("near", 16, vision_radius=3),
        group("far", 14, [COBB_DOUGLAS, LEVEL], vision_radius=6),
        group("alike", 12, [LINEAR], vision_radius=5, inventories={"A": 4, "B": 4, "M": 20}),
        group("hermits", 3, [LINEAR], components=["Mobility"]),
        seed=seed,
        width=int(generator.integers(4, 14)),
        height=int(generator.integers(4, 14)),
        params={"min_value": [0.01, 0.4][seed % 2], "beta": [0.95, 1.0][seed // 2 % 2]},
        money={"mode": mode},
        torus=torus,
    )
    worlds.shuffle(world, generator)
    world.tick = 7
    if seed >= 2:
        random_bars(world, worth.PARTNER, 42, generator)
    Appraise().process(world)
    IndexTraders().process(world)
    SearchPartners().process(world)
    found, settings = world.scratch.search, world.settings
    agents = agents_of(world)
    sides = {
        a.ident: (
            found.rate[a.row].tolist(),
            found.curvature[a.row].tolist(),
            [float(np.float32(q)) for q in a.goods],
            float(np.float32(a.money)),
        )
        for a in agents
    }
    rows = {a.row: a.ident for a in agents}
    listed = 0
    for agent in agents:
        wanted = []
        for other in agents:
            way = worlds.distance(agent, other, settings)
            if other is agent or agent.ident >= 42 or other.ident >= 42:
                continue
            if way > min(agent.vision, other.vision):
                continue
            if (worth.PARTNER, other.ident) in agent.barred:
                continue
            total = settings.beta**way * worth.pair_total(
                sides[agent.ident], sides[other.ident], settings.mode == 0, settings.mode != 0
            )
            if total * 0.5 >= settings.min_value:
                wanted.append((-float(np.float32(total)), other.ident))
        wanted = sorted(wanted)[:8]
        count = int(found.candidates[agent.row])
        assert [rows[row] for row in found.candidate_row[agent.row, :count].tolist()] == [
            ident for _, ident in wanted
        ]
        assert found.candidate_weight[agent.row, :count] == pytest.approx(
            [-weight for weight, _ in wanted], rel=1e-6
        )
        listed += count
    assert listed > 20


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("seed", range(8))
def test_markets_are_worth_exact_demand(seed: int, torus: bool) -> None:
    generator = np.random.default_rng(100 + seed)
    width, height = (int(size) for size in generator.integers(6, 20, 2))
    cells = generator.permutation(width * height)[:4]
    goods = [["A", "B", "C"], ["B", "A"], ["C", "A", "B", "M"], ["A", "C"]]
    three: list[dict[str, Any]] = [
        {"type": "linear", "weights": [0.7, 0.3, 0.5]},
        {"type": "cobb_douglas", "exponents": [0.5, 0.3, 0.2], "money_weight": 0.8},
        {"type": "cobb_douglas", "exponents": [0.5, 0.3, 0.2], "scale": "level"},
    ]
    world = world_of(
        group("all", 36, three, inventories={"A": [1, 9], "B": [1, 9], "C": [1, 9], "M": [0, 30]}),
        seed=seed,
        width=width,
        height=height,
        market_posts=[
            {
                "location": [int(cell) % width, int(cell) // width],
                "visibility_radius": int(generator.integers(0, 12)),
                "broadcast_radius": int(generator.integers(0, 12)),
                "commodities": traded,
                "mechanism": ["walrasian", "posted_price"][index % 2],
            }
            for index, (cell, traded) in enumerate(zip(cells, goods, strict=True))
        ],
        price_info={
            "half_life": 20,
            "expire_after": 40,
            "distance": ["none", "linear"][seed // 2 % 2],
            "floor": 0.4,
        },
        params={"min_value": 0.05},
        money={"mode": MODES[seed % 2]},
        torus=torus,
    )
    worlds.shuffle(world, generator)
    world.tick = 60
    market = world.posts.whole(MarketPost)
    shape = market.current_prices.shape
    priced = (generator.random(shape) < 0.7) & market.commodities
    market.current_prices[:] = np.where(priced, generator.integers(2000, 12000, shape), 0)
    market.price_formed_at[:] = np.where(priced, generator.integers(15, 60, shape), -1)
    random_bars(world, worth.MARKET, 12, generator)
    Broadcast().process(world)
    SearchMarkets().process(world)
    search, posts, visited = world.scratch.search, posts_of(world), 0
    for agent in agents_of(world):
        values = {
            post.ident: worth.post_value(agent, post, world.tick, world.settings) for post in posts
        }
        best = max(values.values())
        assert search.market_value[agent.row] == pytest.approx(best, rel=1e-6)
        chosen = int(search.best_market[agent.row])
        if best > 0:
            assert values[chosen] == pytest.approx(best, rel=1e-6)
            visited += 1
        else:
            assert chosen == -1
    assert visited > 3


def test_an_expired_price_is_forgotten_and_a_fresh_one_trusted() -> None:
    world = world_of(
        group("one", 1, [COBB_DOUGLAS], cells=[[4, 4]]),
        market_posts=[{"location": [8, 4], "visibility_radius": 2, "broadcast_radius": 9}],
        price_info={"half_life": 10, "expire_after": 30},
    )
    market = world.posts.whole(MarketPost)
    market.current_prices[0] = [9000, 2000]
    market.price_formed_at[0] = [5, 3]
    trusted = []
    for tick in (6, 13, 33, 34, 36):
        world.tick = tick
        Broadcast().process(world)
        SearchMarkets().process(world)
        trusted.append(float(world.scratch.confidence[0]))
        # Out of sight, the post is known for as long as one of its prices is.
        assert (world.scratch.search.best_market[0] == 0) == (tick <= 35)
    # The older price counts, until only the younger one is left.
    assert trusted == pytest.approx([2**-0.3, 0.5, 0.5, 0.5, 0.0])


def test_of_equal_posts_the_pursued_one_then_the_lower_id() -> None:
    world = world_of(
        group("one", 1, [COBB_DOUGLAS], cells=[[5, 4]]),
        market_posts=[{"id": ident, "location": [x, 4]} for ident, x in ((4, 3), (2, 7), (9, 5))],
    )
    world.posts.whole(MarketPost).commodities[world.post_rows[9]] = False
    Broadcast().process(world)
    SearchMarkets().process(world)
    assert world.scratch.search.best_market[0] == 2
    intent = world.agents.whole(Intent)
    intent.kind[0], intent.target[0], intent.since[0] = worth.MARKET, 4, 0
    SearchMarkets().process(world)
    assert world.scratch.search.best_market[0] == 4
    intent.since[0] = -1
    SearchMarkets().process(world)
    assert world.scratch.search.best_market[0] == 2


@pytest.mark.parametrize("torus", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_resources_are_worth_their_whole_amount(seed: int, torus: bool) -> None:
    generator = np.random.default_rng(200 + seed)
    world = world_of(
        group("near", 14, vision_radius=2),
        group("far", 14, vision_radius=5),
        group("idlers", 3, components=["Mobility", "BilateralTrader"]),
        seed=seed,
        width=int(generator.integers(5, 14)),
        height=int(generator.integers(5, 14)),
        resources={
            "spawn_rate": 0.4,
            "types": [{"good": "A", "quantity": [1, 3]}, {"good": "B", "quantity": [1, 3]}],
            "regrowth": {"rate": 0.3, "cooldown": 2, "max_amount": 2.5},
        },
        params={"min_value": 0.3},
        torus=torus,
    )
    world.tick = 9
    patches = world.only(ResourcePatches)
    assert patches is not None
    number = len(patches.x)
    patches.touched[:] = generator.integers(-1, 9, number)
    left = np.where(patches.touched >= 0, generator.integers(0, 2000, number), patches.amount)
    patches.amount[:] = left
    random_bars(world, worth.RESOURCE, number, generator)
    Appraise().process(world)
    SearchResources().process(world)
    search, settings = world.scratch.search, world.settings
    for agent in agents_of(world):
        best, chosen = 0.0, -1
        for patch in range(number):
            cell = (int(patches.x[patch]), int(patches.y[patch]))
            size = (settings.width, settings.height) if torus else None
            way = gap((agent.x, agent.y), cell, size)
            barred = (worth.RESOURCE, patch) in agent.barred
            if way > agent.vision or barred or agent.ident >= 28:
                continue
            lots = worth.grown(
                int(patches.amount[patch]), int(patches.touched[patch]), 9, 300, 2, 2500
            )
            rate = float(search.rate[agent.row, patches.good[patch]])
            value = rate * lots * settings.lot_size * settings.beta**way
            if value >= settings.min_value and value > best:
                best, chosen = value, patch
        assert search.patch_value[agent.row] == pytest.approx(best, rel=1e-6)
        assert search.best_patch[agent.row] == chosen


def test_an_empty_patch_and_nothing_in_sight_are_worth_nothing() -> None:
    world = world_of(
        group("one", 2, cells=[[0, 0], [10, 8]], vision_radius=4),
        resources={"spawn_rate": 1.0, "types": [{"good": "A", "quantity": 1}]},
    )
    patches = world.only(ResourcePatches)
    assert patches is not None
    assert len(patches.x) == 99
    patches.amount[:] = 0
    Appraise().process(world)
    SearchResources().process(world)
    IndexTraders().process(world)
    SearchPartners().process(world)
    assert world.scratch.search.best_patch[:2].tolist() == [-1, -1]
    assert world.scratch.search.candidates[:2].tolist() == [0, 0]


@pytest.mark.parametrize("regime", ["bilateral", "centralized"])
def test_the_regime_and_the_mode_say_what_is_looked_for(regime: str) -> None:
    for mode in ("both", "trade", "forage"):
        world = world_of(
            group("one", 8, [LINEAR, COBB_DOUGLAS], vision_radius=9),
            market_posts=[{"location": [5, 4]}],
            resources={"spawn_rate": 0.5, "types": [{"good": "A", "quantity": 3}]},
            params={"exchange_regime": regime, "mode": mode},
        )
        for system in (Appraise, IndexTraders, Broadcast):
            system().process(world)
        for search in (SearchPartners, SearchMarkets, SearchResources):
            search().process(world)
        found, trades = world.scratch.search, mode != "forage"
        assert found.candidates.any() == (trades and regime == "bilateral")
        assert (found.best_market >= 0).any() == (trades and regime == "centralized")
        assert (found.best_patch >= 0).any() == (mode != "trade")


def test_a_sellers_stock_and_a_buyers_money_cap_the_gain() -> None:
    world = world_of(
        group("seller", 1, [LINEAR], cells=[[1, 1]]),
        group("buyer", 1, [{"type": "linear", "weights": [1.7, 0.3]}], cells=[[2, 1]]),
        params={"beta": 1.0},
    )
    held = world.agents.whole(Inventory)
    seller, buyer = world.agent_rows.tolist()
    for stock, cash, quantity in ((4, 60, 4), (50, 6, 5), (0, 60, 0)):
        held.goods[seller], held.money[buyer] = [stock * 1000, 0], cash * 10**7
        Appraise().process(world)
        IndexTraders().process(world)
        SearchPartners().process(world)
        search = world.scratch.search
        assert search.candidates[buyer] == search.candidates[seller] == (quantity > 0)
        if quantity:
            # The gap of 1.0 M a unit, at the midpoint price of 1.2.
            assert search.candidate_weight[buyer, 0] == pytest.approx(quantity, rel=1e-6)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("mode", MODES)
def test_pairs_of_any_two_goods_are_weighed(mode: str, seed: int) -> None:
    """Three goods, some of which are worth nothing to some: rates of exchange decide."""
    generator = np.random.default_rng(seed)
    tastes: list[dict[str, Any]] = [
        {"type": "linear", "weights": [0.7, 0.3, 0.5]},
        {"type": "linear", "weights": [0.4, 0.0, 0.2]},
        {"type": "cobb_douglas", "exponents": [0.5, 0.0, 0.2]},
        {"type": "cobb_douglas", "exponents": [0.2, 0.3, 0.5], "scale": "level"},
        {"type": "linear", "weights": [0.0, 0.8, 0.0]},
        {"type": "leontief", "coefficients": [1.0, 0.5, 0.0]},
    ]
    world = world_of(
        group("all", 24, tastes, inventories={good: [0, 6] for good in "ABCM"}, vision_radius=9),
        seed=seed,
        money={"mode": mode},
        protocols={"bargaining": {"name": "compensating_block", "barter": True}},
    )
    worlds.shuffle(world, generator)
    for system in (Appraise, IndexTraders, SearchPartners):
        system().process(world)
    found, settings = world.scratch.search, world.settings
    agents = agents_of(world)
    ident = {agent.row: agent.ident for agent in agents}
    best, other_goods, swaps = 0, 0, 0
    for agent in agents:
        for slot in range(found.candidates[agent.row]):
            partner = agents[ident[int(found.candidate_row[agent.row, slot])]]
            one, two = (
                (
                    found.rate[each.row].tolist(),
                    found.curvature[each.row].tolist(),
                    each.goods,
                    each.money,
                )
                for each in (agent, partner)
            )
            total = worth.pair_total(one, two, mode == "quasilinear", goods=True)
            way = settings.beta ** worlds.distance(agent, partner)
            assert found.candidate_weight[agent.row, slot] == pytest.approx(total * way, rel=1e-5)
            best += 1
            last = (worth.barter_total(one, two, k, 2) for k in (0, 1))
            for_money = worth.pair_total(one, two) if mode == "quasilinear" else 0.0
            other_goods += total > max(*last, for_money)
            useful = [{k for k in range(3) if side[0][k] > 0.0} for side in (one, two)]
            swaps += useful[0].isdisjoint(useful[1])
    assert best > 50
    assert swaps > 0 or mode == "quasilinear"
    assert other_goods > 5
