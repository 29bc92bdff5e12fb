"""Who stands at which post, in the order (post, family, id), with what clearing reads of them."""

from __future__ import annotations

import numpy as np

from ecs_market.components.intent import MARKET
from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.spatial import apart
from ecs_market.types import F32, F64, I8, I32, I64, Bool, float64, int64


@kernel
def join_posts(
    start: int,
    stop: int,
    kind: I8,
    target: I32,
    x: I32,
    y: I32,
    post_rows: I64,
    post_x: I32,
    post_y: I32,
    interaction: I32,
    due: Bool,
    at_post: I32,
    waiting: Bool,
    period_x: int,
    period_y: int,
) -> None:
    """Write the post that each agent joins: its target, if that is within reach and clears now."""
    for row in range(start, stop):
        at_post[row] = -1
        waiting[row] = False
        if kind[row] != MARKET:
            continue
        post = post_rows[target[row]]
        distance = apart(int64(x[row]), int64(post_x[post]), period_x)
        distance += apart(int64(y[row]), int64(post_y[post]), period_y)
        if distance > interaction[post]:
            continue
        if due[post]:
            at_post[row] = post
        else:
            waiting[row] = True


@kernel
def count_members(at_post: I32, family: I8, slot_of: I64, families: int, counts: I64) -> None:
    """Count the members of each (post, family) slot, kept one place on."""
    for row in range(at_post.shape[0]):
        if at_post[row] >= 0:
            slot = int64(at_post[row]) * families + slot_of[family[row]]
            counts[slot + 1] += 1


@kernel
def place_members(
    agent_rows: I64,
    at_post: I32,
    family: I8,
    slot_of: I64,
    families: int,
    next_place: I64,
    next_by_id: I64,
    rows: I32,
    ids: I64,
    by_id: I64,
) -> None:
    """Write rows and ids by (post, family), ascending ids within, and each post's members by id.

    All follow from going through the ids in order.
    """
    for ident in range(agent_rows.shape[0]):
        row = agent_rows[ident]
        if row >= 0 and at_post[row] >= 0:
            post = int64(at_post[row])
            slot = post * families + slot_of[family[row]]
            rows[next_place[slot]] = row
            ids[next_place[slot]] = ident
            by_id[next_by_id[post]] = next_place[slot]
            next_place[slot] += 1
            next_by_id[post] += 1


@kernel
def fill_members(
    start: int,
    stop: int,
    rows: I32,
    goods: I64,
    money: I64,
    parameters: F64,
    money_weight: F64,
    lot_size: float,
    minor_size: float,
    out_lots: I64,
    out_minor: I64,
    out_goods: F64,
    out_money: F64,
    out_parameters: F64,
    out_weight: F64,
) -> None:
    """Copy what the rounds of a clearing read, so that they read it in order."""
    for member in range(start, stop):
        row = rows[member]
        out_minor[member] = money[row]
        out_money[member] = float64(money[row]) * minor_size
        out_weight[member] = money_weight[row]
        for k in range(goods.shape[1]):
            out_lots[member, k] = goods[row, k]
            out_goods[member, k] = float64(goods[row, k]) * lot_size
        for p in range(parameters.shape[1]):
            out_parameters[member, p] = parameters[row, p]


@kernel
def add_holdings(
    start: int, stop: int, first: I64, lots: I64, minor: I64, post_lots: I64, post_minor: I64
) -> None:
    """Add what the members of each post own."""
    for post in range(start, stop):
        for member in range(first[post], first[post + 1]):
            post_minor[post] += minor[member]
            for k in range(lots.shape[1]):
                post_lots[post, k] += lots[member, k]


@kernel
def cut_segments(
    slot_start: I64,
    families: int,
    longest: int,
    segment_post: I32,
    segment_family: I64,
    segment_start: I64,
    segment_stop: I64,
    write: bool,
) -> int:
    """Cut each (post, family) run into segments; return their number, write them if asked."""
    found = 0
    for slot in range(slot_start.shape[0] - 1):
        place = slot_start[slot]
        while place < slot_start[slot + 1]:
            end = min(place + longest, slot_start[slot + 1])
            if write:
                segment_post[found] = slot // families
                segment_family[found] = slot % families
                segment_start[found] = place
                segment_stop[found] = end
            found += 1
            place = end
    return found


@kernel
def add_segments(segment_post: I32, active: Bool, per_segment: F64, per_post: F64) -> None:
    """Add segments to their posts, in the order of segments."""
    for segment in range(segment_post.shape[0]):
        post = segment_post[segment]
        if active[post]:
            for k in range(per_post.shape[1]):
                per_post[post, k] += per_segment[segment, k]


@helper
def nth_smallest(values: F64, size: int, n: int) -> float:
    """Return the n-th smallest (n from 0) of the first `size` values, which it rearranges.

    Hoare's selection: linear in `size` on average, whatever the order of the values.
    """
    low = int64(0)
    high = int64(size - 1)
    while low < high:
        middle = (low + high) // 2
        a = values[low]
        b = values[middle]
        c = values[high]
        pivot = max(min(a, b), min(max(a, b), c))
        i = low
        j = high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                held = values[i]
                values[i] = values[j]
                values[j] = held
                i += 1
                j -= 1
        if n <= j:
            high = j
        elif n >= i:
            low = i
        else:
            break
    return float64(values[n])


@kernel
def median_rates(start: int, stop: int, first: I64, rows: I32, rate: F32, median: F64) -> None:
    """Write the median of the members' rates, a post and good each; item = post x goods + good.

    The mean of the middle two where their number is even; nothing for posts without members.
    """
    goods = rate.shape[1]
    scratch = np.empty(0)
    for item in range(start, stop):
        post = item // goods
        k = item % goods
        size = first[post + 1] - first[post]
        if size == 0:
            continue
        if scratch.shape[0] < size:
            scratch = np.empty(size)
        for i in range(size):
            scratch[i] = rate[rows[first[post] + i], k]
        upper = nth_smallest(scratch, size, size // 2)
        lower = upper
        if size % 2 == 0:
            lower = scratch[0]
            for i in range(1, size // 2):
                lower = max(lower, scratch[i])
        median[post, k] = 0.5 * (lower + upper)
