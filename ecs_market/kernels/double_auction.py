"""Continuous double auctions at all posts: one order after the other, until activations run out.

The plain functions are templates, copied for the families in use; see `mechanisms.double_auction`.
"""

from __future__ import annotations

import numpy as np

from ecs_market.components.double_auction import ZI_U, ZIP
from ecs_market.kernels.auction import Sizes, Tastes, enter
from ecs_market.kernels.auction_steps import (
    G_EXPIRES,
    G_GOOD,
    G_KIND,
    G_LOTS,
    G_MEMBER,
    G_PRICE,
    G_REPLACES,
    G_SIDE,
    add_up,
    note_trades,
    reload,
    same_order,
    within_band,
)
from ecs_market.kernels.budgets import (
    ACTIVATIONS,
    BEHAVIOUR,
    FEE_PER_LOT,
    FEE_PPB,
    KIND,
    LIFETIME,
    WHO,
    Draw,
    draw_below,
    own_order,
)
from ecs_market.kernels.jit import borrowing
from ecs_market.kernels.margins import (
    MEMORY,
    SHOUT,
    Learned,
    Shouts,
    learned_quote,
    note_shout,
)
from ecs_market.kernels.order_book import (
    FOREVER,
    STOP,
    Book,
    Fees,
    Funds,
    cancel_earlier,
    clear_heaps,
    covered,
    hold,
    new_rows,
    write_order,
)
from ecs_market.kernels.quoting import NOISE, fill_bundle
from ecs_market.kernels.traders import choose
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I8, I64, Bool, float64, int64

# How many activations are drawn ahead.
AHEAD = 32


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


def submit(
    chosen: tuple[int, int, int, int],
    i: int,
    kind: int,
    expires: int,
    replaces: bool,
    checked: bool,
    used: int,
    made: int,
    post: int,
    band: tuple[I64, I64],
    book: Book,
    funds: Funds,
    fees: Fees,
    owner: I64,
    tastes: Tastes,
    sizes: Sizes,
    trades: I64,
    latest: I64,
    stack: I64,
    bundle: F64,
) -> tuple[int, int]:
    """Hand in an order of a member: side, good, price, lots; return rows of orders and trades.

    It is rejected outside the price band, or if the member cannot cover it.
    """
    side, good, wanted, lots = chosen
    price = within_band(wanted, kind, band[0][good], band[1][good])
    hot = book[0]
    order = int64(used)
    if replaces and price > 0:
        cancel_earlier(latest[i, good], book, funds, fees)
        latest[i, good] = -1
    trigger = price if kind == STOP else int64(0)
    limit = price if price > 0 else wanted
    write_order(order, i, side, good, limit, lots, lots, trigger, expires, book, latest)
    if price <= 0 or not covered(order, hot, funds, fees):
        return used + 1, made
    hold(order, lots, 1, hot, funds, fees)
    return enter(
        order,
        kind,
        used + 1,
        checked,
        post,
        book,
        funds,
        fees,
        owner,
        tastes,
        sizes,
        trades,
        made,
        latest,
        stack,
        bundle,
    )


@borrowing
def draw_ahead(
    draw: Draw,
    left: int,
    members: I64,
    ids: I64,
    owner: I64,
    funds: Funds,
    tastes: Tastes,
    latest: I64,
    direction: I8,
    drawn: I64,
) -> None:
    """Draw who acts in the next activations and read what is known of them.

    Members are drawn all over memory.  To read of many at once takes hardly longer than to wait for
    one, and what each needs is then in the cache when it acts.
    """
    count = min(int64(AHEAD), int64(left))
    for n in range(count):
        each = (draw[0], draw[1], draw[2], draw[3] + n)
        drawn[n] = draw_below(each, WHO, members.shape[0])
    for n in range(count):
        drawn[n] = members[drawn[n]]
    lots, minor, held_lots, held_minor = funds
    family, parameters, weight = tastes
    found = int64(0)
    for n in range(count):
        i = drawn[n]
        found |= lots[i, 0] | minor[i] | held_lots[i, 0] | held_minor[i] | latest[i, 0]
        found |= ids[i] | owner[i] | family[i] | int64(direction[i, 0])
        if parameters[i, 0] > weight[i]:
            found |= 1
    drawn[AHEAD] = found


def hold_auction(
    post: int,
    ident: int,
    begun: int,
    members: I64,
    rule: I64,
    shade: float,
    kinds: I64,
    published: I64,
    band: tuple[I64, I64],
    resting: I64,
    rest_start: int,
    rest_stop: int,
    explicit: bool,
    given: I64,
    key: tuple[int, int],
    ids: I64,
    owner: I64,
    book: Book,
    funds: Funds,
    tastes: Tastes,
    sizes: Sizes,
    step_size: float,
    shouts: Shouts,
    learned: Learned,
    latest: I64,
    direction: I8,
    volume: I64,
    trades: I64,
    made: int,
    stack: I64,
    bundle: F64,
    quote: I64,
    drawn: I64,
) -> tuple[int, int]:
    """Hold the auction of one post; return rows of orders and of trades so far."""
    fees = (rule[FEE_PPB], rule[FEE_PER_LOT])
    seed, tick = key
    used = reload(begun, rest_start, rest_stop, resting, tick, book, funds, fees, latest)
    checked = not explicit and rule[BEHAVIOUR] != ZI_U
    kind = rule[KIND]
    expires = tick + rule[LIFETIME] if rule[LIFETIME] > 0 else int64(FOREVER)
    replaces = True
    for call in range(rule[ACTIVATIONS]):
        draw = (seed, tick, ident, int64(call))
        if not explicit and call % AHEAD == 0:
            draw_ahead(
                draw,
                rule[ACTIVATIONS] - call,
                members,
                ids,
                owner,
                funds,
                tastes,
                latest,
                direction,
                drawn,
            )
        if explicit:
            entry = given[call]
            i = entry[G_MEMBER]
            chosen = (entry[G_SIDE], entry[G_GOOD], entry[G_PRICE], entry[G_LOTS])
            kind = entry[G_KIND]
            expires = entry[G_EXPIRES]
            replaces = entry[G_REPLACES] == 1
        else:
            i = drawn[call % AHEAD]
            chosen = choose(
                i,
                ids[i],
                rule,
                shade,
                kinds,
                draw,
                book,
                funds,
                fees,
                owner,
                tastes,
                sizes,
                published,
                latest,
                direction,
                step_size,
                shouts,
                learned,
                bundle,
                quote,
            )
            if chosen[0] == 0:
                continue
            own = own_order(i, chosen[1], book, latest)
            if same_order(own, chosen[0], chosen[2], chosen[3], kind, book):
                # It stays where it is, and is said once more.
                if rule[BEHAVIOUR] == ZIP:
                    note_shout(chosen[1], chosen[2], chosen[0], False, shouts)
                continue
        before = made
        used, made = submit(
            chosen,
            i,
            kind,
            expires,
            replaces,
            checked,
            used,
            made,
            post,
            band,
            book,
            funds,
            fees,
            owner,
            tastes,
            sizes,
            trades,
            latest,
            stack,
            bundle,
        )
        note_trades(before, made, trades, direction, volume)
        if rule[BEHAVIOUR] == ZIP and not explicit:
            price = trades[before, 5] if made > before else chosen[2]
            note_shout(chosen[1], price, chosen[0], made > before, shouts)
    return used, made


def learn_all(
    members: I64,
    rule: I64,
    shade: float,
    kinds: I64,
    draw: tuple[int, int, int, int],
    ids: I64,
    funds: Funds,
    tastes: Tastes,
    sizes: Sizes,
    step_size: float,
    shouts: Shouts,
    learned: Learned,
    bundle: F64,
    quote: I64,
) -> None:
    """Let zip members learn what they have not yet heard of a clearing's shouts."""
    fees = (rule[FEE_PPB], rule[FEE_PER_LOT])
    for member in range(members.shape[0]):
        i = members[member]
        for k in kinds:
            learned_quote(
                i,
                ids[i],
                k,
                rule,
                shade,
                draw,
                funds,
                fees,
                tastes,
                sizes,
                step_size,
                shouts,
                learned,
                bundle,
                quote,
            )


def hold_auctions(
    start: int,
    stop: int,
    active: Bool,
    first: I64,
    by_id: I64,
    ids: I64,
    owner: I64,
    lots: I64,
    minor: I64,
    before_lots: I64,
    before_minor: I64,
    family: I64,
    parameters: F64,
    weight: F64,
    post_id: I64,
    commodities: Bool,
    published: I64,
    rules: I64,
    shading: F64,
    band_low: I64,
    band_high: I64,
    last_price: I64,
    rest_first: I64,
    resting: I64,
    explicit: bool,
    given_first: I64,
    given: I64,
    seed: int,
    tick: int,
    mode: int,
    lot_size: float,
    minor_size: float,
    step_size: float,
    width: int,
    held_lots: I64,
    held_minor: I64,
    latest: I64,
    direction: I8,
    margin: F64,
    change: F64,
    seen: I64,
    volume: I64,
    demand: I64,
    supply: I64,
    bids: I64,
    asks: I64,
    orders: I64,
    gain: F64,
) -> tuple[I64, I64, I64]:
    """Hold the auctions of the posts `start` to `stop`.

    `given` orders, if a post has any, are handed in in place of what members would choose.  Goods
    and money move in `lots` and `minor`; what is reserved stays in `held_lots` and `held_minor`.

    Returns
    -------
    hot, cold, trades : ndarray of int64
        Orders and trades, post by post; `orders` gets the number of order rows of each post, first
        those that rested.
    """
    goods = commodities.shape[1]
    room = 0
    for post in range(start, stop):
        if active[post]:
            # A stop has a second row once it is triggered.
            stops = explicit or rules[post, KIND] == STOP
            room += 2 * (rest_first[post + 1] - rest_first[post])
            room += rules[post, ACTIVATIONS] * (2 if stops else 1)
    hot, cold = new_rows(room)
    trades = np.empty((room, 7), np.int64)
    stack = np.empty(room + 1, np.int64)
    roots = np.empty(4 * goods, np.int64)
    traded = np.empty(goods, np.int64)
    shouts = (np.empty((goods, MEMORY, SHOUT)), np.empty(goods, np.int64))
    bundle = np.empty(width)
    quote = np.empty((2, 2), np.int64)
    drawn = np.empty(AHEAD + 1, np.int64)
    funds = (lots, minor, held_lots, held_minor)
    tastes = (family, parameters, weight)
    sizes = (mode, lot_size, minor_size)
    learned = (margin, change, seen)
    key = (seed, tick)
    used = int64(0)
    made = int64(0)
    for post in range(start, stop):
        orders[post] = 0
        if not active[post]:
            continue
        begun = used
        book = (hot, cold, roots, last_price[post])
        clear_heaps(roots)
        kinds = 0
        for k in range(goods):
            shouts[1][k] = 0
            if commodities[post, k]:
                traded[kinds] = k
                kinds += 1
        members = by_id[first[post] : first[post + 1]]
        used, made = hold_auction(
            post,
            post_id[post],
            begun,
            members,
            rules[post],
            shading[post],
            traded[:kinds],
            published[post],
            (band_low[post], band_high[post]),
            resting,
            rest_first[post],
            rest_first[post + 1],
            explicit,
            given[given_first[post] : given_first[post + 1]],
            key,
            ids,
            owner,
            book,
            funds,
            tastes,
            sizes,
            step_size,
            shouts,
            learned,
            latest,
            direction,
            volume[post],
            trades,
            made,
            stack,
            bundle,
            quote,
            drawn,
        )
        orders[post] = used - begun
        if rules[post, BEHAVIOUR] == ZIP:
            learn_all(
                members,
                rules[post],
                shading[post],
                traded[:kinds],
                (seed, tick, post_id[post], int64(0)),
                ids,
                funds,
                tastes,
                sizes,
                step_size,
                shouts,
                learned,
                bundle,
                quote,
            )
        for k in range(goods):
            demand[post, k] = volume[post, k]
            supply[post, k] = volume[post, k]
        add_up(begun, used, book, bids[post], asks[post], demand[post], supply[post])
        for i in range(first[post], first[post + 1]):
            gain[i] = gain_since(i, before_lots[i], before_minor[i], funds, tastes, sizes, bundle)
    return hot[:used], cold[:used], trades[:made]
