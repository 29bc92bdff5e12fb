"""Exact units: people read and write units, storage and kernels hold integers.

A quantity of a good is a whole number of *lots*, a price a whole number of *price steps* for one
unit, money a whole number of *minor units*, where one minor unit is ``lot * price_step``. A payment
is then ``lots * steps`` minor units, an exact integer.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any, TypeAlias, overload

import numpy as np
import numpy.typing as npt

from ecs_market.errors import InputError

Exact: TypeAlias = int | float | str | Decimal | Fraction | np.integer[Any]
"""What a person may write a quantity as; a float stands for its shortest decimal spelling."""

LARGEST = 2**63 - 1

# All goods [lot] and money [minor unit] that exist and every price [price step] stay within these:
# payments and their sums then fit int64, and lots are exact as floats.
MAX_LOTS = 2**53
MAX_MINOR = 2**61
MAX_STEPS = 2**40


def as_fraction(value: Exact) -> Fraction:
    """Read `value` exactly.

    Parameters
    ----------
    value
        A float counts as the shortest decimal that prints it, so ``0.1`` is one tenth.

    Raises
    ------
    InputError
        If `value` is not a finite number.
    """
    if isinstance(value, bool | np.bool_):
        raise InputError(f"{value!r} is not a number")
    try:
        return value if isinstance(value, Fraction) else Fraction(str(value))
    except (ValueError, ZeroDivisionError, TypeError) as error:
        raise InputError(f"{value!r} is not a finite number") from error


def plain(value: Fraction) -> str:
    """Spell a fraction as a decimal where it has a short one, else as numerator/denominator."""
    if value.denominator == 1:
        return str(value.numerator)
    rest = value.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    if rest != 1:
        return f"{value.numerator}/{value.denominator}"
    digits = 0
    while (value * 10**digits).denominator != 1:
        digits += 1
    scaled = abs((value * 10**digits).numerator)
    sign = "-" if value < 0 else ""
    return f"{sign}{scaled // 10**digits}.{scaled % 10**digits:0{digits}d}"


@dataclass(frozen=True, slots=True)
class Units:
    """The grid on which goods, prices and money live.

    Parameters
    ----------
    lot
        Smallest quantity of any good [unit].
    price_step
        Smallest difference of two prices [M / unit].

    Raises
    ------
    InputError
        If one of them is not a positive finite number.
    """

    lot: Fraction = Fraction(1, 1000)
    price_step: Fraction = Fraction(1, 10000)

    def __post_init__(self) -> None:
        """Take any exact spelling of the two sizes and refuse what is not positive."""
        for name in ("lot", "price_step"):
            size = as_fraction(getattr(self, name))
            if size <= 0:
                raise InputError(f"{name} must be above 0, got {plain(size)}")
            object.__setattr__(self, name, size)

    @property
    def minor(self) -> Fraction:
        """The smallest amount of money [M]."""
        return self.lot * self.price_step

    @property
    def lot_size(self) -> float:
        """One lot as a float [unit]."""
        return float(self.lot)

    @property
    def step_size(self) -> float:
        """One price step as a float [M / unit]."""
        return float(self.price_step)

    @property
    def minor_size(self) -> float:
        """One minor unit as a float [M]."""
        return float(self.minor)

    def to_lots(self, value: Exact) -> int:
        """Turn a quantity [unit] into lots; InputError when it is off the grid."""
        return _on_grid(value, self.lot, "lot")

    def to_minor(self, value: Exact) -> int:
        """Turn money [M] into minor units; InputError when it is off the grid."""
        return _on_grid(value, self.minor, "money")

    def to_steps(self, value: Exact) -> int:
        """Turn a price [M / unit] into price steps; InputError when it is off the grid."""
        return _on_grid(value, self.price_step, "price")

    @overload
    def from_lots(self, lots: int) -> float: ...
    @overload
    def from_lots(self, lots: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]: ...
    def from_lots(self, lots: int | npt.NDArray[np.int64]) -> float | npt.NDArray[np.float64]:
        """Turn lots into units: the nearest floats to the exact values."""
        return _scaled(lots, self.lot)

    @overload
    def from_minor(self, minor: int) -> float: ...
    @overload
    def from_minor(self, minor: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]: ...
    def from_minor(self, minor: int | npt.NDArray[np.int64]) -> float | npt.NDArray[np.float64]:
        """Turn minor units into M."""
        return _scaled(minor, self.minor)

    @overload
    def from_steps(self, steps: int) -> float: ...
    @overload
    def from_steps(self, steps: npt.NDArray[np.int64]) -> npt.NDArray[np.float64]: ...
    def from_steps(self, steps: int | npt.NDArray[np.int64]) -> float | npt.NDArray[np.float64]:
        """Turn price steps into M for one unit."""
        return _scaled(steps, self.price_step)


def _on_grid(value: Exact, size: Fraction, grid: str) -> int:
    exact = as_fraction(value)
    count = exact / size
    if count.denominator != 1:
        raise InputError(f"{plain(exact)} is off the {grid} grid of {plain(size)}")
    if abs(count.numerator) > LARGEST:
        raise InputError(f"{plain(exact)} is too large for the {grid} grid of {plain(size)}")
    return count.numerator


def _scaled(count: int | npt.NDArray[np.int64], size: Fraction) -> float | npt.NDArray[np.float64]:
    # Dividing by the integer denominator rounds once; times 0.001 would print 0.7000000000000001.
    if isinstance(count, np.ndarray):
        top = count.astype(np.float64)
        if size.numerator != 1:
            top *= float(size.numerator)
        top /= float(size.denominator)
        return top
    return float(int(count) * size)
