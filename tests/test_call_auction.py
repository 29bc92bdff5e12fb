"""Call auctions through `clear` and over ticks: exactness, nobody worse off, threads, rows."""

from __future__ import annotations

import random
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import ecs_market.world
from ecs_market import Simulation, clear
from ecs_market.components.intent import Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.position import Position
from tests.oracles import uniform_price as oracle

UNITS = {"lot": 1, "price_step": 0.01}
SMITH = [3.25 - 0.25 * i for i in range(11)]
Book = list[oracle.Order]


def listed(book: Book) -> list[dict[str, Any]]:
    """Return (buys, lots, steps) as orders; the agent's id is the place in the list."""
    return [
        {
            "agent": i,
            "commodity": "X",
            "direction": "buy" if buys else "sell",
            "quantity": lots,
            "limit_price": round(steps * 0.01, 2),
        }
        for i, (buys, lots, steps) in enumerate(book)
    ]


orders = st.tuples(st.booleans(), st.integers(1, 30), st.integers(1, 60) | st.integers(1, 9999))


@settings(max_examples=150, deadline=None)
@given(st.lists(orders, min_size=1, max_size=12), st.sampled_from([0.0, 0.5, 1.0]))
def test_orders_trade_at_the_price_of_most_volume(book: Book, k: float) -> None:
    result = clear(
        orders=listed(book), units=UNITS, mechanism="call_auction", mechanism_params={"k": k}
    )
    wanted = oracle.call(book, Fraction(k))
    assert result.volume["X"] == wanted.volume
    if wanted.volume:
        assert round(result.prices["X"] * 100) == wanted.price
        fills = oracle.fills(book, wanted.volume)
        signed = [f if buys else -f for f, (buys, *_) in zip(fills, book, strict=True)]
        assert result.filled[:, 0].tolist() == signed
    else:
        assert result.status == "indicative"
    assert (result.gains >= 0.0).all()
    assert result.prices["X"] > 0.0


def smith_orders() -> list[dict[str, Any]]:
    def one(agent: int, direction: str, price: float) -> dict[str, Any]:
        return {
            "agent": agent,
            "commodity": "X",
            "direction": direction,
            "quantity": 1,
            "limit_price": price,
        }

    return [
        *(one(i, "buy", value) for i, value in enumerate(SMITH)),
        *(one(100 + i, "sell", cost) for i, cost in enumerate(SMITH)),
    ]


def smith_groups() -> list[dict[str, Any]]:
    def one(name: str, worth: float, held: dict[str, float]) -> dict[str, Any]:
        taste = [{"type": "linear", "weights": [worth]}]
        return {"name": name, "count": 1, "inventories": held, "utilities": taste}

    # Money for one unit at its value, and none for a second at a price anywhere near.
    return [
        *(one(f"b{i}", value, {"X": 0, "M": value}) for i, value in enumerate(SMITH)),
        *(one(f"s{i}", cost, {"X": 1, "M": 0}) for i, cost in enumerate(SMITH)),
    ]


def test_smith_1962_test_1() -> None:
    for result in (
        clear(orders=smith_orders(), units=UNITS, mechanism="call_auction"),
        clear(smith_groups(), units=UNITS, mechanism="call_auction"),
    ):
        assert result.prices["X"] == 2.0
        assert result.volume["X"] == 6.0
        assert result.gains.sum() == pytest.approx(7.5)
        assert result.status == "converged"


def test_mcafee_gives_up_the_marginal_trade_of_smith() -> None:
    result = clear(
        orders=smith_orders(),
        units=UNITS,
        mechanism="call_auction",
        mechanism_params={"mcafee": True},
    )
    # (1.75 + 2.25) / 2 lies between the sixth cost and the sixth value, both 2.00: all trade.
    assert result.volume["X"] == 6.0
    book = [(True, 1, 9), (True, 1, 8), (False, 1, 2), (False, 1, 3)]
    result = clear(
        orders=listed(book),
        units=UNITS,
        mechanism="call_auction",
        mechanism_params={"mcafee": True},
    )
    assert result.filled[:, 0].tolist() == [1.0, 0.0, -1.0, 0.0]
    # The buyer pays 0.08 and the seller gets 0.03: the market keeps the rest.
    assert result.gains.tolist() == pytest.approx([0.01, 0.0, 0.01, 0.0])
    assert result.money.sum() == pytest.approx(0.17 - 0.05)


def cobb(name: str, count: int, goods: Any, **taste: Any) -> dict[str, Any]:
    return {
        "name": name,
        "count": count,
        "inventories": {"A": goods, "B": goods, "M": [100, 200]},
        "utilities": [{"type": "cobb_douglas", "exponents": [0.6, 0.4], **taste}],
    }


MIXED = [
    cobb("smooth", 30, [5, 25]),
    cobb("level", 6, [1, 9], scale="level"),
    {**cobb("plain", 20, [5, 25]), "utilities": [{"type": "linear", "weights": [0.7, 0.3]}]},
]


def test_nobody_worse_off_and_little_wasted() -> None:
    for seed in range(5):
        result = clear(MIXED, mechanism="call_auction", seed=seed)
        best = clear(MIXED, mechanism="walrasian", seed=seed)
        assert (result.gains >= 0.0).all()
        assert (result.goods >= 0.0).all()
        assert (result.money >= 0.0).all()
        assert result.filled.sum(axis=0) == pytest.approx(0.0)
        assert result.gains.sum() > 0.9 * best.gains.sum()


def test_finer_blocks_reach_the_walrasian_gains() -> None:
    smooth = [cobb("smooth", 40, [5, 25])]
    best = clear(smooth, mechanism="walrasian").gains.sum()
    gains = [
        clear(smooth, mechanism="call_auction", mechanism_params={"order_size": size}).gains.sum()
        for size in (4, 1, 0.1)
    ]
    assert gains[0] < gains[2] <= best * (1 + 1e-9)
    assert gains[2] > 0.995 * best


@pytest.mark.parametrize("behaviour", ["zi_c", "zi_u"])
def test_zero_intelligence(behaviour: str) -> None:
    params = {"behaviour": behaviour, "price_low": 0.01, "price_high": 2.0}
    found = [
        clear(MIXED, mechanism="call_auction", mechanism_params=params, seed=seed)
        for seed in (0, 0, 1)
    ]
    assert found[0].goods_lots.tolist() == found[1].goods_lots.tolist()
    assert found[0].goods_lots.tolist() != found[2].goods_lots.tolist()
    for result in found:
        assert (result.goods >= 0.0).all()
        assert (result.money >= 0.0).all()
        assert result.volume["A"] > 0.0
        if behaviour == "zi_c":
            assert (result.gains >= 0.0).all()
    if behaviour == "zi_u":
        assert min(result.gains.min() for result in found) < 0.0


def scenario(seed: int, **params: Any) -> dict[str, Any]:
    """Return a small lively economy around a call auction."""
    draw = random.Random(seed)
    places = [{"location": [4, 4], "mechanism": "call_auction", "mechanism_params": params}]
    if seed % 2:
        places.append({"location": [9, 7], "mechanism": "call_auction"})
    return {
        "name": "calls",
        "grid": {"width": 12, "height": 12},
        "goods": ["A", "B"],
        "populations": MIXED,
        "exchange_regime": draw.choice(["centralized", "mixed_bilateral_centralized"]),
        "market_posts": places,
    }


CASES = [
    (1, {}),
    (2, {"interval": 3}),
    (3, {"mcafee": True, "order_size": 0.5}),
    (4, {"behaviour": "zi_c", "price_low": 0.01, "price_high": 1.5, "interval": 2}),
    (5, {"behaviour": "zi_u", "price_low": 0.01, "price_high": 1.5}),
]


@pytest.mark.parametrize(("seed", "params"), CASES)
def test_threads_rows_and_levels(
    seed: int, params: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def trace(threads: int, level: str, shuffle: bool) -> list[str]:
        generator = np.random.default_rng(seed)
        found = []
        with Simulation(
            scenario(seed, **params), seed, threads=threads, telemetry_level=level
        ) as sim:
            for _ in range(12):
                sim.step()
                if shuffle:
                    tables = sim.world.agents.tables
                    order = {n: generator.permutation(t.size) for n, t in tables.items()}
                    sim.world.restructure(reorder=order)
                found.append(sim.state_hash())
            if level == "full":
                check_records(sim)
        return found

    plain = trace(1, "full", shuffle=False)
    monkeypatch.setattr(ecs_market.world, "SERIAL_ROWS", 1)
    assert trace(2, "off", shuffle=True) == plain


def check_records(sim: Simulation) -> None:
    """Trades, orders and accounts add up, and what is left of the books is not crossed."""
    query = sim.telemetry.query
    assert query("SELECT count(*) FROM trades WHERE market_id IS NOT NULL")[0][0] > 0
    sums = query(
        "SELECT tick, market_id, commodity, sum(quantity) FROM trades "
        "WHERE market_id IS NOT NULL GROUP BY 1, 2, 3 ORDER BY 1, 2, 3"
    )
    clears = query(
        "SELECT tick, market_id, commodity, quantity_traded FROM market_clears "
        "WHERE quantity_traded > 0 ORDER BY 1, 2, 3"
    )
    assert sums == clears
    assert query("SELECT count(*) FROM market_orders WHERE status = 'filled'")[0][0] > 0
    mcafee = (
        sim.markets[0].mechanism_type == "call_auction"
        and query("SELECT count(*) FROM trades WHERE fee > 0")[0][0]
    )
    crossed = query("SELECT count(*) FROM market_prices WHERE bid_ask_spread <= 0")[0][0]
    assert mcafee or not crossed


def test_an_interval_gathers_orders() -> None:
    with Simulation(scenario(2, interval=4), 0, telemetry_level="full") as sim:
        sim.run(16)
        ticks = {tick for (tick,) in sim.telemetry.query("SELECT DISTINCT tick FROM market_clears")}
        assert ticks
        assert all((tick + 1) % 4 == 0 for tick in ticks)


def test_orders_wait_open_and_are_cancelled_when_their_agent_leaves() -> None:
    with Simulation(scenario(2, interval=4), 0, telemetry_level="full") as sim:
        waited = False
        for _ in range(16):
            sim.step()
            pending = sim.markets[0].pending_orders
            waited = waited or bool(pending)
            if sim.tick % 4 == 0:
                assert not pending
        assert waited
        counts = dict(sim.telemetry.query("SELECT status, count(*) FROM market_orders GROUP BY 1"))
    assert counts["open"] > 0
    closed = sum(counts.get(status, 0) for status in ("filled", "partial", "unfilled", "cancelled"))
    assert closed >= counts["open"]


def test_a_leaver_takes_its_orders_along() -> None:
    with Simulation(scenario(2, interval=8), 0, telemetry_level="orders") as sim:
        while not sim.markets[0].pending_orders:
            sim.step()
        orders = sim.markets[0].pending_orders
        gone = orders[0]["agent"]
        assert set(orders[0]) == {"agent", "commodity", "direction", "quantity", "limit_price"}
        sim.despawn([gone])
        assert all(order["agent"] != gone for order in sim.markets[0].pending_orders)
        rest = {order["agent"] for order in sim.markets[0].pending_orders}
        place = sim.world.agents.whole(Intent)
        rows = sim.world.agent_rows[sorted(rest)]
        place.kind[rows] = 0  # they would rather be elsewhere
        position = sim.world.agents.whole(Position)
        position.x[rows] = 0
        position.y[rows] = 0
        sim.step()
        left = {order["agent"] for order in sim.markets[0].pending_orders}
        assert not rest & left
        query = sim.telemetry.query
        assert {a for (a,) in query("SELECT agent_id FROM market_orders WHERE status='cancelled'")}


def test_an_order_is_cut_to_what_its_agent_still_has() -> None:
    with Simulation(scenario(2, interval=8), 0) as sim:
        while sim.tick < 7 or not sim.markets[0].pending_orders:
            sim.step()
            if sim.tick == 7:
                break
        assert sim.markets[0].pending_orders
        ids = sim.population("smooth").ids()
        with sim.edit() as edit:
            edit.set("inventory.money", ids, np.zeros(len(ids), np.int64))
        sim.step()
        assert (sim.world.agents.whole(Inventory).money >= 0).all()


def test_a_double_auction_shows_its_resting_orders() -> None:
    document = scenario(2)
    document["market_posts"][0] |= {"mechanism": "continuous_double_auction"}
    with Simulation(document, 0, telemetry_level="off") as sim:
        sim.run(12)
        orders = sim.markets[0].pending_orders
    assert orders
    assert all(order["quantity"] > 0 and order["limit_price"] > 0 for order in orders)
