"""Populations: counts, positions, endowments and preferences."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal, localcontext
from fractions import Fraction
from typing import Any, TypeAlias

from ecs_market import registry
from ecs_market.declared.options import MONEY_WEIGHT
from ecs_market.registry import Entry
from ecs_market.scenario.check import Context, cell, distribution, reference, usable
from ecs_market.scenario.check_parameters import one_parameter, parameters
from ecs_market.scenario.document import Path, shown
from ecs_market.scenario.draws import at_centre, corners
from ecs_market.scenario.model import (
    Distribution,
    Draw,
    Params,
    Population,
    Positions,
    Utility,
)
from ecs_market.scenario.schema import AgentsIn, PopulationIn, UtilityIn

MONEY = "M"
Size: TypeAlias = tuple[int, int] | None

_EMPTY = Distribution(0, 0, 1)
_WHOLE = 1e-9  # shares may miss 1 by rounding such as 1/3 + 1/3 + 1/3


def population(context: Context, spec: AgentsIn, params: Params, size: Size) -> Population:
    """Resolve one population; faults go to the report."""
    count = spec.count if spec.sound("count") else None
    goods, money = _inventories(context, spec, count)
    counts = _counts(context, spec, count)
    groups = []
    first = 0
    for entry, members in zip(spec.utilities or (), counts, strict=True):
        slices = [_members(each, first, members) for each in goods]
        cash = _members(money, first, members)
        groups.append(_utility(context, entry, members, slices, cash))
        first += members
    named = isinstance(spec, PopulationIn)
    components = spec.components if isinstance(spec, PopulationIn) else None
    return Population(
        name=(spec.name or "") if isinstance(spec, PopulationIn) else "agents",
        count=count or 0,
        positions=_positions(context, spec, count, size),
        components=tuple(dict.fromkeys(components)) if named and components is not None else None,
        inventories=goods,
        money=money,
        utilities=tuple(groups),
        vision_radius=_own(spec.vision_radius, params.vision_radius),
        interaction_radius=_own(spec.interaction_radius, params.interaction_radius),
        move_budget_per_tick=_own(spec.move_budget_per_tick, params.move_budget_per_tick),
    )


def _own(value: int | None, common: int) -> int:
    return common if value is None else value


def _inventories(
    context: Context, spec: AgentsIn, count: int | None
) -> tuple[tuple[Distribution, ...], Distribution]:
    held: dict[str, Distribution] = {}
    for good, amount in (spec.inventories or {}).items():
        path = spec.at("inventories", good)
        if context.goods is not None and good not in (*context.goods, MONEY):
            context.report.unknown(path, (*context.goods, MONEY), what="good")
            continue
        convert = context.units.to_minor if good == MONEY else context.units.to_lots
        found = distribution(context, path, amount, convert, count)
        if found is not None:
            held[good] = found
    goods = tuple(held.get(good, _EMPTY) for good in context.goods or ())
    return goods, held.get(MONEY, _EMPTY)


def _positions(context: Context, spec: AgentsIn, count: int | None, size: Size) -> Positions:
    value, path, report = spec.initial_positions, spec.at("initial_positions"), context.report
    if value is None:
        return Positions()
    if not isinstance(value, Mapping) or len(value) != 1:
        report.add(path, "expected one of {distribution: uniform}, {at: [x, y]}, {cells: [...]}")
        return Positions()
    ((kind, detail),) = value.items()
    place = (*path, kind)
    if kind == "distribution":
        if detail != "uniform":
            report.add(place, f"allowed: uniform; got {shown(detail)}")
    elif kind == "at":
        return Positions(at=cell(report, place, detail, size))
    elif kind == "cells":
        if not isinstance(detail, list):
            report.add(place, f"expected a list of cells [x, y], got {shown(detail)}")
            return Positions()
        cells = [cell(report, (*place, i), each, size) for i, each in enumerate(detail)]
        if count is not None and len(cells) != count:
            report.add(place, f"{len(cells)} cells for {count} members")
        return Positions(cells=tuple(each for each in cells if each is not None))
    else:
        report.unknown(place, ["distribution", "at", "cells"])
    return Positions()


def _counts(context: Context, spec: AgentsIn, count: int | None) -> list[int]:
    """Members of each utility entry; zeros where that can't be known."""
    entries = spec.utilities or []
    path, report = spec.at("utilities"), context.report
    nothing = [0] * len(entries)
    if not all(entry.sound("count", "share") for entry in entries) or count is None:
        return nothing
    counted = [entry.count for entry in entries if entry.count is not None]
    shares = [entry.share for entry in entries if entry.share is not None]
    if any(entry.count is not None and entry.share is not None for entry in entries):
        report.add(path, "an entry takes count or share, not both")
    elif counted and shares:
        report.add(path, "all entries take count, or all take share")
    elif len(entries) == 1 and not counted and not shares:
        return [count]
    elif len(counted) + len(shares) < len(entries):
        report.add(path, "every entry needs a count or a share")
    elif counted:
        if sum(counted) == count:
            return counted
        report.add(path, f"utilities add up to {sum(counted)}, but the count is {count}")
    elif abs(math.fsum(shares) - 1.0) > _WHOLE:
        report.add(path, f"shares add up to {math.fsum(shares):g} instead of 1")
    else:
        return _apportion([Fraction(str(share)) for share in shares], count)
    return nothing


def _apportion(shares: list[Fraction], count: int) -> list[int]:
    """Whole members by largest remainder, ties to the earlier entry."""
    exact = [share * count / sum(shares) for share in shares]
    members = [math.floor(each) for each in exact]
    order = sorted(range(len(exact)), key=lambda i: (members[i] - exact[i], i))
    for index in order[: count - sum(members)]:
        members[index] += 1
    return members


def _members(held: Distribution, first: int, count: int) -> Distribution:
    """Narrow listed values to those of some members."""
    part = held.values[first : first + count] if held.values is not None else ()
    return Distribution(min(part), max(part), 1, part) if part else held


def _utility(
    context: Context, spec: UtilityIn, count: int, held: list[Distribution], money: Distribution
) -> Utility:
    given: dict[str, Any] = dict(spec.model_extra or {})
    entry = None
    if spec.type is not None and spec.sound("type"):
        entry = reference(context.report, spec.at("type"), "family", spec.type)
    weight: float | Draw = 1.0
    if spec.sound("money_weight"):
        weight = _money_weight(context, spec, entry, count)
    resolved: dict[str, Any] = {}
    if entry is not None and usable(context, spec.at("type"), entry):
        also = list(UtilityIn.model_fields)
        path = spec.at()
        resolved = parameters(context, path, given, entry, context.goods, also=also, members=count)
        whole = all(resolved[each.name] is not None for each in entry.parameters if each.required)
        if whole and not any(context.report.has((*path, key)) for key in resolved):
            _check_together(context, path, entry, resolved)
            _compare_subsistence(context, path, resolved, held)
            _compare_capacity(context, path, resolved, held)
            _set_kappa(context, spec, entry, resolved, weight, [*held, money])
    return Utility(
        family=entry.name if entry is not None else "",
        count=count,
        money_weight=weight,
        parameters=resolved,
    )


def _money_weight(
    context: Context, spec: UtilityIn, entry: Entry | None, count: int | None
) -> float | Draw:
    """Return the weight of money; 0 is for money among the goods of families that allow it."""
    place, given, declared = spec.at("money_weight"), spec.money_weight, MONEY_WEIGHT
    if context.money != "in_utility" or (entry is not None and not entry.worthless_money):
        declared = replace(declared, minimum=None, above=0.0)
        if given == 0 and not isinstance(given, bool):
            why = "gains are counted in M"
            if context.money == "in_utility" and entry is not None:
                why = f"{entry.name} needs money to be worth something"
            elif context.money == "unit_of_account":
                why = "money is not in the utility"
            reason = f"must be above 0, got 0: with money mode {context.money} {why}; with "
            reason += "in_utility 0 is possible for " + ", ".join(
                each.name for each in registry.entries("family") if each.worthless_money
            )
            context.report.add(place, reason)
            return 1.0
    found: float | Draw | None = one_parameter(context, place, declared, given, None, count)
    return 1.0 if found is None else found


def _check_together(
    context: Context, path: Path, entry: Entry, resolved: Mapping[str, Any]
) -> None:
    """Report what is wrong with parameters that are each in their domain."""
    if entry.check is None or context.goods is None:
        return
    for numbers in corners(resolved):
        found = entry.check(numbers, context.goods, context.money)
        for key, message in found:
            context.report.add((*path, key), message)
        if found:
            return


def _compare_subsistence(
    context: Context, path: Path, resolved: Mapping[str, Any], held: list[Distribution]
) -> None:
    """Warn where agents can start with less of a good than they need to live on."""
    goods = context.goods or ()
    needs = resolved.get("subsistence") or ()
    if not context.units_sound or len(needs) != len(held) or len(needs) != len(goods):
        return
    for index, (need, good) in enumerate(zip(needs, goods, strict=True)):
        most = need.ends[1] if isinstance(need, Draw) else need
        least = context.units.from_lots(held[index].low)
        if least < most:
            message = f"agents can start with {least:g} {good}, below a subsistence of {most:g}; "
            message += (
                "they care for nothing but subsistence until they have it, and their gains are "
            )
            message += "counted at the steep slope of utility there, which is no measure in M"
            context.report.doubt((*path, "subsistence", index), message)


def _compare_capacity(
    context: Context, path: Path, resolved: Mapping[str, Any], held: list[Distribution]
) -> None:
    """Warn where sellers with induced costs own something else than what these are for."""
    goods, curves = context.goods or (), resolved.get("costs") or ()
    if len(curves) != len(held) or len(curves) != len(goods):
        return
    for index, (curve, good) in enumerate(zip(curves, goods, strict=True)):
        capacity = len(curve) * resolved["unit"]
        least, most = held[index].low, held[index].high
        if len(curve) and not least == most == capacity:
            owned = f"{least:,}" if least == most else f"{least:,} to {most:,}"
            message = f"costs are for {capacity:,} lots of {good}, but sellers start with {owned}; "
            message += "what one keeps saves the highest costs, and more than that is worth nothing"
            context.report.doubt((*path, "costs", index), message)


def _set_kappa(
    context: Context,
    spec: UtilityIn,
    entry: Entry,
    resolved: dict[str, Any],
    weight: float | Draw,
    held: list[Distribution],
) -> None:
    """Put the number in the place of ``kappa: auto``."""
    if "kappa" not in resolved:
        return
    if resolved.get("scale", "log") != "log":
        if resolved["kappa"] not in ("auto", 1.0):
            context.report.add(spec.at("kappa"), "kappa has a meaning for scale: log only")
        resolved["kappa"] = 1.0
    elif resolved["kappa"] == "auto":
        resolved["kappa"] = 1.0
        if entry.level is None or context.goods is None or not context.units_sound:
            return
        level = _level_at_midpoint(context, entry, resolved, weight, held)
        if level > 0.0 and math.isfinite(level):
            most = next(each.maximum for each in entry.parameters if each.name == "kappa")
            resolved["kappa"] = level if most is None else min(level, most)
            return
        message = "kappa: auto has no level at the midpoint of the declared endowment; kappa is 1"
        context.report.doubt(spec.at(), message)


def _level_at_midpoint(
    context: Context,
    entry: Entry,
    resolved: Mapping[str, Any],
    weight: float | Draw,
    held: list[Distribution],
) -> float:
    """Level u at the midpoint of an endowment, with parameters at the centre of their draws.

    Computed in 40-digit decimals, so that it is the same number on every platform.
    """
    counted = context.money == "in_utility"
    units = context.units
    sizes = [units.lot] * (len(held) - 1) + [units.minor]
    if entry.level is None:
        return 0.0
    with localcontext() as settings:
        settings.prec = 40
        quantities = []
        for each, size in zip(held, sizes, strict=True):
            middle = Fraction(each.low + each.high, 2) * size
            quantities.append(Decimal(middle.numerator) / Decimal(middle.denominator))
        centre = weight.centre if isinstance(weight, Draw) else weight
        try:
            level = entry.level(
                at_centre(resolved),
                quantities if counted else quantities[:-1],
                centre if counted else None,
            )
        except ArithmeticError:  # such as 0 to the power of 0, or beyond all bounds
            return 0.0
        return float(level)
