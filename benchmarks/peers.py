"""The same agents and the same work in ecs_market, Mesa, mesa-frames and ambr, where installed.

    python benchmarks/peers.py [--agents 1000 10000 100000] [--ticks 3] [--python PATH]
        [--json FILE]

Every agent looks at all others within 5 steps, works out what the best trade with each would bring
to second order, discounts it by distance, and takes a step towards the best of them, or at random.
Each package does that in the way it is meant to be used: Mesa with objects on a `MultiGrid`,
mesa-frames with data frames on a `GridPolars`, ambr with columns and its `SpatialIndex`. ecs_market
also keeps the best eight and pairs the agents; it is timed as in `search_and_move.py` and uses all
processors, the packages what they use by themselves. "Processor" is the time of all threads
together, of an agent and tick. `best` is the share of agents with the same
best partner as in ecs_market in the first tick. Memory is the peak of the package's process less
what it held before it made the model.

`--python` is a Python that has the packages: mesa-frames 0.1 needs an older numpy than ecs_market.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from hand_written import Columns
from search_and_move import Engine

from ecs_market.bench import OCCUPANCY
from ecs_market.scratch import PARTNER_SHARE
from ecs_market.settings import Settings

HERE = Path(__file__).parent
# Names of the distributions, and the programs here that use them.
PEERS = {"Mesa": "peer_mesa.py", "mesa-frames": "peer_mesa_frames.py", "ambr": "peer_ambr.py"}
SETTLING = 2


def version_of(package: str, python: str) -> str | None:
    """Return the version of a package that a Python has, None if it has none."""
    ask = "import importlib.metadata as m, sys; print(m.version(sys.argv[1]))"
    done = subprocess.run([python, "-c", ask, package], capture_output=True, text=True, check=False)
    return done.stdout.strip() if done.returncode == 0 else None


def write_agents(columns: Columns, settings: Settings, file: Path) -> None:
    """Write what the packages need to know of the agents."""
    np.savez(
        file,
        width=settings.width,
        height=settings.height,
        beta=settings.beta,
        least_gain=settings.min_value / PARTNER_SHARE,
        x=columns.x.astype(np.int64),
        y=columns.y.astype(np.int64),
        rate=columns.rate.astype(np.float64),
        curvature=columns.curvature.astype(np.float64),
        stock=columns.goods * settings.lot_size,
        cash=columns.money * settings.minor_size,
    )


def run_engine(agents: int, ticks: int, file: Path) -> tuple[dict[str, Any], Any]:
    """Run ecs_market on agents that it writes to a file; return times and best partners."""
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    engine = Engine(agents, threads or 1, OCCUPANCY)
    with engine.simulation as simulation:
        write_agents(engine.prepare(), simulation.world.settings, file)
        best = engine.tick().best
        for _ in range(ticks + SETTLING - 1):
            engine.prepare()
            engine.tick()
    times = {
        name: [tick[part] for tick in engine.ticks[SETTLING:]]
        for name, part in (("seconds", "whole"), ("processor", "processor"))
    }
    return {"package": "ecs_market", "version": None} | times, best


def run_peer(package: str, version: str, python: str, file: Path, ticks: int) -> dict[str, Any]:
    """Run a package on the agents of a file, in a process of its own."""
    command = [python, str(HERE / PEERS[package]), str(file), str(ticks)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        return {"package": package, "version": version, "failed": last}
    return {"package": package, "version": version} | json.loads(done.stdout)


def measure(agents: int, ticks: int, python: str, peers: dict[str, str]) -> list[dict[str, Any]]:
    """Return the figures of ecs_market and all packages at a size."""
    with tempfile.TemporaryDirectory(prefix="ecs-market-") as folder:
        file = Path(folder) / "agents.npz"
        own, best = run_engine(agents, ticks, file)
        rows = [own] + [run_peer(name, peers[name], python, file, ticks) for name in peers]
    for row in rows:
        row["agents"] = agents
        if "failed" in row:
            continue
        row["agent_ticks_per_s"] = agents / statistics.median(row["seconds"])
        row["processor_ns_per_agent_tick"] = statistics.median(row["processor"]) * 1e9 / agents
        row["behind"] = rows[0]["agent_ticks_per_s"] / row["agent_ticks_per_s"]
        if "best" in row:
            row["agreement"] = float(np.mean(np.array(row.pop("best")) == best))
            used = row.pop("peak_bytes")
            row["bytes_per_agent"] = None if used is None else used / agents
    return rows


def show(row: dict[str, Any]) -> None:
    """Print a line of the table."""
    name = f"{row['package']} {row['version'] or ''}"
    if "failed" in row:
        print(f"{row['agents']:>10,}  {name:<24}failed: {row['failed']}", flush=True)
        return
    rest = ""
    if "agreement" in row:
        used = row["bytes_per_agent"]
        memory = "unknown" if used is None else f"{used:,.0f}"
        rest = f"{memory:>16}{row['agreement']:>10.3%}"
    print(
        f"{row['agents']:>10,}  {name:<24}{row['agent_ticks_per_s']:>13,.0f}"
        f"{row['behind']:>14,.1f}{row['processor_ns_per_agent_tick']:>14,.0f}{rest}",
        flush=True,
    )


def main() -> None:
    """Print a table; write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--ticks", type=int, default=3)
    parser.add_argument("--python", default=sys.executable, help="a Python that has the packages")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    found = {package: version_of(package, options.python) for package in PEERS}
    for package, version in found.items():
        if version is None:
            print(f"{package} skipped: it is not installed in {options.python}")
    peers = {package: version for package, version in found.items() if version is not None}
    print(
        f"\n{'agents':>10}  {'package':<24}agent-ticks/s  times slower  processor ns"
        "  bytes an agent      best"
    )
    rows = []
    for agents in options.agents:
        for row in measure(agents, options.ticks, options.python, peers):
            show(row)
            rows.append(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
