"""Settling goods for goods: no money moves, and the numeraire balances every budget.

`gain_of` and `marginal` are bound to the families in use.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.book import Book, Members, Scale, Terms
from ecs_market.kernels.jit import helper
from ecs_market.kernels.rationing import fill_orders, share_out
from ecs_market.kernels.settlement import gain_of, load_member
from ecs_market.preferences.chain import last_marginal as marginal
from ecs_market.types import I64, Bool, float64, int64

# How often members whose wishes were scaled down are let wish for more again.
RETRIES = 6


@helper
def balance_budgets(
    a: int,
    b: int,
    unit: int,
    price: I64,
    ids: I64,
    part: I64,
    weights: I64,
    parts: I64,
    scratch: I64,
) -> None:
    """Let the numeraire pay for what each member trades, to within one lot; conserve it too."""
    rest = int64(0)
    for i in range(a, b):
        owed = int64(0)
        for k in range(price.shape[0]):
            if k != unit:
                owed += part[i, k] * price[k]
        part[i, unit] = (-owed) // price[unit]
        weights[i - a] = (-owed) - part[i, unit] * price[unit]
        rest -= part[i, unit]
    share_out(weights, max(1, rest) * price[unit], rest, ids[a:b], parts, scratch)
    for i in range(a, b):
        part[i, unit] += parts[i - a]


@helper
def scale_swap(i: int, unit: int, have: int, wish: I64, part: I64) -> None:
    """Scale member i's wish by its smallest fill and by what it `have`s of the numeraire."""
    smallest = 1.0
    for k in range(wish.shape[1]):
        if k != unit and wish[i, k] != 0:
            smallest = min(smallest, float64(part[i, k]) / float64(wish[i, k]))
    if have + part[i, unit] < 0:
        smallest = min(smallest, float64(have) / float64(-part[i, unit]))
    for k in range(wish.shape[1]):
        scaled = int64(float64(wish[i, k]) * smallest)
        wish[i, k] = scaled if smallest < 1.0 else int64(0)


@helper
def restore_wishes(a: int, b: int, first: bool, book: Book) -> None:
    """Let members wish for all they want, or those held back for half of what they gave up."""
    for i in range(a, b):
        for k in range(book.wish.shape[1]):
            if first:
                book.wish[i, k] = book.desired[i, k]
            else:
                more = book.desired[i, k] - book.wish[i, k]
                book.wish[i, k] += more - int64(float64(more) * 0.5)


@helper
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
    goods = terms.price.shape[1]
    lots, parameters = members.lots, members.parameters
    held = np.empty(goods, np.int64)
    net = np.empty(goods, np.int64)
    own = np.empty(parameters.shape[1])
    before = np.empty(goods)
    after = np.empty(goods)
    for post in range(start, stop):
        if not active[post]:
            continue
        a = terms.first[post]
        b = terms.first[post + 1]
        unit = numeraire[post]
        weights = np.empty(b - a, np.int64)
        parts = np.empty(b - a, np.int64)
        scratch = np.empty(b - a, np.int64)
        volume = int64(0)
        for trial in range(1 + RETRIES):
            restore_wishes(a, b, trial == 0, book)
            harmed = 1
            scaled = 0
            while harmed > 0:
                fill_orders(
                    book.wish[a:b], members.ids[a:b], book.part[a:b], weights, parts, scratch
                )
                balance_budgets(
                    a, b, unit, terms.price[post], members.ids, book.part, weights, parts, scratch
                )
                harmed = 0
                for i in range(a, b):
                    load_member(i, lots, parameters, held, own)
                    for k in range(goods):
                        net[k] = book.part[i, k]
                    gain, noise = gain_of(
                        members.family[i],
                        held,
                        net,
                        0,
                        0,
                        own,
                        members.weight[i],
                        scale.mode,
                        scale.lot,
                        scale.minor,
                        before,
                        after,
                    )
                    book.reached[i] = 0.0 if abs(gain) <= noise else gain
                    short = members.lots[i, unit] + book.part[i, unit] < 0
                    if gain < -noise or short:
                        harmed += 1
                        scale_swap(i, unit, members.lots[i, unit], book.wish, book.part)
                scaled += harmed
            volume = keep_better(a, b, volume, book)
            if scaled == 0:
                break
        for i in range(a, b):
            for k in range(goods):
                before[k] = float64(lots[i, k]) * scale.lot
            load_member(i, lots, parameters, held, own)
            worth = marginal(members.family[i], before, own, 0.5 * scale.lot, unit)
            book.gain[i] = book.gain[i] / worth if worth > 0.0 else 0.0
