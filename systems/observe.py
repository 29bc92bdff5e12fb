"""Telemetry: what happened in the tick is added up and written down; nothing is changed."""

from __future__ import annotations

import esper

from ecs_market.telemetry import records
from ecs_market.world import World


class Observe(esper.Processor):
    """Update the run's totals and hand the tick to the recorder, if there is one."""

    def process(self, world: World) -> None:
        """Record what the level asks for; what happens does not depend on it."""
        records.add_up(world)
        if world.recorder is not None:
            records.record(world, world.recorder)
        world.scratch.clearings.clear()
        world.scratch.bargains = None
        world.scratch.orders = None
        world.trim()
