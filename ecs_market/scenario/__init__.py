"""Scenarios: what a run starts from, read from YAML, checked, and drawn.

`load_scenario`, `loads` and `from_dict` give a `Scenario`; `draw_start` turns it and a seed into
the agents and patches of tick 0.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ecs_market.scenario.load import (
    apply_overrides,
    from_dict,
    load_scenario,
    loads,
    scenario_for_clear,
    scenario_names,
)
from ecs_market.scenario.model import (
    Attention,
    Distribution,
    Draw,
    Grid,
    Params,
    Population,
    Positions,
    Post,
    PriceInfo,
    Protocols,
    Regrowth,
    Resources,
    ResourceType,
    Scenario,
    Utility,
)

if TYPE_CHECKING:
    from ecs_market.scenario.start import PatchStart, PopulationStart, Start, draw_start

__all__ = [
    "Attention",
    "Distribution",
    "Draw",
    "Grid",
    "Params",
    "PatchStart",
    "Population",
    "PopulationStart",
    "Positions",
    "Post",
    "PriceInfo",
    "Protocols",
    "Regrowth",
    "ResourceType",
    "Resources",
    "Scenario",
    "Start",
    "Utility",
    "apply_overrides",
    "draw_start",
    "from_dict",
    "load_scenario",
    "loads",
    "scenario_for_clear",
    "scenario_names",
    "scenario_schema",
]


def scenario_schema() -> dict[str, Any]:
    """Return the JSON Schema of a scenario file, for editors and other programs."""
    from ecs_market.scenario.json_schema import build

    return build()


def __getattr__(name: str) -> Any:
    """Load the part that draws a start, and numba with it, only when it is asked for."""
    if name in ("PatchStart", "PopulationStart", "Start", "draw_start"):
        from ecs_market.scenario import start

        return getattr(start, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
