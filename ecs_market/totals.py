"""What a run, or a tick, adds up to: counts, gains and prices, whatever the telemetry level."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.types import F64, I64


@dataclass(slots=True)
class Prices:
    """Moments of the prices paid, a place (row) and a good each, every lot counted once.

    Attributes
    ----------
    origin
        int64 (n, K): the first price paid [price step].  The others are counted from it, so that
        their squares lose no digits, and equal prices have no spread at all.
    lots, offset, squares
        float64 (n, K): lots traded, and the sums over them of the price less the origin and of
        the square of that [price step].
    """

    origin: I64
    lots: F64
    offset: F64
    squares: F64

    @classmethod
    def none(cls, places: int, goods: int) -> Prices:
        """Return the moments of no trade at all."""
        shape = (places, goods)
        return cls(np.zeros(shape, np.int64), *(np.zeros(shape) for _ in range(3)))

    @property
    def sums(self) -> tuple[F64, F64, F64]:
        """Return the three arrays of sums."""
        return self.lots, self.offset, self.squares

    def include(self, other: Prices) -> None:
        """Add other moments of the same places."""
        fresh = self.lots == 0.0
        self.origin[fresh] = other.origin[fresh]
        moved = (other.origin - self.origin).astype(np.float64)
        # Where the other has no trade its origin means nothing.
        moved[other.lots == 0.0] = 0.0
        self.squares += other.squares + 2.0 * moved * other.offset + other.lots * moved * moved
        self.offset += other.offset + other.lots * moved
        self.lots += other.lots

    def pooled(self) -> Prices:
        """Return the moments of all places together, as one place."""
        traded = self.lots > 0.0
        origin: I64 = np.zeros(self.lots.shape[1], np.int64)
        if len(traded):
            origin = self.origin[np.argmax(traded, axis=0), np.arange(len(origin))]
        moved = (self.origin - origin) * traded.astype(np.float64)
        squares = self.squares + 2.0 * moved * self.offset + self.lots * moved * moved
        sums = (self.lots, self.offset + self.lots * moved, squares)
        return Prices(origin[np.newaxis], *(each.sum(axis=0, keepdims=True) for each in sums))

    @property
    def mean(self) -> F64:
        """Return mean prices [price step], NaN without trade."""
        away = np.divide(self.offset, self.lots, out=self._nothing(), where=self.lots > 0.0)
        mean: F64 = self.origin.astype(np.float64) + away
        return mean

    @property
    def deviation(self) -> F64:
        """Return standard deviations of prices [price step], NaN without trade."""
        return self.deviation_from(self.mean)

    def deviation_from(self, steps: F64) -> F64:
        """Return roots of the mean squared distance to other prices [price step]."""
        moved = self.origin - steps
        away = np.divide(self.offset, self.lots, out=self._nothing(), where=self.lots > 0.0)
        square = np.divide(self.squares, self.lots, out=self._nothing(), where=self.lots > 0.0)
        square += moved * (2.0 * away + moved)
        deviation: F64 = np.sqrt(np.maximum(square, 0.0))
        return deviation

    def _nothing(self) -> F64:
        return np.full(self.lots.shape, np.nan)


@dataclass(slots=True)
class Tally:
    """Trade at some places, a row each: at posts by their ids, or between pairs in one row.

    Attributes
    ----------
    trades, clears
        int64 (n,): trades, and ticks with volume.
    gain, fee
        int64 (n,): what agents gained, after fees, and the fees that they paid [minor unit].
    volume
        int64 (n, K) [lot].
    prices
        Moments of the prices paid.
    """

    trades: I64
    clears: I64
    gain: I64
    fee: I64
    volume: I64
    prices: Prices

    @classmethod
    def none(cls, places: int, goods: int) -> Tally:
        """Return the tally of no trade at all."""
        trades, clears, gain, fee = (np.zeros(places, np.int64) for _ in range(4))
        volume = np.zeros((places, goods), np.int64)
        return cls(trades, clears, gain, fee, volume, Prices.none(places, goods))

    @property
    def places(self) -> int:
        """Return the number of rows."""
        return len(self.trades)

    def grown(self, places: int) -> Tally:
        """Return the same with rows for more places."""
        if places <= self.places:
            return self
        larger = Tally.none(places, self.volume.shape[1])
        here = slice(0, self.places)
        for name in ("trades", "clears", "gain", "fee", "volume"):
            getattr(larger, name)[here] = getattr(self, name)
        for name in Prices.__slots__:
            getattr(larger.prices, name)[here] = getattr(self.prices, name)
        return larger

    def include(self, other: Tally) -> None:
        """Add another tally of the same places."""
        self.trades += other.trades
        self.clears += other.clears
        self.gain += other.gain
        self.fee += other.fee
        self.volume += other.volume
        self.prices.include(other.prices)


@dataclass(slots=True)
class Totals:
    """Counts and gains of a run so far, in storage units.

    Attributes
    ----------
    posts
        A row a post id, as far as there has been one.
    pairs
        One row: agreements face to face.
    last_trade_tick
        -1 before the first trade.
    elapsed_ns
        Time spent in ticks.
    began_below
        Whether some agent began below the subsistence of its utility.
    """

    goods: int
    posts: Tally = field(init=False)
    pairs: Tally = field(init=False)
    last_trade_tick: int = -1
    elapsed_ns: int = 0
    began_below: bool = False

    def __post_init__(self) -> None:
        self.posts = Tally.none(0, self.goods)
        self.pairs = Tally.none(1, self.goods)

    def include(self, tick: int, posts: Tally, pairs: Tally) -> None:
        """Add a tick's trade at posts and between pairs."""
        self.posts = self.posts.grown(posts.places)
        self.posts.include(posts)
        self.pairs.include(pairs)
        if posts.trades.any() or pairs.trades.any():
            self.last_trade_tick = tick

    @property
    def market_trades(self) -> int:
        """Return the number of trades at posts."""
        return int(self.posts.trades.sum())

    @property
    def market_gain(self) -> int:
        """Return what agents gained at posts [minor unit]."""
        return int(self.posts.gain.sum())

    @property
    def bilateral_trades(self) -> int:
        """Return the number of agreements face to face."""
        return int(self.pairs.trades.sum())

    @property
    def bilateral_gain(self) -> int:
        """Return what agents gained face to face [minor unit]."""
        return int(self.pairs.gain.sum())
