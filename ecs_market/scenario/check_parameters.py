"""Checks of parameters against their declarations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from ecs_market import registry
from ecs_market.errors import InputError
from ecs_market.registry import Entry, Parameter
from ecs_market.scenario.check import Context, number
from ecs_market.scenario.document import Path, Report, shown
from ecs_market.scenario.draws import is_draw, read_draw
from ecs_market.scenario.model import Draw
from ecs_market.units import plain

LARGEST_INTEGER = 2**31 - 1
MOST_STEPS = 10_000
MONEY = "M"


def parameters(
    context: Context,
    path: Path,
    given: Mapping[str, object],
    entry: Entry,
    goods: tuple[str, ...] | None,
    *,
    also: Sequence[str] = (),
    members: int | None = None,
) -> dict[str, Any]:
    """Check parameters against their declarations and fill in the defaults.

    Parameters
    ----------
    goods
        Goods that a price or a list of numbers is about, None if unknown.
    also
        Further keys that the mapping may have, for the hint about a misspelt one.
    members
        How many agents a family's parameters are for, 0 if unknown; their numbers may be draws.
    """
    declared = {parameter.name: parameter for parameter in entry.parameters}
    strange = [key for key in given if key not in declared and key not in also]
    misspelt: list[str] = []
    for key in strange:
        allowed = [*declared, *also]
        meant = _meant(entry, key, given)
        misspelt += get_close_matches(key, declared, n=1) if meant is None else [meant]
        context.report.unknown((*path, key), allowed, what=f"{entry.name} key", meant=meant)
    resolved: dict[str, Any] = {}
    for name, parameter in declared.items():
        if name in given:
            place = (*path, name)
            resolved[name] = one_parameter(context, place, parameter, given[name], goods, members)
        elif parameter.required:
            # A misspelt key was already reported with the right spelling.
            if name not in misspelt:
                context.report.add((*path, name), f"is missing ({entry.name})", key=True)
            resolved[name] = None
        else:
            resolved[name] = _default(context, parameter)
    return resolved


def _meant(entry: Entry, key: str, given: Mapping[str, object]) -> str | None:
    """Return what a key of another entry is called in this one, such as exponents for weights."""
    shapes = {
        each.shape
        for other in registry.entries(entry.kind)
        for each in other.parameters
        if each.name == key and each.required
    }
    for each in entry.parameters:
        if each.required and each.name not in given and each.shape in shapes:
            return each.name
    return None


def _default(context: Context, declared: Parameter) -> Any:
    if context.mixed and declared.default_mixed is not None:
        return declared.default_mixed
    if declared.shape == "block" and isinstance(declared.default, Mapping):
        return dict(declared.default)
    if declared.shape == "quantity" and isinstance(declared.default, float):
        return _whole_lots(context, declared.default)
    return declared.default


def _whole_lots(context: Context, amount: float) -> float:
    """Return an amount if it is a whole number of lots, else one lot."""
    try:
        context.units.to_lots(amount)
    except InputError:
        return context.units.lot_size
    return amount


def one_parameter(
    context: Context,
    path: Path,
    declared: Parameter,
    value: Any,
    goods: tuple[str, ...] | None,
    members: int | None = None,
) -> Any:
    """Return the checked value of one parameter; None where it is refused, or is none."""
    report = context.report
    if declared.optional and (value is None or value == "none"):
        return None
    match declared.shape:
        case "choices":
            return _words(report, path, declared, value)
        case "mix":
            return _mix(report, path, declared, value)
        case "per_good":
            return _per_good(report, path, declared, value, goods, members)
        case "matrix":
            return _matrix(report, path, declared, value, goods, members)
        case "curves":
            return _curves(report, path, declared, value, goods)
        case "price":
            return _price(context, path, declared, value, goods)
        case "amounts":
            return _amounts(context, path, value, goods)
        case "block":
            return _block(context, path, declared, value, goods)
    return _single(context, path, declared, value, members)


def _single(
    context: Context, path: Path, declared: Parameter, value: Any, members: int | None
) -> Any:
    """Return a checked number, word or flag."""
    report = context.report
    match declared.shape:
        case "integer":
            bound = LARGEST_INTEGER if declared.maximum is None else declared.maximum
            return number(report, path, value, minimum=declared.minimum, maximum=bound, whole=True)
        case "flag":
            if not isinstance(value, bool):
                report.add(path, f"expected true or false, got {shown(value)}")
            return value is True
        case "quantity":
            amount = bounded(report, path, value, declared)
            context.storage(path, amount or 0, context.units.to_lots)
            return amount
        case "choice":
            if isinstance(value, str) and value in declared.choices:
                return value
            report.add(path, f"allowed: {', '.join(declared.choices)}; got {shown(value)}")
            return None
    if isinstance(value, str) and value in declared.choices:
        return value
    return _drawn(report, path, value, declared, members)


def bounded(report: Report, path: Path, value: object, declared: Parameter) -> float | None:
    """Return a number in the domain of its declaration, else report it and return None."""
    found = number(
        report,
        path,
        value,
        above=declared.above,
        minimum=declared.minimum,
        maximum=declared.maximum,
        below=declared.below,
    )
    return None if found is None else float(found)


def _drawn(
    report: Report, path: Path, value: object, declared: Parameter, members: int | None
) -> float | Draw | None:
    """Read a number, or a draw where members may differ."""
    if members is None or not is_draw(value):
        return bounded(report, path, value, declared)
    return read_draw(report, path, value, declared, members)


def _words(
    report: Report, path: Path, declared: Parameter, value: object
) -> tuple[str, ...] | None:
    allowed = ", ".join(declared.choices)
    if not isinstance(value, list) or not 0 < len(value) <= len(declared.choices):
        report.add(path, f"expected a list of {allowed}; got {shown(value)}")
        return None
    for index, word in enumerate(value):
        if not isinstance(word, str) or word not in declared.choices:
            report.add((*path, index), f"allowed: {allowed}; got {shown(word)}")
        elif word in value[:index]:
            report.add((*path, index), f"{word} is named twice")
    return tuple(value)


def _mix(
    report: Report, path: Path, declared: Parameter, value: object
) -> str | dict[str, float] | None:
    """Read a word, or the weights of words, which come back in the order of the declaration."""
    if isinstance(value, str) and value in declared.choices:
        return value
    if not isinstance(value, Mapping):
        allowed = f"allowed: {', '.join(declared.choices)}, or a mapping of them to weights"
        report.add(path, f"{allowed}; got {shown(value)}")
        return None
    found = {}
    for word, given in value.items():
        if word not in declared.choices:
            report.unknown((*path, word), declared.choices, what=declared.name)
            continue
        weight = bounded(report, (*path, word), given, declared)
        if weight is not None:
            found[word] = weight
    if len(found) < len(value):
        return None
    if not any(found.values()):
        report.add(path, "at least one weight must be above 0")
        return None
    return {word: found[word] for word in declared.choices if word in found}


def _numbers(
    report: Report,
    path: Path,
    declared: Parameter,
    value: object,
    goods: tuple[str, ...] | None,
    members: int | None,
) -> tuple[float | Draw, ...] | None:
    """Read a list with a number for each good."""
    if not isinstance(value, list):
        report.add(path, f"expected a list with a number for each good, got {shown(value)}")
        return None
    if goods is not None and len(value) != len(goods):
        names = ", ".join(goods)
        report.add(path, f"{len(value)} numbers for {len(goods)} goods ({names})")
        return None
    found = [_drawn(report, (*path, i), part, declared, members) for i, part in enumerate(value)]
    return None if any(part is None for part in found) else tuple(p for p in found if p is not None)


def _per_good(
    report: Report,
    path: Path,
    declared: Parameter,
    value: object,
    goods: tuple[str, ...] | None,
    members: int | None,
) -> tuple[float | Draw, ...] | None:
    found = _numbers(report, path, declared, value, goods, members)
    if found is not None and declared.nonzero:
        least = [part.ends if isinstance(part, Draw) else (part, part) for part in found]
        if not any(low > 0.0 or high < 0.0 for low, high in least):
            drawn = any(isinstance(part, Draw) for part in found)
            for_all = " for every agent" if drawn else ""
            report.add(path, f"at least one number must be above 0{for_all}")
    return found


def _matrix(
    report: Report,
    path: Path,
    declared: Parameter,
    value: object,
    goods: tuple[str, ...] | None,
    members: int | None,
) -> tuple[tuple[float | Draw, ...], ...] | None:
    if not isinstance(value, list):
        report.add(path, f"expected a list of numbers for each good, got {shown(value)}")
        return None
    if goods is not None and len(value) != len(goods):
        report.add(path, f"{len(value)} lists for {len(goods)} goods ({', '.join(goods)})")
        return None
    rows = [
        _numbers(report, (*path, i), declared, row, goods, members) for i, row in enumerate(value)
    ]
    return None if any(row is None for row in rows) else tuple(row for row in rows if row)


def _curves(
    report: Report, path: Path, declared: Parameter, value: object, goods: tuple[str, ...] | None
) -> tuple[tuple[float, ...], ...] | None:
    if not isinstance(value, list):
        report.add(path, f"expected a list of steps for each good, got {shown(value)}")
        return None
    flat = value and not any(isinstance(each, list) for each in value)
    curves, of_one = ([value], True) if flat and goods and len(goods) == 1 else (value, False)
    if goods is not None and len(curves) != len(goods):
        report.add(path, f"{len(curves)} lists for {len(goods)} goods ({', '.join(goods)})")
        return None
    found = []
    for index, curve in enumerate(curves):
        place = path if of_one else (*path, index)
        if not isinstance(curve, list):
            report.add(place, f"expected a list of steps, got {shown(curve)}")
            continue
        if len(curve) > MOST_STEPS:
            report.add(place, f"more than {MOST_STEPS:,} steps")
            continue
        steps = [bounded(report, (*place, i), each, declared) for i, each in enumerate(curve)]
        found.append(tuple(0.0 if each is None else each for each in steps))
    return tuple(found) if len(found) == len(curves) else None


def _price(
    context: Context, path: Path, declared: Parameter, value: object, goods: tuple[str, ...] | None
) -> dict[str, float] | None:
    report = context.report
    if value is None or value == "none":
        if declared.required:
            report.add(path, "expected a price, got none")
        return None

    def one(place: Path, amount: object) -> float:
        price = bounded(report, place, amount, declared)
        if price is not None and context.units_sound and price < context.units.step_size:
            step = plain(context.units.price_step)
            report.add(place, f"must be at least one price step, {step}; got {price:g}")
        return price or 0.0

    if not isinstance(value, Mapping):
        price = one(path, value)
        return dict.fromkeys(goods or (), price)
    prices = {}
    for good, amount in value.items():
        if goods is not None and good not in goods:
            report.unknown((*path, good), goods, what="good")
        else:
            prices[good] = one((*path, good), amount)
    return {good: prices[good] for good in goods or () if good in prices}


def _amounts(
    context: Context, path: Path, value: object, goods: tuple[str, ...] | None
) -> dict[str, float] | None:
    """Read amounts of goods and M, each on its grid [unit, M]."""
    report = context.report
    if not isinstance(value, Mapping):
        report.add(path, f"expected a mapping of goods and M to amounts, got {shown(value)}")
        return None
    known = (*(goods or ()), MONEY)
    found = {}
    for good, given in value.items():
        place = (*path, good)
        if goods is not None and good not in known:
            report.unknown(place, known, what="good")
            continue
        amount = number(report, place, given, minimum=0)
        if amount is None:
            continue
        units = context.units
        context.storage(place, amount, units.to_minor if good == MONEY else units.to_lots)
        found[good] = float(amount)
    return {good: found[good] for good in known if good in found}


def _block(
    context: Context, path: Path, declared: Parameter, value: object, goods: tuple[str, ...] | None
) -> dict[str, Any] | None:
    """Read a mapping with the declared parts; a word alone is the first of them."""
    parts = {part.name: part for part in declared.parts}
    if not isinstance(value, Mapping):
        first = declared.parts[0]
        if first.shape == "choice" and isinstance(value, str):
            word = one_parameter(context, path, first, value, goods)
            rest = {name: _default(context, part) for name, part in parts.items()}
            return {**rest, first.name: word} if word is not None else None
        report_as = f"expected a mapping with {', '.join(parts)}, got {shown(value)}"
        context.report.add(path, report_as)
        return None
    for key in value:
        if key not in parts:
            context.report.unknown((*path, key), parts)
    choice = declared.parts[0]
    if choice.shape == "choice" and value and choice.name not in value and set(value) <= set(parts):
        message = f"{next(iter(value))} has no meaning without a {choice.name}: "
        context.report.add(path, message + ", ".join(choice.choices))
    found = {
        name: one_parameter(context, (*path, name), part, value[name], goods)
        if name in value
        else _default(context, part)
        for name, part in parts.items()
    }
    refused = [name for name, part in parts.items() if found[name] is None and not part.optional]
    return None if refused else found
