"""Bars of text: a row of numbers as a sparkline, a share as a progress bar."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Glyphs:
    """The signs that bars are made of.

    Attributes
    ----------
    heights
        From the lowest to the highest.
    parts
        Of one cell of a progress bar, from nearly empty to full.
    empty
        The part of a progress bar that is to come.
    """

    heights: str
    parts: str
    empty: str


BLOCKS = Glyphs(
    "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588",
    "\u258f\u258e\u258d\u258c\u258b\u258a\u2589\u2588",
    "\u2591",
)
ASCII = Glyphs("_.-=+*%#", "#", ".")
"""For terminals that have no blocks: the more ink, the higher."""


def sparkline(values: Sequence[float], low: float, high: float, glyphs: Glyphs) -> str:
    """Return a sign a value on the scale from `low` to `high`, a blank for NaN."""
    top, span = len(glyphs.heights) - 1, high - low

    def sign(value: float) -> str:
        if math.isnan(value):
            return " "
        # Where nothing moves the line runs through the middle.
        return glyphs.heights[round((value - low) / span * top) if span > 0.0 else top // 2]

    return "".join(map(sign, values))


def progress_bar(share: float, width: int, glyphs: Glyphs) -> tuple[str, str]:
    """Return the done and the open part of a bar of `width` cells."""
    steps = len(glyphs.parts)
    done = math.floor(min(max(share, 0.0), 1.0) * width * steps)
    text = glyphs.parts[-1] * (done // steps)
    if done % steps:
        text += glyphs.parts[done % steps - 1]
    return text, glyphs.empty * (width - len(text))
