"""Demand and supply around the clearing price: closed forms, and what the clearing wished."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation, load_scenario
from ecs_market.mechanisms import demand_curves as curves_module
from ecs_market.mechanisms.demand_jumps import Points, jumps, narrowed
from ecs_market.telemetry import snapshots as snapshots_module
from tests.oracles.worlds import COBB_DOUGLAS, group

POST = {"id": 0, "location": [5, 5], "mechanism": "walrasian", "interaction_radius": 30}
POST |= {"visibility_radius": 30}
AT_POST = {"exchange_regime": "centralized"}


def market(*populations: dict[str, Any], post: dict[str, Any] | None = None, **keys: Any) -> Any:
    return {
        "grid": {"width": 11, "height": 11},
        "market_posts": [POST | (post or {})],
        "params": AT_POST,
        "populations": list(populations),
        **keys,
    }


def curve_of(sim: Simulation) -> dict[tuple[int, int, str], list[tuple[int, int, int]]]:
    """Return each curve's prices, demand and supply."""
    found: dict[tuple[int, int, str], list[tuple[int, int, int]]] = {}
    for tick, post, good, *point in sim.telemetry.query(
        "SELECT tick, market_id, commodity, price, demand, supply FROM clear_curves ORDER BY rowid"
    ):
        found.setdefault((tick, post, good), []).append(tuple(point))
    return found


def test_curves_are_what_preferences_say() -> None:
    # U = 12 ln A wants 12/p; U = 0.5 A sells all above 0.5 and below it buys what its money can.
    logs = group(
        "logs",
        2,
        [{"type": "cobb_douglas", "exponents": [1.0], "kappa": 12}],
        inventories={"A": {"values": [20, 10]}, "M": 500},
    )
    lines = group("lines", 1, [{"type": "linear", "weights": [0.5]}], inventories={"A": 4, "M": 5})
    with Simulation(market(logs, lines, goods=["A"]), 1, threads=1) as sim:
        sim.run(1)
        ((price, status),) = sim.telemetry.query(
            "SELECT clearing_price, status FROM market_clears WHERE tick = 0"
        )
        ((key, points),) = curve_of(sim).items()
    assert key == (0, 0, "A")
    assert status == "converged"
    prices = [p for p, _, _ in points]
    even = [round(price * 3.0 ** (step / 12)) for step in range(-12, 13)]
    assert prices == sorted({*even, *prices})
    # Two more, close on either side of where the second group jumps.
    below, above = sorted({*prices} - {*even})
    assert below <= 5000 <= above <= below + 3
    for steps, demand, supply in points:
        p = steps * 0.0001
        wishes = [12 / p - 20, 12 / p - 10, -4.0 if p > 0.5 else 5 / p]
        assert demand == pytest.approx(1000 * sum(max(w, 0.0) for w in wishes), abs=0.6)
        assert supply == pytest.approx(-1000 * sum(min(w, 0.0) for w in wishes), abs=0.6)


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"money": {"mode": "in_utility"}},
        {"money": {"mode": "unit_of_account"}},
        {"post": {"mechanism_params": {"fees": {"type": "ad_valorem", "rate": 0.05}}}},
        {"post": {"mechanism_params": {"shading": 0.3}}},
    ],
    ids=["quasilinear", "in_utility", "unit_of_account", "fees", "shading"],
)
def test_at_the_clearing_price_they_meet_what_was_wished(keys: dict[str, Any]) -> None:
    held = {"A": [2, 12], "B": [2, 12], "M": [40, 60]}
    members = 30
    traders = group("traders", members, [COBB_DOUGLAS], inventories=held)
    with Simulation(market(traders, goods=["A", "B"], **keys), 1, threads=1) as sim:
        sim.run(4)
        clears = sim.telemetry.query(
            "SELECT tick, market_id, commodity, clearing_price, total_demand, total_supply"
            " FROM market_clears"
        )
        curves = curve_of(sim)
    assert {tuple(each[:3]) for each in clears} == set(curves)
    assert sum(demand for *_, demand, _ in clears) > 0
    for tick, post, good, price, demand, supply in clears:
        points = {p: (d, s) for p, d, s in curves[tick, post, good]}
        # Each member rounds its wish to lots.
        assert points[price][0] == pytest.approx(demand, abs=members / 2 + 1)
        assert points[price][1] == pytest.approx(supply, abs=members / 2 + 1)
        prices = sorted(points)
        assert prices == list(points)
        demands, supplies = (np.array([points[p][k] for p in prices]) for k in (0, 1))
        assert (np.diff(demands) <= 1).all()
        assert (np.diff(supplies) >= -1).all()
        assert demands[0] > demands[-1]


def test_a_jump_is_a_step_and_no_crossing_is_made_up() -> None:
    """Three jumps between two even prices: the curves between them are where wishes are."""
    lines = [
        group(f"line {weight}", 1, [{"type": "linear", "weights": [weight]}], inventories=held)
        for weight, held in ((0.52, {"A": 0, "M": 5}), (0.53, {"A": 9, "M": 0}))
    ]
    buyer = group("buyer", 1, [{"type": "linear", "weights": [0.9]}], inventories={"A": 0, "M": 1})
    with Simulation(market(*lines, buyer, goods=["A"]), 1, threads=1) as sim:
        sim.run(1)
        ((_, points),) = curve_of(sim).items()
    assert len(points) <= curves_module.MOST_POINTS
    apart = [
        high[0] - low[0]
        for low, high in itertools.pairwise(points)
        if high[1] < 0.8 * low[1] or low[2] < 0.8 * high[2]
    ]
    assert len(apart) == 3
    assert max(apart) <= 5
    for steps, demand, supply in points:
        wanted = (5e7 / steps if steps < 5200 else 0) + (1e7 / steps if steps < 9000 else 0)
        assert demand == pytest.approx(wanted, abs=1)
        assert supply == (9000 if steps > 5300 else 0)


def test_steep_slopes_get_no_more_points() -> None:
    smooth = Points(
        *(np.array(column) for column in ([0, 0], [1000, 1100], [50_000, 0], [5_000, 5_000]))
    )
    found = jumps(smooth, np.array([True]))
    assert found.below.tolist() == [0]
    slope = narrowed(smooth, found, lambda p: (500 * (1100 - p), np.full(len(p), 5_000)))
    assert len(slope.price) == 0
    step = narrowed(smooth, found, lambda p: (50_000 * (p < 1077), np.full(len(p), 5_000)))
    assert step.price.tolist() == [1076, 1077]
    assert step.demand.tolist() == [50_000, 0]
    assert not len(jumps(smooth, np.array([False])).below)


def test_coarse_prices_are_asked_once_and_never_below_a_step() -> None:
    traders = group("traders", 10, [{"type": "linear", "weights": [0.7, 0.3]}])
    with Simulation(market(traders, units={"price_step": 0.1}), 1, threads=1) as sim:
        sim.run(3)
        curves = curve_of(sim)
    assert curves
    for points in curves.values():
        prices = [price for price, _, _ in points]
        assert prices == sorted(set(prices))
        assert prices[0] >= 1
        assert len(prices) < curves_module.POINTS


def test_large_posts_and_other_mechanisms_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshots_module, "MOST_MEMBERS", 3)
    with Simulation(load_scenario("walrasian_two_markets"), 3, threads=1) as sim:
        sim.run(60)
        sizes = sim.telemetry.query(
            "SELECT tick, market_id, commodity, participants FROM market_clears"
            " WHERE clearing_price > 0"
        )
        curves = curve_of(sim)
    assert set(curves) == {tuple(each[:3]) for each in sizes if each[3] <= 3}
    assert 0 < len(curves) < len(sizes)
    with Simulation(load_scenario("call_auction"), 3, threads=1) as sim:
        sim.run(20)
        assert sim.telemetry.query("SELECT count(*) FROM market_clears")[0][0] > 0
        assert not curve_of(sim)


def test_threads_make_no_difference() -> None:
    found = []
    for threads in (1, 3):
        with Simulation(load_scenario("three_good_exchange"), 3, threads=threads) as sim:
            sim.run(20)
            found.append(curve_of(sim))
    assert found[0] == found[1]
    assert found[0]
