"""Changes between ticks: collected, checked, then applied all or not at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from numpy.typing import ArrayLike

from ecs_market.build import refresh_reach
from ecs_market.components.inventory import Inventory
from ecs_market.components.visibility import Visibility
from ecs_market.errors import InputError, SimulationError
from ecs_market.host.checks import as_ids, as_values, book, check_totals, holdings, owned
from ecs_market.host.fields import Field, field_of, refuse_managed
from ecs_market.types import I64, Column

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


@dataclass(frozen=True, slots=True)
class _Write:
    field: Field
    rows: I64
    values: Column


class Edit:
    """Collects changes; nothing is written before `apply`.

    Parameters
    ----------
    simulation
        What to change; its rows must not move and no tick may run until `apply`.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._writes: list[_Write] = []
        self._open = True

    def set(self, path: str, ids: ArrayLike, values: ArrayLike) -> None:
        """Note new values for a field.

        Parameters
        ----------
        path
            ``<component>.<field>`` or ``inventory.goods.<good>``.
        ids
            Whose; of one or of several populations that have the field.
        values
            One value for all, or one for each id in the order of `ids`; in storage units.

        Raises
        ------
        InputError
            An id, the path or a value is not allowed; the edit is as it was before this call.
        """
        if not self._open:
            raise SimulationError("the edit block has ended; nothing more can be set through it")
        world = self._simulation.world
        what = f"set({path!r})"
        wanted = as_ids(ids, what)
        rows = world.rows_of(wanted)
        field = self._field(path, rows, what)
        refuse_managed(field)
        write = _Write(field, rows, as_values(world, field, values, len(rows), what))
        if field.component is Inventory:
            check_totals(world, self._totals([*self._writes, write]), what)
        self._writes.append(write)

    def _field(self, path: str, rows: I64, what: str) -> Field:
        """Return the field, which every population with one of the rows must have."""
        world = self._simulation.world
        found: Field | None = None
        for name, table in world.agents.tables.items():
            if ((rows >= table.start) & (rows < table.stop)).any():
                found = field_of(world, name, path)
        if found is not None:
            return found
        for name in world.agents.tables:
            try:
                return field_of(world, name, path)
            except InputError as error:
                fault = error
        raise InputError(f"{what}: {fault}")

    def _totals(self, writes: list[_Write]) -> list[int]:
        """Return what all agents would own after some writes."""
        inventory = self._simulation.world.agents.whole(Inventory)
        columns = {"goods": inventory.goods, "money": inventory.money}
        mine = [write for write in writes if write.field.component is Inventory]
        for name in {write.field.name for write in mine}:
            columns[name] = columns[name].copy()
        for write in mine:
            column = columns[write.field.name]
            if write.field.good is None:
                column[write.rows] = write.values
            else:
                column[write.rows, write.field.good] = write.values
        return holdings(columns["goods"], columns["money"])

    def apply(self) -> None:
        """Write everything and book what it made or unmade as the host's.

        Raises
        ------
        InputError
            Other changes since made the totals too large; nothing is written.
        """
        world = self._simulation.world
        self._open = False
        touched = {write.field.component for write in self._writes}
        change: list[int] = []
        if Inventory in touched:
            after = self._totals(self._writes)
            check_totals(world, after, "edit")
            change = [new - old for new, old in zip(after, owned(world), strict=True)]
        for write in self._writes:
            write.field.whole(world)[write.rows] = write.values
        if change:
            book(world, change)
        if Visibility in touched:
            refresh_reach(world)
