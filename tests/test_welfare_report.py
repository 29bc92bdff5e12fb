"""What a run says of its welfare, against plain sums, an assignment solver and numbers by hand."""

from __future__ import annotations

import json
import math
from collections import defaultdict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import Simulation, load_scenario
from ecs_market.cli.report import for_people, plain
from ecs_market.components.gains import Gains
from ecs_market.kernels.tallying import add_trades
from ecs_market.scenario import from_dict
from ecs_market.totals import Prices
from ecs_market.welfare import gini, smith_alpha
from ecs_market.welfare_report import welfare_of
from tests.oracles import assignment

LABORATORY = {"lot": 1, "price_step": 0.01}


def one_cell(*groups: dict[str, Any], post: dict[str, Any] | None = None, **keys: Any) -> Any:
    """Return a scenario in which everybody stands at the same place."""
    posts = [] if post is None else [{"location": [0, 0], **post}]
    params = {"exchange_regime": "centralized" if posts else "bilateral"}
    return from_dict(
        {
            "grid": {"width": 1, "height": 1},
            "market_posts": posts,
            "params": params,
            "populations": list(groups),
            **keys,
        }
    )


def linear(name: str, worth: float, goods: float, money: float, count: int = 1) -> dict[str, Any]:
    taste = [{"type": "linear", "weights": [worth], "share": 1}]
    held = {"A": goods, "M": money}
    return {"name": name, "count": count, "inventories": held, "utilities": taste}


CALL = {"mechanism": "call_auction"}

trades = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 1), st.integers(1, 9), st.integers(1, 10**9)),
    max_size=12,
)


@settings(max_examples=100, deadline=None)
@given(trades, trades)
def test_moments_of_prices(first: list[Any], second: list[Any]) -> None:
    """Means and deviations are those of a list with each lot written out."""
    total = Prices.none(3, 2)
    for made in (first, second):
        tick = Prices.none(3, 2)
        if made:
            place, good, lots, steps = np.array(made, np.int64).T.copy()
            add_trades(place, good, lots, steps, tick.origin, tick.sums)
        total.include(tick)
    pooled = total.pooled()
    for k in range(2):
        everywhere: list[int] = []
        for place in range(3):
            paid = [
                steps
                for p, g, lots, steps in first + second
                if (p, g) == (place, k)
                for _ in range(lots)
            ]
            everywhere += paid
            check_moments(total, place, k, paid)
        check_moments(pooled, 0, k, everywhere)


def check_moments(found: Prices, place: int, k: int, paid: list[int]) -> None:
    assert found.lots[place, k] == len(paid)
    if not paid:
        assert math.isnan(found.mean[place, k])
        return
    mean = sum(paid) / len(paid)
    spread = math.sqrt(sum((price - mean) ** 2 for price in paid) / len(paid))
    assert found.mean[place, k] == pytest.approx(mean)
    assert found.deviation[place, k] == pytest.approx(spread, rel=1e-6, abs=1e-6 * mean)
    if len(set(paid)) == 1:
        assert found.deviation[place, k] == 0.0
    if place == 0:
        away = smith_alpha(np.array(paid, np.float64), 5.0) / 100.0 * 5.0
        apart = found.deviation_from(np.full(found.lots.shape, 5.0))[place, k]
        assert apart == pytest.approx(away)


values = st.lists(st.integers(1, 90), min_size=1, max_size=5)


@settings(max_examples=12, deadline=None)
@given(values, values, st.integers(0, 99))
def test_induced_values_against_an_assignment(
    worth: list[int], costs: list[int], seed: int
) -> None:
    """Of what zero-intelligence traders could gain, the share they did gain."""
    groups = [
        {
            "name": f"{kind}{i}",
            "count": 1,
            "inventories": {"X": int(kind == "costs"), "M": 100},
            "utilities": [{"type": "induced_value", kind: [[limit]]}],
        }
        for kind, limits in (("values", worth), ("costs", costs))
        for i, limit in enumerate(limits)
    ]
    post = {
        "mechanism": "continuous_double_auction",
        "mechanism_params": {"behaviour": "zi_c", "price_low": 1, "price_high": 100},
    }
    limits = [*worth, *costs]
    with Simulation(one_cell(*groups, post=post, units=LABORATORY), seed=seed) as sim:
        sim.run(3)
        found = sim.welfare()
        made = sim.telemetry.query("SELECT buyer_id, seller_id, price FROM trades_units")
    most = assignment.greatest_surplus(worth, costs)
    gained = [0.0] * len(limits)
    for buyer, seller, price in made:
        gained[buyer] += limits[buyer] - price
        gained[seller] += price - limits[seller]
    assert found["gain"] == pytest.approx(sum(gained))
    assert found["attainable"] == pytest.approx(most)
    assert found["exact"]
    # Who has sold would take a unit back at its cost.
    owned = [int(i >= len(worth)) for i in range(len(limits))]
    for buyer, seller, _ in made:
        owned[buyer] += 1
        owned[seller] -= 1
    wanting = [limit for limit, held in zip(limits, owned, strict=True) if not held]
    holding = [limit for limit, held in zip(limits, owned, strict=True) if held]
    left = assignment.greatest_surplus(wanting, holding)
    assert found["attainable_now"] == pytest.approx(left)
    assert found["exhausted"] == (left == 0.0)
    if most > 0.0:
        assert found["efficiency"] == pytest.approx(sum(gained) / most)
    if made and sum(gained) > 0.0:
        assert found["gini"] == pytest.approx(gini(gained))
        prices = np.array([price for _, _, price in made])
        entry = found["prices"]["X"]
        assert entry["mean"] == pytest.approx(prices.mean())
        assert entry["dispersion"] == pytest.approx(prices.std() / prices.mean(), abs=1e-9)
        if entry["equilibrium"] is not None:
            assert entry["smith_alpha"] == pytest.approx(smith_alpha(prices, entry["equilibrium"]))


def test_smith_by_hand() -> None:
    """Four buyers at 10, 8, 6, 4, four sellers at 3, 5, 7, 9: two units, 10 + 8 - 3 - 5 = 10."""
    groups = [
        {
            "name": f"{kind}{limit}",
            "count": 1,
            "inventories": {"X": int(kind == "costs"), "M": 20},
            "utilities": [{"type": "induced_value", kind: [[limit]]}],
        }
        for kind, limits in (("values", (10, 8, 6, 4)), ("costs", (3, 5, 7, 9)))
        for limit in limits
    ]
    with Simulation(one_cell(*groups, post=CALL, units=LABORATORY)) as sim:
        before = sim.welfare()
        sim.run(2)
        after = sim.welfare()
    assert (before["attainable_now"], before["gain"], before["exhausted"]) == (10.0, 0.0, False)
    assert before["efficiency"] == 0.0
    assert before["largest_now"] == pytest.approx(3.5)  # the equilibrium price is 6.5
    assert before["prices"]["X"]["equilibrium"] == pytest.approx(6.5)
    assert (after["attainable_now"], after["gain"], after["exhausted"]) == (0.0, 10.0, True)
    assert (after["efficiency"], after["last_trade_tick"]) == (1.0, 0)
    entry = after["prices"]["X"]
    assert entry == {
        "volume": 2.0,
        "mean": 6.5,
        "dispersion": 0.0,
        "equilibrium": 6.5,
        "smith_alpha": 0.0,
    }
    # Gains of 3.5, 1.5, 3.5, 1.5 and four times nothing.
    assert after["gini"] == pytest.approx(gini([3.5, 1.5, 3.5, 1.5, 0, 0, 0, 0]))


def test_two_neighbours_by_hand() -> None:
    """Ten units worth 1 to who has them and 2 to the other: 10 M are to be had, and are had."""
    groups = [linear("poor", 1.0, 10.0, 0.0), linear("rich", 2.0, 0.0, 100.0)]
    with Simulation(one_cell(*groups)) as sim:
        assert sim.welfare()["attainable_now"] == pytest.approx(10.0)
        sim.run(3)
        found, summary = sim.welfare(), sim.summary()
    assert found["bilateral_gain"] == pytest.approx(10.0)
    assert found["market_gain"] == 0.0
    assert found["efficiency"] == pytest.approx(1.0)
    assert found["exhausted"] is True
    assert found["gini"] == 0.0  # each has half
    assert found["prices"]["A"]["mean"] == pytest.approx(1.5)
    assert summary["welfare"] == found
    assert json.loads(json.dumps(found)) == found


def test_a_price_held_down_by_a_budget_is_compared_with_none() -> None:
    """Ten units worth 0.2 and 0.9 change hands for all the 3 M of the buyer, at 0.30, not 0.55."""
    groups = [linear("seller", 0.2, 10.0, 0.0), linear("buyer", 0.9, 0.0, 3.0)]
    with Simulation(one_cell(*groups, post={"mechanism": "walrasian"})) as sim:
        before = sim.welfare()
        sim.run(2)
        after = sim.welfare()
    assert (before["attainable_now"], before["exact"]) == (pytest.approx(7.0), False)
    assert "less money than they would spend" in before["reasons"]["equilibrium"]
    assert after["gain"] == pytest.approx(7.0, rel=1e-3)
    assert after["prices"]["A"]["mean"] == pytest.approx(0.3, rel=1e-3)
    for figure in ("equilibrium", "smith_alpha"):
        assert after["prices"]["A"][figure] is None
        assert "no money left" in after["reasons"][figure]


@pytest.mark.parametrize("taste", ["cobb_douglas", "linear"])
def test_without_any_money_the_maximum_is_not_certain(taste: str) -> None:
    groups = [linear("a", 1.0, 10.0, 0.0), linear("b", 2.0, 1.0, 0.0)]
    if taste == "cobb_douglas":
        for group in groups:
            group["utilities"] = [{"type": "cobb_douglas", "exponents": [0.5], "kappa": 20}]
    with Simulation(one_cell(*groups)) as sim:
        found = sim.welfare()
    assert found["attainable_now"] > 0.0
    assert found["exact"] is False


def test_fees_are_transfers() -> None:
    """What traders pay to a post is theirs no longer, but it is not lost."""
    groups = [linear("poor", 1.0, 10.0, 0.0), linear("rich", 2.0, 0.0, 100.0)]
    post = {
        "mechanism": "call_auction",
        "mechanism_params": {"fees": {"type": "ad_valorem", "rate": 0.1}},
    }
    with Simulation(one_cell(*groups, post=post)) as sim:
        sim.run(1)
        found = sim.welfare()
        fees = sim.telemetry.query("SELECT sum(fee) FROM trades_units")[0][0]
        kept = sim.telemetry.query("SELECT sum(gain), sum(fee) FROM trade_gains_units")[0]
        assert found["fees"] == pytest.approx(fees)
        assert found["fees"] == pytest.approx(sim.markets[0].account["M"])
    assert found["fees"] > 0.0
    assert kept == pytest.approx((found["market_gain"], fees))
    assert found["gain"] == pytest.approx(10.0)
    assert found["efficiency"] == pytest.approx(1.0)


def rows_of(sim: Simulation, sql: str) -> dict[Any, Any]:
    return {row[:-1]: row[-1] for row in sim.telemetry.query(sql)}


def test_telemetry_is_the_sum_of_trades() -> None:
    with Simulation(load_scenario("walrasian_two_markets"), seed=5) as sim:
        sim.run(45)
        found = sim.welfare()
        ticks = sim.telemetry.query(
            "SELECT sum(market_gain), sum(bilateral_gain), sum(market_trades),"
            " sum(bilateral_trades) FROM ticks_units"
        )[0]
        gains = sim.telemetry.query(
            "SELECT sum(iif(market_id IS NULL, 0, gain)), sum(iif(market_id IS NULL, gain, 0)),"
            " sum(iif(market_id IS NULL, 0, trades)), sum(iif(market_id IS NULL, trades, 0))"
            " FROM trade_gains_units"
        )[0]
        made = sim.telemetry.query("SELECT tick, market_id, commodity, quantity, price FROM trades")
        told = sim.telemetry.query(
            "SELECT tick, market_id, commodity, quantity, mean_price, dispersion FROM trade_prices"
        )
        counted = rows_of(sim, "SELECT tick, market_id, trades FROM trade_gains")
        counts = rows_of(
            sim,
            "SELECT tick, market_id, count(*) FROM trades WHERE market_id IS NOT NULL"
            " GROUP BY tick, market_id",
        )
        realised = sim.world.agents.whole(Gains).realised.sum()
        minor = sim.world.settings.minor_size
    assert gains == pytest.approx(ticks)
    assert gains[:2] == pytest.approx((found["market_gain"], found["bilateral_gain"]))
    assert realised * minor == pytest.approx(found["gain"])
    assert found["market_gain"] > 0.0 < found["bilateral_gain"]
    grouped: dict[Any, list[tuple[int, int]]] = defaultdict(list)
    for tick, market, good, quantity, price in made:
        grouped[tick, market, good].append((quantity, price))
    assert {row[:3] for row in told} == set(grouped)
    for tick, market, good, quantity, mean, dispersion in told:
        paid = grouped[tick, market, good]
        lots, prices = (np.array(column, np.float64) for column in zip(*paid, strict=True))
        assert quantity == lots.sum()
        expected = np.average(prices, weights=lots)
        spread = math.sqrt(np.average((prices - expected) ** 2, weights=lots)) / expected
        assert mean == pytest.approx(expected)
        assert dispersion == pytest.approx(spread, abs=1e-9)
    assert {key: count for key, count in counted.items() if key[1] is not None} == counts
    assert found["last_trade_tick"] == max(row[0] for row in made)
    for good in ("A", "B"):
        mine = [row for row in made if row[2] == good]
        lots, prices = (np.array([row[i] for row in mine], np.float64) for i in (3, 4))
        expected = np.average(prices, weights=lots)
        entry = found["prices"][good]
        assert entry["volume"] == pytest.approx(lots.sum() / 1000)
        assert entry["mean"] == pytest.approx(expected / 10000)
        alpha = smith_alpha(prices / 10000, entry["equilibrium"], lots)
        assert entry["smith_alpha"] == pytest.approx(alpha)


def test_no_level_and_no_question_changes_a_run() -> None:
    seen = []
    for level, threads, asked in (("off", 1, False), ("summary", 2, True), ("full", 1, True)):
        with Simulation(
            load_scenario("walrasian_two_markets"), telemetry_level=level, threads=threads
        ) as sim:
            for _ in range(30):
                sim.step()
                if asked and sim.tick % 10 == 0:
                    sim.welfare()
            seen.append((sim.state_hash(), sim.welfare()))
    assert seen[0] == seen[1] == seen[2]


def test_without_an_inflow_what_is_had_and_what_is_left_is_what_there_was() -> None:
    """Face to face, until long after the last trade: the sum stays as it was at the start."""
    taste = [{"type": "cobb_douglas", "exponents": [0.5, 0.5], "share": 1}]
    groups = [
        {"name": name, "count": 6, "inventories": {**held, "M": 200}, "utilities": taste}
        for name, held in (("a", {"A": 18, "B": 3}), ("b", {"A": 3, "B": 18}))
    ]
    with Simulation(one_cell(*groups)) as sim:
        first = sim.welfare()
        efficiency = 0.0
        for _ in range(15):
            sim.step()
            found = sim.welfare()
            assert found["attainable"] == pytest.approx(first["attainable_now"], rel=1e-4)
            assert found["efficiency"] >= efficiency
            efficiency = found["efficiency"]
    assert first["exact"]
    assert first["prices"]["A"]["equilibrium"] == pytest.approx(
        found["prices"]["A"]["equilibrium"], rel=1e-5
    )
    assert efficiency > 0.95


def test_only_goods_that_can_change_hands_count() -> None:
    groups = [
        {
            "name": f"g{i}",
            "count": 1,
            "inventories": {"A": a, "B": b, "M": 50},
            "utilities": [{"type": "linear", "weights": weights}],
        }
        for i, (a, b, weights) in enumerate(((4, 0, [1, 3]), (0, 4, [2, 1])))
    ]
    post = {"mechanism": "call_auction", "commodities": ["A", "M"]}
    with Simulation(one_cell(*groups, post=post)) as sim:
        assert sim.welfare()["attainable_now"] == pytest.approx(4.0)
    with Simulation(one_cell(*groups)) as sim:
        assert sim.welfare()["attainable_now"] == pytest.approx(12.0)


def test_nobody_and_nothing() -> None:
    with Simulation(load_scenario("bilateral_only")) as sim:
        before = sim.welfare()
        assert before["last_trade_tick"] is None
        assert before["efficiency"] == 0.0
        assert before["gini"] is None
        sim.despawn(sim.population("rich_in_a").ids())
        sim.despawn(sim.population("rich_in_b").ids())
        sim.step()
        empty = sim.welfare()
        assert "nothing to gain" in empty["reasons"]["efficiency"]
        assert (empty["attainable_now"], empty["exhausted"]) == (0.0, True)
        assert empty["prices"]["A"]["volume"] == 0.0
        assert sim.telemetry.query("SELECT count(*) FROM trade_gains, trade_prices") == [(0,)]


def test_money_that_is_no_measure() -> None:
    with Simulation(load_scenario("edgeworth_box")) as sim:
        sim.run(1)
        found = sim.welfare()
    assert found["unit"] == "B"
    assert found["gain"] > 0.0
    assert found["efficiency"] is None
    assert "not quasi-linear" in found["reasons"]["efficiency"]
    assert found["prices"]["A"]["mean"] == pytest.approx(5 / 6, abs=1e-4)
    assert found["prices"]["A"]["smith_alpha"] is None
    assert found["exhausted"] is True


def test_large_runs_leave_the_meeting_out() -> None:
    with Simulation(load_scenario("bilateral_only")) as sim:
        found = welfare_of(sim.world, sim.units, most_agents=10)
    assert found["attainable_now"] is None
    assert found["efficiency"] is None
    assert found["exhausted"] is None
    assert "more than 10 agents" in found["reasons"]["efficiency"]


def test_what_is_printed() -> None:
    groups = [linear("poor", 1.0, 10.0, 0.0), linear("rich", 2.0, 0.0, 100.0)]
    more = {"status": "completed", "compiled": False, "output": {"folder": "runs/x"}}
    with Simulation(one_cell(*groups)) as sim:
        start = for_people(plain(sim.summary() | more))
        sim.run(2)
        end = for_people(plain(sim.summary() | more))
    assert "efficiency        0.00 % of 10.00 M attainable" in start
    assert "last trade        none; gains not exhausted (10.00 M left)" in start
    assert "prices paid       none" in start
    assert "0.00 M at posts, 10.00 M bilateral; Gini 0.00" in end
    assert "efficiency        100.00 % of 10.00 M attainable" in end
    assert "A 1.5000, dispersion 0.0 %" in end
    assert "gains exhausted (nobody could gain 0.01 M more)" in end
