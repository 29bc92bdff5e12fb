"""From desired to settled trades: feasible, exact, and nobody worse off.

`utility` is bound to the families in use; see `mechanisms.settlement`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.rationing import assign_indifferent, fill_orders, share_out
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.types import F64, I64, Bool, float64, int64

# Utilities are compared up to this share of their size: the float error of the comparison.
NOISE = 1e-12


def gain_of(
    family: int,
    lots: I64,
    change: I64,
    paid: int,
    parameters: F64,
    weight: float,
    lot_size: float,
    minor_size: float,
    before: F64,
    after: F64,
) -> float:
    """Return the change in utility [utility] of a net trade, 0 within the noise of comparing."""
    floor = 0.5 * lot_size
    changed = False
    for k in range(lots.shape[0]):
        before[k] = float64(lots[k]) * lot_size
        after[k] = float64(lots[k] + change[k]) * lot_size
        changed = changed or change[k] != 0
    if not changed:
        return 0.0
    old = utility(family, before, parameters, floor)
    new = utility(family, after, parameters, floor)
    spent = weight * (float64(paid) * minor_size)
    gain = new - old - spent
    return 0.0 if abs(gain) <= NOISE * (abs(old) + abs(new) + abs(spent)) else gain


def settle_posts(
    start: int,
    stop: int,
    first: I64,
    active: Bool,
    steps: I64,
    ids: I64,
    family: I64,
    lots: I64,
    minor: I64,
    parameters: F64,
    weight: F64,
    indifferent: Bool,
    lot_size: float,
    minor_size: float,
    desired: I64,
    wished: I64,
    filled: I64,
    gain: F64,
) -> None:
    """Ration the desired net trades of each post's members [lot] and write what they settle.

    Rounds: fill the short side, share out the long side; whoever would then lack the cash has its
    purchases cut just enough, whoever would be worse off has its whole wish scaled by its smallest
    fill, or dropped if it has been filled as wished.  Wishes only shrink, so the rounds end.
    `wished` keeps what they were at first, with what the indifferent take up; `gain` is in M.
    """
    goods = lots.shape[1]
    before = np.empty(goods)
    after = np.empty(goods)
    for post in range(start, stop):
        if not active[post]:
            continue
        a = first[post]
        b = first[post + 1]
        price = steps[post]
        weights = np.empty(b - a, np.int64)
        parts = np.empty(b - a, np.int64)
        scratch = np.empty(b - a, np.int64)
        assign_indifferent(
            desired[a:b],
            indifferent[a:b],
            lots[a:b],
            minor[a:b],
            price,
            ids[a:b],
            weights,
            parts,
            scratch,
        )
        for i in range(a, b):
            for k in range(goods):
                wished[i, k] = desired[i, k]
        changed = True
        while changed:
            changed = False
            fill_orders(desired[a:b], ids[a:b], filled[a:b], weights, parts, scratch)
            for i in range(a, b):
                paid = int64(0)
                for k in range(goods):
                    paid += filled[i, k] * price[k]
                if paid > minor[i]:
                    changed = True
                    for k in range(goods):
                        if filled[i, k] > 0 and paid > minor[i]:
                            over = paid - minor[i]
                            cut = min(filled[i, k], (over + price[k] - 1) // price[k])
                            desired[i, k] = filled[i, k] - cut
                            paid -= cut * price[k]
                    continue
                gain[i] = gain_of(
                    family[i],
                    lots[i],
                    filled[i],
                    paid,
                    parameters[i],
                    weight[i],
                    lot_size,
                    minor_size,
                    before,
                    after,
                )
                if gain[i] >= 0.0:
                    continue
                changed = True
                smallest = 1.0
                for k in range(goods):
                    if desired[i, k] != 0:
                        rate = float64(filled[i, k]) / float64(desired[i, k])
                        smallest = min(smallest, rate)
                for k in range(goods):
                    if smallest < 1.0:
                        desired[i, k] = int64(float64(desired[i, k]) * smallest)
                    else:
                        desired[i, k] = 0
        for i in range(a, b):
            gain[i] /= weight[i]


def settle_barter(
    start: int,
    stop: int,
    first: I64,
    active: Bool,
    steps: I64,
    numeraire: I64,
    ids: I64,
    family: I64,
    lots: I64,
    minor: I64,  # noqa: ARG001  # it takes the arguments of settle_posts
    parameters: F64,
    weight: F64,
    indifferent: Bool,
    lot_size: float,
    minor_size: float,
    desired: I64,
    wished: I64,
    filled: I64,
    gain: F64,
) -> None:
    """Settle goods for goods at given relative prices: no money moves, every good is conserved.

    Members who do not mind take up what the others leave.  The other goods are rationed as usual;
    the numeraire then balances each member's budget to within one lot, rounded so that it too is
    conserved.  Members that would be worse off or lack the numeraire have their whole wish scaled
    down.  `gain` is in units of the numeraire.
    """
    goods = lots.shape[1]
    before = np.empty(goods)
    after = np.empty(goods)
    for post in range(start, stop):
        if not active[post]:
            continue
        a = first[post]
        b = first[post + 1]
        price = steps[post]
        unit = numeraire[post]
        weights = np.empty(b - a, np.int64)
        parts = np.empty(b - a, np.int64)
        scratch = np.empty(b - a, np.int64)
        for i in range(a, b):
            desired[i, unit] = 0
        assign_indifferent(
            desired[a:b],
            indifferent[a:b],
            lots[a:b],
            lots[a:b, unit] * price[unit],
            price,
            ids[a:b],
            weights,
            parts,
            scratch,
        )
        for i in range(a, b):
            for k in range(goods):
                wished[i, k] = desired[i, k]
        changed = True
        while changed:
            changed = False
            fill_orders(desired[a:b], ids[a:b], filled[a:b], weights, parts, scratch)
            rest = int64(0)
            for i in range(a, b):
                owed = int64(0)
                for k in range(goods):
                    if k != unit:
                        owed += filled[i, k] * price[k]
                filled[i, unit] = (-owed) // price[unit]
                weights[i - a] = (-owed) - filled[i, unit] * price[unit]
                rest -= filled[i, unit]
            share_out(weights, max(1, rest) * price[unit], rest, ids[a:b], parts, scratch)
            for i in range(a, b):
                filled[i, unit] += parts[i - a]
                short = lots[i, unit] + filled[i, unit] < 0
                gain[i] = gain_of(
                    family[i],
                    lots[i],
                    filled[i],
                    0,
                    parameters[i],
                    weight[i],
                    lot_size,
                    minor_size,
                    before,
                    after,
                )
                if gain[i] >= 0.0 and not short:
                    continue
                changed = True
                smallest = 1.0
                for k in range(goods):
                    if k != unit and desired[i, k] != 0:
                        rate = float64(filled[i, k]) / float64(desired[i, k])
                        smallest = min(smallest, rate)
                if short:
                    have = float64(lots[i, unit])
                    smallest = min(smallest, have / float64(-filled[i, unit]))
                for k in range(goods):
                    if smallest < 1.0:
                        desired[i, k] = int64(float64(desired[i, k]) * smallest)
                    else:
                        desired[i, k] = 0
        for i in range(a, b):
            for k in range(goods):
                before[k] = float64(lots[i, k]) * lot_size
            worth = marginal(family[i], before, parameters[i], 0.5 * lot_size, unit)
            gain[i] = gain[i] / worth if worth > 0.0 else 0.0
