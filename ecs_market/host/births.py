"""Agents that a host program adds and removes between ticks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike

from ecs_market.books import forget_agents
from ecs_market.build import refresh_reach
from ecs_market.columns import component_name
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.mobility import Mobility
from ecs_market.components.pairing import Pairing
from ecs_market.errors import InputError
from ecs_market.host.checks import as_ids, as_values, book, check_totals, holdings, owned
from ecs_market.host.fields import (
    MANAGED,
    Field,
    components_of,
    fields_of,
    refuse_managed,
    table_of,
)
from ecs_market.host.pursuits import release
from ecs_market.types import I64, Column
from ecs_market.world import World

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation

# Rows are numbered with int32 inside the kernels.
MAX_AGENTS = 2**31 - 1


def spawn(
    simulation: Simulation,
    population: str,
    count: Any,
    position: Any,
    inventory: Mapping[str, Any] | None,
    host_key: Any,
    components: Mapping[str, Any],
) -> I64:
    """Add agents; see `Simulation.spawn`.

    Returns
    -------
    ndarray of int64
        The new ids, ascending.

    Raises
    ------
    InputError
        An argument is not allowed, or something is neither given nor to be copied; nothing has
        changed.
    """
    world = simulation.world
    table_of(world, population)
    if isinstance(count, bool) or not isinstance(count, (int, np.integer)) or count < 0:
        raise InputError(f"spawn: count must be a whole number from 0, not {count!r}")
    if count + world.agents.capacity + len(world.agent_rows) > MAX_AGENTS:
        raise InputError(f"spawn: {count} more would be above {MAX_AGENTS} agents")
    count = int(count)
    keys = _checked_keys(simulation, population, count, host_key)
    given = _given(world, population, count, position, inventory, components)
    values = _complete(world, population, count, given)
    born = holdings(*(values[Inventory, name] for name in ("goods", "money")))
    check_totals(world, [a + b for a, b in zip(owned(world), born, strict=True)], "spawn")
    ids = world.restructure(births={population: count})
    rows = world.agent_rows[ids]
    for (component, name), column in values.items():
        getattr(world.agents.whole(component), name)[rows] = column
    book(world, born)
    if keys is not None:
        known = simulation.host_keys.setdefault(population, {})
        known.update(zip(keys, ids.tolist(), strict=True))
    refresh_reach(world)
    return ids


def _checked_keys(
    simulation: Simulation, population: str, count: int, host_key: Any
) -> list[Any] | None:
    if host_key is None:
        return None
    try:
        keys = host_key.tolist() if isinstance(host_key, np.ndarray) else list(host_key)
    except TypeError as error:
        raise InputError(f"spawn: host_key must be a list of keys, not {host_key!r}") from error
    if len(keys) != count:
        raise InputError(f"spawn: there are {len(keys)} host keys for {count} agents")
    seen = set(simulation.host_keys.get(population, {}))
    for key in keys:
        try:
            taken = key in seen
        except TypeError as error:
            raise InputError(f"spawn: the host key {key!r} is not hashable") from error
        if taken:
            raise InputError(f"spawn: the host key {key!r} is taken in population {population!r}")
        seen.add(key)
    return keys


def _given(
    world: World,
    population: str,
    count: int,
    position: Any,
    inventory: Mapping[str, Any] | None,
    components: Mapping[str, Any],
) -> dict[tuple[type, str], Column]:
    """Return the columns that were handed in, checked, by component and field."""
    wanted: dict[str, Any] = {}
    if position is not None:
        try:
            cells = np.asarray(position)
        except ValueError as error:
            raise InputError(f"spawn: position must have shape ({count}, 2)") from error
        if cells.shape != (count, 2):
            raise InputError(f"spawn: position must have shape ({count}, 2), not {cells.shape}")
        wanted["position.x"], wanted["position.y"] = cells[:, 0], cells[:, 1]
    parts = dict(components)
    if inventory is not None:
        parts["inventory"] = inventory
    known = [n for n, c in components_of(world, population).items() if c not in MANAGED]
    for name, columns in parts.items():
        if name not in components_of(world, population):
            raise InputError(
                f"spawn: population {population!r} has no component {name!r} (there is: "
                f"{', '.join(known)})"
            )
        if not isinstance(columns, Mapping):
            raise InputError(f"spawn: {name} must be a mapping of fields, not {columns!r}")
        wanted.update({f"{name}.{field}": values for field, values in columns.items()})
    fields = {field.path: field for field in fields_of(world, population) if field.good is None}
    free = [path for path, field in fields.items() if field.component not in MANAGED]
    found: dict[tuple[type, str], Column] = {}
    for path, values in wanted.items():
        if path not in fields:
            raise InputError(f"spawn: there is no field {path!r} (there is: {', '.join(free)})")
        field = fields[path]
        refuse_managed(field)
        found[field.component, field.name] = as_values(world, field, values, count, "spawn")
    return found


def _complete(
    world: World, population: str, count: int, given: dict[tuple[type, str], Column]
) -> dict[tuple[type, str], Column]:
    """Add what was not given: a copy of the lowest id's, and the new position as the home."""
    table = table_of(world, population)
    ids = world.agents.whole(Identity).id[table.start : table.stop]
    model = table.start + int(ids.argmin()) if table.size else -1
    values = dict(given)
    homes: list[tuple[Field, str]] = []
    for field in fields_of(world, population):
        key = (field.component, field.name)
        if field.good is not None or field.component in MANAGED or key in values:
            continue
        if field.component is Mobility and field.name != "budget":
            homes.append((field, field.name[-1]))
        elif model >= 0:
            column = field.whole(world)
            values[key] = np.repeat(column[model : model + 1], count, axis=0)
        else:
            raise InputError(
                f"spawn: population {population!r} is empty, so there is nobody to copy "
                f"{field.path} from; give it"
            )
    by_name = {f"{component_name(c)}.{name}": column for (c, name), column in values.items()}
    for field, axis in homes:
        values[field.component, field.name] = by_name[f"position.{axis}"]
    return values


def despawn(simulation: Simulation, ids: ArrayLike) -> None:
    """Remove agents; what they own is booked out as the host's.

    Raises
    ------
    InputError
        An id is not alive or given twice; nothing has changed.
    """
    world = simulation.world
    gone = as_ids(ids, "despawn")
    rows = world.rows_of(gone)
    if not len(gone):
        return
    inventory = world.agents.whole(Inventory)
    lost = holdings(inventory.goods[rows], inventory.money[rows])
    world.restructure(deaths=gone)
    book(world, [-amount for amount in lost])
    dead = set(gone.tolist())
    for keys in simulation.host_keys.values():
        for key in [key for key, ident in keys.items() if ident in dead]:
            del keys[key]
    _release(world, gone)


def _release(world: World, gone: I64) -> None:
    """Let go of the dead: those who were paired with them or after them are idle."""
    pairing, intent = world.agents.whole(Pairing), world.agents.whole(Intent)
    pairing.partner[np.isin(pairing.partner, gone)] = -1
    release(intent, (intent.kind == PARTNER) & np.isin(intent.target, gone))
    forget_agents(world, gone)
