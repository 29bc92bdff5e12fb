"""Profiling: figures that add up, a time line that others can read, and no trace in the results."""

from __future__ import annotations

import json
import sqlite3
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecs_market import InputError, Simulation, SimulationError, load_scenario
from ecs_market.cli import main
from ecs_market.kernels import jit
from ecs_market.profiling import profiler as profiler_module
from ecs_market.profiling.profile import RANGE, SECTION, Profile
from ecs_market.profiling.snapshot import Snapshot
from ecs_market.profiling.trace import trace_events, write_trace
from ecs_market.schedule import SCHEDULE, system_name
from ecs_market.world import World
from tests.oracles.worlds import COBB_DOUGLAS, group, scenario

SYSTEMS = [system_name(system) for _, system in SCHEDULE]
ECONOMY: dict[str, Any] = {
    "market_posts": [{"location": [4, 4], "mechanism": mechanism} for mechanism in ("walrasian",)],
    "resources": {"spawn_rate": 0.3, "types": [{"good": "A", "quantity": [1, 3]}]},
}


def economy(**keys: Any) -> Simulation:
    document = scenario(group("agents", 40, [COBB_DOUGLAS]), **{**ECONOMY, **keys})
    return Simulation(document, seed=3, threads=2)


def crowd(threads: int) -> Simulation:
    """Return an economy whose ranges are split among threads."""
    document = scenario(group("agents", 3_000, [COBB_DOUGLAS]), width=200, height=200, **ECONOMY)
    return Simulation(document, seed=3, threads=threads, telemetry_level="summary")


@pytest.fixture(scope="module")
def found() -> Profile:
    with crowd(2) as sim:
        sim.run(2)
        sim.run(3, profile=True)
        return sim.profile()


def test_results_are_the_same_and_run_returns_nothing() -> None:
    with economy() as plain, economy() as profiled:
        plain.run(8)
        outcome: object = profiled.run(4, profile=True)  # type: ignore[func-returns-value]
        assert outcome is None
        profiled.run(4, profile=True)
        assert plain.state_hash() == profiled.state_hash()
        assert profiled.profile().ticks == 4


def test_nothing_watches_before_and_after() -> None:
    from ecs_market.kernels.spatial import accumulate

    before = type(accumulate)
    with economy() as sim:
        sim.run(2, profile=True)
        assert sim.world.watch is None
    assert type(accumulate) is before


def test_a_failing_run_leaves_nobody_watching() -> None:
    from ecs_market.kernels.spatial import accumulate

    before = type(accumulate)

    def fail(_: Simulation) -> None:
        raise ZeroDivisionError

    with economy() as sim:
        with pytest.raises(ZeroDivisionError):
            sim.run(2, on_tick=fail, profile=True)
        assert sim.world.watch is None
    assert type(accumulate) is before


def test_without_a_profile_there_is_none() -> None:
    with economy() as sim, pytest.raises(SimulationError, match="profile=True"):
        sim.profile()


def test_figures_add_up(found: Profile) -> None:
    assert (found.ticks, found.threads, found.agents) == (3, 2, 3_000)
    assert [each.name for each in found.systems] == SYSTEMS
    assert all(each.calls == 3 and each.rows == 9_000 for each in found.systems)
    assert sum(each.share for each in found.systems) == pytest.approx(1.0)
    assert sum(s.ns + s.loading_ns for s in found.systems) <= found.elapsed_ns
    assert sum(each.loading_ns for each in found.systems) == found.loading_ns
    for system in found.systems:
        own = sum(each.ns for each in found.kernels if each.system == system.name)
        assert own + system.python_ns == system.ns
        assert system.python_ns >= 0
        assert system.ns_per_row == pytest.approx(system.ns / system.rows)
    busy = np.sum([each.busy_ns for each in found.kernels], axis=0)
    assert tuple(busy.tolist()) == found.busy_ns


def test_kernels_in_threads_are_seen(found: Profile) -> None:
    if not jit.compiled_kernels():
        pytest.skip("kernels are not compiled here")
    kernels = {each.name: each for each in found.kernels}
    search = kernels["find_partners"]
    assert search.rows == 9_000
    assert search.efficiency is not None
    assert 0.0 < search.efficiency <= 1.0
    assert len(search.busy_ns) == 2
    assert search.busy_ns[0] > 0
    assert sum(search.busy_ns) <= search.ns * 2
    serial = kernels["place_rows"]
    assert serial.efficiency is None
    assert serial.busy_ns[0] == serial.ns
    assert serial.rows == 9_000


def test_one_thread_has_one_track() -> None:
    with crowd(1) as sim:
        sim.run(1, profile=True)
        profile = sim.profile()
    assert len(profile.busy_ns) == 1
    assert all(each.efficiency is None for each in profile.kernels)


def test_overhead_is_told(found: Profile) -> None:
    assert found.overhead_ns > 0
    assert found.overhead == found.overhead_ns / (found.elapsed_ns - found.overhead_ns)
    assert 10 < profiler_module.cost_of_an_event() < 1e6


def test_the_time_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(profiler_module, "TIMELINE_EVENTS", 150)
    with economy() as sim:
        sim.run(20, profile=True)
        profile = sim.profile()
    assert len(profile.events) <= 150
    assert profile.events_left_out == profile.measured_events - len(profile.events) > 0
    assert profile.ticks == 20
    assert profile.systems[0].calls == 20


# --- the time line ----------------------------------------------------------------------------


def test_the_trace_follows_the_format(found: Profile, tmp_path: Path) -> None:
    write_trace(found, tmp_path / "trace.json", "an economy")
    document = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    events = document["traceEvents"]
    assert events == list(trace_events(found, "an economy"))
    names = [e["args"]["name"] for e in events if e["ph"] == "M" and e["name"] == "thread_name"]
    assert names[0] == "tick"
    assert set(names[1:]) == {f"worker {n}" for n in range(1, len(found.busy_ns))}
    assert any(e["name"] == "process_name" and e["args"]["name"] == "an economy" for e in events)
    complete = [e for e in events if e["ph"] == "X"]
    assert len(complete) == len(found.events)
    for event in complete:
        assert {"name", "cat", "ph", "pid", "tid", "ts", "dur", "args"} == event.keys()
        assert event["ts"] >= 0
        assert event["dur"] >= 0
    assert [e["name"] for e in complete if e["cat"] == "tick"] == ["tick 2", "tick 3", "tick 4"]
    counters = [e for e in events if e["ph"] == "C"]
    assert {e["name"] for e in counters} == {"trades", "agents"}
    assert {e["args"]["agents"] for e in counters if e["name"] == "agents"} == {3_000}


def test_a_viewer_can_import_the_trace(found: Profile, tmp_path: Path) -> None:
    """What Perfetto's importer of JSON asks for: it counts in whole nanoseconds, cut off."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    write_trace(found, tmp_path / "trace.json")
    text = (tmp_path / "trace.json").read_text(encoding="utf-8")
    events = json.loads(text, parse_constant=refuse)["traceEvents"]
    assert all(isinstance(e["name"], str) and e["name"] for e in events)
    assert all(type(e["pid"]) is int and type(e["tid"]) is int and e["tid"] > 0 for e in events)
    assert {e["ph"] for e in events} == {"M", "X", "C"}
    assert all(type(value) in (int, float) for e in events for value in (e.get("ts", 0),))
    assert all(type(n) is int for e in events if e["ph"] == "C" for n in e["args"].values())
    tracks: dict[int, list[tuple[int, int, str]]] = {}
    for each in (e for e in events if e["ph"] == "X"):
        start = int(each["ts"] * 1000)
        tracks.setdefault(each["tid"], []).append(
            (start, start + int(each["dur"] * 1000), each["cat"])
        )
    named = {e["tid"]: e["args"] for e in events if e["name"] == "thread_name"}
    assert named.keys() >= tracks.keys()
    assert len({args["name"] for args in named.values()}) == len(named)
    assert all("sort_index" in e["args"] for e in events if e["name"] == "thread_sort_index")
    inside = {"tick": "", "system": "tick", "kernel": "system", "loading": "system"}
    for track in tracks.values():
        assert [start for start, _, _ in track] == sorted(start for start, _, _ in track)
        stack: list[tuple[int, str]] = []
        for start, stop, category in track:
            while stack and stack[-1][0] <= start:
                stack.pop()
            assert not stack or stop <= stack[-1][0]
            if track is tracks[min(tracks)]:
                outer = [kind for _, kind in stack]
                assert inside[category] in ["", *outer], (category, outer)
            stack.append((stop, category))


def test_events_of_a_track_nest(found: Profile) -> None:
    """Viewers draw a track as a stack: two of its events may lie inside or apart, never across."""
    for thread in range(len(found.busy_ns)):
        mine = found.events[found.events[:, 1] == thread]
        order = np.lexsort((-mine[:, 3], mine[:, 2]))
        open_until: list[int] = []
        for _, _, start, stop, _ in mine[order].tolist():
            while open_until and open_until[-1] <= start:
                open_until.pop()
            assert not open_until or stop <= open_until[-1]
            open_until.append(stop)


def test_workers_work_within_a_section(found: Profile) -> None:
    kinds = np.array([each.kind for each in found.subjects])[found.events[:, 0]]
    sections, ranges = found.events[kinds == SECTION], found.events[kinds == RANGE]
    inside = (ranges[:, 2, None] >= sections[None, :, 2]) & (ranges[:, 3, None] <= sections[:, 3])
    assert inside.any(axis=1).all()


def test_an_unwritable_trace_is_bad_input(found: Profile, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="can't be written"):
        write_trace(found, tmp_path / "missing" / "trace.json")


# --- one system by itself ---------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name != "observe"])
def test_a_system_by_itself_leaves_the_run_as_it_was(name: str, tmp_path: Path) -> None:
    document = load_scenario("two_markets_regrowth")
    kept: list[list[Any]] = []
    for isolated in (False, True):
        file = tmp_path / f"{isolated}.db"
        with Simulation(document, seed=5, telemetry=file, telemetry_level="full") as sim:
            sim.run(6)
            if isolated:
                profile = sim.profile_system(name, ticks=4, repeats=3)
                assert len(profile.isolated_ns) == 12
                assert [each.name for each in profile.systems] == [name]
                assert profile.systems[0].calls == 12
            else:
                sim.run(4)
            sim.run(3)
            kept.append([sim.state_hash(), sim.ledger()])
            kept[-1].append({k: v for k, v in sim.summary().items() if "_s" not in k})
        with sqlite3.connect(file) as database:
            tables = ("trades", "market_orders", "market_clears", "market_prices", "agents")
            kept[-1].append([database.execute(f"SELECT * FROM {t}").fetchall() for t in tables])  # noqa: S608
        database.close()
    assert kept[0] == kept[1]


@pytest.mark.parametrize("name", ["zero_intelligence", "call_auction", "posted_prices_with_stock"])
def test_books_survive_repeats(name: str) -> None:
    system = {"zero_intelligence": "clear_double_auction", "call_auction": "clear_call_auction"}
    hashes = set()
    for isolated in (False, True):
        with Simulation(load_scenario(name), seed=5) as sim:
            sim.run(5)
            if isolated:
                sim.profile_system(system.get(name, "clear_posted_price"), ticks=5)
            else:
                sim.run(5)
            hashes.add(sim.state_hash())
    assert len(hashes) == 1


def test_a_snapshot_puts_everything_back() -> None:
    with economy() as sim:
        sim.run(5)
        world = sim.world
        taken, before = Snapshot.of(world), contents(world)
        digest = sim.state_hash()
        for component, columns in world.agents.specs.items():
            whole: Any = world.agents.whole(component)
            for name in columns:
                getattr(whole, name)[...] = 1
        world.scratch.index = None
        world.ledger.harvest[:] += 1
        world.totals.pairs.trades += 7
        assert sim.state_hash() != digest
        taken.restore()
        assert sim.state_hash() == digest
        after = contents(world)
        assert before.keys() == after.keys()
        assert all(np.array_equal(before[key], after[key]) for key in before)
        assert taken.nbytes > 0


def contents(world: World) -> dict[int, Any]:
    return {key: array.copy() for key, (array, _) in Snapshot.of(world)._arrays.items()}


@pytest.mark.parametrize("name", ["observe", "nothing", ""])
def test_an_unknown_system_is_bad_input(name: str) -> None:
    with economy() as sim, pytest.raises(InputError, match="there is no system"):
        sim.profile_system(name)


# --- the command --------------------------------------------------------------------------------


def test_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    trace = tmp_path / "trace.json"
    arguments = ["profile", "walrasian_two_markets", "--ticks", "5", "--trace", str(trace)]
    assert main([*arguments, "--threads", "1", "--seed", "4"]) == 0
    printed = capsys.readouterr().out
    assert printed.startswith("walrasian_two_markets: 5 ticks, 40 agents, 1 thread\n")
    for word in (*SYSTEMS, "find_partners", "profiling itself: about", "ui.perfetto.dev"):
        assert word in printed
    assert json.loads(trace.read_text(encoding="utf-8"))["traceEvents"]
    assert sorted(tmp_path.iterdir()) == [trace]


def test_command_prints_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "edgeworth_box", "--json", "--ticks", "2"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["ticks"] == 2
    assert [each["name"] for each in document["systems"]] == SYSTEMS


def test_command_profiles_one_system(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["profile", "walrasian_two_markets", "--ticks", "2", "--system", "search_markets"]
    assert main([*arguments, "--repeats", "3"]) == 0
    assert "search_markets by itself, 6 times" in capsys.readouterr().out
    assert main([*arguments[:-1], "nothing"]) == 2
    assert "there is no system 'nothing'" in capsys.readouterr().err
    assert main(["profile", "edgeworth_box", "--repeats", "3"]) == 2
    assert "only together with --system" in capsys.readouterr().err


def test_isolated_times_do_not_overlap() -> None:
    with economy() as sim:
        profile = sim.profile_system("bargain", ticks=2, repeats=4)
    mine = sorted(tuple(row[2:4]) for row in profile.events.tolist() if row[1] == 0)
    systems = [each for each in profile.subjects if each.system == "bargain"]
    assert systems
    assert all(later[0] >= earlier[0] for earlier, later in pairwise(mine))
