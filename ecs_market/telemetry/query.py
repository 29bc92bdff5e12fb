"""Reading a telemetry database while it is written, with nothing but reading possible."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ecs_market.errors import TelemetryError
from ecs_market.telemetry.database import Database
from ecs_market.telemetry.schema import TABLES, VIEWS, Level, tables_at
from ecs_market.types import Column as Array

_READING = frozenset({sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE})
_INFO_PRAGMAS = frozenset({"table_info", "table_xinfo", "table_list"})
_VALUE_PRAGMAS = frozenset({"user_version", "page_count", "page_size", "encoding"})
_REFUSED_FUNCTIONS = frozenset({"load_extension", "fts3_tokenizer"})
_ONLY_READS = "the telemetry database is open for reading only: SELECT, EXPLAIN, PRAGMA table_info"


_FAULTS = (sqlite3.Error, sqlite3.Warning, ValueError, TypeError, OverflowError)
_FETCH_ROWS = 65_536


class _Guard:
    """SQLite's authorizer: lets a statement read the tables that the level records.

    A callback that SQLite asks about each part of a statement while compiling it, so that there
    is nothing a statement could switch off.
    """

    def __init__(self, level: Level) -> None:
        self._level = level
        self._missing = TABLES.keys() - set(tables_at(level))
        self.reason = ""

    def __call__(
        self, action: int, first: str | None, second: str | None, _db: str | None, _by: str | None
    ) -> int:
        if self._allows(action, first, second):
            return sqlite3.SQLITE_OK
        self.reason = self.reason or _ONLY_READS
        return sqlite3.SQLITE_DENY

    def _allows(self, action: int, first: str | None, second: str | None) -> bool:
        if action == sqlite3.SQLITE_READ and first in self._missing:
            self.reason = self.not_recorded(first)
            return False
        if action in _READING:
            return True
        if action == sqlite3.SQLITE_FUNCTION:
            return (second or "").lower() not in _REFUSED_FUNCTIONS
        if action == sqlite3.SQLITE_PRAGMA:
            name = (first or "").lower()
            return name in _INFO_PRAGMAS or (name in _VALUE_PRAGMAS and second is None)
        # Asked when a table-valued function such as json_each is first used. A real UPDATE of
        # the schema table is refused by SQLite itself.
        return action == sqlite3.SQLITE_UPDATE and first == "sqlite_master"

    def not_recorded(self, table: str | None) -> str:
        """Return why a table can't be read at this level."""
        needed = TABLES[str(table)].level.label
        return (
            f"table {table} is not recorded at telemetry level {self._level.label!r}: run with"
            f" level {needed!r} or higher"
        )


class Reader:
    """Runs SELECT statements and hands out whole tables as arrays; safe to use from any thread."""

    def __init__(self, database: Database, level: Level) -> None:
        self._database = database
        self._guard = _Guard(level)
        self._shared = database.in_memory
        if not self._shared:
            database.reader.set_authorizer(self._guard)

    @contextlib.contextmanager
    def _reading(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any]
    ) -> Iterator[sqlite3.Cursor]:
        """Run a statement under the guard; the lock is held until its rows are fetched."""
        connection = self._database.reader
        with self._database.read_lock:
            self._guard.reason = ""
            if self._shared:
                connection.execute("PRAGMA query_only = 1")
                connection.set_authorizer(self._guard)
            try:
                yield connection.execute(sql, parameters)
            except _FAULTS as error:
                raise TelemetryError(f"query refused: {self._guard.reason or error}") from error
            finally:
                if self._shared:
                    connection.set_authorizer(None)
                    connection.execute("PRAGMA query_only = 0")

    def query(
        self, sql: str, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Run one reading statement and return its rows.

        Raises
        ------
        TelemetryError
            If the statement would write, reads a table that is not recorded, or is faulty.
        """
        with self._reading(sql, parameters) as cursor:
            return cursor.fetchall()

    def columns(self, name: str) -> dict[str, Array]:
        """Return a table or view as one array a column, in the order of recording.

        Returns
        -------
        dict
            INTEGER columns are int64, or float64 with NaN for NULL where there are NULLs; REAL
            columns and columns in units float64 with NaN for NULL; text an object array.
        """
        table, in_units = TABLES.get(name), False
        if table is None:
            table, in_units = VIEWS.get(name), True
        if table is None:
            allowed = ", ".join([*TABLES, *VIEWS])
            raise TelemetryError(f"there is no table {name!r}; there are {allowed}")
        kinds = ["REAL" if in_units and c.unit else c.kind for c in table.columns]
        parts: list[list[Array]] = [[_array((), kind)] for kind in kinds]
        with self._reading(f"SELECT * FROM {name}", ()) as cursor:  # noqa: S608 - our own names
            while rows := cursor.fetchmany(_FETCH_ROWS):
                for part, values, kind in zip(parts, zip(*rows, strict=True), kinds, strict=True):
                    part.append(_array(values, kind))
        return {
            column.name: np.concatenate(part)
            for column, part in zip(table.columns, parts, strict=True)
        }


def _array(values: tuple[Any, ...], kind: str) -> Array:
    if kind == "TEXT":
        text = np.empty(len(values), dtype=object)
        text[:] = values
        return text
    # numpy reads None as NaN in a float array; joined with integers the whole column is float.
    whole = kind == "INTEGER" and None not in values
    return np.array(values, dtype=np.int64 if whole else np.float64)
