"""What looks on while a tick runs: who ran, in which thread, from when to when, over how many rows.

A profiler hangs at `World.watch`.  `Schedule.run` hands it each tick and system, `World.over` each
section of row ranges, and `jit.watching` each serial call of a kernel from Python.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, ClassVar

import esper
import numpy as np

from ecs_market.kernels.jit import kernel_name, watch_here, watching
from ecs_market.profiling.profile import (
    CALL,
    LOADING,
    RANGE,
    SECTION,
    SYSTEM,
    TICK,
    Counters,
    Profile,
    Subject,
    Tally,
)
from ecs_market.profiling.snapshot import Snapshot
from ecs_market.types import I64
from ecs_market.world import World

# Later ticks are added up as all are, but not kept for the time line: 40 bytes an event.
TIMELINE_EVENTS = 1_000_000
# The cost of an event is the least of so many trials of so many calls.
CALIBRATIONS, CALLS = 5, 500
# A kernel whose first two parameters are called so works on a range of rows.
BOUNDS = (("start", "stop"), ("first", "last"))

Event = tuple[int, int, int, int, int]


class Profiler:
    """Collects events; `profile` says what they come to.

    Parameters
    ----------
    only
        Name of the one system to measure, by itself; None measures all, in whole ticks.
    repeats
        How often that system runs in each tick, every time from the same state.
    """

    def __init__(self, only: str | None = None, repeats: int = 1) -> None:
        self._only = only
        self._repeats = repeats
        self._codes: dict[tuple[int, str, str], int] = {}
        self._subjects: list[Subject] = []
        self._threads: dict[int, int] = {}
        self._events: list[Event] = []
        self._tally = Tally()
        self._timeline: list[I64] = []
        self._counters: list[Counters] = []
        self._seen = self._kept = 0
        self._system = ""
        self._calls: dict[int, tuple[int, bool]] = {}
        self._calls_of: dict[str, dict[int, tuple[int, bool]]] = {}
        self._ticks = self._agents = 0
        self._trades = (0, 0)
        self._isolated: list[int] = []
        self._lock = threading.Lock()

    # --- from the engine ---------------------------------------------------------------------

    @contextmanager
    def tick(self, world: World) -> Iterator[None]:
        """Measure one tick in the thread that computes it."""
        totals = world.totals
        self._trades = (totals.market_trades, totals.bilateral_trades)
        self._threads.setdefault(threading.get_ident(), 0)
        start = time.perf_counter_ns()
        with watching(self._call if self._only is None else None):
            yield
        stop = time.perf_counter_ns()
        self._note(TICK, "", "", start, stop, world.tick)
        self._fold()
        self._ticks += 1
        self._agents = world.agents.size
        if self._kept == self._seen:
            market = totals.market_trades - self._trades[0]
            bilateral = totals.bilateral_trades - self._trades[1]
            self._counters.append(Counters(stop, self._agents, market, bilateral))

    def process(self, name: str, system: esper.Processor, world: World) -> None:
        """Run a system and note how long it took."""
        if self._only is None:
            self._timed(name, system, world)
        elif name == self._only:
            with watching(self._call):
                self._in_isolation(name, system, world)
        else:
            system.process(world)

    def _timed(self, name: str, system: esper.Processor, world: World) -> int:
        self._system = name
        self._calls = self._calls_of.setdefault(name, {})
        rows = world.agents.size
        start = time.perf_counter_ns()
        system.process(world)
        stop = time.perf_counter_ns()
        self._note(SYSTEM, name, "", start, stop, rows)
        self._system = ""
        return stop - start

    def _in_isolation(self, name: str, system: esper.Processor, world: World) -> None:
        """Run a system again and again from one state; the last time is the tick's own."""
        taken = Snapshot.of(world)
        for _ in range(self._repeats - 1):
            self._isolated.append(self._timed(name, system, world))
            taken.restore()
        self._isolated.append(self._timed(name, system, world))

    def section(self, kernel: Callable[..., Any], rows: int) -> _Section:
        """Measure ranges of rows that `kernel` works on, in one or in several threads."""
        return _Section(self, kernel, rows)

    def _ranged(self, kernel: Callable[..., Any], ranges: list[Event]) -> Callable[..., Any]:
        code = self._code(RANGE, self._system, kernel_name(kernel))
        clock, ident, threads = time.perf_counter_ns, threading.get_ident, self._threads
        # Workers wait for each other's Python: as little of it as can be.
        call = getattr(kernel, "unwatched", kernel)

        def timed(*args: Any) -> Any:
            start = clock()
            result = call(*args)
            stop = clock()
            thread = threads.get(ident())
            if thread is None:
                thread = self._new_thread()
            ranges.append((code, thread, start, stop, args[1] - args[0]))
            return result

        return timed

    def _end_section(
        self,
        kernel: Callable[..., Any],
        ranges: list[Event],
        span: tuple[int, int, int],
        loaded: bool,
    ) -> None:
        if not self._system:
            return
        kind = LOADING if loaded else CALL
        if not loaded and len(ranges) > 1:
            kind = SECTION
            self._events += ranges
        self._note(kind, self._system, kernel_name(kernel), *span)

    def _call(self, kernel: Any, args: tuple[Any, ...]) -> Any:
        """Measure a serial call."""
        known = self._calls.get(id(kernel))
        if known is None:
            known = self._calls[id(kernel)] = self._known(kernel)
        code, ranged = known
        versions = kernel.overloads
        before = len(versions)
        start = time.perf_counter_ns()
        result = kernel.unwatched(*args)
        stop = time.perf_counter_ns()
        if len(versions) != before:
            self._note(LOADING, self._system, kernel_name(kernel), start, stop, 0)
        elif self._system:
            rows = int(args[1]) - int(args[0]) if ranged else 0
            self._events.append((code, 0, start, stop, rows))
        return result

    def _known(self, kernel: Any) -> tuple[int, bool]:
        """Return the subject of a kernel's calls in this system, and whether it takes a range."""
        bounds = kernel.py_func.__code__.co_varnames[:2]
        return self._code(CALL, self._system, kernel_name(kernel)), bounds in BOUNDS

    # --- keeping -----------------------------------------------------------------------------

    def _new_thread(self) -> int:
        with self._lock:
            return self._threads.setdefault(threading.get_ident(), max(1, len(self._threads)))

    def _code(self, kind: int, system: str, kernel: str) -> int:
        key = (kind, system, kernel)
        code = self._codes.get(key)
        if code is None:
            code = self._codes[key] = len(self._subjects)
            self._subjects.append(Subject(*key))
        return code

    def _note(self, kind: int, system: str, kernel: str, start: int, stop: int, rows: int) -> None:
        self._events.append((self._code(kind, system, kernel), 0, start, stop, rows))

    def _fold(self) -> None:
        """Add the tick's events up; keep them for the time line while there is room."""
        events = np.array(self._events, np.int64).reshape(-1, 5)
        self._events = []
        self._tally.add(events, len(self._subjects), len(self._threads))
        if self._kept == self._seen and self._kept + len(events) <= TIMELINE_EVENTS:
            self._timeline.append(events)
            self._kept += len(events)
        self._seen += len(events)

    # --- what it comes to --------------------------------------------------------------------

    def profile(self, threads: int) -> Profile:
        """Return the profile of all ticks so far."""
        tally, subjects = self._tally, self._subjects
        systems = tally.systems(subjects)
        total = sum(each.ns for each in systems)
        count = len(self._threads)
        work = [c for c, each in enumerate(subjects) if each.kind in (CALL, RANGE)]
        busy = tally.by_thread[work].sum(axis=0) if work else np.zeros(count, np.int64)
        return Profile(
            ticks=self._ticks,
            threads=threads,
            agents=self._agents,
            elapsed_ns=tally.total(subjects, TICK),
            loading_ns=tally.total(subjects, LOADING),
            systems=systems,
            kernels=tally.kernels(subjects, total, threads),
            busy_ns=tuple(int(each) for each in busy),
            measured_events=self._seen,
            overhead_ns=round(self._seen * cost_of_an_event()),
            isolated_ns=tuple(self._isolated),
            events=np.concatenate([np.empty((0, 5), np.int64), *self._timeline]),
            subjects=tuple(subjects),
            counters=tuple(self._counters),
            events_left_out=self._seen - self._kept,
        )


class _Section:
    """A block in which ranges of rows are worked on; entering hands out what to call."""

    __slots__ = ("_before", "_kernel", "_outer", "_owner", "_ranges", "_rows", "_start")

    def __init__(self, owner: Profiler, kernel: Callable[..., Any], rows: int) -> None:
        self._owner, self._kernel, self._rows = owner, kernel, rows
        self._ranges: list[Event] = []

    def __enter__(self) -> Callable[..., Any]:
        owner = self._owner
        self._before = _versions(self._kernel)
        self._outer = watch_here(None)
        self._start = time.perf_counter_ns()
        if not owner._system:  # noqa: SLF001  # the two are one
            return self._kernel
        return owner._ranged(self._kernel, self._ranges)  # noqa: SLF001

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        stop = time.perf_counter_ns()
        watch_here(self._outer)
        self._owner._end_section(  # noqa: SLF001
            self._kernel,
            self._ranges,
            (self._start, stop, self._rows),
            _versions(self._kernel) != self._before,
        )


def _versions(kernel: Any) -> int:
    """Return for how many types a kernel exists in this process."""
    return len(getattr(kernel, "overloads", ()))


class _Idle:
    """Stands for a kernel that does nothing, called as a watched kernel is."""

    overloads: ClassVar[dict[Any, Any]] = {}

    def __init__(self, watch: Callable[[Any, tuple[Any, ...]], Any]) -> None:
        self._watch = watch

    def __call__(self, *args: Any) -> Any:
        return self._watch(self, args)

    def unwatched(self, *args: Any) -> None:
        """Do nothing."""

    def py_func(self, start: int, stop: int) -> None:
        """Have the parameters of a kernel over rows."""


def cost_of_an_event() -> float:
    """Measure what noting one call costs on this machine [ns], adding up included."""
    trial = Profiler()
    trial._system, trial._threads[0] = "trial", 0  # noqa: SLF001
    idle, args = _Idle(trial._call), (0, 1, *range(16))  # noqa: SLF001
    watched, plain = [], []
    for _ in range(CALIBRATIONS):
        start = time.perf_counter_ns()
        for _ in range(CALLS):
            idle(*args)
        trial._fold()  # noqa: SLF001
        between = time.perf_counter_ns()
        for _ in range(CALLS):
            idle.unwatched(*args)
        stop = time.perf_counter_ns()
        watched.append(between - start)
        plain.append(stop - between)
    # Whatever disturbs a measurement makes it longer.
    return max(0, min(watched) - min(plain)) / CALLS
