"""Field paths: ``inventory.money``, ``position.x``, ``inventory.goods.A``, ``mood.level``."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from ecs_market.columns import Spec, component_name
from ecs_market.components.barred import Barred
from ecs_market.components.gains import Gains
from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.pairing import Pairing
from ecs_market.components.table import Table
from ecs_market.errors import InputError
from ecs_market.types import I64, Column
from ecs_market.world import World

# What only the engine writes.
MANAGED: frozenset[type] = frozenset({Identity, Intent, Pairing, Barred, Gains, MarketMemory})


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a component, or one good of the inventory.

    Attributes
    ----------
    path
        As the host spells it.
    component, name, spec
        The component class, its column and what that column holds.
    good
        Index of the good that the path names, None for a whole column.
    width
        Size of the second dimension, None for one value a row.
    """

    path: str
    component: type
    name: str
    spec: Spec
    good: int | None = None
    width: int | None = None

    def whole(self, world: World) -> Column:
        """Return the column over the whole arena: a view, shape (rows,) or (rows, width)."""
        column: Column = getattr(world.agents.whole(self.component), self.name)
        return column if self.good is None else column[:, self.good]


def table_of(world: World, name: Any) -> Table:
    """Return the table of a population; InputError with near names if there is none."""
    tables = world.agents.tables
    if isinstance(name, str) and name in tables:
        return tables[name]
    near = get_close_matches(str(name), tables, n=2)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(f"there is no population {name!r}{hint} (there is: {', '.join(tables)})")


def components_of(world: World, population: str) -> dict[str, type]:
    """Return the component classes of a population by their name in field paths."""
    found = world.esper.components_for_entity(world.agents.tables[population].entity)
    return {
        component_name(type(each)): type(each) for each in found if type(each) in world.agents.specs
    }


def fields_of(world: World, population: str) -> list[Field]:
    """Return all fields of a population, and each good as ``inventory.goods.<good>``."""
    fields: list[Field] = []
    for name, component in components_of(world, population).items():
        for column, spec in world.agents.specs[component].items():
            width = None if spec.width is None else world.agents.widths[spec.width]
            path = f"{name}.{column}"
            fields.append(Field(path, component, column, spec, None, width))
            if component is Inventory and column == "goods":
                fields.extend(
                    Field(f"{path}.{good}", component, column, spec, index)
                    for index, good in enumerate(world.settings.goods)
                )
    return fields


def field_of(world: World, population: str, path: str) -> Field:
    """Return the field a path names; InputError lists what the population has."""
    fields = {field.path: field for field in fields_of(world, population)}
    if path in fields:
        return fields[path]
    near = get_close_matches(str(path), fields, n=2)
    hint = f"; did you mean {' or '.join(near)}?" if near else ""
    raise InputError(
        f"population {population!r} has no field {path!r}{hint} (there is: {', '.join(fields)})"
    )


def refuse_managed(field: Field) -> None:
    """Raise InputError if a field is the engine's alone to write."""
    if field.component in MANAGED:
        raise InputError(
            f"{field.path} can't be set: {component_name(field.component)} is managed by the "
            "engine; it can be read"
        )


def members(world: World, population: str) -> I64:
    """Return the ids of a population, ascending."""
    table = table_of(world, population)
    ids: I64 = world.agents.whole(Identity).id[table.start : table.stop].copy()
    ids.sort()
    return ids
