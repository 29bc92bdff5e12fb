"""The `ecs-market` command."""

from __future__ import annotations

from ecs_market.cli.parser import main

__all__ = ["main"]
