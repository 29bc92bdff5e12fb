"""A 128-bit hash of tables that does not depend on the order of rows.

The words of a row are multiplied by keys of their columns and places and added up, twice, modulo
2^64.  Both sums are mixed with the row's id to 128 bits, and these are added modulo 2^128.  Sums
can be made of any parts in any order: threads and a reordering of rows change nothing.  The hash
detects accidents; it is no defence against someone who looks for collisions.

Elements count by their bits: 0.0 and -0.0 differ, as do two nans with other payloads.  Words that
are 0 add nothing, so that names, types and widths of columns have to be kept beside the hash.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from ecs_market.errors import InputError
from ecs_market.kernels.jit import inlined, kernel
from ecs_market.types import I64, U64, Column, uint64

HASH_VERSION: Final = 3
MODULUS: Final = 1 << 128
BLOCK: Final = 16384  # rows whose sums stay in a near cache while all columns are gone through

_UNSIGNED = {1: np.uint8, 2: np.uint16, 4: np.uint32, 8: np.uint64}

# Odd constants: leading digits of sqrt(2), sqrt(3), sqrt(5), sqrt(7) and so on, made odd.
_ID = np.uint64(0x6A09E667F3BCC909)
_APART = np.uint64(0xBB67AE8584CAA73B)
_MIX = np.uint64(0x510E527FADE682D1)
_MIX_LOW = np.uint64(0x9B05688C2B3E6C1F)
_MIX_HIGH = np.uint64(0x1F83D9ABFB41BD6B)
_S1 = np.uint64(32)
_S2 = np.uint64(29)
_HALF = np.uint64(0xFFFFFFFF)


@kernel
def add_words(
    words: npt.NDArray[Any], width: int, start: int, stop: int, keys: U64, low: U64, high: U64
) -> None:
    """Add the words of rows [start, stop) of a column, times their keys, to the sums of the rows.

    The sums wrap on purpose; without compilation the caller silences numpy's overflow warning.

    Parameters
    ----------
    words
        Shape (n * width,), unsigned, row after row.
    width
        Words a row.
    keys
        Shape (2, width), odd: the keys of the places in the low and in the high sum.
    low, high
        Shape (at least stop - start,), the sums of row `start` and those after it.
    """
    part = words[start * width : stop * width]
    rows = stop - start
    # The first two are vectorised, which needs a width that the compiler knows.
    if width == 1:
        _add(part, 1, rows, keys, low, high)
    elif width == 2:
        _add(part, 2, rows, keys, low, high)
    else:
        _add(part, width, rows, keys, low, high)


@inlined
def _add(words: npt.NDArray[Any], width: int, rows: int, keys: U64, low: U64, high: U64) -> None:
    for i in range(rows):
        a = low[i]
        b = high[i]
        for j in range(width):
            # Bijections of the element, so that a changed one always shows.  Without the shifts two
            # changed signs in a row would cancel: odd keys add up to an even number.
            x = np.uint64(words[uint64(i * width + j)])
            a += (x ^ (x >> _S1)) * keys[0, j]
            b += (x ^ (x >> _S2)) * keys[1, j]
        low[i] = a
        high[i] = b


@kernel
def add_rows(ids: U64, start: int, stop: int, low: U64, high: U64, acc: U64) -> None:
    """Add the hash of rows [start, stop) to `acc`, and empty the sums of their words.

    The sums wrap on purpose; without compilation the caller silences numpy's overflow warning.

    Parameters
    ----------
    ids
        Shape (n,), the bits of the rows' ids.
    start, stop
        The rows, fewer than 2**31.
    low, high
        Shape (at least stop - start,), the sums of row `start` and those after it.
    acc
        Shape (2,), the low and the high half of the sum so far.
    """
    # The halves of the low words are summed apart, the carry made up at the end: a comparison in
    # every step would keep the loop from being vectorised.
    bottom = acc[0] & _HALF
    middle = acc[0] >> _S1
    above = acc[1]
    marks = ids[start:stop]
    for i in range(stop - start):
        # Each step is a bijection of the two sums.
        row = marks[i] * _ID
        x = low[i] ^ row
        x = (x ^ (x >> _S1)) * _MIX
        x = x ^ (x >> _S2)
        y = x ^ (high[i] + (row ^ _APART))
        y = (y ^ (y >> _S1)) * _MIX_HIGH
        x = x * _MIX_LOW
        x = x ^ (x >> _S1)
        bottom += x & _HALF
        middle += x >> _S1
        above += y ^ (y >> _S1)
        low[i] = 0
        high[i] = 0
    middle += bottom >> _S1
    acc[0] = (middle << _S1) | (bottom & _HALF)
    acc[1] = above + (middle >> _S1)


class Hashed(NamedTuple):
    """A column that is part of a table's hash; `hashed` makes it.

    Attributes
    ----------
    name, kind
        The column's name, and the type whose bits count, such as ``i8``.
    width
        Elements a row.
    keys
        Shape (2, width), see `add_words`.
    column
        Shape (n,) or (n, width).
    words
        The bits of all elements, row after row, or None where they have to be copied first.
    """

    name: str
    kind: str
    width: int
    keys: U64
    column: Column
    words: npt.NDArray[Any] | None


@functools.cache
def _keys(name: str, kind: str, width: int) -> U64:
    """Return the keys of a column's places.

    They follow no rule from place to place, or changes that follow it would cancel.
    """
    digest = hashlib.shake_256(f"{HASH_VERSION}\0{name}\0{kind}".encode()).digest(16 * width)
    places = np.frombuffer(digest, dtype="<u8").astype(np.uint64).reshape(width, 2)
    return np.ascontiguousarray(places.T) | np.uint64(1)


def hashed(name: str, column: Column, rows: int, as_type: Any = None) -> Hashed:
    """Make a column ready to be hashed; its elements are read when they are.

    Parameters
    ----------
    name
        The column's name; columns with other names hash to other values.
    column
        Shape (rows,) or (rows, w), of booleans, integers or floats of at most 8 bytes.
    rows
        The table's rows.
    as_type
        The type whose bits count, by default the column's own.

    Raises
    ------
    InputError
        The column has another type or shape.
    """
    if column.ndim not in (1, 2) or column.shape[0] != rows:
        raise InputError(
            f"column {name!r}: the shape is {column.shape}; allowed are ({rows},) and "
            f"({rows}, any width)"
        )
    own = column.dtype
    if own.kind not in "biuf" or own.itemsize not in _UNSIGNED:
        raise InputError(
            f"column {name!r}: the type is {own}; allowed are booleans, integers and "
            "floats of at most 8 bytes"
        )
    dtype = own if as_type is None else np.dtype(as_type)
    kind = f"{dtype.kind}{dtype.itemsize}"
    width = column.shape[1] if column.ndim == 2 else 1
    ready = own == dtype and own.isnative and column.flags.c_contiguous
    words = column.reshape(-1).view(_UNSIGNED[own.itemsize]) if ready else None
    return Hashed(name, kind, width, _keys(name, kind, width), column, words)


def layout(columns: Sequence[Hashed]) -> str:
    """Return names, types and widths of a table's columns in the order of names."""
    return "\n".join(sorted(f"{each.name} {each.kind} {each.width}" for each in columns))


def table_digest(
    ids: I64, columns: Sequence[Hashed], start: int = 0, stop: int | None = None
) -> int:
    """Hash the rows [start, stop) of a table.

    Parameters
    ----------
    ids
        Shape (n,), int64, the rows' ids.
    columns
        What `hashed` made of the columns, in any order.
    start, stop
        The rows; all of them by default.

    Returns
    -------
    int
        Below 2**128.  The digests of disjoint ranges are to be added modulo `MODULUS`.
    """
    stop = len(ids) if stop is None else stop
    acc = np.zeros(2, dtype=np.uint64)
    low, high = np.zeros((2, max(0, min(stop - start, BLOCK))), dtype=np.uint64)
    marks = np.ascontiguousarray(ids, dtype=np.int64).view(np.uint64)
    with np.errstate(over="ignore"):
        for first in range(start, stop, BLOCK):
            last = min(first + BLOCK, stop)
            for _, kind, width, keys, column, words in columns:
                if words is None:
                    part = np.ascontiguousarray(column[first:last], dtype=kind).reshape(-1)
                    part = part.view(_UNSIGNED[part.itemsize])
                    add_words(part, width, 0, last - first, keys, low, high)
                else:
                    add_words(words, width, first, last, keys, low, high)
            add_rows(marks, first, last, low, high, acc)
    return int(acc[0]) | int(acc[1]) << 64
