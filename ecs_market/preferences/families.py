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

from ecs_market.kernels.jit import specialise
from ecs_market.preferences import (
    ces,
    chain,
    cobb_douglas,
    holdings,
    induced_value,
    leontief,
    limit_order,
    linear,
    quadratic,
    stone_geary,
    sums,
    template,
    translog,
)

FAMILIES: dict[int, ModuleType] = {
    module.CODE: module
    for module in (
        linear,
        cobb_douglas,
        ces,
        leontief,
        quadratic,
        stone_geary,
        translog,
        induced_value,
        limit_order,
    )
}


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
def loops(code: int, fees: bool = False) -> Loops:
    """Return the loops over agents for one family; with `fees`, those that reckon with fees."""
    family = FAMILIES[code]
    name = f"{family.NAME}_fees" if fees else str(family.NAME)
    count, price = _indifference(family)
    wanted = specialise(holdings.wanted, f"wanted_{family.NAME}", demand=family.demand)
    if fees:
        sides = specialise(
            holdings.try_sides,
            f"try_sides_{family.NAME}",
            demand=family.demand,
            utility=family.utility,
            indifference_count=count,
            indifference_at=price,
        )
        wanted = specialise(
            holdings.wanted_after_fees,
            f"wanted_after_fees_{family.NAME}",
            utility=family.utility,
            try_sides=sides,
            wanted=wanted,
        )
    gain_at = specialise(
        template.gain_at, f"gain_at_{name}", wanted=wanted, utility=family.utility
    )
    scalars = {"CODE": code, "marginal": family.marginal, "utility": family.utility}
    return Loops(
        appraise=specialise(
            template.appraise, f"appraise_{family.NAME}", hessian=family.hessian, **scalars
        ),
        find_market=specialise(
            template.find_market, f"find_market_{name}", gain_at=gain_at, **scalars
        ),
        sum_demand=specialise(template.sum_demand, f"sum_demand_{name}", wanted=wanted)
        if fees
        else specialise(sums.sum_demand, f"sum_demand_{name}", demand=family.demand),
        write_demand=specialise(template.write_demand, f"write_demand_{name}", wanted=wanted)
        if fees
        else specialise(sums.write_demand, f"write_demand_{name}", demand=family.demand),
        nearest_kink=specialise(
            template.nearest_kink,
            f"nearest_kink_{family.NAME}",
            indifference_count=count,
            indifference_at=price,
        ),
    )


def _indifference(family: ModuleType) -> tuple[Any, Any]:
    """Return how many indifference prices a good has in a family, and the kernel that tells them.

    A family without jumps has none.  One with jumps has `indifference_price(.., k)`, or, if it can
    have several a good, `indifference_count` and `indifference_at(.., k, index)`.
    """
    if not family.KINKED:
        return holdings.no_indifference, holdings.never_indifferent
    if hasattr(family, "indifference_count"):
        return family.indifference_count, family.indifference_at
    only = specialise(
        holdings.only_indifference,
        f"only_indifference_{family.NAME}",
        indifference_price=family.indifference_price,
    )
    return holdings.one_indifference, only


@functools.cache
def dispatch(codes: tuple[int, ...]) -> Dispatch:
    """Return scalar functions for a set of families, given as ascending codes."""
    family = FAMILIES[codes[-1]]
    name = "_or_".join(FAMILIES[code].NAME for code in codes)
    made: dict[str, Any] = {}
    for function in ("utility", "marginal", "demand"):
        own = getattr(family, function)
        if len(codes) == 1:
            link = specialise(getattr(chain, f"last_{function}"), f"{function}_{name}", own=own)
        else:
            other = getattr(dispatch(codes[:-1]), function)
            bound = {"CODE": family.CODE, "own": own, "other": other}
            link = specialise(getattr(chain, function), f"{function}_{name}", **bound)
        made[function] = link
    return Dispatch(name=name, **made)
