"""How time and memory grow with agents and posts, each size in a process of its own.

    python benchmarks/scaling.py [--agents 1000 10000 100000 1000000] [--posts 1 10 100 1000 10000]
        [--posts-agents 100000] [--large] [--threads 2] [--ticks 5] [--json FILE]

The economy is that of `mixed.yaml`: everything at once, goods and money drawn anew before each
tick. First the number of agents grows with one post for 1,000 of them, then the number of posts
with the same agents. The exponent is the slope of the logarithm of a tick's time over that of the
size, by least squares: 1 is proportional growth. Times are medians of the ticks; "processor" is the
time of all threads together. Bytes an agent are the peak resident memory, less that before
construction.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

SIZES = [1_000, 10_000, 100_000, 1_000_000]
LARGE = 10_000_000
POSTS = [1, 10, 100, 1_000, 10_000]
WARM_UP_AGENTS = 2_000


def run_here(agents: int, posts: int, threads: int, ticks: int) -> dict[str, Any]:
    """Measure one size in this process, after a small run that loads the kernels."""
    from mixed import economy, measure

    measure(economy(WARM_UP_AGENTS), threads, ticks, "summary")
    return measure(economy(agents, posts), threads, ticks, "summary") | {"posts": posts}


def run_apart(agents: int, posts: int, threads: int, ticks: int) -> dict[str, Any]:
    """Measure one size in a process of its own."""
    sizes = [str(value) for value in (agents, posts, threads, ticks)]
    command = [sys.executable, __file__, "--one", *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{agents:,} agents and {posts:,} posts failed:\n{done.stderr.strip()}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def exponent(sizes: list[int], times: list[float]) -> float | None:
    """Return the slope of log(time) over log(size), None for fewer than two sizes."""
    if len(set(sizes)) < 2:
        return None
    return float(np.polyfit(np.log(sizes), np.log(times), 1)[0])


def series(cases: list[tuple[int, int]], by: str, threads: int, ticks: int) -> dict[str, Any]:
    """Measure sizes, (agents, posts) each, print a table, and fit how time grows with `by`."""
    print(
        "\n    agents     posts  agent-ticks/s  ns an agent-tick  processor  bytes an agent"
        "  at posts  pairing"
    )
    rows = []
    for agents, posts in cases:
        row = run_apart(agents, posts, threads, ticks)
        rows.append(row)
        memory = "unknown" if row["bytes_per_agent"] is None else f"{row['bytes_per_agent']:,.0f}"
        print(
            f"{agents:>10,}{posts:>10,}{row['agent_ticks_per_s']:>15,.0f}"
            f"{row['ns_per_agent_tick']:>18,.0f}{row['processor_ns_per_agent_tick']:>11,.0f}"
            f"{memory:>16}{row['shares']['at_posts']:>10.1%}{row['shares']['partner']:>9.1%}",
            flush=True,
        )
    fits = {}
    for name in ("ns_per_agent_tick", "processor_ns_per_agent_tick"):
        times = [row[name] * row["agents"] for row in rows]
        fits[name.replace("ns_per_agent_tick", "exponent")] = exponent(
            [row[by] for row in rows], times
        )
    if fits["exponent"] is not None:
        print(
            f"time of a tick grows as {by} to the power of {fits['exponent']:.3f}, "
            f"processor time {fits['processor_exponent']:.3f}"
        )
    return {"by": by, "threads": threads, "rows": rows, **fits}


def main() -> None:
    """Print both tables; write the figures as JSON if asked."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--agents", type=int, nargs="*", default=SIZES)
    parser.add_argument("--posts", type=int, nargs="*", default=POSTS)
    parser.add_argument("--posts-agents", type=int, default=100_000, help="agents of that table")
    parser.add_argument("--large", action="store_true", help="10 million agents as well")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--ticks", type=int, default=5)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--one", type=int, nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print(json.dumps(run_here(*options.one)))
        return
    sizes = options.agents + [LARGE] * options.large
    by_agents = [(agents, max(1, agents // 1000)) for agents in sizes]
    by_posts = [(options.posts_agents, posts) for posts in options.posts]
    found = [
        series(cases, by, options.threads, options.ticks)
        for by, cases in (("agents", by_agents), ("posts", by_posts))
        if cases
    ]
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
