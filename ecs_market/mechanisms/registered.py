"""The mechanisms there are, each with the component that holds its posts' parameters."""

from __future__ import annotations

import functools
from types import ModuleType

from ecs_market import plugins, registry
from ecs_market.mechanisms import call_auction, double_auction, posted_price, walrasian

MECHANISMS: dict[str, ModuleType] = {
    module.NAME: module for module in (walrasian, posted_price, double_auction, call_auction)
}
# In the order of their tables in the arena of posts.
POST_TABLES: dict[str, type] = {name: module.COMPONENT for name, module in MECHANISMS.items()}

NEEDED = ("NAME", "COMPONENT", "BOOKS", "configure", "clear")


def by_name(name: str) -> ModuleType:
    """Return the module of a mechanism, the engine's own or a plug-in's."""
    return MECHANISMS[name] if name in MECHANISMS else _plugged_in(name)


@functools.cache
def _plugged_in(name: str) -> ModuleType:
    """Import the module of a plug-in; InputError if it is not what a mechanism must be."""
    found = plugins.plug_in_of(registry.find("mechanism", name))
    if found is None:
        raise KeyError(name)
    return plugins.load(found, NEEDED)
