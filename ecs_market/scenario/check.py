"""Checks of single values: numbers, starting amounts, cells and names."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ecs_market import registry
from ecs_market.errors import InputError
from ecs_market.registry import Entry, Kind
from ecs_market.scenario.document import Path, Report, shown
from ecs_market.scenario.model import Distribution, MoneyMode
from ecs_market.units import Exact, Units


@dataclass(slots=True)
class Context:
    """What the checks of one scenario share.

    `goods` is None where it could not be read: checks that need it are then skipped, as are those
    that need `units` unless `units_sound`.
    """

    report: Report
    units: Units
    units_sound: bool
    goods: tuple[str, ...] | None
    mixed: bool
    money: MoneyMode

    def exact(self, convert: Callable[[Exact], int], value: Exact) -> int:
        """Convert to storage units; 0 for what is off the grid, which was told elsewhere."""
        try:
            return convert(value)
        except InputError:
            return 0

    def storage(self, path: Path, value: Exact, convert: Callable[[Exact], int]) -> int:
        """Convert to storage units, reporting what is off the grid; 0 then."""
        if not self.units_sound:
            return 0
        try:
            return convert(value)
        except InputError as error:
            self.report.add(path, str(error))
            return 0


def number(
    report: Report,
    path: Path,
    value: object,
    *,
    above: float | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
    below: float | None = None,
    whole: bool = False,
) -> int | float | None:
    """Return `value` if it is a number within bounds, else report it and return None."""
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float):
        report.add(path, f"expected {kind}, got {shown(value)}")
    elif isinstance(value, float) and not math.isfinite(value):
        report.add(path, "must be a finite number")
    elif above is not None and value <= above:
        report.add(path, f"must be above {above:g}, got {shown(value)}")
    elif minimum is not None and value < minimum:
        report.add(path, f"must be at least {minimum:g}, got {shown(value)}")
    elif maximum is not None and value > maximum:
        report.add(path, f"must be at most {maximum:g}, got {shown(value)}")
    elif below is not None and value >= below:
        report.add(path, f"must be below {below:g}, got {shown(value)}")
    else:
        return value
    return None


def cell(
    report: Report, path: Path, value: object, size: tuple[int, int] | None
) -> tuple[int, int] | None:
    """Return a cell [x, y] that lies on the grid, else report it and return None."""
    if not isinstance(value, list) or len(value) != 2:
        report.add(path, f"expected a cell [x, y], got {shown(value)}")
        return None
    x, y = (number(report, (*path, i), part, whole=True) for i, part in enumerate(value))
    if x is None or y is None:
        return None
    if size is not None and not (0 <= x < size[0] and 0 <= y < size[1]):
        report.add(path, f"[{x}, {y}] is off the grid of {size[0]} x {size[1]} cells")
        return None
    return int(x), int(y)


def distribution(
    context: Context,
    path: Path,
    value: object,
    convert: Callable[[Exact], int],
    count: int | None,
) -> Distribution | None:
    """Read a number, a range [lo, hi] of whole units or {values: [...]}.

    Parameters
    ----------
    convert
        Units to storage units; raises InputError off the grid.
    count
        Members, which `values` must match; None if unknown; 0 if values are not allowed here.
    """
    report = context.report
    if isinstance(value, Mapping):
        return _listed(context, path, value, convert, count)
    if isinstance(value, list):
        return _range(context, path, value, convert)
    amount = number(report, path, value, minimum=0)
    if amount is None:
        return None
    fixed = context.storage(path, amount, convert)
    return Distribution(fixed, fixed, 1)


def _range(
    context: Context, path: Path, value: Sequence[object], convert: Callable[[Exact], int]
) -> Distribution | None:
    report = context.report
    if len(value) != 2:
        report.add(path, f"a range is [lo, hi], got {len(value)} entries")
        return None
    bounds = [
        number(report, (*path, i), part, minimum=0, whole=True) for i, part in enumerate(value)
    ]
    low, high = bounds
    if low is None or high is None:
        return None
    if low > high:
        report.add(path, f"a range goes from low to high, got [{low}, {high}]")
        return None
    first = context.storage((*path, 0), low, convert)
    if low == high:
        return Distribution(first, first, 1)
    step = 0
    if context.units_sound:
        try:
            step = convert(1)
        except InputError as error:
            report.add(path, f"a range draws whole units, but {error}")
    last = context.storage((*path, 1), high, convert)
    return Distribution(first, last, max(step, 1))


def _listed(
    context: Context,
    path: Path,
    value: Mapping[str, object],
    convert: Callable[[Exact], int],
    count: int | None,
) -> Distribution | None:
    report = context.report
    if count == 0:
        report.add(path, "expected a number or [lo, hi]")
        return None
    for key in value:
        if key != "values":
            report.unknown((*path, key), ["values"])
    entries = value.get("values")
    if not isinstance(entries, list) or not entries:
        report.add((*path, "values"), "expected a list with one number for each member")
        return None
    if count is not None and len(entries) != count:
        report.add((*path, "values"), f"{len(entries)} values for {count} members")
    amounts = []
    for index, entry in enumerate(entries):
        place = (*path, "values", index)
        amount = number(report, place, entry, minimum=0)
        amounts.append(0 if amount is None else context.storage(place, amount, convert))
    return Distribution(min(amounts), max(amounts), 1, tuple(amounts))


def reference(
    report: Report, path: Path, kind: Kind, value: object, *, extra: bool = False
) -> Entry | None:
    """Read a name or {name, version} and find what it means.

    With `extra` the mapping may have further keys, which somebody else checks.
    """
    version: object = None
    where = path
    if isinstance(value, Mapping):
        for key in value:
            if key not in ("name", "version") and not extra:
                report.unknown((*path, key), ["name", "version"])
        version = value.get("version")
        if version is not None and not isinstance(version, str):
            report.add((*path, "version"), f"a version is text, got {shown(version)}")
            version = None
        where = (*path, "name")
        value = value.get("name")
    if not isinstance(value, str):
        report.add(where, f"expected a name, got {shown(value)}")
        return None
    try:
        return registry.find(kind, value, version if isinstance(version, str) else None)
    except InputError as error:
        report.add(path, str(error))
        return None


def usable(context: Context, path: Path, entry: Entry) -> bool:
    """Whether an entry can be used in the scenario's money mode; report it if not."""
    if context.money in entry.modes:
        return True
    allowed = ", ".join(entry.modes)
    message = f"{entry.name} can't be used in money mode {context.money}, only in {allowed}"
    context.report.add(path, message)
    return False
