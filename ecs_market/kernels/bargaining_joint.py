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

from ecs_market.kernels.bargaining_sides import FAMILY, WEIGHT, WORTH
from ecs_market.kernels.elementary import log
from ecs_market.kernels.jit import kernel
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
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


@kernel
def best_payment(goal: F64, one: float, two: float) -> float:
    """Return what side 0 should pay where utility is in money, for the gains without payment."""
    if goal[GOAL] == NASH:
        return float64(one - goal[POWER] * (one + two))
    if goal[GOAL] == SHARES:
        ideals = goal[IDEAL] + goal[IDEAL + 1]
        return float64((one * goal[IDEAL + 1] - two * goal[IDEAL]) / ideals)
    return -two if goal[GOAL] == FIRST else one


@kernel
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


@kernel
def judge(
    goal: F64, one: float, two: float, pays: bool, cash: float, other_cash: float, verdict: F64
) -> None:
    """Write the verdict on gains before payment; with `pays` they are in M, and money moves."""
    verdict[PAYMENT] = 0.0
    if not pays:
        rank(goal, one, two, verdict)
        return
    wish = best_payment(goal, one, two)
    payment = min(max(wish, -other_cash), cash)
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


@kernel
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


@kernel
def is_small(shape: F64, limits: F64, size: int) -> bool:
    """Return whether an ellipsoid is within `limits` of its centre along every axis."""
    for row in range(size):
        extent = 0.0
        for column in range(size):
            extent += shape[row, column] * shape[row, column]
        if extent > limits[row] * limits[row]:
            return False
    return True


@kernel
def enclose(
    bundle: F64,
    other_bundle: F64,
    lot_size: float,
    items: I64,
    centre: F64,
    shape: F64,
    limits: F64,
) -> int:
    """Write the smallest ellipsoid around all net trades of what there is; return its dimension."""
    size = 0
    for item in range(bundle.shape[0]):
        if bundle[item] + other_bundle[item] > 0.0:
            items[size] = item
            size += 1
    for row in range(size):
        item = items[row]
        width = bundle[item] + other_bundle[item]
        centre[row] = 0.5 * (other_bundle[item] - bundle[item])
        limits[row] = max(LOT_SHARE * lot_size, SHARE * width)
        for column in range(size):
            shape[row, column] = 0.0
        shape[row, row] = 0.5 * width * math.sqrt(float64(size))
    return size


@kernel
def outside(
    centre: F64, size: int, items: I64, bundle: F64, other_bundle: F64, direction: F64
) -> float:
    """Return by how much the worst item exceeds what there is, and write the way back."""
    worst = 0.0
    place = -1
    sign = 0.0
    for row in range(size):
        low = -bundle[items[row]] - centre[row]
        high = centre[row] - other_bundle[items[row]]
        width = bundle[items[row]] + other_bundle[items[row]]
        if max(low, high) / width > worst:
            worst = max(low, high) / width
            place = row
            sign = 1.0 if low > high else -1.0
    if place < 0:
        return 0.0
    for row in range(size):
        direction[row] = sign if row == place else 0.0
    width = bundle[items[place]] + other_bundle[items[place]]
    return float64(worst * width)


def look(
    trade: F64,
    goal: F64,
    pays: bool,
    cash: float,
    other_cash: float,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    mine: F64,
    yours: F64,
    verdict: F64,
    lot_size: float,
) -> None:
    """Write the verdict on a net trade to side 0 [unit], and the bundles after it."""
    for item in range(bundle.shape[0]):
        mine[item] = max(0.0, bundle[item] + trade[item])
        yours[item] = max(0.0, other_bundle[item] - trade[item])
    one = utility(held[0, FAMILY], mine, taste, 0.5 * lot_size) - state[0, WORTH]
    two = utility(held[1, FAMILY], yours, other_taste, 0.5 * lot_size) - state[1, WORTH]
    if pays:
        one /= state[0, WEIGHT]
        two /= state[1, WEIGHT]
    judge(goal, one, two, pays, cash, other_cash, verdict)


def solve(
    goal: F64,
    pays: bool,
    cash: float,
    other_cash: float,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    mine: F64,
    yours: F64,
    verdict: F64,
    items: I64,
    points: F64,
    shape: F64,
    best: F64,
    lot_size: float,
) -> float:
    """Write the net trade to side 0 [unit] that is best for the goal; return its value.

    The value is -inf if no trade is allowed.  `points` has rows for work, `cash` and `other_cash`
    are what the sides can pay [M].
    """
    centre, limits, direction = points[0], points[1], points[2]
    turned, step, trade = points[3], points[4], points[5]
    size = enclose(bundle, other_bundle, lot_size, items, centre, shape, limits)
    found = -math.inf
    for item in range(bundle.shape[0]):
        trade[item] = 0.0
        best[item] = 0.0
    for _ in range(90 * size * (size + 1)):
        depth = outside(centre, size, items, bundle, other_bundle, direction)
        if depth <= 0.0:
            for row in range(size):
                trade[items[row]] = centre[row]
            look(
                trade,
                goal,
                pays,
                cash,
                other_cash,
                held,
                bundle,
                taste,
                other_bundle,
                other_taste,
                state,
                mine,
                yours,
                verdict,
                lot_size,
            )
            if verdict[ALLOWED] > 0.0 and verdict[VALUE] > found:
                found = float64(verdict[VALUE])
                for item in range(bundle.shape[0]):
                    best[item] = trade[item]
            pull = verdict[PULL] / state[0, WEIGHT] if pays else verdict[PULL]
            other_pull = verdict[OTHER_PULL] / state[1, WEIGHT] if pays else verdict[OTHER_PULL]
            for row in range(size):
                k = items[row]
                floor = 0.5 * lot_size
                direction[row] = pull * marginal(held[0, FAMILY], mine, taste, floor, k)
                direction[row] -= other_pull * marginal(
                    held[1, FAMILY], yours, other_taste, floor, k
                )
        if not cut(centre, shape, direction, turned, step, size, depth):
            break
        if is_small(shape, limits, size):
            break
    return found
