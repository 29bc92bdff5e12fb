"""What a first run compiles: kernels and seconds, family by family, with an empty cache.

Run as ``python -m benchmarks.cold_start``.  Each line is a process of its own with a cache folder
of its own that starts empty: a small economy of one utility family that searches, moves, clears a
Walrasian post and bargains.  The last lines are all families: one after the other in one process,
where what they share is compiled once, and as neighbours in one economy.  Seconds are of one
processor, compiling alone; what a run that finds everything in the cache takes instead is in the
last column.  Below stands how long `ecs-market run` takes for the last economy, by the clock.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

FAMILIES: dict[str, dict[str, Any]] = {
    "linear": {"weights": [0.7, 0.3]},
    "cobb_douglas": {"exponents": [0.6, 0.4]},
    "ces": {"weights": [0.6, 0.4], "rho": 0.5},
    "leontief": {"coefficients": [1, 2]},
    "quadratic": {"bliss": [40, 30], "sigma": [5, 5], "gamma": 0.01},
    "stone_geary": {"exponents": [0.6, 0.4], "subsistence": [2, 1]},
    "translog": {"exponents": [0.6, 0.4], "cross": [[0.01, -0.01], [-0.01, 0.01]]},
    "induced_value": {"values": [[9, 8, 7], []], "costs": [[], [1, 2, 3]]},
}
TICKS = 20
SLOWEST = 12


def economy(names: list[str]) -> dict[str, Any]:
    """Return agents of these families around a Walrasian post, who also meet and search."""
    tastes = [{"type": name, "count": 20, **FAMILIES[name]} for name in names]
    return {
        "grid": {"width": 8, "height": 8},
        "market_posts": [{"location": [4, 4]}],
        "agents": {
            "count": 20 * len(names),
            "inventories": {"A": [10, 20], "B": [10, 20], "M": [100, 200]},
            "utilities": tastes,
        },
        "resources": {"spawn_rate": 0.1, "types": [{"good": "A", "quantity": [1, 3]}]},
    }


def run(economies: list[list[str]]) -> dict[str, Any]:
    """Run economies of these families; return what was compiled on the way."""
    from numba.core import event

    spent: dict[str, float] = {}
    open_since: list[list[float]] = []

    class Watch(event.Listener):  # type: ignore[misc]  # numba has no types
        """Adds up the processor time of each kernel, without that of kernels it calls."""

        def on_start(self, event: Any) -> None:  # noqa: ARG002 -- numba names it
            open_since.append([time.process_time(), 0.0])

        def on_end(self, event: Any) -> None:
            began, inner = open_since.pop()
            took = time.process_time() - began
            if open_since:
                open_since[-1][1] += took
            function = event.data["dispatcher"].py_func
            name = f"{function.__module__}.{function.__qualname__}".removeprefix("ecs_market.")
            spent[name] = spent.get(name, 0.0) + took - inner

    event.register("numba:compile", Watch())
    from ecs_market.kernels.jit import compiled_kernels
    from ecs_market.scenario import from_dict
    from ecs_market.simulation import Simulation

    began = time.process_time()
    for names in economies:
        with Simulation(from_dict(economy(names)), seed=1, threads=1) as simulation:
            simulation.run(TICKS)
    found = compiled_kernels()
    return {
        "kernels": len(found),
        "compiled": sum(each.compiled for each in found),
        "seconds": sum(spent.values()),
        "whole": time.process_time() - began,
        "spent": spent,
    }


def measure(economies: list[list[str]], folder: str) -> dict[str, Any]:
    """Run `run` in a process of its own with the given cache folder."""
    inside = ["--inside", json.dumps(economies)]
    command = [sys.executable, "-m", "benchmarks.cold_start", *inside]
    environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def run_cold(names: list[str]) -> float:
    """Return the seconds of a run of an economy of these families that begins with no cache."""
    with tempfile.TemporaryDirectory() as folder:
        scenario = Path(folder) / "families.yaml"
        scenario.write_text(json.dumps(economy(names)), encoding="utf-8")
        arguments = ["run", str(scenario), "--ticks", str(TICKS), "--out", f"{folder}/run"]
        command = [sys.executable, "-m", "ecs_market", *arguments]
        environment = {**os.environ, "NUMBA_CACHE_DIR": folder}
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        return time.perf_counter() - began


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--families", nargs="+", choices=list(FAMILIES), default=list(FAMILIES))
    parser.add_argument("--slowest", type=int, default=SLOWEST, help="kernels to list")
    parser.add_argument("--together", action="store_true", help="the last lines alone")
    parser.add_argument("--inside", type=json.loads, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        print(json.dumps(run(given.inside)))
        return
    heads = f"{'family':16}{'kernels':>9}{'compiled':>10}{'compiling [s]':>15}"
    print(f"{heads}{'whole run [s]':>15}{'cached run [s]':>16}", flush=True)
    apart = [[name] for name in given.families]
    cases = {} if given.together else {name: [[name]] for name in given.families}
    for label, economies in {**cases, "one by one": apart, "in one": [given.families]}.items():
        with tempfile.TemporaryDirectory() as folder:
            cold, warm = measure(economies, folder), measure(economies, folder)
        print(
            f"{label:16}{cold['kernels']:>9}{cold['compiled']:>10}{cold['seconds']:>15.1f}"
            f"{cold['whole']:>15.1f}{warm['whole']:>16.1f}",
            flush=True,
        )
    seconds = run_cold(given.families)
    print(f"\necs-market run of all in one, nothing cached, all cores: {seconds:.1f} s")
    print("\nslowest to compile, without what they call [s]")
    for name, seconds in sorted(cold["spent"].items(), key=lambda item: -item[1])[: given.slowest]:
        print(f"{seconds:>8.2f}  {name}")


if __name__ == "__main__":
    main()
