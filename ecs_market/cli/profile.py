"""`ecs-market profile`."""

from __future__ import annotations

import statistics
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_market.cli import report
from ecs_market.cli.progress import Progress
from ecs_market.errors import InputError

if TYPE_CHECKING:
    from ecs_market.profiling.profile import Profile

HEADER = ["system / kernel", "calls", "rows", "ms", "ns a row", "share", "threads busy"]


def profile(options: Namespace) -> int:
    """Run a scenario under the profiler and print what took the time."""
    if options.system is None and options.repeats is not None:
        raise InputError("--repeats: only together with --system")
    from ecs_market.profiling.trace import write_trace
    from ecs_market.scenario import load_scenario

    scenario = load_scenario(options.scenario, options.overrides)
    ticks = scenario.ticks if options.ticks is None else options.ticks
    chosen = {"seed": options.seed, "threads": options.threads}
    given = {name: value for name, value in chosen.items() if value is not None}

    from ecs_market.simulation import Simulation

    level = options.telemetry_level
    with Simulation(scenario, telemetry_level=level, **given) as simulation:
        if options.system is None:
            with Progress(ticks) as progress:
                simulation.run(ticks, on_tick=progress, profile=True)
            found = simulation.profile()
        else:
            repeats = 5 if options.repeats is None else options.repeats
            found = simulation.profile_system(options.system, ticks, repeats)
        state_hash = simulation.state_hash()
    if options.trace is not None:
        write_trace(found, options.trace, scenario.name)
    if options.json:
        name = {"scenario": Path(options.scenario).stem, "state_hash": state_hash}
        print(report.as_json(name | found.as_dict()))
    else:
        print("\n".join(_lines(found, options)))
    return 0


def _lines(found: Profile, options: Namespace) -> list[str]:
    size = ", ".join(
        report.counted(number, what)
        for number, what in (
            (found.ticks, "tick"),
            (found.agents, "agent"),
            (found.threads, "thread"),
        )
    )
    lines = [f"{Path(options.scenario).stem}: {size}", "", *report.table(_rows(found), left=(0,))]
    lines.append("")
    if found.isolated_ns:
        lines.append(_isolated(found, options.system))
    each = found.overhead_ns / max(1, found.measured_events)
    busy = ", ".join(
        f"{'tick' if not thread else f'worker {thread}'} {_ms(ns)}"
        for thread, ns in enumerate(found.busy_ns)
    )
    itself = f"about {found.overhead:.2%}, {found.measured_events:,} events at {each:,.0f} ns"
    lines += [
        f"in ticks: {_ms(found.elapsed_ns)}; in kernels, by thread: {busy}",
        f"compiling and loading kernels: {_ms(found.loading_ns)}, in no figure of the table",
        f"profiling itself: {itself}, as measured just now",
    ]
    if options.trace is not None:
        lines.append(f"time line: {options.trace} (open it at https://ui.perfetto.dev)")
        if found.events_left_out:
            lines.append(f"  without {found.events_left_out:,} events of later ticks")
    return lines


def _rows(found: Profile) -> list[list[str]]:
    rows = [HEADER]
    for system in found.systems:
        costs = (system.ns, system.ns_per_row, system.share)
        rows.append([*_row(system.name, system.calls, system.rows, *costs), ""])
        own = [each for each in found.kernels if each.system == system.name]
        rows += [
            [
                *_row(f"  {k.name}", k.calls, k.rows, k.ns, k.ns_per_row, k.share),
                "" if k.efficiency is None else f"{k.efficiency:.0%}",
            ]
            for k in own
        ]
        if own:
            share = system.share * system.python_ns / max(1, system.ns)
            time = f"{system.python_ns / 1e6:,.2f}"
            rows.append(["  outside of kernels", "", "", time, "", f"{share:.1%}", ""])
    return rows


def _row(
    name: str, calls: int, rows: int, ns: int, ns_per_row: float | None, share: float
) -> list[str]:
    seen = f"{rows:,}" if rows else "-"
    return [
        name,
        f"{calls:,}",
        seen,
        f"{ns / 1e6:,.2f}",
        report.figure(ns_per_row, 1),
        f"{share:.1%}",
    ]


def _ms(ns: int) -> str:
    return f"{ns / 1e6:,.2f} ms"


def _isolated(found: Profile, name: str) -> str:
    times = [each / max(1, found.agents) for each in found.isolated_ns]
    spread = f"{min(times):,.1f} at least, {statistics.median(times):,.1f} in the median"
    return f"{name} by itself, {len(times)} times: ns an agent {spread}, {max(times):,.1f} at most"
