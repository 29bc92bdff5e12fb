"""Opening a run's database for reading, and refusing what is none in one clear message."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ecs_market.errors import InputError, TelemetryError
from ecs_market.telemetry.schema import SCHEMA_VERSION, TABLES, Level, tables_at
from ecs_market.types import Column as Array

DATABASE = "run.db"
"""The database's name in the folder of a run."""

_MAGIC = b"SQLite format 3\x00"
_CHECKED_BYTES = 128 * 2**20
"""Up to this size every page is looked at before anything is read [byte]."""
_FETCH_ROWS = 65_536
_CACHE_KIB = 65_536

_SENSELESS = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)

Stream = Callable[[str, Sequence[Any]], Iterator[list[tuple[Any, ...]]]]
"""Runs a SELECT and yields its rows in portions."""


class Codes(dict[str | None, int]):
    """Numbers texts in the order in which they are first met."""

    def __missing__(self, text: str | None) -> int:
        self[text] = number = len(self)
        return number

    @classmethod
    def of(cls, texts: Sequence[str]) -> Codes:
        """Return codes that are the places of texts."""
        return cls(zip(texts, range(len(texts)), strict=True))

    @property
    def names(self) -> list[str]:
        """The texts by number; what is NULL in the database is empty."""
        return [text or "" for text in self]


class RunDatabase:
    """One run's telemetry, read only.

    Parameters
    ----------
    name
        How messages call it.
    path
        Its file; None for a database in memory.
    stream
        Runs a statement.
    live
        Whether it belongs to a simulation of this program, which may go on.
    """

    def __init__(self, name: str, path: Path | None, stream: Stream, *, live: bool) -> None:
        self.name = name
        self.path = path
        self.live = live
        self._stream = stream
        self.run = self._read_run()
        try:
            self.recorded = frozenset(tables_at(Level.parse(self.run["level"])))
            self.goods = [str(good) for good in json.loads(self.run["goods"])]
            self.scenario: dict[str, Any] = {**json.loads(self.run["scenario"])}
            sensible = min(self.run["grid_width"], self.run["grid_height"]) > 0
        except (InputError, TypeError, ValueError):
            sensible = False
        if not sensible:
            raise InputError(f"{name}: damaged: what it says of its run can't be read")

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """Return all rows of a statement.

        Raises
        ------
        InputError
            If the database is damaged.
        """
        return [row for part in self._parts(sql, values) for row in part]

    def columns(
        self, sql: str, values: Sequence[Any] = (), text: Sequence[Codes | None] = ()
    ) -> list[Array]:
        """Return a statement's result as one array a column.

        Parameters
        ----------
        sql, values
            The statement and its parameters.
        text
            For each column of text, from the first on, the codes that stand for it.

        Returns
        -------
        list of numpy.ndarray
            int64, or float64 with NaN for NULL if the column holds a float or a NULL.
        """
        parts = list(self.blocks(sql, values, text))
        return [np.concatenate(each) for each in zip(*parts, strict=True)] if parts else []

    def blocks(
        self, sql: str, values: Sequence[Any] = (), text: Sequence[Codes | None] = ()
    ) -> Iterator[list[Array]]:
        """Yield a statement's result in portions of columns, the first even if it is empty."""
        width, met = None, False
        for rows in self._parts(sql, values):
            if width is None and rows:
                width = len(rows[0])
            met = True
            codes = [*text, *[None] * ((width or len(text)) - len(text))]
            yield [
                _array(column, code)
                for column, code in zip(zip(*rows, strict=True), codes, strict=True)
            ]
        if not met:
            selected = sql.upper().partition(" FROM ")[0]
            yield [np.empty(0, np.int64) for _ in range(_commas(selected) + 1)]

    def has(self, table: str) -> bool:
        """Return whether the run's level records a table."""
        return table in self.recorded

    def _parts(self, sql: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        try:
            yield from self._stream(sql, values)
        except (sqlite3.Error, TelemetryError, UnicodeDecodeError, OverflowError) as error:
            raise InputError(f"{self.name}: the database can't be read: {error}") from None

    def _read_run(self) -> dict[str, Any]:
        names = [column.name for column in TABLES["runs"].columns]
        found = self.rows(f"SELECT {', '.join(names)} FROM runs")  # noqa: S608 - our own names
        if len(found) != 1:
            raise InputError(f"{self.name}: damaged: it tells of {len(found)} runs instead of one")
        return dict(zip(names, found[0], strict=True))


def _commas(selected: str) -> int:
    """Return how many commas separate the columns of a SELECT, those in calls not counted."""
    depth = count = 0
    for letter in selected:
        depth += (letter == "(") - (letter == ")")
        count += letter == "," and depth == 0
    return count


def _array(values: tuple[Any, ...], code: Codes | None) -> Array:
    if code is not None:
        return np.fromiter((code[value] for value in values), np.int64, len(values))
    whole = all(type(value) is int for value in values)
    return np.array(values, dtype=np.int64 if whole else np.float64)


@contextlib.contextmanager
def opened(name: str | Path, *, live: bool = False) -> Iterator[RunDatabase]:
    """Open a run for reading: its folder, or its database.

    Parameters
    ----------
    name
        What was given for it.
    live
        Whether it belongs to a simulation of this program, which may go on.

    Raises
    ------
    InputError
        If there is none, or it is of another program or version, or damaged.
    """
    path = _find(Path(name), str(name))
    log = path.with_name(f"{path.name}-wal")
    connection = _connect(path, immutable=not log.exists())
    try:
        _check(connection, path, str(name))
        connection.execute("BEGIN")  # one moment for all that is read, while a run may go on

        def stream(sql: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
            cursor = connection.execute(sql, values)
            while rows := cursor.fetchmany(_FETCH_ROWS):
                yield rows

        database = RunDatabase(str(name), path, stream, live=live)
        try:
            yield database
        except InputError:
            raise
        except _SENSELESS as error:
            # Numbers that a run cannot have, in pages that SQLite takes for whole.
            raise InputError(f"{name}: damaged: what it holds makes no sense ({error})") from error
    finally:
        connection.close()


def of_recorder(query: Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]) -> RunDatabase:
    """Read a simulation's own telemetry, in memory or in a file, through its `query`."""

    def stream(sql: str, values: Sequence[Any]) -> Iterator[list[tuple[Any, ...]]]:
        rows = query(sql, values)
        for start in range(0, len(rows), _FETCH_ROWS):
            yield rows[start : start + _FETCH_ROWS]

    return RunDatabase("this simulation", None, stream, live=True)


def _find(path: Path, name: str) -> Path:
    """Return the database's file; it exists and begins like one."""
    if not name:
        raise InputError("the name of a run is empty: give its folder or its database")
    try:
        if path.is_dir():
            path, folder = path / DATABASE, path
            if not path.exists():
                raise InputError(
                    f"{folder}: there is no {DATABASE} in this folder: give the folder of a run,"
                    " or a database"
                )
        if not path.exists():
            raise InputError(f"{name}: there is no such run: give its folder or its database")
        if not path.is_file():
            raise InputError(f"{name}: is no file")
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except (OSError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"{name}: can't be read: {reason}") from None
    if not start:
        raise InputError(f"{path}: is empty, not a run's database")
    if start != _MAGIC:
        raise InputError(f"{path}: is not a run's database (no SQLite file)")
    return path.absolute()


def _connect(path: Path, *, immutable: bool) -> sqlite3.Connection:
    """Open a file that nobody will write to; without a log, leave no traces beside it either."""
    mode = "immutable=1" if immutable else "mode=ro"
    try:
        return sqlite3.connect(f"{path.as_uri()}?{mode}", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise InputError(f"{path}: the database can't be opened: {error}") from None


def _check(connection: sqlite3.Connection, path: Path, name: str) -> None:
    """Refuse a database of another program, of another version, and a damaged one."""
    try:
        connection.execute("PRAGMA trusted_schema = 0")
        connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        connection.execute("PRAGMA temp_store = MEMORY")
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        tables = dict(connection.execute("SELECT name, type FROM sqlite_master"))
        if not {"runs", "ticks", "market_posts"} <= tables.keys():
            raise InputError(f"{name}: is a database of another program, not of a run")
        _check_version(version, connection, name)
        for table in TABLES.values():
            columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
            if tables.get(table.name) != "table" or columns != {c.name for c in table.columns}:
                raise InputError(f"{name}: damaged or altered: table {table.name} is not as it was")
        if path.stat().st_size <= _CHECKED_BYTES:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if found != "ok":
                raise InputError(f"{name}: damaged: {found.splitlines()[-1]}")
    except (sqlite3.Error, UnicodeDecodeError) as error:
        raise InputError(f"{name}: the database can't be read: {error}") from None


def _check_version(version: int, connection: sqlite3.Connection, name: str) -> None:
    if version == SCHEMA_VERSION:
        return
    try:
        (by,) = connection.execute("SELECT version FROM runs").fetchone()
    except (sqlite3.Error, TypeError):
        by = None
    known = f" by ecs_market {by}" if isinstance(by, str) else ""
    if version < SCHEMA_VERSION:
        remedy = "run the scenario again, or make the report with the version that recorded it"
    else:
        remedy = "install that version or a newer one"
    raise InputError(
        f"{name}: recorded{known} in database version {version}, this one reads version"
        f" {SCHEMA_VERSION}: {remedy}"
    )
