"""The smaller commands: validate, schema, bench, info."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import sys
from argparse import Namespace
from typing import Any

from ecs_market import __version__
from ecs_market.cli import report
from ecs_market.cli.parser import BAD_INPUT, complain
from ecs_market.errors import InputError

DEPENDENCIES = ("esper", "numba", "llvmlite", "numpy", "pydantic", "PyYAML")


def validate(options: Namespace) -> int:
    """Check scenario files; the status is 2 if any has a fault."""
    from ecs_market.scenario import load_scenario

    status = 0
    for file in options.files:
        try:
            load_scenario(file)
        except InputError as error:
            complain(error)
            status = BAD_INPUT
        else:
            print(f"{file}: ok")
    return status


def schema(_options: Namespace) -> int:
    """Print the JSON Schema of scenario files."""
    from ecs_market.scenario import scenario_schema

    print(json.dumps(scenario_schema(), indent=2))
    return 0


def facts() -> dict[str, Any]:
    """Return versions, processor, cores, threads and the place of compiled kernels."""
    from ecs_market.kernels.jit import cache_folder
    from ecs_market.telemetry.run_row import processor
    from ecs_market.world import default_threads

    folder = cache_folder()
    return {
        "ecs_market": __version__,
        "python": platform.python_version(),
        **{name: importlib.metadata.version(name) for name in DEPENDENCIES},
        "platform": platform.platform(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "default_threads": default_threads(),
        "kernel_cache": None if folder is None else str(folder),
        "plug_ins": _plug_ins(),
    }


def _plug_ins() -> list[str]:
    """Return what other packages bring, or the one message of a plug-in that is broken."""
    from ecs_market import plugins, registry

    try:
        registry.every_entry()
        return [
            f"{each.entry.kind} {each.entry.name} {each.entry.version} ({each.source})"
            for each in plugins.plug_ins()
        ]
    except InputError as error:
        return [f"error: {error}"]


def info(options: Namespace) -> int:
    """Print what a report of a problem should name."""
    found = facts()
    if options.json:
        print(report.as_json(found))
        return 0
    found["kernel_cache"] = found["kernel_cache"] or "none: its folder can't be used"
    plug_ins = found.pop("plug_ins") or ["none"]
    rows = [[name.replace("_", " "), str(value)] for name, value in found.items()]
    rows[0][0] = "ecs_market"
    rows += [["" if index else "plug-ins", each] for index, each in enumerate(plug_ins)]
    print("\n".join(report.table(rows, left=(0, 1))))
    return 0


def bench(options: Namespace) -> int:
    """Measure a generated economy and print nanoseconds an agent-tick, a row a system."""
    from ecs_market.bench import measure

    if not options.json and sys.stderr.isatty():
        print("warming up, then measuring ...", file=sys.stderr)
    result = measure(options.agents, options.posts, options.ticks, options.threads)
    if options.json:
        print(report.as_json(result))
        return 0
    rows = [["system", "ns an agent-tick"]]
    rows += [[name, f"{value:,.1f}"] for name, value in result["ns_per_agent_tick"].items()]
    rows.append(["whole tick", f"{result['total_ns_per_agent_tick']:,.1f}"])
    lines = report.table(rows, left=(0,))
    size = result["bytes_per_agent"]
    lines += [
        "",
        f"{options.agents:,} agents, {options.posts:,} posts, {options.ticks:,} ticks",
        f"{result['agent_ticks_per_s']:,.0f} agent-ticks/s ({result['elapsed_s']:.2f} s)",
        "bytes an agent: not measured on this platform"
        if size is None
        else f"{size:,.0f} bytes an agent",
        f"state hash {result['state_hash']}",
    ]
    print("\n".join(lines))
    return 0
