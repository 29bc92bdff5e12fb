"""Which utility families there are, and the kernels built from them on demand.

Only the families that a run uses are compiled.  Loops that a clearing runs over and over exist once
a family (`loops`); what goes through the agents once a tick (`search`), or meets one agent at a
time, goes through a chain of comparisons over the families in use (`dispatch`).
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any

from ecs_market.kernels.jit import absorbed, borrowing, specialise
from ecs_market.preferences import (
    appraising,
    blocks,
    ces,
    chain,
    cobb_douglas,
    holdings,
    induced_value,
    kinks,
    leontief,
    limit_order,
    linear,
    meeting,
    quadratic,
    searching,
    shapes,
    stone_geary,
    sums,
    template,
    translog,
    valuing,
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
# Functions that a dispatch goes through.
_LINKS = (
    "utility",
    "utilities",
    "demands",
    "marginal",
    "sloped",
    "shape",
    "hessian",
    "demand",
    "indifference_count",
    "indifference_at",
)
# What holds for families that do not say.
_OTHERS = {
    "utilities": blocks.no_utilities,
    "demands": blocks.no_demands,
    "sloped": kinks.always_sloped,
    "shape": shapes.no_shape,
    "indifference_count": kinks.no_indifference,
    "indifference_at": kinks.never_indifferent,
}


@dataclass(frozen=True, slots=True)
class Loops:
    """The loops of `template` over the members of posts, compiled for one family."""

    sum_demand: Callable[..., None]
    write_demand: Callable[..., None]
    nearest_kink: Callable[..., None]


@dataclass(frozen=True, slots=True)
class Search:
    """The loops of `searching` over all agents, compiled for a set of families."""

    appraise: Callable[..., None]
    find_market: Callable[..., None]


@dataclass(frozen=True, slots=True)
class Dispatch:
    """Scalar functions that take the family code first."""

    name: str
    utility: Callable[..., float]
    utilities: Callable[..., bool]
    demands: Callable[..., bool]
    marginal: Callable[..., float]
    slopes: Callable[..., tuple[float, float]]
    sloped: Callable[..., bool]
    shape: Callable[..., int]
    hessian: Callable[..., float]
    demand: Callable[..., None]
    indifference_count: Callable[..., int]
    indifference_at: Callable[..., float]


def by_name(name: str) -> ModuleType:
    """Return a family's module by its name, the engine's own or a plug-in's."""
    if not any(name == module.NAME for module in FAMILIES.values()):
        from ecs_market.preferences.plugged_in import plugged_in

        FAMILIES.update(plugged_in())
    return next(module for module in FAMILIES.values() if name == module.NAME)


@functools.cache
def loops(code: int, fees: bool = False) -> Loops:
    """Return the loops over members for one family; with `fees`, those that reckon with fees."""
    chosen = dispatch((code,))
    name = f"{chosen.name}_fees" if fees else chosen.name
    if fees:
        wanted = _wanted(chosen, fees)
        sum_demand = specialise(template.sum_demand, f"sum_demand_{name}", wanted=wanted)
        write_demand = specialise(template.write_demand, f"write_demand_{name}", wanted=wanted)
    else:
        block = _want_block(FAMILIES[code])
        sum_demand = specialise(sums.sum_demand, f"sum_demand_{name}", want_block=block)
        write_demand = specialise(sums.write_demand, f"write_demand_{name}", want_block=block)
    return Loops(
        sum_demand=sum_demand,
        write_demand=write_demand,
        nearest_kink=specialise(
            template.nearest_kink,
            f"nearest_kink_{chosen.name}",
            indifference_count=chosen.indifference_count,
            indifference_at=chosen.indifference_at,
        ),
    )


def _want_block(family: ModuleType) -> Any:
    """Return the kernel that writes what a block of members wants where there are no fees."""
    bound: dict[str, Any] = {"demand": family.demand}
    if hasattr(family, "demands"):
        bound |= {"demands": family.demands, "TOGETHER": True}
    return specialise(sums.want_block, f"want_block_{family.NAME}", borrowing, **bound)


@functools.cache
def search(codes: tuple[int, ...], fees: bool = False) -> Search:
    """Return the loops over agents for a set of families, given as ascending codes."""
    chosen = dispatch(codes)
    name = f"{chosen.name}_fees" if fees else chosen.name
    return Search(
        appraise=specialise(
            appraising.appraise, f"appraise_{chosen.name}", appraise_rows=_appraise_rows(chosen)
        ),
        find_market=specialise(
            searching.find_market,
            f"find_market_{name}",
            find_while_room=_find_while_room(codes, fees, name),
        ),
    )


def _appraise_rows(chosen: Dispatch) -> Any:
    """Return the kernel that writes what goods are worth to agents."""
    return specialise(
        appraising.appraise_rows,
        f"appraise_rows_{chosen.name}",
        borrowing,
        slopes=chosen.slopes,
        hessian=chosen.hessian,
    )


def _find_while_room(codes: tuple[int, ...], fees: bool, name: str) -> Any:
    """Return the kernel that finds the best posts of agents while there is room for offers."""
    chosen = dispatch(codes)
    names: dict[str, Any] = {"utility": chosen.utility, "utilities": chosen.utilities}
    names |= {"demands": chosen.demands, "marginal": chosen.marginal}
    names["wanted"] = _wanted(chosen, fees)
    made = functools.partial(_valued, name, names)
    made("trade_at", "wanted")
    made("write_prices", "marginal")
    made("load_block", "write_prices")
    made("trades_together", "demands")
    made("value_together", "trades_together", "utilities")
    made("value_alone", "trade_at", "utility")
    names["TOGETHER"] = not fees and any(hasattr(FAMILIES[code], "demands") for code in codes)
    made("value_block", "load_block", "value_together", "value_alone", "TOGETHER")
    value_offers = specialise(
        searching.value_offers, f"value_offers_{name}", absorbed, value_block=names["value_block"]
    )
    return specialise(
        searching.find_while_room, f"find_while_room_{name}", borrowing, value_offers=value_offers
    )


def _valued(name: str, names: dict[str, Any], function: str, *needed: str) -> None:
    """Bind a function of `valuing` to others of `names`, and add it to them."""
    bound = {each: names[each] for each in needed}
    names[function] = specialise(
        getattr(valuing, function), f"{function}_{name}", absorbed, **bound
    )


@functools.cache
def own_gains(codes: tuple[int, ...]) -> Callable[..., None]:
    """Return the loop of `meeting` for a set of families, given as ascending codes."""
    chosen = dispatch(codes)
    name = f"own_gains_{chosen.name}"
    loop: Callable[..., None] = specialise(
        meeting.own_gains, name, demand=chosen.demand, utility=chosen.utility
    )
    return loop


def _wanted(chosen: Dispatch, fees: bool) -> Any:
    """Return the kernel that writes what an agent wants at a price, after fees if there are any."""
    wanted = specialise(holdings.wanted, f"wanted_{chosen.name}", borrowing, demand=chosen.demand)
    if not fees:
        return wanted
    sides = specialise(
        holdings.try_sides,
        f"try_sides_{chosen.name}",
        borrowing,
        demand=chosen.demand,
        utility=chosen.utility,
        indifference_count=chosen.indifference_count,
        indifference_at=chosen.indifference_at,
    )
    return specialise(
        holdings.wanted_after_fees,
        f"wanted_after_fees_{chosen.name}",
        borrowing,
        utility=chosen.utility,
        try_sides=sides,
        wanted=wanted,
    )


def _own(family: ModuleType, name: str) -> Any:
    """Return a family's kernel, None if it has none and what holds for others holds for it.

    A family whose demand never jumps has no indifference prices.  One with jumps has
    `indifference_price(.., k)`, or, if it can have several a good, `indifference_count` and
    `indifference_at(.., k, index)`.  One need not have functions of blocks.
    """
    if not name.startswith("indifference") or hasattr(family, "indifference_count"):
        return getattr(family, name, None)
    if not family.KINKED:
        return None
    if name.endswith("count"):
        return kinks.one_indifference
    return specialise(
        kinks.only_indifference,
        f"only_indifference_{family.NAME}",
        borrowing,
        indifference_price=family.indifference_price,
    )


def _chain(codes: tuple[int, ...], function: str, other: Any = None, others: str = "other") -> Any:
    """Return a chain of comparisons over those families that have a function.

    At its end is `other`, called `others`, for families that have none.
    """
    # What face-to-face trade asks for over and over is put where it is asked.
    compiler = absorbed if function in ("marginal", "slopes", "sloped") else borrowing
    link, name = None, function
    having = [code for code in codes if _own(FAMILIES[code], function) is not None]
    if len(having) < len(codes):
        link, name = other, f"{function}_{others}"
        if link is None:
            last = getattr(chain, f"last_{function}")
            link = specialise(last, name, compiler, own=_OTHERS[function])
    for code in having:
        own = _own(FAMILIES[code], function)
        name = f"{name}_or_{FAMILIES[code].NAME}" if link else f"{name}_{FAMILIES[code].NAME}"
        if link is None:
            link = specialise(getattr(chain, f"last_{function}"), name, compiler, own=own)
        else:
            bound = {"CODE": code, "own": own, "other": link}
            link = specialise(getattr(chain, function), name, compiler, **bound)
    return link


@functools.cache
def dispatch(codes: tuple[int, ...]) -> Dispatch:
    """Return scalar functions for a set of families, given as ascending codes."""
    name = "_or_".join(FAMILIES[code].NAME for code in codes)
    made = {function: _chain(codes, function) for function in _LINKS}
    both = specialise(
        chain.both_slopes,
        f"both_slopes_{name}",
        absorbed,
        marginal=made["marginal"],
        hessian=made["hessian"],
    )
    return Dispatch(name=name, slopes=_chain(codes, "slopes", both, f"of_{name}"), **made)
