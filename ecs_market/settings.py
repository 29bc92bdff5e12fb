"""The world-wide settings of a run, as the systems read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I32, I64

# The period of an axis that does not wrap: further than any two cells are apart.
OPEN = 1 << 40

BILATERAL, CENTRALIZED, MIXED = "bilateral", "centralized", "mixed_bilateral_centralized"


@dataclass(frozen=True, slots=True)
class PriceInfo:
    """How far agents trust prices they hear.

    Attributes
    ----------
    decays
        Whether confidence falls with the age of a price.
    half_life, expire_after
        Age at which confidence is halved, and after which the price is forgotten [tick].
    by_distance
        Whether confidence also falls linearly with the distance to the post.
    floor
        The least confidence.
    sigma
        Log spread of prices around the one heard.
    """

    decays: bool = True
    half_life: float = 50.0
    expire_after: int = 200
    by_distance: bool = False
    floor: float = 0.5
    sigma: float = 0.2


@dataclass(frozen=True, slots=True)
class Settings:
    """What holds for the whole world and does not change during a run.

    Attributes
    ----------
    width, height
        Size of the grid [cell].
    goods
        Names of the goods, money not among them.
    lot_size, step_size, minor_size
        A lot [unit], a price step [M / unit] and a minor unit [M].
    step_numerator, step_denominator
        The price step as a fraction.
    lots_per_unit
        A unit in lots, at least 1.
    mode
        Money mode, a code of `preferences.modes`.
    forages, trades
        Whether agents look for resources, and for somebody to trade with, without a schedule.
    torus
        Whether opposite edges of the grid meet.
    mode_schedule
        What agents look for, and for how many ticks, over and over; empty: always the same.
    memory_slots
        Posts whose prices an agent remembers.
    market_choice, softmax_temperature
        ``score`` or ``softmax``, and the temperature of that [M].
    reputation_weight
        Weight of a tick's clearing in a post's reputation, 0 for none.
    bargaining_parameters
        The parameters of the bargaining protocol, by name.
    """

    width: int
    height: int
    goods: tuple[str, ...]
    lot_size: float
    step_size: float
    minor_size: float
    step_numerator: float
    step_denominator: float
    lots_per_unit: int
    mode: int
    exchange_regime: str
    centralized_weight: float = 0.5
    bilateral_weight: float = 0.5
    beta: float = 0.95
    min_value: float = 0.01
    patience_ticks: int = 10
    trade_cooldown_ticks: int = 10
    reorder_every: int = 50
    idle: str = "random_walk"
    forages: bool = True
    trades: bool = True
    search: str = "market_aware_search"
    matching: str = "three_pass"
    bargaining: str = "compensating_block"
    bargaining_parameters: Mapping[str, Any] = field(default_factory=dict)
    torus: bool = False
    mode_schedule: tuple[tuple[str, int], ...] = ()
    memory_slots: int = 0
    market_choice: str = "score"
    softmax_temperature: float = 1.0
    reputation_weight: float = 0.0
    price_info: PriceInfo = PriceInfo()

    def price(self, steps: I64) -> F64:
        """Return prices [M / unit]: the floats nearest to the decimals that people write.

        7,000 steps of 0.0001 are 0.7, where the product of floats is a little more; an agent to
        whom a unit is worth 0.7 must find itself indifferent.
        """
        return steps.astype(np.float64) * self.step_numerator / self.step_denominator

    @property
    def period_x(self) -> int:
        """Return after how many cells along x a place is the same again."""
        return self.width if self.torus else OPEN

    @property
    def period_y(self) -> int:
        """Return after how many cells along y a place is the same again."""
        return self.height if self.torus else OPEN

    def distances(self, x: I32, y: I32, to_x: I32 | int, to_y: I32 | int) -> I64:
        """Return Manhattan distances, the shorter way round on a torus [cell]."""
        gap_x = np.abs(x.astype(np.int64) - to_x)
        gap_y = np.abs(y.astype(np.int64) - to_y)
        near: I64 = np.minimum(gap_x, self.period_x - gap_x)
        near += np.minimum(gap_y, self.period_y - gap_y)
        return near

    @property
    def wanders(self) -> bool:
        """Return whether agents walk at random and take what is in reach."""
        return self.search == "random_walk"

    @property
    def barters(self) -> bool:
        """Return whether pairs also trade a good for a good."""
        return self.mode != QUASILINEAR or bool(self.bargaining_parameters.get("barter", False))

    @property
    def temperature(self) -> float:
        """Return the temperature at which posts are chosen [M], 0 where the best one is."""
        return self.softmax_temperature if self.market_choice == "softmax" else 0.0

    def mode_at(self, tick: int) -> str:
        """Return what agents look for in a tick: forage, trade, both or nothing."""
        if self.mode_schedule:
            left = tick % sum(ticks for _, ticks in self.mode_schedule)
            for word, ticks in self.mode_schedule:
                if left < ticks:
                    return word
                left -= ticks
        if self.forages and self.trades:
            return "both"
        return "forage" if self.forages else "trade" if self.trades else "nothing"

    def forages_at(self, tick: int) -> bool:
        """Return whether agents look for resources in a tick."""
        return self.mode_at(tick) in ("forage", "both")

    def trades_at(self, tick: int) -> bool:
        """Return whether agents look for somebody to trade with in a tick."""
        return self.mode_at(tick) in ("trade", "both")

    def sees_markets(self, tick: int) -> bool:
        """Return whether agents look for market posts in a tick."""
        aware = self.search != "distance_discounted" and self.exchange_regime != BILATERAL
        return aware and self.trades_at(tick)

    def sees_partners(self, tick: int) -> bool:
        """Return whether agents look for one another in a tick."""
        return self.exchange_regime != CENTRALIZED and self.trades_at(tick)
