"""Axes, colours and line styles that the plots share."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_market.errors import MarketError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Okabe and Ito (2008), told apart with any kind of colour vision and in grey; without the yellow,
# which is too light for a line on paper.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")

MANY = 7
"""Up to this many lines are told apart one by one."""


def axes(ax: Axes | None, *, square: bool = False) -> Axes:
    """Return the axes to draw on: those given, or new ones in a figure of their own.

    Raises
    ------
    MarketError
        matplotlib is not installed.
    """
    try:
        from matplotlib import pyplot as plt
    except ImportError as error:
        raise MarketError(
            "plots need matplotlib: pip install 'ecs-market[plot]'; sim.telemetry.columns(table) "
            "gives the numbers without it"
        ) from error
    if ax is not None:
        return ax
    _, made = plt.subplots(figsize=(4.8, 4.8) if square else (6.4, 3.6), layout="constrained")
    made.spines[["top", "right"]].set_visible(square)
    return made


def colour(number: int) -> str:
    """Return the colour of the series of a number."""
    return COLOURS[number % len(COLOURS)]


def dash(number: int) -> str:
    """Return the line style of the series of a number."""
    return DASHES[number % len(DASHES)]


def legend(ax: Axes, *, least: int = 2, above: bool = False) -> None:
    """Explain the labelled series where there are at least so many, if need be above the axes."""
    handles, labels = ax.get_legend_handles_labels()
    if len(labels) < least:
        return
    if above:
        ax.legend(
            handles, labels, frameon=False, loc="lower left", bbox_to_anchor=(0.0, 1.0), ncols=3
        )
    else:
        ax.legend(handles, labels, frameon=False)
