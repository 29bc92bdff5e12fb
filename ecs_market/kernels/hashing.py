"""A 128-bit hash of columns that does not depend on the order of rows.

Each element is mixed with the id of its row, the key of its column and its place in the row to 128
bits, and these are added modulo 2^128.  Sums can be made of any parts in any order: threads and a
reordering of rows change nothing.  The hash detects accidents; it is no defence against someone
who looks for collisions.

Elements count by their bits: 0.0 and -0.0 differ, as do two nans with other payloads.
"""

from __future__ import annotations

import functools
import hashlib
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from ecs_market.errors import InputError
from ecs_market.kernels.jit import kernel
from ecs_market.types import I64, U64, Column

HASH_VERSION: Final = 2
MODULUS: Final = 1 << 128

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

# Odd constants: leading digits of sqrt(2), sqrt(3), sqrt(5), sqrt(7) and so on, made odd.
_ID = np.uint64(0x6A09E667F3BCC909)
_APART = np.uint64(0xBB67AE8584CAA73B)
_AT_LOW = np.uint64(0x3C6EF372FE94F82B)
_AT_HIGH = np.uint64(0xA54FF53A5F1D36F1)
_MIX = np.uint64(0x510E527FADE682D1)
_MIX_LOW = np.uint64(0x9B05688C2B3E6C1F)
_MIX_HIGH = np.uint64(0x1F83D9ABFB41BD6B)
_S1 = np.uint64(32)
_S2 = np.uint64(29)
_HALF = np.uint64(0xFFFFFFFF)
_BLOCK = 1024  # rows that stay in the nearest cache while their places are gone through
_PART = 1 << 20  # elements a call: their 32-bit halves add up to less than 2^64


@kernel
def hash_rows(
    ids: U64, words: npt.NDArray[Any], key_low: np.uint64, key_high: np.uint64, acc: U64
) -> None:
    """Add the hash of some rows of one column to `acc`.

    The sums wrap on purpose; without compilation the caller silences numpy's overflow warning.

    Parameters
    ----------
    ids
        Shape (n,), the bits of the rows' ids.
    words
        Shape (n, w), an unsigned view of the column, with fewer than 2**32 elements.
    key_low, key_high
        The column's key.
    acc
        Shape (2,), the low and the high half of the sum so far.
    """
    rows, width = words.shape
    # The halves of the low words are summed apart, the carry made up at the end: a comparison in
    # every step would keep the loop from being vectorised.
    bottom = acc[0] & _HALF
    middle = acc[0] >> _S1
    high = acc[1]
    for first in range(0, rows, _BLOCK):
        last = min(first + _BLOCK, rows)
        for j in range(width):
            at_low = key_low + np.uint64(j) * _AT_LOW
            at_high = key_high + np.uint64(j) * _AT_HIGH
            for i in range(first, last):
                # Each step is a bijection of the element, so that a changed one always shows.
                row = ids[i] * _ID
                x = np.uint64(words[i, j]) ^ (row + at_low)
                x = (x ^ (x >> _S1)) * _MIX
                x = x ^ (x >> _S2)
                y = (x ^ ((row ^ _APART) + at_high)) * _MIX_HIGH
                x = x * _MIX_LOW
                x = x ^ (x >> _S1)
                bottom += x & _HALF
                middle += x >> _S1
                high += y ^ (y >> _S1)
    middle += bottom >> _S1
    acc[0] = (middle << _S1) | (bottom & _HALF)
    acc[1] = high + (middle >> _S1)


@functools.cache
def column_key(name: str, kind: str) -> tuple[np.uint64, np.uint64]:
    """Return the key of a column, from its name and its type such as `i8`."""
    digest = hashlib.sha256(f"{HASH_VERSION}\0{name}\0{kind}".encode()).digest()
    low, high = np.frombuffer(digest[:16], dtype="<u8").astype(np.uint64)
    return np.uint64(low), np.uint64(high)


def column_digest(
    ids: I64,
    column: Column,
    name: str,
    start: int = 0,
    stop: int | None = None,
    as_type: Any = None,
) -> int:
    """Hash the rows [start, stop) of a column.

    Parameters
    ----------
    ids
        Shape (n,), int64, the rows' ids.
    column
        Shape (n,) or (n, w), of booleans, integers or floats of at most 8 bytes.
    name
        The column's name; columns with other names hash to other values.
    start, stop
        The rows; all of them by default.
    as_type
        The type whose bits count, by default the column's own.

    Returns
    -------
    int
        Below 2**128.  The digests of disjoint ranges, of one or of several columns, are to be
        added modulo `MODULUS`.

    Raises
    ------
    InputError
        The column has another type or shape.
    """
    if column.ndim not in (1, 2) or column.shape[0] != ids.shape[0]:
        raise InputError(
            f"column {name!r}: the shape is {column.shape}; allowed are ({ids.shape[0]},) and "
            f"({ids.shape[0]}, any width)"
        )
    size = column.dtype.itemsize
    if column.dtype.kind not in "biuf" or size not in _UNSIGNED:
        raise InputError(
            f"column {name!r}: the type is {column.dtype}; allowed are booleans, integers and "
            "floats of at most 8 bytes"
        )
    kind = column.dtype.newbyteorder("=") if as_type is None else np.dtype(as_type)
    rows, marks = column[start:stop], ids[start:stop]
    key_low, key_high = column_key(name, f"{kind.kind}{kind.itemsize}")
    acc = np.zeros(2, dtype=np.uint64)
    with np.errstate(over="ignore"):
        # A column that takes another type does so part by part.
        step = max(1, _PART * rows.shape[0] // max(1, rows.size))
        for first in range(0, rows.shape[0] if rows.size else 0, step):
            part = np.ascontiguousarray(rows[first : first + step], dtype=kind)
            words = part.view(_UNSIGNED[kind.itemsize]).reshape(len(part), -1)
            its = np.ascontiguousarray(marks[first : first + step], dtype=np.int64)
            hash_rows(its.view(np.uint64), words, key_low, key_high, acc)
    return int(acc[0]) | int(acc[1]) << 64
