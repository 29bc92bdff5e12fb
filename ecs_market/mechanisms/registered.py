"""The mechanisms there are, each with the component that holds its posts' parameters."""

from __future__ import annotations

from types import ModuleType

from ecs_market.mechanisms import call_auction, posted_price, walrasian

MECHANISMS: dict[str, ModuleType] = {
    module.NAME: module for module in (walrasian, posted_price, call_auction)
}
# In the order of their tables in the arena of posts.
POST_TABLES: dict[str, type] = {name: module.COMPONENT for name, module in MECHANISMS.items()}
