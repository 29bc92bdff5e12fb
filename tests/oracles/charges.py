"""Fees and a post's own stock in plain Python, from their definitions."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import floor

from tests.oracles.economics import share_out


def fee(lots: int, price: int, share: Fraction, per_lot: int) -> int:
    """Return the fee on `lots` traded net: a share of the payment, rounded down, and one a lot."""
    return floor(abs(lots) * price * share) + abs(lots) * per_lot


def spread(whole: int, parts: Sequence[int]) -> list[int]:
    """Split an amount over trades of so many lots, each sum so far rounded down."""
    total, done, given = sum(parts), 0, []
    for lots in parts:
        before = floor(Fraction(whole * done, total))
        done += lots
        given.append(floor(Fraction(whole * done, total)) - before)
    return given


def serve(
    wish: Sequence[Sequence[int]],
    ids: Sequence[int],
    price: Sequence[int],
    stock: Sequence[int],
    cash: int,
) -> list[list[int]]:
    """Return the net trades of members who lack nothing, at a post with its own stock and cash."""
    filled = [[0] * len(price) for _ in wish]
    for k, paid in enumerate(price):
        column = [row[k] for row in wish]
        buys, sells = sum(max(0, w) for w in column), sum(max(0, -w) for w in column)
        if buys > sells:
            given = min(buys, sells + stock[k])
            sign = 1
        else:
            given = min(sells, buys + cash // paid)
            cash -= (given - buys) * paid
            sign = -1
        shares = share_out([max(0, sign * w) for w in column], given, ids)
        for i, (w, part) in enumerate(zip(column, shares, strict=True)):
            filled[i][k] = sign * part if w * sign > 0 else w
    return filled
