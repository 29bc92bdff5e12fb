"""Telemetry: what a run leaves behind, in SQLite."""

from __future__ import annotations

from ecs_market.telemetry.batches import Coded
from ecs_market.telemetry.recorder import MEMORY_LIMIT, Recorder
from ecs_market.telemetry.schema import (
    SCHEMA_VERSION,
    TABLES,
    VIEWS,
    Level,
    default_level,
    tables_at,
)

__all__ = [
    "MEMORY_LIMIT",
    "SCHEMA_VERSION",
    "TABLES",
    "VIEWS",
    "Coded",
    "Level",
    "Recorder",
    "default_level",
    "tables_at",
]
