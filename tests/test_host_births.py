"""Agents are born and die between ticks."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import Simulation
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.pairing import Pairing
from ecs_market.errors import InputError

GROUP: dict[str, Any] = {
    "inventories": {"A": [5, 20], "B": [5, 20], "M": [50, 100]},
    "utilities": [{"type": "cobb_douglas", "exponents": [0.5, 0.5]}],
}
SCENARIO: dict[str, Any] = {
    "grid": {"width": 12, "height": 10},
    "goods": ["A", "B"],
    "market_posts": [{"location": [5, 5], "mechanism": "walrasian"}],
    "populations": [
        {"name": "traders", "count": 10, **GROUP},
        {"name": "sitters", "count": 6, "components": ["BilateralTrader"], **GROUP},
    ],
    "resources": {"spawn_rate": 0.1, "types": [{"good": "A", "quantity": [1, 3]}]},
}


@pytest.fixture
def sim() -> Iterator[Simulation]:
    with Simulation(SCENARIO, seed=3, threads=1, telemetry_level="off") as made:
        yield made


def assert_booked(sim: Simulation) -> None:
    """Everything there is came from the start, a harvest or the host."""
    for entry in sim.ledger().values():
        came = entry["initial"] + entry["harvest"] + entry["host"]
        assert came == entry["current"]


def test_newborns_have_what_was_given_and_copies_of_the_rest(sim: Simulation) -> None:
    traders = sim.population("traders")
    cells = np.array([[1, 2], [3, 4], [5, 6]])
    new = sim.spawn(
        "traders",
        3,
        position=cells,
        inventory={"goods": [[1, 2], [3, 4], [5, 6]], "money": [7, 8, 9]},
        host_key=["a", ("b", 1), 3],
        visibility={"vision_radius": 2},
    )
    assert new.tolist() == [16, 17, 18]
    assert traders.ids().tolist() == [*range(10), 16, 17, 18]
    assert traders.ids_for([3, "a"]).tolist() == [18, 16]
    assert traders.get("inventory.goods", new).tolist() == [[1, 2], [3, 4], [5, 6]]
    assert traders.get("inventory.money", new).tolist() == [7, 8, 9]
    assert traders.get("visibility.vision_radius", new).tolist() == [2, 2, 2]
    assert traders.get("mobility.home_y", new).tolist() == [2, 4, 6]
    assert traders.get("mobility.budget", new).tolist() == [1, 1, 1]
    expected = np.repeat(traders.get("utility.parameters", [0]), 3, axis=0)
    assert (traders.get("utility.parameters", new) == expected).all()
    assert traders.get("intent.since", new).tolist() == [-1, -1, -1]
    assert sim.ledger()["A"]["host"] == 9
    assert sim.ledger()["M"]["host"] == 24
    sim.run(3)
    assert_booked(sim)
    assert len(sim.spawn("sitters", 0)) == 0


def test_what_is_not_given_is_copied_from_the_lowest_id(sim: Simulation) -> None:
    sim.run(2)
    new = sim.spawn("sitters", 2)
    sitters = sim.population("sitters")
    for path in ("position.x", "inventory.goods", "inventory.money", "utility.family"):
        old = sitters.get(path, [10])
        assert (sitters.get(path, new) == old).all()
    assert_booked(sim)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"count": -1}, "whole number from 0"),
        ({"count": 1.5}, "whole number from 0"),
        ({"count": 2**40}, "agents"),
        ({"count": 2, "position": [[1, 1]]}, r"shape \(2, 2\), not \(1, 2\)"),
        ({"count": 1, "position": [[1, 99]]}, "position.y must be from 0 to 9"),
        ({"count": 1, "inventory": {"gold": 1}}, "there is no field 'inventory.gold'"),
        ({"count": 1, "inventory": {"money": -1}}, "from 0"),
        ({"count": 1, "inventory": 3}, "must be a mapping"),
        ({"count": 1, "inventory": {"money": 2**61}}, "minor units, above"),
        ({"count": 3, "inventory": {"goods": 2**52}}, "lots of A, above"),
        ({"count": 1, "mood": {"level": 1}}, "has no component 'mood'"),
        ({"count": 1, "intent": {"kind": 1}}, "managed by the engine"),
        ({"count": 2, "host_key": ["a"]}, "1 host keys for 2 agents"),
        ({"count": 2, "host_key": ["a", "a"]}, "'a' is taken"),
        ({"count": 1, "host_key": [[]]}, "not hashable"),
        ({"count": 1, "host_key": 5}, "must be a list"),
    ],
)
def test_wrong_births_change_nothing(sim: Simulation, arguments: dict[str, Any], says: str) -> None:
    before = sim.state_hash()
    with pytest.raises(InputError, match=says):
        sim.spawn("traders", **arguments)
    assert sim.state_hash() == before
    assert not sim.host_keys.get("traders")


def test_the_dead_take_their_belongings_and_keys(sim: Simulation) -> None:
    traders = sim.population("traders")
    new = sim.spawn("traders", 2, host_key=["a", "b"])
    gone = int(traders.get("inventory.money", [3, 16]).sum())
    before = sim.ledger()["M"]
    sim.despawn([16, 3])
    assert sim.ledger()["M"]["host"] == before["host"] - gone
    assert sim.ledger()["M"]["current"] == before["current"] - gone
    assert traders.ids().tolist() == [0, 1, 2, 4, 5, 6, 7, 8, 9, 17]
    with pytest.raises(InputError, match="no agent with the host key 'a'"):
        traders.ids_for(["b", "a"])
    assert sim.spawn("traders", 1, host_key=["a"]).tolist() == [18]
    for wrong in ([3], [4, 4], [-1], [new[1], 16]):
        with pytest.raises(InputError):
            sim.despawn(wrong)
    sim.run(3)
    assert_booked(sim)


def test_everybody_may_go_and_others_come(sim: Simulation) -> None:
    sim.run(2)
    sim.despawn(range(16))
    assert len(sim.population("traders")) == 0
    sim.run(2)
    with pytest.raises(InputError, match="is empty, so there is nobody to copy"):
        sim.spawn("sitters", 1, position=[[1, 1]])
    sim.spawn(
        "sitters",
        60,
        position=np.full((60, 2), 4),
        inventory={"goods": 5000, "money": 10**8},
        utility={
            "family": 1,
            "parameters": np.tile([0.5, 0.5, 100.0, 0.0], (60, 1)),
            "money_weight": 1.0,
        },
        visibility={"vision_radius": 3, "interaction_radius": 1},
    )
    sim.run(3)
    assert_booked(sim)


def test_who_pursued_the_dead_goes_on(sim: Simulation) -> None:
    for _ in range(8):
        intent, pairing = sim.world.agents.whole(Intent), sim.world.agents.whole(Pairing)
        ids = sim.world.agents.whole(Identity).id
        after = (intent.kind == PARTNER) & (ids >= 0)
        targets = np.unique(intent.target[after])
        if len(targets):
            sim.despawn(targets[:1])
            dead = int(targets[0])
            intent, pairing = sim.world.agents.whole(Intent), sim.world.agents.whole(Pairing)
            assert not ((intent.kind == PARTNER) & (intent.target == dead)).any()
            assert not (pairing.partner == dead).any()
        sim.step()
        assert_booked(sim)
    assert sim.world.agents.size < 16


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["edit", "spawn", "despawn", "step", "columns"]), st.integers(0, 99)),
    min_size=1,
    max_size=12,
)


@settings(max_examples=25, deadline=None)
@given(ACTIONS)
def test_nothing_is_lost_whatever_the_host_does(actions: list[tuple[str, int]]) -> None:
    with Simulation(SCENARIO, seed=5, threads=1, telemetry_level="off") as sim:
        for action, number in actions:
            name = ("traders", "sitters")[number % 2]
            ids = sim.population(name).ids()
            if action == "step":
                sim.run(1 + number % 3)
            elif action == "spawn" and len(ids):
                sim.spawn(name, number % 20)
            elif action == "despawn":
                sim.despawn(ids[:: 1 + number % 5])
            elif action == "edit":
                with sim.edit() as edit:
                    edit.set("inventory.goods.B", ids, 100 * number)
                    edit.set("inventory.money", ids[:1], number)
            elif action == "columns":
                with sim.columns(name) as c:
                    c.inventory.goods[:, 0] += number
            assert_booked(sim)


def test_the_order_of_rows_never_matters(sim: Simulation) -> None:
    rng = np.random.default_rng(1)
    with Simulation(SCENARIO, seed=3, threads=1, telemetry_level="off") as other:
        for tick in range(8):
            if tick == 3:
                for each in (sim, other):
                    each.despawn([2, 11])
                    each.spawn("traders", 7)
            shuffled = {
                name: rng.permutation(table.size)
                for name, table in other.world.agents.tables.items()
            }
            other.world.restructure(reorder=shuffled)
            assert other.state_hash() == sim.state_hash()
            sim.step()
            other.step()
            assert other.state_hash() == sim.state_hash()


def test_threads_and_telemetry_change_nothing() -> None:
    def last(threads: int, level: str) -> str:
        with Simulation(SCENARIO, seed=2, threads=threads, telemetry_level=level) as sim:
            sim.step()
            rng = np.random.default_rng(0)
            new = sim.spawn("traders", 9000, position=rng.integers(0, 10, (9000, 2)))
            sim.step()
            sim.despawn(new[::2])
            sim.add_market_post((3, 3), mechanism="walrasian")
            sim.step()
            assert_booked(sim)
            return sim.state_hash()

    assert last(1, "full") == last(2, "off")
