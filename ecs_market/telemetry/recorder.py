"""The recorder: what a simulation hands its telemetry to and a host reads it from."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from ecs_market.errors import InputError, TelemetryError
from ecs_market.telemetry.batches import Batch, ColumnData
from ecs_market.telemetry.database import Database, open_database
from ecs_market.telemetry.query import Reader
from ecs_market.telemetry.run_row import ending, posts_batch, run_batch
from ecs_market.telemetry.schema import TABLES, Level, tables_at
from ecs_market.telemetry.writer import QUEUE_ROWS, Writer
from ecs_market.types import Column as Array

_LOG = logging.getLogger("ecs_market.telemetry")

MEMORY_LIMIT = 256 * 2**20
"""Default size limit of a database in memory [byte]."""


class Recorder:
    """Records a run into SQLite, whole ticks only, on a thread of its own.

    Make one with `Recorder.open`. One thread records (`append`, `end_tick`); any thread may
    query. A failed write is reported by the next `append`, `end_tick`, `flush`, `query` or
    `close`; the whole ticks stored before it can still be queried after that.
    """

    def __init__(self, level: Level, database: Database | None, queue_rows: int) -> None:
        self._level = level
        self._recorded = frozenset(tables_at(level))
        self._tick: list[Batch] = []
        self._closed = False
        self._reported = False
        self._database = database
        self._writer: Writer | None = None
        self._reader: Reader | None = None
        if database is not None:
            self._writer = Writer(database, queue_rows=queue_rows)
            self._reader = Reader(database, level)
            # A recorder that nobody closes writes what it has when it is collected or at exit.
            self._finalizer = weakref.finalize(self, self._writer.stop)

    @classmethod
    def open(
        cls,
        target: str | Path | None,
        level: Level | str,
        *,
        run: Mapping[str, Any],
        posts: Sequence[Mapping[str, Any]] = (),
        memory_limit: int = MEMORY_LIMIT,
        queue_rows: int = QUEUE_ROWS,
    ) -> Recorder:
        """Start recording into a new database.

        Parameters
        ----------
        target
            Path of a file that does not exist yet; None records in memory. At level `off`
            nothing is made.
        level
            How much to record.
        run
            Values of the `runs` row by column name; `lot` and `price_step` are needed.
        posts
            The market posts at the start, each with the columns of `market_posts`.
        memory_limit
            Largest size of a database in memory [byte].
        queue_rows
            Rows that may wait for the writer before `end_tick` waits too.

        Raises
        ------
        InputError
            If the level is unknown, a value is not allowed, or the file exists or can't be made.
        TelemetryError
            If the new database can't be written.
        """
        chosen = Level.parse(level)
        if chosen is Level.OFF:
            return cls(chosen, None, queue_rows)
        if memory_limit <= 0:
            raise InputError(f"memory_limit must be positive, not {memory_limit}")
        first = [run_batch(run, chosen)]
        post_rows = posts_batch(posts)
        if post_rows is not None:
            first.append(post_rows)
        return cls(chosen, open_database(target, memory_limit, first), queue_rows)

    @property
    def level(self) -> Level:
        """How much is recorded."""
        return self._level

    @property
    def path(self) -> Path | None:
        """The database file; None in memory or at level `off`."""
        return None if self._database is None else self._database.path

    @property
    def closed(self) -> bool:
        """Whether `close` has been called."""
        return self._closed

    def records(self, table: str) -> bool:
        """Return whether the level records a table, so that its columns are worth making."""
        return table in self._recorded

    def tables(self) -> tuple[str, ...]:
        """Return the names of the tables that are recorded."""
        return tables_at(self._level)

    def append(self, table: str, columns: Mapping[str, ColumnData]) -> None:
        """Add rows to the current tick; does nothing for a table that the level leaves out.

        Parameters
        ----------
        table
            The table's name.
        columns
            Data by column name: 1-D arrays or lists of equal length, `Coded` columns, and single
            values that stand for every row. Arrays are not copied: leave them alone from here on.
            Masked rows, and NaN and infinities of REAL columns, are stored as NULL; `run_id` is
            filled in.

        Raises
        ------
        TelemetryError
            If a column does not fit the table, the recorder is closed or the writer has failed.
        """
        if table not in TABLES:
            raise TelemetryError(f"there is no table {table!r}; there are {', '.join(TABLES)}")
        if table not in self._recorded:
            return
        self._usable()
        batch = Batch(TABLES[table], columns)
        if batch.rows:
            self._tick.append(batch)

    def append_posts(self, posts: Sequence[Mapping[str, Any]]) -> None:
        """Add market posts that were built after the start to the current tick."""
        batch = posts_batch(posts)
        if batch is not None and self.records("market_posts"):
            self._usable()
            self._tick.append(batch)

    def end_tick(self) -> None:
        """Hand the tick's rows to the writer; waits while too many rows are waiting there."""
        if self._writer is None:
            return
        self._usable()
        try:
            self._writer.put(self._tick)
        except TelemetryError:
            self._reported = True
            raise
        self._tick = []

    def flush(self) -> None:
        """Wait until every finished tick is committed; the current tick stays open."""
        if self._writer is None:
            return
        self._usable()
        try:
            self._writer.flush()
        except TelemetryError:
            self._reported = True
            raise

    def query(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Flush, then run one reading statement.

        Parameters
        ----------
        sql
            A SELECT statement; anything that could write is refused.
        parameters
            Values for the statement's placeholders.

        Returns
        -------
        list of tuple
            All rows.

        Raises
        ------
        TelemetryError
            If the statement is refused or faulty, nothing is recorded, the recorder is closed, or
            the writer has failed and no call has reported it yet.
        """
        return self._ready().query(sql, parameters)

    def columns(self, name: str) -> dict[str, Array]:
        """Flush, then return a table or view as arrays.

        Parameters
        ----------
        name
            A table, or one of the views whose names end in `_units`.

        Returns
        -------
        dict
            One array a column: integers int64 (float64 with NaN for NULL where there are NULLs),
            REAL columns and columns in units float64, text as objects.
        """
        return self._ready().columns(name)

    def close(self, failure: BaseException | None = None) -> None:
        """Write all finished ticks and how the run ended, and close the database.

        The rows of a tick that has not ended are dropped.  A second call does nothing.

        Parameters
        ----------
        failure
            What ended the run, if it failed.

        Raises
        ------
        TelemetryError
            If the writer has failed and no call has reported it yet.
        """
        if self._closed:
            return
        self._closed = True
        self._tick = []
        if self._writer is None:
            return
        self._writer.ended = ending(failure)
        self._finalizer()
        if self._writer.error is not None and not self._reported:
            self._reported = True
            raise TelemetryError(str(self._writer.error)) from self._writer.error.__cause__

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.close()
        except TelemetryError as failure:
            if error is None:
                raise
            # The error on its way out is the one to see first.
            _LOG.error("%s", failure)

    def _usable(self) -> None:
        if self._closed:
            raise TelemetryError("telemetry is closed")
        if self._writer is not None and self._writer.error is not None:
            self._reported = True
            raise TelemetryError(str(self._writer.error)) from self._writer.error.__cause__

    def _ready(self) -> Reader:
        """Return the reader with all finished ticks in sight."""
        if self._reader is None:
            raise TelemetryError(
                "nothing is recorded at telemetry level 'off': run with level 'summary' or higher"
            )
        if self._closed:
            where = "it was in memory" if self.path is None else f"its data is in {self.path}"
            raise TelemetryError(f"telemetry is closed ({where})")
        if not self._reported:
            self.flush()
        return self._reader
