"""How a pursuit ends: on a fill, or barred after waiting in vain within reach."""

from __future__ import annotations

from ecs_market.components.intent import IDLE, MARKET, PARTNER
from ecs_market.kernels.jit import helper, inlined, kernel
from ecs_market.kernels.spatial import apart
from ecs_market.types import I8, I32, I64, Bool, int64, uint64


@helper
def bar(row: int, kind: int, target: int, until: int, kinds: I8, targets: I32, untils: I32) -> None:
    """Write a bar to the slot that is free first; it never shortens one that lasts longer."""
    slot = 0
    for other in range(1, kinds.shape[1]):
        if untils[row, other] < untils[row, slot]:
            slot = other
    if untils[row, slot] >= until:
        return
    kinds[row, slot] = kind
    targets[row, slot] = target
    untils[row, slot] = until


@inlined
def leaves_alone(
    row: int, ident: int, tick: int, pursued: int, kind: I8, target: I32, until: I32
) -> bool:
    """Return whether an agent leaves a target of the kind `pursued` alone for now."""
    found = False
    for slot in range(uint64(kind.shape[1])):
        bars = (until[row, slot] > tick) & (kind[row, slot] == pursued)
        found |= bars & (target[row, slot] == ident)
    return found


@kernel
def send_away(
    rows: I64,
    post: I64,
    tick: int,
    patience: int,
    cooldown: int,
    failed_at: I32,
    failures: I32,
    kinds: I8,
    targets: I32,
    untils: I32,
    since: I32,
) -> None:
    """End the pursuits of members whose post failed, so that they may pair in the next tick.

    The post is barred for that tick, and after `patience` failures in a row for `cooldown` ticks.
    """
    for place in range(rows.shape[0]):
        row = rows[place]
        if failed_at[row] != post[place]:
            failed_at[row] = post[place]
            failures[row] = 0
        failures[row] += 1
        until = tick + 2
        if failures[row] >= patience:
            failures[row] = 0
            until = max(until, tick + 1 + cooldown)
        bar(row, MARKET, post[place], until, kinds, targets, untils)
        since[row] = -1


@kernel
def conclude_pursuits(
    start: int,
    stop: int,
    tick: int,
    patience: int,
    cooldown: int,
    filled: Bool,
    waiting: Bool,
    x: I32,
    y: I32,
    interaction: I32,
    agent_rows: I64,
    post_rows: I64,
    post_x: I32,
    post_y: I32,
    post_interaction: I32,
    patch_x: I32,
    patch_y: I32,
    kind: I8,
    target: I32,
    since: I32,
    waited: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    period_x: int,
    period_y: int,
) -> bool:
    """End pursuits that were filled; count the ticks within reach of those that were not.

    After `patience` of them the target is barred for `cooldown` ticks.  Returns whether any was.
    """
    bars = False
    for row in range(start, stop):
        if kind[row] == IDLE or since[row] < 0:
            continue
        if filled[row]:
            since[row] = -1
            waited[row] = 0
            continue
        if waiting[row]:
            continue
        reach = int64(0)
        if kind[row] == MARKET:
            post = post_rows[target[row]]
            to_x = int64(post_x[post])
            to_y = int64(post_y[post])
            reach = int64(post_interaction[post])
        elif kind[row] == PARTNER:
            other = agent_rows[target[row]]
            to_x = int64(x[other])
            to_y = int64(y[other])
            reach = min(int64(interaction[row]), int64(interaction[other]))
        else:
            to_x = int64(patch_x[target[row]])
            to_y = int64(patch_y[target[row]])
        distance = apart(to_x, int64(x[row]), period_x) + apart(to_y, int64(y[row]), period_y)
        if distance > reach:
            continue
        waited[row] += 1
        if waited[row] >= patience:
            bar(
                row,
                int64(kind[row]),
                target[row],
                tick + 1 + cooldown,
                barred_kind,
                barred_target,
                barred_until,
            )
            bars = True
            since[row] = -1
            waited[row] = 0
    return bars
