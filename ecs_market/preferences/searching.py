"""What each agent looks up once a tick: its marginal rates, and the best post for it.

The names imported here from `chain` and `holdings` are bound, for `families.search`, to a dispatch
over all families in use.

A bundle holds K goods [unit]; where money is a good like the others it is one longer, money last.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.broadcast import confidence_at
from ecs_market.kernels.choice import post_score
from ecs_market.kernels.memory import recall, remembered_price, remembered_since
from ecs_market.kernels.spatial import apart
from ecs_market.preferences.chain import last_hessian as hessian
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.holdings import wanted
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F32, F64, I8, I32, I64, Bool, float64, int64, uint64


def appraise(
    start: int,
    stop: int,
    family: I8,
    inventory: I64,
    cash: I64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    lot_size: float,
    minor_size: float,
    rate: F32,
    curvature: F32,
) -> None:
    """Write what a unit more is worth to each agent [M / unit], and how fast that falls.

    `curvature` is minus the slope of the marginal rate along a trade against money, or against the
    numeraire (the last good) when money is a unit of account.  Where the numeraire is worth nothing
    both are in units of utility, and its own rate is 0.  Goods that an agent would rather not have
    are worth 0.
    """
    goods_count = inventory.shape[1]
    n = goods_count + (1 if mode == IN_UTILITY else 0)
    goods = np.empty(n)
    rates = np.empty(n)
    last = n - 1
    floor = 0.5 * lot_size
    for row in range(start, stop):
        code = int64(family[row])
        for k in range(goods_count):
            goods[k] = float64(inventory[row, k]) * lot_size
        if mode == IN_UTILITY:
            goods[last] = float64(cash[row]) * minor_size
        own = parameters[row]
        for k in range(n):
            rates[k] = marginal(code, goods, own, floor, k)
        paid = mode != QUASILINEAR
        worth = rates[last] if paid else money_weight[row]
        if worth <= 0.0:
            worth = 1.0
            paid = False
        for k in range(goods_count):
            m = rates[k] / worth
            bend = 0.0
            # Along the trade good k changes by 1 and the last one by -m.
            for term in range(3 if paid else 1):
                first = last if term == 1 else k
                second = k if term == 0 else last
                size = 1.0
                if term > 0:
                    size = m * m if term == 1 else -2.0 * m
                bend += size * hessian(code, goods, own, floor, first, second)
            if mode == UNIT_OF_ACCOUNT and k == last:
                m = 1.0 if paid else 0.0
                bend = 0.0
            rate[row, k] = np.float32(max(0.0, m))
            curvature[row, k] = np.float32(max(0.0, -bend / worth))


def gain_at(
    family: int,
    price: F64,
    fee_rate: float,
    fee_unit: float,
    shading: float,
    traded: Bool,
    goods: F64,
    money: float,
    parameters: F64,
    money_weight: float,
    mode: int,
    numeraire: int,
    floor: float,
    before: float,
    worth: float,
    work: F64,
    mask: Bool,
    low: F64,
    high: F64,
) -> float:
    """Return the gain [M] of trading at `price`, no good by more than the agent's own holding.

    `worth` is the utility of a unit of money, or of what counts for it.
    """
    n = goods.shape[0]
    wanted(
        family,
        price,
        fee_rate,
        fee_unit,
        traded,
        goods,
        money,
        parameters,
        money_weight,
        mode,
        numeraire,
        floor,
        0.0,
        work,
        mask,
        low,
        high,
    )
    share = 1.0 - shading
    for k in range(n):
        low[k] = 0.0 if low[k] <= goods[k] <= high[k] else low[k] - goods[k]
        size = abs(low[k])
        limit = max(goods[k], 1.0)
        if size * share > limit and not (mode == IN_UTILITY and k == numeraire):
            share = limit / size
    cost = 0.0
    for k in range(n):
        high[k] = goods[k] + share * low[k]
        cost += (price[k] * low[k] + (fee_rate * price[k] + fee_unit) * abs(low[k])) * share
    change = utility(family, high, parameters, floor) - before
    return change / worth - (cost if mode == QUASILINEAR else 0.0)


def find_market(
    start: int,
    stop: int,
    family: I8,
    inventory: I64,
    cash: I64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    lot_size: float,
    minor_size: float,
    x: I32,
    y: I32,
    tile_shift: int,
    tiles_x: int,
    tile_start: I32,
    tile_posts: I32,
    post_x: I32,
    post_y: I32,
    post_id: I64,
    budget: I32,
    interaction: I32,
    sight: I32,
    hearing: I32,
    commodities: Bool,
    numeraire: I32,
    fee_rate: F64,
    fee_unit: F64,
    shading: F64,
    heard_price: F64,
    confidence: F64,
    unheard_confidence: float,
    distance_floor: float,
    up: float,
    down: float,
    beta_power: F64,
    min_value: float,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    tick: int,
    market_kind: int,
    best_market: I32,
    best_value: F32,
    wanders: bool,
    period_x: int,
    period_y: int,
    ids: I64,
    seed: int,
    temperature: float,
    standing: F64,
    promise: F32,
    post_rows: I64,
    memory_post: I64,
    memory_price: I64,
    memory_formed: I32,
    step_numerator: float,
    step_denominator: float,
    decays: bool,
    half_life: float,
) -> None:
    """Write each agent's best market post and its discounted value [M]; 0 where there is none.

    Ties go to the post that is pursued already, then to the lower id.  Who cannot walk, or wanders
    without looking, finds only posts within reach.  A post out of earshot is valued at the prices
    remembered of it.  `promise` gets the gain at the prices known of the best post, unless it has
    no entries.
    """
    goods_count = inventory.shape[1]
    n = goods_count + (1 if mode == IN_UTILITY else 0)
    goods = np.empty(n)
    rate = np.empty(n)
    price = np.empty(n)
    tilted = np.empty(n)
    low = np.empty(n)
    high = np.empty(n)
    work = np.empty((3, n))
    traded = np.ones(n, np.bool_)
    mask = np.empty(n, np.bool_)
    floor = 0.5 * lot_size
    slots = memory_post.shape[1]
    for row in range(uint64(start), uint64(stop)):
        code = int64(family[row])
        chosen = int64(-1)
        value_chosen = 0.0
        score_chosen = -np.inf if temperature > 0.0 else 0.0
        promised = 0.0
        best_market[row] = -1
        best_value[row] = 0.0
        tile = uint64((int64(y[row]) >> tile_shift) * tiles_x + (int64(x[row]) >> tile_shift))
        here = int64(tile_start[tile + uint64(1)]) - int64(tile_start[tile])
        if here + slots == 0:
            continue
        own = parameters[row]
        weight = money_weight[row]
        for k in range(goods_count):
            goods[k] = float64(inventory[row, k]) * lot_size
        money = float64(cash[row]) * minor_size
        if mode == IN_UTILITY:
            goods[goods_count] = money
        if mode != QUASILINEAR or weight <= 0.0:
            for k in range(n):
                rate[k] = marginal(code, goods, own, floor, k)
        before = utility(code, goods, own, floor)
        kept = int64(-1)
        if intent_kind[row] == market_kind and intent_since[row] >= 0:
            kept = intent_target[row]
        since = int64(tick)
        if intent_since[row] >= 0:
            since = int64(intent_since[row])
        for entry in range(here + slots):
            # First the posts that reach into the tile, then those that are remembered besides.
            noted = int64(entry) - here
            if noted < 0:
                post = uint64(tile_posts[uint64(int64(tile_start[tile]) + entry)])
            elif memory_post[row, noted] >= 0:
                post = uint64(post_rows[memory_post[row, noted]])
            else:
                continue
            distance = apart(int64(x[row]), int64(post_x[post]), period_x)
            distance += apart(int64(y[row]), int64(post_y[post]), period_y)
            hears = distance <= hearing[post] and confidence[post] > 0.0
            near = hears or distance <= sight[post]
            if noted >= 0 and near:
                continue
            if noted < 0 and not hears:
                noted = int64(recall(row, post_id[post], memory_post))
            if not near and noted < 0:
                continue
            if distance >= beta_power.shape[0]:
                continue
            if (wanders or budget[row] <= 0) and distance > interaction[post]:
                continue
            barred = False
            for slot in range(uint64(barred_kind.shape[1])):
                if (
                    barred_until[row, slot] > tick
                    and barred_kind[row, slot] == market_kind
                    and barred_target[row, slot] == post_id[post]
                ):
                    barred = True
            if barred:
                continue
            counted = int64(numeraire[post])
            if mode == IN_UTILITY:
                counted = goods_count
            for k in range(goods_count):
                traded[k] = commodities[post, k]
            worth = weight if mode == QUASILINEAR else rate[counted]
            # Who has no use for the numeraire counts in the traded good that it values most.
            useless = worth <= 0.0
            steady = counted
            if useless:
                for k in range(n):
                    if traded[k] and rate[k] > worth:
                        worth = rate[k]
                        steady = int64(k)
                if worth <= 0.0:
                    continue
            for k in range(n):
                price[k] = 1.0
                if k != counted:
                    price[k] = heard_price[post, k] if hears else 0.0
                    if noted >= 0:
                        price[k] = remembered_price(
                            row,
                            noted,
                            k,
                            goods_count,
                            memory_price,
                            step_numerator,
                            step_denominator,
                        )
                    if price[k] <= 0.0:
                        price[k] = max(marginal(code, goods, own, floor, k) / worth, 1e-12)
            if useless:
                worth = 0.0
                for k in range(n):
                    if traded[k]:
                        worth = max(worth, rate[k] / price[k])
            value = 0.0
            for turn in range(1 if up == down else 2):
                tilt = up if turn == 0 else down
                for k in range(n):
                    tilted[k] = price[k] if k == steady else price[k] * tilt
                value += (1.0 if up == down else 0.5) * gain_at(
                    code,
                    tilted,
                    fee_rate[post],
                    fee_unit[post],
                    shading[post],
                    traded,
                    goods,
                    money,
                    own,
                    weight,
                    mode,
                    counted,
                    floor,
                    before,
                    worth,
                    work,
                    mask,
                    low,
                    high,
                )
            trust = unheard_confidence
            if noted >= 0:
                age = tick - remembered_since(row, noted, goods_count, memory_price, memory_formed)
                trust = confidence_at(age, decays, half_life, unheard_confidence)
            elif hears:
                trust = confidence[post]
            if (hears or noted >= 0) and hearing[post] > 0:
                trust *= 1.0 - distance_floor * min(distance, int64(hearing[post])) / hearing[post]
            value *= trust * beta_power[distance]
            value *= standing[post]
            if value < min_value:
                continue
            ident = post_id[post]
            if temperature > 0.0 and value <= 0.0:
                continue
            score = post_score(value, temperature, seed, ident, since, ids[row])
            better = score > score_chosen
            if score == score_chosen and chosen != kept:
                better = ident == kept or ident < chosen
            if not better:
                continue
            score_chosen = score
            value_chosen = value
            chosen = ident
            if promise.shape[0] == 0:
                continue
            promised = 0.0
            if hears or noted >= 0:
                promised = gain_at(
                    code,
                    price,
                    fee_rate[post],
                    fee_unit[post],
                    shading[post],
                    traded,
                    goods,
                    money,
                    own,
                    weight,
                    mode,
                    counted,
                    floor,
                    before,
                    worth,
                    work,
                    mask,
                    low,
                    high,
                )
        best_value[row] = value_chosen
        best_market[row] = chosen
        if promise.shape[0] > 0:
            promise[row] = promised
