# ruff: noqa: ARG001  # every rule has the signature that the loop over pairs calls

"""Pairs that settle everything in one deal: the Nash and its related solutions, pair by pair.

`settle_jointly` is a template, copied for the families in use; see `mechanisms.bargaining`.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.bargaining_deal import acceptable, finest, improve, pay_right, price
from ecs_market.kernels.bargaining_joint import FIRST, GOAL, IDEAL, PAYMENT, SHARES, solve
from ecs_market.kernels.bargaining_sides import (
    BUYER,
    FIELDS,
    GAINED,
    HIGHER,
    LOWER,
    WEIGHT,
    exchange_rate,
    money_at,
    money_rate,
    note,
    pick_items,
    put_back,
    take_up,
    worth,
    write_gains,
    write_rates,
)
from ecs_market.kernels.jit import kernel
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64


@kernel
def buyer_at(rates: F64, mode: int, tried: Bool, picked: I64) -> int:
    """Return the side that would buy the good whose rates of exchange are furthest apart."""
    for k in range(tried.shape[0]):
        for unit in range(tried.shape[1]):
            tried[k, unit] = False
    pick_items(rates, mode, False, tried, picked)
    if picked[0] < 0:
        return 0
    one = exchange_rate(rates[0, picked[0]], rates[0, picked[1]])
    two = exchange_rate(rates[1, picked[0]], rates[1, picked[1]])
    return 0 if one > two else 1


@kernel
def proposer(lead: int, buyer: int) -> int:
    """Return the side that makes the offer."""
    if lead == LOWER or lead == HIGHER:
        return lead
    return buyer if lead == BUYER else 1 - buyer


@kernel
def to_lots(best: F64, held: I64, lot_size: float, lots: I64) -> None:
    """Round a net trade to lots that there are."""
    for k in range(lots.shape[0]):
        wish = int64(math.floor(best[k] / lot_size + 0.5))
        lots[k] = min(max(wish, -held[0, k]), held[1, k])


@kernel
def move_deal(lots: I64, paid: int, held: I64) -> None:
    """Book a deal in what both sides hold."""
    n = money_at(held)
    for k in range(n):
        held[0, k] += lots[k]
        held[1, k] -= lots[k]
    held[0, n] -= paid
    held[1, n] += paid


@kernel
def count_gains(lots: I64, paid: float, gains: F64, mode: int, rates: F64, state: F64) -> None:
    """Count both gains in money, or in the last good that moves.

    Quasi-linear money that side 0 paid [M] is left out.
    """
    if mode == QUASILINEAR:
        state[0, GAINED] = gains[0] / state[0, WEIGHT] + paid
        state[1, GAINED] = gains[1] / state[1, WEIGHT] - paid
        return
    k = -1
    unit = 0
    for good in range(lots.shape[0]):
        if lots[good] != 0:
            k = good if k < 0 else k
            unit = good
    for at in range(2):
        if gains[at] > 0.0:
            rate = money_rate(rates, at, mode, k, unit)
            state[at, GAINED] = gains[at] / rate if rate > 0.0 else 0.0


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
    mode: int,
    barter: bool,
    entries: int,
    rule: F64,
    leads: I8,
    lot_size: float,
    step_size: float,
    minor_size: float,
    halves: I64,
    money_steps: int,
    filled: Bool,
    gained: I64,
    trades: I32,
) -> I64:
    """Find and book the deal of each pair in turn.

    The parameters are those of `bargaining.trade_in_rounds`; `rule` is what `solve` calls the goal.
    Returns one row for each good of a deal: buyer id, seller id, good, lots, price [step].
    """
    n = goods.shape[1]
    record = np.empty((0, FIELDS), np.int64)
    used = 0
    rates = np.empty((2, n + 1))
    tried = np.empty((n, n + 1), np.bool_)
    picked = np.empty(2, np.int64)
    held = np.empty((2, n + 3), np.int64)
    bundle = np.empty(entries)
    other_bundle = np.empty(entries)
    mine = np.empty(entries)
    yours = np.empty(entries)
    best = np.empty(entries)
    items = np.empty(entries, np.int64)
    points = np.empty((6, entries))
    shape = np.empty((entries, entries))
    taste = np.empty(parameters.shape[1])
    other_taste = np.empty(parameters.shape[1])
    state = np.empty((2, 3))
    goal = np.empty(4)
    gains = np.empty(2)
    verdict = np.empty(5)
    best_verdict = np.empty(5)
    lots = np.empty(n, np.int64)
    steps = np.empty(n, np.int64)
    prices = np.empty(n)
    agents = (goods, money, family, parameters, weight, lot_size, minor_size, held)
    pays = mode == QUASILINEAR
    for pair in range(start, stop):
        i = first[pair]
        j = second[pair]
        trades[pair] = 0
        gained[pair, 0] = 0
        gained[pair, 1] = 0
        take_up(i, 0, *agents, bundle, taste, state)
        take_up(j, 1, *agents, other_bundle, other_taste, state)
        worth(0, held, bundle, taste, state, lot_size)
        worth(1, held, other_bundle, other_taste, state, lot_size)
        write_rates(0, held, bundle, taste, state, lot_size, rates)
        write_rates(1, held, other_bundle, other_taste, state, lot_size, rates)
        for entry in range(4):
            goal[entry] = rule[entry]
        cash = 0.0 if mode == UNIT_OF_ACCOUNT else float64(held[0, n]) * minor_size
        other_cash = 0.0 if mode == UNIT_OF_ACCOUNT else float64(held[1, n]) * minor_size
        sides = (held, bundle, taste, other_bundle, other_taste, state, mine, yours)
        search = (verdict, items, points, shape, best, lot_size)
        if goal[GOAL] == FIRST:
            goal[GOAL] += proposer(leads[pair], buyer_at(rates, mode, tried, picked))
        passes = 3 if goal[GOAL] == SHARES else 1
        found = 0.0
        for turn in range(passes):
            if passes == 3:
                goal[GOAL] = SHARES if turn == 2 else FIRST + turn
            found = solve(goal, pays, cash, other_cash, *sides, *search)
            if found == -math.inf or (turn < 2 < passes and found <= 0.0):
                found = -math.inf
                break
            if turn < passes - 1:
                goal[IDEAL + turn] = found
        if found == -math.inf:
            continue
        to_lots(best, held, lot_size, lots)
        payment = -float64(best[n]) if mode == IN_UTILITY else 0.0
        judged = (gains, verdict, best_verdict, lot_size)
        improve(lots, payment, goal, mode, cash, other_cash, *sides, *judged)
        payment = float64(best_verdict[PAYMENT])
        slack = 2.0 * float64(finest(lots)) * minor_size
        if pays and (payment > cash - slack or payment < slack - other_cash):
            # Payments move by such steps, and this one must not end beyond what there is.
            most = max(0.0, cash - slack)
            other_most = max(0.0, other_cash - slack)
            improve(lots, payment, goal, mode, most, other_most, *sides, *judged)
            payment = float64(best_verdict[PAYMENT])
        if mode == IN_UTILITY:
            payment = pay_right(lots, goal, cash, other_cash, *sides, gains, verdict, lot_size)
        costs = (prices, steps, lot_size, step_size, minor_size)
        paid = price(lots, payment, goal, mode, *sides, gains, *costs)
        agreed = -held[1, n] <= paid <= held[0, n] and acceptable(goal, gains)
        if not agreed and (mode == IN_UTILITY or (barter and pays)):
            # Goods for goods, where no price in whole steps makes the payment possible.
            for item in range(n, entries):
                mine[item] = bundle[item]
                yours[item] = other_bundle[item]
            paid = price(lots, 0.0, goal, UNIT_OF_ACCOUNT, *sides, gains, *costs)
            agreed = acceptable(goal, gains)
        if not agreed:
            continue
        for k in range(n):
            if lots[k] != 0:
                buyer, seller = (i, j) if lots[k] > 0 else (j, i)
                record = note(record, used, ids[buyer], ids[seller], k, abs(lots[k]), steps[k])
                used += 1
                trades[pair] = 1
        if trades[pair] == 0:
            continue
        count_gains(lots, float64(paid) * minor_size, gains, mode, rates, state)
        move_deal(lots, paid, held)
        write_gains(pair, i, mode, held, money, state, minor_size, gained)
        put_back(held, goods, money)
        filled[i] = True
        filled[j] = True
    return record[:used]
