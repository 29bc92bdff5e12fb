"""The benchmark programs run, at tiny sizes, and what they say makes sense."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parent.parent / "benchmarks"


def run(name: str, options: str, *more: str) -> str:
    command = [sys.executable, str(BENCHMARKS / f"{name}.py"), *options.split(), *more]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def figures(name: str, options: str, folder: Path) -> Any:
    file = folder / "figures.json"
    printed = run(name, options, "--json", str(file))
    return json.loads(file.read_text(encoding="utf-8")), printed


@pytest.mark.parametrize("occupancy", ["0.05", "1"])
def test_the_c_program_does_what_the_engine_does(tmp_path: Path, occupancy: str) -> None:
    options = f"--agents 2000 --ticks 2 --threads 1 2 --occupancy {occupancy}"
    found, printed = figures("search_and_move", options, tmp_path)
    if found["compiler"] is None or not any(row["program"] == "C" for row in found["rows"]):
        pytest.skip(next(line for line in printed.splitlines() if "skipped" in line))
    rows = [row for row in found["rows"] if row["program"] == "C"]
    assert [row["threads"] for row in rows] == [1, 2]
    for row in rows:
        assert row["agreement"]["best"] > 0.999
        assert row["agreement"]["partner"] > 0.998
        assert row["agreement"]["moved"] > 0.998
        assert row["ratio_to_c"] == 1.0


def test_no_compiler_is_said_and_not_a_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    found, printed = figures("search_and_move", "--agents 500 --ticks 1 --threads 1", tmp_path)
    assert "C program skipped: no C compiler (no-such-compiler is not found)" in printed
    assert found["compiler"] is None
    assert {row["program"] for row in found["rows"]} == {"ecs_market", "numpy, cKDTree"}
    for row in found["rows"]:
        assert (row["agents"], row["ratio_to_c"]) == (500, None)
        assert row["ns_per_agent_tick"] == pytest.approx(1e9 / row["agent_ticks_per_s"])
    (numpy,) = (row for row in found["rows"] if row["program"].startswith("numpy"))
    assert numpy["agreement"] == {"best": 1.0, "partner": 1.0, "moved": 1.0}


def test_scaling(tmp_path: Path) -> None:
    options = "--agents 500 1000 --posts 2 --posts-agents 500 --ticks 1 --threads 1"
    found, printed = figures("scaling", options, tmp_path)
    assert [series["by"] for series in found] == ["agents", "posts"]
    for series, sizes in zip(found, ([(500, 1), (1000, 1)], [(500, 2)]), strict=True):
        assert [(row["agents"], row["posts"]) for row in series["rows"]] == sizes
        assert all(len(row["state_hash"]) == 64 for row in series["rows"])
        assert all(row["processor_ns_per_agent_tick"] > 0 for row in series["rows"])
    assert isinstance(found[0]["exponent"], float)
    assert found[1]["exponent"] is None
    assert "grows as agents to the power of" in printed


def test_the_exponent_is_that_of_the_power_law(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    scaling = importlib.import_module("scaling")
    sizes = [1_000, 10_000, 100_000]
    assert scaling.exponent(sizes, [3.0 * size**1.25 for size in sizes]) == pytest.approx(1.25)
    assert scaling.exponent([1_000], [3.0]) is None


def test_peers(tmp_path: Path) -> None:
    found, printed = figures("peers", "--agents 500 --ticks 1", tmp_path)
    assert found[0]["package"] == "ecs_market"
    assert found[0]["behind"] == 1.0
    assert len(found) + printed.count("skipped: it is not installed") == 4
    for row in found[1:]:
        assert row.get("failed") or row["agreement"] > 0.99


def test_mixed(tmp_path: Path) -> None:
    found, _ = figures("mixed", "--agents 500 --ticks 1 --threads 1", tmp_path)
    assert [row["agents"] for row in found] == [500]
    kinds = ("idle", "market", "partner", "resource")
    assert sum(found[0]["shares"][kind] for kind in kinds) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("clearing", "--traders 200 --posts 2 --sizes 6 --repeats 1 --families cobb_douglas"),
        ("bargaining", "--pairs 100 --repeats 1"),
        ("double_auction", "--orders 200 --repeats 1"),
    ],
)
def test_a_mechanism_alone(name: str, options: str) -> None:
    assert len(run(name, options).splitlines()) >= 2
