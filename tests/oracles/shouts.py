"""Cliff's traders in plain Python: every shout is told apart by what it was (Cliff, 1997)."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

MEMORY = 64


class Shout(NamedTuple):
    """An order as everybody hears it; the price is that of the trade if it was taken."""

    price: int
    bid: bool
    taken: bool


@dataclass
class Side:
    """A trader as a buyer, or as a seller, of one good."""

    sells: bool
    limit: int
    margin: float
    change: float = 0.0

    def own(self) -> float:
        """Return the price it would like [price step]."""
        return self.limit * (1.0 + self.margin)

    def quote(self) -> int:
        """Return the price it would say: bids rounded down, asks up."""
        return math.ceil(self.own()) if self.sells else math.floor(self.own())

    def hear(self, shout: Shout, rate: float, momentum: float, share: float, amount: float) -> None:
        """Adapt the margin to one shout."""
        said = self.quote()
        worse = said <= shout.price if self.sells else said >= shout.price
        rival = shout.bid != self.sells
        if shout.taken and worse:
            # It could have had a better price.
            up = self.sells
        elif (not worse or said == shout.price) and rival != shout.taken:
            # It would not have traded, or is undercut.
            up = not self.sells
        else:
            return
        distance = shout.price * share + amount
        target = shout.price + distance if up else shout.price - distance
        own = self.own()
        self.change = momentum * self.change + (1.0 - momentum) * rate * (target - own)
        found = (own + self.change) / self.limit - 1.0
        self.margin = max(0.0, found) if self.sells else min(0.0, max(-1.0, found))


def catch_up(
    side: Side,
    shouts: Sequence[Shout],
    seen: int,
    rate: float,
    momentum: float,
    stretch: Callable[[int], tuple[float, float]],
) -> None:
    """Hear what was said since `seen`, as far as it is remembered; `stretch` is drawn by number."""
    for number in range(max(seen, len(shouts) - MEMORY), len(shouts)):
        side.hear(shouts[number], rate, momentum, *stretch(number))
