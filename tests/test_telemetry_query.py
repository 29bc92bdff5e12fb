"""Reading: nothing but reading, from any thread, at any time."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from ecs_market.errors import TelemetryError
from ecs_market.telemetry import Coded, Recorder

RUN = {"lot": "0.001", "price_step": "0.0001"}


@pytest.fixture(params=["file", "memory"])
def recorder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Recorder]:
    target = tmp_path / "run.db" if request.param == "file" else None
    with Recorder.open(target, "trades", run=RUN) as opened:
        fill(opened, 0)
        yield opened


def fill(recorder: Recorder, tick: int, n: int = 100) -> None:
    ids = np.arange(n)
    recorder.append(
        "trades",
        {"tick": tick, "market_id": np.ma.masked_array(ids, ids % 2 == 1), "buyer_id": ids,
         "seller_id": ids + 1, "commodity": Coded((ids % 2).astype(np.int8), ("A", "B")),
         "quantity": ids, "price": ids, "fee": 0},
    )  # fmt: skip
    recorder.append("ticks", {"tick": tick, "agents": n})
    recorder.end_tick()


ATTACKS = [
    "DELETE FROM trades",
    "DELETE FROM trades WHERE tick = 0",
    "UPDATE trades SET price = 0",
    "INSERT INTO trades (run_id, tick) VALUES (1, 1)",
    "INSERT INTO ticks (run_id, tick) VALUES (1, 9) RETURNING tick",
    "REPLACE INTO ticks (run_id, tick) VALUES (1, 9)",
    "WITH a AS (SELECT 1 AS b) INSERT INTO ticks (run_id, tick) SELECT b, b FROM a",
    "DROP TABLE trades",
    "DROP VIEW trades_units",
    "ALTER TABLE trades ADD COLUMN note TEXT",
    "ALTER TABLE trades RENAME TO trade",
    "CREATE TABLE notes (a)",
    "CREATE TEMP TABLE notes (a)",
    "CREATE VIEW notes AS SELECT 1",
    "CREATE TEMP VIEW notes AS SELECT 1",
    "CREATE INDEX by_tick ON trades (tick)",
    "CREATE TRIGGER t AFTER INSERT ON ticks BEGIN DELETE FROM trades; END",
    "CREATE TEMP TRIGGER t AFTER INSERT ON ticks BEGIN DELETE FROM trades; END",
    "CREATE VIRTUAL TABLE notes USING fts5(a)",
    "ATTACH DATABASE ':memory:' AS other",
    "ATTACH DATABASE 'other.db' AS other",
    "DETACH DATABASE main",
    "VACUUM",
    "VACUUM INTO 'copy.db'",
    "ANALYZE",
    "BEGIN",
    "BEGIN IMMEDIATE",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT tick",
    "RELEASE tick",
    "PRAGMA query_only = 0",
    "PRAGMA writable_schema = 1",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA user_version = 7",
    "PRAGMA max_page_count = 1",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA foreign_keys(1)",
    "UPDATE sqlite_master SET sql = ''",
    "DELETE FROM sqlite_master",
    "INSERT INTO sqlite_master VALUES ('table', 'a', 'a', 0, '')",
    "SELECT load_extension('libc.so.6')",
    "SELECT LOAD_EXTENSION('libc.so.6')",
    "SELECT 1; DELETE FROM trades",
    "EXPLAIN DELETE FROM trades",
]


@pytest.mark.parametrize("sql", ATTACKS)
def test_whatever_could_write_is_refused(recorder: Recorder, sql: str, tmp_path: Path) -> None:
    before = recorder.query("SELECT * FROM trades"), recorder.query("SELECT * FROM sqlite_master")
    files = sorted(path.name for path in tmp_path.iterdir())
    with pytest.raises(TelemetryError, match="query refused"):
        recorder.query(sql)
    assert before == (
        recorder.query("SELECT * FROM trades"),
        recorder.query("SELECT * FROM sqlite_master"),
    )
    assert recorder.query("PRAGMA user_version") == [(2,)]
    assert sorted(path.name for path in tmp_path.iterdir()) == files
    fill(recorder, 1)
    assert recorder.query("SELECT count(*) FROM trades") == [(200,)]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("SELECT count(*) FROM trades WHERE market_id IS NULL", [(50,)]),
        ("SELECT value FROM json_each('[1, 2]')", [(1,), (2,)]),
        ("WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r LIMIT 2) SELECT i FROM r",
         [(1,), (2,)]),
        ("SELECT name FROM pragma_table_info('system_times') LIMIT 1", [("run_id",)]),
        ("VALUES (1)", [(1,)]),
        ("SELECT max(rank) FROM (SELECT rank() OVER (ORDER BY price) AS rank FROM trades)",
         [(100,)]),
    ],
)  # fmt: skip
def test_reading_in_every_form_works(
    recorder: Recorder, sql: str, rows: list[tuple[object, ...]]
) -> None:
    assert recorder.query(sql) == rows


def test_parameters(recorder: Recorder) -> None:
    assert recorder.query("SELECT count(*) FROM trades WHERE price < ?", (10,)) == [(10,)]
    assert recorder.query("SELECT count(*) FROM trades WHERE price < :p", {"p": 10}) == [(10,)]
    with pytest.raises(TelemetryError, match="query refused"):
        recorder.query("SELECT ?", ())
    with pytest.raises(TelemetryError, match="query refused"):
        recorder.query("SELECT ?", (2**70,))


@pytest.mark.parametrize("sql", ["SELEC 1", "SELECT a FROM trades", "SELECT '\0'", ""])
def test_a_faulty_statement_gives_one_clear_error(recorder: Recorder, sql: str) -> None:
    if sql:
        with pytest.raises(TelemetryError, match="query refused"):
            recorder.query(sql)
    else:
        assert recorder.query(sql) == []


def test_a_table_that_is_not_recorded_says_which_level_has_it(recorder: Recorder) -> None:
    for sql in ("SELECT count(*) FROM market_orders", "SELECT quantity FROM market_orders_units"):
        with pytest.raises(
            TelemetryError, match=r"not recorded at telemetry level 'trades'.*'orders'"
        ):
            recorder.query(sql)
    with pytest.raises(TelemetryError, match="table agent_goods is not recorded"):
        recorder.columns("agent_goods")
    with pytest.raises(TelemetryError, match="there is no table 'tradez'"):
        recorder.columns("tradez")


def test_columns_have_fitting_types(recorder: Recorder) -> None:
    trades = recorder.columns("trades")
    assert trades["quantity"].dtype == np.int64
    assert trades["quantity"].tolist() == list(range(100))
    assert trades["market_id"].dtype == np.float64
    assert np.isnan(trades["market_id"]).tolist() == [False, True] * 50
    assert trades["commodity"].dtype == object
    assert trades["commodity"][:3].tolist() == ["A", "B", "A"]
    units = recorder.columns("trades_units")
    assert units["quantity"].dtype == np.float64
    assert units["quantity"][99] == 0.099
    assert units["buyer_id"].dtype == np.int64
    empty = recorder.columns("market_clears")
    assert empty["clearing_price"].dtype == np.int64
    assert empty["residual"].dtype == np.float64
    assert empty["status"].dtype == object
    assert all(len(column) == 0 for column in empty.values())


def test_queries_see_whole_ticks_only(recorder: Recorder) -> None:
    recorder.append("ticks", {"tick": 1})
    assert recorder.query("SELECT count(*) FROM ticks") == [(1,)]
    recorder.end_tick()
    assert recorder.query("SELECT count(*) FROM ticks") == [(2,)]


def test_many_threads_query_while_one_records(recorder: Recorder) -> None:
    faults: list[str] = []
    done = threading.Event()

    def ask() -> None:
        while not done.is_set():
            ((trades, ticks),) = recorder.query(
                "SELECT (SELECT count(*) FROM trades), (SELECT count(*) FROM ticks)"
            )
            if trades != 100 * ticks:
                faults.append(f"{trades} trades in {ticks} ticks")
            try:
                recorder.query("DELETE FROM trades")
            except TelemetryError:
                pass
            else:
                faults.append("a DELETE went through")

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    for tick in range(1, 40):
        fill(recorder, tick)
    done.set()
    for thread in threads:
        thread.join()
    assert faults == []
    assert recorder.query("SELECT count(*) FROM trades") == [(4000,)]


def test_off_records_nothing_and_says_so(tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path / "run.db", "off", run=RUN)
    recorder.append("trades", {"tick": 0})
    recorder.end_tick()
    recorder.flush()
    assert recorder.path is None
    assert recorder.tables() == ()
    assert not recorder.records("ticks")
    with pytest.raises(TelemetryError, match="nothing is recorded at telemetry level 'off'"):
        recorder.query("SELECT 1")
    with pytest.raises(TelemetryError, match="nothing is recorded"):
        recorder.columns("trades")
    recorder.close()
    recorder.close()
    assert list(tmp_path.iterdir()) == []


def test_after_close_the_error_says_where_the_data_is(recorder: Recorder) -> None:
    recorder.close()
    recorder.close()
    where = "in memory" if recorder.path is None else "run.db"
    with pytest.raises(TelemetryError, match=f"telemetry is closed .*{where}"):
        recorder.query("SELECT 1")
    with pytest.raises(TelemetryError, match="telemetry is closed"):
        recorder.append("ticks", {"tick": 1})
    with pytest.raises(TelemetryError, match="telemetry is closed"):
        recorder.end_tick()
    if recorder.path is not None:
        assert [path.name for path in recorder.path.parent.iterdir()] == ["run.db"]
        connection = sqlite3.connect(recorder.path)
        assert connection.execute("SELECT count(*) FROM trades").fetchone() == (100,)
        connection.close()
