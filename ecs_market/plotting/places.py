"""The map of agents and posts at one moment."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecs_market.errors import InputError
from ecs_market.plotting.agents import snapshot
from ecs_market.plotting.source import Source
from ecs_market.plotting.style import MARKERS, axes, colour, legend
from ecs_market.types import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ecs_market.plotting.plots import Shade

_KINDS = {"population": "k.population", "family": "k.family", "target": "a.target_kind"}
_AMOUNTS = ("money", "wealth", "gain")
_MANY_AGENTS = 3_000
_RADII = (("interaction", "-"), ("visibility", "--"), ("broadcast", ":"))


def chart(
    source: Source, tick: int | None, by: Shade | None, ax: Axes | None, *, radii: bool
) -> Axes:
    """Draw agents and posts on their cells; see `Plots.map`."""
    if by is not None and by not in (*_KINDS, *_AMOUNTS):
        allowed = ", ".join([*_KINDS, *_AMOUNTS])
        raise InputError(f"by must be one of {allowed}, or None, not {by!r}")
    ax = axes(ax, square=True)
    told = "NULL" if by is None else _KINDS.get(by, f"a.{by}")
    found = snapshot(source, tick, f"a.x, a.y, {told}")
    place = np.array([row[:2] for row in found.rows], np.float64).reshape(-1, 2)
    what = [row[2] for row in found.rows]
    dots: dict[str, Any] = {
        "s": 14.0 if len(place) <= _MANY_AGENTS else 1.0,
        "linewidths": 0.0,
        # Very many dots are stored as a picture: a page of paper need not hold each.
        "rasterized": len(place) > _MANY_AGENTS,
    }
    width, height, torus = source.run("grid_width", "grid_height", "torus")
    if by in _AMOUNTS:
        _shaded(source, ax, place, np.array(what, np.float64), str(by), dots)
    else:
        _by_kind(ax, place, what, dots, labelled=by is not None)
    _posts(source, ax, (width, height) if torus else None, radii=radii)
    ax.set_xlim(-0.5, width - 0.5)
    ax.set_ylim(-0.5, height - 0.5)
    ax.set_aspect("equal")
    ax.set_xlabel("x [cell]")
    ax.set_ylabel("y [cell]")
    legend(ax, least=1, above=True)
    return ax


def _by_kind(
    ax: Axes, place: F64, what: list[str | None], dots: dict[str, Any], *, labelled: bool
) -> None:
    """Draw each kind of agents in a colour and with a marker of its own."""
    names = np.array(["?" if each is None else each for each in what], object)
    for number, name in enumerate(sorted(set(names.tolist()))):
        x, y = place[names == name].T
        marker = MARKERS[number % len(MARKERS)]
        label = str(name) if labelled else None
        ax.scatter(x, y, color=colour(number), marker=marker, label=label, **dots)


def _shaded(
    source: Source, ax: Axes, place: F64, value: F64, name: str, dots: dict[str, Any]
) -> None:
    """Draw agents in the shade of what they have."""
    x, y = place.T
    drawn = ax.scatter(x, y, c=value, cmap="cividis", plotnonfinite=True, **dots)
    unit = source.gain_unit if name == "gain" else "M"
    label = "gain from trade so far" if name == "gain" else name
    ax.figure.colorbar(drawn, ax=ax, label=f"{label} [{unit}]", shrink=0.8)


def _posts(source: Source, ax: Axes, wraps: tuple[int, int] | None, *, radii: bool) -> None:
    """Draw posts, and the cells within their radii: diamonds, as ways go along axes."""
    names = ", ".join(f"{name}_radius" for name, _ in _RADII)
    rows = source.query(
        f"SELECT market_id, location_x, location_y, {names} FROM market_posts",  # noqa: S608 - our own names
        (),
    )
    width, height = wraps or (0, 0)
    shifts = (
        [(i * width, j * height) for i in (-1, 0, 1) for j in (-1, 0, 1)] if wraps else [(0, 0)]
    )
    for number, (_, x, y, *sizes) in enumerate(rows):
        if radii and len(rows) <= len(MARKERS) * 3:
            for (name, style), size in zip(_RADII, sizes, strict=True):
                _diamonds(ax, [(x + i, y + j) for i, j in shifts], size, style, name, number)
        ax.plot(
            [x],
            [y],
            marker="*",
            markersize=11.0 if len(rows) <= len(MARKERS) * 3 else 4.0,
            color="black",
            markeredgecolor="white",
            markeredgewidth=0.5,
            linestyle="none",
            label="post" if number == 0 else None,
        )


def _diamonds(
    ax: Axes, centres: list[tuple[int, int]], radius: int | None, style: str, name: str, number: int
) -> None:
    """Outline the cells within a Manhattan distance of a post and of its images."""
    if not radius:
        return
    label = {"interaction": "joined", "visibility": "seen", "broadcast": "heard"}[name]
    for at, (x, y) in enumerate(centres):
        ax.plot(
            [x - radius, x, x + radius, x, x - radius],
            [y, y + radius, y, y - radius, y],
            color="0.35",
            linestyle=style,
            linewidth=0.8,
            label=label if number == at == 0 else None,
        )
