"""From a bargaining solution in real numbers to a deal in lots, price steps and minor units.

Goods are rounded to lots, then changed lot by lot while that is better for the rule; goods that
help nobody stay where they are.  Prices support the deal as far as there is a choice: the midpoints
of both rates after it, all purchases of one side scaled up and its sales down until the payment is
right, in whole steps.  Nobody ends worse off, or there is no deal.
"""

from __future__ import annotations

import math

from ecs_market.kernels.bargaining_joint import (
    ALLOWED,
    FIRST,
    GOAL,
    PAYMENT,
    PULL,
    VALUE,
    Draft,
    judge,
    rank,
)
from ecs_market.kernels.bargaining_sides import (
    FAMILY,
    WEIGHT,
    WORTH,
    Pair,
    Scale,
    exchange_rate,
    gained,
    in_steps,
    midpoint,
    money_at,
)
from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, float64, int64

# Changes of lots are tried in these sizes, at most so many of each size.
COARSE = 1
MOST_CHANGES = 100
HALVINGS = 100
# So often are prices moved by a step until nobody loses.
MOST_NUDGES = 4


def after_deal(pair: Pair, scale: Scale, draft: Draft, mode: int, payment: float) -> None:
    """Write both bundles after a deal, and both gains in utility, 0 in the noise."""
    n = money_at(pair)
    for at in range(2):
        sign = 1 - 2 * at
        for k in range(n):
            draft.after[at, k] = float64(pair.held[at, k] + sign * draft.lots[k]) * scale.lot
        spent = 0.0
        if mode == IN_UTILITY:
            paid = payment if at == 0 else -payment
            draft.after[at, n] = max(0.0, pair.bundle[at, n] - paid)
        elif mode == QUASILINEAR:
            spent = pair.state[at, WEIGHT] * payment
            spent = spent if at == 0 else -spent
        family = pair.held[at, FAMILY]
        now = utility(family, draft.after[at], pair.taste[at], 0.5 * scale.lot)
        draft.gains[at] = gained(now, float64(pair.state[at, WORTH]), spent)


def weigh(
    pair: Pair, scale: Scale, draft: Draft, goal: F64, cash: tuple[float, float], payment: float
) -> None:
    """Write the verdict on lots; quasi-linear money at its best, else with this payment."""
    pays = scale.mode == QUASILINEAR
    after_deal(pair, scale, draft, scale.mode, 0.0 if pays else payment)
    one, two = float64(draft.gains[0]), float64(draft.gains[1])
    if pays:
        one /= pair.state[0, WEIGHT]
        two /= pair.state[1, WEIGHT]
        judge(goal, one, two, True, cash, draft.verdict)
    else:
        rank(goal, one, two, draft.verdict)
        draft.verdict[PAYMENT] = payment


@borrowing
def is_better(verdict: F64, best: F64, ties: bool) -> bool:
    """Return whether a verdict beats the best one, or at least equals it."""
    if verdict[ALLOWED] != best[ALLOWED]:
        return bool(verdict[ALLOWED] > best[ALLOWED])
    if ties:
        return bool(verdict[VALUE] >= best[VALUE])
    return bool(verdict[VALUE] > best[VALUE])


@borrowing
def keep(verdict: F64, best: F64) -> None:
    """Keep a verdict."""
    for entry in range(verdict.shape[0]):
        best[entry] = verdict[entry]


@borrowing
def change(pair: Pair, lots: I64, k: int, by: int) -> bool:
    """Change the lots of a good, if there are as many; return whether."""
    if -pair.held[0, k] <= lots[k] + by <= pair.held[1, k]:
        lots[k] += by
        return True
    return False


@borrowing
def exchange(pair: Pair, lots: I64, move: int, size: int) -> bool:
    """Change one good by `size` lots, or two against each other; return whether that is possible.

    `move` counts the two directions of every pair of goods; the opposite of one is `move ^ 1`.
    """
    n = lots.shape[0]
    k = move // (2 * n)
    m = (move // 2) % n
    by = size if move % 2 == 0 else -size
    if not change(pair, lots, k, by):
        return False
    # The other good goes the other way, which is how goods are exchanged.
    if m != k and not change(pair, lots, m, -by):
        lots[k] -= by
        return False
    return True


def improve(
    pair: Pair, scale: Scale, draft: Draft, goal: F64, cash: tuple[float, float], payment: float
) -> None:
    """Change lots, of one good or of two at a time, while that is better for the goal.

    In the end each good is left out if nothing is lost by that.
    """
    lots, verdict, best = draft.lots, draft.verdict, draft.kept
    n = lots.shape[0]
    moves = 2 * n * n
    weigh(pair, scale, draft, goal, cash, payment)
    keep(verdict, best)
    size = int64(COARSE)
    while size > 0:
        changes = 0
        going = True
        while going and changes < MOST_CHANGES:
            going = False
            for move in range(moves):
                if not exchange(pair, lots, move, size):
                    continue
                weigh(pair, scale, draft, goal, cash, payment)
                if is_better(verdict, best, False):
                    keep(verdict, best)
                    going = True
                    changes += 1
                else:
                    exchange(pair, lots, move ^ 1, size)
        size //= 2
    for k in range(n):
        kept = lots[k]
        if kept != 0:
            lots[k] = 0
            weigh(pair, scale, draft, goal, cash, payment)
            if is_better(verdict, best, True):
                keep(verdict, best)
            else:
                lots[k] = kept


def pay_right(
    pair: Pair, scale: Scale, draft: Draft, goal: F64, cash: tuple[float, float]
) -> float:
    """Return the payment [M] for given lots that is best where money is in the utility."""
    n = money_at(pair)
    low = -cash[1]
    high = cash[0]
    for _ in range(HALVINGS):
        payment = 0.5 * (low + high)
        if payment == low or payment == high:
            # Nothing lies between the two.
            break
        after_deal(pair, scale, draft, IN_UTILITY, payment)
        rank(goal, float64(draft.gains[0]), float64(draft.gains[1]), draft.verdict)
        pull = 0.0
        for at in range(2):
            family = pair.held[at, FAMILY]
            slope = marginal(family, draft.after[at], pair.taste[at], 0.5 * scale.lot, n)
            slope *= draft.verdict[PULL + at]
            pull = slope if at == 0 else pull - slope
        if pull > 0.0:
            high = payment
        else:
            low = payment
    return high if goal[GOAL] == FIRST else low


def support(pair: Pair, scale: Scale, draft: Draft, mode: int, last: int) -> None:
    """Write the midpoints of both sides' rates after the deal: in M, or in the good `last`."""
    n = money_at(pair)
    floor = 0.5 * scale.lot
    one = float64(pair.state[0, WEIGHT])
    two = float64(pair.state[1, WEIGHT])
    families = pair.held[0, FAMILY], pair.held[1, FAMILY]
    if mode != QUASILINEAR:
        unit = last if mode == UNIT_OF_ACCOUNT else n
        one = marginal(families[0], draft.after[0], pair.taste[0], floor, unit)
        two = marginal(families[1], draft.after[1], pair.taste[1], floor, unit)
    for k in range(n):
        draft.prices[k] = 1.0
        if draft.lots[k] != 0:
            rate = marginal(families[0], draft.after[0], pair.taste[0], floor, k)
            other = marginal(families[1], draft.after[1], pair.taste[1], floor, k)
            rate = max(0.0, exchange_rate(rate, one))
            found = midpoint(rate, max(0.0, exchange_rate(other, two)))
            # A good or money without worth sets no rate; the payment alone then says the price.
            draft.prices[k] = found if 0.0 < found < math.inf else 1.0


@borrowing
def balance(lots: I64, prices: F64, payment: float) -> None:
    """Scale prices of purchases up and of sales down, alike, until they add up to a payment."""
    bought = 0.0
    sold = 0.0
    for k in range(lots.shape[0]):
        value = float64(lots[k]) * prices[k]
        bought += max(0.0, value)
        sold += max(0.0, -value)
    scale = 1.0
    if bought > 0.0:
        root = math.sqrt(payment * payment + 4.0 * bought * sold)
        scale = (payment + root) / (2.0 * bought)
    elif payment < 0.0 and sold > 0.0:
        scale = sold / -payment
    if scale <= 0.0 or math.isinf(scale):
        return
    for k in range(lots.shape[0]):
        prices[k] *= scale if lots[k] > 0 else 1.0 / scale


@borrowing
def whole_steps(lots: I64, prices: F64, payment: float, step_size: float, steps: I64) -> int:
    """Write prices in steps that come closest to a payment [minor unit]; return what they cost."""
    n = lots.shape[0]
    cost = int64(0)
    for k in range(n):
        steps[k] = in_steps(prices[k], step_size)
        cost += lots[k] * steps[k]
    # The good with most lots is adjusted first, that with fewest last and finest.
    limit = int64(2**62)
    for _ in range(n):
        widest = int64(0)
        for k in range(n):
            if widest < abs(lots[k]) < limit:
                widest = abs(lots[k])
        for k in range(n):
            if widest > 0 and abs(lots[k]) == widest:
                by = (payment - float64(cost)) / float64(lots[k])
                more = max(int64(math.floor(by + 0.5)), 1 - steps[k])
                steps[k] += more
                cost += lots[k] * more
        limit = widest
    return cost


@borrowing
def nudge(lots: I64, steps: I64, up: bool) -> int:
    """Move the price of the good with fewest lots by a step; return the change in the payment."""
    place = -1
    for k in range(lots.shape[0]):
        if lots[k] != 0 and (place < 0 or abs(lots[k]) < abs(lots[place])):
            more = 1 if (lots[k] > 0) == up else -1
            if steps[k] + more >= 1:
                place = k
    if place < 0:
        return int64(0)
    more = 1 if (lots[place] > 0) == up else -1
    steps[place] += more
    return int64(lots[place] * more)


@borrowing
def finest(lots: I64) -> int:
    """Return the fewest lots that move of any good: the step of the payments that prices allow."""
    found = int64(0)
    for k in range(lots.shape[0]):
        if lots[k] != 0 and (found == 0 or abs(lots[k]) < found):
            found = abs(int64(lots[k]))
    return found


@borrowing
def acceptable(goal: F64, gains: F64) -> bool:
    """Return whether nobody loses and those gain whom the goal wants to."""
    if gains[0] < 0.0 or gains[1] < 0.0:
        return False
    if goal[GOAL] >= FIRST:
        return bool(gains[0] > 0.0 if goal[GOAL] == FIRST else gains[1] > 0.0)
    return bool(gains[0] > 0.0 and gains[1] > 0.0)


def price(pair: Pair, scale: Scale, draft: Draft, goal: F64, mode: int, payment: float) -> int:
    """Write prices in steps for a deal with a payment [M]; return it in minor units.

    The draft's gains are those at these very prices.
    """
    n = money_at(pair)
    lots, prices, steps, gains = draft.lots, draft.prices, draft.steps, draft.gains
    last = 0
    for k in range(n):
        if lots[k] != 0:
            last = k
    after_deal(pair, scale, draft, mode, payment)
    support(pair, scale, draft, mode, last)
    if mode == UNIT_OF_ACCOUNT:
        balance(lots, prices, 0.0)
        unit = float64(prices[last])
        for k in range(n):
            steps[k] = in_steps(prices[k] / unit, scale.step)
        return int64(0)
    balance(lots, prices, payment / scale.lot)
    cost = whole_steps(lots, prices, payment / scale.minor, scale.step, steps)
    for nudges in range(MOST_NUDGES + 1):
        after_deal(pair, scale, draft, mode, float64(cost) * scale.minor)
        fits = -pair.held[1, n] <= cost <= pair.held[0, n]
        if nudges == MOST_NUDGES or (fits and acceptable(goal, gains)):
            break
        cost += nudge(lots, steps, gains[1] < 0.0 or cost < -pair.held[1, n])
    return cost
