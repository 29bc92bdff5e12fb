"""The time line of a profile as a file that Perfetto and chrome://tracing open.

The format is Google's trace event format: complete events (``X``) with start and duration in
microseconds, names of process and threads (``M``), and counters (``C``).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ecs_market.errors import InputError
from ecs_market.profiling.profile import (
    LOADING,
    ROWS,
    START,
    STOP,
    SUBJECT,
    SYSTEM,
    THREAD,
    TICK,
    Profile,
    Subject,
)

PROCESS = 1
# Number of the tick's own thread; 0 would be that of an idle processor.
FIRST_THREAD = 1


def write_trace(profile: Profile, path: str | Path, name: str = "ecs_market") -> None:
    """Write a profile's time line.

    Parameters
    ----------
    path
        A new or old file, overwritten.
    name
        What the process is called.

    Raises
    ------
    InputError
        The file can't be written.
    """
    try:
        with Path(path).open("w", encoding="utf-8") as file:
            file.write('{"displayTimeUnit": "ns", "traceEvents": [\n')
            file.writelines(
                (",\n" if number else "") + json.dumps(event, ensure_ascii=False)
                for number, event in enumerate(trace_events(profile, name))
            )
            file.write('\n], "otherData": ')
            file.write(json.dumps({"events_left_out": profile.events_left_out}) + "}\n")
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror or error}") from error


def trace_events(profile: Profile, name: str) -> Iterator[dict[str, Any]]:
    """Yield the events of the file: names first, then each track, then the counters."""
    yield _named("process_name", 0, name)
    for thread in range(len(profile.busy_ns)):
        yield _named("thread_name", thread, "tick" if thread == 0 else f"worker {thread}")
        yield {
            **_named("thread_sort_index", thread, ""),
            "args": {"sort_index": thread},
        }
    origin = int(profile.events[:, START].min(initial=2**62)) if len(profile.events) else 0
    # Of events that begin together the outer one comes first, or it would count as the inner one.
    order = np.lexsort((-profile.events[:, STOP], profile.events[:, START]))
    for event in profile.events[order].tolist():
        yield _complete(profile.subjects[event[SUBJECT]], event, origin)
    for each in profile.counters:
        time = (each.at - origin) / 1000
        trades = {"at posts": each.market_trades, "face to face": each.bilateral_trades}
        yield _counter("trades", time, trades)
        yield _counter("agents", time, {"agents": each.agents})


def _named(kind: str, thread: int, name: str) -> dict[str, Any]:
    return {
        "name": kind,
        "ph": "M",
        "pid": PROCESS,
        "tid": FIRST_THREAD + thread,
        "args": {"name": name},
    }


def _counter(name: str, time: float, values: dict[str, int]) -> dict[str, Any]:
    return {
        "name": name,
        "ph": "C",
        "pid": PROCESS,
        "tid": FIRST_THREAD,
        "ts": time,
        "args": values,
    }


def _complete(subject: Subject, event: list[int], origin: int) -> dict[str, Any]:
    kind, system, kernel = subject
    if kind == TICK:
        name, category, details = f"tick {event[ROWS]}", "tick", {}
    elif kind == SYSTEM:
        name, category, details = system, "system", {"rows": event[ROWS]}
    elif kind == LOADING:
        name, category, details = f"load {kernel}", "loading", {}
    else:
        name, category, details = kernel, "kernel", {"rows": event[ROWS]}
    return {
        "name": name,
        "cat": category,
        "ph": "X",
        "pid": PROCESS,
        "tid": FIRST_THREAD + event[THREAD],
        "ts": (event[START] - origin) / 1000,
        "dur": (event[STOP] - event[START]) / 1000,
        "args": details,
    }
