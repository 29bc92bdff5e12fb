"""What a profiled run comes to: costs by system, by kernel and by thread."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, NamedTuple

import numpy as np

from ecs_market.types import I64

TICK, SYSTEM, CALL, SECTION, RANGE, LOADING = range(6)
# The columns of an event.
SUBJECT, THREAD, START, STOP, ROWS = range(5)


class Subject(NamedTuple):
    """What an event is about.

    Attributes
    ----------
    kind
        A whole tick, a system, a kernel in the tick's own thread (`CALL`), a kernel in
        several (`SECTION`), one range of rows of it in one of them (`RANGE`), or the first call of
        a kernel, which compiles it or reads it from the cache (`LOADING`).
    system, kernel
        Names; empty where there is none.
    """

    kind: int
    system: str
    kernel: str


class Counters(NamedTuple):
    """Numbers at the end of a tick: the time [ns], agents, and trades in this tick."""

    at: int
    agents: int
    market_trades: int
    bilateral_trades: int


@dataclass(frozen=True, slots=True)
class SystemCost:
    """What one system took.

    Attributes
    ----------
    calls
        How often it ran.
    ns
        Nanoseconds, without those in which kernels were compiled or loaded (`loading_ns`).
    rows
        Agents, summed over the calls.
    ns_per_row
        None without rows.
    share
        Of the time of all systems.
    python_ns
        The part of `ns` outside of kernels.
    """

    name: str
    calls: int
    ns: int
    rows: int
    ns_per_row: float | None
    share: float
    python_ns: int
    loading_ns: int


@dataclass(frozen=True, slots=True)
class KernelCost:
    """What one kernel took in one system.

    Attributes
    ----------
    calls
        How often the tick's thread called it, alone or with workers.
    ns
        Nanoseconds of the tick's thread: with several threads less than the work.
    rows
        Rows it was called for; 0 where a kernel takes no range of rows.
    busy_ns
        Work by thread, the tick's own first, then the workers.
    efficiency
        Work over threads times the time of the tick's own; None if it never ran in several.
    """

    system: str
    name: str
    calls: int
    ns: int
    rows: int
    ns_per_row: float | None
    share: float
    busy_ns: tuple[int, ...]
    efficiency: float | None


@dataclass(frozen=True, slots=True)
class Profile:
    """A profiled run.

    Attributes
    ----------
    ticks, threads, agents
        How many; agents at the end.
    elapsed_ns
        All ticks together.
    loading_ns
        The part in which kernels were compiled or read from the cache: in no other figure.
    systems, kernels
        Costs, in the order of the schedule; kernels by cost within a system.
    busy_ns
        Time in kernels by thread, the tick's own first, then the workers.
    measured_events, overhead_ns
        How often a clock was read in pairs, and what profiling is estimated to have cost.
    isolated_ns
        Where one system was measured by itself: each of its runs.
    events, subjects, counters, events_left_out
        The time line, as `write_trace` takes it: int64 (n, 5), each row subject, thread, start and
        stop [ns], rows; what the subjects are; numbers at the end of ticks; and how many events of
        later ticks were not kept.
    """

    ticks: int
    threads: int
    agents: int
    elapsed_ns: int
    loading_ns: int
    systems: tuple[SystemCost, ...]
    kernels: tuple[KernelCost, ...]
    busy_ns: tuple[int, ...]
    measured_events: int
    overhead_ns: int
    isolated_ns: tuple[int, ...] = ()
    events: I64 = field(default_factory=lambda: np.empty((0, 5), np.int64), repr=False)
    subjects: tuple[Subject, ...] = field(default=(), repr=False)
    counters: tuple[Counters, ...] = field(default=(), repr=False)
    events_left_out: int = 0

    @property
    def overhead(self) -> float:
        """Return what profiling is estimated to have cost, as a share of the run without it."""
        return self.overhead_ns / max(1, self.elapsed_ns - self.overhead_ns)

    def as_dict(self) -> dict[str, Any]:
        """Return all figures, ready for JSON; the time line is left out."""
        return {
            "ticks": self.ticks,
            "threads": self.threads,
            "agents": self.agents,
            "elapsed_ns": self.elapsed_ns,
            "loading_ns": self.loading_ns,
            "systems": [asdict(each) for each in self.systems],
            "kernels": [asdict(each) for each in self.kernels],
            "busy_ns": list(self.busy_ns),
            "measured_events": self.measured_events,
            "overhead": self.overhead,
            "isolated_ns": list(self.isolated_ns),
        }


class Tally:
    """Sums over events, a subject each: number, nanoseconds, rows, and nanoseconds by thread."""

    def __init__(self) -> None:
        self.calls: I64 = np.zeros(0, np.int64)
        self.ns: I64 = np.zeros(0, np.int64)
        self.rows: I64 = np.zeros(0, np.int64)
        self.by_thread: I64 = np.zeros((0, 0), np.int64)

    def add(self, events: I64, subjects: int, threads: int) -> None:
        """Add events, int64 (n, 5), of so many subjects and threads known by now."""
        if subjects > len(self.calls) or threads > self.by_thread.shape[1]:
            self._grow(subjects, threads)
        about, took = events[:, SUBJECT], events[:, STOP] - events[:, START]
        np.add.at(self.calls, about, 1)
        np.add.at(self.ns, about, took)
        np.add.at(self.rows, about, events[:, ROWS])
        np.add.at(self.by_thread, (about, events[:, THREAD]), took)

    def _grow(self, subjects: int, threads: int) -> None:
        more = max(0, subjects - len(self.calls))
        wider = max(0, threads - self.by_thread.shape[1])
        self.calls, self.ns, self.rows = (
            np.pad(each, (0, more)) for each in (self.calls, self.ns, self.rows)
        )
        self.by_thread = np.pad(self.by_thread, ((0, more), (0, wider)))

    def total(self, subjects: list[Subject], kind: int) -> int:
        """Return the nanoseconds of all events of a kind."""
        return sum(int(self.ns[code]) for code, each in enumerate(subjects) if each.kind == kind)

    def systems(self, subjects: list[Subject]) -> tuple[SystemCost, ...]:
        """Return the costs of systems, in the order in which they first ran."""
        loading, kernels = (
            self._within(subjects, (LOADING,)),
            self._within(subjects, (CALL, SECTION)),
        )
        found = [(code, each) for code, each in enumerate(subjects) if each.kind == SYSTEM]
        net = {each.system: int(self.ns[c]) - loading.get(each.system, 0) for c, each in found}
        total = sum(net.values())
        return tuple(
            SystemCost(
                name=each.system,
                calls=int(self.calls[code]),
                ns=net[each.system],
                rows=int(self.rows[code]),
                ns_per_row=_ratio(net[each.system], int(self.rows[code])),
                share=net[each.system] / max(1, total),
                python_ns=net[each.system] - kernels.get(each.system, 0),
                loading_ns=loading.get(each.system, 0),
            )
            for code, each in found
        )

    def _within(self, subjects: list[Subject], kinds: tuple[int, ...]) -> dict[str, int]:
        sums: dict[str, int] = {}
        for code, each in enumerate(subjects):
            if each.kind in kinds:
                sums[each.system] = sums.get(each.system, 0) + int(self.ns[code])
        return sums

    def kernels(
        self, subjects: list[Subject], total_ns: int, threads: int
    ) -> tuple[KernelCost, ...]:
        """Return the costs of kernels: systems in their order, the costliest kernel first."""
        codes: dict[tuple[str, str], dict[int, int]] = {}
        for code, each in enumerate(subjects):
            if each.kind in (CALL, SECTION, RANGE):
                codes.setdefault((each.system, each.kernel), {})[each.kind] = code
        costs = [self._kernel(key, found, total_ns, threads) for key, found in codes.items()]
        order = list(dict.fromkeys(each.system for each in subjects if each.kind == SYSTEM))
        return tuple(sorted(costs, key=lambda cost: (order.index(cost.system), -cost.ns)))

    def _kernel(
        self, key: tuple[str, str], found: dict[int, int], total_ns: int, threads: int
    ) -> KernelCost:
        waits = [found[kind] for kind in (CALL, SECTION) if kind in found]
        ns, rows = (int(sum(column[waits])) for column in (self.ns, self.rows))
        work = [found[kind] for kind in (CALL, RANGE) if kind in found]
        efficiency = None
        if SECTION in found and RANGE in found:
            waited = int(self.ns[found[SECTION]]) * threads
            efficiency = _ratio(int(self.ns[found[RANGE]]), waited)
        return KernelCost(
            *key,
            calls=int(sum(self.calls[waits])),
            ns=ns,
            rows=rows,
            ns_per_row=_ratio(ns, rows),
            share=ns / max(1, total_ns),
            busy_ns=tuple(int(each) for each in self.by_thread[work].sum(axis=0)),
            efficiency=efficiency,
        )


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
