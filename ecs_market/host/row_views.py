"""A population's columns without copies, in the order of rows, for as long as a block lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecs_market.build import refresh_reach
from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.visibility import Visibility
from ecs_market.errors import SimulationError
from ecs_market.host.checks import book, check_limits, check_totals, owned
from ecs_market.host.fields import MANAGED, Field, components_of, fields_of, table_of
from ecs_market.types import Column

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


class ComponentColumns:
    """The columns of one component: each field is an attribute."""

    _owner: Columns
    _name: str
    _fields: dict[str, Field]

    def __init__(self, owner: Columns, name: str, fields: dict[str, Field]) -> None:
        # Past __setattr__, which writes to columns.
        self.__dict__.update(_owner=owner, _name=name, _fields=fields)

    def __getattr__(self, name: str) -> Column:
        """Return a view of a column, shape (n,) or (n, width), in the order of rows."""
        if name.startswith("__") or name not in self._fields:
            raise AttributeError(
                f"{self._name} has no field {name!r} (there is: {', '.join(self._fields)})"
            )
        return self._owner.hand_out(self._fields[name])

    def __setattr__(self, name: str, value: Any) -> None:
        """Write to all of a column: ``c.mood.level = 0`` and ``c.mood.level += 1`` do."""
        getattr(self, name)[...] = value

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._fields]


class Columns:
    """Zero-copy views of a population: ``c.position.x``, ``c.inventory.goods``, ``c.id``.

    Row order is the engine's own and changes when agents are born or die; ``c.id`` says which
    agent a row is.  What the engine manages can be read only.
    """

    def __init__(self, simulation: Simulation, population: str) -> None:
        self._simulation = simulation
        self._table = table_of(simulation.world, population)
        self._open = True
        self._handed: list[Column] = []
        self._writable: dict[str, Field] = {}
        self._parts: dict[str, ComponentColumns] = {}
        self._before = self._unbooked()
        fields = fields_of(simulation.world, population)
        for name, component in components_of(simulation.world, population).items():
            mine = {f.name: f for f in fields if f.component is component and f.good is None}
            self._parts[name] = ComponentColumns(self, name, mine)

    @property
    def id(self) -> Column:
        """The id of each row, int64 (n,)."""
        spec = self._simulation.world.agents.specs[Identity]["id"]
        return self.hand_out(Field("identity.id", Identity, "id", spec))

    def __getattr__(self, name: str) -> ComponentColumns:
        """Return the columns of a component by its name in snake case."""
        parts: dict[str, ComponentColumns] = self.__dict__.get("_parts", {})
        if name not in parts:
            raise AttributeError(
                f"population has no component {name!r} (there is: {', '.join(parts)})"
            )
        return parts[name]

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self._parts]

    def hand_out(self, field: Field) -> Column:
        """Return a fresh view of a column; SimulationError after the block."""
        if not self._open:
            raise SimulationError("the columns() block has ended; open another one to go on")
        view = field.whole(self._simulation.world)[self._table.start : self._table.stop]
        if field.component in MANAGED:
            view.setflags(write=False)
        else:
            self._handed.append(view)
            self._writable[field.path] = field
        return view

    def close(self) -> None:
        """Turn what was handed out read-only, check what was written, and book it as the host's.

        Raises
        ------
        InputError
            A value is not allowed; as it has been written already, the run can't go on.
        """
        if not self._open:
            return
        self._open = False
        for view in self._handed:
            view.setflags(write=False)
        world = self._simulation.world
        for field in self._writable.values():
            column = field.whole(world)[self._table.start : self._table.stop]
            check_limits(world, field, column, "columns()")
        touched = {field.component for field in self._writable.values()}
        if Inventory in touched:
            change = [n - o for n, o in zip(self._unbooked(), self._before, strict=True)]
            check_totals(world, owned(world), "columns()")
            book(world, change)
        if Visibility in touched:
            refresh_reach(world)

    def _unbooked(self) -> list[int]:
        """Return what exists apart from harvests and what the host has booked."""
        ledger = self._simulation.world.ledger
        booked = (ledger.harvest + ledger.host).tolist()
        now = owned(self._simulation.world)
        markets = self._simulation.world.market_accounts().tolist()
        return [a + m - entry for a, m, entry in zip(now, markets, booked, strict=True)]
