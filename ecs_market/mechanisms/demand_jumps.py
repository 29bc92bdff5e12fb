"""Where demand or supply jumps: narrow brackets of prices, found by halving wider ones."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ecs_market.types import I64, Bool

MOST_JUMPS = 7
"""Jumps of one curve that are looked into: those at a crossing first, then the largest."""

ROUNDS = 12
"""A bracket is halved at most so often."""

_NARROW = 1 / 2_000  # of the price: a bracket that is narrower is a step to any eye
_LARGE = 0.1  # of what can trade: smaller changes are left alone
_STEEP = 0.2  # of the larger end: wishes that change less between neighbours change smoothly
_REACH = 4.0  # times what can trade: what is wished beyond does not count

Ask = Callable[[I64], tuple[I64, I64]]
"""Demand and supply [lot] at prices [price step], one for each bracket."""


class Points(NamedTuple):
    """Points of curves, arrays of one length: the curve's number, price, demand and supply.

    Curves follow one another, each in the order of rising prices.
    """

    curve: I64
    price: I64
    demand: I64
    supply: I64


class Jumps(NamedTuple):
    """Brackets (n,): the index of the point below, and whether it is demand that jumps there."""

    below: I64
    of_demand: Bool


def jumps(points: Points, kinked: Bool) -> Jumps:
    """Return between which neighbouring points wishes may jump, at most `MOST_JUMPS` a curve.

    Parameters
    ----------
    kinked
        bool (curves,): whether any wish of that curve can jump.
    """
    least = _tradable(points)[points.curve]
    change, ends = (np.empty((len(points.curve) - 1, 2)) for _ in range(2))
    for at, wished in enumerate((points.demand, points.supply)):
        known = np.minimum(wished, _REACH * least)
        change[:, at] = np.abs(np.diff(known))
        ends[:, at] = np.maximum(known[1:], known[:-1])
    curve, room = points.curve[:-1], least[:-1, np.newaxis]
    within = (
        (np.diff(points.curve) == 0) & kinked[curve] & _wide(points.price[:-1], points.price[1:])
    )
    here = within[:, np.newaxis] & (change > _LARGE * room) & (change > _STEEP * ends)
    crosses = np.diff(points.supply >= points.demand)
    below, side = np.nonzero(here)
    order = np.lexsort((-change[below, side], ~crosses[below], curve[below]))
    below, side = below[order], side[order]
    rank = np.arange(len(below)) - np.searchsorted(curve[below], curve[below])
    kept = rank < MOST_JUMPS
    return Jumps(below[kept], side[kept] == 0)


def narrowed(points: Points, found: Jumps, ask: Ask) -> Points:
    """Return both ends of each bracket, halved until it is narrow; the larger change stays in it.

    Where less than half of the change is left, it was a slope: its bracket is dropped.

    Parameters
    ----------
    ask
        Asked for a price within each bracket of `found` at a time.
    """
    curve = points.curve[found.below]
    low, high = (Points(*(column[found.below + end] for column in points)) for end in (0, 1))
    before = _change(low, high, found)
    for _ in range(ROUNDS):
        wide = _wide(low.price, high.price)
        if not wide.any():
            break
        price = (low.price + high.price) // 2
        middle = Points(curve, price, *ask(price))
        lower = _change(low, middle, found) >= _change(middle, high, found)
        high = _replaced(high, middle, wide & lower)
        low = _replaced(low, middle, wide & ~lower)
    jump = 2 * _change(low, high, found) >= before
    return merged(*(Points(*(column[jump] for column in each)) for each in (low, high)))


def _change(low: Points, high: Points, found: Jumps) -> I64:
    demand, supply = np.abs(high.demand - low.demand), np.abs(high.supply - low.supply)
    change: I64 = np.where(found.of_demand, demand, supply)
    return change


def merged(one: Points, other: Points) -> Points:
    """Return the points of both, each price of a curve once."""
    both = [np.concatenate(columns) for columns in zip(one, other, strict=True)]
    _, first = np.unique(np.column_stack(both[:2]), axis=0, return_index=True)
    return Points(*(column[first] for column in both))


def _tradable(points: Points) -> I64:
    """Return, a curve each, the most that both sides wish at a price, or that they may at all."""
    first = np.flatnonzero(np.diff(points.curve, prepend=-1))
    both: I64 = np.maximum.reduceat(np.minimum(points.demand, points.supply), first)
    most = [np.maximum.reduceat(wished, first) for wished in (points.demand, points.supply)]
    tradable: I64 = np.where(both > 0, both, np.minimum(*most))
    return tradable


def _wide(low: I64, high: I64) -> Bool:
    wide: Bool = high - low > np.maximum(1.0, _NARROW * low)
    return wide


def _replaced(points: Points, others: Points, where: Bool) -> Points:
    return Points(*(np.where(where, new, old) for new, old in zip(others, points, strict=True)))
