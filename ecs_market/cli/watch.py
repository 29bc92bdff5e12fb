"""`ecs-market run --watch`: a run while it goes, on a terminal or in plain lines."""

from __future__ import annotations

import math
import sys
import time
from collections import deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from ecs_market.cli.sparkline import ASCII, BLOCKS
from ecs_market.cli.terminal import Block, encodes, redraws, safe
from ecs_market.cli.watch_frame import (
    Look,
    Pace,
    clock,
    rates,
    rows_that_fit,
    trades,
)
from ecs_market.cli.watch_reading import Gauge, Reading

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation

REDRAW_EVERY = 0.25  # seconds
PAUSE = 100  # times what a frame took, so that a slow terminal holds up nothing
LINE_EVERY = 10.0  # seconds
LINES = 10  # in a run, at least
PRICES_IN_A_LINE = 3
_LATELY = 5.0  # seconds over which throughput is measured

Clock = Callable[[], float]


class Follower(Protocol):
    """What follows a run: called after each tick."""

    def __call__(self, simulation: Simulation, /) -> object:
        """Take note of a tick."""


class Stopwatch:
    """Works out a run's pace from when it was asked."""

    def __init__(self, simulation: Simulation, ticks: int, now: float) -> None:
        self._first = simulation.tick
        self._total = ticks
        self._start = now
        # Seconds, ticks and agent-ticks at moments of late, from the end of the first tick on: that
        # one compiles and says nothing of those to come.
        self._marks: deque[tuple[float, int, int]] = deque()

    def at(self, now: float, simulation: Simulation) -> Pace:
        """Return the pace, with rates over the last seconds."""
        done = simulation.tick - self._first
        if done:
            last = self._marks[-1] if self._marks else (now, done, 0)
            work = last[2] + (done - last[1]) * simulation.world.agents.size
            self._marks.append((now, done, work))
            while len(self._marks) > 2 and now - self._marks[1][0] >= _LATELY:
                self._marks.popleft()
        rate = work_rate = left = None
        if self._marks and done > self._marks[0][1]:
            begun, ticks, work = self._marks[0]
            seconds = max(now - begun, 1e-9)
            rate = (done - ticks) / seconds
            work_rate = (self._marks[-1][2] - work) / seconds
            left = (self._total - done) / rate
        return Pace(done, self._total, now - self._start, left, rate, work_rate)


class Screen:
    """Draws the run on a terminal, a few times a second at most, and leaves the last frame."""

    def __init__(self, simulation: Simulation, ticks: int, timer: Clock = time.monotonic) -> None:
        self._simulation = simulation
        self._timer = timer
        self._next = timer()
        self._stopwatch = Stopwatch(simulation, ticks, self._next)
        self._gauge = Gauge(simulation)
        self._block = Block()
        blocks = encodes(sys.stderr, BLOCKS.heights + BLOCKS.parts + BLOCKS.empty)
        self._look = Look(BLOCKS if blocks else ASCII, sys.stderr.encoding)

    def __call__(self, _simulation: Simulation) -> None:
        """Redraw if it is time."""
        now = self._timer()
        if now >= self._next:
            self.draw(now)

    def draw(self, now: float) -> None:
        """Draw the run as it is."""
        size = self._block.size
        reading = self._gauge.read(now, rows_that_fit(size))
        pace = self._stopwatch.at(now, self._simulation)
        self._block.draw(self._look.frame(reading, pace, size))
        self._next = now + max(REDRAW_EVERY, PAUSE * (self._timer() - now))

    def __enter__(self) -> Self:
        self._block.__enter__()
        self.draw(self._timer())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self.draw(self._timer())
        finally:
            self._block.__exit__(kind, error, trace)


class Lines:
    """Says now and then how a run is going, where there is no terminal.

    A line comes whenever another tenth of the ticks is done, and after `LINE_EVERY` seconds without
    one.
    """

    def __init__(self, simulation: Simulation, ticks: int, timer: Clock = time.monotonic) -> None:
        self._ticks = ticks
        self._timer = timer
        self._said = timer()
        self._tenth = 0
        self._stopwatch = Stopwatch(simulation, ticks, self._said)
        self._gauge = Gauge(simulation)
        self._first = simulation.tick

    def __call__(self, simulation: Simulation) -> None:
        """Say a line if it is time."""
        now = self._timer()
        done = simulation.tick - self._first
        tenth = done * LINES // self._ticks
        if done == 1:
            self._stopwatch.at(now, simulation)
        if tenth == self._tenth and now - self._said < LINE_EVERY:
            return
        self._tenth, self._said = tenth, now
        reading = self._gauge.read(now, PRICES_IN_A_LINE)
        print(_line(reading, self._stopwatch.at(now, simulation)), file=sys.stderr, flush=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Everything has been said."""


def _line(reading: Reading, pace: Pace) -> str:
    """Return a run's state in one line."""
    prices = [
        f"{safe(row.good, sys.stderr.encoding)} {row.price:.4f} at post {row.post} ({row.status})"
        for row in reading.rows
        if not math.isnan(row.price)
    ]
    left = [] if pace.left is None else [f"{clock(pace.left)} left"]
    parts = [
        f"tick {pace.done:,} of {pace.total:,} ({100.0 * pace.share:.0f} %)",
        *filter(None, [rates(pace)]),
        *left,
        trades(reading),
        *prices,
    ]
    return ", ".join(parts)


def watch(simulation: Simulation, ticks: int) -> AbstractContextManager[Follower]:
    """Return what follows a run on stderr: a live view on a terminal, else plain lines."""
    return Screen(simulation, ticks) if redraws(sys.stderr) else Lines(simulation, ticks)
