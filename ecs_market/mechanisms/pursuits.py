"""Bars: who leaves what alone, and how members of a market that failed come to go elsewhere."""

from __future__ import annotations

import numpy as np

from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.kernels.pursuit import send_away
from ecs_market.mechanisms.batch import Batch
from ecs_market.types import I8, I32, Bool
from ecs_market.world import World

# What kernels are given where nobody leaves anything alone: no slots to look through.
NO_BARS = np.empty((0, 0), np.int8), np.empty((0, 0), np.int32), np.empty((0, 0), np.int32)


def bars_in_force(world: World) -> tuple[I8, I32, I32]:
    """Return kinds, targets and ends of what agents leave alone; nothing if no bar holds now."""
    if world.barred_until <= world.tick:
        return NO_BARS
    barred = world.agents.whole(Barred)
    return barred.kind, barred.target, barred.until


def bar_members(world: World, batch: Batch, posts: Bool) -> None:
    """Send the members of some posts elsewhere for a tick: they may pair in the next.

    Patience counts here as it does for waiting: after `patience_ticks` failures of the same post
    in a row it is barred for `trade_cooldown_ticks`.
    """
    if not posts.any():
        return
    barred = world.agents.whole(Barred)
    ids = world.posts.whole(Identity).id[batch.table.start : batch.table.stop]
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    chosen = posts[at]
    world.barred_until = max(
        world.barred_until, world.tick + 2, world.tick + 1 + world.settings.trade_cooldown_ticks
    )
    send_away(
        batch.row[chosen].astype(np.int64),
        ids[at[chosen]],
        world.tick,
        world.settings.patience_ticks,
        world.settings.trade_cooldown_ticks,
        barred.failed_at,
        barred.failures,
        barred.kind,
        barred.target,
        barred.until,
        world.agents.whole(Intent).since,
    )


def forgive(world: World, batch: Batch) -> None:
    """Forget the failures of those who have traded."""
    failures = world.agents.whole(Barred).failures
    if failures.any():
        failures[batch.row[world.scratch.filled[batch.row]]] = 0
