"""The progress line on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from ecs_market.cli.terminal import clip, size_of

INTERVAL = 0.1  # seconds between two redraws


class Ticking(Protocol):
    """What the progress line reads of a simulation."""

    @property
    def tick(self) -> int:
        """The number of completed ticks."""


class Line:
    """One line on stderr that is written over and over, if stderr is a terminal."""

    def __init__(self) -> None:
        self.shown = sys.stderr.isatty()
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.passing("")

    def passing(self, text: str) -> None:
        """Show a text until the next; nothing where stderr is no terminal."""
        if self.shown:
            # "\r" leads back to the start of a row: a text of two rows would stay.
            text = clip(text, size_of(sys.stderr).width - 1)
            blank = " " * (self._width - len(text))  # wipes the rest of a longer line
            end = "" if text else "\r"
            print(f"\r{text}{blank}", end=end, file=sys.stderr, flush=True)
            self._width = len(text)

    def lasting(self, text: str) -> None:
        """Show a text until the next, or as a line of its own where stderr is no terminal."""
        if self.shown:
            self.passing(text)
        else:
            print(text, file=sys.stderr, flush=True)


class Progress(Line):
    """A line on stderr that follows a run, if stderr is a terminal; otherwise silent.

    Parameters
    ----------
    total : int
        The number of ticks to come.
    """

    def __init__(self, total: int) -> None:
        super().__init__()
        self.total = total
        self._drawn = float("-inf")
        # When the first tick was over, which compiles and says nothing of those to come.
        self._first: tuple[int, float] | None = None

    def __call__(self, simulation: Ticking) -> None:
        """Redraw after a tick, a few times a second."""
        if not self.shown:
            return
        now = time.monotonic()
        done = simulation.tick
        if now - self._drawn < INTERVAL and done < self.total:
            return
        self._drawn = now
        text = f"tick {done:,} of {self.total:,}"
        if self._first is None:
            self._first = (done, now)
        elif done > self._first[0]:
            rate = (done - self._first[0]) / max(now - self._first[1], 1e-9)
            text += f", {rate:,.1f} ticks/s, {(self.total - done) / rate:,.0f} s left"
        self.passing(text)


class Compiling:
    """Says on stderr that kernels are being compiled, and which; `count` says how many were.

    On a terminal a line follows the names; elsewhere one sentence is said, once.  `call_help` is
    called when a second kernel is to be compiled: there will be more.
    """

    def __init__(self, call_help: Callable[[], object]) -> None:
        self.count = 0
        self._call_help = call_help
        self._line = Line()

    def __call__(self, name: str) -> None:
        """Take the name of a kernel that is about to be compiled."""
        self.count += 1
        if self.count == 2:
            self._call_help()
        text = "compiling kernels, once for this version"
        if self._line.shown:
            self._line.passing(f"{text}: {self.count} {name}")
        elif self.count == 1:
            print(f"ecs-market: {text} (`ecs-market warmup` does it ahead)", file=sys.stderr)

    def done(self) -> None:
        """Wipe the line."""
        if self.count:
            self._line.passing("")
