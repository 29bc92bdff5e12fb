"""Who sees whom: the neighbourhoods of the index of traders, looked at several entries at a time.

There is no branch on who is in sight, which could not be foreseen.
"""

from __future__ import annotations

from ecs_market.kernels.jit import inlined
from ecs_market.kernels.lanes import LANES, LANES_OF, append_lanes, lanes_seen
from ecs_market.kernels.spatial import tile_spans
from ecs_market.types import I32, int64, uint64


@inlined
def neighbourhood(
    i: int,
    tile_start: I32,
    tiles_x: int,
    tiles_y: int,
    column_shift: int,
    strip_shift: int,
    x: I32,
    y: I32,
    vision: I32,
    period_x: int,
    period_y: int,
    runs: I32,
) -> tuple[int, int]:
    """Write the runs of entries that a trader's sight touches; return how many, and their length.

    `runs` is int32 (2, r): where each starts and stops.
    """
    sight = int64(vision[i])
    left, right, left_2, right_2 = tile_spans(int64(x[i]), sight, tiles_x, period_x, column_shift)
    top, bottom, top_2, bottom_2 = tile_spans(int64(y[i]), sight, tiles_y, period_y, strip_shift)
    found = int64(0)
    entries = int64(0)
    for part in range(4):
        second = part & 1 == 1
        west = left_2 if second else left
        east = right_2 if second else right
        low = top if part < 2 else top_2
        high = bottom if part < 2 else bottom_2
        if east < west:
            continue
        for tile_y in range(low, high + 1):
            first = int64(tile_start[tile_y * tiles_x + west])
            last = int64(tile_start[tile_y * tiles_x + east + 1])
            runs[0, found] = first
            runs[1, found] = last
            found += 1
            entries += last - first
    return found, entries


@inlined
def pairs_in_sight(
    i: int,
    found: int,
    runs: I32,
    x: I32,
    y: I32,
    vision: I32,
    period_x: int,
    period_y: int,
    pairs: int,
    mine: I32,
    theirs: I32,
) -> int:
    """Append all that see trader `i` and are seen by it to the pairs; return their new number.

    What is written behind them, up to `LANES` places, means nothing.
    """
    me = uint64(i)
    place = uint64(pairs)
    for run in range(uint64(found)):
        begin = uint64(runs[0, run])
        end = uint64(runs[1, run])
        while begin < end:
            seen = lanes_seen(x, y, vision, begin, end, me, period_x, period_y)
            place = append_lanes(seen, begin, me, place, mine, theirs, LANES_OF)
            begin += uint64(LANES)
    return int64(place)
