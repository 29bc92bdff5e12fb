"""Legal input at the edges: very rich agents, huge holdings, nobody who can walk."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import InputError, Simulation, clear, load_scenario, post_tables
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.post_index import PostIndex


def linear(weights: list[float], count: int = 1) -> dict[str, Any]:
    return {"type": "linear", "weights": weights, "count": count}


def cobb_douglas(exponents: list[float], count: int = 1) -> dict[str, Any]:
    return {"type": "cobb_douglas", "exponents": exponents, "count": count}


def group(name: str, inventories: dict[str, Any], tastes: list[dict[str, Any]]) -> dict[str, Any]:
    count = sum(each["count"] for each in tastes)
    return {"name": name, "count": count, "inventories": inventories, "utilities": tastes}


def test_the_rich_are_not_worse_off_either() -> None:
    """What an agent owns in money does not blur what a trade does to it."""
    seller = group("seller", {"A": 11, "M": 10**11}, [cobb_douglas([1.0])])
    buyer = group("buyer", {"A": 0, "M": 10**6}, [linear([200.0])])
    for price in (0.9, 0.999, 1.0, 1.05):
        result = clear(
            [seller, buyer],
            mechanism="posted_price",
            mechanism_params={"initial_price": price, "price_update_frequency": 10},
            units={"lot": 1},
        )
        sold = 11 - result.goods[0, 0]
        if sold:
            kept = 11 * np.log(result.goods[0, 0] / 11) + price * sold
            assert kept > 0.0


def test_goods_that_a_post_does_not_trade_stay_where_they_are() -> None:
    lots = 2**52 - 1
    groups = [
        group("one", {"A": 10_000, "B": lots, "M": 10_000}, [cobb_douglas([0.9, 0.1])]),
        group("two", {"A": 5_000, "B": lots, "M": 90_000}, [cobb_douglas([0.2, 0.8])]),
    ]
    result = clear(groups, commodities=["A", "M"], units={"lot": 1})
    assert result.goods_lots[:, 1].tolist() == [lots, lots]


def test_a_price_that_is_given_is_published_from_the_start() -> None:
    scenario = load_scenario("walrasian_two_markets").to_dict()
    scenario["market_posts"][1]["mechanism_params"]["initial_price"] = 0.65
    with Simulation(scenario, seed=1, telemetry_level="off") as simulation:
        assert simulation.markets[1].current_prices == {"A": 0.65, "M": 1.0}
        assert simulation.markets[0].current_prices == {"M": 1.0}


def test_recorded_prices_are_the_published_ones() -> None:
    scenario = load_scenario("walrasian_two_markets_level")
    with Simulation(scenario, seed=1) as simulation:
        for tick in range(40):
            simulation.step()
            rows = simulation.telemetry.query(
                "SELECT market_id, commodity, price FROM market_prices WHERE tick = ?", (tick,)
            )
            for market, good, price in rows:
                shown = simulation.markets[market].current_prices[good]
                if simulation.markets[market].mechanism_type == "walrasian_auctioneer":
                    assert simulation.units.from_steps(price) == shown


def test_who_cannot_walk_trades_with_a_neighbour() -> None:
    """A post in sight but out of reach does not keep an agent from the partner beside it."""
    scenario = {
        "grid": {"width": 12, "height": 12},
        "market_posts": [{"location": [9, 9], "visibility_radius": 30, "interaction_radius": 1}],
        "populations": [
            {
                **group("rich in A", {"A": 20, "B": 5, "M": 50}, [cobb_douglas([0.5, 0.5])]),
                "initial_positions": {"at": [2, 2]},
                "components": ["BilateralTrader"],
            },
            {
                **group("rich in B", {"A": 5, "B": 20, "M": 50}, [cobb_douglas([0.5, 0.5])]),
                "initial_positions": {"at": [2, 3]},
                "components": ["BilateralTrader"],
            },
        ],
    }
    with Simulation(scenario, seed=3) as simulation:
        simulation.run(2)
        assert simulation.summary()["bilateral_trades"] > 0
        assert not (simulation.world.agents.whole(Intent).kind == MARKET).any()


def order(agent: Any, direction: str, limit: float, **changes: Any) -> dict[str, Any]:
    made = {"agent": agent, "commodity": "A", "direction": direction, "quantity": 1}
    return {**made, "limit_price": limit, **changes}


@pytest.mark.parametrize(
    ("orders", "message"),
    [
        (5, "must be a list"),
        ("buy", "must be a list"),
        ([5], r"orders\[0\]: an order has the keys"),
        ([order(2**70, "buy", 1.0)], "from 0 to 2"),
        ([order(1, "buy", 1.0), order(1, "sell", 0.5)], "would trade with itself"),
    ],
)
def test_orders_that_are_none(orders: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        clear(orders=orders)


def test_one_agent_may_bid_below_what_it_asks() -> None:
    result = clear(orders=[order(1, "buy", 0.5), order(1, "sell", 1.0), order(2, "buy", 1.5)])
    assert result.filled[:, 0].tolist() == [0.0, -1.0, 1.0]


def test_threads_are_a_positive_number() -> None:
    with pytest.raises(InputError, match="threads must be from 1"):
        Simulation(load_scenario("edgeworth_box"), threads=0)


def test_another_mechanism_starts_from_its_own_defaults() -> None:
    result = clear(load_scenario("edgeworth_box"), mechanism="posted_price")
    assert result.status in {"converged", "rationed", "indicative"}


def test_posts_that_reach_everywhere_are_refused_before_they_fill_memory(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    posts = [{"location": [x, 0], "visibility_radius": 400} for x in range(30)]
    scenario = {
        "grid": {"width": 400, "height": 400},
        "market_posts": posts,
        "populations": [group("agents", {"A": 1, "M": 1}, [{**linear([1.0]), "count": 1000}])],
    }
    Simulation(scenario).close()
    monkeypatch.setattr(post_tables, "MOST_ENTRIES", 1000)
    with pytest.raises(InputError, match=r"more than 1,000 places of .* reduce their radii"):
        Simulation(scenario)


def test_posts_seen_all_over_an_empty_grid_take_no_memory() -> None:
    posts = [{"location": [x, 0], "visibility_radius": 40_000} for x in range(30)]
    scenario = {
        "grid": {"width": 40_000, "height": 40_000},
        "market_posts": posts,
        "populations": [group("agents", {"A": 1, "M": 1}, [linear([1.0])])],
    }
    with Simulation(scenario) as sim:
        sim.run(1)
        index = sim.world.only(PostIndex)
        assert index is not None
        assert len(index.post) < 30 * 1024
