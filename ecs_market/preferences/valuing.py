"""What trading at a post would be worth to an agent, at the prices that it goes by.

The names imported here from `chain` and `holdings` are bound, for `families.search`, to a dispatch
over all families in use.  Offers of posts alike to agents of one family are valued side by side
where the family can do so (see `blocks`), with the same bits as one by one.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.jit import absorbed, helper
from ecs_market.kernels.memory import remembered_price
from ecs_market.preferences.blocks import BLOCK, Block, new_block
from ecs_market.preferences.chain import last_demands as demands
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utilities as utilities
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.holdings import wanted
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.preferences.offers import Offers, Posts, Rules, Seekers
from ecs_market.types import F64, I32, Bool, float64, int64

# What is valued: what is held, and trades at prices that turn out higher, at lower ones, and at
# those known.
BEFORE, UP, DOWN, KNOWN = range(4)
TURNS = 4
# Whether some family has functions of blocks.
TOGETHER = False


class Desk(NamedTuple):
    """Room for valuing offers: arrays (n,) are for one agent, (.., BLOCK) for a block.

    Attributes
    ----------
    block
        Holdings, parameters and wishes of a block of agents.
    taken, who
        int32 (BLOCK,): the offers of a block, as they came and in the order of its columns.
    steady
        int32 (BLOCK,): the good whose price is certain.
    known, tilted
        float64 (n, BLOCK): prices as known, and as they may turn out to be [M / unit].
    unit, share, cost, old, new
        float64 (BLOCK,): utility of a unit of money, which part of a trade is counted, what it
        costs [M], and utilities without and with it.
    rate, price, goods, low, high, own
        float64 (n,); `own` is (width,).
    work
        float64 (3, n).
    traded, mask
        bool (n,).
    """

    block: Block
    taken: I32
    who: I32
    steady: I32
    known: F64
    tilted: F64
    unit: F64
    share: F64
    cost: F64
    old: F64
    new: F64
    rate: F64
    price: F64
    goods: F64
    low: F64
    high: F64
    own: F64
    work: F64
    traded: Bool
    mask: Bool


@helper
def new_desk(n: int, width: int) -> Desk:
    """Make room for bundles of n entries and `width` parameters."""
    return Desk(
        new_block(n, width),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.empty(BLOCK, np.int32),
        np.empty((n, BLOCK)),
        np.empty((n, BLOCK)),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(BLOCK),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(n),
        np.empty(width),
        np.empty((3, n)),
        np.ones(n, np.bool_),
        np.empty(n, np.bool_),
    )


def trade_at(
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
    work: F64,
    mask: Bool,
    low: F64,
    high: F64,
) -> float:
    """Write to `high` what is held after trading at `price`, and return what that costs [M].

    No good is traded by more than the agent's own holding.
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
    return cost


def write_prices(
    row: int,
    post: int,
    noted: int,
    hears: bool,
    counted: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    desk: Desk,
) -> tuple[float, int]:
    """Write the prices that an agent goes by; return what a unit of money is worth, and a good.

    The worth is 0 where the agent has no use for anything it could get.  The good is the one whose
    price is certain: what is counted in, and for who has no use for that the traded good that it
    values most, in which it then counts.  Without a price it has an idea of its own: its rate.
    """
    code = int64(seekers.family[row])
    goods_count = posts.price.shape[1]
    n = desk.price.shape[0]
    worth = seekers.money_weight[row]
    asked = rules.mode != QUASILINEAR or worth <= 0.0
    for k in range(n):
        desk.price[k] = 1.0
        if k != counted:
            desk.price[k] = posts.price[post, k] if hears else 0.0
            if noted >= 0:
                desk.price[k] = remembered_price(
                    row,
                    noted,
                    k,
                    goods_count,
                    seekers.memory_price,
                    rules.step_numerator,
                    rules.step_denominator,
                )
            asked |= desk.price[k] <= 0.0
    if asked:
        for k in range(n):
            desk.rate[k] = marginal(code, desk.goods, desk.own, 0.5 * rules.lot_size, k)
    if rules.mode != QUASILINEAR:
        worth = desk.rate[counted]
    useless = worth <= 0.0
    steady = int64(counted)
    if useless:
        for k in range(n):
            if desk.traded[k] and desk.rate[k] > worth:
                worth = desk.rate[k]
                steady = int64(k)
        if worth <= 0.0:
            return 0.0, steady
    for k in range(n):
        if desk.price[k] <= 0.0:
            desk.price[k] = max(desk.rate[k] / worth, 1e-12)
    if useless:
        worth = 0.0
        for k in range(n):
            if desk.traded[k]:
                worth = max(worth, desk.rate[k] / desk.price[k])
    return float64(worth), steady


@absorbed
def take_block(first: int, seekers: Seekers, offers: Offers, chains: I32, taken: I32) -> int:
    """Take offers to agents of one family out of a chain; return how many."""
    entry = int64(chains[first])
    family = seekers.family[offers.row[entry]]
    count = 0
    last = int64(-1)
    while entry >= 0 and count < BLOCK:
        following = int64(offers.following[entry])
        if seekers.family[offers.row[entry]] == family:
            taken[count] = entry
            count += 1
        else:
            if last < 0:
                chains[first] = entry
            else:
                offers.following[last] = entry
            last = entry
        entry = following
    if last < 0:
        chains[first] = entry
    else:
        offers.following[last] = entry
    return count


def load_block(
    count: int,
    post: int,
    counted: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    offers: Offers,
    desk: Desk,
) -> int:
    """Write what agents hold and like and the prices they go by; return how many come first.

    Those have a use for what is counted in; the columns of the others are the last ones, from the
    end on.
    """
    block = desk.block
    goods_count = posts.price.shape[1]
    n = desk.price.shape[0]
    for k in range(goods_count):
        desk.traded[k] = posts.traded[post, k]
    first = 0
    for each in range(count):
        entry = desk.taken[each]
        row = int64(offers.row[entry])
        for k in range(goods_count):
            desk.goods[k] = float64(seekers.lots[row, k]) * rules.lot_size
        money = float64(seekers.minor[row]) * rules.minor_size
        if rules.mode == IN_UTILITY:
            desk.goods[goods_count] = money
        for k in range(desk.own.shape[0]):
            desk.own[k] = seekers.parameters[row, k]
        worth, steady = write_prices(
            row,
            int64(offers.post[entry]),
            int64(offers.noted[entry]),
            offers.hears[entry],
            counted,
            seekers,
            posts,
            rules,
            desk,
        )
        j = first
        if worth > 0.0 and steady == counted:
            first += 1
        else:
            j = BLOCK - 1 - (each - first)
        desk.who[j] = entry
        desk.unit[j] = worth
        desk.steady[j] = steady
        block.wealth[j] = money if rules.mode == QUASILINEAR else 0.0
        block.worth[j] = seekers.money_weight[row]
        for k in range(n):
            block.held[k, j] = desk.goods[k]
            desk.known[k, j] = desk.price[k]
        for k in range(desk.own.shape[0]):
            block.own[k, j] = desk.own[k]
    return first


def trades_together(
    code: int, count: int, counted: int, shading: float, mode: int, desk: Desk
) -> bool:
    """Write what `trade_at` does for a block at `desk.tilted`, unless the family refuses.

    What is held after the trades goes to `block.high`, what they cost to `desk.cost`.
    """
    block, tilted, traded = desk.block, desk.tilted, desk.traded
    held, low, after = block.held, block.low, block.high
    n = held.shape[0]
    for j in range(count):
        desk.cost[j] = block.wealth[j]
    for k in range(n):
        if traded[k]:
            for j in range(count):
                desk.cost[j] += tilted[k, j] * held[k, j]
    if not demands(
        code, count, tilted, traded, held, desk.cost, block.own, block.worth, mode, low, block.work
    ):
        return False
    for j in range(count):
        desk.share[j] = 1.0 - shading
        desk.cost[j] = 0.0
    for k in range(n):
        bound = 0.0 if mode == IN_UTILITY and k == counted else 1.0
        for j in range(count):
            change = low[k, j] - held[k, j]
            low[k, j] = change
            size = abs(change)
            limit = max(held[k, j], 1.0)
            most = limit / max(size, 1.0)
            over = bound * size * desk.share[j] > limit
            desk.share[j] = most if over else desk.share[j]
    for k in range(n):
        for j in range(count):
            after[k, j] = held[k, j] + desk.share[j] * low[k, j]
            desk.cost[j] += tilted[k, j] * low[k, j] * desk.share[j]
    return True


def value_together(
    code: int,
    count: int,
    counted: int,
    shading: float,
    rules: Rules,
    up: float,
    down: float,
    promises: bool,
    offers: Offers,
    desk: Desk,
) -> bool:
    """Write what the first offers of a block are worth, unless the family refuses."""
    block = desk.block
    n = block.held.shape[0]
    part = 1.0 if up == down else 0.5
    charged = 1.0 if rules.mode == QUASILINEAR else 0.0
    for turn in range(TURNS):
        if (turn == DOWN and up == down) or (turn == KNOWN and not promises):
            continue
        for k in range(n):
            tilt = 1.0 if turn == KNOWN or k == counted else (up if turn == UP else down)
            for j in range(count):
                desk.tilted[k, j] = desk.known[k, j] * tilt
                block.high[k, j] = block.held[k, j]
        if turn != BEFORE and not trades_together(code, count, counted, shading, rules.mode, desk):
            return False
        floor = 0.5 * rules.lot_size
        values = desk.old if turn == BEFORE else desk.new
        if not utilities(code, count, block.high, block.own, floor, block.work, values):
            return False
        if turn == BEFORE:
            continue
        for j in range(count):
            change = desk.new[j] - desk.old[j]
            desk.share[j] = change / desk.unit[j] - charged * desk.cost[j]
        for j in range(count):
            entry = desk.who[j]
            if turn == KNOWN:
                offers.promise[entry] = desk.share[j]
            elif turn == UP:
                offers.value[entry] = part * desk.share[j]
            else:
                offers.value[entry] += part * desk.share[j]
    return True


def value_alone(
    code: int,
    j: int,
    post: int,
    counted: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    up: float,
    down: float,
    promises: bool,
    offers: Offers,
    desk: Desk,
) -> None:
    """Write what the offer in a column of the block is worth.

    That is -inf to who has no use for anything that it could get.
    """
    entry = desk.who[j]
    if desk.unit[j] <= 0.0:
        offers.value[entry] = -np.inf
        return
    block = desk.block
    floor = 0.5 * rules.lot_size
    n = desk.goods.shape[0]
    for k in range(n):
        desk.goods[k] = block.held[k, j]
    for k in range(desk.own.shape[0]):
        desk.own[k] = block.own[k, j]
    offers.value[entry] = 0.0
    before = 0.0
    for turn in range(TURNS):
        if (turn == DOWN and up == down) or (turn == KNOWN and not promises):
            continue
        for k in range(n):
            tilt = 1.0 if turn == KNOWN or k == desk.steady[j] else (up if turn == UP else down)
            desk.price[k] = desk.known[k, j] * tilt
            desk.high[k] = desk.goods[k]
        cost = 0.0
        if turn != BEFORE:
            cost = trade_at(
                code,
                desk.price,
                posts.fee_rate[post],
                posts.fee_unit[post],
                posts.shading[post],
                desk.traded,
                desk.goods,
                float64(seekers.minor[offers.row[entry]]) * rules.minor_size,
                desk.own,
                block.worth[j],
                rules.mode,
                counted,
                floor,
                desk.work,
                desk.mask,
                desk.low,
                desk.high,
            )
        reached = utility(code, desk.high, desk.own, floor)
        if turn == BEFORE:
            before = reached
            continue
        gain = (reached - before) / desk.unit[j] - (cost if rules.mode == QUASILINEAR else 0.0)
        if turn == KNOWN:
            offers.promise[entry] = gain
        else:
            offers.value[entry] += (1.0 if up == down else 0.5) * gain


def value_block(
    count: int,
    post: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    up: float,
    down: float,
    promises: bool,
    offers: Offers,
    desk: Desk,
) -> None:
    """Write what offers of posts like `post` to some agents of one family are worth."""
    counted = int64(posts.numeraire[post])
    if rules.mode == IN_UTILITY:
        counted = int64(posts.price.shape[1])
    code = int64(seekers.family[offers.row[desk.taken[0]]])
    first = load_block(count, post, counted, seekers, posts, rules, offers, desk)
    done = False
    if TOGETHER and first > 0:
        shading = posts.shading[post]
        done = value_together(
            code, first, counted, shading, rules, up, down, promises, offers, desk
        )
    for j in range(0 if not done else first, count):
        column = j if j < first else BLOCK - 1 - (j - first)
        value_alone(
            code,
            column,
            post,
            counted,
            seekers,
            posts,
            rules,
            up,
            down,
            promises,
            offers,
            desk,
        )
