"""Warming up: what a scenario needs is found uncompiled, and then nothing is left to compile."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_market import InputError, Simulation, load_scenario
from ecs_market.cli import compile_ahead
from ecs_market.kernels import cache, jit
from ecs_market.scenario import from_dict, scenario_names
from ecs_market.warmup import AGENTS, Need, needed, small, together
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, group, scenario

ROOT = Path(__file__).resolve().parent.parent
SLOW = pytest.mark.slow
QUICK = ("edgeworth_box", "walrasian_two_markets")
TINY = """
grid: {width: 6, height: 6}
params: {exchange_regime: bilateral}
agents:
  count: 4
  inventories: {A: 3, M: 9}
  utilities: [{type: linear, weights: [0.7]}]
ticks: 3
"""


def command(*arguments: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run `ecs-market` with a kernel cache of its own."""
    environ = {k: v for k, v in os.environ.items() if k != "NUMBA_DISABLE_JIT"}
    return subprocess.run(
        [sys.executable, "-m", "ecs_market", *arguments],
        env={**environ, "NUMBA_CACHE_DIR": str(cache), "PYTHONPATH": str(ROOT)},
        cwd=cache.parent,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize(
    "name", [n if n in QUICK else pytest.param(n, marks=SLOW) for n in scenario_names()]
)
def test_after_warming_up_a_run_compiles_nothing(name: str) -> None:
    document = load_scenario(name)
    for need in needed(document):
        need.compile()
    compiled: list[str] = []
    with jit.telling(compiled.append), Simulation(document, threads=2) as sim:
        sim.run(min(document.ticks, 100))
        sim.summary()
        sim.state_hash()
    assert compiled == []


def test_looking_up_compiles_nothing() -> None:
    compiled: list[str] = []
    with jit.telling(compiled.append):
        needs = needed(load_scenario("edgeworth_box"))
    assert compiled == []
    assert len(needs) > 10
    assert len(together([needs, needs])) == len(needs)


def test_a_large_scenario_is_rehearsed_small() -> None:
    document = from_dict(
        scenario(
            group("rich", 3_000, [COBB_DOUGLAS, LINEAR], inventories={"A": {"values": [5] * 3000}}),
            group("poor", 1_000, [LINEAR], [[1, 1]] * 1_000),
            width=400,
            height=200,
            market_posts=[{"location": [x, 150], "mechanism": "walrasian"} for x in range(30)]
            + [{"location": [9, 9], "mechanism": "posted_price"}],
        )
    )
    made = small(document)
    assert made.agent_count == AGENTS
    assert [each.name for each in made.populations] == ["rich", "poor"]
    assert [u.family for u in made.populations[0].utilities] == ["cobb_douglas", "linear"]
    density = AGENTS / (made.grid.width * made.grid.height)
    assert density == pytest.approx(4_000 / 80_000, rel=0.1)
    assert {post.mechanism for post in made.market_posts} == {
        "walrasian_auctioneer",
        "posted_price",
    }
    assert len({(post.x, post.y) for post in made.market_posts}) == len(made.market_posts) == 5
    assert small(made) is made
    with Simulation(made) as sim:
        sim.step()


def test_an_entry_that_is_damaged_is_not_held(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "cache_folder", lambda: tmp_path)

    @jit.kernel
    def double(x: float) -> float:
        return 2.0 * x

    need = Need(double, (double.typeof_pyval(1.0),))  # type: ignore[attr-defined]
    held = [need.cached]
    need.compile()
    held.append(need.cached)
    code = next(tmp_path.glob("*.nbc"))
    code.write_bytes(code.read_bytes()[:-1])
    held.append(need.cached)
    assert held == [False, True, False]


def test_nothing_to_compile_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_market.warmup._config.DISABLE_JIT", 1)
    with pytest.raises(InputError, match="NUMBA_DISABLE_JIT is set"):
        needed(load_scenario("edgeworth_box"))


@pytest.mark.slow
def test_command(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    place = tmp_path / "cache"
    before = command("warmup", "tiny.yaml", "--check", cache=place)
    assert before.returncode == 1
    names = re.findall(r"^not cached: (\S+)$", before.stdout, re.MULTILINE)
    assert before.stdout.splitlines()[-1].startswith(f"0 of {len(names)} kernels are cached in")
    assert "find_partners" in names

    done = command("warmup", "tiny.yaml", "--jobs", "1", cache=place)
    assert done.returncode == 0, done.stderr
    told = re.findall(r"^compiling (\d+)/(\d+) (\S+)$", done.stderr, re.MULTILINE)
    assert [(int(n), int(all_), name) for n, all_, name in told] == [
        (number, len(names), name) for number, name in enumerate(names, 1)
    ]
    assert f"{len(names)} kernels, {len(names)} compiled in" in done.stdout

    after = command("warmup", "tiny.yaml", "--check", cache=place)
    assert (after.returncode, after.stderr) == (0, "")
    assert after.stdout.startswith(f"{len(names)} of {len(names)} kernels are cached")
    run = command("run", "tiny.yaml", cache=place)
    assert run.returncode == 0
    assert "compiling" not in run.stderr + run.stdout


@pytest.mark.slow
def test_a_first_run_says_that_it_compiles(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    first = command("run", "tiny.yaml", cache=tmp_path / "cache")
    assert first.stderr.count("compiling kernels, once for this version") == 1
    assert "with compiling" in first.stdout
    assert command("run", "tiny.yaml", cache=tmp_path / "cache").stderr == ""


@pytest.mark.slow
def test_helpers_leave_nothing_to_compile_and_end(tmp_path: Path) -> None:
    (tmp_path / "tiny.yaml").write_text(TINY, encoding="utf-8")
    place = tmp_path / "cache"
    done = command("warmup", "tiny.yaml", "--jobs", "3", cache=place)
    assert done.returncode == 0, done.stderr
    assert re.search(r"^(\d+) kernels, \1 compiled in .* by 3 processes", done.stdout)
    said = re.findall(r"^compiling (\d+)/(\d+) ", done.stderr, re.MULTILINE)
    assert 0 < len(said) < int(said[0][1])
    assert command("run", "tiny.yaml", cache=place).stderr == ""


def test_a_helper_compiles_from_the_end_what_is_not_cached(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compiled = []

    class Known:
        def __init__(self, number: int, cached: bool) -> None:
            self.number, self.cached = number, cached

        def compile(self) -> None:
            compiled.append(self.number)

    needs = [Known(number, cached=number == 5) for number in range(8)]
    monkeypatch.setattr("ecs_market.warmup.needed", lambda *_, **__: needs)
    monkeypatch.setattr("ecs_market.warmup.together", lambda lists: lists[0])
    task = {"scenarios": ["edgeworth_box"], "overrides": [], "of": 2}
    for place in range(2):
        told = io.StringIO(json.dumps({**task, "place": place}) + "\n")
        monkeypatch.setattr(sys, "stdin", told)
        monkeypatch.setattr(compile_ahead, "_end_with_the_command", lambda: None)
        compile_ahead.main()
    assert compiled == [7, 3, 1, 6, 4, 2, 0]


def test_a_helper_ends_with_the_command(tmp_path: Path) -> None:
    task = {"scenarios": ["edgeworth_box"], "overrides": [], "of": 1, "place": 0}
    helper = subprocess.Popen(
        [sys.executable, "-m", "ecs_market.cli.compile_ahead"],
        env={**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        text=True,
    )
    helper.communicate(json.dumps(task) + "\n", timeout=60)
    assert helper.returncode == 0
    assert len(list(tmp_path.rglob("*.kernel"))) < len(needed(load_scenario("edgeworth_box")))


def test_no_helper_where_nothing_can_be_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jit, "cache_folder", lambda: None)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: pytest.fail("started"))
    with compile_ahead.Helpers(["edgeworth_box"], count=1) as helpers:
        helpers.start()


def test_as_many_helpers_as_spare_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for cores in (1, 2, 64):
        monkeypatch.setattr(
            os, "sched_getaffinity", lambda _, n=cores: set(range(n)), raising=False
        )
        found.append(compile_ahead.Helpers(["edgeworth_box"]).count)
    assert found == [0, 1, compile_ahead.MOST]


def test_bad_names_are_bad_input(tmp_path: Path) -> None:
    done = command("warmup", "nowhere", cache=tmp_path / "cache")
    assert done.returncode == 2
    assert done.stderr.startswith("nowhere: no such scenario file")
