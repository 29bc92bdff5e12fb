"""From runs to the file."""

from __future__ import annotations

import contextlib
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ecs_market import __version__
from ecs_market.errors import InputError
from ecs_market.reporting.compare import differences, labels_of
from ecs_market.reporting.curves import curves_of
from ecs_market.reporting.facts import facts_of, summary_beside
from ecs_market.reporting.map_events import pairs_of, patches_of, trades_of
from ecs_market.reporting.market import market_of
from ecs_market.reporting.page import MARK, render
from ecs_market.reporting.reading import RunDatabase, of_recorder, opened
from ecs_market.reporting.series import series_of, systems_of
from ecs_market.reporting.snapshots import choose, snapshots_of
from ecs_market.telemetry.recorder import Recorder
from ecs_market.telemetry.schema import Level

MOST_RUNS = 12
"""Runs in one comparison."""


@dataclass(frozen=True, slots=True)
class Written:
    """A written report: where, how large [byte], and what it says of runs that did not end well."""

    path: Path
    size: int
    notices: tuple[str, ...]


def run_data(database: RunDatabase, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return all that a page shows of one run."""
    data = core_data(database, summary)
    chosen = choose(database)
    return data | {
        "snapshots": snapshots_of(database, chosen),
        "patches": patches_of(database),
        "pairs": pairs_of(database, chosen),
        "trades": trades_of(database, chosen),
        "curves": curves_of(database),
    }


def core_data(database: RunDatabase, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return what a comparison shows of one run."""
    facts = facts_of(database, summary)
    return {
        "facts": facts,
        "series": series_of(database),
        "market": market_of(database, facts["ticks"]),
        "systems": systems_of(database, facts["ticks"]),
    }


def write_report(
    name: str | Path,
    target: str | Path,
    *,
    force: bool = False,
) -> Written:
    """Write the report of one run.

    Parameters
    ----------
    name
        The run's folder or its database.
    target
        The file to write. A report there is replaced; another file only with `force`.
    force
        Replace whatever file is there.

    Raises
    ------
    InputError
        If the run can't be read or the file not be written.
    """
    check_target(target, force=force, runs=[name])
    with opened(name) as database:
        data = run_data(database, summary_beside(database))
    return _write([data], None, target)


def write_live(
    recorder: Recorder, summary: Mapping[str, Any], target: str | Path, *, force: bool = False
) -> Written:
    """Write the report of a simulation that this program holds; see `write_report`."""
    if recorder.level is Level.OFF:
        raise InputError("report: nothing is recorded at telemetry level 'off'")
    check_target(target, force=force, runs=[] if recorder.path is None else [recorder.path])
    if recorder.path is None:
        return _write([run_data(of_recorder(recorder.query), summary)], None, target)
    recorder.flush()
    with opened(recorder.path, live=True) as database:
        return _write([run_data(database, summary)], None, target)


def write_comparison(
    names: Sequence[str | Path], target: str | Path, *, force: bool = False
) -> Written:
    """Write the report of several runs side by side; see `write_report`."""
    if len(names) > MOST_RUNS:
        raise InputError(f"{len(names)} runs are too many for one page: at most {MOST_RUNS}")
    labels = labels_of([str(name) for name in names])
    check_target(target, force=force, runs=names)
    found, scenarios = [], []
    for name, label in zip(names, labels, strict=True):
        with opened(name) as database:
            data = core_data(database, summary_beside(database))
            data["measures"] = snapshots_of(database, choose(database))
            scenarios.append(database.scenario)
        data["facts"]["label"] = label
        found.append(data)
    for data in found:
        measured = data.pop("measures")
        data["measures"] = {"ticks": measured["ticks"], **measured["measures"]}
    return _write(found, differences(scenarios), target)


def check_target(target: str | Path, *, force: bool, runs: Sequence[str | Path]) -> None:
    """Refuse a place where no report can go, before any work is done."""
    path = Path(target)
    if not str(target).strip():
        raise InputError("-o: the name of the report is missing")
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file in it, such as {path / 'report.html'}")
    if not path.parent.is_dir():
        raise InputError(f"{path}: folder {path.parent} does not exist")
    if not path.exists():
        return
    for run in runs:
        for source in (Path(run), Path(run) / "run.db"):
            if source.exists() and path.samefile(source):
                raise InputError(f"{path}: is the run itself; name another file")
    if not force and not _is_report(path):
        raise InputError(f"{path}: exists and is no report; name another file, or use --force")


def _is_report(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return MARK in file.read(4096)
    except OSError:
        return False


def _write(
    runs: list[dict[str, Any]], changed: list[dict[str, Any]] | None, target: str | Path
) -> Written:
    names = list(dict.fromkeys(data["facts"]["name"] for data in runs))
    title = names[0] if len(runs) == 1 else f"{len(runs)} runs: {', '.join(names)}"
    document = {"made_by": __version__, "runs": runs, "differences": changed}
    page = render(title, _plain(document))
    path = Path(target)
    try:
        _replace(path, page)
    except OSError as error:
        raise InputError(f"{path}: can't be written: {error.strerror or error}") from None
    several = len(runs) > 1
    notices = [
        f"{data['facts']['label']}: {notice}" if several else notice
        for data in runs
        for notice in data["facts"]["notices"]
    ]
    return Written(path, len(page), tuple(notices))


def _replace(path: Path, body: bytes) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        part.write_bytes(body)
        part.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            part.unlink()
        raise


def _plain(value: Any) -> Any:
    """Return what JSON can hold: numbers that are none become null."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value
