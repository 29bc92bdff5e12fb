"""The keys of a scenario file, their types, bounds and defaults.

These models check one mapping each and keep going after a fault, so that one reading finds all of
them. What depends on several keys is checked in `ecs_market.scenario.resolve`.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    model_validator,
)

from ecs_market.scenario.document import Node, Path, Report, shown

BIG = 2**31 - 1
MAX_RADIUS = 1_000_000

Radius = Annotated[int, Field(ge=0, le=MAX_RADIUS)]
Cell = Annotated[list[int], Field(min_length=2, max_length=2)]
Name = Annotated[str, Field(min_length=1, max_length=200)]
Share = Annotated[float, Field(ge=0, le=1)]


class Section(BaseModel):
    """One mapping of the file. Faulty keys are reported and dropped, the rest is kept."""

    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)
    required: ClassVar[tuple[str, ...]] = ()
    _path: Path = PrivateAttr(default=())
    _broken: frozenset[str] = PrivateAttr(default=frozenset())

    @model_validator(mode="wrap")
    @classmethod
    def keep_going(
        cls, value: Any, handler: ModelWrapValidatorHandler[Self], info: ValidationInfo
    ) -> Self:
        """Check `value`, report what is wrong with it and build the model from the rest."""
        report = info.context
        if not isinstance(value, Node) or not isinstance(report, Report):
            return handler(value)
        empty = [key for key, entry in value.items() if entry is None]
        for key in empty:
            if key in cls.model_fields or cls.model_config.get("extra") == "allow":
                report.add((*value.path, key), "has no value; leave the key out or give one")
            else:
                report.unknown((*value.path, key), cls.model_fields)
        broken = set(empty)
        rest = Node(value.path, {key: value[key] for key in value if key not in broken})
        try:
            made = handler(rest)
        except ValidationError as error:
            for fault in error.errors(include_url=False):
                place = fault["loc"]
                if not place:
                    raise
                broken.add(str(place[0]))
                _tell(report, value.path, fault, cls)
            made = handler(Node(value.path, {k: rest[k] for k in rest if k not in broken}))
        strange = [key for key in value if key not in cls.model_fields][:20]
        for key in cls.required:
            if key not in value:
                # A key that looks like it is one fault, told at that key.
                near = get_close_matches(key, strange, n=1)
                if near:
                    report.unknown((*value.path, near[0]), cls.model_fields)
                else:
                    report.add((*value.path, key), "is missing", key=True)
        return made.placed(value.path, frozenset(broken))

    def placed(self, path: Path, broken: frozenset[str]) -> Self:
        """Remember the path and the keys that were refused."""
        self._path = path
        self._broken = broken
        return self

    def at(self, *parts: str | int) -> Path:
        """Return the path of something inside this mapping."""
        return (*self._path, *parts)

    def sound(self, *keys: str) -> bool:
        """Whether none of these keys was refused or is missing though it must be there."""
        missing = [key for key in self.required if getattr(self, key) is None]
        return not any(key in self._broken or key in missing for key in keys)


class GridIn(Section):
    """The bounded world."""

    required = ("width", "height")
    width: int | None = Field(None, ge=1, le=BIG, description="Cells along x.")
    height: int | None = Field(None, ge=1, le=BIG, description="Cells along y.")
    torus: bool = Field(False, description="Whether opposite edges meet.")


class UnitsIn(Section):
    """The grid on which goods and prices live."""

    lot: float = Field(0.001, gt=0, le=1e6, description="Smallest quantity of a good [unit].")
    price_step: float = Field(
        0.0001, gt=0, le=1e6, description="Smallest difference of prices [M / unit]."
    )


class MoneyIn(Section):
    """What money means to the agents."""

    mode: Literal["quasilinear", "unit_of_account", "in_utility"] = Field(
        "quasilinear",
        description="quasilinear: U + money_weight x M; unit_of_account: goods for goods only; "
        "in_utility: M is one more good of U, with money_weight as its weight.",
    )


class PriceInfoIn(Section):
    """How far agents trust prices that were broadcast."""

    age: Literal["exponential", "none"] = Field(
        "exponential", description="Whether confidence decays with the age of a price."
    )
    half_life: float = Field(50.0, gt=0, le=1e9, description="Age of half confidence [tick].")
    expire_after: int = Field(
        200, ge=1, le=BIG, description="Age after which a price counts as unknown [tick]."
    )
    distance: Literal["none", "linear"] = Field(
        "none", description="Whether confidence falls towards the edge of the broadcast."
    )
    floor: Share = Field(0.5, description="Lower bound of confidence.")
    sigma: float = Field(
        0.2, ge=0, le=2, description="Uncertainty of the logarithm of a price, both ways."
    )


class PhaseIn(Section):
    """What agents look for, for some ticks."""

    required = ("mode", "ticks")
    mode: Literal["forage", "trade", "both"] | None = Field(
        None, description="What agents look for."
    )
    ticks: int | None = Field(None, ge=1, le=BIG, description="How long [tick].")


class ParamsIn(Section):
    """Rules that hold for everybody."""

    exchange_regime: Literal["bilateral", "centralized", "mixed_bilateral_centralized"] | None = (
        Field(None, description="Default: mixed_bilateral_centralized with posts, else bilateral.")
    )
    vision_radius: Radius = Field(5, description="How far an agent sees [cell].")
    interaction_radius: Radius = Field(1, description="How far two agents trade [cell].")
    move_budget_per_tick: Radius = Field(1, description="Steps a tick [cell].")
    beta: float = Field(0.95, gt=0, le=1, description="Discount of a value for each cell of way.")
    forage_rate: float = Field(1.0, ge=0, le=1e9, description="Harvest a tick [unit].")
    centralized_weight: float = Field(
        0.5, ge=0, le=1e9, description="Weight of markets in the mixed regime."
    )
    bilateral_weight: float = Field(
        0.5, ge=0, le=1e9, description="Weight of partners in the mixed regime."
    )
    min_value: float = Field(
        0.01, ge=0, le=1e12, description="Options worth less than this count as nothing [M]."
    )
    patience_ticks: int = Field(
        10, ge=1, le=BIG, description="Ticks within reach without a trade before giving up."
    )
    trade_cooldown_ticks: int = Field(
        10, ge=0, le=BIG, description="Ticks for which a target that was given up is barred."
    )
    reorder_every: int = Field(
        50,
        ge=1,
        le=BIG,
        description="Ticks after which rows are sorted by place, for speed.",
    )
    idle: Literal["random_walk", "home", "stay"] = Field(
        "random_walk", description="What agents without a target do."
    )
    mode: Literal["forage", "trade", "both"] = Field("both", description="What agents look for.")
    mode_schedule: Annotated[list[PhaseIn], Field(min_length=1, max_length=1000)] | None = Field(
        None, description="Instead of mode: modes one after another, over and over."
    )
    price_info: PriceInfoIn | None = None
    market_memory: Any = None
    market_choice: Any = None
    reputation: Any = None


class ProtocolsIn(Section):
    """Protocols by name, or {name, version}; bargaining also with its parameters."""

    search: Any = "market_aware_search"
    matching: Any = "three_pass"
    bargaining: Any = "compensating_block"


class UtilityIn(Section):
    """Preferences of some members; further keys are the family's parameters."""

    model_config = ConfigDict(extra="allow", strict=True, allow_inf_nan=False)
    required = ("type",)
    type: str | None = Field(None, description="Utility family.")
    count: int | None = Field(None, ge=1, le=BIG, description="Members, in ascending ids.")
    share: float | None = Field(None, gt=0, le=1, description="Members as a share of the count.")
    money_weight: Any = 1.0


class AgentsIn(Section):
    """One population named agents."""

    required: ClassVar[tuple[str, ...]] = ("count", "inventories", "utilities")
    count: int | None = Field(None, ge=1, le=BIG, description="Number of agents.")
    initial_positions: Any = Field(
        None, description="{distribution: uniform} (default), {at: [x, y]} or {cells: [[x, y]...]}."
    )
    inventories: dict[str, Any] | None = Field(
        None, description="A good or M: a number, [lo, hi] (whole units) or {values: [...]}."
    )
    utilities: Annotated[list[UtilityIn], Field(min_length=1)] | None = None
    vision_radius: Radius | None = Field(None, description="Overrides params [cell].")
    interaction_radius: Radius | None = Field(None, description="Overrides params [cell].")
    move_budget_per_tick: Radius | None = Field(None, description="Overrides params [cell].")


class PopulationIn(AgentsIn):
    """A named group of agents with the same components."""

    required = ("name", *AgentsIn.required)
    name: Name | None = Field(None, description="Unique name.")
    components: list[Literal["Mobility", "BilateralTrader", "Forager"]] | None = Field(
        None, description="Optional components; absent: all of them."
    )


class PostIn(Section):
    """A market post."""

    required = ("location",)
    id: int | None = Field(None, ge=0, le=BIG, description="Unique number; absent: the next one.")
    location: Cell | None = Field(None, description="Cell [x, y].")
    visibility_radius: Radius = Field(10, description="From how far it is seen [cell].")
    interaction_radius: Radius = Field(3, description="From how far one trades here [cell].")
    broadcast_radius: Radius = Field(15, description="How far its prices are heard [cell].")
    mechanism: Any = Field(None, description="Mechanism: a name, or {name, version}.")
    mechanism_type: Any = Field(None, description="Another spelling of mechanism.")
    mechanism_params: dict[str, Any] | None = Field(
        None, description="Parameters of the mechanism."
    )
    commodities: Annotated[list[str], Field(min_length=1, max_length=65)] | None = Field(
        None, description="Goods traded here; M is always the numeraire. Absent: all goods."
    )


class ResourceTypeIn(Section):
    """One kind of patch."""

    required = ("good", "quantity")
    good: str | None = Field(None, description="The good it holds.")
    quantity: Any = Field(None, description="A number, or [lo, hi]: whole units at the start.")


class RegrowthIn(Section):
    """How a harvested patch recovers."""

    required = ("rate",)
    rate: float | None = Field(None, ge=0, le=1e9, description="Growth [unit / tick].")
    cooldown: int = Field(0, ge=0, le=BIG, description="Ticks after a harvest without growth.")
    max_amount: float | None = Field(
        None, gt=0, le=1e9, description="Upper bound [unit]; absent: the largest quantity."
    )


class ResourcesIn(Section):
    """Patches on the grid."""

    required = ("spawn_rate", "types")
    spawn_rate: Share | None = Field(
        None, description="Chance that a cell holds a patch at the start."
    )
    types: Annotated[list[ResourceTypeIn], Field(min_length=1)] | None = Field(
        None, description="Kinds of patches; each patch draws one of them evenly."
    )
    regrowth: RegrowthIn | None = None


class ScenarioIn(Section):
    """A whole scenario file."""

    required = ("grid",)
    schema_version: Literal[1] = Field(1, description="Version of this format.")
    name: Name | None = Field(None, description="Name of the scenario.")
    description: str = Field("", max_length=10_000, description="What it shows.")
    grid: GridIn | None = None
    units: UnitsIn | None = None
    money: MoneyIn | None = None
    goods: Annotated[list[str], Field(min_length=1, max_length=64)] | None = Field(
        None, description="Goods in their order, without M. Absent: as in inventories."
    )
    exchange_regime: Literal["bilateral", "centralized", "mixed_bilateral_centralized"] | None = (
        Field(None, description="Another place for params.exchange_regime.")
    )
    params: ParamsIn | None = None
    price_info: PriceInfoIn | None = None
    market_memory: Any = None
    market_choice: Any = None
    reputation: Any = None
    protocols: ProtocolsIn | None = None
    agents: AgentsIn | None = None
    populations: Annotated[list[PopulationIn], Field(min_length=1)] | None = None
    market_posts: list[PostIn] | None = None
    resources: ResourcesIn | None = None
    ticks: int = Field(100, ge=0, le=BIG, description="Length of a run [tick].")
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Seed of a run.")


_EXPECTED = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "finite_number": "a finite number",
    "string_type": "text",
    "bool_type": "true or false",
    "list_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
}
_BOUNDS = {
    "greater_than": ("above", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("below", "lt"),
    "less_than_equal": ("at most", "le"),
}


def _tell(report: Report, path: Path, fault: Any, model: type[BaseModel]) -> None:
    """Report one fault that pydantic found, in this project's words."""
    kind, value, context = fault["type"], fault["input"], fault.get("ctx", {})
    place = (*path, *fault["loc"])
    if kind == "extra_forbidden":
        report.unknown(place, model.model_fields)
    elif kind in _EXPECTED:
        report.add(place, f"expected {_EXPECTED[kind]}, got {shown(value)}")
    elif kind in _BOUNDS:
        word, key = _BOUNDS[kind]
        report.add(place, f"must be {word} {context[key]:.15g}, got {shown(value)}")
    elif kind == "literal_error":
        allowed = context["expected"].replace("'", "").replace(" or ", ", ")
        report.add(place, f"allowed: {allowed}; got {shown(value)}")
    elif kind in ("too_short", "too_long"):
        word = "at least" if kind == "too_short" else "at most"
        bound = context["min_length" if kind == "too_short" else "max_length"]
        report.add(place, f"needs {word} {bound} entries, got {context['actual_length']}")
    else:
        report.add(place, f"{fault['msg'].lower()}, got {shown(value)}")
