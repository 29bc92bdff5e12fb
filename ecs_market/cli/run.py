"""`ecs-market run`."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ecs_market import __version__
from ecs_market.cli import report
from ecs_market.cli.compile_ahead import Helpers
from ecs_market.cli.output import OutputFolder, numbered
from ecs_market.cli.parser import INTERRUPTED
from ecs_market.cli.progress import Compiling, Progress
from ecs_market.cli.watch import watch
from ecs_market.errors import InputError, MarketError

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


def open_output(options: Namespace, seed: int) -> OutputFolder:
    """Make the run's folder: the one that was asked for, or the next free one below runs/."""
    if options.out is None:
        return numbered(options.scenario, seed)
    if not options.out.strip():
        raise InputError("--out: the name of a new folder is missing")
    return OutputFolder(Path(options.out))


def run(options: Namespace) -> int:
    """Run a scenario; everything is checked before anything is written."""
    from ecs_market.scenario import load_scenario

    scenario = load_scenario(options.scenario, options.overrides)
    seed = scenario.seed if options.seed is None else options.seed
    ticks = scenario.ticks if options.ticks is None else options.ticks
    chosen: dict[str, Any] = {
        "threads": options.threads,
        "telemetry_level": options.telemetry_level,
        "snapshot_every": options.snapshot_every,
        "snapshot_agents": options.snapshot_agents,
    }
    given = {name: value for name, value in chosen.items() if value is not None}

    from ecs_market.crowding import crowding_notice
    from ecs_market.kernels.jit import telling
    from ecs_market.simulation import Simulation

    output = open_output(options, seed)
    helpers = Helpers([options.scenario], options.overrides)
    compiling = Compiling(helpers.start)
    with helpers, telling(compiling):
        try:
            simulation = Simulation(scenario, seed=seed, telemetry=output.database, **given)
        except BaseException:
            output.discard()
            raise
        notice = crowding_notice(simulation.visible_neighbours)
        if notice is not None:
            print(f"ecs-market: {notice}", file=sys.stderr)
        try:
            with simulation:
                try:
                    status = follow(simulation, ticks, watched=options.watch)
                    summary = simulation.summary()
                finally:
                    compiling.done()
        except MarketError:
            print(f"ecs-market: what was recorded before is in {output.path}", file=sys.stderr)
            raise
    document = {
        "scenario": Path(options.scenario).stem,
        "name": scenario.name,
        "seed": seed,
        "version": __version__,
        "status": status,
        "compiled": compiling.count > 0,
    }
    document |= {key: value for key, value in summary.items() if key not in document}
    finish(document, output, as_json=options.json)
    return INTERRUPTED if status == "interrupted" else 0


def follow(simulation: Simulation, ticks: int, *, watched: bool) -> str:
    """Run the ticks under a live view or a progress line and say how it ended."""
    with watch(simulation, ticks) if watched else Progress(ticks) as progress:
        try:
            simulation.run(ticks, on_tick=progress)
        except KeyboardInterrupt:
            return "interrupted"
    return "completed"


def finish(document: dict[str, Any], output: OutputFolder, *, as_json: bool) -> None:
    """Store the summary beside the database and print it."""
    document["output"] = {"folder": str(output.path)}
    if output.database.exists():
        document["output"]["database"] = str(output.database)
    document["output"]["summary"] = str(output.summary)
    text = report.as_json(document)
    output.summary.write_text(text + "\n", encoding="utf-8")
    print(text if as_json else report.for_people(document))
    if document["status"] == "interrupted":
        print("ecs-market: interrupted; whole ticks up to here are kept", file=sys.stderr)
