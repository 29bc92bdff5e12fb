"""What a run adds up to so far: counts and gains, whatever the telemetry level."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.types import I64


@dataclass(slots=True)
class PostTotals:
    """One post's trade so far: lots a good, ticks with volume, gains [minor unit]."""

    volume: I64
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
    bilateral_volume
        int64 (K,) [lot].
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
    last_trade_tick: int = -1
    elapsed_ns: int = 0

    def __post_init__(self) -> None:
        self.bilateral_volume = np.zeros(self.goods, np.int64)

    def of_post(self, ident: int) -> PostTotals:
        """Return the totals of a post, empty at first."""
        if ident not in self.posts:
            self.posts[ident] = PostTotals(np.zeros(self.goods, np.int64))
        return self.posts[ident]
