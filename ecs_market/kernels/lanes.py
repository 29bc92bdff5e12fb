"""Short vectors: what is done to `LANES` numbers of a column at a time.

Of long loops the compiler makes vector instructions by itself; short ones it unrolls before that.
These are written in LLVM's own vector types instead, which it translates for whatever
processor there is.  The plain function before each says what it does, and is what runs where
compilation is switched off.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types

from ecs_market.kernels.jit import spelled_out
from ecs_market.types import F32, I32, uint64

LANES = 8
_WORD = ir.IntType(32)
_WIDE = ir.IntType(64)
_BYTE = ir.IntType(8)
# What numba tells of its types is not annotated; hence `Any`.
_IOTA = ir.Constant(ir.VectorType(_WORD, LANES), list(range(LANES)))

# For each set of lanes: its lanes, lowest first.
LANES_OF = np.array(
    [
        ([lane for lane in range(LANES) if lanes >> lane & 1] + [0] * LANES)[:LANES]
        for lanes in range(1 << LANES)
    ],
    np.uint8,
)


def _place(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Return a pointer to an entry of an array of one dimension."""
    return builder.gep(context.make_array(kind)(context, builder, array).data, [index])


def _load(context: Any, builder: Any, kind: Any, array: Any, index: Any) -> Any:
    """Load `LANES` entries."""
    element = context.get_data_type(kind.dtype)
    place = _place(context, builder, kind, array, index)
    vector = ir.VectorType(element, LANES)
    return builder.load(
        builder.bitcast(place, vector.as_pointer()), align=kind.dtype.bitwidth // 8, typ=vector
    )


def _store(context: Any, builder: Any, kind: Any, array: Any, index: Any, value: Any) -> None:
    """Store `LANES` entries."""
    place = _place(context, builder, kind, array, index)
    place = builder.bitcast(place, value.type.as_pointer())
    builder.store(value, place, align=kind.dtype.bitwidth // 8)


def _spread(builder: Any, value: Any) -> Any:
    """Return a vector of one and the same number."""
    empty = ir.Constant(ir.VectorType(value.type, LANES), ir.Undefined)
    single = builder.insert_element(empty, value, _WORD(0))
    return builder.shuffle_vector(
        single, empty, ir.Constant(ir.VectorType(_WORD, LANES), [0] * LANES)
    )


def _short(builder: Any, value: Any) -> Any:
    """Return a 64-bit number as 32 bits, the largest number for what does not fit."""
    most = _WIDE((1 << 32) - 1)
    return builder.trunc(
        builder.select(builder.icmp_unsigned("<", value, most), value, most), _WORD
    )


def _smaller(builder: Any, one: Any, other: Any) -> Any:
    return builder.select(builder.icmp_unsigned("<", one, other), one, other)


def _set_of(builder: Any, lanes: Any) -> Any:
    """Return a vector of truth values as bits."""
    return builder.zext(builder.bitcast(lanes, _BYTE), _WIDE)


def _seen(
    x: I32,
    y: I32,
    vision: I32,
    begin: int,
    end: int,
    me: int,
    period_x: int,
    period_y: int,
) -> int:
    seen = 0
    for lane in range(min(LANES, int(end) - int(begin))):
        j = begin + uint64(lane)
        gap_x = abs(int(x[me]) - int(x[j]))
        gap_y = abs(int(y[me]) - int(y[j]))
        far = min(gap_x, int(period_x) - gap_x) + min(gap_y, int(period_y) - gap_y)
        if far <= min(vision[me], vision[j]) and j != me:
            seen |= 1 << lane
    return uint64(seen)


@spelled_out(_seen)
def lanes_seen(
    _: Any,
    x: Any,
    y: Any,
    vision: Any,
    begin: Any,  # noqa: ARG001
    end: Any,  # noqa: ARG001
    me: Any,  # noqa: ARG001
    period_x: Any,  # noqa: ARG001
    period_y: Any,  # noqa: ARG001
) -> Any:
    """Return which of the entries from `begin` to `end` see `me` and are seen by it, as bits.

    Only the first `LANES` of them are looked at.  Distances are Manhattan, the shorter way round.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        begin, end, me = args[3:6]
        far: Any = None
        for axis in (0, 1):
            there = _load(context, builder, kinds[axis], args[axis], begin)
            here = builder.load(_place(context, builder, kinds[axis], args[axis], me))
            way = builder.sub(there, _spread(builder, here))
            back = builder.neg(way)
            gap = builder.select(builder.icmp_signed("<", way, back), back, way)
            period = _spread(builder, _short(builder, args[6 + axis]))
            gap = _smaller(builder, gap, builder.sub(period, gap))
            far = gap if far is None else builder.add(far, gap)
        theirs = _load(context, builder, kinds[2], args[2], begin)
        mine = builder.load(_place(context, builder, kinds[2], args[2], me))
        sees = builder.icmp_unsigned("<=", far, _smaller(builder, theirs, _spread(builder, mine)))
        left = _spread(builder, _short(builder, builder.sub(end, begin)))
        own = _spread(builder, builder.trunc(builder.sub(me, begin), _WORD))
        sees = builder.and_(sees, builder.icmp_unsigned("<", _IOTA, left))
        sees = builder.and_(sees, builder.icmp_unsigned("!=", _IOTA, own))
        return _set_of(builder, sees)

    wide = types.uint64
    return wide(x, y, vision, wide, wide, wide, types.int64, types.int64), write


def _append(
    lanes: int, begin: int, me: int, place: int, mine: I32, theirs: I32, lanes_of: Any
) -> int:
    for lane in range(LANES):
        mine[place + uint64(lane)] = me
        theirs[place + uint64(lane)] = begin + uint64(lanes_of[int(lanes), lane])
    return place + uint64(int(lanes).bit_count())


@spelled_out(_append)
def append_lanes(
    _: Any,
    lanes: Any,  # noqa: ARG001
    begin: Any,  # noqa: ARG001
    me: Any,  # noqa: ARG001
    place: Any,  # noqa: ARG001
    mine: Any,
    theirs: Any,
    lanes_of: Any,
) -> Any:
    """Write `me` to `mine`, and which entries `lanes` are to `theirs`, from `place` on.

    Returns where they end; what is written behind it, up to `LANES` numbers, means nothing.
    `lanes_of` is `LANES_OF`.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        lanes, begin, me, place = args[:4]
        one = _spread(builder, builder.trunc(me, _WORD))
        _store(context, builder, kinds[4], args[4], place, one)
        table = _load(context, builder, kinds[6], args[6], builder.mul(lanes, lanes.type(LANES)))
        which = builder.zext(table, ir.VectorType(_WORD, LANES))
        which = builder.add(which, _spread(builder, builder.trunc(begin, _WORD)))
        _store(context, builder, kinds[5], args[5], place, which)
        return builder.add(place, builder.ctpop(lanes))

    wide = types.uint64
    return wide(wide, wide, wide, wide, mine, theirs, lanes_of), write


def _above(values: F32, begin: int, many: int, bound: Any) -> int:
    return uint64(
        sum(values[begin + uint64(lane)] > bound for lane in range(min(LANES, int(many))))
    )


@spelled_out(_above)
def lanes_above(
    _: Any,
    values: Any,
    begin: Any,  # noqa: ARG001
    many: Any,  # noqa: ARG001
    bound: Any,  # noqa: ARG001
) -> Any:
    """Return how many of `many` values, at most `LANES`, from `begin` on are above a bound."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        values, begin, many, bound = args
        them = _load(context, builder, signature.args[0], values, begin)
        above = builder.fcmp_ordered(">", them, _spread(builder, bound))
        inside = builder.icmp_unsigned("<", _IOTA, _spread(builder, _short(builder, many)))
        return builder.ctpop(_set_of(builder, builder.and_(above, inside)))

    wide = types.uint64
    return wide(values, wide, wide, types.float32), write
