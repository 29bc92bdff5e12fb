"""How far a clearing gave what was promised and wished for."""

from __future__ import annotations

import numpy as np

from ecs_market.components.reputation import Reputation
from ecs_market.mechanisms.settlement import Clearing
from ecs_market.types import F32, F64, I64
from ecs_market.world import World


def observed(clearing: Clearing, promise: F32) -> tuple[F64, F64]:
    """Return realised over promised gain, and the rate at which wishes were filled, a post each.

    The gain is that of members who were promised something: `min_value` at least.

    Parameters
    ----------
    clearing
        What a mechanism did.
    promise
        (rows,): what each agent would gain at the prices that it knew of its post [M].

    Returns
    -------
    tuple of ndarray
        float64 (posts,) from 0 to 1; NaN where nothing was promised, or wished for.
    """
    batch, settled = clearing.batch, clearing.settled
    minor_size = batch.world.settings.minor_size
    bound = float(2**61 // max(1, batch.size))
    expected = np.rint(promise[batch.row].astype(np.float64) / minor_size)
    counted = (promise[batch.row] >= batch.world.settings.min_value) & (expected > 0.0)
    expected = np.where(counted, np.minimum(expected, bound), 0.0)
    promised = _per_post(batch.first, expected.astype(np.int64))
    realised = _per_post(batch.first, np.where(counted, np.maximum(settled.gain, 0), 0))
    wished = np.abs(settled.desired)
    got = np.minimum(np.abs(settled.filled), wished)
    return (
        _share(realised, promised),
        _share(_per_post(batch.first, got.sum(axis=1)), _per_post(batch.first, wished.sum(axis=1))),
    )


def standing(world: World) -> F64:
    """Return the factor by which agents value each post, float64 (rows of posts,)."""
    if world.settings.reputation_weight <= 0.0:
        return np.ones(world.posts.capacity)
    reputation = world.posts.whole(Reputation)
    lower: F64 = np.minimum(reputation.gain, reputation.fill)
    return lower


def _per_post(first: I64, amounts: I64) -> I64:
    total = np.zeros(len(amounts) + 1, np.int64)
    np.cumsum(amounts, out=total[1:])
    per_post: I64 = total[first[1:]] - total[first[:-1]]
    return per_post


def _share(part: I64, whole: I64) -> F64:
    """Return the ratio, at most 1, NaN where there is nothing to divide by."""
    ratio = np.minimum(part, whole) / np.maximum(whole, 1)
    return np.where(whole > 0, ratio, np.nan)
