"""Components of a host program."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from ecs_market.build import OPTIONAL_COMPONENTS
from ecs_market.columns import Spec, component_name
from ecs_market.components.table import Table
from ecs_market.errors import InputError
from ecs_market.host.fields import components_of, members, table_of
from ecs_market.types import Column

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation

# What `Columns` and the paths of births use for themselves.
_RESERVED = frozenset(("id", "table", "close", "hand_out", "host_key", "count", "population"))
_MOST_BYTES = 8


def add_component(simulation: Simulation, population: str, component: Any) -> None:
    """Give a population a component of the host.

    Parameters
    ----------
    component
        An instance of a dataclass whose fields are arrays of shape (n,) or (n, width), booleans,
        integers or floats, with a row for each member by ascending id.

    Raises
    ------
    InputError
        The instance does not fit, or its name is taken; nothing has changed.
    """
    world = simulation.world
    table = table_of(world, population)
    kind = type(component)
    if not dataclasses.is_dataclass(component) or isinstance(component, type):
        raise InputError(
            f"add_component: {component!r} is not an instance of a dataclass of arrays"
        )
    name = component_name(kind)
    _check_name(simulation, population, kind, name)
    columns = {
        field.name: _column(f"{name}.{field.name}", getattr(component, field.name), table)
        for field in dataclasses.fields(component)
    }
    widths = {
        f"{name}.{field}": column.shape[1] for field, column in columns.items() if column.ndim == 2
    }
    given = {
        field: Spec(column.dtype, "host", f"{name}.{field}" if column.ndim == 2 else None)
        for field, column in columns.items()
    }
    known = world.agents.specs.get(kind)
    same = {key: world.agents.widths.get(key) for key in widths} == widths
    if known is not None and (known != given or not same):
        raise InputError(
            f"add_component: {name} has other columns in another population; the types and widths "
            "must be the same"
        )
    world.agents.widths.update(widths)
    bound = world.bind(population, kind, given)
    rows = world.agent_rows[members(world, population)] - table.start
    for field, column in columns.items():
        getattr(bound, field)[rows] = column


def _check_name(simulation: Simulation, population: str, kind: type, name: str) -> None:
    """Refuse a second component of a name, one of the engine, and one that was added already."""
    world = simulation.world
    if name in components_of(world, population):
        raise InputError(f"add_component: population {population!r} has a component {name} already")
    engine = set(OPTIONAL_COMPONENTS.values())
    for other in world.agents.specs:
        if component_name(other) == name and (other is not kind or kind in engine):
            raise InputError(f"add_component: {name} is the name of another component")
    if name in _RESERVED:
        raise InputError(f"add_component: {name} can't be the name of a component")


def _column(path: str, values: Any, table: Table) -> Column:
    if not isinstance(values, np.ndarray):
        raise InputError(f"add_component: {path} must be a numpy array, not {values!r}")
    if values.ndim not in (1, 2) or values.shape[0] != table.size:
        raise InputError(
            f"add_component: {path} must have shape ({table.size},) or ({table.size}, width), not "
            f"{values.shape}"
        )
    if values.dtype.kind not in "biuf" or values.dtype.itemsize > _MOST_BYTES:
        raise InputError(
            f"add_component: {path} must hold booleans, integers or floats of at most 8 bytes, not "
            f"{values.dtype}"
        )
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise InputError(f"add_component: {path} must be finite")
    native: Column = values.astype(values.dtype.newbyteorder("="), copy=False)
    return native
