"""Finding the price vector at which a post clears: tatonnement, then Newton's method.

All posts of a mechanism go through the rounds together; a post drops out once it has cleared.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.kernels import tatonnement
from ecs_market.mechanisms.batch import Batch, Excess
from ecs_market.types import F64, I8, I32, Bool

NEWTON_ROUNDS = 30
HALVINGS = 8
# After so many turns of sign, jumping demand of several goods is solved another way.
RESTLESS = 4
# Smoothed demand is followed down to this; the solution is then this near to the true one.
SMOOTHINGS = (0.25, 0.06, 0.015, 0.004, 0.001, 0.00025)
NEAR_SMOOTHED = 0.01
NEAR_START = 0.1
# Relative step of finite differences: excess demand is known to about 1e-13.
SHIFT = 1e-6


@dataclass(slots=True)
class Solution:
    """How the search for prices went, a value a post.

    Attributes
    ----------
    price
        float64 (posts, K), unrounded [M / unit].
    zeta, residual
        float64 (posts, K): relative excess demand, and over gross trade.
    iterations
        int32 (posts,): price vectors tried.
    converged, newton
        bool (posts,): whether it cleared, and whether Newton's method was called in.
    status
        int8 (posts,), index into `market_post.STATUSES`.
    start
        float64 (posts, K), the prices it began from [M / unit].
    excess
        Demand at the last prices tried.
    flips, moved
        int32 and float64 (posts, K): turns of sign, and the last move of tatonnement [M / unit].
    """

    price: F64
    zeta: F64
    residual: F64
    iterations: I32
    converged: Bool
    newton: Bool
    status: I8
    start: F64
    excess: Excess
    flips: I32
    moved: F64


@dataclass(slots=True)
class Rules:
    """What the auctioneer is told, a value a post: arrays (posts,)."""

    speed: F64
    tolerance: F64
    max_iterations: I32
    newton: Bool


def solve(batch: Batch, start: F64, rules: Rules) -> Solution:
    """Search for clearing prices at every active post, beginning from `start` (posts, K)."""
    shape = start.shape
    found = Solution(
        price=start.copy(),
        zeta=np.zeros(shape),
        residual=np.zeros(shape),
        iterations=np.zeros(shape[0], np.int32),
        converged=np.zeros(shape[0], np.bool_),
        newton=np.zeros(shape[0], np.bool_),
        status=np.zeros(shape[0], np.int8),
        start=start,
        excess=Excess(*(np.zeros(shape) for _ in range(4))),
        flips=np.zeros(shape, np.int32),
        moved=np.zeros(shape),
    )
    tradable = batch.commodities.sum(axis=1) - (batch.numeraire >= 0)
    kinked = batch.active & batch.kinked() & (tradable > 1)
    _try_kinks(batch, rules, found, kinked, NEAR_START)
    _tatonnement(batch, rules, found, tradable == 1, kinked)
    late = batch.active & ~found.converged & rules.newton
    if (late & kinked).any():
        _follow_smoothed(batch, rules, found, late & kinked)
    late &= ~found.converged
    if late.any():
        found.newton |= late
        _newton(batch, rules, found, late)
    least, most = _bounds(batch)
    tatonnement.verdicts(
        batch.active,
        found.converged,
        kinked,
        batch.commodities,
        batch.numeraire,
        found.excess.low,
        found.excess.high,
        found.zeta,
        found.price,
        found.flips,
        found.moved,
        least,
        most,
        found.status,
    )
    return found


def _bounds(batch: Batch) -> tuple[float, float]:
    step = batch.world.settings.step_size
    return step, step * batch.world.most_steps()


def _evaluate(
    batch: Batch, rules: Rules, found: Solution, running: Bool, smoothing: float = 0.0
) -> Bool:
    """Ask the members of running posts for their demand; return which posts have cleared."""
    fresh = batch.excess(found.price, running, smoothing)
    for name in ("low", "high", "bought", "sold"):
        getattr(found.excess, name)[running] = getattr(fresh, name)[running]
    done = np.zeros(batch.posts, np.bool_)
    tatonnement.judge(
        running,
        batch.commodities,
        batch.numeraire,
        batch.endowment,
        found.excess.low,
        found.excess.high,
        found.excess.bought,
        found.excess.sold,
        rules.tolerance,
        batch.floor,
        found.zeta,
        found.residual,
        done,
    )
    found.iterations[running] += 1
    return done


def _try_kinks(batch: Batch, rules: Rules, found: Solution, running: Bool, width: float) -> None:
    """Move each price to the indifference price nearest to it, if that clears the post.

    `width` is how far away, relative to the price, such a price may be.
    """
    if not running.any():
        return
    before = found.price.copy()
    wanted = batch.commodities & running[:, np.newaxis]
    kink = batch.nearest_kinks(wanted, before * (1.0 - width), before * (1.0 + width))
    found.price = np.where(kink > 0.0, kink, before)
    trying = running & (kink > 0.0).any(axis=1)
    done = _evaluate(batch, rules, found, trying)
    found.converged |= trying & done
    missed = ~found.converged
    found.price[missed] = before[missed]


def _tatonnement(batch: Batch, rules: Rules, found: Solution, one_good: Bool, kinked: Bool) -> None:
    """Move every price by the sign and size of its excess demand until all posts clear.

    Where several goods have jumping demand the signs can turn for ever; such posts leave early.
    """
    shape = found.price.shape
    gain = np.repeat(rules.speed[:, np.newaxis], shape[1], axis=1)
    sign = np.zeros(shape, np.int8)
    lower, upper = np.zeros(shape), np.zeros(shape)
    lower_zeta, upper_zeta = np.zeros(shape), np.zeros(shape)
    bracketed = np.zeros(shape, np.bool_)
    least, most = _bounds(batch)
    running = batch.active & ~found.converged
    while running.any():
        done = _evaluate(batch, rules, found, running)
        found.converged |= running & done
        restless = kinked & rules.newton & (found.flips.max(axis=1) >= RESTLESS)
        running &= ~done & ~restless & (found.iterations < rules.max_iterations)
        tatonnement.update_brackets(
            running,
            batch.commodities,
            found.price,
            found.zeta,
            lower,
            upper,
            lower_zeta,
            upper_zeta,
            bracketed,
        )
        kink = batch.nearest_kinks(bracketed, lower, upper)
        tatonnement.advance(
            running,
            batch.commodities,
            batch.numeraire,
            one_good,
            found.zeta,
            kink,
            bracketed,
            lower,
            upper,
            lower_zeta,
            upper_zeta,
            least,
            most,
            gain,
            sign,
            found.flips,
            found.moved,
            found.price,
        )


def _follow_smoothed(batch: Batch, rules: Rules, found: Solution, running: Bool) -> None:
    """Solve with jumps made gradual, ever less so, and try the indifference prices it ends near."""
    found.newton |= running
    found.price[running] = found.start[running]
    for smoothing in SMOOTHINGS:
        _newton(batch, rules, found, running, smoothing)
    _try_kinks(batch, rules, found, running, NEAR_SMOOTHED)
    left = running & ~found.converged
    _evaluate(batch, rules, found, left)


def _newton(
    batch: Batch, rules: Rules, found: Solution, late: Bool, smoothing: float = 0.0
) -> None:
    """Damped Newton on log prices, derivatives by finite differences of the same sums.

    A smoothed solution is a step on the way: it does not count as converged.
    """
    goods = found.price.shape[1]
    least, most = _bounds(batch)
    cleared = late & _evaluate(batch, rules, found, late, smoothing)
    if smoothing == 0.0:
        found.converged |= cleared
    running = late & ~cleared
    for _ in range(NEWTON_ROUNDS):
        if not running.any():
            return
        free = batch.commodities & (found.zeta != 0.0)
        base, zeta = found.price.copy(), tatonnement.log_ratio(found.zeta)
        merit = (zeta**2).sum(axis=1)
        shifted = np.zeros((goods, *zeta.shape))
        for k in range(goods):
            found.price = base.copy()
            found.price[:, k] *= 1.0 + SHIFT
            _evaluate(batch, rules, found, running & free[:, k], smoothing)
            shifted[k] = np.where(free[:, k, np.newaxis], tatonnement.log_ratio(found.zeta), zeta)
        direction = np.zeros(zeta.shape)
        tatonnement.newton_direction(running, free, zeta, shifted, SHIFT, direction)
        share = np.ones(batch.posts)
        trying, improved = running.copy(), np.zeros(batch.posts, np.bool_)
        cleared = np.zeros(batch.posts, np.bool_)
        for _ in range(HALVINGS):
            found.price = np.where(improved[:, np.newaxis], found.price, base)
            tatonnement.step_prices(trying, free, direction, share, least, most, base, found.price)
            done = _evaluate(batch, rules, found, trying, smoothing)
            better = trying & (
                done | ((tatonnement.log_ratio(found.zeta) ** 2).sum(axis=1) < merit)
            )
            cleared |= better & done
            improved |= better
            trying &= ~better
            share[trying] *= 0.5
            if not trying.any():
                break
        if smoothing == 0.0:
            found.converged |= cleared
        stuck = running & ~improved
        found.price[stuck] = base[stuck]
        _evaluate(batch, rules, found, stuck, smoothing)
        running &= improved & ~cleared
