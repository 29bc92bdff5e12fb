"""Indifferent members whose wishes come in steps of a bounded quantity, such as limit orders.

Marginal buyers and marginal sellers trade with one another: what is traded is then the greatest
volume that clears.  `demand` is bound to the families in use; see `mechanisms.ties`.
"""

from __future__ import annotations

import math

import numpy as np

from ecs_market.kernels.rationing import share_out
from ecs_market.preferences.chain import last_demand as demand
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I32, I64, Bool, int64

# Shares of a lot below this are rounding.
ROUNDING = 1e-6


def write_rooms(
    first: int,
    last: int,
    price: F64,
    traded: Bool,
    numeraire: int,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    floor: float,
    part: float,
    family: I64,
    stepped: Bool,
    indifferent: Bool,
    sure: I64,
    buy: I64,
    sell: I64,
) -> None:
    """Write what each stepped member surely trades, and may buy or sell besides [lot], per good.

    `part` is the share of its wishes that a member shows.
    """
    n = price.shape[0]
    low = np.empty(n)
    high = np.empty(n)
    for member in range(first, last):
        place = member - first
        some = False
        for k in range(n):
            sure[place, k] = 0
            buy[place, k] = 0
            sell[place, k] = 0
            some = some or indifferent[member, k]
        if not some or not stepped[family[member]]:
            continue
        wealth = money[member] if mode == QUASILINEAR else 0.0
        for k in range(n):
            if traded[k]:
                wealth += price[k] * goods[member, k]
        demand(
            family[member],
            price,
            traded,
            goods[member],
            wealth,
            parameters[member],
            money_weight[member],
            mode,
            numeraire,
            floor,
            0.0,
            low,
            high,
        )
        for k in range(n):
            if not indifferent[member, k]:
                continue
            held = goods[member, k]
            least = part * (low[k] - held) / (2.0 * floor)
            most = part * (high[k] - held) / (2.0 * floor)
            kept = min(max(0.0, least), most)
            sure[place, k] = math.floor(kept + 0.5)
            buy[place, k] = math.floor(most - sure[place, k] + ROUNDING)
            sell[place, k] = math.floor(sure[place, k] - least + ROUNDING)


def trade_steps(
    start: int,
    stop: int,
    wanted: Bool,
    first: I64,
    commodities: Bool,
    numeraire: I32,
    price: F64,
    goods: F64,
    money: F64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    floor: float,
    shading: F64,
    family: I64,
    stepped: Bool,
    ids: I64,
    holdings: F64,
    indifferent: Bool,
) -> None:
    """Write what indifferent stepped members hold: they serve the others, then one another.

    Pro rata to what each may buy or sell, largest remainders, ties to the lower id.  Who may do
    both serves the others alone.
    """
    n = price.shape[1]
    for post in range(start, stop):
        if not wanted[post]:
            continue
        a = int64(first[post])
        b = int64(first[post + 1])
        size = b - a
        sure = np.empty((size, n), np.int64)
        buy = np.empty((size, n), np.int64)
        sell = np.empty((size, n), np.int64)
        weights = np.empty(size, np.int64)
        parts = np.empty(size, np.int64)
        scratch = np.empty(size, np.int64)
        write_rooms(
            a,
            b,
            price[post],
            commodities[post],
            int64(numeraire[post]),
            goods,
            money,
            parameters,
            money_weight,
            mode,
            floor,
            1.0 - shading[post],
            family,
            stepped,
            indifferent,
            sure,
            buy,
            sell,
        )
        for k in range(n):
            # What the others buy, less what they sell.
            net = int64(0)
            for i in range(size):
                net += sure[i, k]
                if not indifferent[a + i, k]:
                    net += math.floor((holdings[a + i, k] - goods[a + i, k]) / (2.0 * floor) + 0.5)
            buyers = int64(0)
            sellers = int64(0)
            for i in range(size):
                if buy[i, k] > 0 and sell[i, k] > 0:
                    if net > 0:
                        buy[i, k] = 0
                    else:
                        sell[i, k] = 0
                        if net == 0:
                            buy[i, k] = 0
                buyers += buy[i, k]
                sellers += sell[i, k]
            sold = min(sellers, max(0, net + buyers))
            bought = min(buyers, max(0, sold - net))
            for side in range(2):
                total = buyers if side == 0 else sellers
                amount = bought if side == 0 else sold
                for i in range(size):
                    weights[i] = buy[i, k] if side == 0 else sell[i, k]
                share_out(weights, max(1, total), amount, ids[a:b], parts, scratch)
                for i in range(size):
                    sure[i, k] += parts[i] if side == 0 else -parts[i]
            for i in range(size):
                if indifferent[a + i, k] and stepped[family[a + i]]:
                    holdings[a + i, k] = goods[a + i, k] + 2.0 * floor * sure[i, k]
                    indifferent[a + i, k] = False
