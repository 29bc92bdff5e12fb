"""Settling goods for goods: no money moves, and the numeraire balances every budget.

`gain_of`, `marginal` and `assign_indifferent` are bound to the families in use.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.jit import kernel
from ecs_market.kernels.rationing import (
    plan_sides,
    share_floors,
    share_out,
    share_rests,
    sum_sides,
)
from ecs_market.kernels.settlement import Book, Members, Scale, Terms, gain_of
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.types import I64, Bool, float64, int64

# How often members whose wishes were scaled down are let wish for more again.
RETRIES = 6


@kernel
def fill_goods(a: int, b: int, post: int, members: Members, terms: Terms, book: Book) -> None:
    """Ration every good but the numeraire, which nobody wishes for."""
    goods = terms.price.shape[1]
    nothing = np.zeros(goods, np.int64)
    plan = np.zeros((goods, 3), np.int64)
    plan_sides(sum_sides(a, b, book.wish), nothing, 0, terms.price[post], plan)
    given = share_floors(a, b, plan, book.wish, book.part, book.remainder)
    share_rests(0, goods, a, b, plan, given, members.ids, book.part, book.remainder)


@kernel
def balance_budgets(a: int, b: int, unit: int, price: I64, members: Members, part: I64) -> None:
    """Let the numeraire pay for what each member trades, to within one lot; conserve it too."""
    size = b - a
    weights = np.empty(size, np.int64)
    parts = np.empty(size, np.int64)
    scratch = np.empty(size, np.int64)
    rest = int64(0)
    for i in range(a, b):
        owed = int64(0)
        for k in range(price.shape[0]):
            if k != unit:
                owed += part[i, k] * price[k]
        part[i, unit] = (-owed) // price[unit]
        weights[i - a] = (-owed) - part[i, unit] * price[unit]
        rest -= part[i, unit]
    share_out(weights, max(1, rest) * price[unit], rest, members.ids[a:b], parts, scratch)
    for i in range(a, b):
        part[i, unit] += parts[i - a]


def check_swaps(a: int, b: int, unit: int, members: Members, book: Book, scale: Scale) -> int:
    """Scale down the wishes of whom a round harms or leaves short of the numeraire; count them."""
    goods = book.wish.shape[1]
    before = np.empty(goods)
    after = np.empty(goods)
    harmed = 0
    for i in range(a, b):
        nothing = True
        for k in range(goods):
            nothing = nothing and book.part[i, k] == 0
        book.reached[i] = 0.0
        if nothing:
            continue
        short = members.lots[i, unit] + book.part[i, unit] < 0
        gain, noise = gain_of(i, members, book.fresh[i], book.part[i], 0, scale, before, after)
        if gain >= -noise and not short:
            book.reached[i] = 0.0 if abs(gain) <= noise else gain
            continue
        harmed += 1
        smallest = 1.0
        for k in range(goods):
            if k != unit and book.wish[i, k] != 0:
                smallest = min(smallest, float64(book.part[i, k]) / float64(book.wish[i, k]))
        if short:
            have = float64(members.lots[i, unit])
            smallest = min(smallest, have / float64(-book.part[i, unit]))
        for k in range(goods):
            book.wish[i, k] = int64(float64(book.wish[i, k]) * smallest) if smallest < 1.0 else 0
    return harmed


@kernel
def restore_wishes(a: int, b: int, first: bool, book: Book) -> None:
    """Let members wish for all they want, or those held back for half of what they gave up."""
    for i in range(a, b):
        for k in range(book.wish.shape[1]):
            more = book.desired[i, k] - book.wish[i, k]
            if first:
                book.wish[i, k] = book.desired[i, k]
                book.fresh[i, k] = 0
            else:
                book.wish[i, k] += more - int64(float64(more) * 0.5)


@kernel
def keep_better(a: int, b: int, volume: int, book: Book) -> int:
    """Keep what was found if more is traded than before; return the most there has been."""
    found = int64(0)
    for i in range(a, b):
        for k in range(book.part.shape[1]):
            found += abs(book.part[i, k])
    if found <= volume:
        return volume
    for i in range(a, b):
        book.gain[i] = book.reached[i]
        for k in range(book.part.shape[1]):
            book.filled[i, k] = book.part[i, k]
    return found


def settle_barter(
    start: int,
    stop: int,
    active: Bool,
    numeraire: I64,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
) -> None:
    """Settle goods for goods at the relative prices of each post of a range.

    The other goods are rationed as usual; the numeraire then balances each member's budget to
    within one lot, rounded so that it too is conserved.  Members that would be worse off or lack
    the numeraire have their whole wish scaled down.  That is repeated with wishes restored in
    part, and the outcome with most trade counts.  `gain` is in units of the numeraire.
    """
    before = np.empty(terms.price.shape[1])
    for post in range(start, stop):
        if not active[post]:
            continue
        a = int64(terms.first[post])
        b = int64(terms.first[post + 1])
        unit = int64(numeraire[post])
        volume = int64(0)
        for trial in range(1 + RETRIES):
            restore_wishes(a, b, trial == 0, book)
            harmed = 1
            scaled = 0
            while harmed > 0:
                fill_goods(a, b, post, members, terms, book)
                balance_budgets(a, b, unit, terms.price[post], members, book.part)
                harmed = check_swaps(a, b, unit, members, book, scale)
                scaled += harmed
            volume = keep_better(a, b, volume, book)
            if scaled == 0:
                break
        for i in range(a, b):
            for k in range(before.shape[0]):
                before[k] = float64(members.lots[i, k]) * scale.lot
            worth = marginal(
                members.family[i], before, members.parameters[i], 0.5 * scale.lot, unit
            )
            book.gain[i] = book.gain[i] / worth if worth > 0.0 else 0.0
