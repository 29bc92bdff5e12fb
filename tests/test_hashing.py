"""The hash of columns: free of order, sensitive to everything else."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market.errors import InputError
from ecs_market.kernels.hashing import MODULUS, column_digest
from ecs_market.types import I64, Column

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = 214522030066303014607643674789377512084
TYPES = ["?", "i1", "u1", "i2", "i4", "u4", "f4", "i8", "u8", "f8"]

pytestmark = pytest.mark.kernel


def columns(rows: int = 40) -> tuple[I64, dict[str, Column]]:
    """Return ids and a narrow and a wide column of each type."""
    rng = np.random.default_rng(11)
    ids = rng.permutation(10 * rows)[:rows].astype(np.int64)
    made: dict[str, Column] = {}
    for kind in TYPES:
        for width in (1, 3):
            raw = rng.integers(0, 100, (rows, width))
            made[f"{kind}_{width}"] = (raw > 50 if kind == "?" else raw).astype(kind)
        made[f"{kind}_1"] = made[f"{kind}_1"].reshape(-1)
    return ids, made


ALL = sorted(columns()[1])


def digest() -> list[int]:
    """Hash every column, in this process's mode."""
    ids, made = columns(1500)
    return [column_digest(ids, made[name], name) for name in ALL]


@pytest.mark.parametrize("name", ALL)
@given(st.randoms(use_true_random=False), st.integers(0, 40), st.integers(0, 40))
@settings(max_examples=15, deadline=None)
def test_rows_and_parts_in_any_order(name: str, random: Any, one: int, two: int) -> None:
    ids, made = columns()
    column = made[name]
    whole = column_digest(ids, column, name)
    assert 0 <= whole < MODULUS
    order = list(range(len(ids)))
    random.shuffle(order)
    assert column_digest(ids[order], column[order], name) == whole
    one, two = sorted((one, two))
    parts = [(two, 40), (0, one), (one, two)]
    assert sum(column_digest(ids, column, name, *p) for p in parts) % MODULUS == whole


@pytest.mark.parametrize("name", ALL)
def test_every_bit_counts(name: str) -> None:
    ids, made = columns(3)
    column = np.ascontiguousarray(made[name])
    seen = {column_digest(ids, column, name)}
    raw = column.view(np.uint8).reshape(-1)
    bits = [0] if name[0] == "?" else range(8)
    for at in range(raw.size):
        for bit in bits:
            raw[at] ^= np.uint8(1 << bit)
            seen.add(column_digest(ids, column, name))
            raw[at] ^= np.uint8(1 << bit)
    assert len(seen) == raw.size * len(bits) + 1


def test_every_bit_changes_about_half_of_the_hash() -> None:
    ids = np.array([5], dtype=np.int64)
    base = column_digest(ids, np.zeros(1, dtype=np.int64), "x")
    for bit in range(63):
        other = column_digest(ids, np.array([1 << bit], dtype=np.int64), "x")
        assert 30 <= (base ^ other).bit_count() <= 98


def test_swapped_values_count() -> None:
    ids = np.arange(50, dtype=np.int64)
    column = np.arange(100, dtype=np.int64).reshape(50, 2)
    seen = {column_digest(ids, column, "x")}
    for row in range(1, 50):
        for a, b in (((0, 0), (row, 0)), ((0, 0), (row, 1)), ((row, 0), (row, 1))):
            column[a], column[b] = column[b], column[a]
            seen.add(column_digest(ids, column, "x"))
            column[a], column[b] = column[b], column[a]
    assert len(seen) == 148


def test_small_values_do_not_collide() -> None:
    seen = set()
    for ident in range(30):
        ids = np.array([ident], dtype=np.int64)
        for value in range(-20, 20):
            seen.add(column_digest(ids, np.array([value], dtype=np.int64), "x"))
            seen.add(column_digest(ids, np.array([value], dtype=np.int32), "x"))
            seen.add(column_digest(ids, np.array([value], dtype=np.int64), "y"))
    assert len(seen) == 3 * 30 * 40
    lows = {value & 0xFFFFFFFFFFFFFFFF for value in seen}
    highs = {value >> 64 for value in seen}
    assert len(lows) == len(highs) == len(seen)


def test_a_missing_row_of_zeros_counts() -> None:
    ids = np.arange(4, dtype=np.int64)
    zeros = np.zeros(4, dtype=np.int64)
    assert column_digest(ids, zeros, "x") != column_digest(ids, zeros, "x", 0, 3)
    assert column_digest(ids, zeros, "x", 2, 2) == 0
    assert column_digest(ids, np.zeros((4, 0)), "x") == 0


def test_zeros_of_either_sign_differ() -> None:
    ids = np.zeros(1, dtype=np.int64)
    assert column_digest(ids, np.array([0.0]), "x") != column_digest(ids, np.array([-0.0]), "x")


def test_layout_and_byte_order_do_not_count() -> None:
    ids = np.arange(6, dtype=np.int64)
    column = np.arange(12, dtype=np.int64).reshape(6, 2)
    expected = column_digest(ids, column, "x")
    assert column_digest(ids, np.asfortranarray(column), "x") == expected
    assert column_digest(ids, column.astype(column.dtype.newbyteorder()), "x") == expected
    wide = np.repeat(column, 2, axis=0)[::2]
    assert column_digest(np.repeat(ids, 2)[::2], wide, "x") == expected


@pytest.mark.parametrize(
    "column",
    [np.zeros(3), np.zeros((4, 2, 2)), np.zeros(4, dtype=complex), np.array(list("abcd"))],
)
def test_other_columns_are_refused(column: Column) -> None:
    with pytest.raises(InputError, match="column 'mood'"):
        column_digest(np.arange(4, dtype=np.int64), column, "mood")


def test_same_bits_without_compilation_and_no_warning() -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(digest())


def test_the_values_are_fixed() -> None:
    ids = np.array([0, 1, 7], dtype=np.int64)
    column = np.array([[1, 2], [3, -4], [5, 6]], dtype=np.int64)
    assert column_digest(ids, column, "inventory.goods") == GOLDEN


if __name__ == "__main__":
    print(digest())
