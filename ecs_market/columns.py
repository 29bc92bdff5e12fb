"""How a component declares its columns: dtype, shape, unit and the value of an empty row."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.types import Column


@dataclass(frozen=True, slots=True)
class Spec:
    """What one column holds.

    Attributes
    ----------
    dtype
        The numpy type of an element.
    unit
        The unit people read in the documentation, such as ``cell`` or ``lot``.
    width
        Name of the second dimension (``goods``, ``parameters``, ...), or None for one value a row.
    fill
        What a row holds before anything is written to it.
    state
        Whether the next tick reads it, so that it is part of the state hash.
    optional
        Whether the hash leaves it out while every row holds `fill`, so that a setting that nobody
        uses has no part in it.
    hashed
        The type as which its elements are hashed, None for their own: a column may be stored in
        fewer bytes than those that its hash was defined with.
    """

    dtype: Any
    unit: str
    width: str | None = None
    fill: float = 0
    state: bool = True
    optional: bool = False
    hashed: Any = None


def column(
    dtype: Any,
    unit: str,
    *,
    width: str | None = None,
    fill: float = 0,
    state: bool = True,
    optional: bool = False,
    hashed: Any = None,
) -> Any:
    """Declare a column of a component; the arena allocates it from this."""
    spec = Spec(dtype, unit, width, fill, state, optional, hashed)
    return dataclasses.field(metadata={"column": spec})


def specs(component: type) -> dict[str, Spec]:
    """Return the declared columns of a component class by field name."""
    found: dict[str, Spec] = {}
    for field in dataclasses.fields(component):
        if "column" in field.metadata:
            found[field.name] = field.metadata["column"]
    return found


def component_name(component: type) -> str:
    """Return a component's name in field paths: ``MarketPost`` is ``market_post``."""
    return _in_path(component.__name__)


@functools.cache
def _in_path(name: str) -> str:
    return "".join(
        ("_" + letter.lower()) if letter.isupper() and index else letter.lower()
        for index, letter in enumerate(name)
    )


def empty_column(spec: Spec, rows: int, widths: dict[str, int]) -> Column:
    """Allocate a column of `rows` rows that holds the fill value."""
    return filled(spec, (rows,) if spec.width is None else (rows, widths[spec.width]))


def filled(spec: Spec, shape: tuple[int, ...]) -> Column:
    """Allocate an array of a column's type that holds its fill value."""
    if spec.fill:
        return np.full(shape, spec.fill, spec.dtype)
    # The system finds memory for zeros only once something is written: spare rows cost none.
    return np.zeros(shape, spec.dtype)
