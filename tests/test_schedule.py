"""The order of the tick, systems of a host, and whole economies from search to telemetry."""

from __future__ import annotations

import esper
import pytest

from ecs_market import InputError, Simulation, load_scenario
from ecs_market.schedule import SCHEDULE, Schedule, system_name
from ecs_market.systems.clear_posted_price import ClearPostedPrice
from ecs_market.systems.observe import Observe
from ecs_market.world import World
from tests.oracles.worlds import group, scenario, world_of

PHASES = [
    "broadcast",
    "search",
    "matching",
    "movement",
    "order collection",
    "clearing",
    "bargaining",
    "foraging",
    "pursuits",
    "telemetry",
]


class Note(esper.Processor):
    """Writes down when it ran and what has run before it in the tick."""

    def __init__(self) -> None:
        self.seen: list[tuple[int, list[str]]] = []

    def process(self, world: World) -> None:
        self.seen.append((world.tick, list(world.timings)))


class Idle:
    """Has no process."""


def test_phases_come_in_order() -> None:
    assert list(dict.fromkeys(phase for phase, _ in SCHEDULE)) == PHASES
    names = [system_name(system) for _, system in SCHEDULE]
    assert len(set(names)) == len(names)
    assert system_name(ClearPostedPrice) == "clear_posted_price"
    assert SCHEDULE[-1] == ("telemetry", Observe)


def test_every_system_runs_once_a_tick_and_is_timed() -> None:
    with Simulation(scenario(group("one", 6)), telemetry_level="off") as simulation:
        simulation.run(3)
        timings = simulation.timings()
        assert list(timings) == [system_name(system) for _, system in SCHEDULE]
        assert all(nanoseconds > 0 for nanoseconds in timings.values())
        assert simulation.tick == 3
        assert simulation.world.tick == 2


@pytest.mark.parametrize(
    ("after", "last"),
    [
        ("clearing", "clear_plugins"),
        ("clear_walrasian", "clear_walrasian"),
        ("search", "choose"),
    ],
)
def test_a_hosts_system_runs_where_it_was_put(after: str, last: str) -> None:
    note = Note()
    with Simulation(scenario(group("one", 4)), telemetry_level="off") as simulation:
        simulation.add_system(note, after=after)
        simulation.run(2)
    assert [tick for tick, _ in note.seen] == [0, 1]
    assert all(before[-1] == last for _, before in note.seen)


def test_systems_that_cannot_be_put_are_refused() -> None:
    world = world_of(group("one", 2))
    schedule = Schedule(world)
    with pytest.raises(InputError, match="is not one of: broadcast, search"):
        schedule.add(Note(), "lunch", world)
    for after in ("telemetry", "observe"):
        with pytest.raises(InputError, match="is not one of"):
            schedule.add(Note(), after, world)
    with pytest.raises(InputError, match="no process"):
        schedule.add(Idle(), "search", world)  # type: ignore[arg-type]  # what is tested
    assert schedule.add(Note(), "search", world) == "note"
    with pytest.raises(InputError, match="a system named 'note' already"):
        schedule.add(Note(), "clearing", world)
    assert [entry.name for entry in schedule.entries].count("note") == 1


def test_the_single_market_is_found_and_cleared() -> None:
    with Simulation(load_scenario("single_walrasian"), seed=42) as simulation:
        simulation.run(20)
        (market,) = simulation.markets
        assert market.last_clear_tick is not None
        assert market.current_prices["A"] > 0
        assert market.current_prices["B"] > 0
        query = "SELECT count(*) FROM trades WHERE market_id = 0"
        assert simulation.telemetry.query(query)[0][0] > 0


def test_both_kinds_of_trade_in_the_mixed_regime() -> None:
    with Simulation(load_scenario("walrasian_two_markets"), seed=42) as simulation:
        simulation.run(30)
        for where in ("IS NOT NULL", "IS NULL"):
            query = f"SELECT count(*) FROM trades WHERE market_id {where}"  # noqa: S608  # ours
            assert simulation.telemetry.query(query)[0][0] > 0
        # Nobody is at a post and bargains in the same tick.
        twice = """
            SELECT count(*) FROM trades AS a JOIN trades AS b ON a.tick = b.tick
            WHERE a.market_id IS NULL AND b.market_id IS NOT NULL AND
              (a.buyer_id IN (b.buyer_id, b.seller_id) OR a.seller_id IN (b.buyer_id, b.seller_id))
        """
        assert simulation.telemetry.query(twice)[0][0] == 0
