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
    judge,
    rank,
)
from ecs_market.kernels.bargaining_sides import (
    FAMILY,
    WEIGHT,
    WORTH,
    exchange_rate,
    gained,
    in_steps,
    midpoint,
    money_at,
)
from ecs_market.kernels.jit import kernel
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


def after_deal(
    lots: I64,
    payment: float,
    mode: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    mine: F64,
    yours: F64,
    gains: F64,
    lot_size: float,
) -> None:
    """Write both bundles after a deal, and both gains in utility, 0 in the noise."""
    n = money_at(held)
    for k in range(n):
        mine[k] = float64(held[0, k] + lots[k]) * lot_size
        yours[k] = float64(held[1, k] - lots[k]) * lot_size
    spent = 0.0
    if mode == IN_UTILITY:
        mine[n] = max(0.0, bundle[n] - payment)
        yours[n] = max(0.0, other_bundle[n] + payment)
    elif mode == QUASILINEAR:
        spent = payment
    now = utility(held[0, FAMILY], mine, taste, 0.5 * lot_size)
    gains[0] = gained(now, float64(state[0, WORTH]), state[0, WEIGHT] * spent)
    now = utility(held[1, FAMILY], yours, other_taste, 0.5 * lot_size)
    gains[1] = gained(now, float64(state[1, WORTH]), -state[1, WEIGHT] * spent)


def weigh(
    lots: I64,
    payment: float,
    goal: F64,
    mode: int,
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
    gains: F64,
    verdict: F64,
    lot_size: float,
) -> None:
    """Write the verdict on lots; quasi-linear money at its best, else with this payment."""
    if mode == QUASILINEAR:
        payment = 0.0
    after_deal(
        lots,
        payment,
        mode,
        held,
        bundle,
        taste,
        other_bundle,
        other_taste,
        state,
        mine,
        yours,
        gains,
        lot_size,
    )
    if mode == QUASILINEAR:
        one = gains[0] / state[0, WEIGHT]
        two = gains[1] / state[1, WEIGHT]
        judge(goal, one, two, True, cash, other_cash, verdict)
    else:
        rank(goal, float64(gains[0]), float64(gains[1]), verdict)
        verdict[PAYMENT] = payment


@kernel
def is_better(verdict: F64, best: F64, ties: bool) -> bool:
    """Return whether a verdict beats the best one, or at least equals it."""
    if verdict[ALLOWED] != best[ALLOWED]:
        return bool(verdict[ALLOWED] > best[ALLOWED])
    if ties:
        return bool(verdict[VALUE] >= best[VALUE])
    return bool(verdict[VALUE] > best[VALUE])


@kernel
def keep(verdict: F64, best: F64) -> None:
    """Keep a verdict."""
    for entry in range(verdict.shape[0]):
        best[entry] = verdict[entry]


@kernel
def change(lots: I64, k: int, by: int, held: I64) -> bool:
    """Change the lots of a good, if there are as many; return whether."""
    if -held[0, k] <= lots[k] + by <= held[1, k]:
        lots[k] += by
        return True
    return False


def improve(
    lots: I64,
    payment: float,
    goal: F64,
    mode: int,
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
    gains: F64,
    verdict: F64,
    best: F64,
    lot_size: float,
) -> None:
    """Change `lots`, of one good or of two at a time, while that is better for the goal.

    In the end each good is left out if nothing is lost by that.
    """
    n = money_at(held)
    rest = (goal, mode, cash, other_cash, held, bundle, taste, other_bundle, other_taste, state)
    tools = (mine, yours, gains, verdict, lot_size)
    weigh(lots, payment, *rest, *tools)
    keep(verdict, best)
    size = int64(COARSE)
    while size > 0:
        changes = 0
        going = True
        while going and changes < MOST_CHANGES:
            going = False
            for move in range(2 * n * n):
                k = move // (2 * n)
                m = (move // 2) % n
                by = size if move % 2 == 0 else -size
                # The other good goes the other way, which is how goods are exchanged.
                if not change(lots, k, by, held):
                    continue
                if m != k and not change(lots, m, -by, held):
                    lots[k] -= by
                    continue
                weigh(lots, payment, *rest, *tools)
                if is_better(verdict, best, False):
                    keep(verdict, best)
                    going = True
                    changes += 1
                else:
                    lots[k] -= by
                    if m != k:
                        lots[m] += by
        size //= 2
    for k in range(n):
        kept = lots[k]
        if kept != 0:
            lots[k] = 0
            weigh(lots, payment, *rest, *tools)
            if is_better(verdict, best, True):
                keep(verdict, best)
            else:
                lots[k] = kept


def pay_right(
    lots: I64,
    goal: F64,
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
    gains: F64,
    verdict: F64,
    lot_size: float,
) -> float:
    """Return the payment [M] for given lots that is best where money is in the utility."""
    n = money_at(held)
    low = -other_cash
    high = cash
    for _ in range(HALVINGS):
        payment = 0.5 * (low + high)
        after_deal(
            lots,
            payment,
            IN_UTILITY,
            held,
            bundle,
            taste,
            other_bundle,
            other_taste,
            state,
            mine,
            yours,
            gains,
            lot_size,
        )
        rank(goal, float64(gains[0]), float64(gains[1]), verdict)
        floor = 0.5 * lot_size
        pull = verdict[PULL] * marginal(held[0, FAMILY], mine, taste, floor, n)
        pull -= verdict[PULL + 1] * marginal(held[1, FAMILY], yours, other_taste, floor, n)
        if pull > 0.0:
            high = payment
        else:
            low = payment
    return high if goal[GOAL] == FIRST else low


def support(
    lots: I64,
    mode: int,
    held: I64,
    taste: F64,
    other_taste: F64,
    state: F64,
    mine: F64,
    yours: F64,
    prices: F64,
    lot_size: float,
    last: int,
) -> None:
    """Write the midpoints of both sides' rates after the deal: in M, or in the good `last`."""
    n = money_at(held)
    floor = 0.5 * lot_size
    one = float64(state[0, WEIGHT])
    two = float64(state[1, WEIGHT])
    if mode != QUASILINEAR:
        unit = last if mode == UNIT_OF_ACCOUNT else n
        one = marginal(held[0, FAMILY], mine, taste, floor, unit)
        two = marginal(held[1, FAMILY], yours, other_taste, floor, unit)
    for k in range(n):
        prices[k] = 1.0
        if lots[k] != 0:
            rate = exchange_rate(marginal(held[0, FAMILY], mine, taste, floor, k), one)
            other = exchange_rate(marginal(held[1, FAMILY], yours, other_taste, floor, k), two)
            found = midpoint(max(0.0, rate), max(0.0, other))
            prices[k] = found if found > 0.0 else 1.0


@kernel
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


@kernel
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


@kernel
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


@kernel
def finest(lots: I64) -> int:
    """Return the fewest lots that move of any good: the step of the payments that prices allow."""
    found = int64(0)
    for k in range(lots.shape[0]):
        if lots[k] != 0 and (found == 0 or abs(lots[k]) < found):
            found = abs(int64(lots[k]))
    return found


@kernel
def acceptable(goal: F64, gains: F64) -> bool:
    """Return whether nobody loses and those gain whom the goal wants to."""
    if gains[0] < 0.0 or gains[1] < 0.0:
        return False
    if goal[GOAL] >= FIRST:
        return bool(gains[0] > 0.0 if goal[GOAL] == FIRST else gains[1] > 0.0)
    return bool(gains[0] > 0.0 and gains[1] > 0.0)


def price(
    lots: I64,
    payment: float,
    goal: F64,
    mode: int,
    held: I64,
    bundle: F64,
    taste: F64,
    other_bundle: F64,
    other_taste: F64,
    state: F64,
    mine: F64,
    yours: F64,
    gains: F64,
    prices: F64,
    steps: I64,
    lot_size: float,
    step_size: float,
    minor_size: float,
) -> int:
    """Write prices in steps for a deal with a payment [M]; return it in minor units.

    `gains` are those at these very prices.
    """
    n = money_at(held)
    last = 0
    for k in range(n):
        if lots[k] != 0:
            last = k
    worlds = (held, bundle, taste, other_bundle, other_taste, state, mine, yours)
    after_deal(lots, payment, mode, *worlds, gains, lot_size)
    support(lots, mode, held, taste, other_taste, state, mine, yours, prices, lot_size, last)
    if mode == UNIT_OF_ACCOUNT:
        balance(lots, prices, 0.0)
        unit = float64(prices[last])
        for k in range(n):
            steps[k] = in_steps(prices[k] / unit, step_size)
        return int64(0)
    balance(lots, prices, payment / lot_size)
    cost = whole_steps(lots, prices, payment / minor_size, step_size, steps)
    for _ in range(MOST_NUDGES):
        after_deal(lots, float64(cost) * minor_size, mode, *worlds, gains, lot_size)
        if acceptable(goal, gains) and -held[1, n] <= cost <= held[0, n]:
            return cost
        cost += nudge(lots, steps, gains[1] < 0.0 or cost < -held[1, n])
    after_deal(lots, float64(cost) * minor_size, mode, *worlds, gains, lot_size)
    return cost
