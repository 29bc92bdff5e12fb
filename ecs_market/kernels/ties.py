"""Members of linear utility who are indifferent between several goods, or goods and money.

An option of a member is a good, or money, that gives it most utility for its money.  Goods are
nodes 0 .. K - 1; where money is outside of the bundle it is node K.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import helper, kernel
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I32, I64, Bool, float64, int64


@helper
def member_rates(
    price: F64, traded: Bool, parameters: F64, money_weight: float, mode: int, rates: F64
) -> float:
    """Write the utility of a unit of money spent on each node, 0 if untraded; return the best."""
    n = price.shape[0]
    best = 0.0
    for k in range(n):
        rates[k] = 0.0
        if traded[k]:
            rates[k] = float64(parameters[k] / price[k])
    rates[n] = float64(money_weight) if mode == QUASILINEAR else 0.0
    for k in range(n + 1):
        best = max(best, rates[k])
    return best


@helper
def member_wealth(price: F64, traded: Bool, goods: F64, money: float, mode: int) -> float:
    """Return what a member can spend on what its post trades [M]."""
    wealth = float64(money) if mode == QUASILINEAR else 0.0
    for k in range(price.shape[0]):
        if traded[k]:
            wealth += price[k] * goods[k]
    return wealth


@helper
def find_edges(
    price: F64,
    traded: Bool,
    first: int,
    last: int,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    near: float,
    gap: F64,
    ratio: F64,
    rates: F64,
) -> None:
    """Write, for each pair of nodes, the price ratio at which some member is indifferent.

    Among the members whose two options differ by at most the share `near`, it is that of the one
    nearest to indifference, whose `gap` is kept; 2 where there is none.
    """
    n = price.shape[0]
    for k in range(n + 1):
        for m in range(n + 1):
            gap[k, m] = 2.0
    for member in range(first, last):
        if member_wealth(price, traded, goods[member], money[member], mode) <= 0.0:
            continue
        own = parameters[member]
        best = member_rates(price, traded, own, money_weight[member], mode, rates)
        if best <= 0.0:
            continue
        top = 0
        for k in range(n, -1, -1):
            if rates[k] == best:
                top = k
        for k in range(n + 1):
            off = 1.0 - rates[k] / best
            if k == top or off > near:
                continue
            a = min(k, top)
            b = max(k, top)
            if off < gap[a, b]:
                gap[a, b] = off
                worth = float64(money_weight[member]) if b == n else float64(own[b])
                ratio[a, b] = own[a] / worth


@kernel
def tie_prices(
    start: int,
    stop: int,
    wanted: Bool,
    first: I64,
    last: I64,
    commodities: Bool,
    numeraire: I32,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    near: float,
    price: F64,
    group: I64,
) -> None:
    """Move prices to where members who are nearly indifferent are exactly so, posts a range.

    Goods that are tied to one another share a number in `group`; those tied to the numeraire, whose
    prices are thereby known, have -1.  `first` and `last` bound each post's linear members.
    Edges are taken by their gap, the smallest first, as long as they join what is apart.
    """
    n = price.shape[1]
    gap = np.empty((n + 1, n + 1))
    ratio = np.ones((n + 1, n + 1))
    rates = np.empty(n + 1)
    at = np.empty(n + 1)
    part = np.empty(n + 1, np.int64)
    for post in range(start, stop):
        if not wanted[post]:
            continue
        unit = int64(numeraire[post])
        if unit < 0:
            unit = n
        find_edges(
            price[post],
            commodities[post],
            int64(first[post]),
            int64(last[post]),
            goods,
            money,
            parameters,
            money_weight,
            mode,
            near,
            gap,
            ratio,
            rates,
        )
        for k in range(n + 1):
            part[k] = k
            at[k] = 1.0 if k == n else price[post, k]
        while True:
            a = int64(-1)
            b = int64(-1)
            least = 1.5
            for k in range(n + 1):
                for m in range(k + 1, n + 1):
                    if part[k] != part[m] and gap[k, m] < least:
                        least = gap[k, m]
                        a = int64(k)
                        b = int64(m)
            if a < 0:
                break
            moving = part[a]
            kept = part[b]
            scale = ratio[a, b] * at[b] / at[a]
            if moving == part[unit]:
                moving = part[b]
                kept = part[a]
                scale = at[a] / (ratio[a, b] * at[b])
            for k in range(n + 1):
                if part[k] == moving:
                    # The good of the edge itself is set, not scaled: its price is then exact.
                    at[k] = at[k] * scale
                    if k == a and kept == part[b]:
                        at[k] = ratio[a, b] * at[b]
                    part[k] = kept
        for k in range(n):
            group[post, k] = -1
            if commodities[post, k] and part[k] != part[unit]:
                price[post, k] = at[k]
                group[post, k] = k
                for m in range(k - 1, -1, -1):
                    if part[m] == part[k] and commodities[post, m]:
                        group[post, k] = m
            elif commodities[post, k] and k != unit:
                price[post, k] = at[k]


@kernel
def judge_groups(
    running: Bool,
    group: I64,
    price: F64,
    endowment: F64,
    low: F64,
    bought: F64,
    sold: F64,
    tolerance: F64,
    zeta: F64,
    done: Bool,
) -> None:
    """Write the relative excess demand of tied goods together, by value, at the first of them."""
    for post in range(price.shape[0]):
        if not running[post]:
            continue
        done[post] = True
        for k in range(price.shape[1]):
            zeta[post, k] = 0.0
            if group[post, k] != k:
                continue
            wanted = 0.0
            owned = 0.0
            gross = 0.0
            for m in range(k, price.shape[1]):
                if group[post, m] == k:
                    wanted += price[post, m] * low[post, m]
                    owned += price[post, m] * endowment[post, m]
                    gross += price[post, m] * max(bought[post, m], sold[post, m])
            larger = max(wanted, owned)
            if larger > 0.0:
                zeta[post, k] = (wanted - owned) / larger
            if abs(wanted - owned) > 0.1 * tolerance[post] * gross:
                done[post] = False
