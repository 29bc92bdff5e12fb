"""The same state after every tick, whatever threads, rows, levels, processes and hosts do."""

from __future__ import annotations

import dataclasses
import os
import random
import subprocess
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import esper
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ecs_market.world
from ecs_market import Scenario, Simulation, load_scenario
from ecs_market.components.identity import Identity
from ecs_market.errors import SimulationError
from ecs_market.kernels import spatial
from ecs_market.world import World
from tests.strategies import LIVELY, random_scenario, scenarios

ROOT = Path(__file__).resolve().parent.parent
CANONICAL = load_scenario("walrasian_two_markets")
TICKS = 25
LEVELS = ("off", "summary", "trades", "orders", "full")
QUICK = settings(
    max_examples=10, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LONG = settings(QUICK, max_examples=400, derandomize=False)

Scene = Scenario | dict[str, Any]


def trace(
    scenario: Scene,
    seed: int = 7,
    ticks: int = TICKS,
    between: Callable[[Simulation], object] | None = None,
    **keys: Any,
) -> list[str]:
    """Return the state's hash before the first tick and after each."""
    with Simulation(scenario, seed, **{"threads": 1, "telemetry_level": "off", **keys}) as sim:
        found = [sim.state_hash()]
        for _ in range(ticks):
            sim.step()
            if between is not None:
                between(sim)
            found.append(sim.state_hash())
        return found


def shuffler(seed: int) -> Callable[[Simulation], None]:
    """Return what puts all rows of all populations in another order."""
    generator = np.random.default_rng(seed)

    def shuffle(sim: Simulation) -> None:
        tables = sim.world.agents.tables
        order = {name: generator.permutation(table.size) for name, table in tables.items()}
        sim.world.restructure(reorder=order)

    return shuffle


@pytest.fixture(scope="module")
def canonical() -> list[str]:
    return trace(CANONICAL)


def test_states_differ_and_so_do_seeds(canonical: list[str]) -> None:
    assert len(set(canonical)) == TICKS + 1
    assert all(len(each) == 64 and set(each) <= set("0123456789abcdef") for each in canonical)
    assert not set(canonical) & set(trace(CANONICAL, seed=8, ticks=3))
    assert trace(CANONICAL) == canonical


def test_threads(canonical: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs_market.world, "SERIAL_ROWS", 1)
    for threads in (1, 2, 3):
        assert trace(CANONICAL, threads=threads) == canonical


def test_memory_given_back_within_ticks(
    canonical: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ecs_market.world, "LARGE", 1)
    given_back: list[bool] = []

    def look(sim: Simulation) -> None:
        given_back.append(sim.world.large and not len(sim.world.scratch.search.candidate_row))

    assert trace(CANONICAL, between=look) == canonical
    assert given_back == [True] * TICKS


def test_work_really_goes_to_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ecs_market.world, "SERIAL_ROWS", 1)
    with Simulation(CANONICAL, threads=2, telemetry_level="off") as sim:
        names: list[set[str]] = []

        def kernel(start: int, stop: int) -> int:
            names.append({threading.current_thread().name})
            return stop - start

        parts = sim.world.over(3, 40, kernel)
        assert sum(parts) == 37
        assert len(parts) > 2
        assert threading.current_thread().name not in set().union(*names)


@pytest.mark.parametrize("level", LEVELS)
def test_telemetry(level: str, canonical: list[str], tmp_path: Path) -> None:
    assert trace(CANONICAL, telemetry_level=level) == canonical
    path = tmp_path / "run.db"
    assert trace(CANONICAL, telemetry_level=level, telemetry=path) == canonical


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("options", [(0, None), (3, 7), (1, 0), (None, 40)])
def test_snapshots(
    level: str, options: tuple[int | None, int | None], canonical: list[str]
) -> None:
    every, agents = options
    keys: dict[str, Any] = {"snapshot_every": every, "snapshot_agents": agents}
    assert trace(CANONICAL, telemetry_level=level, **keys) == canonical


def test_row_order(canonical: list[str]) -> None:
    for seed in range(3):
        assert trace(CANONICAL, between=shuffler(seed)) == canonical


@pytest.mark.parametrize("every", [1, 3])
def test_sorting_rows_by_place_again(every: int, canonical: list[str]) -> None:
    moved = 0

    def look(sim: Simulation) -> None:
        nonlocal moved
        ids = sim.world.agents.whole(Identity).id[: sim.world.agents.end].tolist()
        moved += ids != before
        before[:] = ids

    before: list[int] = []
    params = dataclasses.replace(CANONICAL.params, reorder_every=every)
    assert trace(dataclasses.replace(CANONICAL, params=params), between=look) == canonical
    assert moved > TICKS // every // 2


def test_reading_between_ticks(canonical: list[str]) -> None:
    def look(sim: Simulation) -> None:
        sim.summary()
        sim.ledger()
        sim.timings()
        for market in sim.markets:
            assert market.current_prices["M"] == 1

    assert trace(CANONICAL, between=look) == canonical


def everything_at_once(scenario: Scene, seed: int, ticks: int) -> None:
    """Compare a plain run with one that differs in all that must not matter."""
    plain = trace(scenario, seed, ticks)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ecs_market.world, "SERIAL_ROWS", 1)
        patch.setattr(ecs_market.world, "LARGE", 1)
        patch.setattr(spatial, "FEW_TILES", 1 + seed % 5)
        patch.setattr(spatial, "TILES_AN_ENTRY", 0)
        other = trace(
            scenario, seed, ticks, shuffler(seed % 1000), threads=2, telemetry_level="full"
        )
    assert other == plain


@QUICK
@given(scenarios(), st.integers(0, 2**63 - 1))
def test_random_scenarios(scenario: dict[str, Any], seed: int) -> None:
    everything_at_once(scenario, seed, 10)


@pytest.mark.parametrize("number", LIVELY)
def test_lively_scenarios(number: int) -> None:
    everything_at_once(random_scenario(number), number, 15)


@pytest.mark.slow
@LONG
@given(scenarios(), st.integers(0, 2**63 - 1))
def test_many_random_scenarios(scenario: dict[str, Any], seed: int) -> None:
    everything_at_once(scenario, seed, 15)


@pytest.mark.slow
def test_a_large_scenario_on_threads_as_they_come() -> None:
    scenario = load_scenario(
        "walrasian_two_markets",
        ["agents.count=20000", "agents.utilities.0.count=10000", "agents.utilities.1.count=10000"],
    )
    assert trace(scenario, ticks=5, threads=2) == trace(scenario, ticks=5, threads=1)


def test_processes_and_python_hash_seeds(canonical: list[str]) -> None:
    code = "from tests.test_reproducible import *; print(*trace(CANONICAL))"
    for seed in ("0", "1", "random"):
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.split() == canonical


def test_simulations_in_parallel_threads(canonical: list[str]) -> None:
    scenes: list[Scene] = [CANONICAL, *map(random_scenario, LIVELY)]
    alone = [canonical, *(trace(scene) for scene in scenes[1:])]
    start = threading.Barrier(4)

    def together(scene: Scene) -> list[str]:
        start.wait()
        return trace(scene)

    with ThreadPoolExecutor(4) as pool:
        chosen = [0, 0, 1, 2, 3, 4, 1, 0]
        assert list(pool.map(together, (scenes[each] for each in chosen))) == [
            alone[each] for each in chosen
        ]


def test_simulations_in_turn_in_one_thread(canonical: list[str]) -> None:
    keys: dict[str, Any] = {"threads": 1, "telemetry_level": "off"}
    with Simulation(CANONICAL, 7, **keys) as one, Simulation(CANONICAL, 8, **keys) as two:
        for expected in canonical[1:]:
            two.step()
            one.step()
            assert one.state_hash() == expected


class Mark:
    """A host's component."""


class Count(esper.Processor):
    """A host's system."""

    def __init__(self) -> None:
        self.calls = 0

    def process(self) -> None:
        """Count entities."""
        self.calls += len(esper.get_component(Mark))


def test_a_host_that_uses_esper_itself(canonical: list[str]) -> None:
    before = (esper.current_world, esper.list_worlds())
    count = Count()
    try:
        esper.add_processor(count)
        mine = [esper.create_entity(Mark()) for _ in range(3)]

        def host(sim: Simulation) -> None:
            assert sim.esper is not esper
            assert sys.modules["esper"] is esper
            esper.process()
            esper.create_entity(Mark())

        assert trace(CANONICAL, between=host) == canonical
        assert count.calls == sum(range(3, 3 + TICKS))
        assert len(esper.get_component(Mark)) == 3 + TICKS
        assert all(esper.entity_exists(entity) for entity in mine)
        assert esper.get_processor(Count) is count
        assert (esper.current_world, esper.list_worlds()) == before
    finally:
        esper.clear_database()
        esper.remove_processor(Count)


def test_global_random_state_is_neither_read_nor_moved(canonical: list[str]) -> None:
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002 - the global state is what is asked about
    states = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002 - the global state is what is asked about
    assert trace(CANONICAL) == canonical
    after = random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]  # noqa: NPY002 - the global state is what is asked about
    assert after == states


# --- ending, failing, being busy --------------------------------------------------------------


class Fail(esper.Processor):
    """A system that raises in tick 2."""

    def process(self, world: World) -> None:
        """Raise."""
        if world.tick == 2:
            raise ArithmeticError("no such luck")


def uses(sim: Simulation) -> list[Callable[[], object]]:
    """Everything that only an open, sound and free simulation does."""

    def edit() -> NoReturn:
        with sim.edit():
            raise AssertionError

    def columns() -> NoReturn:
        with sim.columns("agents"):
            raise AssertionError

    return [
        sim.step,
        lambda: sim.run(1),
        sim.state_hash,
        sim.ledger,
        sim.summary,
        edit,
        columns,
        lambda: sim.view(0),
        lambda: sim.spawn("agents", 1),
        lambda: sim.despawn(np.array([0])),
        lambda: sim.add_system(Fail(), after="clearing"),
    ]


def test_after_a_system_raised_only_close_works() -> None:
    sim = Simulation(CANONICAL, telemetry_level="off", threads=1)
    sim.add_system(Fail(), after="movement")
    sim.run(2)
    with pytest.raises(ArithmeticError, match="no such luck"):
        sim.step()
    assert sim.tick == 2
    for use in uses(sim):
        with pytest.raises(SimulationError, match=r"failed in tick 2 .*no such luck.*only close"):
            use()
    sim.close()
    sim.close()
    for use in uses(sim):
        with pytest.raises(SimulationError, match="is closed"):
            use()


def test_a_failure_inside_a_with_block_is_what_the_caller_sees() -> None:
    with (  # noqa: PT012
        pytest.raises(ArithmeticError),
        Simulation(CANONICAL, telemetry_level="off", threads=1) as sim,
    ):
        sim.add_system(Fail(), after="movement")
        sim.run(9)
    with pytest.raises(SimulationError, match="is closed"):
        sim.step()


class Hold(esper.Processor):
    """A system that waits until it is let go."""

    def __init__(self) -> None:
        self.reached, self.go = threading.Event(), threading.Event()

    def process(self, world: World) -> None:
        """Wait."""
        self.reached.set()
        assert self.go.wait(30), f"held in tick {world.tick}"


def test_a_second_thread_is_refused_and_harms_nothing() -> None:
    expected = trace(CANONICAL, ticks=2)
    with Simulation(CANONICAL, 7, telemetry_level="off", threads=1) as sim:
        hold = Hold()
        sim.add_system(hold, after="movement")
        with ThreadPoolExecutor(1) as pool:
            stepping = pool.submit(sim.step)
            assert hold.reached.wait(30)
            for use in uses(sim):
                with pytest.raises(SimulationError, match="another thread"):
                    use()
            hold.go.set()
            stepping.result()
        assert sim.state_hash() == expected[1]
        sim.step()
        assert sim.state_hash() == expected[2]


class Interrupt(esper.Processor):
    """A system that interrupts the waiting caller, as Ctrl-C does."""

    def process(self, world: World) -> None:
        """Interrupt twice: an impatient user."""
        import _thread

        if world.tick == 1:
            for _ in range(2):
                _thread.interrupt_main()
                threading.Event().wait(0.05)


@pytest.mark.skipif(sys.platform == "win32", reason="a wait can't be interrupted there")
def test_an_interrupt_is_raised_after_the_whole_tick() -> None:
    expected = trace(CANONICAL, ticks=3)
    with Simulation(CANONICAL, 7, telemetry_level="off", threads=1) as sim:
        sim.add_system(Interrupt(), after="movement")
        sim.step()
        with pytest.raises(KeyboardInterrupt):
            sim.run(5)
        assert sim.tick == 2
        assert sim.state_hash() == expected[2]
        sim.step()
        assert sim.state_hash() == expected[3]
