"""The world-wide settings of a run, as the systems read them."""

from __future__ import annotations

from dataclasses import dataclass

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
        A lot [unit], a price step [M / unit] and a minor unit [M]; lots_per_unit their inverse.
    mode
        Money mode, a code of `preferences.modes`.
    """

    width: int
    height: int
    goods: tuple[str, ...]
    lot_size: float
    step_size: float
    minor_size: float
    lots_per_unit: int
    mode: int
    exchange_regime: str
    centralized_weight: float = 0.5
    bilateral_weight: float = 0.5
    beta: float = 0.95
    min_value: float = 0.01
    patience_ticks: int = 10
    trade_cooldown_ticks: int = 10
    idle: str = "random_walk"
    forages: bool = True
    trades: bool = True
    search: str = "market_aware_search"
    matching: str = "three_pass"
    bargaining: str = "compensating_block"
    price_info: PriceInfo = PriceInfo()

    @property
    def sees_markets(self) -> bool:
        """Return whether agents look for market posts at all."""
        aware = self.search == "market_aware_search"
        return self.trades and aware and self.exchange_regime != BILATERAL

    @property
    def sees_partners(self) -> bool:
        """Return whether agents look for one another at all."""
        return self.trades and self.exchange_regime != CENTRALIZED
