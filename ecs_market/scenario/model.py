"""A scenario as the engine takes it: frozen, checked, every default filled in.

Quantities are integers in storage units (lots, minor units); `Scenario.to_dict` writes them back as
people write them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

from ecs_market.units import Units

MoneyMode = Literal["quasilinear", "unit_of_account"]
Regime = Literal["bilateral", "centralized", "mixed_bilateral_centralized"]
Component = Literal["Mobility", "BilateralTrader", "Forager"]


@dataclass(frozen=True, slots=True)
class Grid:
    """The bounded world: cells (0, 0) to (width - 1, height - 1)."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class PriceInfo:
    """How far an agent trusts a price that was broadcast to it.

    `half_life` [tick] and `expire_after` [tick] say how confidence ages, `floor` is its lower
    bound, `sigma` the uncertainty of the logarithm of a price.
    """

    age: Literal["exponential", "none"] = "exponential"
    half_life: float = 50.0
    expire_after: int = 200
    distance: Literal["none", "linear"] = "none"
    floor: float = 0.5
    sigma: float = 0.2


@dataclass(frozen=True, slots=True)
class Params:
    """Rules that hold for everybody; radii in cells, times in ticks."""

    exchange_regime: Regime
    forage_rate: float
    forage_lots: int
    vision_radius: int = 5
    interaction_radius: int = 1
    move_budget_per_tick: int = 1
    beta: float = 0.95
    centralized_weight: float = 0.5
    bilateral_weight: float = 0.5
    min_value: float = 0.01
    patience_ticks: int = 10
    trade_cooldown_ticks: int = 10
    idle: Literal["random_walk", "home", "stay"] = "random_walk"
    mode: Literal["forage", "trade", "both"] = "both"


@dataclass(frozen=True, slots=True)
class Protocols:
    """Canonical names of the protocols in use."""

    search: str = "market_aware_search"
    matching: str = "three_pass"
    bargaining: str = "compensating_block"


@dataclass(frozen=True, slots=True)
class Distribution:
    """A starting amount in storage units.

    Parameters
    ----------
    low, high
        Smallest and largest amount; equal for a fixed one.
    step
        Storage units of one whole unit: a range draws ``low + k * step``, both ends possible.
    values
        One amount a member, in the order of ids, instead of a draw.
    """

    low: int
    high: int
    step: int
    values: tuple[int, ...] | None = None

    @property
    def choices(self) -> int:
        """Number of different amounts that a draw can give."""
        return (self.high - self.low) // self.step + 1

    def total(self, count: int) -> int:
        """Most that `count` members can own together."""
        return sum(self.values) if self.values is not None else self.high * count


@dataclass(frozen=True, slots=True)
class Positions:
    """Where a population starts: anywhere (both None), all `at` one cell, or a cell a member."""

    at: tuple[int, int] | None = None
    cells: tuple[tuple[int, int], ...] | None = None


@dataclass(frozen=True, slots=True)
class Utility:
    """Preferences of `count` members.

    Parameters
    ----------
    family
        Canonical name.
    count
        Members; groups take ascending ids in the order of declaration.
    weights, exponents
        One number for each good, whichever the family has; the other is empty.
    scale, kappa
        ``log`` is kappa ln u; for ``level`` kappa is 1 and plays no role.
    money_weight
        Utility of one M.
    parameters
        The family's own keys with every default filled in.
    """

    family: str
    count: int
    weights: tuple[float, ...]
    exponents: tuple[float, ...]
    scale: Literal["log", "level"]
    kappa: float
    money_weight: float
    parameters: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Population:
    """A named group of agents with the same components.

    `components` is None for all optional ones; `inventories` has one entry for each good.
    """

    name: str
    count: int
    positions: Positions
    components: tuple[Component, ...] | None
    inventories: tuple[Distribution, ...]
    money: Distribution
    utilities: tuple[Utility, ...]
    vision_radius: int
    interaction_radius: int
    move_budget_per_tick: int

    def has(self, component: Component) -> bool:
        """Whether this population has an optional component."""
        return self.components is None or component in self.components


@dataclass(frozen=True, slots=True)
class Post:
    """A market post; `commodities` are goods without M, in the order of goods."""

    id: int
    x: int
    y: int
    visibility_radius: int
    interaction_radius: int
    broadcast_radius: int
    mechanism: str
    parameters: dict[str, Any]
    commodities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ResourceType:
    """One kind of patch: its good and how many whole units it starts with."""

    good: str
    quantity: Distribution


@dataclass(frozen=True, slots=True)
class Regrowth:
    """How a patch recovers: units a tick after `cooldown` ticks, up to `max_amount` units."""

    rate: float
    rate_lots: int
    cooldown: int
    max_amount: float
    max_lots: int


@dataclass(frozen=True, slots=True)
class Resources:
    """Patches: each cell holds one at the start with chance `spawn_rate`."""

    spawn_rate: float
    types: tuple[ResourceType, ...]
    regrowth: Regrowth | None = None


@dataclass(frozen=True, slots=True)
class Scenario:
    """One economy, ready to run.

    Populations keep their order of declaration (ids ascend over them from 0); posts ascend by id.
    """

    name: str
    description: str
    grid: Grid
    units: Units
    money_mode: MoneyMode
    goods: tuple[str, ...]
    params: Params
    price_info: PriceInfo
    protocols: Protocols
    populations: tuple[Population, ...]
    market_posts: tuple[Post, ...]
    resources: Resources | None
    ticks: int
    seed: int

    @property
    def agent_count(self) -> int:
        """Agents at the start, over all populations."""
        return sum(population.count for population in self.populations)

    def to_dict(self) -> dict[str, Any]:
        """Write the scenario as plain data that loads again to an equal one."""
        from ecs_market.scenario.dump import as_mapping

        return as_mapping(self)

    def override(self, *items: str) -> Scenario:
        """Return a checked copy with ``path=value`` changes, as `apply_overrides` takes them."""
        from ecs_market.scenario.load import apply_overrides, from_dict

        return from_dict(apply_overrides(self.to_dict(), items))

    def population_named(self, name: str) -> Population:
        """Return the population of that name; KeyError if there is none."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(name)


def largest_total(populations: Iterable[Population], good: int) -> int:
    """Most lots of one good that all populations can start with."""
    return sum(each.inventories[good].total(each.count) for each in populations)
