"""A search for clearing prices: what is known of it, and asking members for their demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.kernels import attendance, tatonnement, ties
from ecs_market.mechanisms.batch import Batch, Excess
from ecs_market.types import F64, I8, I32, I64, Bool

# Solutions of smoothed demand are extrapolated, and must be better than the last one.
SMOOTH_TOLERANCE = 1e-9


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
    tied
        bool (posts,): whether members are indifferent between several goods.
    status
        int8 (posts,), index into `market_post.STATUSES`.
    start
        float64 (posts, K), the prices it began from [M / unit].
    excess
        Demand at the last prices tried.
    level
        float64 (posts,): relative excess demand for the numeraire.
    spare
        bool (posts,): cleared but for goods in excess supply at the least price, which are free.
    flips, moved
        int32 and float64 (posts, K): turns of sign, and the last move of tatonnement [M / unit].
    """

    price: F64
    zeta: F64
    residual: F64
    iterations: I32
    converged: Bool
    newton: Bool
    tied: Bool
    status: I8
    start: F64
    excess: Excess
    level: F64
    spare: Bool
    flips: I32
    moved: F64

    @classmethod
    def starting_at(cls, start: F64) -> Solution:
        """Return a search that has not begun; `start` is (posts, K) [M / unit]."""
        shape, posts = start.shape, start.shape[0]
        return cls(
            price=start.copy(),
            zeta=np.zeros(shape),
            residual=np.zeros(shape),
            iterations=np.zeros(posts, np.int32),
            converged=np.zeros(posts, np.bool_),
            newton=np.zeros(posts, np.bool_),
            tied=np.zeros(posts, np.bool_),
            status=np.zeros(posts, np.int8),
            start=start,
            excess=Excess.nothing(shape, np.zeros(posts)),
            level=np.zeros(posts),
            spare=np.zeros(posts, np.bool_),
            flips=np.zeros(shape, np.int32),
            moved=np.zeros(shape),
        )


@dataclass(slots=True)
class Rules:
    """What the auctioneer is told, a value a post: arrays (posts,).

    `newton` is whether Newton's method is the first remedy.
    """

    speed: F64
    tolerance: F64
    max_iterations: I32
    newton: Bool


def bounds(batch: Batch) -> tuple[float, F64]:
    """Return the least price, and the highest of each good, float64 (K,) [M / unit]."""
    step = batch.world.settings.step_size
    most: F64 = step * batch.most_steps.astype(np.float64)
    return step, most


def median_rates(batch: Batch) -> F64:
    """Return the median of the members' marginal rates, (posts, K) [M / unit].

    The mean of the middle two where their number is even; 0 at posts without members.
    """
    median = np.zeros(batch.endowment.shape)
    batch.world.over(
        0,
        median.size,
        attendance.median_rates,
        batch.first,
        batch.row,
        batch.world.scratch.search.rate,
        median,
        cost=batch.members_a_post,
    )
    return median


def tradable(batch: Batch) -> I64:
    """Return how many goods of each post have a price to be found."""
    found: I64 = batch.commodities.sum(axis=1) - (batch.numeraire >= 0)
    return found


def several_kinked(batch: Batch) -> Bool:
    """Return the posts with jumping demand for several goods."""
    several: Bool = batch.active & batch.kinked() & (tradable(batch) > 1)
    return several


def evaluate(
    batch: Batch,
    rules: Rules,
    found: Solution,
    running: Bool,
    smoothing: float = 0.0,
    group: I64 | None = None,
) -> Bool:
    """Ask the members of running posts for their demand; return which posts have cleared.

    With `smoothing` members that jump do so gradually.  With `group` (posts, K), of
    `ties.nearly_tied`, only the joint value of tied goods is looked at.
    """
    fresh = batch.excess(found.price, running, smoothing)
    for name in ("low", "high", "bought", "sold"):
        np.copyto(getattr(found.excess, name), getattr(fresh, name), where=running[:, np.newaxis])
    np.copyto(found.excess.turnover, fresh.turnover, where=running)
    done = np.zeros(batch.posts, np.bool_)
    found.iterations[running] += 1
    excess = found.excess
    if group is not None:
        ties.judge_groups(
            running,
            group,
            found.price,
            batch.endowment,
            excess.low,
            excess.bought,
            excess.sold,
            rules.tolerance,
            found.zeta,
            done,
        )
        return done
    least, most = bounds(batch)
    tatonnement.judge(
        running,
        batch.commodities,
        batch.numeraire,
        batch.endowment,
        excess.low,
        excess.high,
        excess.bought,
        excess.sold,
        found.price,
        least,
        most,
        excess.turnover if smoothing == 0.0 else np.full(batch.posts, -1.0),
        batch.purse,
        rules.tolerance if smoothing == 0.0 else np.minimum(rules.tolerance, SMOOTH_TOLERANCE),
        batch.floor if smoothing == 0.0 else 0.0,
        found.zeta,
        found.residual,
        found.level,
        found.spare,
        done,
    )
    return done
