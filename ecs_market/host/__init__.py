"""What a program that embeds a simulation reads and changes between ticks."""

from __future__ import annotations

from ecs_market.host.agent_view import (
    AgentView,
    KnownMarket,
    VisibleAgent,
    VisibleResource,
    agent_view,
)
from ecs_market.host.births import despawn, spawn
from ecs_market.host.edit import Edit
from ecs_market.host.extend import add_component
from ecs_market.host.fields import table_of
from ecs_market.host.population import Population
from ecs_market.host.posts import add_market_post, remove_market_post
from ecs_market.host.row_views import Columns

__all__ = [
    "AgentView",
    "Columns",
    "Edit",
    "KnownMarket",
    "Population",
    "VisibleAgent",
    "VisibleResource",
    "add_component",
    "add_market_post",
    "agent_view",
    "despawn",
    "remove_market_post",
    "spawn",
    "table_of",
]
