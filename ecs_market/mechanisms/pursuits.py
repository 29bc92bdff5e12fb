"""How pursuits end before their time: targets barred for a while."""

from __future__ import annotations

import numpy as np

from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import MARKET, Intent
from ecs_market.kernels.pursuit import add_bar
from ecs_market.mechanisms.batch import Batch
from ecs_market.types import Bool
from ecs_market.world import World


def bar_members(world: World, batch: Batch, posts: Bool) -> None:
    """Send the members of some posts elsewhere for one tick: they may pair in the next."""
    if not posts.any():
        return
    barred = world.agents.whole(Barred)
    intent = world.agents.whole(Intent)
    ids = world.posts.whole(Identity).id[batch.table.start : batch.table.stop]
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    chosen = posts[at]
    rows = batch.row[chosen].astype(np.int64)
    add_bar(rows, MARKET, ids[at[chosen]], world.tick + 2, barred.kind, barred.target, barred.until)
    intent.since[rows] = -1
