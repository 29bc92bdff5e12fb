"""Letting agents go that were after something that is gone."""

from __future__ import annotations

from ecs_market.components.intent import IDLE, Intent
from ecs_market.types import Bool


def release(intent: Intent, rows: Bool) -> None:
    """Make agents idle."""
    intent.kind[rows] = IDLE
    intent.target[rows] = -1
    intent.value[rows] = 0.0
    intent.since[rows] = -1
    intent.waited[rows] = 0
