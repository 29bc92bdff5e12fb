"""Contiguous columns for all rows of one kind, and the tables that share them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from ecs_market.columns import Spec, empty_column, filled, specs
from ecs_market.components.identity import Identity
from ecs_market.components.table import Table
from ecs_market.types import I64, Column

C = TypeVar("C")


def room(rows: int) -> int:
    """Return the capacity of a table of `rows` rows: a quarter spare."""
    return rows + rows // 4 + 1


@dataclass(slots=True)
class _Binding:
    component: Any
    table: Table


class Arena:
    """One array a column for all agents, or all posts; each table owns a range of rows.

    Kernels take whole columns (`whole`) and a range of rows; esper queries hand out components
    whose fields are views of a table's rows (`bind`).

    Parameters
    ----------
    counts
        Name and number of rows of each table, in declaration order.
    widths
        Sizes of the named second dimensions (``goods``, ``parameters``, ...).
    """

    def __init__(self, counts: list[tuple[str, int]], widths: dict[str, int]) -> None:
        self.widths = widths
        self.tables: dict[str, Table] = {}
        start = 0
        for name, rows in counts:
            limit = start + room(rows)
            self.tables[name] = Table(name, start, start + rows, limit)
            start = limit
        self.capacity = start
        self.specs: dict[type, dict[str, Spec]] = {}
        self._whole: dict[type, Any] = {}
        self._bindings: list[_Binding] = []
        self.register(Identity)

    @property
    def size(self) -> int:
        """Return the number of rows in use."""
        return sum(table.size for table in self.tables.values())

    @property
    def end(self) -> int:
        """Return the row after the last one in use; scratch need not reach further."""
        return max((table.stop for table in self.tables.values()), default=0)

    def append_table(self, name: str) -> None:
        """Add a table without rows after all others."""
        self.tables[name] = Table(name, self.capacity, self.capacity, self.capacity)
        self._lay_out_anew({})
        for binding in self._bindings:
            self._point(binding.component, binding.table)

    def register(self, component: type[C], given: dict[str, Spec] | None = None) -> C:
        """Allocate a component's columns over the whole arena, unless they are there already.

        `given` describes the columns of a host program's component, which declares none.
        """
        if component not in self._whole:
            self.specs[component] = specs(component) if given is None else given
            made = component.__new__(component)
            for name, spec in self.specs[component].items():
                setattr(made, name, empty_column(spec, self.capacity, self.widths))
            self._whole[component] = made
        whole: C = self._whole[component]
        return whole

    def whole(self, component: type[C]) -> C:
        """Return the component whose fields are the arena's whole columns."""
        found: C = self._whole[component]
        return found

    def bind(self, component: type[C], table: Table) -> C:
        """Return a component whose fields are views of a table's rows, kept up to date."""
        bound = component.__new__(component)
        self._bindings.append(_Binding(bound, table))
        self._point(bound, table)
        return bound

    def unbind(self, component: Any) -> None:
        """Stop keeping a component up to date."""
        self._bindings = [b for b in self._bindings if b.component is not component]

    def rearrange(self, sources: dict[str, I64]) -> None:
        """Move rows: `sources` names, for each table, the old row of each new one, -1 if new.

        Columns move one after the other, so that at most one is held twice; tables that are not
        named stay as they are.
        """
        tables = self.tables
        if all(len(rows) <= tables[n].limit - tables[n].start for n, rows in sources.items()):
            for whole, name, spec in self._columns():
                for table_name, rows in sources.items():
                    table = tables[table_name]
                    column = getattr(whole, name)
                    moved = _gather(column, rows, spec)
                    column[table.start : table.start + len(rows)] = moved
                    column[table.start + len(rows) : max(table.stop, table.start)] = spec.fill
            for table_name, rows in sources.items():
                tables[table_name].stop = tables[table_name].start + len(rows)
        else:
            self._lay_out_anew(sources)
        for binding in self._bindings:
            self._point(binding.component, binding.table)

    def _lay_out_anew(self, sources: dict[str, I64]) -> None:
        """Give every table new room, at the end of which its new rows are spare again."""
        wanted: list[tuple[Table, I64, int, int]] = []
        start = 0
        for name, table in self.tables.items():
            rows = sources.get(name)
            if rows is None:
                rows = np.arange(table.start, table.stop, dtype=np.int64)
            limit = start + max(room(len(rows)), table.limit - table.start)
            wanted.append((table, rows, start, limit))
            start = limit
        self.capacity = start
        for whole, name, spec in self._columns():
            old = getattr(whole, name)
            new = filled(spec, (self.capacity, *old.shape[1:]))
            for _, rows, first, _ in wanted:
                new[first : first + len(rows)] = _gather(old, rows, spec)
            setattr(whole, name, new)
        for table, rows, first, limit in wanted:
            table.start, table.stop, table.limit = first, first + len(rows), limit

    def _columns(self) -> list[tuple[Any, str, Spec]]:
        return [
            (whole, name, spec)
            for component, whole in self._whole.items()
            for name, spec in self.specs[component].items()
        ]

    def _point(self, bound: Any, table: Table) -> None:
        whole = self._whole[type(bound)]
        for name in self.specs[type(bound)]:
            setattr(bound, name, getattr(whole, name)[table.start : table.stop])


def _gather(column: Column, rows: I64, spec: Spec) -> Column:
    taken = column[np.maximum(rows, 0)]
    taken[rows < 0] = spec.fill
    return taken
