"""All that a system may change, remembered, so that it can run again from the same state."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from ecs_market.types import Column
from ecs_market.world import World

# What a tick reads and never changes, and what has a life outside of the world.
_OUTSIDE = (
    *("settings", "esper", "recorder", "snapshots", "watch", "_pool"),
    *("timings", "total_timings"),
)


class Snapshot:
    """Every array, list, mapping and field that can be reached from a world's own.

    Arrays keep their identity: `restore` writes old contents into the same memory, and gives fields
    and containers the objects back that they held.  What a system keeps in itself, and telemetry
    that has been handed over, is out of reach.
    """

    def __init__(self) -> None:
        self._arrays: dict[int, tuple[Column, Column]] = {}
        self._fields: dict[int, tuple[Any, dict[str, Any]]] = {}
        self._containers: dict[int, tuple[Any, Any]] = {}

    @classmethod
    def of(cls, world: World) -> Snapshot:
        """Remember the state and the scratch of a world."""
        taken = cls()
        own = {each.name: getattr(world, each.name) for each in dataclasses.fields(world)}
        taken._fields[id(world)] = (world, {k: v for k, v in own.items() if k not in _OUTSIDE})
        for name, value in own.items():
            if name not in _OUTSIDE:
                taken._visit(value)
        for components in world.esper._entities.values():  # noqa: SLF001  # it has no public list
            taken._visit(components)
        return taken

    @property
    def nbytes(self) -> int:
        """Return the size of all arrays [byte]."""
        return sum(kept.nbytes for _, kept in self._arrays.values())

    def restore(self) -> None:
        """Put everything back."""
        for array, kept in self._arrays.values():
            np.copyto(array, kept)
        for owner, fields in self._fields.values():
            for name, value in fields.items():
                setattr(owner, name, value)
        for container, kept in self._containers.values():
            if isinstance(container, list):
                container[:] = kept
            else:
                container.clear()
                container.update(kept)

    def _visit(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            self._array(value)
        elif isinstance(value, tuple):
            for each in value:
                self._visit(each)
        elif isinstance(value, (list, dict, set)):
            if id(value) not in self._containers:
                self._containers[id(value)] = (value, value.copy())
                for each in value.values() if isinstance(value, dict) else value:
                    self._visit(each)
        elif not isinstance(value, type):
            self._object(value)

    def _array(self, array: Column) -> None:
        while isinstance(array.base, np.ndarray):
            array = array.base
        if id(array) not in self._arrays and array.flags.writeable:
            self._arrays[id(array)] = (array, array.copy())

    def _object(self, value: Any) -> None:
        """Remember an instance of a dataclass, or of a plain class of this package."""
        if id(value) in self._fields:
            return
        if dataclasses.is_dataclass(value):
            kind: Any = type(value)
            frozen: bool = kind.__dataclass_params__.frozen
            names = [each.name for each in dataclasses.fields(value)]
            own = {name: getattr(value, name) for name in names if hasattr(value, name)}
        elif type(value).__module__.startswith("ecs_market.") and hasattr(value, "__dict__"):
            frozen, own = False, dict(vars(value))
        else:
            return
        self._fields[id(value)] = (value, {} if frozen else own)
        for each in own.values():
            self._visit(each)
