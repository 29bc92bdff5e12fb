"""What a run came to tick by tick, and how long its systems took."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.reporting.encoding import Packed, pack
from ecs_market.reporting.reading import Codes, RunDatabase
from ecs_market.reporting.sampling import SYSTEM_POINTS, extremes
from ecs_market.types import I64
from ecs_market.types import Column as Array

_TICK_COLUMNS = (
    "tick",
    "agents",
    "market_trades",
    "bilateral_trades",
    "market_volume",
    "bilateral_volume",
    "harvested",
    "market_gain",
    "bilateral_gain",
    "elapsed_ns",
)
_ADDED_UP = ("market_trades", "bilateral_trades", "market_volume", "bilateral_volume")
_GAINS = ("market_gain", "bilateral_gain")


def series_of(database: RunDatabase) -> dict[str, Any]:
    """Return the run's ticks: each column of `ticks`, and sums up to each tick as `total_...`."""
    found = database.columns(f"SELECT {', '.join(_TICK_COLUMNS)} FROM ticks ORDER BY tick")  # noqa: S608 - our own names
    columns = dict(zip(_TICK_COLUMNS, found, strict=True))
    columns["fees"] = _fees(database, columns["tick"])
    for name in (*_ADDED_UP, *_GAINS, "fees"):
        columns[f"total_{name}"] = np.cumsum(np.nan_to_num(columns[name]))
    shape = [columns[name] for name in ("market_trades", "bilateral_trades", *_GAINS)]
    kept = extremes([*shape, columns["elapsed_ns"]])
    return {
        "ticks": len(columns["tick"]),
        "kept": len(kept),
        "columns": {name: pack(column[kept]) for name, column in columns.items()},
    }


def _fees(database: RunDatabase, ticks: I64) -> Array:
    """Return the fees of each tick [minor unit]."""
    tick, fee = database.columns("SELECT tick, sum(fee) FROM trade_gains GROUP BY tick")
    fees = np.zeros(len(ticks), np.int64)
    fees[np.searchsorted(ticks, tick)] = fee
    return fees


def systems_of(database: RunDatabase, ticks: int) -> dict[str, Any]:
    """Return the mean time of each system [ns a tick] over stretches of ticks, and its total."""
    stretch = max(-(-ticks // SYSTEM_POINTS), 1)
    codes = Codes()
    system, at, total, count = database.columns(
        "SELECT system, tick / ?, sum(ns), count(*) FROM system_times"
        " WHERE tick >= 0 GROUP BY 2, 1 ORDER BY 2",
        (stretch,),
        text=(codes,),
    )
    places, row = np.unique(at, return_inverse=True)
    means = np.zeros((len(codes), len(places)))
    means[system, row] = total / count
    totals = np.bincount(system, weights=total, minlength=len(codes))
    order = np.argsort(-totals, kind="stable")
    series: list[Packed] = [pack(np.round(means[number])) for number in order]
    return {
        "stretch": stretch,
        "tick": pack(places * stretch),
        "names": [codes.names[number] for number in order],
        "totals": [int(totals[number]) for number in order],
        "series": series,
    }
