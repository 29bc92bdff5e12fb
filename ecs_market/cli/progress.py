"""The progress line on a terminal."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Protocol, Self

INTERVAL = 0.1  # seconds between two redraws


class Ticking(Protocol):
    """What the progress line reads of a simulation."""

    @property
    def tick(self) -> int:
        """The number of completed ticks."""


class Progress:
    """A line on stderr that follows a run, if stderr is a terminal; otherwise silent.

    Parameters
    ----------
    total : int
        The number of ticks to come.
    """

    def __init__(self, total: int) -> None:
        self.total = total
        self.shown = sys.stderr.isatty()
        self.start = time.monotonic()
        self._drawn = float("-inf")
        self._width = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._write("")

    def notice(self, text: str) -> None:
        """Show a sentence until the first tick is done."""
        self._write(text)

    def __call__(self, simulation: Ticking) -> None:
        """Redraw after a tick, a few times a second."""
        if not self.shown:
            return
        now = time.monotonic()
        done = simulation.tick
        if now - self._drawn < INTERVAL and done < self.total:
            return
        self._drawn = now
        rate = done / max(now - self.start, 1e-9)
        left = (self.total - done) / rate if rate else 0.0
        self._write(f"tick {done:,} of {self.total:,}, {rate:,.1f} ticks/s, {left:,.0f} s left")

    def _write(self, text: str) -> None:
        if self.shown:
            blank = " " * (self._width - len(text))  # wipes the rest of a longer line
            end = "" if text else "\r"
            print(f"\r{text}{blank}", end=end, file=sys.stderr, flush=True)
            self._width = len(text)
