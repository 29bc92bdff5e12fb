"""The work of `peers.py`, for any package: the agents, the gain of a pair, where to go.

It needs numpy alone, so that it runs in the Python that has the package.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

VISION = 5
REACH = 1
TINY = 1e-30


@dataclass(slots=True)
class Agents:
    """The agents, in the order of ids.

    Attributes
    ----------
    width, height
        Size of the grid [cell].
    beta, least_gain
        Discount a cell; what a trade must be worth, discounted [M].
    x, y
        int64 (n,) [cell].
    rate, curvature, stock
        float64 (n, 2): marginal rates [M / unit], minus their slopes, holdings [unit].
    cash
        float64 (n,) [M].
    """

    width: int
    height: int
    beta: float
    least_gain: float
    x: Any
    y: Any
    rate: Any
    curvature: Any
    stock: Any
    cash: Any


def pair_gains(rate: Any, curvature: Any, stock: Any, cash: Any, first: Any, second: Any) -> Any:
    """Return the gain of each pair's best trade of one good for money [M], float64 (pairs,)."""
    best = np.zeros(len(first))
    for good in range(rate.shape[1]):
        first_buys = rate[first, good] >= rate[second, good]
        buyer, seller = np.where(first_buys, first, second), np.where(first_buys, second, first)
        gap = rate[buyer, good] - rate[seller, good]
        bend = curvature[buyer, good] + curvature[seller, good]
        quantity = np.minimum(gap / np.maximum(bend, TINY), stock[seller, good])
        price = 0.5 * (rate[buyer, good] + rate[seller, good])
        quantity = np.minimum(quantity, cash[buyer] / np.maximum(price, TINY))
        best = np.maximum(best, gap * quantity - 0.5 * bend * quantity**2)
    return best


def best_partners(agents: Agents, x: Any, y: Any, first: Any, second: Any) -> Any:
    """Return best partners out of pairs in both directions, ties by the lower id, -1 for none."""
    distance = np.abs(x[first] - x[second]) + np.abs(y[first] - y[second])
    gain = pair_gains(agents.rate, agents.curvature, agents.stock, agents.cash, first, second)
    weight = gain * agents.beta**distance
    fit = (distance <= VISION) & (first != second) & (weight >= agents.least_gain)
    first, second, weight = first[fit], second[fit], weight[fit].astype(np.float32)
    order = np.lexsort((second, -weight, first))
    found, place = np.unique(first[order], return_index=True)
    best = np.full(len(x), -1, np.int64)
    best[found] = second[order][place]
    return best


def next_cells(agents: Agents, x: Any, y: Any, best: Any, turn: Any) -> tuple[Any, Any]:
    """Return where everybody is after a step: towards its best partner, or where `turn` leads.

    `turn` is 0 to 3, one of the four directions.
    """
    to = np.maximum(best, 0)
    gap_x, gap_y = x[to] - x, y[to] - y
    alone, far = best < 0, np.abs(gap_x) + np.abs(gap_y) > REACH
    along = np.abs(gap_x) >= np.abs(gap_y)
    signs = np.where(turn % 2 == 0, 1, -1)
    turn_x, turn_y = np.where(turn < 2, signs, 0), np.where(turn < 2, 0, signs)
    step_x = np.where(alone, turn_x, np.where(far & along, np.sign(gap_x), 0))
    step_y = np.where(alone, turn_y, np.where(far & ~along, np.sign(gap_y), 0))
    return np.clip(x + step_x, 0, agents.width - 1), np.clip(y + step_y, 0, agents.height - 1)


def held(field: str) -> int | None:
    """Return this process's memory [byte], now ("VmRSS") or at most ("VmHWM"), None if unknown."""
    try:
        lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


def run_peer(make: Callable[[Agents], tuple[Callable[[], None], Callable[[], Any]]]) -> None:
    """Read agents, run ticks; print their times [s] and the best partners of the first as JSON.

    `make` builds the model and returns what runs one tick, and what tells everybody's best partner.
    """
    file, ticks = sys.argv[1:]
    with np.load(file) as given:
        scalars = {name: given[name].item() for name in ("width", "height", "beta", "least_gain")}
        names = ("x", "y", "rate", "curvature", "stock", "cash")
        agents = Agents(**scalars, **{name: given[name] for name in names})
    before, start = held("VmRSS"), time.perf_counter()
    tick, best = make(agents)
    building, seconds, processor, first = time.perf_counter() - start, [], [], []
    for number in range(int(ticks)):
        start, used = time.perf_counter(), time.process_time()
        tick()
        seconds.append(time.perf_counter() - start)
        processor.append(time.process_time() - used)
        if number == 0:
            first = np.asarray(best()).tolist()
    after = held("VmHWM")
    memory = None if before is None or after is None else after - before
    figures = {"building": building, "seconds": seconds, "processor": processor}
    print(json.dumps(figures | {"best": first, "peak_bytes": memory}))
