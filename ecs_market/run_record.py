"""What telemetry says about the run itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecs_market import __version__
from ecs_market.kernels.hashing import HASH_VERSION
from ecs_market.kernels.philox import RNG_VERSION
from ecs_market.plugins import plug_ins
from ecs_market.scenario import Scenario
from ecs_market.telemetry.recorder import Recorder
from ecs_market.telemetry.sample import Sample
from ecs_market.telemetry.schema import Level, default_level
from ecs_market.telemetry.snapshots import Snapshots

if TYPE_CHECKING:
    from ecs_market.market_view import MarketView
    from ecs_market.simulation import Simulation


def level_of(scenario: Scenario, level: Level | str | None) -> Level:
    """Return how much is recorded: as asked, or by the number of agents."""
    return default_level(scenario.agent_count) if level is None else Level.parse(level)


def open_recorder(
    simulation: Simulation, target: str | Path | None, level: Level, sample: Sample
) -> Recorder:
    """Open telemetry for a simulation and write what there is at the start."""
    scenario, units, world = simulation.scenario, simulation.units, simulation.world
    recorder = Recorder.open(
        target,
        level,
        run={
            "name": scenario.name,
            "scenario": json.dumps(scenario.to_dict(), ensure_ascii=False),
            "seed": simulation.seed,
            "version": _versions(scenario),
            "rng_version": str(RNG_VERSION),
            "hash_version": str(HASH_VERSION),
            "lot": units.lot,
            "price_step": units.price_step,
            "minor": units.minor,
            "goods": list(scenario.goods),
            "grid_width": scenario.grid.width,
            "grid_height": scenario.grid.height,
            "torus": int(scenario.grid.torus),
            "agents": scenario.agent_count,
            "snapshot_agents": sample.at_start,
            "snapshot_every": sample.every,
        },
        posts=[post_row(market) for market in simulation.markets],
    )
    world.itemise = level >= Level.TRADES
    if level > Level.OFF:
        world.recorder, world.snapshots = recorder, Snapshots(recorder, sample)
        world.snapshots.take(world, -1)
        recorder.end_tick()
    return recorder


def _versions(scenario: Scenario) -> str:
    """Return the version of the engine, and those of the plug-ins in use."""
    used = {post.mechanism for post in scenario.market_posts}
    used |= {each.family for group in scenario.populations for each in group.utilities}
    sources = {each.source for each in plug_ins() if each.entry.name in used}
    return " + ".join([__version__, *sorted(sources)])


def post_row(market: MarketView) -> dict[str, Any]:
    """Return the row of a post in the table `market_posts`."""
    x, y = market.location
    return {
        "market_id": market.id,
        "location_x": x,
        "location_y": y,
        "visibility_radius": market.visibility_radius,
        "interaction_radius": market.interaction_radius,
        "broadcast_radius": market.broadcast_radius,
        "mechanism_type": market.mechanism_type,
        "commodities": market.commodities,
    }
