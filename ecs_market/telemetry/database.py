"""Opening a telemetry database: a new file, or memory with a size limit."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from ecs_market.errors import InputError, TelemetryError
from ecs_market.telemetry.batches import Batch
from ecs_market.telemetry.schema import ddl

_LOG = logging.getLogger("ecs_market.telemetry")

_PAGE_BYTES = 8192
_CACHE_KIB = 16_384
_CHECKPOINT_PAGES = 4_000
_BUSY_SECONDS = 60.0
_OLDEST_SQLITE = (3, 37)


@dataclass(slots=True)
class Database:
    """The connection that writes, the one that reads, and their locks.

    In memory both are the same connection under the same lock; a file has one of each, and the
    write-ahead log lets them work at the same time.
    """

    path: Path | None
    memory_limit: int
    writer: sqlite3.Connection
    reader: sqlite3.Connection
    write_lock: threading.Lock = field(default_factory=threading.Lock)
    read_lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def in_memory(self) -> bool:
        """Whether the database is in memory."""
        return self.path is None

    def describe(self, error: Exception) -> str:
        """Return the message for a failed write."""
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        if full and self.in_memory:
            return (
                f"telemetry in memory has reached its limit of {self.memory_limit / 2**20:g} MiB:"
                ' record to a file (telemetry="run.db") or choose a lower telemetry level'
            )
        place = "memory" if self.path is None else str(self.path)
        return f"telemetry could not be written to {place}: {error}"

    def insert(self, batches: Iterable[Batch]) -> None:
        """Write batches; the caller holds `write_lock` and the transaction."""
        for batch in batches:
            for sql, rows in batch.statements():
                try:
                    self.writer.executemany(sql, rows)
                except OverflowError:
                    raise TelemetryError(
                        f"table {batch.table.name}: an integer does not fit 64 bits"
                    ) from None

    def close(self) -> None:
        """Move the write-ahead log into the file and close the connections."""
        with self.read_lock:
            if not self.in_memory:
                self.reader.close()
        with self.write_lock:
            if not self.in_memory:
                try:
                    # Another program's open read must not hold up the end of a run.
                    self.writer.execute("PRAGMA busy_timeout = 1000")
                    self.writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                except sqlite3.Error as error:
                    # The log stays beside the file, complete: the next reader takes it in.
                    _LOG.warning("%s keeps its write-ahead log: %s", self.path, error)
            self.writer.close()


def open_database(target: str | Path | None, memory_limit: int, first: Iterable[Batch]) -> Database:
    """Make a new database with its schema and first rows.

    Parameters
    ----------
    target
        Path of a file that does not exist yet; None for a database in memory.
    memory_limit
        Largest size of a database in memory [byte].
    first
        Rows written before anything else.

    Raises
    ------
    InputError
        If the file exists or can't be made.
    TelemetryError
        If the schema or first rows can't be written; the new file is removed again.
    """
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        raise TelemetryError(
            f"telemetry needs SQLite 3.37 or newer, Python here has {sqlite3.sqlite_version}"
        )
    path = None if target is None else _create(target)
    database = None
    try:
        database = _connect_memory(memory_limit) if path is None else _connect_file(path)
        database.writer.execute("BEGIN")
        for statement in ddl():
            database.writer.execute(statement)
        database.insert(first)
        database.writer.execute("COMMIT")
    except (sqlite3.Error, ValueError, TelemetryError) as error:
        if database is not None:
            database.close()
        if path is not None:
            _remove(path)
        place = "in memory" if path is None else f"at {path}"
        raise TelemetryError(f"the telemetry database {place} can't be made: {error}") from error
    return database


def _create(target: str | Path) -> Path:
    """Make the empty file; never touches one that exists."""
    if not str(target):
        raise InputError("telemetry path is empty: name a file, or None to record in memory")
    path = Path(target).absolute()
    for name in (f"{path.name}-wal", f"{path.name}-journal"):
        # SQLite would take what stands in a leftover log as part of the new database.
        if path.with_name(name).exists() and not path.exists():
            raise InputError(
                f"telemetry: {name} is left beside {path}: remove it or choose another"
            )
    try:
        path.touch(exist_ok=False)
    except FileExistsError:
        raise InputError(f"telemetry: {path} exists already; choose another file") from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"telemetry: folder {path.parent} does not exist") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"telemetry: {path} can't be made: {reason}") from None
    return path


def _remove(path: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):
        with contextlib.suppress(OSError):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connect_file(path: Path) -> Database:
    writer = _connect(f"{path.as_uri()}?mode=rw")
    try:
        writer.execute("PRAGMA journal_mode = WAL")
        writer.execute("PRAGMA synchronous = NORMAL")
        writer.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
        reader = _connect(f"{path.as_uri()}?mode=ro")
    except BaseException:
        writer.close()
        raise
    return Database(path, 0, writer, reader)


def _connect_memory(memory_limit: int) -> Database:
    connection = _connect("file::memory:")
    connection.execute(f"PRAGMA max_page_count = {max(memory_limit // _PAGE_BYTES, 1)}")
    lock = threading.Lock()
    return Database(None, memory_limit, connection, connection, lock, lock)


def _connect(uri: str) -> sqlite3.Connection:
    connection = sqlite3.connect(
        uri, uri=True, isolation_level=None, check_same_thread=False, timeout=_BUSY_SECONDS
    )
    connection.execute(f"PRAGMA page_size = {_PAGE_BYTES}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection
