"""Recording: columns to rows, whole ticks, back-pressure, limits, errors that reach the caller."""

from __future__ import annotations

import gc
import logging
import os
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation, load_scenario
from ecs_market.errors import InputError, MarketError, TelemetryError
from ecs_market.telemetry import TABLES, Coded, Recorder
from ecs_market.telemetry.batches import CHUNK_ROWS, LARGE_ROWS, Batch
from ecs_market.telemetry.database import Database

RUN = {"lot": "0.001", "price_step": "0.0001"}
TRADE: dict[str, Any] = {
    "tick": 0, "market_id": 1, "buyer_id": 1, "seller_id": 2, "commodity": "A", "quantity": 1,
    "price": 1, "fee": 0,
}  # fmt: skip


def memory(level: str = "full", **options: Any) -> Recorder:
    return Recorder.open(None, level, run=RUN, **options)


def read(path: Path, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


@pytest.mark.parametrize(
    "n", [0, 1, 33, LARGE_ROWS - 1, LARGE_ROWS, LARGE_ROWS + 1, CHUNK_ROWS - 1, CHUNK_ROWS + 33]
)
def test_arrays_become_rows_in_order(n: int) -> None:
    ids = np.arange(n)
    with memory() as recorder:
        names = ("A's", 'B"')
        recorder.append(
            "trades",
            TRADE | {"buyer_id": ids, "quantity": ids * 2**40, "price": ids.astype(np.int32),
                     "commodity": Coded((ids % 2).astype(np.int8), names)},
        )  # fmt: skip
        recorder.append("trades", TRADE | {"tick": 1, "price": ids, "commodity": "A's"})
        recorder.end_tick()
        assert recorder.query("SELECT * FROM trades ORDER BY rowid") == [
            *((1, 0, 1, i, 2, names[i % 2], i * 2**40, i, 0) for i in range(n)),
            *((1, 1, 1, 1, 2, "A's", 1, i, 0) for i in range(n)),
        ]


def test_codes_become_labels_and_minus_one_null() -> None:
    with memory() as recorder:
        kinds = Coded(np.array([1, -1, 0], np.int8), ("market", "partner"))
        recorder.append("agents", {"tick": 0, "agent_id": np.arange(3), "target_kind": kinds})
        recorder.append(
            "agents", {"tick": 1, "agent_id": 0, "target_kind": Coded(1, ("market", "partner"))}
        )
        recorder.append(
            "agents", {"tick": 2, "agent_id": [5], "target_kind": Coded([-1], ("market",))}
        )
        recorder.end_tick()
        assert recorder.query("SELECT target_kind FROM agents ORDER BY rowid") == [
            ("partner",), (None,), ("market",), ("partner",), (None,),
        ]  # fmt: skip


@pytest.mark.parametrize("n", [1, 100, LARGE_ROWS + 5])
def test_what_is_no_number_is_stored_as_null(n: int) -> None:
    row: dict[str, Any] = {"market_id": 0, "commodity": "A"}
    values = np.full(n, 0.1)
    for k, bad in enumerate((np.nan, np.inf, -np.inf)):
        values[k % n] = bad
    masked = np.ma.masked_array(np.arange(n) / 7, np.arange(n) % 2 == 0)
    with memory() as recorder:
        recorder.append("market_clears", row | {"tick": np.zeros(n, np.int64), "residual": values})
        recorder.append("market_clears", row | {"tick": np.ones(n, np.int64), "residual": masked})
        recorder.append("market_clears", row | {"tick": [2] * n, "residual": list(values)})
        recorder.append("market_clears", row | {"tick": np.full(n, 3), "residual": np.nan})
        recorder.append("market_clears", row | {"tick": np.full(n, 4), "residual": 0.1 + 0.2})
        recorder.append("market_clears", row | {"tick": 5, "residual": np.float64(0.3)})
        recorder.end_tick()

        def residuals(tick: int) -> list[Any]:
            sql = "SELECT residual FROM market_clears WHERE tick = ?"
            return [value for (value,) in recorder.query(sql, (tick,))]

        finite = [value if np.isfinite(value) else None for value in values.tolist()]
        assert residuals(0) == finite
        assert residuals(1) == [None if k % 2 == 0 else k / 7 for k in range(n)]
        assert residuals(2) == finite
        assert residuals(3) == [None] * n
        assert residuals(4) == [0.1 + 0.2] * n
        assert residuals(5) == [0.3]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": 1}, "trades takes no column 'colour'"),
        ({"run_id": 1}, "trades takes no column 'run_id'"),
        ({"commodity": None}, "trades.commodity is missing"),
        ({"quantity": 0.5}, "trades.quantity is INTEGER: 0.5 does not fit"),
        ({"quantity": np.zeros(3)}, "trades.quantity is INTEGER: a 1-D array of float64"),
        ({"quantity": np.zeros((3, 2), np.int64)}, "a 2-D array of int64 does not fit"),
        ({"quantity": "many"}, "trades.quantity is INTEGER: 'many' does not fit"),
        ({"commodity": np.arange(3)}, "trades.commodity is TEXT"),
        ({"commodity": 3}, "trades.commodity is TEXT: 3 does not fit"),
        ({"quantity": Coded(np.arange(3), ("A",))}, "labels are for TEXT columns"),
        ({"commodity": Coded(np.zeros(3), ("A",))}, "codes are 1-D integers, not 1-D of float64"),
        ({"commodity": Coded(2, ("A",))}, "outside -1 .. 0 has no label"),
        ({"price": np.arange(3), "fee": np.arange(4)}, "trades.fee has 4 rows, other columns 3"),
    ],
)
def test_columns_that_do_not_fit_are_refused_at_once(change: dict[str, Any], message: str) -> None:
    with memory() as recorder:
        with pytest.raises(TelemetryError, match=message):
            recorder.append("trades", TRADE | change)
        with pytest.raises(TelemetryError, match="there is no table 'tradez'; there are runs"):
            recorder.append("tradez", TRADE)
        recorder.append("trades", TRADE)
        recorder.end_tick()
        assert recorder.query("SELECT count(*) FROM trades") == [(1,)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quantity": [1, 0.5]}, "cannot store REAL value in INTEGER column trades.quantity"),
        ({"commodity": Coded(np.array([0, 1]), ("A",))}, "outside -1 .. 0 has no label"),
        ({"quantity": np.array([1, 2**64 - 1], np.uint64)}, "trades: an integer does not fit 64"),
        ({"commodity": [object(), "A"]}, "could not be written to memory"),
    ],
)
def test_a_fault_found_while_writing_reaches_the_caller_and_earlier_ticks_stay(
    change: dict[str, Any], message: str
) -> None:
    recorder = memory()
    recorder.append("trades", TRADE)
    recorder.end_tick()
    recorder.append("trades", TRADE)
    recorder.append("trades", TRADE | change)
    recorder.end_tick()
    with pytest.raises(TelemetryError, match=message):
        recorder.flush()
    with pytest.raises(TelemetryError, match=message):
        recorder.append("trades", TRADE)
    with pytest.raises(TelemetryError, match=message):
        recorder.end_tick()
    assert recorder.query("SELECT count(*) FROM trades") == [(1,)]
    recorder.close()


def test_an_error_that_nobody_has_seen_comes_out_of_close(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def failed() -> Recorder:
        recorder = memory()
        recorder.append("trades", TRADE | {"quantity": ["x"]})
        recorder.end_tick()
        return recorder

    with pytest.raises(TelemetryError, match="cannot store TEXT"):
        failed().close()
    with pytest.raises(TelemetryError, match="cannot store TEXT"), failed():
        pass
    with caplog.at_level(logging.ERROR), pytest.raises(KeyError), failed():
        raise KeyError
    assert "cannot store TEXT" in caplog.text
    with failed() as recorder, pytest.raises(TelemetryError, match="cannot store TEXT"):
        recorder.query("SELECT 1")


def test_only_the_levels_tables_are_recorded() -> None:
    with memory("summary") as recorder:
        recorder.append("trades", {"nonsense": 1})
        recorder.append("ticks", {"tick": 0})
        recorder.end_tick()
        assert "trades" not in recorder.tables()
        assert recorder.records("ticks")
        assert not recorder.records("trades")
        assert recorder.query("SELECT count(*) FROM ticks") == [(1,)]


def test_a_full_queue_makes_the_caller_wait_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = threading.Event()
    insert = Database.insert

    def slow(self: Database, batches: Any) -> None:
        assert gate.wait(30)
        insert(self, batches)

    recorder = Recorder.open(tmp_path / "run.db", "trades", run=RUN, queue_rows=25)
    monkeypatch.setattr(Database, "insert", slow)
    handed_over = []

    def record() -> None:
        for tick in range(8):
            recorder.append("trades", TRADE | {"tick": np.full(10, tick)})
            recorder.end_tick()
            handed_over.append(tick)

    thread = threading.Thread(target=record)
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    assert handed_over == [0, 1]
    gate.set()
    thread.join(30)
    assert handed_over == list(range(8))
    # One tick larger than the whole queue is let in, too.
    recorder.append("trades", TRADE | {"tick": np.full(1000, 8)})
    recorder.end_tick()
    ticks = recorder.query("SELECT tick, count(*) FROM trades GROUP BY tick")
    recorder.close()
    assert ticks == [*((tick, 10) for tick in range(8)), (8, 1000)]


def test_memory_has_a_limit_that_says_what_to_do() -> None:
    recorder = memory(memory_limit=2**20, queue_rows=10_000)

    def record() -> None:
        for tick in range(1000):
            recorder.append("trades", TRADE | {"tick": np.full(1000, tick)})
            recorder.end_tick()

    with pytest.raises(TelemetryError, match=r'limit of 1 MiB: .*telemetry="run.db".*lower'):
        record()
    # What was stored can still be read, and it is whole ticks.
    counts = recorder.query("SELECT tick, count(*) FROM trades GROUP BY tick")
    assert counts == [(tick, 1000) for tick in range(len(counts))]
    assert len(counts) > 5
    ((size,),) = recorder.query("SELECT page_count * 8192 FROM pragma_page_count")
    assert size <= 2**20
    recorder.close()
    with pytest.raises(InputError, match="memory_limit must be positive, not 0"):
        memory(memory_limit=0)


def test_a_database_that_can_no_longer_be_written_is_reported(tmp_path: Path) -> None:
    recorder = Recorder.open(tmp_path / "run.db", "trades", run=RUN)
    recorder.append("trades", TRADE)
    recorder.end_tick()
    recorder.flush()
    assert recorder._database is not None
    with recorder._database.write_lock:
        recorder._database.writer.execute("PRAGMA query_only = 1")
    recorder.append("trades", TRADE)
    recorder.end_tick()
    with pytest.raises(TelemetryError, match=r"could not be written to .*run.db: attempt to write"):
        recorder.flush()
    recorder.close()
    assert read(tmp_path / "run.db", "SELECT count(*) FROM trades") == [(1,)]


def test_nothing_that_exists_is_touched(tmp_path: Path) -> None:
    taken = tmp_path / "taken.db"
    taken.write_text("mine")
    for target in (taken, str(taken), tmp_path):
        with pytest.raises(InputError, match="exists already; choose another file"):
            Recorder.open(target, "trades", run=RUN)
    assert taken.read_text() == "mine"
    with pytest.raises(InputError, match=r"folder .*missing does not exist"):
        Recorder.open(tmp_path / "missing" / "run.db", "trades", run=RUN)
    with pytest.raises(InputError, match=r"folder .*taken.db does not exist"):
        Recorder.open(taken / "run.db", "trades", run=RUN)
    with pytest.raises(InputError, match="telemetry path is empty"):
        Recorder.open("", "trades", run=RUN)
    (tmp_path / "run.db-wal").write_text("left")
    with pytest.raises(InputError, match=r"run\.db-wal is left beside"):
        Recorder.open(tmp_path / "run.db", "trades", run=RUN)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["run.db-wal", "taken.db"]


@pytest.mark.skipif(
    not hasattr(os, "geteuid") or os.geteuid() == 0, reason="folders can't be write-protected here"
)
def test_a_folder_without_permission_is_bad_input(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(InputError, match="can't be made: Permission denied"):
            Recorder.open(tmp_path / "run.db", "trades", run=RUN)
    finally:
        tmp_path.chmod(0o700)


@pytest.mark.skipif(os.name == "nt", reason="the name is not allowed there")
def test_odd_file_names_are_taken_as_they_are(tmp_path: Path) -> None:
    for name in (":memory:", "a?mode=memory&b#c%20.db", "e\u0301 \u2713.db"):
        with Recorder.open(tmp_path / name, "summary", run=RUN) as recorder:
            assert recorder.path == tmp_path / name
        assert read(tmp_path / name, "SELECT count(*) FROM runs") == [(1,)]


def test_a_failed_start_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Database, __: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(Database, "insert", broken)
    with pytest.raises(TelemetryError, match="can't be made: disk I/O error"):
        Recorder.open(tmp_path / "run.db", "trades", run=RUN)
    assert list(tmp_path.iterdir()) == []


ENDING = "SELECT finished_at, ticks, failure FROM runs"


def test_a_run_that_was_closed_says_so(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Recorder.open(path, "summary", run=RUN) as recorder:
        for tick in range(3):
            recorder.append("ticks", {"tick": tick})
            recorder.end_tick()
        recorder.append("ticks", {"tick": 3})
        assert recorder.query(ENDING) == [(None, None, None)]
    ((finished_at, ticks, failure),) = read(path, ENDING)
    assert finished_at >= read(path, "SELECT started_at FROM runs")[0][0]
    assert (ticks, failure) == (3, None)


class Fails:
    """A system that fails in tick 2."""

    def process(self, world: Any) -> None:
        if world.tick == 2:
            raise ValueError("out of grain")


def test_a_run_that_failed_says_how(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with Simulation(load_scenario("edgeworth_box"), telemetry=path) as sim:
        sim.add_system(Fails(), after="foraging")  # type: ignore[arg-type]  # quacks like one
        with pytest.raises(ValueError, match="grain"):
            sim.run(5)
    ((finished_at, *told),) = read(path, ENDING)
    assert finished_at.endswith("+00:00")
    assert told == [2, "ValueError: out of grain"]
    assert read(path, "SELECT count(*) FROM ticks") == [(2,)]


CRASH = """
import sys, numpy as np
from ecs_market.telemetry import Recorder
recorder = Recorder.open(sys.argv[1], "trades", run={"lot": "0.001", "price_step": "0.0001"})
n = np.full(2000, 1)
for tick in range(1_000_000):
    recorder.append("trades", {"tick": tick, "buyer_id": n, "seller_id": n, "commodity": "A"})
    recorder.append("ticks", {"tick": tick, "market_trades": 2000})
    recorder.end_tick()
    if tick == 5:
        recorder.flush()
        print("going", flush=True)
"""


def test_a_killed_process_leaves_whole_ticks(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    with subprocess.Popen(
        [sys.executable, "-c", CRASH, str(path)],
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"going\n"
        time.sleep(0.5)
        process.kill()
    counts = read(path, "SELECT tick, count(*) FROM trades GROUP BY tick ORDER BY tick")
    assert len(counts) >= 6
    assert counts == [(tick, 2000) for tick in range(len(counts))]
    assert read(path, "SELECT count(*) FROM ticks") == [(len(counts),)]
    assert read(path, ENDING) == [(None, None, None)]
    assert read(path, "PRAGMA integrity_check") == [("ok",)]


FORGET = """
import sys
from ecs_market.telemetry import Recorder
recorder = Recorder.open(sys.argv[1], "trades", run={"lot": "0.001", "price_step": "0.0001"})
for tick in range(100):
    recorder.append("ticks", {"tick": tick})
    recorder.end_tick()
"""


def test_a_recorder_that_nobody_closes_still_writes_everything(tmp_path: Path) -> None:
    path = tmp_path / "run.db"
    subprocess.run(
        [sys.executable, "-c", FORGET, str(path)], check=True, cwd=Path(__file__).parent.parent
    )
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.db"]
    assert read(path, "SELECT count(*) FROM ticks") == [(100,)]
    assert read(path, ENDING) == [(None, None, None)]
    other = tmp_path / "other.db"
    recorder = Recorder.open(other, "trades", run=RUN)
    recorder.append("ticks", {"tick": 0})
    recorder.end_tick()
    recorder.append("ticks", {"tick": 1})
    del recorder
    gc.collect()
    assert read(other, "SELECT count(*) FROM ticks") == [(1,)]


def test_a_recorder_collected_on_its_own_thread_still_closes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "run.db"
    gate = threading.Event()
    insert = Database.insert

    def collecting(self: Database, batches: Any) -> None:
        assert gate.wait(30)
        gc.collect()
        insert(self, batches)

    gc.disable()
    try:
        recorder = Recorder.open(path, "trades", run=RUN)
        monkeypatch.setattr(Database, "insert", collecting)
        recorder.append("ticks", {"tick": 0})
        recorder.end_tick()
        assert recorder._writer is not None
        thread = recorder._writer._thread
        cycle: list[Any] = [recorder]
        cycle.append(cycle)
        del recorder, cycle
        gate.set()
        thread.join(30)
    finally:
        gc.enable()
    assert not thread.is_alive()
    assert [entry.name for entry in tmp_path.iterdir()] == ["run.db"]
    assert read(path, "SELECT count(*) FROM ticks") == [(1,)]


def test_arrays_are_not_copied_on_the_callers_thread() -> None:
    prices = np.arange(1000)
    batch = Batch(TABLES["trades"], TRADE | {"price": prices})
    assert any(held is prices for held in batch._arrays.values())
    assert batch.rows == 1000


def test_tables_and_views_are_data_frames() -> None:
    import pandas as pd

    with Simulation(load_scenario("single_walrasian"), seed=1, threads=1) as sim:
        sim.run(20)
        prices = sim.to_frame("market_prices")
        columns = sim.telemetry.columns("market_prices")
        assert isinstance(prices, pd.DataFrame)
        assert list(prices.columns) == list(columns)
        assert len(prices) > 0
        assert (prices["price"].to_numpy() == columns["price"]).all()
        units = sim.to_frame("market_prices_units")
        assert np.allclose(units["price"], prices["price"] * 0.0001)
        with pytest.raises(TelemetryError, match="there is no table 'prices'"):
            sim.to_frame("prices")


def test_without_pandas_one_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with (
        Simulation(load_scenario("single_walrasian"), seed=1, threads=1) as sim,
        pytest.raises(MarketError, match=r"pip install 'ecs-market\[frames\]'"),
    ):
        sim.to_frame("market_prices")
