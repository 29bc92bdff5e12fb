"""What agents remember of prices once they are out of earshot."""

from __future__ import annotations

from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.spatial import apart
from ecs_market.types import F64, I32, I64, float64, int64


@helper
def recall(row: int, ident: int, memory_post: I64) -> int:
    """Return the slot in which an agent remembers a post, -1 without one."""
    for slot in range(memory_post.shape[1]):
        if memory_post[row, slot] == ident:
            return slot
    return -1


@helper
def remembered_since(row: int, slot: int, goods: int, price: I64, formed_at: I32) -> int:
    """Return the tick of the oldest price in a slot, -1 if it has none."""
    oldest = int64(-1)
    for k in range(slot * goods, slot * goods + goods):
        if price[row, k] > 0 and (oldest < 0 or formed_at[row, k] < oldest):
            oldest = int64(formed_at[row, k])
    return oldest


@helper
def forget(
    row: int,
    tick: int,
    expire_after: int,
    goods: int,
    post_rows: I64,
    memory_post: I64,
    memory_price: I64,
    memory_formed: I32,
) -> None:
    """Free what has expired, and the slots of posts that are gone."""
    for slot in range(memory_post.shape[1]):
        ident = memory_post[row, slot]
        if ident < 0:
            continue
        left = 0
        for k in range(slot * goods, slot * goods + goods):
            expired = tick - int64(memory_formed[row, k]) > expire_after
            if expired or ident >= post_rows.shape[0] or post_rows[ident] < 0:
                memory_price[row, k] = 0
                memory_formed[row, k] = -1
            elif memory_price[row, k] > 0:
                left += 1
        if left == 0:
            memory_post[row, slot] = -1


@helper
def room_for(
    row: int,
    ident: int,
    since: int,
    goods: int,
    memory_post: I64,
    memory_price: I64,
    memory_formed: I32,
) -> int:
    """Return the slot for a post's prices formed at `since`, -1 if all slots hold better ones.

    That is a free slot, else the one of the oldest prices, if they are older; of equally old ones
    that of the highest id goes first.
    """
    worst = int64(-1)
    worst_since = since
    worst_ident = ident
    for slot in range(memory_post.shape[1]):
        other = memory_post[row, slot]
        if other < 0:
            return slot
        formed = remembered_since(row, slot, goods, memory_price, memory_formed)
        if formed < worst_since or (formed == worst_since and other > worst_ident):
            worst = int64(slot)
            worst_since = formed
            worst_ident = other
    return worst


@kernel
def remember(
    start: int,
    stop: int,
    tick: int,
    expire_after: int,
    x: I32,
    y: I32,
    tiles_x: int,
    tile_shift: int,
    tile_start: I32,
    tile_posts: I32,
    post_rows: I64,
    post_x: I32,
    post_y: I32,
    post_id: I64,
    hearing: I32,
    heard_price: F64,
    confidence: F64,
    current_price: I64,
    formed_at: I32,
    period_x: int,
    period_y: int,
    memory_post: I64,
    memory_price: I64,
    memory_formed: I32,
) -> None:
    """Let each agent forget what has expired and write down what it hears."""
    n = current_price.shape[1]
    for row in range(start, stop):
        forget(row, tick, expire_after, n, post_rows, memory_post, memory_price, memory_formed)
        xi = int64(x[row])
        yi = int64(y[row])
        tile = (yi >> tile_shift) * tiles_x + (xi >> tile_shift)
        for entry in range(tile_start[tile], tile_start[tile + 1]):
            post = tile_posts[entry]
            distance = apart(xi, int64(post_x[post]), period_x)
            distance += apart(yi, int64(post_y[post]), period_y)
            if confidence[post] <= 0.0 or distance > hearing[post]:
                continue
            slot = recall(row, post_id[post], memory_post)
            if slot < 0:
                since = int64(tick)
                for k in range(n):
                    if heard_price[post, k] > 0.0:
                        since = min(since, int64(formed_at[post, k]))
                slot = room_for(
                    row, post_id[post], since, n, memory_post, memory_price, memory_formed
                )
                if slot < 0:
                    continue
            memory_post[row, slot] = post_id[post]
            for k in range(n):
                heard = heard_price[post, k] > 0.0
                memory_price[row, slot * n + k] = current_price[post, k] if heard else 0
                memory_formed[row, slot * n + k] = formed_at[post, k] if heard else -1


@helper
def remembered_price(
    row: int, slot: int, k: int, goods: int, price: I64, numerator: float, denominator: float
) -> float:
    """Return a price out of memory [M / unit], 0 where there is none."""
    return float64(price[row, slot * goods + k]) * numerator / denominator
