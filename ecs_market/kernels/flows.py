"""Who among the indifferent buys and sells what, so that every good finds a taker.

Members with the same options form a set.  Spending flows from what they must spend, and from goods
that others want more of, to goods that are left over: a maximum flow by shortest augmenting paths
(Edmonds and Karp 1972), so that little is traded that need not be.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.ties import member_rates, member_wealth
from ecs_market.types import F64, I32, I64, Bool, float64, int64

# Options whose worth differs by less are equal: prices are products of a few ratios.
TIE = 1e-9
MOST_SETS = 64
# Flows below this share of the whole are rounding.
LEAST_FLOW = 1e-13


@helper
def push_flow(
    capacity: F64, size: int, source: int, sink: int, least: float, parent: I64, queue: I64
) -> float:
    """Push flow from source to sink until no path carries more than `least`; return the total.

    `capacity` (size, size) is turned into what is left.
    """
    total = 0.0
    while True:
        for node in range(size):
            parent[node] = -1
        parent[source] = source
        queue[0] = source
        head = 0
        tail = 1
        while head < tail and parent[sink] < 0:
            node = queue[head]
            head += 1
            for other in range(size):
                if parent[other] < 0 and capacity[node, other] > least:
                    parent[other] = node
                    queue[tail] = other
                    tail += 1
        if parent[sink] < 0:
            return total
        amount = math.inf
        node = int64(sink)
        while node != source:
            amount = min(amount, capacity[parent[node], node])
            node = parent[node]
        node = int64(sink)
        while node != source:
            capacity[parent[node], node] -= amount
            capacity[node, parent[node]] += amount
            node = parent[node]
        total += amount


@helper
def options_of(
    price: F64,
    traded: Bool,
    goods: F64,
    money: float,
    parameters: F64,
    money_weight: float,
    mode: int,
    rates: F64,
) -> int:
    """Return the options of a member as bits, 0 unless there are several."""
    if member_wealth(price, traded, goods, money, mode) <= 0.0:
        return int64(0)
    best = member_rates(price, traded, parameters, money_weight, mode, rates)
    mask = int64(0)
    many = 0
    for k in range(price.shape[0] + 1):
        if best > 0.0 and rates[k] >= best * (1.0 - TIE):
            mask |= int64(1) << k
            many += 1
    return mask if many > 1 else int64(0)


@kernel
def place_indifferent(
    start: int,
    stop: int,
    wanted: Bool,
    first: I64,
    linear_first: I64,
    linear_last: I64,
    commodities: Bool,
    numeraire: I32,
    price: F64,
    pinned_price: F64,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    shading: F64,
    loose: F64,
    lot_size: float,
    write: bool,
    options: I64,
    holdings: F64,
    indifferent: Bool,
    unplaced: F64,
    gross: F64,
) -> None:
    """Match what indifferent linear members may do with what the others leave, a post each.

    `pinned_price` says who is indifferent, `price` what is paid.  `loose` (posts, K) is how much of
    each good [unit] indifferent members of other families can still buy (row 0) or sell (row 1).
    Writes the value that no flow places and the gross value traded [M]; with `write` also the
    members' holdings, unless they all are indifferent between the same goods and the numeraire.
    """
    n = price.shape[1]
    nodes = n + 1 + MOST_SETS + 2
    rates = np.empty(n + 1)
    masks = np.empty(MOST_SETS, np.int64)
    forced = np.empty(MOST_SETS)
    held = np.empty((MOST_SETS, n + 1))
    rest = np.empty(n + 1)
    at = np.empty(n + 1)
    capacity = np.empty((nodes, nodes))
    parent = np.empty(nodes, np.int64)
    queue = np.empty(nodes, np.int64)
    for post in range(start, stop):
        if not wanted[post]:
            continue
        unit = int64(numeraire[post])
        if unit < 0:
            unit = n
        share = 1.0 - shading[post]
        for k in range(n + 1):
            at[k] = 1.0 if k == n else price[post, k]
            rest[k] = 0.0
        sets = 0
        plain = True
        gross[post] = 0.0
        unplaced[post] = 0.0
        for member in range(first[post], first[post + 1]):
            mask = int64(0)
            if linear_first[post] <= member < linear_last[post]:
                mask = options_of(
                    pinned_price[post],
                    commodities[post],
                    goods[member],
                    money[member],
                    parameters[member],
                    money_weight[member],
                    mode,
                    rates,
                )
            options[member] = mask
            if mask == 0:
                for k in range(n):
                    if commodities[post, k]:
                        net = at[k] * (holdings[member, k] - goods[member, k])
                        rest[k] -= net
                        gross[post] += max(0.0, net)
                continue
            place = 0
            while place < sets and masks[place] != mask:
                place += 1
            if place == sets:
                if sets == MOST_SETS:
                    unplaced[post] = math.inf
                    break
                masks[sets] = mask
                forced[sets] = 0.0
                for k in range(n + 1):
                    held[sets, k] = 0.0
                sets += 1
            for k in range(n):
                if not commodities[post, k]:
                    continue
                value = share * at[k] * goods[member, k]
                if mask >> k & 1:
                    held[place, k] += value
                    plain = plain and (indifferent[member, k] or k == unit)
                else:
                    forced[place] += value
                    rest[k] += value
            if unit == n:
                if mask >> n & 1:
                    held[place, n] += share * money[member]
                else:
                    forced[place] += share * money[member]
        if sets == 0 or unplaced[post] > 0.0:
            continue
        size = n + 1 + sets + 2
        source = size - 2
        sink = size - 1
        for a in range(size):
            for b in range(size):
                capacity[a, b] = 0.0
        total = 0.0
        for place in range(sets):
            total += forced[place]
        balance = total
        for k in range(n):
            if k != unit:
                balance -= rest[k]
        # By Walras' law; the numeraire takes up what rounding leaves.
        rest[unit] = balance
        for k in range(n + 1):
            total += max(0.0, -rest[k])
            if rest[k] > 0.0:
                capacity[k, sink] = rest[k]
            else:
                capacity[source, k] = -rest[k]
            if k < n and k != unit:
                capacity[unit, k] = at[k] * loose[0, post, k]
                capacity[k, unit] = at[k] * loose[1, post, k]
        for place in range(sets):
            node = n + 1 + place
            capacity[source, node] = forced[place]
            for k in range(n + 1):
                if masks[place] >> k & 1:
                    capacity[node, k] = 4.0 * total
                    capacity[k, node] = held[place, k]
        pushed = push_flow(capacity, size, source, sink, LEAST_FLOW * total, parent, queue)
        unplaced[post] = max(0.0, total - pushed)
        gross[post] += pushed
        if not write or (plain and sets == 1 and masks[0] >> unit & 1):
            continue
        spread_flows(
            int64(linear_first[post]),
            int64(linear_last[post]),
            unit,
            at,
            share,
            masks,
            sets,
            held,
            4.0 * total,
            capacity,
            goods,
            money,
            options,
            commodities[post],
            lot_size,
            holdings,
            indifferent,
        )


@helper
def spread_flows(
    first: int,
    last: int,
    unit: int,
    at: F64,
    share: float,
    masks: I64,
    sets: int,
    held: F64,
    most: float,
    capacity: F64,
    goods: F64,
    money: F64,
    options: I64,
    traded: Bool,
    lot_size: float,
    holdings: F64,
    indifferent: Bool,
) -> None:
    """Write what each member of a set does: sales by what it owns, purchases by its proceeds.

    Amounts are rounded to lots so that running totals are right to within half a lot.
    """
    n = goods.shape[1]
    sold = np.zeros((sets, n + 1))
    bought = np.zeros((sets, n + 1))
    for place in range(sets):
        node = n + 1 + place
        total = 0.0
        for k in range(n + 1):
            if masks[place] >> k & 1:
                net = most - capacity[node, k]
                if net < 0.0 and held[place, k] > 0.0:
                    sold[place, k] = min(1.0, -net / held[place, k])
                elif net > 0.0:
                    bought[place, k] = net
                    total += net
        for k in range(n + 1):
            if total > 0.0:
                bought[place, k] /= total
    due = np.zeros(n)
    given = np.zeros(n)
    for member in range(first, last):
        if options[member] == 0:
            continue
        place = 0
        while masks[place] != options[member]:
            place += 1
        proceeds = 0.0
        for k in range(n + 1):
            if k < n and not traded[k]:
                continue
            if k == n and unit < n:
                continue
            owned = share * (at[k] * goods[member, k] if k < n else float64(money[member]))
            listed = options[member] >> k & 1
            proceeds += owned * (sold[place, k] if listed else 1.0)
        for k in range(n):
            if not traded[k]:
                continue
            listed = options[member] >> k & 1
            owned = share * goods[member, k]
            net = -owned * (sold[place, k] if listed else 1.0)
            net += bought[place, k] * proceeds / at[k]
            lots = net / lot_size
            due[k] += lots
            whole = math.floor(due[k] - given[k] + 0.5)
            whole = min(math.ceil(lots - 1e-6), max(math.floor(lots + 1e-6), whole))
            given[k] += whole
            holdings[member, k] = goods[member, k] + whole * lot_size
            indifferent[member, k] = False
