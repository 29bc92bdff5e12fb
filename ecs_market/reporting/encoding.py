"""Columns of numbers as compact text that a page decodes exactly."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from ecs_market.types import Column as Array

_EXACT = 2**52
"""Whole numbers below this survive a page's floating point, differences included."""

Packed = dict[str, Any]


def pack(values: Array) -> Packed:
    """Return a column for JSON.

    Parameters
    ----------
    values
        Shape (n,), integers or floats; NaN is NULL.

    Returns
    -------
    dict
        Whole numbers are kept as the differences from one to the next, each zigzag coded in
        groups of seven bits (`whole`); others as little-endian float64 (`float`). `nulls`, if
        there are any, are their places, coded like whole numbers.
    """
    column = np.asarray(values).ravel()
    missing = np.isnan(column) if column.dtype.kind == "f" else np.zeros(len(column), bool)
    packed: Packed = {"n": len(column)}
    if missing.any():
        packed["nulls"] = _text(_groups(np.flatnonzero(missing)))
        packed["null_count"] = int(missing.sum())
        column = _filled(column, missing)
    if _is_whole(column):
        packed["whole"] = _text(_groups(column.astype(np.int64)))
    else:
        packed["float"] = _text(column.astype("<f8").tobytes())
    return packed


def _is_whole(column: Array) -> bool:
    if column.dtype.kind in "iub":
        return len(column) == 0 or (int(column.max()) < _EXACT and int(column.min()) > -_EXACT)
    return bool((np.abs(column) < _EXACT).all() and (column == np.floor(column)).all())


def _filled(column: Array, missing: Array) -> Array:
    """Put the last value before each gap into it, so that differences stay small."""
    at = np.where(missing, 0, np.arange(len(column)))
    filled = column[np.maximum.accumulate(at)]
    filled[np.isnan(filled)] = 0.0
    return filled


def _groups(values: Array) -> bytes:
    """Code differences in groups of seven bits, the lowest first, the eighth bit for more."""
    steps = np.diff(values, prepend=0).astype(np.int64)
    coded = ((steps << 1) ^ (steps >> 63)).astype(np.uint64)
    length = np.ones(len(coded), np.int64)
    for group in range(1, 9):
        length += coded >> np.uint64(7 * group) != 0
    start = np.cumsum(length) - length
    body = np.zeros(int(length.sum()), np.uint8)
    for group in range(9):
        more = length > group
        if not more.any():
            break
        bits = ((coded[more] >> np.uint64(7 * group)) & np.uint64(127)).astype(np.uint8)
        body[start[more] + group] = bits | np.where(length[more] > group + 1, 128, 0)
    return body.tobytes()


def _text(body: bytes) -> str:
    return base64.b64encode(body).decode("ascii")
