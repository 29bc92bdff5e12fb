"""How long the first run takes, which compiles, and how soon a later one has done its first tick.

    python benchmarks/start.py [--scenario NAME] [--repeats 5] [--json FILE] [--skip-cold]

Each line is measured over whole processes, from start to end: elapsed time and processor time. The
cold run has a kernel cache of its own that is empty; warm ones use what it left.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

IMPORT = "import ecs_market"
NUMBA = "import numba"


def measured(arguments: list[str], cache: str) -> tuple[float, float]:
    """Run Python with these arguments; return elapsed and processor seconds."""
    environ = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        [sys.executable, *arguments],
        env=environ | {"NUMBA_CACHE_DIR": cache},
        check=True,
        capture_output=True,
    )
    elapsed, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return elapsed, used


def run_of(scenario: str, folder: Path, *more: str) -> list[str]:
    """Return the arguments of a run into a new folder."""
    out = folder / f"run{sum(1 for _ in folder.iterdir())}"
    return ["-m", "ecs_market", "run", scenario, "--json", "--out", str(out), *more]


def main() -> None:
    """Print a table; write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--scenario", default="walrasian_two_markets")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument(
        "--skip-cold", action="store_true", help="use the user's cache, filled beforehand"
    )
    options = parser.parse_args()
    rows: dict[str, tuple[float, float]] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "runs"
        folder.mkdir()
        cache = os.environ.get("NUMBA_CACHE_DIR", "") if options.skip_cold else f"{place}/cache"
        if not options.skip_cold:
            rows["cold first run"] = measured(run_of(options.scenario, folder), cache)
        measured(run_of(options.scenario, folder, "--ticks", "1"), cache)  # bytecode, disk
        warm = {
            IMPORT: lambda: ["-c", IMPORT],
            NUMBA: lambda: ["-c", NUMBA],
            "warm run of one tick": lambda: run_of(options.scenario, folder, "--ticks", "1"),
            "warm run": lambda: run_of(options.scenario, folder),
        }
        for name, arguments in warm.items():
            times = [measured(arguments(), cache) for _ in range(options.repeats)]
            elapsed, used = zip(*times, strict=True)
            rows[name] = (statistics.median(elapsed), statistics.median(used))
    print(f"{options.scenario}, medians of {options.repeats} (cold: one)\n")
    print(f"{'':22}  elapsed s  processor s")
    for name, (elapsed, used) in rows.items():
        print(f"{name:22}  {elapsed:9.2f}  {used:11.2f}")
    if options.json:
        figures = {name: {"elapsed_s": e, "processor_s": u} for name, (e, u) in rows.items()}
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
