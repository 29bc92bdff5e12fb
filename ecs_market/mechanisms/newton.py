"""Newton's method on log prices, and the path of smoothed demand to where members are indifferent.

The derivatives are finite differences of the same sums of demand.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels import tatonnement
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.search import Rules, Solution, bounds, evaluate
from ecs_market.mechanisms.ties import nearly_tied, place
from ecs_market.types import F64, I64, Bool

NEWTON_ROUNDS = 30
HALVINGS = 8
# Smoothed demand is followed down to the last of these.  Its solution depends linearly on them in
# the end, so that the limit is known well enough to tell by these gaps who is indifferent there.
SMOOTHINGS = (0.25, 0.1, 0.04, 0.015, 0.005, 0.0015, 0.0005, 0.00015, 0.00005, 0.000015)
GAPS = (1e-7, 1e-6, 3e-6, 1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 1e-2)
# Relative step of finite differences: excess demand is known to about 1e-13.
SHIFT = 1e-6


def newton(
    batch: Batch,
    rules: Rules,
    found: Solution,
    late: Bool,
    smoothing: float = 0.0,
    group: I64 | None = None,
) -> Bool:
    """Solve by damped Newton at the posts `late` (posts,); return where that cleared.

    `smoothing` and `group` are those of `search.evaluate`; such a solution is a step on the way.
    """
    cleared = late & evaluate(batch, rules, found, late, smoothing, group)
    running = late & ~cleared
    for _ in range(NEWTON_ROUNDS):
        if not running.any():
            break
        base = found.price.copy()
        direction, free, merit = _direction(batch, rules, found, running, smoothing, group)
        improved, done = _line_search(
            batch, rules, found, running, (direction, free, merit, base), smoothing, group
        )
        cleared |= done
        stuck = running & ~improved
        if stuck.any():
            found.price[stuck] = base[stuck]
            evaluate(batch, rules, found, stuck, smoothing, group)
        running &= improved & ~done
    return cleared


def _direction(
    batch: Batch,
    rules: Rules,
    found: Solution,
    running: Bool,
    smoothing: float,
    group: I64 | None,
) -> tuple[F64, Bool, F64]:
    """Return the step in log prices, which goods it moves, and the size of what is to be zero."""
    base, zeta = found.price.copy(), tatonnement.log_ratio(found.zeta)
    free = batch.commodities & (found.zeta != 0.0)
    goods = zeta.shape[1]
    # Well within the width over which smoothed demand changes.
    shift = min(SHIFT, 1e-3 * smoothing) if smoothing > 0.0 else SHIFT
    shifted = np.zeros((goods, *zeta.shape))
    for k in range(goods):
        asked = running & free[:, k]
        if not asked.any():
            continue
        together = np.zeros(zeta.shape, np.bool_)
        if group is None:
            together[:, k] = True
        else:
            together = group == k
        found.price = np.where(together, base * (1.0 + shift), base)
        evaluate(batch, rules, found, asked, smoothing, group)
        shifted[k] = np.where(asked[:, np.newaxis], tatonnement.log_ratio(found.zeta), zeta)
    found.price = base
    direction = np.zeros(zeta.shape)
    tatonnement.newton_direction(running, free, zeta, shifted, shift, direction)
    merit: F64 = (zeta**2).sum(axis=1)
    if group is not None:
        direction = np.take_along_axis(direction, np.maximum(group, 0), axis=1)
        direction[group < 0] = 0.0
        free = np.take_along_axis(free, np.maximum(group, 0), axis=1) & (group >= 0)
    return direction, free, merit


def _line_search(
    batch: Batch,
    rules: Rules,
    found: Solution,
    running: Bool,
    step: tuple[F64, Bool, F64, F64],
    smoothing: float,
    group: I64 | None,
) -> tuple[Bool, Bool]:
    """Halve the step until it improves; return where it did, and where the post has cleared."""
    direction, free, merit, base = step
    least, most = bounds(batch)
    share = np.ones(batch.posts)
    trying, improved = running.copy(), np.zeros(batch.posts, np.bool_)
    cleared = np.zeros(batch.posts, np.bool_)
    for _ in range(HALVINGS):
        found.price = np.where(improved[:, np.newaxis], found.price, base)
        tatonnement.step_prices(trying, free, direction, share, least, most, base, found.price)
        done = evaluate(batch, rules, found, trying, smoothing, group)
        better = trying & (done | ((tatonnement.log_ratio(found.zeta) ** 2).sum(axis=1) < merit))
        cleared |= better & done
        improved |= better
        trying &= ~better
        share[trying] *= 0.5
        if not trying.any():
            break
    return improved, cleared


def follow_smoothed(batch: Batch, rules: Rules, found: Solution, running: Bool) -> None:
    """Solve with jumps made gradual, ever less so, and make exact where that leads."""
    found.price[running] = found.start[running]
    last = np.ones((2, *found.price.shape))
    width = np.zeros((2, batch.posts))
    ahead = np.zeros(found.price.shape)
    for smoothing in SMOOTHINGS:
        known = running & (width[0] > 0.0)
        tatonnement.point_ahead(known, last[0], last[1], width[0], width[1], smoothing, ahead)
        found.price[known] = ahead[known]
        solved = running & newton(batch, rules, found, running, smoothing)
        last[0, solved], last[1, solved] = last[1, solved], found.price[solved]
        width[0, solved], width[1, solved] = width[1, solved], smoothing
    limit = found.price.copy()
    known = running & (width[1] > 0.0)
    limit[known] = last[1, known]
    known &= width[0] > 0.0
    tatonnement.point_ahead(known, last[0], last[1], width[0], width[1], 0.0, limit)
    for gap in GAPS:
        left = running & ~found.converged
        if left.any():
            _make_exact(batch, rules, found, left, limit, gap)


def _make_exact(
    batch: Batch, rules: Rules, found: Solution, running: Bool, limit: F64, gap: float
) -> None:
    """Tie prices by the values of those who are nearly indifferent, and solve for the rest.

    Goods that are tied to one another move together, by Newton's method on their joint value.
    """
    before = found.price.copy()
    found.price[running] = limit[running]
    group = nearly_tied(batch, found.price, running, gap)
    solved = running & newton(batch, rules, found, running, group=group)
    place_ties(batch, rules, found, solved)
    found.tied |= solved & found.converged
    missed = running & ~found.converged
    found.price[missed] = before[missed]


def place_ties(batch: Batch, rules: Rules, found: Solution, asked: Bool) -> None:
    """Mark the posts as cleared whose indifferent members can take up what the others leave."""
    if not asked.any():
        return
    holdings, indifferent = batch.desired(found.price, found.price, asked)
    placed = place(batch, found.price, found.price, asked, holdings, indifferent, write=False)
    least = batch.floor * np.where(batch.commodities, found.price, 0.0).max(axis=1)
    found.converged |= asked & ~placed.short(rules.tolerance, least)
    gross = np.maximum(placed.gross, least)
    share = np.minimum(1.0, placed.unplaced / gross)[:, np.newaxis]
    found.residual = np.where(asked[:, np.newaxis] & batch.commodities, share, found.residual)
