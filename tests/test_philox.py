"""Philox against its published vectors, the derived numbers against Python's integers."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market.kernels import philox as module
from ecs_market.kernels.philox import below, fill_below, fill_uniform, philox, uniform

ROOT = Path(__file__).resolve().parent.parent
words = st.integers(0, 2**32 - 1)
seeds = st.integers(-(2**63), 2**63 - 1)

pytestmark = pytest.mark.kernel


def reference(seed: int, counter: tuple[int, int, int, int]) -> tuple[int, ...]:
    """Philox4x32-10 as published, in Python's integers."""
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    c0, c1, c2, c3 = counter
    for _ in range(10):
        p0, p1 = 0xD2511F53 * c0, 0xCD9E8D57 * c2
        c0, c1, c2, c3 = p1 >> 32 ^ c1 ^ k0, p1 & 0xFFFFFFFF, p0 >> 32 ^ c3 ^ k1, p0 & 0xFFFFFFFF
        k0, k1 = k0 + 0x9E3779B9 & 0xFFFFFFFF, k1 + 0xBB67AE85 & 0xFFFFFFFF
    return c0, c1, c2, c3


def digest() -> str:
    """Hash many numbers, in this process's mode."""
    idents = np.arange(-5, 300, dtype=np.int64)
    reals = np.empty(idents.size)
    integers = np.empty(idents.size, dtype=np.int64)
    total = hashlib.sha256()
    for seed, tick, stream, draw in ((0, 0, 1, 0), (-1, 7, 3, 2), (2**63 - 1, 2**31, 9, 5)):
        fill_uniform(seed, tick, stream, draw, idents, reals)
        total.update(reals.tobytes())
        for bound in (1, 6, 2**40 + 1, 2**63 - 1):
            fill_below(seed, tick, stream, draw, idents, bound, integers)
            total.update(integers.tobytes())
        total.update(repr([int(w) for w in philox(seed, draw, tick, 4, stream)]).encode())
    return total.hexdigest()


@pytest.mark.parametrize(
    ("seed", "counter", "expected"),
    [
        (0, (0, 0, 0, 0), (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)),
        (-1, (0xFFFFFFFF,) * 4, (0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD)),
        (
            0x299F31D0A4093822,
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1),
        ),
    ],
)
def test_published_vectors(
    seed: int, counter: tuple[int, int, int, int], expected: tuple[int, ...]
) -> None:
    assert tuple(int(w) for w in philox(seed, *counter)) == expected
    assert reference(seed, counter) == expected


@given(seeds, words, words, words, words, st.integers(1, 2**63 - 1))
@settings(max_examples=300, deadline=None)
def test_numbers_are_what_the_words_say(
    seed: int, draw: int, tick: int, ident: int, stream: int, bound: int
) -> None:
    expected = reference(seed, (draw, tick, ident, stream))
    assert tuple(int(w) for w in philox(seed, draw, tick, ident, stream)) == expected
    number = expected[0] << 32 | expected[1]
    assert uniform(seed, draw, tick, ident, stream) == (number >> 11) / 2**53
    assert below(seed, draw, tick, ident, stream, bound) == number * bound >> 64


def test_arrays_hold_the_scalar_numbers() -> None:
    idents = np.array([3, 0, 2**32 - 1, 17], dtype=np.int64)
    reals = np.empty(4)
    integers = np.empty(4, dtype=np.int64)
    fill_uniform(42, 5, module.POSITION, 1, idents, reals)
    fill_below(42, 5, module.POSITION, 1, idents, 10, integers)
    for i, ident in enumerate(idents.tolist()):
        assert reals[i] == uniform(42, 1, 5, ident, module.POSITION)
        assert integers[i] == below(42, 1, 5, ident, module.POSITION, 10)


def test_moments_and_range() -> None:
    idents = np.arange(200_000, dtype=np.int64)
    reals = np.empty(idents.size)
    fill_uniform(1, 0, module.PATCH_AMOUNT, 0, idents, reals)
    assert reals.min() >= 0.0
    assert reals.max() < 1.0
    assert abs(reals.mean() - 0.5) < 0.003
    assert abs(reals.var() - 1 / 12) < 0.001
    sides = np.empty(idents.size, dtype=np.int64)
    fill_below(1, 0, module.IDLE_WALK, 0, idents, 4, sides)
    assert np.all(np.abs(np.bincount(sides, minlength=4) / idents.size - 0.25) < 0.005)


def test_no_choice_gives_zero() -> None:
    assert below(1, 0, 0, 0, 1, 0) == 0
    assert below(1, 0, 0, 0, 1, -5) == 0


def test_stream_numbers_are_fixed() -> None:
    streams = {k: v for k, v in vars(module).items() if k.isupper() and k[0] != "_"}
    assert streams.pop("RNG_VERSION") == 1
    numbers = {k: v for k, v in streams.items() if isinstance(v, int)}
    assert numbers == {
        "POSITION": 1,
        "INVENTORY": 2,
        "PATCH": 3,
        "PATCH_KIND": 4,
        "PATCH_AMOUNT": 5,
        "REGIME": 6,
        "IDLE_WALK": 7,
        "PARAMETER": 8,
        "PAIR": 9,
        "POST_CHOICE": 10,
        "CALL_SIDE": 11,
        "CALL_LIMIT": 12,
        "DOUBLE_AUCTION": 13,
        "ZIP_TRADER": 14,
        "PROPOSER": 15,
        "ORDER_TYPE": 16,
    }


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
    assert done.stdout.strip() == digest()


if __name__ == "__main__":
    print(digest())
