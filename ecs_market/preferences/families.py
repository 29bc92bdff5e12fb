"""Which utility families there are, and the kernels built from them on demand.

Only the families that a run uses are compiled.  Loops over many agents exist once a family
(`loops`); code that meets one agent at a time goes through a chain of comparisons over the
families in use (`dispatch`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ecs_market.kernels.jit import borrowing, specialise
from ecs_market.preferences import chain, cobb_douglas, limit_order, linear, template

FAMILIES: dict[int, ModuleType] = {
    module.CODE: module for module in (linear, cobb_douglas, limit_order)
}
_FUNCTIONS = ("utility", "marginal", "hessian", "demand", "indifference_price")


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops of `template`, compiled for one family."""

    appraise: Callable[..., None]
    find_market: Callable[..., None]
    sum_demand: Callable[..., None]
    write_demand: Callable[..., None]
    nearest_kink: Callable[..., None]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Scalar functions that take the family code first."""

    name: str
    utility: Callable[..., float]
    marginal: Callable[..., float]
    demand: Callable[..., None]


def by_name(name: str) -> ModuleType:
    """Return a family's module by its name."""
    return next(module for module in FAMILIES.values() if name == module.NAME)


@functools.cache
def loops(code: int) -> Loops:
    """Return the loops over agents for one family."""
    family = FAMILIES[code]
    names: dict[str, Any] = {name: getattr(family, name) for name in _FUNCTIONS}
    names["CODE"] = code
    gain_at = specialise(template.gain_at, f"gain_at_{family.NAME}", **names)
    built = {
        name: specialise(getattr(template, name), f"{name}_{family.NAME}", **names)
        for name in ("appraise", "sum_demand", "write_demand", "nearest_kink")
    }
    find_market = specialise(
        template.find_market, f"find_market_{family.NAME}", gain_at=gain_at, **names
    )
    return Loops(find_market=find_market, **built)


@functools.cache
def dispatch(codes: tuple[int, ...]) -> Dispatch:
    """Return scalar functions for a set of families, given as ascending codes."""
    family = FAMILIES[codes[-1]]
    name = "_or_".join(FAMILIES[code].NAME for code in codes)
    made: dict[str, Any] = {}
    for function in ("utility", "marginal", "demand"):
        own = getattr(family, function)
        if len(codes) == 1:
            link = specialise(
                getattr(chain, f"last_{function}"), f"{function}_{name}", borrowing, own=own
            )
        else:
            other = getattr(dispatch(codes[:-1]), function)
            bound = {"CODE": family.CODE, "own": own, "other": other}
            link = specialise(getattr(chain, function), f"{function}_{name}", borrowing, **bound)
        made[function] = link
    return Dispatch(name=name, **made)
