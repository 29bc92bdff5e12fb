"""The auctioneer's arithmetic: judging excess demand, moving prices, and Newton's step."""

from __future__ import annotations

import numpy as np

from ecs_market.components.market_post import BOUNDARY, CONVERGED, CYCLING, FAILED, MARGINAL
from ecs_market.kernels.descent import solve_rows
from ecs_market.kernels.elementary import exp, log
from ecs_market.kernels.jit import helper, kernel
from ecs_market.types import F64, I8, I32, Bool, int64

GROW, SHRINK, LEAST, MOST = 1.3, 0.5, 0.01, 2.0
# A turn of sign that leaves more than this share of the excess has gone too far.
HELPFUL = 0.5
# Logs of demand over supply count as at most this.
STEEPEST = 20.0
# Longest step in log prices of a single good that is not bracketed yet.
STRIDE = 0.7
# A trace on the size of one step of Newton's method in log prices.
LONGEST_STEP = 1.0
# Demand under this share of supply, or supply of demand, counts as this share.
LEAST_RATIO = 1e-12
# Excess demand is known to this share of what is owned or wanted.
EXACT = 1e-12


@helper
def excess_of(low: float, high: float, endowment: float) -> float:
    """Return the least excess demand that indifferent members cannot take up."""
    if low > endowment:
        return low - endowment
    if high < endowment:
        return high - endowment
    return 0.0


@kernel
def judge(
    running: Bool,
    commodities: Bool,
    numeraire: I32,
    endowment: F64,
    low: F64,
    high: F64,
    bought: F64,
    sold: F64,
    price: F64,
    least: float,
    most: F64,
    turnover: F64,
    purse: F64,
    tolerance: F64,
    floor: float,
    zeta: F64,
    residual: F64,
    level: F64,
    spare: Bool,
    done: Bool,
) -> None:
    """Write relative excess demand and whether each running post has converged.

    `zeta` is excess demand over the larger of holdings desired and owned, `residual` over the
    larger of gross purchases and sales.  Gross trade of less than half a lot is none, and a price
    that its good's excess presses against a bound has not converged.

    The numeraire must balance too, by the same rule: at prices that run away the goods seem to
    clear, because so little of them is asked for money.  By Walras' law its excess demand is the
    value of the goods' excess supply; `turnover` is its gross trade, negative where it is not to be
    judged, `purse` what there is of it, `level` (posts,) its relative excess demand.

    `spare` (posts,) is where all is cleared but goods that are in excess supply at the least price:
    they are free, and their value counts as nothing.
    """
    for post in range(low.shape[0]):
        if not running[post]:
            continue
        done[post] = True
        value = 0.0
        worth = 0.0
        largest = 0.0
        free = False
        others = True
        carrier = int64(numeraire[post])
        for k in range(low.shape[1]):
            zeta[post, k] = 0.0
            residual[post, k] = 0.0
            if not commodities[post, k] or k == numeraire[post]:
                continue
            excess = excess_of(low[post, k], high[post, k], endowment[post, k])
            if excess == 0.0:
                continue
            desired = low[post, k] if excess > 0.0 else high[post, k]
            larger = max(desired, endowment[post, k])
            gross = max(bought[post, k], sold[post, k])
            zeta[post, k] = excess / larger if larger > 0.0 else 0.0
            if excess < 0.0 and price[post, k] <= least and gross >= floor:
                residual[post, k] = abs(excess) / gross
                free = True
                done[post] = False
                continue
            value += price[post, k] * excess
            worth += price[post, k] * larger
            if numeraire[post] < 0 and price[post, k] * abs(excess) > largest:
                largest = price[post, k] * abs(excess)
                carrier = k
            if gross < floor:
                continue
            residual[post, k] = abs(excess) / gross
            pressed = excess > 0.0 and price[post, k] >= most[k]
            if pressed or abs(excess) > tolerance[post] * gross:
                done[post] = False
                others = False
        level[post] = 0.0
        spare[post] = free and others
        gross = turnover[post]
        if gross < 0.0 or value == 0.0:
            continue
        larger = max(purse[post], purse[post] - value)
        level[post] = -value / larger if larger > 0.0 else 0.0
        if gross >= floor and abs(value) > max(tolerance[post] * gross, EXACT * worth):
            residual[post, carrier] = max(residual[post, carrier], abs(value) / gross)
            done[post] = False
            spare[post] = False


@kernel
def update_brackets(
    running: Bool,
    commodities: Bool,
    price: F64,
    zeta: F64,
    lower: F64,
    upper: F64,
    lower_zeta: F64,
    upper_zeta: F64,
    bracketed: Bool,
) -> None:
    """Remember the last price with excess demand and the last with excess supply, a good each."""
    for post in range(price.shape[0]):
        for k in range(price.shape[1]):
            bracketed[post, k] = False
            if not running[post] or not commodities[post, k] or zeta[post, k] == 0.0:
                continue
            if zeta[post, k] > 0.0:
                lower[post, k] = price[post, k]
                lower_zeta[post, k] = zeta[post, k]
                if upper[post, k] <= price[post, k]:
                    upper[post, k] = 0.0
            else:
                upper[post, k] = price[post, k]
                upper_zeta[post, k] = zeta[post, k]
                if lower[post, k] >= price[post, k]:
                    lower[post, k] = 0.0
            bracketed[post, k] = lower[post, k] > 0.0 and upper[post, k] > 0.0


@helper
def log_of_ratio(zeta: float) -> float:
    """Return log(demand / supply) from relative excess demand."""
    size = log(max(1.0 - abs(zeta), LEAST_RATIO))
    return -size if zeta > 0.0 else size


@kernel
def advance(
    running: Bool,
    commodities: Bool,
    numeraire: I32,
    one_good: Bool,
    zeta: F64,
    kink: F64,
    bracketed: Bool,
    lower: F64,
    upper: F64,
    lower_zeta: F64,
    upper_zeta: F64,
    least: float,
    most: F64,
    gain: F64,
    sign: I8,
    before_ratio: F64,
    before_step: F64,
    flips: I32,
    moved: F64,
    price: F64,
) -> None:
    """Move prices by the sign and size of excess demand, within brackets where they are known.

    The gain grows while the sign stays and halves when it flips; once a good's own move has shown
    how fast its excess demand falls, that sets the gain.  A price at which members are indifferent
    is tried as soon as it lies inside the bracket; with one good, where brackets are certain, the
    root is closed in on by false position with a share of bisection.  `moved` is how far each price
    went [M / unit].
    """
    for post in range(price.shape[0]):
        if not running[post]:
            continue
        for k in range(price.shape[1]):
            moved[post, k] = 0.0
            if not commodities[post, k] or k == numeraire[post] or zeta[post, k] == 0.0:
                continue
            before = price[post, k]
            now = 1 if zeta[post, k] > 0.0 else -1
            ratio = min(STEEPEST, max(-STEEPEST, log_of_ratio(zeta[post, k])))
            fell = before_ratio[post, k] - ratio
            shown = before_step[post, k] / fell if before_step[post, k] * fell > 0.0 else 0.0
            worse = abs(ratio) > HELPFUL * abs(before_ratio[post, k])
            before_ratio[post, k] = ratio
            used = gain[post, k]
            if sign[post, k] == now:
                if one_good[post] and gain[post, k] >= MOST:
                    # Demand may be flat for long: stride faster until there is a bracket.
                    gain[post, k] = min(STRIDE / abs(zeta[post, k]), 2.0 * gain[post, k])
                else:
                    gain[post, k] = min(MOST, gain[post, k] * GROW)
            elif sign[post, k] != 0:
                gain[post, k] *= SHRINK
                flips[post, k] += 1
            if shown > 0.0 and not one_good[post] and not (worse and sign[post, k] == -now):
                # Signs that have turned once may do so for ever: then it grows only slowly again.
                ceiling = MOST if flips[post, k] == 0 else min(MOST, GROW * used)
                gain[post, k] = min(ceiling, max(LEAST, shown))
            sign[post, k] = now
            if kink[post, k] > 0.0:
                price[post, k] = kink[post, k]
            elif one_good[post] and bracketed[post, k]:
                width = log(upper[post, k] / lower[post, k])
                share = lower_zeta[post, k] / (lower_zeta[post, k] - upper_zeta[post, k])
                share = min(0.9, max(0.1, share)) if flips[post, k] % 3 else 0.5
                price[post, k] = lower[post, k] * exp(share * width)
            else:
                step = gain[post, k] * min(1.0, max(-1.0, ratio))
                price[post, k] = min(most[k], max(least, before * exp(step)))
            moved[post, k] = abs(price[post, k] - before)
            before_step[post, k] = log(price[post, k] / before) if before > 0.0 else 0.0


@kernel
def pick_nearest(segment_post: I32, lower: F64, upper: F64, found: F64, nearest: F64) -> None:
    """Combine segments: keep each post's kink nearest to the middle, ties to the lower price."""
    for segment in range(segment_post.shape[0]):
        post = segment_post[segment]
        for k in range(lower.shape[1]):
            price = found[segment, k]
            if price == 0.0:
                continue
            middle = 0.5 * (lower[post, k] + upper[post, k])
            best = nearest[post, k]
            gap = abs(price - middle)
            if (
                best == 0.0
                or gap < abs(best - middle)
                or (gap == abs(best - middle) and price < best)
            ):
                nearest[post, k] = price


@kernel
def log_ratio(zeta: F64) -> F64:
    """Return log(demand / supply) of each post and good from relative excess demand.

    It is nearly linear in log prices, where excess demand itself flattens out.
    """
    ratio = np.empty(zeta.shape)
    for post in range(zeta.shape[0]):
        for k in range(zeta.shape[1]):
            ratio[post, k] = log_of_ratio(zeta[post, k])
    return ratio


@kernel
def newton_direction(
    running: Bool,
    free: Bool,
    zeta: F64,
    shifted: F64,
    shift: float,
    direction: F64,
) -> None:
    """Solve for the step in log prices that would make `zeta` zero, a post at a time.

    `shifted[l]` is zeta with the log price of good l raised by `shift`.  Goods that are not `free`
    do not move; a singular system leaves the direction of plain tatonnement.
    """
    n = zeta.shape[1]
    matrix = np.empty((n, n + 1))
    for post in range(zeta.shape[0]):
        if not running[post]:
            continue
        for k in range(n):
            for m in range(n):
                matrix[k, m] = (shifted[m, post, k] - zeta[post, k]) / shift
            matrix[k, n] = -zeta[post, k]
            if not free[post, k]:
                for m in range(n + 1):
                    matrix[k, m] = 0.0
                matrix[k, k] = 1.0
        singular = not solve_rows(matrix, direction[post])
        longest = 0.0
        for k in range(n):
            if singular:
                direction[post, k] = zeta[post, k]
            longest = max(longest, abs(direction[post, k]))
        if longest > LONGEST_STEP:
            for k in range(n):
                direction[post, k] *= LONGEST_STEP / longest


@kernel
def step_prices(
    running: Bool,
    free: Bool,
    direction: F64,
    share: F64,
    least: float,
    most: F64,
    base: F64,
    price: F64,
) -> None:
    """Write the prices reached from `base` by a share of the direction in logs."""
    for post in range(price.shape[0]):
        if not running[post]:
            continue
        for k in range(price.shape[1]):
            price[post, k] = base[post, k]
            if free[post, k]:
                moved = base[post, k] * exp(share[post] * direction[post, k])
                price[post, k] = min(most[k], max(least, moved))


@kernel
def point_ahead(
    wanted: Bool, before: F64, last: F64, width: F64, last_width: F64, smoothing: float, ahead: F64
) -> None:
    """Write the prices that two solutions, (posts, K) each, point to at another smoothing.

    In logs they depend linearly on the smoothing once it is known who is indifferent.
    """
    for post in range(last.shape[0]):
        if not wanted[post] or width[post] == last_width[post]:
            continue
        share = (smoothing - last_width[post]) / (last_width[post] - width[post])
        for k in range(last.shape[1]):
            ahead[post, k] = last[post, k]
            if before[post, k] > 0.0 and last[post, k] > 0.0:
                step = share * log(last[post, k] / before[post, k])
                ahead[post, k] = last[post, k] * exp(min(1.0, max(-1.0, step)))


@kernel
def verdicts(
    active: Bool,
    converged: Bool,
    jumps: Bool,
    tied: Bool,
    commodities: Bool,
    numeraire: I32,
    low: F64,
    high: F64,
    zeta: F64,
    price: F64,
    flips: I32,
    moved: F64,
    least: float,
    most: F64,
    status: I8,
) -> None:
    """Write how the search for prices ended at each active post.

    CYCLING is when signs keep turning and prices still move by more than a step.  Where demand
    jumps, or signs turn within a step, there is no cycle but no price that clears: FAILED.
    """
    for post in range(price.shape[0]):
        if not active[post]:
            continue
        kinked = bool(tied[post])
        bound = False
        turned = False
        for k in range(price.shape[1]):
            if not commodities[post, k] or k == numeraire[post]:
                continue
            kinked = kinked or low[post, k] < high[post, k]
            if zeta[post, k] != 0.0:
                bound = bound or price[post, k] <= least or price[post, k] >= most[k]
                turned = turned or (flips[post, k] >= 4 and moved[post, k] > least)
        if converged[post]:
            status[post] = MARGINAL if kinked else CONVERGED
        elif bound:
            status[post] = BOUNDARY
        elif turned and not jumps[post]:
            status[post] = CYCLING
        else:
            status[post] = FAILED
