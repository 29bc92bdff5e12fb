"""`python -m ecs_market`: the same as the `ecs-market` command."""

from __future__ import annotations

import sys

from ecs_market.cli import main

if __name__ == "__main__":
    sys.exit(main())
