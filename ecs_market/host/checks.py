"""What a host program hands in is checked before anything changes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ecs_market.components.forager import Forager
from ecs_market.components.inventory import Inventory
from ecs_market.components.mobility import Mobility
from ecs_market.components.position import Position
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import Visibility
from ecs_market.errors import InputError
from ecs_market.host.fields import Field
from ecs_market.preferences.modes import IN_UTILITY
from ecs_market.types import I64, Column
from ecs_market.units import MAX_LOTS, MAX_MINOR
from ecs_market.world import World

MAX_RADIUS = 1_000_000


def as_ids(ids: Any, what: str, *, distinct: bool = True) -> I64:
    """Return ids as int64 (n,); InputError unless they are whole numbers, each given once."""
    try:
        array = np.asarray(ids)
    except ValueError as error:
        raise InputError(f"{what}: the ids must be a list of whole numbers") from error
    if array.size == 0 and array.ndim == 1:
        return np.empty(0, np.int64)
    if array.dtype.kind not in "iu" or array.ndim != 1:
        raise InputError(
            f"{what}: the ids must be one row of whole numbers, not {array.dtype} of shape "
            f"{array.shape}"
        )
    if array.dtype.kind == "u" and array.max() > np.iinfo(np.int64).max:
        raise InputError(f"{what}: no agent has id {int(array.max())}")
    found: I64 = array.astype(np.int64)
    order = np.sort(found)
    twice = order[:-1] == order[1:]
    if distinct and twice.any():
        raise InputError(f"{what}: id {int(order[:-1][twice][0])} is given twice")
    return found


def as_values(world: World, field: Field, values: Any, count: int, what: str) -> Column:
    """Return values for `count` rows of a field in its own type, shape and limits.

    Parameters
    ----------
    values
        One value for all, or an array of shape (count,) or (count, width).
    what
        How messages begin.

    Raises
    ------
    InputError
        If the shape does not fit, or a value can't be converted exactly or is not allowed.
    """
    shape = (count,) if field.width is None else (count, field.width)
    try:
        given = np.asarray(values)
    except ValueError as error:
        raise InputError(f"{what}: {field.path} must be an array of shape {shape}") from error
    if given.ndim and given.shape != shape:
        raise InputError(f"{what}: {field.path} must have shape {shape}, not {given.shape}")
    column = np.broadcast_to(_convert(field, given, what), shape).copy()
    check_limits(world, field, column, what)
    return column


def _convert(field: Field, given: Column, what: str) -> Column:
    """Return `given` in the field's type; InputError where that would change a value."""
    wanted = np.dtype(field.spec.dtype)
    groups = {"b": "b", "i": "iuf", "u": "iuf", "f": "iuf"}
    if given.dtype.kind not in groups[wanted.kind]:
        raise InputError(f"{what}: {field.path} takes {_kind(wanted)}, not {given.dtype}")
    finite = np.isfinite(given) if given.dtype.kind == "f" else np.ones(given.shape, np.bool_)
    if not finite.all():
        raise InputError(f"{what}: {field.path} must be finite, not {given[~finite].flat[0]}")
    fits = np.ones(given.shape, np.bool_)
    if wanted.kind in "iu":
        info = np.iinfo(wanted)
        if given.dtype.kind == "f":
            # The largest integer is one less than a power of two that floats hold exactly.
            fits = (given >= float(info.min)) & (given < float(info.max // 2 + 1) * 2.0)
        else:
            fits = _within(given, info.min, info.max)
    with np.errstate(over="ignore", invalid="ignore"):
        converted = np.where(fits, given, 0).astype(wanted)
        fits &= _equal(converted, given)
    if not fits.all():
        value = given[~fits].flat[0]
        raise InputError(f"{what}: {field.path} can't hold {value} exactly (type {wanted})")
    return converted


def _within(given: Column, low: int, high: int) -> Any:
    bounds = np.iinfo(given.dtype)
    fits = np.ones(given.shape, np.bool_)
    if low > bounds.min:
        fits &= given >= low
    if high < bounds.max:
        fits &= given <= high
    return fits


def _equal(converted: Column, given: Column) -> Any:
    """Compare by value; numpy would compare an int64 with a float64 as floats."""
    if converted.dtype.kind == "f" and given.dtype.kind in "iu":
        exact = np.abs(converted.astype(np.float64)) < 2.0**63
        back = np.where(exact, converted, 0).astype(np.int64)
        return exact & (back == np.where(exact, given, 0).astype(np.int64))
    same = converted.astype(given.dtype) == given if given.dtype.kind == "f" else converted == given
    return np.asarray(same)


def _kind(wanted: np.dtype[Any]) -> str:
    return {"b": "booleans", "f": "numbers"}.get(wanted.kind, "whole numbers")


def check_limits(world: World, field: Field, column: Column, what: str) -> None:
    """Raise InputError if a column of the right type holds a value that is not allowed."""
    if not column.size:
        return
    if column.dtype.kind == "f" and not np.isfinite(column).all():
        raise InputError(f"{what}: {field.path} must be finite")
    if field.component is Utility and field.name == "family":
        unknown = ~np.isin(column, world.families)
        if unknown.any():
            raise InputError(
                f"{what}: {field.path} must be a family of this run, one of "
                f"{', '.join(map(str, world.families))}, not {column[unknown][0]}"
            )
        return
    low, high = _limits(world, field)
    least, most = column.min(), column.max()
    if least < low or most > high:
        wrong = least if least < low else most
        if field.name == "money_weight":
            allowed = "at least 0" if low == 0.0 else "above 0"
        elif math.isinf(high):
            allowed = f"at least {low:g}"
        else:
            allowed = f"from {low} to {high}"
        raise InputError(f"{what}: {field.path} must be {allowed}, not {wrong}")


def _limits(world: World, field: Field) -> tuple[float, float]:
    """Return the least and the greatest value that an engine field takes."""
    component, name = field.component, field.name
    size = {"x": world.settings.width, "y": world.settings.height}
    if component is Position or (component is Mobility and name != "budget"):
        return 0, size[name[-1]] - 1
    if component is Inventory:
        return 0, MAX_MINOR if name == "money" else MAX_LOTS
    if component is Forager:
        return 0, MAX_LOTS
    if component in (Visibility, Mobility):
        return 0, MAX_RADIUS
    if component is Utility:
        # Gains are counted in money, unless money is a good like the others.
        positive = name == "money_weight" and world.settings.mode != IN_UTILITY
        return (5e-324 if positive else 0.0), math.inf
    return -math.inf, math.inf


def total(column: Column) -> int:
    """Add up int64 values exactly, whatever their size."""
    low = int((column & 0xFFFFFFFF).sum())
    return (int((column >> 32).sum()) << 32) + low


def holdings(goods: I64, money: I64) -> list[int]:
    """Return the exact total of each good [lot], then of money [minor unit]."""
    return [total(goods[:, good]) for good in range(goods.shape[1])] + [total(money)]


def check_totals(world: World, totals: list[int], what: str) -> None:
    """Raise InputError if all agents together would own more than can be kept exact."""
    for name, amount in zip(world.settings.goods, totals, strict=False):
        if amount > MAX_LOTS:
            raise InputError(f"{what}: there would be {amount} lots of {name}, above {MAX_LOTS}")
    if totals[-1] > MAX_MINOR:
        raise InputError(f"{what}: there would be {totals[-1]} minor units, above {MAX_MINOR}")


def owned(world: World) -> list[int]:
    """Return what all agents own: the total of each good, then of money."""
    inventory = world.agents.whole(Inventory)
    return holdings(inventory.goods, inventory.money)


def book(world: World, change: list[int]) -> None:
    """Book a change of what exists as the host's."""
    world.ledger.host += np.array(change, np.int64)
