"""Mechanisms and utility families of other packages, found by their entry points.

A package declares entry points in the group `ecs_market.mechanisms` or `ecs_market.preferences`;
each leads to a `registry.Entry`, which names the module with the code exactly as the engine's own
entries do. Whatever is wrong with a plug-in is one error that names its distribution.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import import_module, metadata
from types import ModuleType
from typing import TYPE_CHECKING, Any

from ecs_market.errors import InputError

if TYPE_CHECKING:
    from ecs_market.registry import Entry

# Entry point group, and the kind of what its entry points lead to.
GROUPS = {"ecs_market.mechanisms": "mechanism", "ecs_market.preferences": "family"}

_NAME = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True, slots=True)
class PlugIn:
    """One entry point that was found, and where it came from."""

    entry: Entry
    group: str
    distribution: str
    version: str

    @property
    def source(self) -> str:
        """Name and version of the package that brings it."""
        return f"{self.distribution} {self.version}"


@functools.cache
def plug_ins() -> tuple[PlugIn, ...]:
    """Return all plug-ins, in the order of their groups and names.

    Raises
    ------
    InputError
        A plug-in can't be loaded or declares something else than an entry of its kind.
    """
    return tuple(
        PlugIn(_declared(point, kind), group, *_distribution(point))
        for group, kind in GROUPS.items()
        for point in sorted(metadata.entry_points(group=group), key=_order)
    )


def _order(point: metadata.EntryPoint) -> tuple[str, ...]:
    return (point.name, *_distribution(point), point.value)


def _distribution(point: metadata.EntryPoint) -> tuple[str, str]:
    """Return name and version of the distribution that an entry point belongs to."""
    if point.dist is None:
        return "an unknown distribution", ""
    return point.dist.name, point.dist.version


def _declared(point: metadata.EntryPoint, kind: str) -> Entry:
    """Load an entry point and check what it leads to."""
    from ecs_market.registry import Entry

    name, version = _distribution(point)
    who = f"plug-in {point.name} ({point.group}) of {name} {version}"
    try:
        entry: Any = point.load()
    except Exception as error:  # whatever a stranger's module may raise
        raise InputError(f"{who} can't be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(entry, Entry):
        raise InputError(f"{who}: {point.value} is not an Entry but {type(entry).__name__}")
    if entry.kind != kind:
        raise InputError(f"{who}: declares a {entry.kind}, but the group is for a {kind}")
    if not entry.module:
        raise InputError(f"{who}: its Entry names no module")
    for spelled in (entry.name, *entry.aliases):
        if not _NAME.fullmatch(spelled):
            message = "must be small letters, digits and _, a letter first"
            raise InputError(f"{who}: its name {spelled!r} {message}")
    return entry


def refuse_collisions(built_in: Iterable[Entry], found: Iterable[PlugIn]) -> None:
    """Raise InputError if two entries of a kind share a name or an alias."""
    taken = {
        (entry.kind, name): "the engine itself"
        for entry in built_in
        for name in (entry.name, *entry.aliases)
    }
    for each in found:
        entry = each.entry
        for name in (entry.name, *entry.aliases):
            if (entry.kind, name) in taken:
                other = taken[entry.kind, name]
                message = f"the name is taken by {other}"
                raise InputError(f"{entry.kind} '{name}' of {each.source}: {message}")
            taken[entry.kind, name] = each.source


def plug_in_of(entry: Entry) -> PlugIn | None:
    """Return where an entry came from, None for the engine's own."""
    return next((each for each in plug_ins() if each.entry is entry), None)


def load(plug_in: PlugIn, needed: Iterable[str]) -> ModuleType:
    """Import the code of a plug-in.

    Parameters
    ----------
    needed
        Names that the module must have.

    Raises
    ------
    InputError
        The module can't be imported, lacks a name, or says another `NAME` than its entry.
    """
    entry = plug_in.entry
    who = f"{entry.kind} '{entry.name}' of {plug_in.source}"
    try:
        module = import_module(entry.module)
    except Exception as error:  # whatever a stranger's module may raise
        raise InputError(
            f"{who}: {entry.module} can't be imported: {type(error).__name__}: {error}"
        ) from error
    missing = [name for name in needed if not hasattr(module, name)]
    if missing:
        raise InputError(f"{who}: {entry.module} lacks {', '.join(missing)}")
    if entry.name != module.NAME:
        raise InputError(f"{who}: {entry.module} has the NAME {module.NAME!r}")
    return module
