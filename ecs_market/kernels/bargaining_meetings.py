# every rule has the signature that the loop over pairs calls

"""Pairs that settle everything in one deal: the Nash and its related solutions, pair by pair.

`settle_jointly` is a template, copied for the families in use; see `mechanisms.bargaining`.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.bargaining_deal import acceptable, finest, improve, pay_right, price
from ecs_market.kernels.bargaining_joint import (
    FIRST,
    GOAL,
    IDEAL,
    PAYMENT,
    SHARES,
    Draft,
    new_draft,
    solve,
)
from ecs_market.kernels.bargaining_sides import (
    BUYER,
    FIELDS,
    GAINED,
    HIGHER,
    LOWER,
    WEIGHT,
    Pair,
    Scale,
    money_at,
    money_rate,
    new_pair,
    note,
    pick_items,
    put_back,
    take_up,
    with_room,
    worth,
    write_gains,
    write_rates,
)
from ecs_market.kernels.jit import borrowing
from ecs_market.kernels.tallying import count
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64


@borrowing
def buyer_at(pair: Pair, scale: Scale, tried: Bool) -> int:
    """Return the side that would buy the good whose rates of exchange are furthest apart."""
    for k in range(tried.shape[0]):
        for unit in range(tried.shape[1]):
            tried[k, unit] = False
    k, _, one, two = pick_items(pair, scale, tried)
    return 0 if k < 0 or one > two else 1


@borrowing
def proposer(lead: int, buyer: int) -> int:
    """Return the side that makes the offer."""
    if lead == LOWER or lead == HIGHER:
        return lead
    return buyer if lead == BUYER else 1 - buyer


@borrowing
def to_lots(pair: Pair, scale: Scale, draft: Draft) -> None:
    """Round a net trade to lots that there are."""
    for k in range(draft.lots.shape[0]):
        wish = int64(math.floor(draft.best[k] / scale.lot + 0.5))
        draft.lots[k] = min(max(wish, -pair.held[0, k]), pair.held[1, k])


@borrowing
def move_deal(pair: Pair, lots: I64, paid: int) -> None:
    """Book a deal in what both sides hold."""
    n = money_at(pair)
    for at in range(2):
        sign = 1 - 2 * at
        for k in range(n):
            pair.held[at, k] += sign * lots[k]
        pair.held[at, n] -= sign * paid


@borrowing
def count_gains(pair: Pair, scale: Scale, draft: Draft, paid: int) -> None:
    """Count both gains in money, or in the last good that moves.

    Quasi-linear money that side 0 paid is left out.
    """
    k = -1
    unit = 0
    for good in range(draft.lots.shape[0]):
        if draft.lots[good] != 0:
            k = good if k < 0 else k
            unit = good
    for at in range(2):
        gain = float64(draft.gains[at])
        state = pair.state
        if scale.mode == QUASILINEAR:
            spent = float64(paid) * scale.minor
            state[at, GAINED] = gain / state[at, WEIGHT] + (spent if at == 0 else -spent)
        elif gain > 0.0:
            rate = money_rate(pair, at, scale.mode, k, unit)
            state[at, GAINED] = gain / rate if rate > 0.0 else 0.0


def find_solution(
    pair: Pair, scale: Scale, draft: Draft, goal: F64, cash: tuple[float, float]
) -> bool:
    """Write the best net trade for the goal; return whether there is one.

    Shares of what each could gain at most need three searches, the first two for what that is.
    """
    if goal[GOAL] != SHARES:
        return solve(pair, scale, draft, goal, cash) > -math.inf
    for turn in range(3):
        goal[GOAL] = SHARES if turn == 2 else FIRST + turn
        found = solve(pair, scale, draft, goal, cash)
        if turn < 2:
            if found <= 0.0:
                return False
            goal[IDEAL + turn] = found
    return found > -math.inf


def find_deal(
    pair: Pair, scale: Scale, draft: Draft, goal: F64, cash: tuple[float, float]
) -> tuple[bool, int]:
    """Write lots and prices from the best net trade; return whether both agree, and the payment."""
    pays = scale.mode == QUASILINEAR
    n = money_at(pair)
    to_lots(pair, scale, draft)
    payment = -float64(draft.best[n]) if scale.mode == IN_UTILITY else 0.0
    improve(pair, scale, draft, goal, cash, payment)
    payment = float64(draft.kept[PAYMENT])
    slack = 2.0 * float64(finest(draft.lots)) * scale.minor
    if pays and (payment > cash[0] - slack or payment < slack - cash[1]):
        # Payments move by such steps, and this one must not end beyond what there is.
        less = (max(0.0, cash[0] - slack), max(0.0, cash[1] - slack))
        improve(pair, scale, draft, goal, less, payment)
        payment = float64(draft.kept[PAYMENT])
    if scale.mode == IN_UTILITY:
        payment = pay_right(pair, scale, draft, goal, cash)
    paid = price(pair, scale, draft, goal, scale.mode, payment)
    agreed = -pair.held[1, n] <= paid <= pair.held[0, n] and acceptable(goal, draft.gains)
    if not agreed and (scale.mode == IN_UTILITY or (scale.barter and pays)):
        # Goods for goods, where no price in whole steps makes the payment possible.
        for at in range(2):
            for item in range(n, pair.bundle.shape[1]):
                draft.after[at, item] = pair.bundle[at, item]
        paid = price(pair, scale, draft, goal, UNIT_OF_ACCOUNT, 0.0)
        agreed = acceptable(goal, draft.gains)
    return agreed, paid


def settle_jointly(
    start: int,
    stop: int,
    first: I64,
    second: I64,
    ids: I64,
    goods: I64,
    money: I64,
    family: I8,
    parameters: F64,
    weight: F64,
    scale: Scale,
    entries: int,
    rule: F64,
    leads: I8,
    halves: I64,
    filled: Bool,
    gained: I64,
    trades: I32,
    origin: I64,
    sums: tuple[F64, F64, F64],
    itemise: bool,
    rows: I32,
) -> I64:
    """Find and book the deal of each pair in turn.

    The parameters are those of `bargaining.trade_in_rounds`; `rule` is what `solve` calls the goal.
    To `itemise` is to return one row for each good of a deal: buyer id, seller id, good, lots,
    price [step].
    """
    n = goods.shape[1]
    record = np.empty((0, FIELDS), np.int64)
    used = 0
    tried = np.empty((n, n + 1), np.bool_)
    goal = np.empty(4)
    pair = new_pair(n, entries, parameters.shape[1], halves.shape[0])
    draft = new_draft(n, entries)
    lots = draft.lots
    unit = 0.0 if scale.mode == UNIT_OF_ACCOUNT else scale.minor
    for place in range(start, stop):
        for at in range(2):
            row = first[place] if at == 0 else second[place]
            take_up(row, at, goods, money, family, parameters, weight, scale, pair)
            worth(pair, scale, at)
            write_rates(pair, scale, at, -1, -1)
        trades[place] = 0
        rows[place] = 0
        gained[place, 0] = 0
        gained[place, 1] = 0
        for entry in range(4):
            goal[entry] = rule[entry]
        if goal[GOAL] == FIRST:
            goal[GOAL] += proposer(leads[place], buyer_at(pair, scale, tried))
        cash = (float64(pair.held[0, n]) * unit, float64(pair.held[1, n]) * unit)
        if not find_solution(pair, scale, draft, goal, cash):
            continue
        agreed, paid = find_deal(pair, scale, draft, goal, cash)
        if itemise and used + n > record.shape[0]:
            record = with_room(record, used, n)
        for k in range(n):
            if not agreed or lots[k] == 0:
                continue
            trades[place] = 1
            count(place, k, abs(lots[k]), draft.steps[k], origin, sums)
            if itemise:
                i, j = ids[first[place]], ids[second[place]]
                buyer, seller = (i, j) if lots[k] > 0 else (j, i)
                note(record, used, buyer, seller, k, abs(lots[k]), draft.steps[k])
                used += 1
                rows[place] += 1
        if trades[place] > 0:
            count_gains(pair, scale, draft, paid)
            move_deal(pair, lots, paid)
            write_gains(pair, scale, place, money, gained)
            put_back(pair, goods, money)
            filled[first[place]] = True
            filled[second[place]] = True
    return record[:used]
