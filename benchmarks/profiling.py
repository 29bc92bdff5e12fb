"""What profiling costs: the same ticks with and without it, in turns.

    python benchmarks/profiling.py [--agents 100000] [--threads 1 2] [--pairs 16] [--ticks 4]

Two simulations of the benchmark economy with one seed go through the same ticks side by side. In
each pair one of them is profiled, the other not; which one, and who goes first, alternates. What
is printed is the ratio of the medians of processor time, and of elapsed time, which other work on
the machine disturbs more; and what the profile itself estimates.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from mixed import economy

from ecs_market import Simulation
from ecs_market.scenario import from_dict


def timed(simulation: Simulation, profile: bool, ticks: int) -> tuple[float, float]:
    """Compute ticks; return processor and elapsed seconds."""
    used, start = time.process_time(), time.perf_counter()
    simulation.run(ticks, profile=profile)
    return time.process_time() - used, time.perf_counter() - start


def compare(agents: int, threads: int, pairs: int, ticks: int) -> dict[str, float]:
    """Return ratios of medians, with profiling over without."""
    scenario = from_dict(economy(agents))
    chosen = {"seed": 1, "threads": threads, "telemetry_level": "summary"}
    found: dict[bool, list[tuple[float, float]]] = {True: [], False: []}
    estimates = []
    with Simulation(scenario, **chosen) as one, Simulation(scenario, **chosen) as other:
        one.run(2, profile=True)
        other.run(2)
        for pair in range(pairs):
            first, second = (one, other) if pair % 4 < 2 else (other, one)
            for profile in (True, False) if pair % 2 else (False, True):
                simulation = first if profile else second
                found[profile].append(timed(simulation, profile, ticks))
                if profile:
                    estimates.append(simulation.profile().overhead)
        if one.state_hash() != other.state_hash():
            raise SystemExit("profiling has changed the result")
    medians = {
        profile: [statistics.median(column) for column in zip(*times, strict=True)]
        for profile, times in found.items()
    }
    spread = [on[0] / off[0] for on, off in zip(found[True], found[False], strict=True)]
    low, _, high = statistics.quantiles(spread, n=4)
    return {
        "agents": agents,
        "threads": threads,
        "pairs": pairs,
        "processor_ratio": medians[True][0] / medians[False][0],
        "processor_ratio_of_pairs": statistics.median(spread),
        "low_quartile": low,
        "high_quartile": high,
        "elapsed_ratio": medians[True][1] / medians[False][1],
        "estimated": statistics.median(estimates),
    }


def main() -> None:
    """Print the ratios; write them as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, default=100_000)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--ticks", type=int, default=4, help="in each turn (default: %(default)s)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    runs = [
        compare(options.agents, threads, options.pairs, options.ticks)
        for threads in options.threads
    ]
    for run in runs:
        print(
            f"{run['agents']:,} agents, {run['threads']} threads, {run['pairs']} pairs: processor "
            f"time {run['processor_ratio'] - 1:+.2%} (in pairs "
            f"{run['processor_ratio_of_pairs'] - 1:+.2%}, quartiles {run['low_quartile'] - 1:+.2%} "
            f"and {run['high_quartile'] - 1:+.2%}), elapsed {run['elapsed_ratio'] - 1:+.2%}; "
            f"the profile's own estimate {run['estimated']:.2%}"
        )
    if options.json:
        options.json.write_text(json.dumps(runs, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
