"""Columns on their way into a table: checked at hand-over, made into rows by the writer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from typing import Any, TypeAlias

import numpy as np

from ecs_market.errors import TelemetryError
from ecs_market.telemetry.schema import RUN_ID, Column, Table
from ecs_market.types import Column as Array

CHUNK_ROWS = 16_384
"""Rows made into Python objects at a time, so that a large batch does not multiply memory."""

GROUP_ROWS = 32
"""Rows inserted by one statement of a large batch: fewer statements to step through."""

LARGE_ROWS = 512
"""Rows from which on compiling a statement for a batch of its own pays."""

_ARRAY_KINDS = {"INTEGER": "iub", "REAL": "fiub", "TEXT": "UO"}
_SCALARS: dict[str, tuple[type, ...]] = {
    "INTEGER": (int, np.integer, np.bool_),
    "REAL": (float, int, np.floating, np.integer),
    "TEXT": (str,),
}


@dataclass(frozen=True, slots=True)
class Coded:
    """A text column as small integers and their names, turned into text by the writer.

    Parameters
    ----------
    codes
        Index into `labels` for each row; -1 is stored as NULL.
    labels
        The text of each code.
    """

    codes: Array | Sequence[int] | int
    labels: tuple[str, ...]


_Data: TypeAlias = Array | Sequence[Any] | Coded
ColumnData: TypeAlias = Array | Sequence[Any] | Coded | str | int | float | np.generic | None


class Batch:
    """Columns of equal length for one table; single values stand for all rows.

    Parameters
    ----------
    table
        Where the rows go.
    columns
        Data by column name. Arrays are 1-D and are not copied: the caller leaves them alone from
        here on. A masked array's masked rows, a REAL column's NaN and infinities, and columns
        left out are stored as NULL. `run_id` is filled in.

    Raises
    ------
    TelemetryError
        If a column is unknown, missing, of the wrong type, or not as long as the others.
    """

    __slots__ = ("_arrays", "_fixed", "rows", "table")

    def __init__(self, table: Table, columns: Mapping[str, ColumnData]) -> None:
        self.table = table
        self._arrays: dict[str, _Data] = {}
        self._fixed: dict[str, str | int | float | None] = {"run_id": RUN_ID}
        known = {column.name for column in table.columns}
        for name in columns:
            if name not in known or name == "run_id":
                raise TelemetryError(f"table {table.name} takes no column {name!r}")
        length = -1
        for column in table.columns:
            if column.name == "run_id":
                continue
            if column.required and columns.get(column.name) is None:
                raise TelemetryError(f"{table.name}.{column.name} is missing")
            size = self._take(column, columns.get(column.name))
            if size is not None:
                if length >= 0 and size != length:
                    raise TelemetryError(
                        f"{table.name}.{column.name} has {size} rows, other columns {length}"
                    )
                length = size
        self.rows = 1 if length < 0 else length

    def _take(self, column: Column, data: ColumnData) -> int | None:
        """Keep one column; return its length, None for a single value."""
        where = f"{self.table.name}.{column.name}"
        if isinstance(data, Coded):
            if column.kind != "TEXT":
                raise TelemetryError(f"{where} is {column.kind}: labels are for TEXT columns")
            codes = np.asarray(data.codes)
            if codes.ndim > 1 or (codes.size and codes.dtype.kind not in "iu"):
                raise TelemetryError(
                    f"{where}: codes are 1-D integers, not {codes.ndim}-D of {codes.dtype}"
                )
            if codes.ndim == 0:
                self._fixed[column.name] = _decode([int(codes)], data.labels)[0]
                return None
            self._arrays[column.name] = Coded(codes, data.labels)
            return len(codes)
        if isinstance(data, np.ndarray):
            if data.ndim != 1 or data.dtype.kind not in _ARRAY_KINDS[column.kind]:
                raise TelemetryError(
                    f"{where} is {column.kind}: a {data.ndim}-D array of {data.dtype} does not fit"
                )
            self._arrays[column.name] = data
            return len(data)
        if isinstance(data, Sequence) and not isinstance(data, str):
            self._arrays[column.name] = data
            return len(data)
        if data is not None and not isinstance(data, _SCALARS[column.kind]):
            raise TelemetryError(f"{where} is {column.kind}: {data!r} does not fit")
        self._fixed[column.name] = _plain(data, column.kind)
        return None

    def statements(self) -> Iterator[tuple[str, Iterable[tuple[Any, ...]]]]:
        """Yield INSERT statements, each with the rows of parameters to run it with."""
        if self.rows >= LARGE_ROWS:
            yield from self._large()
        elif self.rows:
            # One text for each table, compiled once; what is left out is NULL.
            columns = (
                _values(c.kind, self._arrays[c.name], 0, self.rows)
                if c.name in self._arrays
                else repeat(self._fixed[c.name], self.rows)
                for c in self.table.columns
            )
            yield self.table.insert, zip(*columns, strict=True)

    def _large(self) -> Iterator[tuple[str, Iterable[tuple[Any, ...]]]]:
        """Yield statements made to measure: each INSERT of many rows, with few parameters."""
        # Values that all rows share are written into the statement: fewer to bind for each row.
        # Not floats: SQLite does not promise to read their text back to the last bit.
        literals: dict[str, str] = {}
        arrays = dict(self._arrays)
        for name, value in self._fixed.items():
            if isinstance(value, float):
                arrays[name] = np.full(self.rows, value)
            else:
                literals[name] = _literal(value)
        varying = [(c.name, c.kind, arrays[c.name]) for c in self.table.columns if c.name in arrays]
        names = ", ".join([*literals, *(name for name, _, _ in varying)])
        group = "(" + ", ".join([*literals.values(), *("?" for _ in varying)]) + ")"
        single = f"INSERT INTO {self.table.name} ({names}) VALUES {group}"  # noqa: S608 - names of the schema
        grouped = single + f", {group}" * (GROUP_ROWS - 1)
        for start in range(0, self.rows, CHUNK_ROWS):
            stop = min(start + CHUNK_ROWS, self.rows)
            whole = start + (stop - start) // GROUP_ROWS * GROUP_ROWS
            if start < whole:
                flat = chain.from_iterable(_tuples(varying, start, whole))
                yield grouped, zip(*[flat] * (GROUP_ROWS * len(varying)), strict=True)
            if whole < stop:
                yield single, _tuples(varying, whole, stop)


def _tuples(
    varying: Sequence[tuple[str, str, _Data]], start: int, stop: int
) -> Iterator[tuple[Any, ...]]:
    columns = (_values(kind, data, start, stop) for _, kind, data in varying)
    return zip(*columns, strict=True)


def _values(kind: str, data: _Data, start: int, stop: int) -> Sequence[Any]:
    """Return rows `start` to `stop` of a column as plain Python values."""
    if isinstance(data, Coded):
        return _decode(np.asarray(data.codes)[start:stop].tolist(), data.labels)
    part = data[start:stop]
    if not isinstance(part, np.ndarray) or part.dtype.kind == "O":
        return [_plain(value, kind) for value in part]
    if part.dtype.kind == "f" and not np.ma.isMaskedArray(part):
        finite = np.isfinite(part)
        if not finite.all():
            values = part.astype(object)
            values[~finite] = None
            return list(values.tolist())
    elif part.dtype.kind == "f":
        return list(np.ma.masked_invalid(part).tolist())
    return list(part.tolist())


def _decode(codes: list[int], labels: tuple[str, ...]) -> list[str | None]:
    if codes and (min(codes) < -1 or max(codes) >= len(labels)):
        raise TelemetryError(f"a code outside -1 .. {len(labels) - 1} has no label")
    # The last place answers to -1.
    return list(map((*labels, None).__getitem__, codes))


def _plain(value: Any, kind: str) -> Any:
    """Return a value as sqlite3 takes it."""
    if isinstance(value, np.generic):
        value = value.item()
    if kind == "REAL" and isinstance(value, float) and not np.isfinite(value):
        return None
    return value


def _literal(value: str | int | None) -> str:
    """Return a value as it stands in SQL, exactly."""
    if value is None:
        return "NULL"
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return repr(int(value))
