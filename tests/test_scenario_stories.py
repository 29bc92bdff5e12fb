"""What the heads of the shipped scenarios tell is what these runs come to.

Some of it is also told, and held to, in docs/information.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation, load_scenario

RULES = "market_posts.0.mechanism_params."


def told(
    name: str, *overrides: str, seed: int | None = None
) -> tuple[dict[str, Any], list[float], list[dict[str, float]]]:
    """Return a run's summary, the gains from trade [M] up to each tick, and the posts' accounts."""
    scenario = load_scenario(name, overrides)
    gains = []
    given = scenario.seed if seed is None else seed
    with Simulation(scenario, seed=given, telemetry_level="off") as simulation:
        totals = simulation.world.totals
        for _ in range(scenario.ticks):
            simulation.step()
            gains.append(simulation.units.from_minor(totals.market_gain + totals.bilateral_gain))
        return simulation.summary(), gains, [dict(post.account) for post in simulation.markets]


def volumes(summary: dict[str, Any], post: int = 0) -> list[int]:
    return [round(each) for each in summary["posts"][post]["volume"].values()]


def test_barter_ring() -> None:
    summary, gains, _ = told("barter_ring")
    (post,) = summary["posts"]
    assert (summary["bilateral_trades"], post["clears"], summary["last_trade_tick"]) == (0, 1, 7)
    assert post["prices"] == {"A": 1.0, "B": 1.0, "C": 1.0, "M": 1.0}
    assert post["volume"] == {"A": 80.0, "B": 80.0, "C": 80.0}
    assert gains[-1] == pytest.approx(120.0)
    hasty, less, _ = told("barter_ring", RULES + "clear_every=1")
    assert hasty["posts"][0]["clears"] > 1
    assert 0 < less[-1] < gains[-1]


@pytest.mark.parametrize("seed", range(2, 6))
def test_a_ring_trades_whenever_it_meets(seed: int) -> None:
    summary, _, _ = told("barter_ring", RULES + "clear_every=1", seed=seed)
    assert summary["posts"][0]["clears"] > 3
    assert min(volumes(summary)) > 40


def test_bilateral_only() -> None:
    summary, gains, _ = told("bilateral_only")
    assert summary["market_trades"] == 0
    assert gains[-1] == pytest.approx(154, abs=1)
    assert gains[0] > 0.5 * gains[-1]
    assert gains[5] > 0.9 * gains[-1]


def test_call_auction() -> None:
    runs = {every: told("call_auction", f"{RULES}interval={every}") for every in (1, 5, 30)}
    clears = {every: summary["posts"][0]["clears"] for every, (summary, _, _) in runs.items()}
    assert clears == {1: 19, 5: 5, 30: 1}
    assert runs[5][0]["last_trade_tick"] == 24
    assert {every: volumes(run[0]) for every, run in runs.items()} == {
        1: [266],
        5: [210],
        30: [186],
    }
    fees = {every: round(accounts[0]["M"], 2) for every, (_, _, accounts) in runs.items()}
    assert fees == {1: 3.03, 5: 2.37, 30: 1.95}
    gain = {every: round(gains[-1], 1) for every, (_, gains, _) in runs.items()}
    assert gain == {1: 101.2, 5: 101.9, 30: 102.3}


@pytest.mark.slow
def test_competing_posts() -> None:
    split, gains, accounts = told("competing_posts")
    assert sum(volumes(split, 1)) / sum(volumes(split, 0)) == pytest.approx(1.7, abs=0.1)
    assert accounts[0]["M"] == pytest.approx(14, abs=0.5)
    assert accounts[1]["M"] == 0.0
    assert gains[-1] == pytest.approx(192, abs=1)
    thick, more, _ = told("competing_posts", "params.market_choice=score")
    assert volumes(thick) == [0, 0]
    assert [more[16], more[-1]] == pytest.approx([206, 206], abs=1)
    shunned, _, _ = told("competing_posts", RULES + "fees.rate=0.2")
    assert shunned["posts"][0]["status"] == "none"


def test_edgeworth_box() -> None:
    scenario = load_scenario("edgeworth_box")
    with Simulation(scenario, telemetry_level="off") as simulation:
        simulation.run(scenario.ticks)
        (post,) = simulation.summary()["posts"]
        assert (post["clears"], post["last_clear_tick"], post["status"]) == (1, 0, "indicative")
        assert post["prices"]["A"] == pytest.approx(5 / 6, abs=1e-6)
        first = simulation.population("first")
        held = [first.get(f"inventory.goods.{good}")[0] / 1e6 for good in "AB"]
        assert held == pytest.approx([20.4, 11.333338], abs=2e-6)


@pytest.mark.slow
def test_market_days() -> None:
    summary, gains, _ = told("market_days")
    assert (summary["market_trades"], round(gains[-1], 1)) == (1082, 31.7)
    for other in ("params.market_memory.slots=0", "price_info.expire_after=15"):
        forgetful, less, _ = told("market_days", other)
        assert (forgetful["market_trades"], round(less[-1], 1)) == (241, 19.5)


def test_posted_prices_with_stock() -> None:
    summary, gains, (account,) = told("posted_prices_with_stock")
    assert (round(account["A"]), round(account["M"], 1)) == (146, 3.5)
    assert summary["posts"][0]["prices"]["A"] == pytest.approx(0.98, abs=0.01)
    bare, less, _ = told("posted_prices_with_stock", RULES + "stock=none")
    assert bare["posts"][0]["prices"]["A"] == pytest.approx(0.59, abs=0.01)
    assert (round(gains[-1]), round(less[-1])) == (274, 250)


def test_single_walrasian() -> None:
    summary, gains, _ = told("single_walrasian")
    assert gains[-1] == pytest.approx(49.7, abs=0.1)
    assert gains[6] > 0.9 * gains[-1]
    assert gains[7] > 0.999 * gains[-1]
    assert all(abs(summary["posts"][0]["prices"][good] - 0.37) < 0.01 for good in "AB")
    certain, none, _ = told("single_walrasian", "price_info.sigma=0")
    assert (certain["posts"][0]["status"], none[-1]) == ("none", 0.0)


def shares(name: str, seeds: Sequence[int], *overrides: str) -> Any:
    """Return which shares of Smith's 7.50 M are gained."""
    return np.array([told(name, *overrides, seed=seed)[1][-1] / 7.5 for seed in seeds])


def test_smith_first_test() -> None:
    scenario = load_scenario("smith_first_test")
    with Simulation(scenario, seed=scenario.seed) as simulation:
        simulation.run(scenario.ticks)
        prices = simulation.telemetry.query("SELECT price FROM trades ORDER BY tick, rowid")
        assert simulation.summary()["market_gain"] == pytest.approx(7.5)
    assert [price for (price,) in prices] == [101, 135, 176, 170, 179, 200, 200]
    assert shares("smith_first_test", range(8)).mean() > 0.95


@pytest.mark.slow
def test_zero_intelligence() -> None:
    assert told("zero_intelligence")[1][-1] == pytest.approx(7.0)
    constrained = shares("zero_intelligence", range(12))
    free = shares("zero_intelligence", range(12), RULES + "behaviour=zi_u")
    assert constrained.mean() > 0.95
    assert free.mean() < 0.8
    assert free.min() < 0.3


def test_three_good_exchange() -> None:
    summary, gains, _ = told("three_good_exchange")
    assert gains[-1] == pytest.approx(106, abs=0.5)
    assert gains[3] > 0.9 * gains[-1]
    assert volumes(summary) == [189, 175, 87]


@pytest.mark.slow
def test_walrasian_two_markets_level() -> None:
    name = "walrasian_two_markets_level"
    literal, _, _ = told(name)
    assert (literal["posts"][0]["status"], literal["posts"][0]["clears"]) == ("failed", 0)
    assert literal["bilateral_gain"] == pytest.approx(11.5, abs=0.1)
    called, _, _ = told(name, RULES + "on_failure=[newton, call_auction]")
    rationed, _, _ = told(name, RULES + "on_failure=[newton, ration_last]")
    assert called["posts"][0]["gain"] == pytest.approx(10.2, abs=0.1)
    assert rationed["posts"][0]["gain"] == pytest.approx(6.3, abs=0.1)


@pytest.mark.slow
def test_two_markets_with_and_without_regrowth() -> None:
    growing, more, _ = told("two_markets_regrowth")
    barren, less, _ = told("walrasian_two_markets")
    assert (growing["last_trade_tick"], barren["last_trade_tick"]) == (398, 139)
    assert [*growing["harvest"].values()] == pytest.approx([1590, 950], abs=5)
    assert (round(more[-1]), round(less[-1])) == (193, 37)


@pytest.mark.slow
def test_hundred_thousand() -> None:
    summary, _, _ = told("hundred_thousand")
    at_posts = summary["market_trades"]
    assert at_posts == pytest.approx(1900, abs=50)
    assert at_posts + summary["bilateral_trades"] == pytest.approx(266_000, abs=500)
