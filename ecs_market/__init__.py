"""A headless simulation core for spatial market economies.

Importing the package is cheap: the names below are loaded when they are first used, so that a
program that only asks for the version compiles nothing and loads neither numba nor pydantic.
"""

from __future__ import annotations

import importlib
import logging
from pathlib import Path
from typing import TYPE_CHECKING

from ecs_market.errors import (
    InputError,
    Issue,
    MarketError,
    ScenarioError,
    SimulationError,
    TelemetryError,
)

if TYPE_CHECKING:
    from ecs_market.clearing import clear
    from ecs_market.scenario import Scenario, load_scenario
    from ecs_market.simulation import Simulation

__version__ = "0.1.0"

__all__ = [
    "InputError",
    "Issue",
    "MarketError",
    "Scenario",
    "ScenarioError",
    "Simulation",
    "SimulationError",
    "TelemetryError",
    "__version__",
    "clear",
    "load_scenario",
]

_LAZY = {
    "Scenario": "ecs_market.scenario",
    "Simulation": "ecs_market.simulation",
    "clear": "ecs_market.clearing",
    "load_scenario": "ecs_market.scenario",
}

logging.getLogger("ecs_market").addHandler(logging.NullHandler())


def _find_mapped_folders() -> None:
    """Make `ecs_market.components` and its like importable where the links are missing.

    Installed, and in a checkout with working links, they stand below this folder. Where a checkout
    or an unpacked sdist has no links (or text files in their place), they stand beside it.
    """
    here = Path(__file__).resolve().parent
    if not (here / "components").is_dir() and (here.parent / "components").is_dir():
        __path__.append(str(here.parent))


_find_mapped_folders()


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(importlib.import_module(_LAZY[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
