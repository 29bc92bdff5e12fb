"""The shipped scenarios, as package data beside this file."""

from __future__ import annotations

if __name__ != "ecs_market.scenarios":
    raise ImportError("import this folder as ecs_market.scenarios")
