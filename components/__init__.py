"""The columns that agents and posts are made of: plain dataclasses, one noun a file."""

from __future__ import annotations

if __name__ == "components":
    raise ImportError("import ecs_market.components: this folder is a part of that package")
