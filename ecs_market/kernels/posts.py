"""Which tiles a post's visibility or broadcast reaches."""

from __future__ import annotations

from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.spatial import tile_spans
from ecs_market.settings import OPEN
from ecs_market.types import I32, I64, int64


@helper
def tile_gap(at: int, tile: int, period: int, shift: int) -> int:
    """Return how far a place on an axis is from the nearest cell of a tile, 2**shift long."""
    first = tile << shift
    last = first + (1 << shift) - 1
    gap = max(0, max(first - at, at - last))
    if period < OPEN:
        gap = min(gap, first - (at - period), at + period - min(last, period - 1))
    return gap


@kernel
def cover_tiles(
    post_rows: I64,
    x: I32,
    y: I32,
    reach: I32,
    tiles_x: int,
    tiles_y: int,
    shift: int,
    next_place: I32,
    write: bool,
    tile_posts: I32,
    period_x: int,
    period_y: int,
) -> None:
    """Count, or write, the posts that reach into each tile, in the order given.

    Counts are kept one place on (`next_place[tile + 1]`); writing advances `next_place[tile]`.
    """
    for entry in range(post_rows.shape[0]):
        post = post_rows[entry]
        px = int64(x[post])
        py = int64(y[post])
        far = int64(reach[post])
        left, right, left_2, right_2 = tile_spans(px, far, tiles_x, period_x, shift)
        top, bottom, top_2, bottom_2 = tile_spans(py, far, tiles_y, period_y, shift)
        across = right - left + 1
        down = bottom - top + 1
        for step_y in range(down + bottom_2 - top_2 + 1):
            tile_y = top + step_y if step_y < down else top_2 + step_y - down
            gap_y = tile_gap(py, tile_y, period_y, shift)
            for step_x in range(across + right_2 - left_2 + 1):
                tile_x = left + step_x if step_x < across else left_2 + step_x - across
                if tile_gap(px, tile_x, period_x, shift) + gap_y > far:
                    continue
                tile = tile_y * tiles_x + tile_x
                if write:
                    tile_posts[next_place[tile]] = post
                    next_place[tile] += 1
                else:
                    next_place[tile + 1] += 1
