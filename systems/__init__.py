"""What happens in a tick: stateless processors, one verb a file."""

from __future__ import annotations

if __name__ == "systems":
    raise ImportError("import ecs_market.systems: this folder is a part of that package")
