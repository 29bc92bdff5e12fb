"""Finding the price vector at which a post clears: tatonnement, then Newton's method.

All posts of a mechanism go through the rounds together; a post drops out once it has cleared.
Where several goods have jumping demand, Newton's method follows the equilibrium of demand made
smooth until the members that are indifferent in the limit are known; their ratios of values then
are ratios of prices, and what remains is solved exactly.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ecs_market.kernels import tatonnement
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.descent import descend
from ecs_market.mechanisms.newton import follow_smoothed, newton, place_ties
from ecs_market.mechanisms.search import (
    Rules,
    Solution,
    bounds,
    evaluate,
    several_kinked,
    tradable,
)
from ecs_market.types import F64, Bool

# After so many turns of sign, jumping demand of several goods is solved another way.
RESTLESS = 4
# How near, relative to the price, members indifferent at the start may be.
NEAR_START = 0.1


def solve(batch: Batch, start: F64, rules: Rules) -> Solution:
    """Search for clearing prices at every active post, beginning from `start` (posts, K)."""
    found = Solution.starting_at(start)
    kinked = several_kinked(batch)
    _try_kinks(batch, rules, found, kinked)
    _confirm(batch, rules, found, kinked)
    _tatonnement(batch, rules, found, kinked)
    _confirm(batch, rules, found, kinked)
    return found


def call_newton(batch: Batch, rules: Rules, found: Solution, late: Bool) -> None:
    """Go on with Newton's method at the posts `late` (posts,), which have not cleared."""
    if not late.any():
        return
    found.newton |= late
    given, freely = found.price.copy(), late & found.spare
    kinked = late & several_kinked(batch)
    if kinked.any():
        follow_smoothed(batch, rules, found, kinked)
    found.converged |= newton(batch, rules, found, late & ~found.converged)
    _confirm(batch, rules, found, kinked)
    # The rounds may have ended where Newton's method cannot come back from.
    again = late & ~found.converged
    ended = found.price.copy()
    found.price[again] = found.start[again]
    found.converged |= newton(batch, rules, found, again)
    _confirm(batch, rules, found, kinked)
    missed = again & ~found.converged & ~freely
    _from_goods_alone(batch, rules, found, missed & kinked)
    for begin in (found.start, _by_relative_endowment(batch, found), ended):
        missed &= ~found.converged & ~kinked
        found.price[missed] = begin[missed]
        found.converged |= descend(batch, rules, found, missed)
    missed = again & ~found.converged
    if missed.any():
        found.price[missed] = np.where(freely[:, np.newaxis], given, ended)[missed]
        evaluate(batch, rules, found, missed)


def _from_goods_alone(batch: Batch, rules: Rules, found: Solution, late: Bool) -> None:
    """Try the prices at which each good would clear if it were the only one, at the posts `late`.

    Where each good is priced by who is indifferent between it and money, these clear together.
    """
    if not late.any():
        return
    start = found.start.copy()
    for k in range(start.shape[1]):
        asked = late & batch.commodities[:, k] & (batch.numeraire != k)
        if not asked.any():
            continue
        traded = np.zeros(batch.commodities.shape, np.bool_)
        traded[asked, k] = True
        counted = np.flatnonzero(asked & (batch.numeraire >= 0))
        traded[counted, batch.numeraire[counted]] = True
        alone = solve(replace(batch, commodities=traded, active=asked), found.start, rules)
        found.iterations += alone.iterations
        cleared = asked & alone.converged
        start[cleared, k] = alone.price[cleared, k]
    found.price[late] = start[late]
    found.converged |= late & evaluate(batch, rules, found, late)
    _confirm(batch, rules, found, late & found.converged)


def _by_relative_endowment(batch: Batch, found: Solution) -> F64:
    """Return the prices at which all goods owned are worth what there is of the numeraire."""
    owned = batch.commodities & (batch.endowment > 0.0) & (found.start > 0.0)
    purse = np.broadcast_to(batch.purse[:, np.newaxis], owned.shape)
    rate = np.divide(purse, batch.endowment, out=found.start.copy(), where=owned & (purse > 0.0))
    return np.clip(rate, *bounds(batch))


def judge_search(batch: Batch, found: Solution) -> None:
    """Write to `found.status` how the search for prices ended."""
    least, most = bounds(batch)
    tatonnement.verdicts(
        batch.active,
        found.converged,
        several_kinked(batch),
        found.tied,
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


def _try_kinks(batch: Batch, rules: Rules, found: Solution, running: Bool) -> None:
    """Move each price to the indifference price nearest to its start, if that clears the post."""
    if not running.any():
        return
    before = found.price.copy()
    wanted = batch.commodities & running[:, np.newaxis]
    kink = batch.nearest_kinks(wanted, before * (1.0 - NEAR_START), before * (1.0 + NEAR_START))
    found.price = np.where(kink > 0.0, kink, before)
    trying = running & (kink > 0.0).any(axis=1)
    done = evaluate(batch, rules, found, trying)
    found.converged |= trying & done
    missed = ~found.converged
    found.price[missed] = before[missed]


def _confirm(batch: Batch, rules: Rules, found: Solution, kinked: Bool) -> None:
    """Take back that posts have cleared where the indifferent cannot serve all goods at once."""
    asked = kinked & found.converged & ~found.tied
    found.converged &= ~asked
    place_ties(batch, rules, found, asked)


def _tatonnement(batch: Batch, rules: Rules, found: Solution, kinked: Bool) -> None:
    """Move every price by the sign and size of its excess demand until all posts clear.

    Where several goods have jumping demand the signs can turn for ever; such posts leave early.
    """
    shape = found.price.shape
    one_good = tradable(batch) == 1
    gain = np.repeat(rules.speed[:, np.newaxis], shape[1], axis=1)
    sign = np.zeros(shape, np.int8)
    ratio, step = np.zeros(shape), np.zeros(shape)
    lower, upper = np.zeros(shape), np.zeros(shape)
    lower_zeta, upper_zeta = np.zeros(shape), np.zeros(shape)
    bracketed = np.zeros(shape, np.bool_)
    least, most = bounds(batch)
    running = batch.active & ~found.converged
    while running.any():
        done = evaluate(batch, rules, found, running)
        found.converged |= running & done
        restless = kinked & rules.newton & (found.flips.max(axis=1) >= RESTLESS)
        running &= ~done & ~found.spare & ~restless & (found.iterations < rules.max_iterations)
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
            ratio,
            step,
            found.flips,
            found.moved,
            found.price,
        )
