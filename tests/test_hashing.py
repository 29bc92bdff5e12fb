"""The hash of tables: free of order, sensitive to everything else."""

from __future__ import annotations

import hashlib
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
from ecs_market.kernels.hashing import (
    BLOCK,
    HASH_VERSION,
    MODULUS,
    hashed,
    layout,
    table_digest,
)
from ecs_market.types import I64, Column

ROOT = Path(__file__).resolve().parent.parent
GOLDEN = 287561202749381840053212297575741832579
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


def column_digest(ids: I64, column: Column, name: str, *part: int, as_type: Any = None) -> int:
    """Hash a table of one column."""
    return table_digest(ids, [hashed(name, column, len(ids), as_type)], *part)


def digest() -> list[int]:
    """Hash every column, and all of them as a table, in this process's mode."""
    ids, made = columns(1500)
    table = [hashed(name, made[name], len(ids)) for name in ALL]
    return [table_digest(ids, [each]) for each in table] + [table_digest(ids, table)]


def plain_digest(ids: I64, made: dict[str, Column]) -> int:
    """Hash a table as the definition says, with Python's integers."""
    ones = (1 << 64) - 1
    total = 0
    for row, ident in enumerate(ids.tolist()):
        low = high = 0
        for name, column in made.items():
            kind = f"{column.dtype.kind}{column.dtype.itemsize}"
            elements = column[row].reshape(-1)
            keys = hashlib.shake_256(f"{HASH_VERSION}\0{name}\0{kind}".encode())
            key = keys.digest(16 * len(elements))
            for element in elements:
                word = int.from_bytes(element.tobytes(), sys.byteorder)
                low += (word ^ word >> 32) * (int.from_bytes(key[:8], "little") | 1)
                high += (word ^ word >> 29) * (int.from_bytes(key[8:16], "little") | 1)
                key = key[16:]
        mark = ident * 0x6A09E667F3BCC909 & ones
        x = low & ones ^ mark
        x = (x ^ x >> 32) * 0x510E527FADE682D1 & ones
        x ^= x >> 29
        y = x ^ high + (mark ^ 0xBB67AE8584CAA73B) & ones
        y = (y ^ y >> 32) * 0x1F83D9ABFB41BD6B & ones
        x = x * 0x9B05688C2B3E6C1F & ones
        total += (x ^ x >> 32) | (y ^ y >> 32) << 64
    return total % MODULUS


def test_it_is_what_the_definition_says() -> None:
    ids, made = columns()
    ids[0] = -1
    made |= {"wide": np.random.default_rng(2).integers(-(2**63), 2**63, (40, 9))}
    made |= {"empty": np.zeros((40, 0))}
    table = [hashed(name, column, 40) for name, column in made.items()]
    assert table_digest(ids, table) == plain_digest(ids, made)
    assert table_digest(ids, table[::-1]) == plain_digest(ids, made)
    for name, column in made.items():
        assert column_digest(ids, column, name) == plain_digest(ids, {name: column})


def test_blocks_do_not_count() -> None:
    rows = BLOCK + 3
    ids = np.arange(rows, dtype=np.int64)
    column = np.arange(rows, dtype=np.int32)
    for as_type in (None, np.int64):
        whole = column_digest(ids, column, "x", as_type=as_type)
        parts = [(0, 5), (5, rows)]
        found = [column_digest(ids, column, "x", *part, as_type=as_type) for part in parts]
        assert sum(found) % MODULUS == whole


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
    assert sum(column_digest(ids, column, name, *part) for part in parts) % MODULUS == whole


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
    base = column_digest(ids, np.zeros(1, dtype=np.uint64), "x")
    changed = []
    for bit in range(64):
        other = column_digest(ids, np.array([1 << bit], dtype=np.uint64), "x")
        changed.append((base ^ other).bit_count())
    assert 30 <= min(changed) <= max(changed) <= 98
    assert 60 <= sum(changed) / len(changed) <= 68


def test_changes_in_two_columns_of_a_row_do_not_cancel() -> None:
    ids = np.array([5], dtype=np.int64)

    def both(one: Column, other: Column) -> int:
        return table_digest(ids, [hashed("x", one, 1), hashed("y", other, 1)])

    seen = set()
    for change in range(-40, 41):
        one = np.array([100 + change], dtype=np.int64)
        seen.add(both(one, np.array([100 - change], dtype=np.int64)))
        seen.add(both(one, np.array([100 + change], dtype=np.int64)))
    assert len(seen) == 2 * 81 - 1


def test_changes_in_places_of_a_row_do_not_cancel() -> None:
    ids = np.array([5], dtype=np.int64)
    shapes = [(1, -1, 0, 0), (1, -2, 1, 0), (1, -3, 3, -1), (1, -1, -1, 1), (1, 1, 1, 1)]
    rows = [factor * np.array([shape]) for shape in shapes for factor in range(1, 50)]
    rows += [-row for row in rows]
    seen = {column_digest(ids, row, "x") for row in [*rows, np.zeros((1, 4), dtype=np.int64)]}
    assert len(seen) == len(rows) + 1


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8"])
def test_any_two_bits_of_a_row_show(kind: str) -> None:
    # Two signs above all: twice the highest bit is nothing modulo 2^64.
    ids = np.array([5], dtype=np.int64)
    bits = range(8 * np.dtype(kind).itemsize)
    seen = {
        column_digest(ids, np.array([[1 << one, 1 << other]], dtype=kind), "x")
        for one in bits
        for other in bits
    }
    assert len(seen) == len(bits) ** 2


def test_minus_one_in_two_columns_shows() -> None:
    ids = np.array([5], dtype=np.int64)
    pairs = [[a, b] for a in range(-3, 3) for b in range(-3, 3)]
    seen = {column_digest(ids, np.array([pair], dtype=np.int64), "x") for pair in pairs}
    assert len(seen) == len(pairs)


def test_another_type_counts_as_that_type() -> None:
    ids, made = columns()
    for width in (1, 3):
        column = made[f"i4_{width}"]
        expected = column_digest(ids, column.astype(np.int64), "x")
        assert column_digest(ids, column, "x", as_type=np.int64) == expected
        assert column_digest(ids, column, "x") != expected


def test_the_layout_tells_columns_of_zeros_apart() -> None:
    ids = np.arange(4, dtype=np.int64)
    zeros: list[Column]
    zeros = [np.zeros(4), np.zeros((4, 2)), np.zeros((4, 0)), np.zeros(4, dtype=np.int32)]
    tables = [[hashed(name, zero, 4)] for name in ("x", "y") for zero in zeros]
    tables.append([])
    tables.append([hashed("x", zeros[0], 4), hashed("y", zeros[0], 4)])
    assert len({table_digest(ids, table) for table in tables}) == 1
    assert len({layout(table) for table in tables}) == len(tables)
    assert layout(tables[-1]) == layout(tables[-1][::-1])


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
        for value in (*range(-20, 0), *range(1, 21)):  # a 0 adds nothing, whatever its column
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
    assert column_digest(ids[:0], zeros[:0], "x") == 0


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
