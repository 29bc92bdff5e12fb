"""A scenario as the engine takes it: frozen, checked, every default filled in.

Quantities are integers in storage units (lots, minor units); `Scenario.to_dict` writes them back as
people write them.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, localcontext
from typing import Any, Literal

from ecs_market.units import Units

MoneyMode = Literal["quasilinear", "unit_of_account", "in_utility"]
Regime = Literal["bilateral", "centralized", "mixed_bilateral_centralized"]
Mode = Literal["forage", "trade", "both"]
Component = Literal["Mobility", "BilateralTrader", "Forager"]

# No draw of a normal distribution lies further from its mean, in standard deviations.
REACH = 8.3


@dataclass(frozen=True, slots=True)
class Grid:
    """The cells (0, 0) to (width - 1, height - 1); on a torus opposite edges meet."""

    width: int
    height: int
    torus: bool = False


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
    """Rules that hold for everybody; radii in cells, times in ticks.

    `mode_schedule` lists modes and how many ticks each lasts, over and over; empty: `mode` always.
    """

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
    reorder_every: int = 50
    idle: Literal["random_walk", "home", "stay"] = "random_walk"
    mode: Mode = "both"
    mode_schedule: tuple[tuple[Mode, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Protocols:
    """Canonical names of the protocols in use, and the parameters of bargaining."""

    search: str = "market_aware_search"
    matching: str = "three_pass"
    bargaining: str = "compensating_block"
    bargaining_parameters: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attention:
    """How agents choose among posts.

    Parameters
    ----------
    memory_slots
        Posts whose prices an agent keeps in mind.
    choice, temperature
        ``score`` takes the best; ``softmax`` draws, with `temperature` [M].
    reputation
        Weight of the latest visit in an agent's average of what a post kept of its promise; 0
        where agents keep none.
    """

    memory_slots: int = 0
    choice: Literal["score", "softmax"] = "score"
    temperature: float = 1.0
    reputation: float = 0.0


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
class Draw:
    """A number that differs from agent to agent.

    Parameters
    ----------
    kind
        ``values`` (listed), ``whole`` (evenly among whole numbers), ``uniform``, ``normal`` or
        ``lognormal``.
    first, second
        Lowest and highest number of ``whole`` and ``uniform``; mean and standard deviation of a
        ``normal``, or of the logarithm of a ``lognormal``.
    low, high
        A ``normal`` or ``lognormal`` beyond them is drawn again.
    values
        One number a member, in the order of ids.
    """

    kind: Literal["values", "whole", "uniform", "normal", "lognormal"]
    first: float = 0.0
    second: float = 0.0
    low: float | None = None
    high: float | None = None
    values: tuple[float, ...] = ()

    @property
    def ends(self) -> tuple[float, float]:
        """Smallest and largest number that can come out."""
        if self.kind == "values":
            return min(self.values), max(self.values)
        if self.kind in ("whole", "uniform"):
            return self.first, self.second
        ends = [self.first - REACH * self.second, self.first + REACH * self.second]
        if self.kind == "lognormal":
            ends = [exponential(end) for end in ends]
        low = ends[0] if self.low is None else max(self.low, ends[0])
        high = ends[1] if self.high is None else min(self.high, ends[1])
        return low, high

    @property
    def centre(self) -> float:
        """Mean, or the median of a ``lognormal``, moved to the nearer end if it lies beyond."""
        if self.kind == "values":
            return math.fsum(self.values) / len(self.values)
        if self.kind in ("whole", "uniform"):
            return 0.5 * (self.first + self.second)
        low, high = self.ends
        middle = exponential(self.first) if self.kind == "lognormal" else self.first
        return min(max(middle, low), high)


def exponential(exponent: float) -> float:
    """Return e to the power of `exponent`, the same number on every platform."""
    with localcontext() as settings:
        settings.prec = 30
        return float(Decimal(exponent).exp())


@dataclass(frozen=True, slots=True)
class Utility:
    """Preferences of `count` members.

    Parameters
    ----------
    family
        Canonical name.
    count
        Members; groups take ascending ids in the order of declaration.
    money_weight
        Utility of one M.
    parameters
        The family's own keys with every default filled in; a `Draw` stands where members differ.
    """

    family: str
    count: int
    money_weight: float | Draw
    parameters: dict[str, Any]

    @property
    def kappa(self) -> float | Draw:
        """Factor of the log scale, 1 for a family without one."""
        found: float | Draw = self.parameters.get("kappa", 1.0)
        return found


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
    """A market post.

    Parameters
    ----------
    mechanism, parameters
        Canonical name, and its own keys with every default filled in.
    commodities
        Goods without M, in the order of goods.
    fee_ppb, fee_per_lot
        What buyer and seller each pay: 1e-9 of the payment, and minor units for each lot.
    stock_goods, stock_money
        What the post itself starts with: lots of each good (empty for none) and minor units.
    """

    id: int
    x: int
    y: int
    visibility_radius: int
    interaction_radius: int
    broadcast_radius: int
    mechanism: str
    parameters: dict[str, Any]
    commodities: tuple[str, ...]
    fee_ppb: int = 0
    fee_per_lot: int = 0
    stock_goods: tuple[int, ...] = ()
    stock_money: int = 0


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
    attention: Attention
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


def largest_total(populations: Iterable[Population], good: int, posts: Iterable[Post] = ()) -> int:
    """Most lots of one good that all populations can start with, and posts own."""
    held = sum(each.inventories[good].total(each.count) for each in populations)
    return held + sum(each.stock_goods[good] for each in posts if each.stock_goods)
