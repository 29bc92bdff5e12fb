"""Draw the numbers of utilities that differ from agent to agent.

Each is a function of the seed, the agent's id, its place among the family's parameters, and of how
often it had to be drawn again: neither order nor other parameters have a say.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.kernels.normal import fill_normal, raise_e
from ecs_market.kernels.philox import PARAMETER, fill_below, fill_uniform
from ecs_market.registry import Shape, find
from ecs_market.scenario.model import Draw, Utility
from ecs_market.types import F64, I64

# Numbers of one parameter, and tries for one number.
SLOTS = 1 << 12
TRIES = 1 << 12


@dataclass(frozen=True, slots=True)
class Taste:
    """The numbers of one utility entry for its n members, in ascending ids.

    Parameters
    ----------
    parameters
        By key: (n,) for a number, (n, K) for a number a good, (n, K, K) for a matrix; words and
        curves as declared.
    money_weight
        (n,) utility of one M.
    """

    parameters: dict[str, Any]
    money_weight: F64


def draw_taste(utility: Utility, idents: I64, seed: int) -> Taste:
    """Draw the numbers of the members `idents` of one utility entry."""
    declared = {each.name: each.shape for each in find("family", utility.family).parameters}
    parameters = {
        key: _array(declared[key], value, idents, seed, (1 + index) * SLOTS)
        for index, (key, value) in enumerate(utility.parameters.items())
    }
    return Taste(parameters, _column(utility.money_weight, idents, seed, 0))


def _array(shape: Shape, value: Any, idents: I64, seed: int, slot: int) -> Any:
    """Return a parameter for all members; what is fixed takes no memory for each of them."""
    if shape == "number" and not isinstance(value, str) and value is not None:
        return _column(value, idents, seed, slot)
    if shape == "integer":
        return np.broadcast_to(np.int64(value), idents.shape)
    if shape == "per_good":
        return _columns(value, idents, seed, slot)
    if shape == "matrix":
        size = len(value)
        rows = tuple(number for row in value for number in row)
        return _columns(rows, idents, seed, slot).reshape(idents.size, size, size)
    return value


def _columns(numbers: tuple[float | Draw, ...], idents: I64, seed: int, slot: int) -> F64:
    """Return some numbers for each member, (n, size)."""
    if not any(isinstance(each, Draw) for each in numbers):
        fixed = np.array(numbers, np.float64)
        return np.broadcast_to(fixed, (idents.size, fixed.size))
    columns = [_column(each, idents, seed, slot + k) for k, each in enumerate(numbers)]
    return np.stack(columns, axis=1)


def _column(value: float | Draw, idents: I64, seed: int, slot: int) -> F64:
    """Return one number for each member."""
    if not isinstance(value, Draw):
        return np.broadcast_to(np.float64(value), idents.shape)
    if value.kind == "values":
        return np.array(value.values, np.float64)
    if value.kind == "whole":
        found = np.empty(idents.size, np.int64)
        bound = int(value.second) - int(value.first) + 1
        fill_below(seed, 0, PARAMETER, slot * TRIES, idents, bound, found)
        whole: F64 = found.astype(np.float64)
        whole += value.first
        return whole
    drawn = np.empty(idents.size, np.float64)
    if value.kind == "uniform":
        fill_uniform(seed, 0, PARAMETER, slot * TRIES, idents, drawn)
        drawn *= value.second - value.first
        drawn += value.first
        return np.minimum(drawn, value.second)
    return _bell(value, idents, seed, slot)


def _bell(value: Draw, idents: I64, seed: int, slot: int) -> F64:
    """Draw from a normal or lognormal distribution, again and again until within its bounds."""
    low = -np.inf if value.low is None else value.low
    high = np.inf if value.high is None else value.high
    found = np.empty(idents.size, np.float64)
    left = np.arange(idents.size)
    for attempt in range(TRIES):
        drawn = np.empty(left.size, np.float64)
        fill_normal(seed, 0, PARAMETER, slot * TRIES + attempt, idents[left], drawn)
        drawn *= value.second
        drawn += value.first
        if value.kind == "lognormal":
            raise_e(drawn.copy(), drawn)
        found[left] = drawn
        left = left[(drawn < low) | (drawn > high)]
        if not left.size:
            break
    # With at least one number in a hundred within the bounds none is left outside by now.
    return np.clip(found, low, high)
