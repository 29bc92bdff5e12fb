"""Plots of agents at one moment: distributions, and the snapshots they are taken from."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from ecs_market.errors import InputError
from ecs_market.plotting.source import Source
from ecs_market.plotting.style import axes, colour, legend
from ecs_market.welfare import gini

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecs_market.plotting.plots import By


@dataclass(frozen=True)
class Snapshot:
    """Agents at one moment: the tick, and the rows asked for."""

    tick: int
    rows: list[tuple[Any, ...]]
    sampled: bool


def snapshot(source: Source, tick: int | None, columns: str) -> Snapshot:
    """Return columns of the agents in the last snapshot up to a tick, with their kinds.

    Raises
    ------
    InputError
        There is none.
    """
    if tick is not None and (isinstance(tick, bool) or not isinstance(tick, int | np.integer)):
        raise InputError(f"tick must be a whole number, not {tick!r}")
    until = "" if tick is None else f" WHERE tick <= {int(tick)}"
    ((found,),) = source.query(f"SELECT max(tick) FROM agents{until}", ())  # noqa: S608 - a number
    if found is None:
        raise InputError(
            "no snapshot of agents has been recorded" + ("" if tick is None else f" up to {tick}")
        )
    rows = source.query(
        f"SELECT {columns} FROM agents_units AS a LEFT JOIN agent_kinds AS k"  # noqa: S608 - our own names
        " ON k.agent_id = a.agent_id WHERE a.tick = ? ORDER BY a.agent_id",
        (found,),
    )
    agents, chosen = source.run("agents", "snapshot_agents")
    return Snapshot(int(found), rows, agents is not None and (chosen or agents) < agents)


def distribution(
    source: Source,
    what: Literal["wealth", "gain"],
    tick: int | None,
    by: By | None,
    ax: Axes | None,
) -> Axes:
    """Draw a histogram of agents; see `Plots.wealth`."""
    if by not in (None, "population", "family"):
        raise InputError(f"by must be population, family or None, not {by!r}")
    ax = axes(ax)
    kind = f"coalesce(k.{by}, '?')" if by else "''"
    found = snapshot(source, tick, f"a.{what}, {kind}")
    known = [(value, name) for value, name in found.rows if value is not None]
    values = np.array([value for value, _ in known], np.float64)
    names = np.array([name for _, name in known], object)
    groups = sorted(set(names.tolist()))
    if groups:
        ax.hist(
            [values[names == group] for group in groups],
            bins=np.histogram_bin_edges(values, bins=_bins(len(values))).tolist(),
            stacked=True,
            color=[colour(number) for number in range(len(groups))],
            edgecolor="white",
            linewidth=0.4,
            label=groups if by else None,
        )
    spread, unknown = gini(values), len(found.rows) - len(known)
    told = [] if math.isnan(spread) else [f"Gini {spread:.2f}"]
    if unknown:
        told.append(f"without {unknown:,} that own goods without a price")
    for each in told:
        ax.plot([], [], " ", label=each)
    unit = "M" if what == "wealth" else source.gain_unit
    label = "wealth" if what == "wealth" else "gain from trade so far"
    ax.set_xlabel(f"{label} [{unit}]")
    ax.locator_params(axis="y", integer=True)
    ax.set_ylabel("agents in the sample" if found.sampled else "agents")
    legend(ax, least=1)
    return ax


def _bins(count: int) -> int:
    """Return how many bins a histogram has: twice the cube root, by the rule of Rice."""
    return min(60, max(1, math.ceil(2.0 * math.cbrt(count))))
