"""The rounds of a settlement: plan both sides of each good, cut shares, go on until all is well.

All posts go through the stages in step; none of them looks at a utility.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.book import ALL, NONE, Book, Chunks, Progress, Sides, Terms
from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.rationing import rounded_up
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, Bool, int64

# How often what is left is offered again, as whole bundles and then good by good.
OFFERS = 24
SWEEPS = 64


@kernel
def plan(start: int, stop: int, chunks: Chunks, busy: Bool, terms: Terms, sides: Sides) -> None:
    """Decide which side of each good is rationed and how much it gets, posts a range.

    A post makes up what it can: it sells its stock and buys for its cash, goods in their order.
    """
    goods = terms.price.shape[1]
    for post in range(start, stop):
        if not busy[post]:
            continue
        cash = int64(terms.cash[post])
        for k in range(goods):
            buys = int64(0)
            sells = int64(0)
            net = int64(0)
            for chunk in range(chunks.first[post], chunks.first[post + 1]):
                buys += sides.wished[chunk, k]
                sells += sides.wished[chunk, goods + k]
                net += sides.left[chunk, 2 * goods + k]
            cash += net * terms.price[post, k]
            sides.plan[post, 3 * k] = 0
            sides.plan[post, 3 * k + 1] = max(buys, sells)
            sides.plan[post, 3 * k + 2] = min(buys, sells)
            if buys > sells:
                extra = min(buys - sells, max(0, terms.stock[post, k] - net))
                sides.plan[post, 3 * k + 2] += extra
                sides.plan[post, 3 * k] = 1
            elif sells > buys:
                sides.plan[post, 3 * k] = -1
        for k in range(goods):
            price = terms.price[post, k]
            if sides.plan[post, 3 * k] < 0 and cash >= price > 0:
                short = sides.plan[post, 3 * k + 1] - sides.plan[post, 3 * k + 2]
                extra = min(short, cash // price)
                sides.plan[post, 3 * k + 2] += extra
                cash -= extra * price


@kernel
def cut_shares(start: int, stop: int, chunks: Chunks, busy: Bool, book: Book, sides: Sides) -> None:
    """Write what each member gets, the rationed side's shares rounded down."""
    goods = book.wish.shape[1]
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not busy[post]:
            continue
        for k in range(goods):
            side = sides.plan[post, 3 * k]
            wanted = sides.plan[post, 3 * k + 1]
            served = sides.plan[post, 3 * k + 2]
            given = int64(0)
            for i in range(chunks.start[chunk], chunks.stop[chunk]):
                own = side * book.wish[i, k]
                book.fresh[i, k] = book.wish[i, k]
                book.remainder[k, i] = 0
                if own > 0:
                    quotient, rest = mul_div(own, served, wanted)
                    book.fresh[i, k] = side * quotient
                    book.remainder[k, i] = rest
                    given += quotient
            sides.given[chunk, k] = given


@kernel
def share_rests(
    start: int,
    stop: int,
    chunks: Chunks,
    busy: Bool,
    first: I64,
    ids: I64,
    book: Book,
    sides: Sides,
) -> None:
    """Hand out the lots that rounding down left over, one each to the largest remainders.

    An item is one good (of K) of a post.
    """
    goods = book.wish.shape[1]
    for item in range(start, stop):
        post = item // goods
        k = item % goods
        if not busy[post] or sides.plan[post, 3 * k] == 0:
            continue
        rest = sides.plan[post, 3 * k + 2]
        for chunk in range(chunks.first[post], chunks.first[post + 1]):
            rest -= sides.given[chunk, k]
        if rest > 0:
            a = first[post]
            b = first[post + 1]
            remainder = book.remainder[k, a:b]
            above, last = rounded_up(remainder, rest, ids[a:b])
            for i in range(a, b):
                cut = remainder[i - a]
                if cut > above or (cut == above and ids[i] <= last):
                    book.fresh[i, k] += sides.plan[post, 3 * k]


@kernel
def still_busy(chunks: Chunks, sides: Sides, busy: Bool) -> bool:
    """Keep busy the posts in which somebody was harmed; tell whether there are any."""
    some = False
    for post in range(busy.shape[0]):
        if not busy[post]:
            continue
        harmed = int64(0)
        for chunk in range(chunks.first[post], chunks.first[post + 1]):
            harmed += sides.harmed[chunk]
        busy[post] = harmed > 0
        some = some or busy[post]
    return some


@kernel
def accept(start: int, stop: int, chunks: Chunks, good: I64, book: Book, sides: Sides) -> None:
    """Make final what was found sound, and sum up what is left."""
    goods = book.wish.shape[1]
    for chunk in range(start, stop):
        if good[chunks.post[chunk]] == NONE:
            continue
        for column in range(4 * goods):
            sides.left[chunk, column] = 0
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            book.gain[i] = book.reached[i]
            for k in range(goods):
                book.filled[i, k] += book.part[i, k]
                rest = book.desired[i, k] - book.filled[i, k]
                sides.left[chunk, k] += max(0, rest)
                sides.left[chunk, goods + k] += max(0, -rest)
                sides.left[chunk, 2 * goods + k] += book.filled[i, k]
                sides.left[chunk, 3 * goods + k] += abs(book.part[i, k])


@helper
def could_trade(post: int, k: int, chunks: Chunks, terms: Terms, sides: Sides) -> bool:
    """Tell whether there is both demand and supply left of a good, the post's own included."""
    goods = terms.price.shape[1]
    buys = int64(0)
    sells = int64(0)
    stock = int64(terms.stock[post, k])
    cash = int64(terms.cash[post])
    for chunk in range(chunks.first[post], chunks.first[post + 1]):
        buys += sides.left[chunk, k]
        sells += sides.left[chunk, goods + k]
        stock -= sides.left[chunk, 2 * goods + k]
        for m in range(goods):
            cash += sides.left[chunk, 2 * goods + m] * terms.price[post, m]
    price = terms.price[post, k]
    return bool((buys > 0 and (sells > 0 or stock > 0)) or (sells > 0 and cash >= price > 0))


@kernel
def next_offer(chunks: Chunks, terms: Terms, sides: Sides, progress: Progress) -> bool:
    """Decide what each post offers next; tell whether any still does.

    Whole bundles as long as that moves a lot, then one good after the other until a whole sweep
    over the goods moves none.  Goods that cannot trade any more are passed over.
    """
    goods = terms.price.shape[1]
    able = np.empty(goods, np.bool_)
    some = False
    for post in range(progress.good.shape[0]):
        now = progress.good[post]
        progress.busy[post] = False
        if now == NONE:
            continue
        moved = int64(0)
        for chunk in range(chunks.first[post], chunks.first[post + 1]):
            for k in range(goods):
                moved += sides.left[chunk, 3 * goods + k]
        progress.moved[post] += moved
        if now == ALL:
            progress.offers[post] += 1
            if moved == 0 or progress.offers[post] >= OFFERS:
                progress.offers[post] = 0
                progress.moved[post] = 1
                now = goods
        any_good = False
        for k in range(goods):
            able[k] = could_trade(post, k, chunks, terms, sides)
            any_good = any_good or able[k]
        if now != ALL and any_good:
            now += 1
            while now < goods and not able[now]:
                now += 1
            if now >= goods:
                again = progress.moved[post] > 0 and progress.offers[post] < SWEEPS
                progress.offers[post] += 1
                progress.moved[post] = 0
                now = int64(0)
                while not able[now]:
                    now += 1
                if not again:
                    now = NONE
        if not any_good:
            now = NONE
        progress.good[post] = now
        progress.busy[post] = now != NONE
        some = some or progress.busy[post]
    return some
