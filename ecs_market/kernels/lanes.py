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
from numba.core import cgutils

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
# How many lanes each set has.
LANE_COUNT = np.array([lanes.bit_count() for lanes in range(1 << LANES)], np.uint8)


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


def _far(context: Any, builder: Any, axes: Any) -> Any:
    """Return how far `LANES` entries are from a place, the shorter ways round.

    Of each axis are given: where they are, as type, array and index, the place, and the period.
    """
    far: Any = None
    for kind, array, index, here, length in axes:
        gap = builder.sub(_load(context, builder, kind, array, index), _spread(builder, here))
        back = builder.neg(gap)
        gap = builder.select(builder.icmp_signed("<", gap, back), back, gap)
        period = _spread(builder, _short(builder, length))
        gap = _smaller(builder, gap, builder.sub(period, gap))
        far = gap if far is None else builder.add(far, gap)
    return far


def _inside(builder: Any, begin: Any, end: Any) -> Any:
    """Return which of the entries from `begin` on come before `end`."""
    left = _spread(builder, _short(builder, builder.sub(end, begin)))
    return builder.icmp_unsigned("<", _IOTA, left)


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
        axes = []
        for kind, array, period in zip(kinds[:2], args[:2], args[6:8], strict=True):
            here = builder.load(_place(context, builder, kind, array, me))
            axes.append((kind, array, begin, here, period))
        far = _far(context, builder, axes)
        theirs = _load(context, builder, kinds[2], args[2], begin)
        mine = builder.load(_place(context, builder, kinds[2], args[2], me))
        sees = builder.icmp_unsigned("<=", far, _smaller(builder, theirs, _spread(builder, mine)))
        own = _spread(builder, builder.trunc(builder.sub(me, begin), _WORD))
        sees = builder.and_(sees, _inside(builder, begin, end))
        sees = builder.and_(sees, builder.icmp_unsigned("!=", _IOTA, own))
        return _set_of(builder, sees)

    wide = types.uint64
    return wide(x, y, vision, wide, wide, wide, types.int64, types.int64), write


def _within(
    x: I32,
    y: I32,
    begin: int,
    end: int,
    at_x: int,
    at_y: int,
    reach: int,
    period_x: int,
    period_y: int,
) -> int:
    found = 0
    for lane in range(min(LANES, max(0, int(end) - int(begin)))):
        gap_x = abs(int(at_x) - int(x[begin + uint64(lane)]))
        gap_y = abs(int(at_y) - int(y[begin + uint64(lane)]))
        far = min(gap_x, int(period_x) - gap_x) + min(gap_y, int(period_y) - gap_y)
        found |= int(far <= int(reach)) << lane
    return uint64(found)


@spelled_out(_within)
def lanes_within(
    _: Any,
    x: Any,
    y: Any,
    begin: Any,  # noqa: ARG001
    end: Any,  # noqa: ARG001
    at_x: Any,  # noqa: ARG001
    at_y: Any,  # noqa: ARG001
    reach: Any,  # noqa: ARG001
    period_x: Any,  # noqa: ARG001
    period_y: Any,  # noqa: ARG001
) -> Any:
    """Return which of the entries from `begin` to `end` lie within reach of a place, as bits.

    Only the first `LANES` of them are looked at, and so many are read.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        begin, end, _, _, reach = args[2:7]
        far = _far(
            context,
            builder,
            [
                (
                    signature.args[axis],
                    args[axis],
                    begin,
                    builder.trunc(args[4 + axis], _WORD),
                    args[7 + axis],
                )
                for axis in (0, 1)
            ],
        )
        # A span that ends before it begins is empty.
        end = builder.select(builder.icmp_unsigned("<", end, begin), begin, end)
        near = builder.icmp_unsigned("<=", far, _spread(builder, _short(builder, reach)))
        return _set_of(builder, builder.and_(near, _inside(builder, begin, end)))

    wide, signed = types.uint64, types.int64
    return wide(x, y, wide, wide, signed, signed, wide, signed, signed), write


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


def _gather(sides: F32, who: I32, begin: int, out: F32, place: int, step: int) -> int:
    for lane in range(LANES):
        numbers = sides[who[begin + uint64(lane)]].reshape(-1)
        for number in range(len(numbers)):
            out[int(place) + number * int(step) + lane] = numbers[number]
    return 0


def _lanes_of_two(builder: Any, low: Any, high: Any, lanes: list[int]) -> Any:
    """Return some lanes of two vectors; those of the second one count on from the first one."""
    return builder.shuffle_vector(low, high, ir.Constant(ir.VectorType(_WORD, len(lanes)), lanes))


def _turned(builder: Any, quads: list[Any]) -> list[Any]:
    """Return the columns of `LANES` rows of four numbers."""
    both = [_lanes_of_two(builder, quads[k], quads[k + 4], list(range(8))) for k in range(4)]
    columns = []
    for half in (0, 2):
        lanes = [half, 8 + half, half + 1, 9 + half]
        lanes += [lane + 4 for lane in lanes]
        pairs = [_lanes_of_two(builder, both[k], both[k + 1], lanes) for k in (0, 2)]
        for odd in (0, 2):
            lanes = [odd, odd + 1, 8 + odd, 9 + odd]
            lanes += [lane + 4 for lane in lanes]
            columns.append(_lanes_of_two(builder, pairs[0], pairs[1], lanes))
    return columns


@spelled_out(_gather)
def gather_lanes(
    _: Any,
    sides: Any,
    who: Any,
    begin: Any,  # noqa: ARG001
    out: Any,
    place: Any,  # noqa: ARG001
    step: Any,  # noqa: ARG001
) -> Any:
    """Copy what `LANES` entries have, four numbers a good, one number after another.

    The entries are `who[begin:]`.  Their first numbers go to `out[place:]`, the second ones `step`
    places further, and so on.  Each good of an entry is read at once, and the table turned in
    registers.
    """

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kinds = signature.args
        sides, who, begin, out, place, step = args
        table = context.make_array(kinds[0])(context, builder, sides)
        goods = builder.extract_value(table.shape, 1)
        quad = ir.VectorType(ir.FloatType(), 4)
        data, entries = builder.bitcast(table.data, quad.as_pointer()), []
        for lane in range(LANES):
            at = _place(context, builder, kinds[1], who, builder.add(begin, _WIDE(lane)))
            entries.append(builder.mul(builder.zext(builder.load(at), _WIDE), goods))
        with cgutils.for_range(builder, goods) as loop:
            quads = [
                builder.load(builder.gep(data, [builder.add(entry, loop.index)]), align=4, typ=quad)
                for entry in entries
            ]
            first = builder.mul(loop.index, _WIDE(4))
            for number, column in enumerate(_turned(builder, quads)):
                to = builder.mul(builder.add(first, _WIDE(number)), step)
                _store(context, builder, kinds[3], out, builder.add(place, to), column)
        return _WIDE(0)

    wide = types.uint64
    return types.int64(sides, who, wide, out, wide, wide), write


def _ranked(first: int) -> Any:
    """Return how to rank half of `LANES` pairs, from a certain one on, among all of them."""

    def ranked(
        weight: F32,
        begin: int,
        many: int,
        theirs: I32,
        rows: I32,
        candidate_row: I32,
        candidate_weight: F32,
        place: int,
    ) -> int:
        total = 0
        for pair in range(first, first + LANES // 2):
            own = weight[begin + uint64(pair)] if pair < int(many) else np.float32(-1.0)
            better = _above(weight, begin, many, own)
            total += int(better)
            candidate_row.reshape(-1)[place + better] = rows[theirs[begin + uint64(pair)]]
            candidate_weight.reshape(-1)[place + better] = own
        return uint64(total)

    return ranked


def _rank_from(first: int) -> Any:
    def typing(
        _: Any,
        weight: Any,
        begin: Any,  # noqa: ARG001
        many: Any,  # noqa: ARG001
        theirs: Any,
        rows: Any,
        candidate_row: Any,
        candidate_weight: Any,
        place: Any,  # noqa: ARG001
    ) -> Any:
        def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            kinds = signature.args
            weight, begin, many, theirs, rows, candidate_row, candidate_weight, place = args
            them = _load(context, builder, kinds[0], weight, begin)
            inside = builder.icmp_unsigned("<", _IOTA, _spread(builder, _short(builder, many)))
            nothing = ir.Constant(them.type, [-1.0] * LANES)
            them = builder.select(inside, them, nothing)
            total = _WIDE(0)
            for pair in range(first, first + LANES // 2):
                own = builder.extract_element(them, _WORD(pair))
                above = builder.fcmp_ordered(">", them, _spread(builder, own))
                better = builder.ctpop(_set_of(builder, above))
                total = builder.add(total, better)
                at = builder.add(begin, _WIDE(pair))
                other = builder.load(_place(context, builder, kinds[3], theirs, at))
                row = builder.load(
                    _place(context, builder, kinds[4], rows, builder.zext(other, _WIDE))
                )
                to = builder.add(place, better)
                builder.store(row, _place(context, builder, kinds[5], candidate_row, to))
                builder.store(own, _place(context, builder, kinds[6], candidate_weight, to))
            return total

        wide = types.uint64
        given = (weight, wide, wide, theirs, rows, candidate_row, candidate_weight, wide)
        return wide(*given), write

    return typing


# Write the first or the last half of at most `LANES` pairs to places of a table, each where as many
# come before it as are heavier; return the sum of these places.  Of `many` pairs from `begin` on,
# `weight` and the entry in the index, `theirs`, are read; lanes beyond weigh -1.  A table's row
# begins at `place`; what is written of a pair is the row of the other, by `rows`, and its weight.
rank_lower = spelled_out(_ranked(0))(_rank_from(0))
rank_upper = spelled_out(_ranked(LANES // 2))(_rank_from(LANES // 2))


def _no_prefetch(*_: Any) -> int:
    return 0


@spelled_out(_no_prefetch)
def prefetch(_: Any, values: Any, index: Any) -> Any:  # noqa: ARG001
    """Ask for an entry of a table to be brought near; it may lie beyond the end."""

    def write(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        place = _place(context, builder, signature.args[0], *args)
        byte = builder.bitcast(place, _BYTE.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_BYTE.as_pointer(), _WORD, _WORD, _WORD])
        called = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0i8")
        builder.call(called, [byte, _WORD(0), _WORD(3), _WORD(1)])
        return _WIDE(0)

    return types.int64(values, types.uint64), write
