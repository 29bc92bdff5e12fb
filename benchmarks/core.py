"""Speed and memory of the core, over sizes and threads, each run in a process of its own.

    python benchmarks/core.py [--agents 1000 100000] [--threads 1 2] [--repeats 3] [--json FILE]

Every line is the median of the repeats; what is measured is `ecs-market bench`, whose economy has
5 % occupancy, 70 % Cobb-Douglas and 30 % linear agents, and a post for 1,000 agents.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

FIGURES = ("agent_ticks_per_s", "total_ns_per_agent_tick", "bytes_per_agent")


def bench(agents: int, threads: int, ticks: int) -> dict[str, Any]:
    """Run `ecs-market bench` once and return its figures."""
    posts = max(1, agents // 1000)
    sizes = {"--agents": agents, "--posts": posts, "--ticks": ticks, "--threads": threads}
    options = [str(part) for pair in sizes.items() for part in pair]
    command = [sys.executable, "-m", "ecs_market", "bench", "--json", *options]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def import_time() -> float:
    """Return how long `import ecs_market` takes in a fresh interpreter [s]."""
    clock = (
        "import time; t = time.perf_counter(); import ecs_market; print(time.perf_counter() - t)"
    )
    command = [sys.executable, "-c", clock]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return float(done.stdout)


def median_of(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the runs' medians and the hash they must agree on."""
    hashes = {run["state_hash"] for run in runs}
    if len(hashes) != 1:
        raise SystemExit(f"the same economy gave different states: {sorted(hashes)}")
    sizes = {name: runs[0][name] for name in ("agents", "posts", "ticks", "threads", "state_hash")}
    return sizes | {name: statistics.median(run[name] for run in runs) for name in FIGURES}


def main() -> None:
    """Print a table; write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="+", default=[1_000, 10_000, 100_000])
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--ticks", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    imports = statistics.median(import_time() for _ in range(options.repeats))
    print(f"import ecs_market: {imports:.3f} s\n")
    print("    agents  threads  agent-ticks/s  ns an agent-tick  bytes an agent")
    rows = []
    for agents in options.agents:
        for threads in options.threads:
            runs = [bench(agents, threads, options.ticks) for _ in range(options.repeats)]
            row = median_of(runs)
            rows.append(row)
            print(
                f"{agents:>10,}  {threads:>7}  {row['agent_ticks_per_s']:>13,.0f}"
                f"  {row['total_ns_per_agent_tick']:>16,.0f}  {row['bytes_per_agent']:>14,.0f}",
                flush=True,
            )
    if options.json:
        options.json.write_text(json.dumps({"import_s": imports, "runs": rows}, indent=1) + "\n")


if __name__ == "__main__":
    main()
