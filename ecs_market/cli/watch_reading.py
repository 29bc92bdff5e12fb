"""What the live view reads of a run: totals that the engine keeps anyway, at redraws only."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from ecs_market.components.market_post import STATUSES, MarketPost
from ecs_market.types import F64, I64

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation

Key = tuple[int, int]
"""A post's id and a good's index."""

SAMPLES = 1024
RANK_EVERY = 2.0  # seconds between two choices of what to show
FOLLOWED = 64  # goods at posts whose prices are kept, so that a larger window finds them


@dataclass(frozen=True, slots=True)
class PriceRow:
    """A good at a post: its price [M / unit], NaN before the first; volume [unit].

    `history(n)` returns at most `n` prices, from the first moment to now; `low` and `high` are the
    lowest and the highest of all.
    """

    post: int
    good: str
    price: float
    history: Callable[[int], list[float]]
    low: float
    high: float
    volume: float
    status: str


@dataclass(frozen=True, slots=True)
class Reading:
    """A run at one moment, in people's units; volumes are a number a good."""

    name: str
    seed: int
    tick: int
    agents: int
    posts: int
    market_trades: int
    bilateral_trades: int
    market_volume: Mapping[str, float]
    bilateral_volume: Mapping[str, float]
    rows: list[PriceRow]
    left_out: int


class History:
    """Prices at the redraws so far: when they become many, every other, then every fourth, ...

    At most `SAMPLES` moments are kept, and always the newest.
    """

    def __init__(self) -> None:
        self._ticks: list[int] = []
        self._prices: dict[Key, list[float]] = {}
        self._range: dict[Key, tuple[float, float]] = {}
        self._stride = 1
        self._count = 0  # of moments that were added

    def add(self, tick: int, prices: Mapping[Key, float]) -> None:
        """Take the prices after a tick; a key that is no longer given is forgotten."""
        if self._ticks and self._ticks[-1] == tick:
            return
        if self._ticks and (self._count - 1) % self._stride:
            self._ticks.pop()
            for past in self._prices.values():
                past.pop()
        for gone in self._prices.keys() - prices.keys():
            del self._prices[gone], self._range[gone]
        for key, price in prices.items():
            if key not in self._prices:
                self._prices[key] = [math.nan] * len(self._ticks)
                self._range[key] = (math.nan, math.nan)
            self._prices[key].append(price)
            low, high = self._range[key]
            # NaN is neither above nor below: the known one stays, or the new one comes in.
            self._range[key] = (
                low if low <= price or math.isnan(price) else price,
                high if high >= price or math.isnan(price) else price,
            )
        self._ticks.append(tick)
        self._count += 1
        if len(self._ticks) > SAMPLES:
            self._stride *= 2
            del self._ticks[1::2]
            for past in self._prices.values():
                del past[1::2]

    def line(self, key: Key, width: int) -> list[float]:
        """Return at most `width` prices, evenly spaced from the first moment to the last."""
        past = self._prices.get(key, [])
        width = min(width, len(past))
        if not width:
            return []
        first, last = self._ticks[0], self._ticks[-1]
        step = (last - first) / max(1, width - 1)
        at = [bisect_right(self._ticks, first + step * place) - 1 for place in range(width - 1)]
        return [past[each] for each in [*at, -1]]

    def range(self, key: Key) -> tuple[float, float]:
        """Return the lowest and the highest price so far."""
        return self._range.get(key, (math.nan, math.nan))


class Gauge:
    """Reads a simulation between two ticks; what it costs grows with the rows shown.

    Which goods at which posts are shown is decided anew every `RANK_EVERY` seconds: where not all
    fit, those with the largest turnover of late.
    """

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._history = History()
        self._keys: list[Key] = []  # what is followed, the most traded first
        self._volume: I64 = np.zeros((0, simulation.world.goods), np.int64)
        self._turnover: F64 = np.zeros((0, simulation.world.goods))
        self._ranked = -math.inf
        self._followed = 0
        self._traded = 0
        self._posts = 0

    def read(self, now: float, rows: int) -> Reading:
        """Return the run as it is.

        Parameters
        ----------
        now
            Seconds on a clock.
        rows
            How many goods at posts are shown.
        """
        simulation = self._simulation
        world, totals = simulation.world, simulation.world.totals
        followed = max(rows, FOLLOWED)
        if followed != self._followed or now - self._ranked >= RANK_EVERY:
            self._rank(followed)
            self._followed, self._ranked = followed, now
        found = self._rows(rows)
        posts, pairs = totals.posts.volume.sum(axis=0), totals.pairs.volume.sum(axis=0)
        goods, units = world.settings.goods, simulation.units
        return Reading(
            simulation.scenario.name,
            simulation.seed,
            simulation.tick,
            world.agents.size,
            self._posts,
            totals.market_trades,
            totals.bilateral_trades,
            dict(zip(goods, units.from_lots(posts).tolist(), strict=True)),
            dict(zip(goods, units.from_lots(pairs).tolist(), strict=True)),
            found,
            self._traded - len(found),
        )

    def _rank(self, followed: int) -> None:
        """Choose the goods at posts to follow, by turnover of late, then by id."""
        world = self._simulation.world
        ids = np.flatnonzero(world.post_rows >= 0)
        post = world.posts.whole(MarketPost)
        at = world.post_rows[ids]
        volume = world.totals.posts.grown(len(world.post_rows)).volume.copy()
        before, turnover = np.zeros_like(volume), np.zeros(volume.shape)
        before[: len(self._volume)] = self._volume
        turnover[: len(self._turnover)] = self._turnover * 0.5
        turnover[ids] += (volume - before)[ids] * post.current_prices[at].astype(np.float64)
        self._volume, self._turnover = volume, turnover
        place, good = np.nonzero(post.commodities[at])
        order = np.argsort(-turnover[ids][place, good], kind="stable")[:followed]
        self._keys = list(zip(ids[place[order]].tolist(), good[order].tolist(), strict=True))
        self._traded, self._posts = len(place), len(ids)

    def _rows(self, count: int) -> list[PriceRow]:
        """Read what is followed; return what is shown of it, in the order of ids."""
        simulation = self._simulation
        world, units = simulation.world, simulation.units
        post, volume = world.posts.whole(MarketPost), world.totals.posts.volume
        keys = [key for key in self._keys if world.post_rows[key[0]] >= 0]
        steps = [int(post.current_prices[world.post_rows[ident], good]) for ident, good in keys]
        prices = [units.from_steps(price) if price > 0 else math.nan for price in steps]
        price_of = dict(zip(keys, prices, strict=True))
        self._history.add(simulation.tick, price_of)
        rows = []
        for ident, good in sorted(keys[:count]):
            low, high = self._history.range((ident, good))
            lots = int(volume[ident, good]) if ident < len(volume) else 0
            rows.append(
                PriceRow(
                    ident,
                    world.settings.goods[good],
                    price_of[ident, good],
                    partial(self._history.line, (ident, good)),
                    low,
                    high,
                    units.from_lots(lots),
                    STATUSES[int(post.status[world.post_rows[ident]])],
                )
            )
        return rows
