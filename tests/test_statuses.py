"""Each way a clearing can end, by an economy that ends so, and the remedies in their order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation, clear
from ecs_market.components.barred import Barred
from ecs_market.components.intent import MARKET, Intent
from tests.oracles.worlds import agents_of, scenario

FINE = {"lot": 1e-3, "price_step": 1e-6}


def one(
    name: str, family: str, held: dict[str, float], count: int = 1, **parameters: Any
) -> dict[str, Any]:
    """Return a group of `count` agents of one family."""
    taste = {"type": family, "count": count, **parameters}
    return {"name": name, "count": count, "inventories": {"M": 0, **held}, "utilities": [taste]}


def cleared(groups: list[dict[str, Any]], mode: str = "unit_of_account", **params: Any) -> Any:
    return clear(groups, units=FINE, money={"mode": mode}, mechanism_params=params)


def scarf() -> list[dict[str, Any]]:
    """Three kinds, each owning one good and wanting it and the next in equal amounts."""
    wants = {"A": [1, 1, 0], "B": [0, 1, 1], "C": [1, 0, 1]}
    return [
        one(good, "leontief", {g: float(10 * (g == good)) for g in wants}, coefficients=wants[good])
        for good in wants
    ]


OFF = {"A": 1.5, "B": 0.7, "C": 1.0}


@pytest.mark.parametrize("speed", [0.02, 0.1, 1.0])
@pytest.mark.parametrize("rounds", [300, 1000])
def test_scarfs_economy_cycles_under_small_steps(speed: float, rounds: int) -> None:
    """Scarf 1960: prices go around their equilibrium (1, 1, 1) for ever."""
    result = cleared(
        scarf(),
        initial_price=OFF,
        adjustment_speed=speed,
        max_iterations=rounds,
        on_failure=["no_trade"],
    )
    assert result.status == "cycling"
    assert not result.newton
    assert result.iterations == rounds
    assert result.start_prices == OFF
    assert result.residual > 0.1
    assert sum(result.volume.values()) == 0.0


def test_newton_solves_scarfs_economy() -> None:
    result = cleared(scarf(), initial_price=OFF, on_failure=["newton", "no_trade"])
    assert result.status == "converged"
    assert result.newton
    assert list(result.prices.values())[:3] == pytest.approx([1.0, 1.0, 1.0], rel=1e-5)
    np.testing.assert_allclose(result.goods, [[5, 5, 0], [0, 5, 5], [5, 0, 5]], atol=2e-3)


def test_scarfs_economy_at_its_equilibrium_stays_there() -> None:
    result = cleared(scarf(), initial_price=1.0, on_failure=["no_trade"])
    assert (result.status, result.iterations) == ("converged", 1)


def gale() -> list[dict[str, Any]]:
    """Two kinds that want more of the good they own than of the other, in fixed proportions."""
    return [
        one("a", "leontief", {"A": 10.0, "B": 0.0}, coefficients=[2, 1]),
        one("b", "leontief", {"A": 0.0, "B": 10.0}, coefficients=[1, 2]),
    ]


@pytest.mark.parametrize("start", [1.2, 0.8])
def test_gales_economy_runs_to_the_boundary(start: float) -> None:
    """Gale 1963: the equilibrium is unstable, the dearer good gets dearer without end."""
    result = cleared(
        gale(), initial_price={"A": start, "B": 1}, max_iterations=400, on_failure=["no_trade"]
    )
    assert result.status == "boundary"
    assert not result.newton
    assert result.residual > 0.1
    assert sum(result.volume.values()) == 0.0
    assert result.start_prices["A"] == start


def test_newton_finds_gales_equilibrium_from_where_the_search_began() -> None:
    result = cleared(gale(), initial_price={"A": 1.2, "B": 1}, max_iterations=400)
    assert result.status == "converged"
    assert result.newton
    assert result.prices["A"] == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize(
    ("start", "price"), [(0.2, 0.12730), (0.9, 0.12730), (1.0, 1.0), (1.1, 7.8555), (5.0, 7.8555)]
)
def test_which_of_several_equilibria_depends_on_the_start(start: float, price: float) -> None:
    """Strong complements with unlike weights: three equilibria, the middle one unstable."""
    groups = [
        one("a", "ces", {"A": 12, "B": 1}, weights=[1024.0, 1.0], rho=-4),
        one("b", "ces", {"A": 1, "B": 12}, weights=[1.0, 1024.0], rho=-4),
    ]
    result = cleared(groups, initial_price={"A": start, "B": 1})
    assert result.status == "converged"
    assert result.start_prices["A"] == start
    assert result.prices["A"] == pytest.approx(price, rel=1e-3)


def all_or_nothing() -> list[dict[str, Any]]:
    """Degree-one utility and money: everybody sells all or spends all, at one price for all."""
    return [
        one(
            name,
            "cobb_douglas",
            {"A": a, "B": b, "M": 50},
            exponents=[0.6, 0.4],
            scale="level",
            money_weight=weight,
        )
        for name, a, b, weight in (("a", 10, 4, 1.0), ("b", 5, 9, 1.1), ("c", 7, 7, 0.9))
    ]


def test_what_has_no_clearing_price_fails() -> None:
    for way in (["no_trade"], ["newton", "no_trade"]):
        result = cleared(all_or_nothing(), "quasilinear", on_failure=way)
        assert result.status == "failed"
        assert result.newton == (way[0] == "newton")
        assert result.residual > 1e-6
        assert sum(result.volume.values()) == 0.0
        assert all(price > 0.0 for price in result.prices.values())


def pair(**more: Any) -> list[dict[str, Any]]:
    """Two that trade A for money, at a price of 1."""
    return [
        one("a", "cobb_douglas", {"A": 4.0, "M": 100}, exponents=[8.0], kappa=1, **more),
        one("b", "cobb_douglas", {"A": 8.0, "M": 100}, exponents=[4.0], kappa=1, **more),
    ]


def test_converged_marginal_and_indicative() -> None:
    assert cleared(pair(), "quasilinear").status == "converged"
    linear = one("c", "linear", {"A": 50.0, "M": 50}, weights=[0.9])
    assert cleared([*pair(), linear], "quasilinear").status == "marginal"
    assert cleared(pair()[:1], "quasilinear").status == "indicative"


@pytest.mark.parametrize(
    ("ways", "newton", "trades"),
    [
        (["newton", "ration_last"], True, True),
        (["ration_last", "newton"], False, True),
        (["bilateral", "newton"], False, False),
        (["no_trade"], False, False),
        (["newton"], True, True),
    ],
)
def test_remedies_are_tried_in_their_order(ways: list[str], newton: bool, trades: bool) -> None:
    result = cleared(pair(), "quasilinear", initial_price=0.5, max_iterations=2, on_failure=ways)
    assert result.newton == newton
    assert (sum(result.volume.values()) > 0.0) == trades
    assert result.status == ("converged" if newton else "failed")


def test_a_call_auction_takes_over() -> None:
    """It clears truthful orders at one price a good."""
    result = cleared(
        pair(),
        "quasilinear",
        initial_price=3.0,
        max_iterations=1,
        on_failure=["call_auction", "ration_last"],
    )
    assert not result.newton
    assert result.status == "failed"
    assert result.gains.min() >= 0.0
    assert result.volume["A"] == pytest.approx(4.0, abs=1.0)
    assert result.prices["A"] == pytest.approx(1.0, rel=0.2)
    assert sum(trade.quantity for trade in result.trades) == pytest.approx(result.volume["A"])
    assert result.money_minor.sum() == round(200 / 1e-9)


def test_rationing_that_finds_nothing_to_trade_gives_way_to_the_next() -> None:
    """At a price of 100 everybody sells; only Newton's method brings a trade about."""
    ways = ["ration_last", "newton"]
    result = cleared(pair(), "quasilinear", initial_price=100, max_iterations=1, on_failure=ways)
    assert result.newton
    assert result.status == "converged"
    assert result.volume["A"] == pytest.approx(4.0, abs=2e-3)


def post_of(populations: list[dict[str, Any]], **rules: Any) -> dict[str, Any]:
    """Return a scenario where everybody stands at one post."""
    here = [{**each, "initial_positions": {"at": [4, 4]}} for each in populations]
    params = {"exchange_regime": "centralized", "idle": "stay", "min_value": 0.0}
    made = scenario(*here, params=params)
    made["market_posts"] = [{"location": [4, 4], "mechanism_params": rules}]
    made["units"] = FINE
    return made


def test_a_price_band_holds_back_the_price_and_rations() -> None:
    """When everything has doubled the price falls from 1 to 0.5, by a tenth a tick at most."""
    made = post_of(pair(), price_band=0.1)
    with Simulation(made, 1) as simulation:
        prices = []
        for tick in range(11):
            for name, held in (("a", 4.0), ("b", 8.0)):
                people = simulation.population(name)
                lots = round(held / 1e-3) * (2 if tick else 1)
                with simulation.edit() as edit:
                    edit.set("inventory.goods.A", people.ids(), np.full(1, lots))
            simulation.step()
            prices.append(simulation.markets[0].current_prices["A"])
        rows = simulation.telemetry.query("SELECT status FROM market_clears ORDER BY tick")
        volumes = simulation.telemetry.query("SELECT tick, sum(quantity) FROM trades GROUP BY tick")
    assert prices[0] == pytest.approx(1.0, abs=1e-6)
    assert prices[1] == pytest.approx(0.9, abs=1e-6)
    assert min(np.diff(prices) / prices[:-1]) >= -0.1 - 1e-9
    assert prices[-1] == pytest.approx(0.5, abs=1e-5)
    statuses = [status for (status,) in rows]
    assert statuses[0] == "converged"
    assert statuses[1:7] == ["rationed"] * 6
    assert statuses[-1] == "converged"
    assert len(volumes) == 11


def test_members_who_hold_back_trade_less_at_the_same_price() -> None:
    full = cleared(pair(), "quasilinear")
    part = cleared(pair(), "quasilinear", shading=0.25)
    assert part.status == "converged"
    assert part.prices["A"] == pytest.approx(full.prices["A"], rel=1e-6)
    assert part.volume["A"] == pytest.approx(0.75 * full.volume["A"], abs=2e-3)
    assert part.gains.min() > 0.0


def test_the_indifferent_serve_those_who_hold_back() -> None:
    linear = one("c", "linear", {"A": 50.0, "B": 50.0, "M": 50}, weights=[0.9, 0.5])
    keen = one("d", "cobb_douglas", {"A": 2.0, "B": 9.0, "M": 50}, exponents=[0.9, 0.5], kappa=8.0)
    result = cleared([linear, keen], "quasilinear", shading=0.5)
    assert result.status == "marginal"
    assert (result.prices["A"], result.prices["B"]) == (0.9, 0.5)
    np.testing.assert_allclose(result.goods[1], [5.0, 8.5], atol=2e-3)


def test_a_market_that_always_fails_loses_its_members_for_the_cooldown() -> None:
    """Sent away every second tick; after `patience_ticks` failures for `trade_cooldown_ticks`."""
    made = post_of(all_or_nothing(), initial_price=0.5, max_iterations=1, on_failure=["bilateral"])
    made["params"] |= {"patience_ticks": 3, "trade_cooldown_ticks": 6}
    with Simulation(made, 1, telemetry_level="off") as simulation:
        world, seen = simulation.world, []
        for _ in range(24):
            simulation.step()
            seen.append(int(world.agents.whole(Intent).kind[world.agent_rows[0]]) == MARKET)
        failures = world.agents.whole(Barred).failures[world.agent_rows]
    went = [True, False] * 2 + [True] + [False] * 6
    assert seen == (went * 3)[:24]
    assert failures.max() <= 3


def test_a_trade_makes_up_for_earlier_failures() -> None:
    world_of = post_of(pair(), initial_price=0.5, on_failure=["newton", "bilateral"])
    with Simulation(world_of, 1, telemetry_level="off") as simulation:
        world = simulation.world
        world.agents.whole(Barred).failures[world.agent_rows] = 2
        simulation.step()
        assert world.scratch.filled[world.agent_rows].all()
        assert not world.agents.whole(Barred).failures[world.agent_rows].any()
        assert not any(agent.barred for agent in agents_of(world))


def test_a_holding_of_one_good_does_not_cap_the_price_of_another() -> None:
    """Prices are bounded, so that payments fit 64 bits, good by good."""
    plenty = 2.0**43
    groups = [
        one(
            "a", "cobb_douglas", {"A": 1, "B": plenty, "M": 10**7}, exponents=[90.0, 0.0], kappa=1e4
        ),
        one("b", "cobb_douglas", {"A": 3, "B": 0, "M": 10**7}, exponents=[30.0, 0.0], kappa=1e4),
    ]
    result = clear(groups, commodities=["A", "M"], units={"lot": 1e-3, "price_step": 1e-4})
    assert result.status == "converged"
    assert result.prices["A"] == pytest.approx(3e5, rel=1e-6)
