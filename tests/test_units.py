"""Exact units: spelling in, integers inside, spelling out."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_market.errors import InputError
from ecs_market.units import Units, plain


def test_defaults() -> None:
    units = Units()
    assert units.minor == Fraction(1, 10**7)
    assert units.lot_size == 0.001
    assert units.step_size == 0.0001
    assert units.minor_size == 1e-7


@pytest.mark.parametrize("value", [0.7, "0.7", Decimal("0.7"), Fraction(7, 10), np.float64(0.7)])
def test_every_spelling_is_exact(value: float) -> None:
    assert Units().to_lots(value) == 700
    assert Units().to_steps(value) == 7000
    assert Units().to_minor(value) == 7_000_000


def test_whole_numbers_of_any_type() -> None:
    assert Units().to_lots(np.int64(3)) == Units().to_lots(3) == 3000


def test_off_the_grid_says_which() -> None:
    with pytest.raises(InputError, match=r"0\.0005 is off the lot grid of 0\.001"):
        Units().to_lots(0.0005)
    with pytest.raises(InputError, match=r"0\.00001 is off the price grid of 0\.0001"):
        Units().to_steps(1e-5)
    with pytest.raises(InputError, match="off the money grid"):
        Units().to_minor("0.00000001")


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "ten", True, None])
def test_what_is_no_number_is_refused(value: object) -> None:
    with pytest.raises(InputError):
        Units().to_lots(value)  # type: ignore[arg-type]


def test_too_large_is_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        Units().to_lots(10**17)


@pytest.mark.parametrize("size", [0, -1, float("inf")])
def test_sizes_are_positive(size: float) -> None:
    with pytest.raises(InputError):
        Units(lot=size)  # type: ignore[arg-type]


def test_printing_is_clean() -> None:
    units = Units()
    assert repr(units.from_lots(700)) == "0.7"
    assert units.from_steps(np.array([3000, 7000])).tolist() == [0.3, 0.7]
    assert units.from_minor(np.array([1, -1_000_000_000])).tolist() == [1e-7, -100.0]
    assert Units(lot=Fraction(5, 2)).from_lots(np.array([3])).tolist() == [7.5]


@given(st.integers(-(10**12), 10**12))
def test_round_trip(lots: int) -> None:
    units = Units()
    assert units.to_lots(units.from_lots(lots)) == lots
    assert units.from_lots(np.array([lots]))[0] == units.from_lots(lots)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 1000), "0.001"),
        (Fraction(-5, 4), "-1.25"),
        (Fraction(3), "3"),
        (Fraction(1, 3), "1/3"),
    ],
)
def test_plain(value: Fraction, text: str) -> None:
    assert plain(value) == text
