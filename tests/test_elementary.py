"""exp, log and power: accuracy against mpmath, corners, and the same bits without compilation."""

from __future__ import annotations

import hashlib
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market.kernels.elementary import exp, log, power
from ecs_market.kernels.jit import kernel
from ecs_market.types import F64

ROOT = Path(__file__).resolve().parent.parent
INF, NAN = math.inf, math.nan
TINY = 5e-324
LARGEST = sys.float_info.max
PRECISION = 45

pytestmark = pytest.mark.kernel


@kernel
def loop_exp(x: F64, out: F64) -> None:
    for i in range(x.shape[0]):
        out[i] = exp(x[i])


@kernel
def loop_log(x: F64, out: F64) -> None:
    for i in range(x.shape[0]):
        out[i] = log(x[i])


@kernel
def loop_power(x: F64, y: F64, out: F64) -> None:
    for i in range(x.shape[0]):
        out[i] = power(x[i], y[i])


def points(count: int) -> tuple[F64, F64, F64, F64]:
    """Return arguments of exp, of log, and bases and exponents, over the whole range."""
    rng = np.random.default_rng(7)
    small = rng.uniform(-1, 1, count) * 2.0 ** -rng.integers(0, 60, count)
    exps = np.concatenate([rng.uniform(-750, 712, count), rng.uniform(-1, 1, count), small])
    anywhere = rng.uniform(0.5, 1, count) * 2.0 ** rng.integers(-1021, 1024, count)
    near = 1 + small[np.abs(small) < 0.5]
    subnormal = rng.integers(1, 2**52, count).astype(np.float64) * TINY
    logs = np.concatenate([anywhere, rng.uniform(0.5, 2, count), near, subnormal])
    bases = np.concatenate([logs, rng.uniform(0, 100, count)])
    # Exponents that spread the results over the whole range, whatever the base.
    spread = rng.uniform(-760, 720, bases.size)
    with np.errstate(divide="ignore"):
        exponents = np.where(bases == 1, 3.0, spread / np.log(bases))
    exponents[::4] = rng.uniform(-3, 3, exponents[::4].size)
    return exps, logs, bases, np.nan_to_num(exponents)


def digest() -> str:
    """Hash the bits of many results, in this process's mode."""
    special = np.array(
        [0.0, -0.0, 1.0, -1.0, INF, -INF, NAN, TINY, LARGEST, -LARGEST, 745.2, 709.8]
    )
    exps, logs, bases, exponents = points(1000)
    bases = np.concatenate([bases, np.repeat(special, special.size)])
    exponents = np.concatenate([exponents, np.tile(special, special.size)])
    one, two, three = (np.concatenate([v, special]) for v in (exps, logs, logs))
    outs = [np.empty_like(v) for v in (one, two, bases)]
    loop_exp(one, outs[0])
    loop_log(two, outs[1])
    loop_power(bases, exponents, outs[2])
    scalars = np.array([exp(v) for v in one[::7]] + [log(v) for v in three[::7]])
    total = hashlib.sha256()
    for out in (*outs, scalars):
        # The sign and payload of a nan mean nothing and are the processor's choice.
        total.update(np.where(np.isnan(out), 4.25, out).tobytes())
    return total.hexdigest()


def error_in_ulp(found: float, exact: mpmath.mpf) -> float:
    if abs(exact) >= mpmath.mpf(LARGEST) * (1 + mpmath.mpf(2) ** -54):
        return 0.0 if found == math.copysign(INF, exact) else INF
    if math.isinf(found) or math.isnan(found):
        return INF
    return float(abs(mpmath.mpf(found) - exact) / max(math.ulp(float(exact)), TINY))


def worst(found: F64, exact: Callable[..., mpmath.mpf], *args: F64) -> float:
    with mpmath.workdps(PRECISION):
        return max(
            error_in_ulp(float(value), exact(*(mpmath.mpf(float(a)) for a in row)))
            for value, row in zip(found, zip(*args, strict=True), strict=True)
        )


def test_exp_is_within_one_ulp() -> None:
    x = points(1500)[0]
    out = np.empty_like(x)
    loop_exp(x, out)
    assert worst(out, mpmath.exp, x) <= 1.0


def test_log_is_within_one_ulp() -> None:
    x = points(1500)[1]
    out = np.empty_like(x)
    loop_log(x, out)
    assert worst(out, mpmath.log, x) <= 1.0


def test_power_is_within_two_ulp() -> None:
    _, _, x, y = points(1500)
    out = np.empty_like(x)
    loop_power(x, y, out)
    assert worst(out, mpmath.power, x, y) <= 1.5


@given(st.floats(-750, 715))
@settings(max_examples=300, deadline=None)
def test_exp_anywhere(x: float) -> None:
    with mpmath.workdps(PRECISION):
        assert error_in_ulp(exp(x), mpmath.exp(mpmath.mpf(x))) <= 1.0


@given(st.floats(TINY, LARGEST))
@settings(max_examples=300, deadline=None)
def test_log_anywhere(x: float) -> None:
    with mpmath.workdps(PRECISION):
        assert error_in_ulp(log(x), mpmath.log(mpmath.mpf(x))) <= 1.0


@given(st.floats(TINY, LARGEST), st.floats(-1e3, 1e3))
@settings(max_examples=300, deadline=None)
def test_power_anywhere(x: float, y: float) -> None:
    with mpmath.workdps(PRECISION):
        exact = mpmath.power(mpmath.mpf(x), mpmath.mpf(y))
        assert error_in_ulp(power(x, y), exact) <= 1.5


@pytest.mark.parametrize(
    ("x", "y"),
    [(0.0, 1.0), (-0.0, 1.0), (INF, INF), (-INF, 0.0), (1e308, INF), (-1e308, 0.0), (-745.2, 0.0)],
)
def test_exp_corners(x: float, y: float) -> None:
    assert exp(x) == y


@pytest.mark.parametrize(("x", "y"), [(1.0, 0.0), (0.0, -INF), (-0.0, -INF), (INF, INF)])
def test_log_corners(x: float, y: float) -> None:
    assert log(x) == y


def test_nan_goes_through() -> None:
    values = [exp(NAN), log(NAN), log(-1.0), log(-INF), log(-TINY)]
    values += [power(NAN, 1.0), power(2.0, NAN), power(-1.0, 2.0), power(-INF, 1.0)]
    assert all(math.isnan(value) for value in values)


@pytest.mark.parametrize("x", [0.0, TINY, 0.5, 1.0, 2.0, LARGEST, INF])
@pytest.mark.parametrize("y", [-INF, -LARGEST, -1e30, -1.0, -TINY, 0.0, TINY, 0.5, 1.0, 1e30, INF])
def test_power_corners_are_those_of_the_standard_library(x: float, y: float) -> None:
    try:
        expected = math.pow(x, y)
    except (OverflowError, ValueError):
        expected = INF
    found = power(x, y)
    assert found == expected or abs(found - expected) <= math.ulp(expected)


def test_whole_powers_and_integers_as_arguments() -> None:
    assert power(3, 4) == 81.0
    assert power(10.0, 15.0) == 1e15
    assert power(2.0, -1074.0) == TINY
    assert exp(0) == 1.0
    assert log(1) == 0.0
    assert power(NAN, 0.0) == 1.0
    assert power(1.0, NAN) == 1.0


def test_same_bits_without_compilation_and_no_warning() -> None:
    env = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    env |= {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", __file__],
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == digest()


@pytest.mark.skipif(not hasattr(loop_exp, "py_func"), reason="compilation is off")
def test_no_contraction_and_no_library_call() -> None:
    x = np.ones(3)
    loops: list[tuple[Any, int]] = [(loop_exp, 2), (loop_log, 2), (loop_power, 3)]
    for function, args in loops:
        fresh = kernel(function.py_func)
        fresh._cache.disable()
        fresh(*(x,) * args)
        for code in fresh.inspect_asm().values():
            for name in ("fmadd", "fmsub", "fnmadd", "svml", "fmla"):
                assert name not in code
        for code in fresh.inspect_llvm().values():
            for name in ("@exp", "@log", "@pow", "llvm.exp", "llvm.log", "llvm.pow", "llvm.fma"):
                assert name not in code


if __name__ == "__main__":
    print(digest())
