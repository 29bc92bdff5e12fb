"""The last attempt at prices: least squares in log prices, the numeraire's market among them.

Goods alone can seem to clear where prices run away, since at huge prices little is traded; there
the market of the numeraire is as far from clearing as can be, so that such prices do not attract.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels import descent, tatonnement
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.search import Rules, Solution, bounds, evaluate
from ecs_market.types import F64, Bool

ROUNDS = 60
TRIALS = 8
# Damping at first, and what a step that helps or does not multiplies it by.
FIRST, EASIER, HARDER = 1e-3, 0.1, 8.0
LEAST_DAMPING = 1e-9
# Relative step of finite differences: excess demand is known to about 1e-13.
SHIFT = 1e-6


def descend(batch: Batch, rules: Rules, found: Solution, late: Bool) -> Bool:
    """Search at the posts `late` (posts,) from the prices there; return where that cleared.

    A step is taken only if the sum of squares falls; if it does not, a shorter one is tried
    (Levenberg 1944, Marquardt 1963).
    """
    cleared = late & evaluate(batch, rules, found, late)
    running = late & ~cleared
    damping = np.full(batch.posts, FIRST)
    for _ in range(ROUNDS):
        if not running.any():
            break
        rest = _rest(found)
        slope = _slopes(batch, rules, found, running, rest)
        improved, done = _try_steps(batch, rules, found, running, (rest, slope, damping))
        cleared |= done
        running &= improved & ~done
    return cleared


def _rest(found: Solution) -> F64:
    """Return logs of demand over supply, float64 (posts, K + 1), the numeraire's last."""
    return tatonnement.log_ratio(np.column_stack([found.zeta, found.level]))


def _movable(batch: Batch) -> Bool:
    movable = batch.commodities.copy()
    counted = np.flatnonzero(batch.numeraire >= 0)
    movable[counted, batch.numeraire[counted]] = False
    return movable


def _slopes(batch: Batch, rules: Rules, found: Solution, running: Bool, rest: F64) -> F64:
    """Return how `rest` changes with each log price, float64 (K, posts, K + 1)."""
    base, zeta, level = found.price.copy(), found.zeta.copy(), found.level.copy()
    movable = _movable(batch)
    slope = np.zeros((base.shape[1], *rest.shape))
    for k in range(base.shape[1]):
        asked = running & movable[:, k]
        if not asked.any():
            continue
        found.price[:, k] = base[:, k] * (1.0 + SHIFT)
        evaluate(batch, rules, found, asked)
        slope[k, asked] = (_rest(found)[asked] - rest[asked]) / SHIFT
        found.price[:, k] = base[:, k]
    found.zeta, found.level = zeta, level
    return slope


def _try_steps(
    batch: Batch, rules: Rules, found: Solution, running: Bool, around: tuple[F64, F64, F64]
) -> tuple[Bool, Bool]:
    """Damp the step until it improves; return where it did, and where the post has cleared."""
    rest, slope, damping = around
    least, most = bounds(batch)
    base, movable = found.price.copy(), _movable(batch)
    merit = (rest**2).sum(axis=1)
    direction, whole = np.zeros(base.shape), np.ones(batch.posts)
    trying, cleared = running.copy(), np.zeros(batch.posts, np.bool_)
    for _ in range(TRIALS):
        descent.damped_direction(trying, movable, rest, slope, damping, direction)
        tatonnement.step_prices(trying, movable, direction, whole, least, most, base, found.price)
        done = evaluate(batch, rules, found, trying)
        better = trying & (done | ((_rest(found) ** 2).sum(axis=1) < merit))
        cleared |= better & done
        trying &= ~better
        damping[better] = np.maximum(LEAST_DAMPING, EASIER * damping[better])
        damping[trying] *= HARDER
        if not trying.any():
            break
    if trying.any():
        found.price[trying] = base[trying]
        evaluate(batch, rules, found, trying)
    improved: Bool = running & ~trying
    return improved, cleared
