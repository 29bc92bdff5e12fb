"""What a run adds up to so far: counts and gains, whatever the telemetry level."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.types import F64, I64


@dataclass(slots=True)
class Prices:
    """Moments of the prices paid, a good each, every lot counted once.

    Attributes
    ----------
    lots, steps, squares
        float64 (K,): lots traded, and the sums over them of the price and of its square
        [price step].
    """

    lots: F64
    steps: F64
    squares: F64

    @classmethod
    def none(cls, goods: int) -> Prices:
        """Return the moments of no trade at all."""
        return cls(*(np.zeros(goods) for _ in range(3)))

    def add(self, good: I64, lots: I64, steps: I64) -> None:
        """Count trades: arrays of one length."""
        size, price = lots.astype(np.float64), steps.astype(np.float64)
        np.add.at(self.lots, good, size)
        np.add.at(self.steps, good, size * price)
        np.add.at(self.squares, good, size * price * price)

    def include(self, other: Prices) -> None:
        """Add other moments."""
        self.lots += other.lots
        self.steps += other.steps
        self.squares += other.squares


@dataclass(slots=True)
class PostTotals:
    """One post's trade so far: lots a good, ticks with volume, gains [minor unit]."""

    volume: I64
    prices: Prices
    clears: int = 0
    trades: int = 0
    gain: int = 0


@dataclass(slots=True)
class Totals:
    """Counts and gains of a run so far, in storage units.

    Attributes
    ----------
    posts
        By post id.
    market_trades, market_gain
        Trades between members of posts and their gains [minor unit].
    bilateral_trades, bilateral_gain
        Agreements face to face and their gains [minor unit].
    bilateral_volume, bilateral_prices
        int64 (K,) [lot], and the prices paid.
    last_trade_tick
        -1 before the first trade.
    elapsed_ns
        Time spent in ticks.
    """

    goods: int
    posts: dict[int, PostTotals] = field(default_factory=dict)
    market_trades: int = 0
    market_gain: int = 0
    bilateral_trades: int = 0
    bilateral_gain: int = 0
    bilateral_volume: I64 = field(default_factory=lambda: np.zeros(0, np.int64))
    bilateral_prices: Prices = field(default_factory=lambda: Prices.none(0))
    last_trade_tick: int = -1
    elapsed_ns: int = 0

    def __post_init__(self) -> None:
        self.bilateral_volume = np.zeros(self.goods, np.int64)
        self.bilateral_prices = Prices.none(self.goods)

    def of_post(self, ident: int) -> PostTotals:
        """Return the totals of a post, empty at first."""
        if ident not in self.posts:
            self.posts[ident] = PostTotals(np.zeros(self.goods, np.int64), Prices.none(self.goods))
        return self.posts[ident]

    def prices(self) -> Prices:
        """Return the prices of all trades, at posts and face to face."""
        found = Prices.none(self.goods)
        found.include(self.bilateral_prices)
        for post in self.posts.values():
            found.include(post.prices)
        return found
