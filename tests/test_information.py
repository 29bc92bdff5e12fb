"""Small economies in which what agents know, and how they choose among posts, decides."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.market_post import MarketPost
from ecs_market.systems.broadcast import Broadcast
from ecs_market.systems.search_markets import SearchMarkets
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, group, scenario, world_of

RICH = {"A": 6, "B": 6, "M": 30}


def chosen(posts: list[dict[str, Any]], formed: list[int], **info: Any) -> int:
    """Return where an agent goes that hears the same prices of posts, formed at these ticks."""
    world = world_of(
        group("one", 1, [COBB_DOUGLAS], cells=[[10, 4]], inventories=RICH),
        width=21,
        market_posts=[{"visibility_radius": 0, **post} for post in posts],
        price_info=info,
    )
    market = world.posts.whole(MarketPost)
    world.tick = 100
    for ident, tick in enumerate(formed):
        row = world.post_rows[ident]
        market.current_prices[row], market.price_formed_at[row] = [9000, 2000], tick
    Broadcast().process(world)
    SearchMarkets().process(world)
    return int(world.scratch.search.best_market[0])


NEAR: dict[str, Any] = {"location": [8, 4]}
FAR: dict[str, Any] = {"location": [14, 4]}


def test_old_news_is_trusted_less() -> None:
    """A price of half a life sends an agent two cells further, unless age does not count."""
    assert chosen([NEAR, FAR], [70, 100], half_life=30) == 1
    assert chosen([NEAR, FAR], [70, 100], age="none") == 0
    assert chosen([NEAR, FAR], [70, 100], half_life=30, floor=1.0) == 0
    assert chosen([NEAR, FAR], [99, 100], half_life=30) == 0


def test_expired_news_is_none() -> None:
    """A post that is only heard of is out of mind once its price has expired."""
    assert chosen([NEAR, FAR], [60, 20], expire_after=50, age="none") == 0
    assert chosen([NEAR, FAR], [20, 60], expire_after=50, age="none") == 1
    assert chosen([NEAR, FAR], [20, 20], expire_after=50, age="none") == -1


def test_faint_news_is_trusted_less_if_distance_counts() -> None:
    """Two posts as far away: from the edge of its broadcast one of them is hardly heard."""
    posts: list[dict[str, Any]] = [
        {"location": [6, 4], "broadcast_radius": 4},
        {"location": [14, 4]},
    ]
    assert chosen(posts, [100, 100]) == 0
    assert chosen(posts, [100, 100], distance="linear") == 1


def returns(sigma: float) -> int:
    """Return how often agents come to a post once its price is fair to all of them."""
    made = scenario(
        group("all", 8, [COBB_DOUGLAS], inventories=RICH, cells=[[5, 4]] * 8),
        market_posts=[{"location": [5, 4]}],
        price_info={"sigma": sigma},
        params={"exchange_regime": "centralized", "patience_ticks": 2, "trade_cooldown_ticks": 2},
    )
    visits = 0
    with Simulation(made, telemetry_level="off") as simulation:
        for _ in range(40):
            simulation.step()
            visits += int((simulation.world.scratch.at_post >= 0).sum())
    return visits


def test_without_doubt_about_prices_nobody_returns() -> None:
    """At a fair price nothing can be gained; only who thinks that it may move looks again."""
    assert returns(0.0) == 0
    assert returns(0.2) > 50


@pytest.mark.kernel
def test_doubt_does_not_need_the_numeraire() -> None:
    """An agent with A that wants B doubts what A costs in B, though C, which counts, is no use."""
    world = world_of(
        group(
            "baker",
            1,
            [{"type": "linear", "weights": [1, 2, 0]}],
            cells=[[5, 4]],
            inventories={"A": 10, "B": 0, "C": 0},
        ),
        group("other", 1, [{"type": "linear", "weights": [1, 1, 1]}], inventories={"B": 1, "C": 1}),
        goods=["A", "B", "C"],
        money={"mode": "unit_of_account"},
        market_posts=[{"location": [5, 4]}],
    )
    Broadcast().process(world)
    SearchMarkets().process(world)
    # Where A is dearer by e^0.2, a unit of B costs 2 / e^0.2 A; where it is cheaper nothing gains.
    # Worth 2 a unit of B, at the floor of trust, and no more than a unit of what it has not.
    gain = (2.0 - 2.0 / math.exp(0.2)) / 2.0
    assert world.scratch.search.best_market[0] == 0
    assert world.scratch.search.market_value[0] == pytest.approx(0.5 * gain * 0.5, rel=1e-6)


def gains(choice: Any, seed: int) -> float:
    """Return the gains [M] of one clearing of posts among which traders have spread."""
    made = scenario(
        group("all", 40, [COBB_DOUGLAS], cells=[[5, 4]] * 40),
        market_posts=[
            {"location": at, "interaction_radius": 9} for at in ([5, 5], [4, 4], [6, 4], [5, 3])
        ],
        params={"exchange_regime": "centralized"},
        market_choice=choice,
    )
    with Simulation(made, seed=seed, telemetry_level="off") as simulation:
        simulation.step()
        return simulation.world.totals.market_gain * simulation.world.settings.minor_size


def test_thin_posts_lose_gains() -> None:
    """Spread at random over four posts, traders gain less than at one (Cai, Niu, Parsons 2014)."""
    thick = np.array([gains("score", seed) for seed in range(8)])
    thin = np.array([gains({"type": "softmax", "temperature": 1e6}, seed) for seed in range(8)])
    assert thin.sum() < 0.98 * thick.sum()


def realised(search: str) -> float:
    """Return the gains [M] of trade face to face over a while."""
    made = scenario(
        group("all", 24, [LINEAR, COBB_DOUGLAS], vision_radius=8),
        width=24,
        height=24,
        protocols={"search": search},
    )
    with Simulation(made, seed=3, telemetry_level="off") as simulation:
        simulation.run(20)
        return simulation.world.totals.bilateral_gain * simulation.world.settings.minor_size


def test_who_does_not_look_trades_by_accident() -> None:
    assert 0 < realised("random_walk") < 0.8 * realised("market_aware_search")
