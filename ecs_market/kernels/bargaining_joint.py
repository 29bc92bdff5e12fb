"""The bargaining solutions over all goods at once: which net trade a rule picks, in real numbers.

Four goals: the Nash product of gains (J. Nash 1950, with powers), the equal shares of what each
could gain at most (E. Kalai and M. Smorodinsky 1975), and all gains to one side or the other.  Each
asks for the best point of a set that the marginal utilities at any point cut in half, which the
ellipsoid method finds (N. Shor 1977; D. Yudin and A. Nemirovski 1976): keep an ellipsoid that holds
it, cut through the centre, take the smallest ellipsoid around what is left.  It needs no second
derivatives and does not mind kinks; for one good it is bisection.

Quasi-linear money is no variable: the best payment for given goods has a closed form.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ecs_market.kernels.bargaining_sides import FAMILY, WEIGHT, WORTH, Pair, Scale
from ecs_market.kernels.elementary import log
from ecs_market.kernels.jit import borrowing, kernel
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I64, float64

NASH, SHARES, FIRST, SECOND = 0, 1, 2, 3
# Columns of `goal`: which, the power of side 0, and what each side could gain at most.
GOAL, POWER, IDEAL = 0, 1, 2
# Columns of `verdict`: whether the point is allowed, its value, the weights of both sides' marginal
# utilities in the direction that is better, and what side 0 pays.
ALLOWED, VALUE, PULL, OTHER_PULL, PAYMENT = 0, 1, 2, 3, 4
# The search ends when the solution is known to this share of a lot, or of what there is.
LOT_SHARE = 0.25
SHARE = 1e-11


class Draft(NamedTuple):
    """Work on a pair's deal: trades in real numbers, then lots, payment and prices.

    Attributes
    ----------
    after
        float64 (2, entries): both bundles after a trade.
    gains
        float64 (2,): both gains, in utility or in M.
    verdict, kept
        float64 (5,): what a goal says of a trade; see `ALLOWED`.
    items
        int64 (entries,): items of which there are any.
    points, shape
        float64 (6, entries) and (entries, entries): the ellipsoid, and rows for work.
    best
        float64 (entries,): the best net trade to side 0 [unit].
    lots, steps, prices
        (K,): the deal for side 0 [lot], prices [step] and in real numbers.
    """

    after: F64
    gains: F64
    verdict: F64
    kept: F64
    items: I64
    points: F64
    shape: F64
    best: F64
    lots: I64
    steps: I64
    prices: F64


@kernel
def new_draft(goods: int, entries: int) -> Draft:
    """Return room for a draft."""
    return Draft(
        np.empty((2, entries)),
        np.empty(2),
        np.empty(5),
        np.empty(5),
        np.empty(entries, np.int64),
        np.empty((6, entries)),
        np.empty((entries, entries)),
        np.empty(entries),
        np.empty(goods, np.int64),
        np.empty(goods, np.int64),
        np.empty(goods),
    )


@borrowing
def best_payment(goal: F64, one: float, two: float) -> float:
    """Return what side 0 should pay where utility is in money, for the gains without payment."""
    if goal[GOAL] == NASH:
        return float64(one - goal[POWER] * (one + two))
    if goal[GOAL] == SHARES:
        ideals = goal[IDEAL] + goal[IDEAL + 1]
        return float64((one * goal[IDEAL + 1] - two * goal[IDEAL]) / ideals)
    return -two if goal[GOAL] == FIRST else one


@borrowing
def rank(goal: F64, one: float, two: float, verdict: F64) -> None:
    """Write whether gains are allowed, what they are worth, and who should gain more."""
    verdict[ALLOWED] = 0.0
    verdict[VALUE] = min(one, two)
    verdict[PULL] = 1.0 if one <= two else 0.0
    verdict[OTHER_PULL] = 1.0 - verdict[PULL]
    if goal[GOAL] == FIRST or goal[GOAL] == SECOND:
        takes, gives = (one, two) if goal[GOAL] == FIRST else (two, one)
        if gives >= 0.0 and takes > 0.0:
            verdict[ALLOWED] = 1.0
            verdict[VALUE] = takes
        taking = (goal[GOAL] == FIRST) == (gives >= 0.0)
        verdict[PULL] = 1.0 if taking else 0.0
        verdict[OTHER_PULL] = 1.0 - verdict[PULL]
    elif one > 0.0 and two > 0.0:
        verdict[ALLOWED] = 1.0
        if goal[GOAL] == NASH:
            verdict[VALUE] = goal[POWER] * log(one) + (1.0 - goal[POWER]) * log(two)
            verdict[PULL] = goal[POWER] / one
            verdict[OTHER_PULL] = (1.0 - goal[POWER]) / two
        else:
            one /= goal[IDEAL]
            two /= goal[IDEAL + 1]
            verdict[VALUE] = min(one, two)
            verdict[PULL] = 1.0 / goal[IDEAL] if one <= two else 0.0
            verdict[OTHER_PULL] = 0.0 if one <= two else 1.0 / goal[IDEAL + 1]


@borrowing
def judge(
    goal: F64, one: float, two: float, pays: bool, cash: tuple[float, float], verdict: F64
) -> None:
    """Write the verdict on gains before payment; with `pays` they are in M, and money moves."""
    verdict[PAYMENT] = 0.0
    if not pays:
        rank(goal, one, two, verdict)
        return
    wish = best_payment(goal, one, two)
    payment = min(max(wish, -cash[1]), cash[0])
    after = (one - payment, two + payment)
    if payment == wish and (goal[GOAL] == FIRST or goal[GOAL] == SECOND):
        # Exactly nothing is left to the one who answers.
        whole = one + two
        after = (whole, 0.0) if goal[GOAL] == FIRST else (0.0, whole)
    rank(goal, after[0], after[1], verdict)
    verdict[PAYMENT] = payment
    if payment == wish:
        # Whatever adds to the sum is better for both.
        if one + two <= 0.0:
            verdict[ALLOWED] = 0.0
        verdict[PULL] = 1.0
        verdict[OTHER_PULL] = 1.0


@borrowing
def cut(
    centre: F64, shape: F64, direction: F64, turned: F64, step: F64, size: int, depth: float
) -> bool:
    """Replace an ellipsoid by the smallest one around its part on the side of `direction`.

    The ellipsoid is `centre` plus `shape` times the unit ball.  The part begins `depth` beyond the
    centre, along `direction`.  False: nothing is left, or no direction is better.
    """
    norm = 0.0
    for column in range(size):
        turned[column] = 0.0
        for row in range(size):
            turned[column] += shape[row, column] * direction[row]
        norm += turned[column] * turned[column]
    norm = math.sqrt(norm)
    if not 0.0 < norm < math.inf:
        return False
    alpha = depth / norm
    if alpha >= 1.0:
        return False
    n = float64(size)
    for row in range(size):
        step[row] = 0.0
        for column in range(size):
            step[row] += shape[row, column] * (turned[column] / norm)
        centre[row] += (1.0 + n * alpha) / (n + 1.0) * step[row]
    if size == 1:
        shape[0, 0] *= 0.5 * (1.0 - alpha)
        return True
    shrink = 2.0 * (1.0 + n * alpha) / ((n + 1.0) * (1.0 + alpha))
    squeeze = math.sqrt(max(0.0, 1.0 - shrink)) - 1.0
    swell = math.sqrt(n * n * (1.0 - alpha * alpha) / (n * n - 1.0))
    for row in range(size):
        for column in range(size):
            moved = shape[row, column] + squeeze * step[row] * (turned[column] / norm)
            shape[row, column] = swell * moved
    return True


@borrowing
def is_small(shape: F64, limits: F64, size: int) -> bool:
    """Return whether an ellipsoid is within `limits` of its centre along every axis."""
    for row in range(size):
        extent = 0.0
        for column in range(size):
            extent += shape[row, column] * shape[row, column]
        if extent > limits[row] * limits[row]:
            return False
    return True


@borrowing
def enclose(pair: Pair, scale: Scale, draft: Draft, centre: F64, limits: F64) -> int:
    """Write the smallest ellipsoid around all net trades of what there is; return its dimension."""
    items, shape = draft.items, draft.shape
    size = 0
    for item in range(items.shape[0]):
        if pair.bundle[0, item] + pair.bundle[1, item] > 0.0:
            items[size] = item
            size += 1
    for row in range(size):
        mine, yours = pair.bundle[0, items[row]], pair.bundle[1, items[row]]
        centre[row] = 0.5 * (yours - mine)
        limits[row] = max(LOT_SHARE * scale.lot, SHARE * (mine + yours))
        for column in range(size):
            shape[row, column] = 0.0
        shape[row, row] = 0.5 * (mine + yours) * math.sqrt(float64(size))
    return size


@borrowing
def outside(pair: Pair, centre: F64, size: int, items: I64, direction: F64) -> float:
    """Return by how much the worst item exceeds what there is, and write the way back."""
    worst = 0.0
    place = -1
    sign = 0.0
    for row in range(size):
        mine, yours = pair.bundle[0, items[row]], pair.bundle[1, items[row]]
        low = -mine - centre[row]
        high = centre[row] - yours
        if max(low, high) / (mine + yours) > worst:
            worst = max(low, high) / (mine + yours)
            place = row
            sign = 1.0 if low > high else -1.0
    if place < 0:
        return 0.0
    for row in range(size):
        direction[row] = sign if row == place else 0.0
    return float64(worst * (pair.bundle[0, items[place]] + pair.bundle[1, items[place]]))


def look(
    pair: Pair, scale: Scale, draft: Draft, trade: F64, goal: F64, cash: tuple[float, float]
) -> None:
    """Write the verdict on a net trade to side 0 [unit], and the bundles after it."""
    pays = scale.mode == QUASILINEAR
    for at in range(2):
        for item in range(trade.shape[0]):
            change = trade[item] if at == 0 else -trade[item]
            draft.after[at, item] = max(0.0, pair.bundle[at, item] + change)
        family = pair.held[at, FAMILY]
        now = utility(family, draft.after[at], pair.taste[at], 0.5 * scale.lot)
        draft.gains[at] = now - pair.state[at, WORTH]
        if pays:
            draft.gains[at] /= pair.state[at, WEIGHT]
    judge(goal, float64(draft.gains[0]), float64(draft.gains[1]), pays, cash, draft.verdict)


def turn_uphill(pair: Pair, scale: Scale, draft: Draft, size: int, direction: F64) -> None:
    """Write in which direction of the net trade the verdict improves."""
    for at in range(2):
        pull = draft.verdict[PULL + at]
        if scale.mode == QUASILINEAR:
            pull /= pair.state[at, WEIGHT]
        for row in range(size):
            k = draft.items[row]
            family = pair.held[at, FAMILY]
            slope = marginal(family, draft.after[at], pair.taste[at], 0.5 * scale.lot, k)
            if at == 0:
                direction[row] = pull * slope
            else:
                direction[row] -= pull * slope


def solve(pair: Pair, scale: Scale, draft: Draft, goal: F64, cash: tuple[float, float]) -> float:
    """Write the net trade to side 0 [unit] that is best for the goal; return its value.

    The value is -inf if no trade is allowed; `cash` is what the sides can pay [M].
    """
    points, best = draft.points, draft.best
    centre, limits, direction = points[0], points[1], points[2]
    turned, step, trade = points[3], points[4], points[5]
    size = enclose(pair, scale, draft, centre, limits)
    found = -math.inf
    for item in range(best.shape[0]):
        trade[item] = 0.0
        best[item] = 0.0
    for _ in range(90 * size * (size + 1)):
        depth = outside(pair, centre, size, draft.items, direction)
        if depth <= 0.0:
            for row in range(size):
                trade[draft.items[row]] = centre[row]
            look(pair, scale, draft, trade, goal, cash)
            if draft.verdict[ALLOWED] > 0.0 and draft.verdict[VALUE] > found:
                found = float64(draft.verdict[VALUE])
                for item in range(best.shape[0]):
                    best[item] = trade[item]
            turn_uphill(pair, scale, draft, size, direction)
        if not cut(centre, draft.shape, direction, turned, step, size, depth):
            break
        if is_small(draft.shape, limits, size):
            break
    return found
