"""Multiply and divide with the whole product, against Python's integers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ecs_market.kernels.wide import mul_div

LARGEST = 2**63 - 1
plain: Callable[[int, int, int], tuple[int, int]] = getattr(mul_div, "py_func", mul_div)

# Of every length: uniform numbers would nearly all be long.
numbers = st.integers(0, 63).flatmap(lambda bits: st.integers(0, 2**bits - 1))

pytestmark = pytest.mark.kernel


def check(a: int, b: int, c: int) -> None:
    expected = divmod(a * b, c)
    for function in (mul_div, plain):
        result: Any = function(a, b, c)
        assert tuple(int(part) for part in result) == expected


@given(numbers, numbers, numbers)
@settings(max_examples=1000, deadline=None)
def test_equals_python(a: int, b: int, c: int) -> None:
    assume(c > 0)
    assume(a * b // c <= LARGEST)
    check(a, b, c)


@given(st.integers(0, LARGEST), st.data())
@settings(max_examples=500, deadline=None)
def test_shares_of_large_totals(c: int, data: st.DataObject) -> None:
    assume(c > 0)
    check(data.draw(st.integers(0, LARGEST)), data.draw(st.integers(0, c)), c)


@pytest.mark.parametrize(
    ("a", "b", "c"),
    [
        (LARGEST, LARGEST, LARGEST),
        (LARGEST, 1, 1),
        (1, LARGEST, 1),
        (LARGEST - 1, LARGEST, LARGEST),
        (2**62, 2**62, 2**62 + 1),
        (2**32, 2**31, 3),
        (3037000499, 3037000500, 1),
        (0, LARGEST, 7),
    ],
)
def test_corners(a: int, b: int, c: int) -> None:
    check(a, b, c)


def test_no_divisor_gives_nothing() -> None:
    assert tuple(mul_div(5, 7, 0)) == (0, 0)
    assert tuple(mul_div(5, 7, -3)) == (0, 0)
