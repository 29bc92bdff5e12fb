"""From desired to settled trades: feasible, exact, and nobody worse off.

`utility` and the stages built on it are bound to the families in use; see `mechanisms.settlement`.
Stages work on a range of one post's members, so that a large post is shared among threads.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.fees import cost_of, most_lots, paid_for
from ecs_market.kernels.jit import kernel
from ecs_market.kernels.rationing import plan_sides, share_floors, share_rests, sum_sides
from ecs_market.preferences.chain import last_utility as utility
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR
from ecs_market.types import F64, I64, Bool, float64, int64

# Utilities are compared up to this share of their size: the float error of the comparison.
NOISE = 1e-12
# How often what is left is offered again, as whole bundles and then good by good.
OFFERS = 24
SWEEPS = 64


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


class Scale(NamedTuple):
    """The money mode, and the sizes of a lot [unit] and a minor unit [M]."""

    mode: int
    lot: float
    minor: float


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
    i: int,
    members: Members,
    filled: I64,
    part: I64,
    paid: int,
    scale: Scale,
    before: F64,
    after: F64,
) -> tuple[float, float]:
    """Return the change in utility of net trades `filled` + `part`, and the noise of comparing."""
    goods = filled.shape[0]
    for k in range(goods):
        before[k] = float64(members.lots[i, k]) * scale.lot
        after[k] = float64(members.lots[i, k] + filled[k] + part[k]) * scale.lot
    spent = 0.0
    if scale.mode == IN_UTILITY:
        before[goods] = float64(members.minor[i]) * scale.minor
        after[goods] = float64(members.minor[i] - paid) * scale.minor
    elif scale.mode == QUASILINEAR:
        spent = members.weight[i] * (float64(paid) * scale.minor)
    floor = 0.5 * scale.lot
    old = utility(members.family[i], before, members.parameters[i], floor)
    new = utility(members.family[i], after, members.parameters[i], floor)
    return new - old - spent, NOISE * (abs(old) + abs(new) + abs(spent))


@kernel
def offer_rest(start: int, stop: int, book: Book) -> int:
    """Let members wish for all that they have not got yet."""
    for i in range(start, stop):
        book.sound[i] = False
        book.reached[i] = book.gain[i]
        for k in range(book.wish.shape[1]):
            book.wish[i, k] = book.desired[i, k] - book.filled[i, k]
            book.part[i, k] = 0
    return 0


def offer_good(
    start: int,
    stop: int,
    post: int,
    k: int,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
) -> int:
    """Let members wish for what is left of one good, as far as each further lot is no loss.

    Along one good, utility less payment has a single peak; the lots up to it are found by halving.
    """
    goods = book.wish.shape[1]
    price = terms.price[post]
    ppb = terms.fee_ppb[post]
    per_lot = terms.fee_per_lot[post]
    trial = np.zeros(goods, np.int64)
    before = np.empty(goods + 1)
    after = np.empty(goods + 1)
    bundle = goods + 1 if scale.mode == IN_UTILITY else goods
    for i in range(start, stop):
        book.sound[i] = False
        book.reached[i] = book.gain[i]
        for m in range(goods):
            book.wish[i, m] = 0
            book.part[i, m] = 0
        rest = book.desired[i, k] - book.filled[i, k]
        if rest == 0:
            continue
        sign = 1 if rest > 0 else -1
        high = abs(rest)
        if sign > 0:
            paid = paid_for(book.filled[i], trial, price, ppb, per_lot)
            spent = cost_of(book.filled[i, k], price[k], ppb, per_lot)
            most = most_lots(members.minor[i] - paid + spent, price[k], ppb, per_lot)
            high = max(0, min(high, most - book.filled[i, k]))
        low = int64(0)
        middle = high
        while low < high:
            trial[k] = sign * middle
            paid = paid_for(book.filled[i], trial, price, ppb, per_lot)
            there, noise = gain_of(
                i, members, book.filled[i], trial, paid, scale, before[:bundle], after[:bundle]
            )
            trial[k] = sign * (middle - 1)
            paid = paid_for(book.filled[i], trial, price, ppb, per_lot)
            short, _ = gain_of(
                i, members, book.filled[i], trial, paid, scale, before[:bundle], after[:bundle]
            )
            if there >= short - noise:
                low = middle
            else:
                high = middle - 1
            middle = low + (high - low + 1) // 2
        trial[k] = 0
        book.wish[i, k] = sign * low
    return 0


@kernel
def cut_purchases(
    i: int, paid: int, minor: int, price: I64, fee_ppb: int, fee_per_lot: int, book: Book
) -> None:
    """Cut purchases just enough to be paid for, goods in their order."""
    over = int64(paid - minor)
    for k in range(price.shape[0]):
        if over <= 0 or book.part[i, k] <= 0:
            continue
        whole = book.filled[i, k] + book.part[i, k]
        cost = cost_of(whole, price[k], fee_ppb, fee_per_lot)
        kept = most_lots(cost - over, price[k], fee_ppb, fee_per_lot)
        kept = max(book.filled[i, k], min(kept, whole))
        over -= cost - cost_of(kept, price[k], fee_ppb, fee_per_lot)
        book.wish[i, k] = kept - book.filled[i, k]


@kernel
def scale_wish(wish: I64, part: I64) -> None:
    """Scale a wish as a whole by its smallest fill; drop it if it was filled as wished."""
    smallest = 1.0
    for k in range(wish.shape[0]):
        if wish[k] != 0:
            smallest = min(smallest, float64(part[k]) / float64(wish[k]))
    for k in range(wish.shape[0]):
        wish[k] = int64(float64(wish[k]) * smallest) if smallest < 1.0 else 0


def check_members(
    start: int, stop: int, post: int, members: Members, terms: Terms, book: Book, scale: Scale
) -> int:
    """Check what a round gives its members, shrink the wishes of whom it harms; return how many.

    Who lacks the cash has purchases cut just enough; who would be worse off has the whole wish
    scaled by its smallest fill, any part of a preferred bundle being no worse than none.
    """
    goods = book.wish.shape[1]
    price = terms.price[post]
    before = np.empty(goods + 1 if scale.mode == IN_UTILITY else goods)
    after = np.empty(before.shape[0])
    harmed = 0
    for i in range(start, stop):
        same = book.sound[i]
        nothing = True
        for k in range(goods):
            same = same and book.fresh[i, k] == book.part[i, k]
            book.part[i, k] = book.fresh[i, k]
            nothing = nothing and book.part[i, k] == 0
        if same:
            continue
        book.sound[i] = True
        book.reached[i] = book.gain[i]
        if nothing:
            continue
        paid = paid_for(
            book.filled[i], book.part[i], price, terms.fee_ppb[post], terms.fee_per_lot[post]
        )
        if paid > members.minor[i]:
            book.sound[i] = False
            harmed += 1
            cut_purchases(
                i, paid, members.minor[i], price, terms.fee_ppb[post], terms.fee_per_lot[post], book
            )
            continue
        gain, noise = gain_of(i, members, book.filled[i], book.part[i], paid, scale, before, after)
        if gain >= -noise and gain >= book.gain[i] - noise:
            book.reached[i] = 0.0 if abs(gain) <= noise else gain
            continue
        book.sound[i] = False
        harmed += 1
        scale_wish(book.wish[i], book.part[i])
    return harmed


@kernel
def accept_parts(start: int, stop: int, book: Book) -> I64:
    """Make what was found sound final; return a row a good: left to buy, to sell, net, moved."""
    goods = book.wish.shape[1]
    sums = np.zeros((goods, 4), np.int64)
    for i in range(start, stop):
        book.gain[i] = book.reached[i]
        for k in range(goods):
            book.filled[i, k] += book.part[i, k]
            rest = book.desired[i, k] - book.filled[i, k]
            sums[k, 0] += max(0, rest)
            sums[k, 1] += max(0, -rest)
            sums[k, 2] += book.filled[i, k]
            sums[k, 3] += abs(book.part[i, k])
    return sums


@kernel
def own_offer(post: int, terms: Terms, net: I64, offer: I64) -> int:
    """Write what a post has left to sell after selling `net` (K,); return its cash, fees aside."""
    cash = int64(terms.cash[post])
    for k in range(net.shape[0]):
        offer[k] = terms.stock[post, k] - net[k]
        cash += net[k] * terms.price[post, k]
    return cash


@kernel
def could_trade(left: I64, offer: I64, cash: int, price: int) -> bool:
    """Tell whether there is both demand and supply left of a good, the post's own included."""
    buys = left[0] > 0
    sells = left[1] > 0
    own_sale = offer > 0
    own_purchase = cash >= price > 0
    return bool((buys and sells) or (buys and own_sale) or (sells and own_purchase))


def trade_rest(
    a: int, b: int, post: int, members: Members, terms: Terms, book: Book, scale: Scale, sums: I64
) -> int:
    """Ration what is offered in rounds until nobody is harmed; return the lots that moved.

    `sums` holds what `accept_parts` returned last and is brought up to date.
    """
    goods = sums.shape[0]
    offer = np.zeros(goods, np.int64)
    cash = own_offer(post, terms, sums[:, 2], offer)
    plan = np.zeros((goods, 3), np.int64)
    harmed = 1
    while harmed > 0:
        plan_sides(sum_sides(a, b, book.wish), offer, cash, terms.price[post], plan)
        given = share_floors(a, b, plan, book.wish, book.fresh, book.remainder)
        share_rests(0, goods, a, b, plan, given, members.ids, book.fresh, book.remainder)
        harmed = check_members(a, b, post, members, terms, book, scale)
    sums[:] = accept_parts(a, b, book)
    moved = int64(0)
    for k in range(goods):
        moved += sums[k, 3]
    return moved


def settle_post(post: int, members: Members, terms: Terms, book: Book, scale: Scale) -> None:
    """Settle one post: offer all wishes, then what is left of them as long as it finds takers.

    Whole bundles first; at last each good alone, until no good has both a buyer and a seller left
    who would gain from another lot.
    """
    a = int64(terms.first[post])
    b = int64(terms.first[post + 1])
    goods = terms.price.shape[1]
    sums = np.zeros((goods, 4), np.int64)
    offer = np.zeros(goods, np.int64)
    offers = 0
    moved = 1
    while moved > 0 and offers < OFFERS:
        offer_rest(a, b, book)
        moved = trade_rest(a, b, post, members, terms, book, scale, sums)
        offers += 1
        cash = own_offer(post, terms, sums[:, 2], offer)
        some = False
        for k in range(goods):
            some = some or could_trade(sums[k], offer[k], cash, terms.price[post, k])
        if not some:
            return
    sweeps = 0
    moved = 1
    while moved > 0 and sweeps < SWEEPS:
        moved = 0
        for k in range(goods):
            cash = own_offer(post, terms, sums[:, 2], offer)
            if could_trade(sums[k], offer[k], cash, terms.price[post, k]):
                offer_good(a, b, post, k, members, terms, book, scale)
                moved += trade_rest(a, b, post, members, terms, book, scale, sums)
        sweeps += 1


def settle_posts(
    start: int,
    stop: int,
    active: Bool,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
) -> None:
    """Settle the active posts of a range."""
    for post in range(start, stop):
        if active[post]:
            settle_post(post, members, terms, book, scale)
