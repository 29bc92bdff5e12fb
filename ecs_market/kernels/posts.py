"""Which tiles a post's visibility or broadcast reaches."""

from __future__ import annotations

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.spatial import TILE_SHIFT
from ecs_market.types import I32, I64, int64

SIDE = 1 << TILE_SHIFT


@kernel
def cover_tiles(
    post_rows: I64,
    x: I32,
    y: I32,
    reach: I32,
    tiles_x: int,
    tiles_y: int,
    next_place: I32,
    write: bool,
    tile_posts: I32,
) -> None:
    """Count, or write, the posts that reach into each tile, in the order given.

    Counts are kept one place on (`next_place[tile + 1]`); writing advances `next_place[tile]`.
    """
    for entry in range(post_rows.shape[0]):
        post = post_rows[entry]
        px = int64(x[post])
        py = int64(y[post])
        far = int64(reach[post])
        bottom = min(tiles_y - 1, (py + far) >> TILE_SHIFT)
        right = min(tiles_x - 1, (px + far) >> TILE_SHIFT)
        for tile_y in range(max(0, py - far) >> TILE_SHIFT, bottom + 1):
            for tile_x in range(max(0, px - far) >> TILE_SHIFT, right + 1):
                left = tile_x * SIDE
                top = tile_y * SIDE
                gap_x = max(0, max(left - px, px - left - SIDE + 1))
                gap_y = max(0, max(top - py, py - top - SIDE + 1))
                if gap_x + gap_y > far:
                    continue
                tile = tile_y * tiles_x + tile_x
                if write:
                    tile_posts[next_place[tile]] = post
                    next_place[tile] += 1
                else:
                    next_place[tile + 1] += 1
