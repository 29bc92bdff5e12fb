"""Snapshots of agents: where they were, and what they owned and had gained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecs_market.reporting.encoding import pack
from ecs_market.reporting.reading import Codes, RunDatabase
from ecs_market.reporting.sampling import AGENT_CELLS, AGENTS_SHOWN, evenly
from ecs_market.types import F64, I64
from ecs_market.types import Column as Array
from ecs_market.welfare import gini

_FIELDS = ("kind", "tick", "id", "x", "y", "money", "wealth", "gain")
_SHOWN = ("x", "y", "kind", "money", "wealth", "gain")
_SHARES = (0.1, 0.5, 0.9)
_BINS = 64
"""Bins along the longer side of the grid."""

Frame = dict[str, Array]


@dataclass(slots=True)
class Snapshots:
    """What of a run's snapshots goes on the page.

    `ticks` are those of the frames, `ids` the agents shown, `recorded` how many a frame has.
    """

    ticks: I64
    ids: I64
    recorded: int
    snapshots: int
    kinds: Codes = field(default_factory=Codes)

    def place(self, ids: Array) -> I64:
        """Return the place of each agent among those shown, -1 for others."""
        if not len(self.ids):
            return np.full(len(ids), -1)
        known = np.nan_to_num(np.asarray(ids, np.float64), nan=-1.0).astype(np.int64)
        at = np.minimum(np.searchsorted(self.ids, known), len(self.ids) - 1)
        return np.where(self.ids[at] == known, at, -1)


def choose(database: RunDatabase) -> Snapshots:
    """Choose which agents and which snapshots are shown."""
    ticks, count = database.columns("SELECT tick, count(*) FROM agents GROUP BY tick ORDER BY tick")
    (ids,) = database.columns("SELECT DISTINCT agent_id FROM agent_kinds ORDER BY agent_id")
    shown = ids[evenly(len(ids), AGENTS_SHOWN)]
    frames = evenly(len(ticks), AGENT_CELLS // max(len(shown), 1))
    return Snapshots(ticks[frames], shown, int(count.max(initial=0)), len(ticks))


def _frames(database: RunDatabase, chosen: Snapshots) -> Iterator[Frame]:
    """Yield the chosen snapshots one by one, each with all its agents."""
    if not len(chosen.ticks):
        return
    some = ""
    if len(chosen.ticks) < chosen.snapshots:
        some = f" WHERE tick IN ({','.join(map(str, chosen.ticks))})"
    blocks = database.blocks(
        "SELECT target_kind, tick, agent_id, x, y, money, wealth, gain FROM agents"  # noqa: S608 - our own ticks
        f"{some} ORDER BY rowid",
        text=(chosen.kinds,),
    )
    waiting: list[list[Array]] = []
    for block in blocks:
        edges = np.flatnonzero(np.diff(block[1])) + 1
        for part in zip(*(np.split(column, edges) for column in block), strict=True):
            if waiting and len(part[1]) and waiting[0][1][0] != part[1][0]:
                yield _joined(waiting)
                waiting = []
            waiting.append(list(part))
    if waiting:
        yield _joined(waiting)


def _joined(parts: list[list[Array]]) -> Frame:
    columns = [np.concatenate(each) for each in zip(*parts, strict=True)]
    return dict(zip(_FIELDS, columns, strict=True))


def snapshots_of(database: RunDatabase, chosen: Snapshots) -> dict[str, Any]:
    """Return agents by snapshot as matrices, measures of their distribution, and bins of many."""
    shape = len(chosen.ids), len(chosen.ticks)
    shown: dict[str, F64] = {name: np.full(shape, np.nan) for name in _SHOWN}
    shown["x"][:] = shown["y"][:] = -1
    measures: list[list[float]] = []
    bins = _Bins(database) if chosen.recorded > AGENTS_SHOWN else None
    for number, frame in enumerate(_frames(database, chosen)):
        at = chosen.place(frame["id"])
        seen = at >= 0
        for name, matrix in shown.items():
            matrix[at[seen], number] = frame[name][seen]
        measures.append([*_measures(frame["wealth"]), *_measures(frame["gain"])])
        if bins is not None:
            bins.add(frame)
    return {
        "ticks": pack(chosen.ticks),
        "ids": pack(chosen.ids),
        "recorded": chosen.recorded,
        "snapshots": chosen.snapshots,
        "kinds": chosen.kinds.names,
        "fields": {name: pack(matrix) for name, matrix in shown.items()},
        "measures": _packed(measures),
        "bins": None if bins is None else bins.packed(),
        **_families(database, chosen),
    }


def _measures(values: Array) -> list[float]:
    known = np.asarray(values, np.float64)
    known = known[~np.isnan(known)]
    if not len(known):
        return [np.nan] * (2 + len(_SHARES))
    return [gini(known), float(known.mean()), *np.quantile(known, _SHARES).tolist()]


def _packed(measures: list[list[float]]) -> dict[str, Any]:
    names = ("gini", "mean", "low", "median", "high")
    columns = np.array(measures, np.float64).reshape(-1, 2 * len(names)).T
    labels = [f"{what}_{name}" for what in ("wealth", "gain") for name in names]
    return {label: pack(column) for label, column in zip(labels, columns, strict=True)}


def _families(database: RunDatabase, chosen: Snapshots) -> dict[str, Any]:
    populations, families = Codes(), Codes()
    population, family, ids = database.columns(
        "SELECT population, family, agent_id FROM agent_kinds ORDER BY agent_id",
        text=(populations, families),
    )
    seen = np.searchsorted(ids, chosen.ids)  # one row an agent, or the first of several
    return {
        "populations": populations.names,
        "families": families.names,
        "population": pack(population[seen]),
        "family": pack(family[seen]),
    }


class _Bins:
    """Agents of a frame by square of the grid: how many, and what they own and have gained."""

    def __init__(self, database: RunDatabase) -> None:
        width, height = database.run["grid_width"], database.run["grid_height"]
        self._size = max(-(-max(width, height) // _BINS), 1)
        self._columns, self._rows = -(-width // self._size), -(-height // self._size)
        self._found: dict[str, list[Array]] = {"count": [], "wealth": [], "gain": []}

    def add(self, frame: Frame) -> None:
        """Add the next frame."""
        at = frame["y"] // self._size * self._columns + frame["x"] // self._size
        bins = self._columns * self._rows
        count = np.bincount(at, minlength=bins)
        self._found["count"].append(count)
        for name in ("wealth", "gain"):
            known = ~np.isnan(np.asarray(frame[name], np.float64))
            total = np.bincount(at[known], frame[name][known], bins)
            with np.errstate(invalid="ignore"):
                mean = total / np.bincount(at[known], minlength=bins)
            self._found[name].append(np.round(mean))

    def packed(self) -> dict[str, Any]:
        """Return the bins of all frames, for each bin one frame after the other."""
        columns = {name: np.array(found).T for name, found in self._found.items()}
        return {
            "size": self._size,
            "columns": self._columns,
            "rows": self._rows,
            **{name: pack(column) for name, column in columns.items()},
        }
