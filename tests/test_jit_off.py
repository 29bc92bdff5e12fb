"""Kernels run as plain Python give the same bits."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.golden import goldens
from tests.strategies import LIVELY, random_scenario

ROOT = Path(__file__).resolve().parent.parent
CANONICAL = next(each for each in goldens() if each.ticks == 20 and each.seed == 42)
GOLDEN = """
from tests.golden import hashes
from tests.test_jit_off import CANONICAL
print(*hashes(CANONICAL))
"""
RANDOM = """
from tests.test_jit_off import random_hashes
print(*random_hashes())
"""
pytestmark = pytest.mark.kernel


def random_hashes() -> list[str]:
    """Hashes after some ticks of several lively scenarios."""
    from ecs_market import Simulation

    found = []
    for number in LIVELY:
        with Simulation(random_scenario(number), number, telemetry_level="off") as sim:
            sim.run(10)
            found.append(sim.state_hash())
    return found


def interpreted(code: str) -> list[str]:
    """Run a program without compilation and with warnings as errors; return its words."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_canonical_scenario() -> None:
    assert interpreted(GOLDEN) == [CANONICAL.start, CANONICAL.end]


def test_random_scenarios() -> None:
    assert interpreted(RANDOM) == random_hashes()
