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
    no_further,
    note_trades,
    reload,
    same_order,
    within_band,
)
from ecs_market.kernels.budgets import (
    ACTIVATIONS,
    BEHAVIOUR,
    DRAWN,
    FEE_PER_LOT,
    FEE_PPB,
    KIND,
    LIFETIME,
    draw_kind,
    may_stop,
    own_order,
)
from ecs_market.kernels.drawing import AHEAD, draw_ahead
from ecs_market.kernels.margins import (
    Learned,
    Shouts,
    note_shout,
)
from ecs_market.kernels.order_book import (
    FOREVER,
    MARKET,
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
from ecs_market.kernels.traders import choose
from ecs_market.types import F64, I8, I64, Bool, int64


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
    kind = int64(rule[KIND])
    mixed = kind == DRAWN
    loud = not explicit and rule[BEHAVIOUR] == ZIP
    said = loud
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
            if mixed:
                kind = draw_kind(draw, rule)
                # Nobody hears of a stop that waits, or how far a market order would have gone.
                said = loud and kind != STOP and kind != MARKET
            chosen = choose(
                i,
                ids[i],
                kind,
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
            side, good, price, size = chosen
            if kind != STOP:
                price = no_further(price, side, band[0][good], band[1][good])
            chosen = (side, good, price, size)
            own = own_order(i, good, book, latest)
            if same_order(own, chosen[0], chosen[2], chosen[3], kind, book):
                # It stays where it is, and is said once more.
                if said:
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
        if said or (loud and made > before):
            price = trades[before, 5] if made > before else chosen[2]
            note_shout(chosen[1], price, chosen[0], made > before, shouts)
    return used, made


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
    ring: F64,
    heard: I64,
    volume: I64,
    demand: I64,
    supply: I64,
    bids: I64,
    asks: I64,
    orders: I64,
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
            stops = explicit or may_stop(rules[post])
            room += 2 * (rest_first[post + 1] - rest_first[post])
            room += rules[post, ACTIVATIONS] * (2 if stops else 1)
    hot, cold = new_rows(room)
    trades = np.empty((room, 7), np.int64)
    stack = np.empty(room + 1, np.int64)
    roots = np.empty(4 * goods, np.int64)
    traded = np.empty(goods, np.int64)
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
        loud = post if rules[post, BEHAVIOUR] == ZIP else 0
        book = (hot, cold, roots, last_price[post])
        clear_heaps(roots)
        kinds = 0
        for k in range(goods):
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
            (ring[loud], heard[loud]),
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
        for k in range(goods):
            demand[post, k] = volume[post, k]
            supply[post, k] = volume[post, k]
        add_up(begun, used, book, bids[post], asks[post], demand[post], supply[post])
    return hot[:used], cold[:used], trades[:made]
