"""A call auction by trying every price, and McAfee's rule lot by lot, in plain Python."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

Order = tuple[bool, int, int]  # buys, lots, limit


@dataclass(frozen=True)
class Call:
    """What the rule demands: price, volume, and demand and supply at the price."""

    price: int
    volume: int
    demand: int
    supply: int


def curves(orders: Sequence[Order], price: int) -> tuple[int, int]:
    """Return the lots wanted and offered at a price."""
    wanted = sum(lots for buys, lots, limit in orders if buys and limit >= price)
    offered = sum(lots for buys, lots, limit in orders if not buys and limit <= price)
    return wanted, offered


def call(orders: Sequence[Order], k: Fraction, lowest: int = 1, highest: int | None = None) -> Call:
    """Return the price by trying each one from `lowest` to `highest`; volume 0: price 0."""
    top = highest if highest is not None else max((limit for *_, limit in orders), default=1) + 1
    tried = [(*curves(orders, price), price) for price in range(lowest, top + 1)]
    most = max(min(wanted, offered) for wanted, offered, _ in tried)
    if most == 0:
        return Call(0, 0, 0, 0)
    tried = [each for each in tried if min(each[:2]) == most]
    least = min(abs(wanted - offered) for wanted, offered, _ in tried)
    prices = [price for wanted, offered, price in tried if abs(wanted - offered) == least]
    assert prices == list(range(prices[0], prices[-1] + 1))
    price = prices[0] + math.floor(k * (prices[-1] - prices[0]))
    return Call(price, most, *curves(orders, price))


def ladder(orders: Sequence[Order], buys: bool) -> list[tuple[int, int]]:
    """Return (limit, place) of every lot of one side, best first, ties by place."""
    units = [
        (limit, place)
        for place, (side, lots, limit) in enumerate(orders)
        if side == buys
        for _ in range(lots)
    ]
    return sorted(units, key=lambda unit: (-unit[0] if buys else unit[0], unit[1]))


def share(weights: Sequence[int], amount: int) -> list[int]:
    """Return `amount` split pro rata by largest remainders, ties to the first."""
    total = sum(weights)
    parts = [weight * amount // total for weight in weights]
    rest = [
        Fraction(weight * amount, total) - part for weight, part in zip(weights, parts, strict=True)
    ]
    order = sorted(range(len(weights)), key=lambda i: (-rest[i], i))
    for i in order[: amount - sum(parts)]:
        parts[i] += 1
    return parts


def fills(orders: Sequence[Order], volume: int) -> list[int]:
    """Return what each order gets: by price, pro rata at the last limit that is reached."""
    filled = [0] * len(orders)
    for buys in (True, False):
        rest = volume
        limits = sorted({limit for side, _, limit in orders if side == buys}, reverse=buys)
        for limit in limits:
            here = [i for i, (s, _, at) in enumerate(orders) if s == buys and at == limit]
            lots = [orders[i][1] for i in here]
            amount = min(rest, sum(lots))
            for i, part in zip(here, share(lots, amount), strict=True):
                filled[i] = part
            rest -= amount
    return filled


def mcafee(bids: Sequence[int], asks: Sequence[int]) -> tuple[int, int, int]:
    """Return volume, buyers' and sellers' price of McAfee's rule for traders of one unit each."""
    b, s = sorted(bids, reverse=True), sorted(asks)
    k = sum(1 for value, cost in zip(b, s, strict=False) if value >= cost)
    if k == 0:
        return 0, 0, 0
    if len(b) > k and len(s) > k:
        middle = (b[k] + s[k]) // 2
        if s[k - 1] <= middle <= b[k - 1]:
            return k, middle, middle
    return k - 1, b[k - 1], s[k - 1]
