"""Sizes beyond the machine are refused before anything is allocated; dense crowds are told of."""

from __future__ import annotations

import json
import logging
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecs_market import InputError, Simulation, load_scenario
from ecs_market import footprint as footprint_module
from ecs_market.bench import economy
from ecs_market.cli import main
from ecs_market.components.position import Position
from ecs_market.components.post_index import PostIndex
from ecs_market.crowding import visible_neighbours
from ecs_market.footprint import (
    VARIABLE,
    available_memory,
    check_memory,
    footprint,
    memory_limit,
)
from ecs_market.scenario import from_dict
from ecs_market.telemetry.schema import Level
from tests.oracles.walking import gap
from tests.oracles.worlds import COBB_DOUGLAS, group, scenario, world_of

ROOT = Path(__file__).resolve().parent.parent
MEASURE = """
import json, sys
sys.path.insert(0, "benchmarks")
from mixed import economy as mixed
from ecs_market import Simulation, bench
from ecs_market.footprint import footprint
from ecs_market.scenario import from_dict
kind, agents = sys.argv[1], int(sys.argv[2])
def make(count):
    return from_dict(mixed(count) if kind == "mixed" else bench.economy(count, count // 1000))
def peak(scenario, ticks):
    bench.forget_peak()
    before = bench.resident("VmRSS")
    with Simulation(scenario, seed=1, telemetry_level="summary", threads=2) as sim:
        sim.run(ticks)
        return bench.resident("VmHWM") - before
peak(make(2000), 30)
print(json.dumps([footprint(make(agents)).total, peak(make(agents), 4)]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
@pytest.mark.parametrize("kind", ["mixed", "bench"])
@pytest.mark.parametrize("agents", [100_000, 1_000_000])
def test_the_estimate_is_near_what_is_measured(kind: str, agents: int) -> None:
    command = [sys.executable, "-c", MEASURE, kind, str(agents)]
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    subprocess.run([*command[:-1], "2000"], cwd=ROOT, env=environ, check=True)  # compiles
    done = subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, check=True
    )
    estimate, measured = json.loads(done.stdout)
    assert 0.75 < estimate / measured < 1.25


def test_the_estimate_grows_with_what_takes_room() -> None:
    base = footprint(from_dict(economy(10_000, 10)))
    assert footprint(from_dict(economy(20_000, 10))).total > 1.9 * base.total
    assert footprint(from_dict(economy(10_000, 10)), Level.FULL).total > base.total
    document = economy(10_000, 10)
    wider = footprint(from_dict(document | {"grid": {"width": 4_000, "height": 4_000}}))
    assert sum(wider.fixed.values()) > 10 * sum(base.fixed.values())
    slots = footprint(from_dict(document | {"market_memory": {"slots": 8}}))
    assert slots.per_agent["columns"] >= base.per_agent["columns"] + 8 * (4 + 2 * 8 + 2 * 4)


def test_what_fits_fits() -> None:
    plan = footprint(from_dict(economy(10_000, 10)))
    for memory in (plan.total // 3, plan.total, 5 * plan.total):
        fits = plan.agents_within(memory)
        enough = fits * sum(plan.per_agent.values()) + sum(plan.fixed.values())
        assert enough <= memory < enough + sum(plan.per_agent.values()) + 1
    assert plan.agents_within(10) == 0


def test_refused_before_anything_is_allocated(monkeypatch: pytest.MonkeyPatch) -> None:
    def built(*_: Any) -> None:
        raise AssertionError("the world has been built")

    monkeypatch.setattr("ecs_market.simulation.build_world", built)
    document = economy(10_000, 10)
    with pytest.raises(InputError) as caught:
        Simulation(document, memory_limit=10**6)
    message = str(caught.value)
    assert message.startswith("10,000 agents on 448 x 448 cells need about 0.01 GiB of memory")
    assert re.search(r"memory, [\d,]+ bytes, and 0.00 GiB are available", message)
    assert "about " in message
    assert VARIABLE in message


@pytest.mark.parametrize("limit", [None, 10**12, "available"])
def test_small_sizes_and_other_limits_are_fine(limit: Any) -> None:
    with Simulation(load_scenario("edgeworth_box"), memory_limit=limit) as sim:
        sim.step()


@pytest.mark.parametrize("limit", [0, -5, True, 1.5, "much", ""])
def test_bad_limits_are_told(limit: Any) -> None:
    with pytest.raises(InputError, match="memory_limit must be a positive number of bytes"):
        Simulation(load_scenario("edgeworth_box"), memory_limit=limit)


def test_a_grid_alone_can_be_too_large() -> None:
    patches = {"spawn_rate": 0.01, "types": [{"good": "A", "quantity": 1}]}
    document = scenario(
        group("agents", 2, [COBB_DOUGLAS]), width=46_000, height=46_000, resources=patches
    )
    with pytest.raises(
        InputError, match="no number of agents would fit on a grid of 46,000 x"
    ) as e:
        check_memory(from_dict(document), limit=10**8)
    found = re.search(r"cells, all of them on one of ([\d,]+) x \1;", str(e.value))
    assert found is not None
    side = int(found[1].replace(",", ""))
    assert 1_000 < side < 46_000
    document["grid"] = {"width": side, "height": side}
    check_memory(from_dict(document), limit=10**8)


def test_an_almost_empty_grid_takes_what_its_agents_take() -> None:
    post = {"location": [23_000, 23_000], "visibility_radius": 40_000}
    small, large = (
        from_dict(
            scenario(
                group("agents", 2_000, [COBB_DOUGLAS]),
                width=side,
                height=side,
                market_posts=[post | {"location": [side // 2, side // 2]}],
            )
        )
        for side in (200, 46_000)
    )
    assert footprint(large).total < 3 * footprint(small).total
    most = footprint(large, Level.OFF).total
    with Simulation(large, memory_limit=most, threads=1, telemetry_level="off") as sim:
        sim.step()
        index = sim.world.only(PostIndex)
        assert index is not None
        assert index.tile_start.nbytes < 100_000
        assert sim.summary()["ticks"] == 1


def test_the_command_ends_with_status_2_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(VARIABLE, "1000")
    assert main(["run", "edgeworth_box"]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert "would fit" in printed.err
    assert not list(tmp_path.rglob("*.db"))
    monkeypatch.setenv(VARIABLE, "lots")
    assert main(["run", "edgeworth_box"]) == 2
    assert f"{VARIABLE} must be a positive number of bytes, or 'none'" in capsys.readouterr().err


def test_the_environment_can_lift_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footprint_module, "available_memory", lambda: 1)
    assert memory_limit("available") == 1
    monkeypatch.setenv(VARIABLE, "None")
    assert memory_limit("available") is None
    monkeypatch.setenv(VARIABLE, "12345")
    assert memory_limit("available") == 12345


# --- what is available ------------------------------------------------------------------------


def groups(root: Path, monkeypatch: pytest.MonkeyPatch, line: str) -> None:
    (root / "cgroup").write_text(line + "\n", encoding="utf-8")
    (root / "meminfo").write_text("MemTotal: 9 kB\nMemAvailable: 8000 kB\n", encoding="ascii")
    monkeypatch.setattr(footprint_module, "CGROUPS", root / "cgroup")
    monkeypatch.setattr(footprint_module, "MEMINFO", root / "meminfo")
    monkeypatch.setattr(footprint_module, "CGROUP_ROOT", root / "fs")


def write(folder: Path, **files: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / f"memory.{name}").write_text(text + "\n", encoding="ascii")


def test_control_groups_of_version_2(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups(tmp_path, monkeypatch, "0::/box/inner")
    assert available_memory() == 8000 * 1024
    write(tmp_path / "fs" / "box" / "inner", max="max", current="50", stat="inactive_file 7")
    assert available_memory() == 8000 * 1024
    write(tmp_path / "fs" / "box", max="1000", current="400", stat="anon 1\ninactive_file 50")
    assert available_memory() == 650


def test_control_groups_of_version_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups(tmp_path, monkeypatch, "4:memory:/elsewhere")
    write(
        tmp_path / "fs" / "memory",
        limit_in_bytes="2000",
        usage_in_bytes="3000",
        stat="total_inactive_file 10",
    )
    assert available_memory() == 0


def test_where_nothing_is_known_nothing_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    groups(tmp_path, monkeypatch, "0::/")
    (tmp_path / "meminfo").write_text("MemTotal: 9 kB\n", encoding="ascii")
    assert available_memory() is None
    check_memory(from_dict(economy(10_000, 10)))


# --- crowds -------------------------------------------------------------------------------------


def counted(world: Any) -> float:
    """Count, agent by agent, who is in sight; in the mean."""
    position = world.agents.whole(Position)
    rows = world.agent_rows.tolist()
    places = [(int(position.x[r]), int(position.y[r])) for r in rows]
    seen = 0
    for i, (x, y) in enumerate(places):
        for j, (to_x, to_y) in enumerate(places):
            seen += i != j and gap((x, y), (to_x, to_y)) <= 5
    return seen / len(places)


def test_a_uniform_crowd_is_estimated_well() -> None:
    world = world_of(group("agents", 900, [COBB_DOUGLAS]), width=60, height=60)
    assert visible_neighbours(world) == pytest.approx(counted(world), rel=0.2)


def test_a_cluster_is_estimated_well() -> None:
    generator = np.random.default_rng(1)
    cells = (generator.integers(20, 25, (300, 2))).tolist()
    world = world_of(group("agents", 300, [COBB_DOUGLAS], cells), width=60, height=60)
    assert visible_neighbours(world) == pytest.approx(counted(world), rel=0.5)
    assert visible_neighbours(world) > 100


def test_dense_crowds_are_told_of(
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    document = scenario(group("agents", 400, [COBB_DOUGLAS]), width=11, height=11)
    with caplog.at_level(logging.WARNING, "ecs_market"), Simulation(document) as sim:
        assert sim.visible_neighbours > 50
    assert "speed is promised for up to 50" in caplog.text
    (tmp_path / "dense.yaml").write_text(json.dumps(document), encoding="utf-8")
    assert main(["run", "dense.yaml", "--ticks", "1"]) == 0
    assert "an agent sees about" in capsys.readouterr().err


def test_those_who_look_for_nobody_see_nobody() -> None:
    world = world_of(
        group("agents", 400, [COBB_DOUGLAS], components=["Mobility"]), width=11, height=11
    )
    assert visible_neighbours(world) == 0.0
