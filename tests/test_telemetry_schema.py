"""The database's shape: the asked-for columns, levels, units and types."""

from __future__ import annotations

import logging
import re
import sqlite3
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from ecs_market.errors import InputError
from ecs_market.telemetry import TABLES, VIEWS, Level, Recorder, default_level, tables_at
from ecs_market.telemetry.run_row import exact_text

RUN = {"lot": "0.001", "price_step": "0.0001"}

# Name and type of each column, in order; REAL prices are integers here, counted in price steps.
EXPECTED = {
    "market_posts": (
        "run_id:INTEGER market_id:INTEGER location_x:INTEGER location_y:INTEGER"
        " visibility_radius:INTEGER interaction_radius:INTEGER broadcast_radius:INTEGER"
        " mechanism_type:TEXT commodities:TEXT"
    ),
    "market_orders": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER agent_id:INTEGER commodity:TEXT"
        " direction:TEXT quantity:INTEGER limit_price:INTEGER status:TEXT"
    ),
    "market_clears": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER commodity:TEXT clearing_price:INTEGER"
        " total_demand:INTEGER total_supply:INTEGER quantity_traded:INTEGER"
        " convergence_iterations:INTEGER status:TEXT residual:REAL participants:INTEGER"
    ),
    "market_prices": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER commodity:TEXT price:INTEGER"
        " bid_ask_spread:INTEGER"
    ),
    "trades": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER buyer_id:INTEGER seller_id:INTEGER"
        " commodity:TEXT quantity:INTEGER price:INTEGER fee:INTEGER"
    ),
    "trade_gains": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER trades:INTEGER gain:INTEGER fee:INTEGER"
    ),
    "trade_prices": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER commodity:TEXT quantity:INTEGER"
        " mean_price:REAL dispersion:REAL"
    ),
    "ticks": (
        "run_id:INTEGER tick:INTEGER agents:INTEGER market_trades:INTEGER bilateral_trades:INTEGER"
        " market_volume:INTEGER bilateral_volume:INTEGER harvested:INTEGER market_gain:INTEGER"
        " bilateral_gain:INTEGER state_hash:TEXT elapsed_ns:INTEGER"
    ),
    "system_times": "run_id:INTEGER tick:INTEGER system:TEXT ns:INTEGER",
    "agents": (
        "run_id:INTEGER tick:INTEGER agent_id:INTEGER x:INTEGER y:INTEGER money:INTEGER"
        " wealth:INTEGER gain:INTEGER target_kind:TEXT target_id:INTEGER"
    ),
    "agent_kinds": "run_id:INTEGER tick:INTEGER agent_id:INTEGER population:TEXT family:TEXT",
    "pairs": "run_id:INTEGER tick:INTEGER first_id:INTEGER second_id:INTEGER",
    "patches": (
        "run_id:INTEGER tick:INTEGER patch_id:INTEGER x:INTEGER y:INTEGER commodity:TEXT"
        " capacity:INTEGER stock:INTEGER"
    ),
    "clear_curves": (
        "run_id:INTEGER tick:INTEGER market_id:INTEGER commodity:TEXT price:INTEGER"
        " demand:INTEGER supply:INTEGER"
    ),
    "agent_goods": ("run_id:INTEGER tick:INTEGER agent_id:INTEGER commodity:TEXT quantity:INTEGER"),
    "runs": (
        "run_id:INTEGER name:TEXT scenario:TEXT seed:INTEGER level:TEXT version:TEXT"
        " rng_version:TEXT hash_version:TEXT lot:TEXT price_step:TEXT minor:TEXT"
        " lots_per_unit:REAL price_steps_per_money:REAL minor_per_money:REAL goods:TEXT"
        " grid_width:INTEGER grid_height:INTEGER torus:INTEGER agents:INTEGER"
        " snapshot_agents:INTEGER snapshot_every:INTEGER"
        " processor:TEXT python:TEXT numpy:TEXT numba:TEXT started_at:TEXT finished_at:TEXT"
        " ticks:INTEGER failure:TEXT"
    ),
}


def test_the_file_has_the_asked_for_columns(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Recorder.open(path, "summary", run=RUN):
        pass
    connection = sqlite3.connect(path)
    try:
        found = {
            name: " ".join(
                f"{row[1]}:{row[2]}" for row in connection.execute(f"PRAGMA table_info({name})")
            )
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        strict = connection.execute(
            "SELECT min(strict) FROM pragma_table_list WHERE type='table'"
            " AND name NOT LIKE 'sqlite%'"
        ).fetchone()
        views = {
            n for (n,) in connection.execute("SELECT name FROM sqlite_master WHERE type='view'")
        }
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    finally:
        connection.close()
    assert found == EXPECTED
    assert strict == (1,)
    assert views == set(VIEWS)
    assert {"trades_units", "market_prices_units", "market_clears_units"} <= views
    assert {"market_orders_units", "agents_units"} <= views


def test_levels_are_ordered_and_each_includes_the_ones_before() -> None:
    summary = {"runs", "market_posts", "market_clears", "market_prices", "ticks", "system_times"}
    summary |= {"trade_gains", "trade_prices", "agents", "agent_kinds", "patches"}
    trades = summary | {"trades", "pairs", "clear_curves"}
    assert Level.OFF < Level.SUMMARY < Level.TRADES < Level.ORDERS < Level.FULL
    assert tables_at("off") == ()
    assert set(tables_at(Level.SUMMARY)) == summary
    assert set(tables_at("trades")) == trades
    assert set(tables_at("orders")) == trades | {"market_orders"}
    assert set(tables_at("full")) == set(TABLES)


def test_an_unknown_level_names_the_known_ones() -> None:
    with pytest.raises(InputError, match="'all' is not known; allowed are off, summary, trades"):
        Level.parse("all")


def test_the_default_level_says_when_it_leaves_trades_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    with caplog.at_level(logging.INFO, logger="ecs_market"):
        assert default_level(10_000) is Level.TRADES
        assert not caplog.records
        assert default_level(10_001) is Level.SUMMARY
    assert "'summary'" in caplog.text


def test_views_show_storage_units_in_units() -> None:
    run = {"lot": "0.001", "price_step": Fraction(1, 10_000), "goods": ["A", "B"], "seed": 5}
    with Recorder.open(None, "full", run=run) as recorder:
        recorder.append(
            "trades",
            {"tick": 0, "market_id": None, "buyer_id": 1, "seller_id": 2, "commodity": "A",
             "quantity": 1500, "price": 7000, "fee": 3},
        )  # fmt: skip
        recorder.append(
            "market_orders",
            {"tick": 0, "market_id": 0, "agent_id": 4, "commodity": "A", "direction": "buy",
             "quantity": 1, "limit_price": None, "status": "filled"},
        )  # fmt: skip
        recorder.append(
            "market_clears",
            {"tick": 0, "market_id": 0, "commodity": "A", "clearing_price": 12_345,
             "total_demand": 1, "total_supply": 20, "quantity_traded": 300, "residual": 0.5},
        )  # fmt: skip
        recorder.append("market_prices", {"tick": 0, "market_id": 0, "commodity": "A", "price": 1})
        recorder.append(
            "agents",
            {"tick": 0, "agent_id": 4, "x": 1, "y": 2, "money": 10_000_001, "wealth": None,
             "gain": -5_000_000},
        )  # fmt: skip
        recorder.append(
            "patches",
            {"tick": 0, "patch_id": 3, "commodity": "A", "capacity": 2500, "stock": 1},
        )
        recorder.append(
            "clear_curves",
            {"tick": 0, "market_id": 0, "commodity": "A", "price": 7000, "demand": 1500,
             "supply": 0},
        )  # fmt: skip
        recorder.append("agent_goods", {"tick": 0, "agent_id": 4, "commodity": "B", "quantity": 7})
        recorder.append("ticks", {"tick": 0, "market_gain": 25_000_000, "harvested": 2000})
        recorder.end_tick()
        assert recorder.query("SELECT * FROM trades_units") == [
            (1, 0, None, 1, 2, "A", 1.5, 0.7, 3e-7)
        ]
        assert recorder.query("SELECT quantity, limit_price FROM market_orders_units") == [
            (0.001, None)
        ]
        assert recorder.query(
            "SELECT clearing_price, total_demand, total_supply, quantity_traded, residual"
            " FROM market_clears_units"
        ) == [(1.2345, 0.001, 0.02, 0.3, 0.5)]
        assert recorder.query("SELECT price, bid_ask_spread FROM market_prices_units") == [
            (0.0001, None)
        ]
        assert recorder.query("SELECT x, y, money, wealth, gain FROM agents_units") == [
            (1, 2, 1.0000001, None, -0.5)
        ]
        assert recorder.query("SELECT patch_id, capacity, stock FROM patches_units") == [
            (3, 2.5, 0.001)
        ]
        assert recorder.query("SELECT price, demand, supply FROM clear_curves_units") == [
            (0.7, 1.5, 0.0)
        ]
        assert recorder.query("SELECT quantity FROM agent_goods_units") == [(0.007,)]
        assert recorder.query("SELECT market_gain, harvested FROM ticks_units") == [(2.5, 2.0)]
        assert recorder.query("SELECT lot, price_step, minor, goods, seed, level FROM runs") == [
            ("0.001", "0.0001", "0.0000001", '["A", "B"]', 5, "full")
        ]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 1000), "0.001"),
        (Fraction(1), "1"),
        (Fraction(100), "100"),
        (Fraction(5, 2), "2.5"),
        (Fraction(1, 3), "1/3"),
        (Fraction(1, 10**30), "0." + "0" * 29 + "1"),
    ],
)
def test_units_are_stored_exactly(value: Fraction, text: str) -> None:
    assert exact_text(value) == text
    assert Fraction(text) == value


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lot": "0"}, "lot must be a positive number"),
        ({"lot": "nan"}, "lot must be a positive number"),
        ({"price_step": None}, "price_step must be a positive number, not None"),
        ({"minor": "1"}, "minor must be lot x price_step"),
        ({"colour": "red"}, "unknown key 'colour'; allowed are name, scenario, seed"),
    ],
)
def test_a_faulty_run_row_is_refused_before_a_file_is_made(
    tmp_path: Path, change: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        Recorder.open(tmp_path / "run.db", "trades", run=RUN | change)
    assert list(tmp_path.iterdir()) == []


def test_the_machine_is_recorded() -> None:
    with Recorder.open(None, "summary", run=RUN | {"rng_version": 1, "version": "9.9"}) as recorder:
        row = recorder.columns("runs")
    assert row["numpy"][0]
    assert row["python"][0]
    assert row["processor"][0]
    assert row["started_at"][0].endswith("+00:00")
    assert (row["rng_version"][0], row["version"][0]) == ("1", "9.9")


def test_posts_are_stored_with_their_goods_as_json() -> None:
    post = {"market_id": 3, "location_x": 1, "location_y": 2, "visibility_radius": 10,
            "interaction_radius": 3, "broadcast_radius": 15, "mechanism_type": "posted_price",
            "commodities": ["A", "M"]}  # fmt: skip
    with Recorder.open(None, "summary", run=RUN, posts=[post]) as recorder:
        recorder.append_posts([post | {"market_id": 4}])
        recorder.end_tick()
        assert recorder.query("SELECT * FROM market_posts") == [
            (1, 3, 1, 2, 10, 3, 15, "posted_price", '["A", "M"]'),
            (1, 4, 1, 2, 10, 3, 15, "posted_price", '["A", "M"]'),
        ]
        with pytest.raises(InputError, match="market post 0: unknown key 'colour'"):
            recorder.append_posts([post | {"colour": 1}])


def test_every_table_and_column_is_described() -> None:
    page = (Path(__file__).parent.parent / "docs" / "telemetry.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*)$", page, re.MULTILINE))
    assert set(rows) == set(TABLES)
    shared = {"run_id", "tick", "market_id", "commodity"}
    for name, table in TABLES.items():
        assert f"`{table.level.label}`" in rows[name].split("|")[0]
        for column in table.columns:
            assert column.name in shared or f"`{column.name}`" in rows[name], (name, column.name)
