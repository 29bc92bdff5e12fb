"""What members make of a double auction once it is over: what they gained and what they learned.

The plain functions are templates, copied for the families in use; see `mechanisms.double_auction`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.components.double_auction import ZIP
from ecs_market.kernels.auction import Sizes, Tastes
from ecs_market.kernels.budgets import BEHAVIOUR, FEE_PER_LOT, FEE_PPB
from ecs_market.kernels.margins import learned_quote
from ecs_market.kernels.order_book import Funds
from ecs_market.kernels.quoting import NOISE, fill_bundle
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I64, Bool, float64, int64


def gain_since(
    i: int, lots: I64, minor: int, funds: Funds, tastes: Tastes, sizes: Sizes, bundle: F64
) -> float:
    """Return what a member gained since it owned `lots` and `minor`, in money [M]."""
    family, parameters, weight = tastes
    mode, lot_size, minor_size = sizes
    now = funds[0][i]
    changed = minor != funds[1][i]
    for k in range(lots.shape[0]):
        changed = changed or lots[k] != now[k]
    if not changed:
        return 0.0
    floor = 0.5 * lot_size
    fill_bundle(now, funds[1][i], lot_size, minor_size, bundle)
    new = utility(family[i], bundle, parameters[i], floor)
    fill_bundle(lots, minor, lot_size, minor_size, bundle)
    old = utility(family[i], bundle, parameters[i], floor)
    spent = 0.0
    worth = weight[i]
    if mode == QUASILINEAR:
        spent = worth * (float64(minor - funds[1][i]) * minor_size)
    else:
        worth = marginal(family[i], bundle, parameters[i], floor, lots.shape[0])
    found = new - old - spent
    if abs(found) <= NOISE * (abs(old) + abs(new) + abs(spent)) or worth <= 0.0:
        return 0.0
    return float64(found / worth)


def close_auctions(
    start: int,
    stop: int,
    first: I64,
    ids: I64,
    lots: I64,
    minor: I64,
    before_lots: I64,
    before_minor: I64,
    family: I64,
    parameters: F64,
    weight: F64,
    commodities: Bool,
    rules: I64,
    shading: F64,
    seed: int,
    tick: int,
    mode: int,
    lot_size: float,
    minor_size: float,
    step_size: float,
    width: int,
    held_lots: I64,
    held_minor: I64,
    margin: F64,
    change: F64,
    seen: I64,
    ring: F64,
    heard: I64,
    gain: F64,
) -> None:
    """Write what members `start` to `stop` gained [M]; those that learn hear the last shouts."""
    bundle = np.empty(width)
    quote = np.empty((2, 2), np.int64)
    funds = (lots, minor, held_lots, held_minor)
    tastes = (family, parameters, weight)
    sizes = (mode, lot_size, minor_size)
    learned = (margin, change, seen)
    post = 0
    for i in range(start, stop):
        while first[post + 1] <= i:
            post += 1
        gain[i] = gain_since(i, before_lots[i], before_minor[i], funds, tastes, sizes, bundle)
        rule = rules[post]
        if rule[BEHAVIOUR] != ZIP:
            continue
        for k in range(commodities.shape[1]):
            if commodities[post, k]:
                learned_quote(
                    i,
                    ids[i],
                    k,
                    rule,
                    shading[post],
                    (seed, tick, int64(0), int64(0)),
                    funds,
                    (rule[FEE_PPB], rule[FEE_PER_LOT]),
                    tastes,
                    sizes,
                    step_size,
                    (ring[post], heard[post]),
                    learned,
                    bundle,
                    quote,
                )
