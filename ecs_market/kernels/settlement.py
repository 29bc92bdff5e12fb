"""From desired to settled trades: feasible, exact, and nobody worse off.

A settlement goes through stages, all posts in step: wishes are offered, the two sides of each good
planned, shares cut, members checked, and again until nobody is harmed.  `utility` is bound to the
families in use; `mechanisms.settlement` has the order of stages.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from ecs_market.kernels.fees import cost_of, most_lots, paid_for
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.rationing import round_up
from ecs_market.kernels.wide import mul_div
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.types import F64, I64, Bool, float64, int64

# Utilities are compared up to this share of their size: the float error of the comparison.
NOISE = 1e-12
# How often what is left is offered again, as whole bundles and then good by good.
OFFERS = 24
SWEEPS = 64
# What is offered: everything that is left, else the good of that number.
ALL, NONE = -1, -2


class Members(NamedTuple):
    """The members of a batch, one entry each; goods and money as before the clearing."""

    ids: I64
    family: I64
    lots: I64
    minor: I64
    parameters: F64
    weight: F64


class Terms(NamedTuple):
    """What each post trades at, and what it sells and buys itself (nothing: 0)."""

    first: I64
    price: I64
    fee_ppb: I64
    fee_per_lot: I64
    stock: I64
    cash: I64


class Chunks(NamedTuple):
    """Runs of members of one post each, and (posts + 1,) the first run of each post."""

    post: I64
    start: I64
    stop: I64
    first: I64


class Scale(NamedTuple):
    """The money mode, and the sizes of a lot [unit] and a minor unit [M]."""

    mode: int
    lot: float
    minor: float


class Sides(NamedTuple):
    """Sums of a settlement.

    Attributes
    ----------
    wished
        int64 (chunks, 2 K): lots that members offer to buy and to sell of each good.
    given
        int64 (chunks, K): lots handed out to the rationed side, rounded down.
    harmed
        int64 (chunks,): members that a round would harm.
    left
        int64 (chunks, 4 K): lots still wanted, still offered, settled net, moved by this offer.
    plan
        int64 (posts, 3 K): which side of each good is rationed, what it wants, what it gets.
    """

    wished: I64
    given: I64
    harmed: I64
    left: I64
    plan: I64


class Progress(NamedTuple):
    """How far each post is: whether a round is to be made, the good offered, offers made."""

    busy: Bool
    good: I64
    offers: I64
    moved: I64


class Book(NamedTuple):
    """Working arrays of a settlement, a row a member.

    Attributes
    ----------
    desired
        int64 (m, K): net trades wished for [lot].
    wish, fresh, part
        int64 (m, K): what is offered in a round, what the round gives, what was last checked.
    filled
        int64 (m, K): what is settled.
    remainder
        int64 (K, m), scratch of sharing.
    gain, reached
        float64 (m,): gain in utility from `filled`, and from `filled` + `part`.
    sound
        bool (m,): whether the last check found the member able to pay and no worse off.
    """

    desired: I64
    wish: I64
    fresh: I64
    part: I64
    filled: I64
    remainder: I64
    gain: F64
    reached: F64
    sound: Bool


def gain_of(
    family: int,
    lots: I64,
    minor: int,
    filled: I64,
    part: I64,
    paid: int,
    parameters: F64,
    weight: float,
    mode: int,
    lot_size: float,
    minor_size: float,
    before: F64,
    after: F64,
) -> tuple[float, float]:
    """Return the change in utility of net trades `filled` + `part`, and the noise of comparing."""
    goods = lots.shape[0]
    for k in range(goods):
        before[k] = float64(lots[k]) * lot_size
        after[k] = float64(lots[k] + filled[k] + part[k]) * lot_size
    spent = 0.0
    if mode == IN_UTILITY:
        before[goods] = float64(minor) * minor_size
        after[goods] = float64(minor - paid) * minor_size
    elif mode == QUASILINEAR:
        spent = weight * (float64(paid) * minor_size)
    floor = 0.5 * lot_size
    old = utility(family, before, parameters, floor)
    new = utility(family, after, parameters, floor)
    return new - old - spent, NOISE * (abs(old) + abs(new) + abs(spent))


@kernel
def most_affordable(
    i: int, k: int, minor: int, filled: I64, price: I64, fee_ppb: int, fee_per_lot: int
) -> int:
    """Return how many more lots of good k member i can pay for besides `filled`."""
    others = int64(0)
    for m in range(price.shape[0]):
        if m != k:
            others += cost_of(filled[i, m], price[m], fee_ppb, fee_per_lot)
    most = most_lots(minor - others, price[k], fee_ppb, fee_per_lot)
    return int64(max(0, most - filled[i, k]))


def offer(
    start: int,
    stop: int,
    chunks: Chunks,
    progress: Progress,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
    sides: Sides,
) -> None:
    """Let members wish for what they have not got yet: everything, or one good alone.

    Of one good a member wishes no more than what leaves each lot no loss: along it, utility less
    payment has a single peak, which is found by halving.
    """
    goods = book.wish.shape[1]
    trial = np.zeros(goods, np.int64)
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not progress.busy[post]:
            continue
        price = terms.price[post]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        only = progress.good[post]
        for column in range(2 * goods):
            sides.wished[chunk, column] = 0
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            book.sound[i] = False
            for k in range(goods):
                book.part[i, k] = 0
                rest = book.desired[i, k] - book.filled[i, k]
                if only != ALL:
                    rest = rest if k == only else int64(0)
                book.wish[i, k] = rest
            if only != ALL and book.wish[i, only] != 0:
                rest = book.wish[i, only]
                sign = 1 if rest > 0 else -1
                high = abs(rest)
                if sign > 0:
                    most = most_affordable(
                        i, only, members.minor[i], book.filled, price, ppb, per_lot
                    )
                    high = min(high, most)
                low = int64(0)
                middle = high
                while low < high:
                    reached = -math.inf
                    peak = True
                    for step in range(2):
                        trial[only] = sign * (middle - 1 + step)
                        paid = paid_for(book.filled[i], trial, price, ppb, per_lot)
                        gain, noise = gain_of(
                            members.family[i],
                            members.lots[i],
                            members.minor[i],
                            book.filled[i],
                            trial,
                            paid,
                            members.parameters[i],
                            members.weight[i],
                            scale.mode,
                            scale.lot,
                            scale.minor,
                            before,
                            after,
                        )
                        peak = gain >= reached - noise
                        reached = gain
                    if peak:
                        low = middle
                    else:
                        high = middle - 1
                    middle = low + (high - low + 1) // 2
                trial[only] = 0
                book.wish[i, only] = sign * low
            for k in range(goods):
                sides.wished[chunk, k] += max(0, book.wish[i, k])
                sides.wished[chunk, goods + k] += max(0, -book.wish[i, k])


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
            parts = np.zeros(b - a, np.int64)
            round_up(book.remainder[k, a:b], rest, ids[a:b], parts)
            for i in range(a, b):
                book.fresh[i, k] += sides.plan[post, 3 * k] * parts[i - a]


@kernel
def cut_purchases(
    i: int, over: int, price: I64, fee_ppb: int, fee_per_lot: int, filled: I64, part: I64, wish: I64
) -> None:
    """Cut member i's purchases just enough to cost `over` less, goods in their order.

    If that is not enough, what it sells costs more in fees than it brings: it drops out.
    """
    for k in range(price.shape[0]):
        if over <= 0 or part[i, k] <= 0:
            continue
        whole = filled[i, k] + part[i, k]
        cost = cost_of(whole, price[k], fee_ppb, fee_per_lot)
        kept = most_lots(cost - over, price[k], fee_ppb, fee_per_lot)
        kept = max(filled[i, k], min(kept, whole))
        over -= cost - cost_of(kept, price[k], fee_ppb, fee_per_lot)
        wish[i, k] = kept - filled[i, k]
    if over > 0:
        for k in range(price.shape[0]):
            wish[i, k] = 0


@kernel
def scale_wish(i: int, wish: I64, part: I64) -> None:
    """Scale member i's wish as a whole by its smallest fill; drop it if it was filled."""
    smallest = 1.0
    for k in range(wish.shape[1]):
        if wish[i, k] != 0:
            smallest = min(smallest, float64(part[i, k]) / float64(wish[i, k]))
    for k in range(wish.shape[1]):
        scaled = int64(float64(wish[i, k]) * smallest)
        wish[i, k] = scaled if smallest < 1.0 else int64(0)


def check(
    start: int,
    stop: int,
    chunks: Chunks,
    busy: Bool,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
    sides: Sides,
) -> None:
    """Check what a round gives its members, and shrink the wishes of whom it harms.

    Who lacks the cash has purchases cut just enough; who would be worse off has the whole wish
    scaled by its smallest fill, any part of a preferred bundle being no worse than none.
    """
    goods = book.wish.shape[1]
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    for chunk in range(start, stop):
        post = chunks.post[chunk]
        if not busy[post]:
            continue
        price = terms.price[post]
        ppb = terms.fee_ppb[post]
        per_lot = terms.fee_per_lot[post]
        sides.harmed[chunk] = 0
        for column in range(2 * goods):
            sides.wished[chunk, column] = 0
        for i in range(chunks.start[chunk], chunks.stop[chunk]):
            same = book.sound[i]
            nothing = True
            for k in range(goods):
                same = same and book.fresh[i, k] == book.part[i, k]
                book.part[i, k] = book.fresh[i, k]
                nothing = nothing and book.part[i, k] == 0
            if not same:
                book.sound[i] = True
                book.reached[i] = book.gain[i]
            if not same and not nothing:
                paid = paid_for(book.filled[i], book.part[i], price, ppb, per_lot)
                gain, noise = gain_of(
                    members.family[i],
                    members.lots[i],
                    members.minor[i],
                    book.filled[i],
                    book.part[i],
                    min(paid, members.minor[i]),
                    members.parameters[i],
                    members.weight[i],
                    scale.mode,
                    scale.lot,
                    scale.minor,
                    before,
                    after,
                )
                book.reached[i] = 0.0 if abs(gain) <= noise else gain
                if paid > members.minor[i]:
                    book.sound[i] = False
                    over = paid - members.minor[i]
                    cut_purchases(i, over, price, ppb, per_lot, book.filled, book.part, book.wish)
                elif gain < -noise or gain < book.gain[i] - noise:
                    book.sound[i] = False
                    scale_wish(i, book.wish, book.part)
            if not book.sound[i]:
                sides.harmed[chunk] += 1
            for k in range(goods):
                sides.wished[chunk, k] += max(0, book.wish[i, k])
                sides.wished[chunk, goods + k] += max(0, -book.wish[i, k])


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


@kernel
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
