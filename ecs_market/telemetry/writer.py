"""The thread that writes telemetry: whole ticks, in order, none lost."""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Sequence

from ecs_market.errors import TelemetryError
from ecs_market.telemetry.batches import Batch
from ecs_market.telemetry.database import Database
from ecs_market.telemetry.run_row import END

QUEUE_ROWS = 1_000_000
"""Rows that may wait to be written before the caller has to."""

COMMIT_ROWS = 200_000
"""Rows after which a file's transaction is committed at the next end of a tick."""

COMMIT_SECONDS = 0.5
"""Age at which a file's transaction is committed at the next end of a tick."""


class Writer:
    """Writes the ticks it is handed on a thread of its own.

    A tick is written inside a savepoint and committed with its neighbours, so that the database
    never holds a part of a tick, whatever happens to the process.

    Parameters
    ----------
    database
        Where to write; closed by `stop`.
    queue_rows
        Back-pressure: `put` waits while more rows than this are waiting (a single larger tick is
        let in when nothing else waits).
    """

    def __init__(self, database: Database, *, queue_rows: int = QUEUE_ROWS) -> None:
        self._database = database
        self._queue_rows = queue_rows
        # In memory there is nothing to sync: committing each tick lets the lock go at its end.
        self._commit_rows = 0 if database.in_memory else COMMIT_ROWS
        self._changed = threading.Condition()
        self._queue: deque[tuple[Batch, ...]] = deque()
        self._waiting_rows = 0
        self._put_ticks = 0
        self._written_ticks = 0
        self._committed_ticks = 0
        self._flush_to = 0
        self._stopping = False
        self._orphaned = False
        self._error: TelemetryError | None = None
        self.ended: tuple[str, str | None] | None = None  # what `stop` writes down last
        self._open_rows = 0
        self._opened_at = 0.0
        self._thread = threading.Thread(target=self._run, name="ecs_market-telemetry", daemon=True)
        self._thread.start()

    @property
    def error(self) -> TelemetryError | None:
        """What stopped the writer, if anything did."""
        return self._error

    def put(self, tick: Sequence[Batch]) -> None:
        """Hand over one tick's rows; wait while too many are waiting."""
        rows = sum(batch.rows for batch in tick)
        with self._changed:
            self._changed.wait_for(
                lambda: (
                    self._error is not None
                    or not self._waiting_rows
                    or self._waiting_rows + rows <= self._queue_rows
                )
            )
            self._check()
            self._queue.append(tuple(tick))
            self._waiting_rows += rows
            self._put_ticks += 1
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until every tick handed over is committed."""
        with self._changed:
            target = self._put_ticks
            self._flush_to = max(self._flush_to, target)
            self._changed.notify_all()
            self._changed.wait_for(
                lambda: self._error is not None or self._committed_ticks >= target
            )
            self._check()

    def stop(self) -> None:
        """Write and commit what waits, end the thread and close the database."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        # The garbage collector may call this on the thread itself, in the middle of its work.
        self._orphaned = threading.current_thread() is self._thread
        if not self._orphaned:
            self._thread.join()
            self._database.close()

    def _check(self) -> None:
        if self._error is not None:
            raise TelemetryError(str(self._error)) from self._error.__cause__

    def _run(self) -> None:
        try:
            while self._serve():
                pass
        except Exception as error:  # noqa: BLE001 - whatever it is, the caller is told
            message = self._database.describe(error)
            failure = error if isinstance(error, TelemetryError) else TelemetryError(message)
            if failure is not error:
                failure.__cause__ = error
            with self._changed:
                self._error = failure
                self._queue.clear()
                self._waiting_rows = 0
                self._changed.notify_all()
        if self._orphaned:
            self._database.close()

    def _serve(self) -> bool:
        """Write the next tick, or commit when nothing is to be written; False at the end."""
        with self._changed:
            age = None
            if self._open_rows:
                age = max(self._opened_at + COMMIT_SECONDS - time.monotonic(), 0.0)
            self._changed.wait_for(
                lambda: self._queue or self._stopping or self._flush_to > self._committed_ticks,
                timeout=age,
            )
            tick = self._queue.popleft() if self._queue else None
            last = self._stopping and tick is None
        if tick is None:
            with self._database.write_lock:
                self._commit()
                if last and self.ended is not None:
                    self._database.writer.execute(END, self.ended)
            return not last
        rows = sum(batch.rows for batch in tick)
        self._store(tick, rows)
        with self._changed:
            self._waiting_rows -= rows
            self._changed.notify_all()
        return True

    def _store(self, tick: tuple[Batch, ...], rows: int) -> None:
        with self._database.write_lock:
            execute = self._database.writer.execute
            if not self._database.writer.in_transaction:
                execute("BEGIN")
                self._opened_at = time.monotonic()
            execute("SAVEPOINT tick")
            try:
                self._database.insert(tick)
            except BaseException:
                self._salvage()
                raise
            execute("RELEASE tick")
            self._written_ticks += 1
            self._open_rows += max(rows, 1)
            age = time.monotonic() - self._opened_at
            if self._open_rows >= self._commit_rows or age >= COMMIT_SECONDS:
                self._commit()

    def _commit(self) -> None:
        if self._database.writer.in_transaction:
            self._database.writer.execute("COMMIT")
        self._open_rows = 0
        with self._changed:
            self._committed_ticks = self._written_ticks
            self._changed.notify_all()

    def _salvage(self) -> None:
        """Drop the tick that failed and keep the whole ones before it."""
        # Some failures, a full disk among them, have already ended the transaction; none may
        # hide the error that brought us here.
        with contextlib.suppress(sqlite3.Error):
            if self._database.writer.in_transaction:
                self._database.writer.execute("ROLLBACK TO tick")
                self._database.writer.execute("RELEASE tick")
                self._commit()
