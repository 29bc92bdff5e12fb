"""Reading, editing and zero-copy columns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.inventory import Inventory
from ecs_market.errors import InputError, SimulationError
from ecs_market.host import Edit

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


def refused(sim: Simulation, rest: Callable[[Edit], object]) -> None:
    """Edit, then do the rest in the same block."""
    with sim.edit() as edit:
        edit.set("inventory.money", [0, 1], 0)
        edit.set("inventory.money", [0], 2**60)
        rest(edit)


def test_population_reads_copies_in_the_order_of_ids(sim: Simulation) -> None:
    traders = sim.population("traders")
    ids = traders.ids()
    assert len(traders) == 10
    assert ids.dtype == np.int64
    assert ids.tolist() == list(range(10))
    money = traders.get("inventory.money")
    assert traders.get("inventory.money", [2, 2]).tolist() == [money[2], money[2]]
    assert traders.get("inventory.money", ids[::-1]).tolist() == money[::-1].tolist()
    goods = traders.get("inventory.goods")
    assert goods.shape == (10, 2)
    assert traders.get("inventory.goods.B").tolist() == goods[:, 1].tolist()
    goods[:] = -1
    assert (traders.get("inventory.goods") >= 0).all()
    assert traders.get("utility.parameters", []).shape[0] == 0


@pytest.mark.parametrize(
    ("path", "ids", "says"),
    [
        ("inventory.mony", None, r"did you mean inventory.money"),
        ("inventory.goods.C", None, "inventory.goods.A"),
        ("mobility.budget", None, "has no field"),
        ("inventory.money", [3], "agent 3 is not in population 'sitters'"),
        ("inventory.money", [99], "no agent has id 99"),
        ("inventory.money", [10.5], "whole numbers"),
        ("inventory.money", "ten", "whole numbers"),
        ("inventory.money", np.array([2**63], np.uint64), "no agent has id 9223372036854775808"),
    ],
)
def test_wrong_reads_are_explained(sim: Simulation, path: str, ids: Any, says: str) -> None:
    with pytest.raises(InputError, match=says):
        sim.population("sitters").get(path, ids)


def test_an_unknown_population_names_near_ones(sim: Simulation) -> None:
    with pytest.raises(InputError, match=r"did you mean traders\?"):
        sim.population("trader")
    wrong: Any = []
    with pytest.raises(InputError, match="there is no population"):
        sim.population(wrong)
    unknown: list[Any] = [5, [[]]]
    for keys in unknown:
        with pytest.raises(InputError, match="host key"):
            sim.population("traders").ids_for(keys)


def test_an_edit_is_applied_at_the_end_and_booked(sim: Simulation) -> None:
    traders = sim.population("traders")
    ids = traders.ids()[[4, 1]]
    with sim.edit() as edit:
        edit.set("inventory.money", ids, traders.get("inventory.money", ids) + 5)
        edit.set("inventory.goods.A", ids, [7, 8])
        edit.set("inventory.goods", [0, 10], np.zeros((2, 2), np.int32))
        edit.set("position.x", ids, 3.0)
        edit.set("visibility.vision_radius", [0], 100)
        assert traders.get("inventory.goods.A", ids).tolist() != [7, 8]
    assert traders.get("inventory.goods.A", ids).tolist() == [7, 8]
    assert traders.get("position.x", ids).tolist() == [3, 3]
    assert sim.ledger()["M"]["host"] == 10
    assert_booked(sim)
    sim.run(3)
    assert_booked(sim)


def test_a_block_that_raises_changes_nothing(sim: Simulation) -> None:
    before = sim.state_hash()
    with pytest.raises(InputError, match="from 0"):
        refused(sim, lambda edit: edit.set("inventory.money", [2], -1))
    with pytest.raises(ZeroDivisionError):
        refused(sim, lambda _: 1 // 0)
    assert sim.state_hash() == before
    with sim.edit() as edit:
        edit.set("inventory.money", [0], 1)
    with pytest.raises(SimulationError, match="has ended"):
        edit.set("inventory.money", [0], 1)


@pytest.mark.parametrize(
    ("path", "ids", "values", "says"),
    [
        ("inventory.money", [0, 0], 1, "id 0 is given twice"),
        ("inventory.money", [0, 77], 1, "no agent has id 77"),
        ("inventory.money", [0, 1], [1, 2, 3], r"must have shape \(2,\), not \(3,\)"),
        ("inventory.goods", [0], [1], r"must have shape \(1, 2\)"),
        ("inventory.money", [0, 1], [[1], [1, 2]], "must be an array"),
        ("inventory.money", [0], 0.5, "can't hold 0.5 exactly"),
        ("inventory.money", [0], np.nan, "must be finite"),
        ("inventory.money", [0], True, "takes whole numbers, not bool"),
        ("inventory.money", [0], "5", "takes whole numbers"),
        ("inventory.money", [0], 2**70, "takes whole numbers|can't hold"),
        ("inventory.money", [0], np.uint64(2**63), "can't hold"),
        ("inventory.money", [0], 2.0**63, "can't hold"),
        ("inventory.money", [0], 2**61 + 1, "from 0 to"),
        ("inventory.money", [0, 1], 2**61, "minor units, above"),
        ("inventory.goods.A", [0, 1], 2**53, "lots of A, above"),
        ("inventory.goods.A", [0], -1, "from 0 to"),
        ("position.x", [0], 12, "from 0 to 11, not 12"),
        ("position.y", [0], 10, "from 0 to 9, not 10"),
        ("position.x", [0], 2**40, "can't hold"),
        ("mobility.home_y", [0], -1, "from 0 to 9"),
        ("mobility.budget", [0, 10], 1, "population 'sitters' has no field"),
        ("utility.parameters", [0], -1.0, "at least 0"),
        ("utility.parameters", [0], np.inf, "finite"),
        ("utility.money_weight", [0], 0.0, "above 0"),
        ("utility.family", [0], 9, "must be a family of this run"),
        ("visibility.vision_radius", [0], -1, "from 0 to"),
        ("intent.kind", [0], 0, "managed by the engine"),
        ("pairing.partner", [0], 1, "managed by the engine"),
        ("identity.id", [0], 1, "managed by the engine"),
        ("barred.until", [0], 1, "managed by the engine"),
        ("mood.level", [], 1, "has no field"),
    ],
)
def test_wrong_edits_are_explained(
    sim: Simulation, path: str, ids: Any, values: Any, says: str
) -> None:
    before = sim.state_hash()
    with pytest.raises(InputError, match=says), sim.edit() as edit:
        edit.set(path, ids, values)
    assert sim.state_hash() == before


def test_ticks_and_births_keep_out_of_edit_blocks(sim: Simulation) -> None:
    with pytest.raises(SimulationError, match="inside an edit"):
        refused(sim, lambda _: sim.despawn([1]))
    with pytest.raises(SimulationError, match="inside an edit"):
        refused(sim, lambda _: sim.step())
    assert sim.population("traders").get("inventory.money", [0])[0] != 2**60
    assert_booked(sim)


def test_two_edits_at_once_stay_within_the_bounds(sim: Simulation) -> None:
    def again(_: Edit) -> None:
        with sim.edit() as inner:
            inner.set("inventory.money", [2, 3], [2**60, 2**59])

    with pytest.raises(InputError, match="edit: there would be"):
        refused(sim, again)
    assert_booked(sim)


def test_columns_are_views_that_end_with_the_block(sim: Simulation) -> None:
    inventory = sim.world.agents.whole(Inventory)
    with sim.columns("traders") as c:
        money, ids = c.inventory.money, c.id
        assert np.shares_memory(money, inventory.money)
        assert not ids.flags.writeable
        assert not c.intent.kind.flags.writeable
        assert {"position", "inventory", "id"} <= set(dir(c))
        assert "money" in dir(c.inventory)
        money[ids == 4] += 11
        c.inventory.money += 1
        c.position.x = 2
        part = c.inventory
        with pytest.raises(AttributeError, match="has no component 'mood'"):
            _ = c.mood
        with pytest.raises(AttributeError, match="has no field 'gold'"):
            _ = c.inventory.gold
        with pytest.raises(SimulationError, match="cannot happen inside"):
            sim.despawn([0])
    assert sim.population("traders").get("position.x").tolist() == [2] * 10
    assert sim.ledger()["M"]["host"] == 21
    assert_booked(sim)
    assert not money.flags.writeable
    assert inventory.money.flags.writeable
    with pytest.raises(SimulationError, match="block has ended"):
        _ = part.money
    with pytest.raises(SimulationError, match="block has ended"):
        _ = c.id
    sim.run(2)
    assert_booked(sim)


def test_ticks_wait_until_a_columns_block_has_been_checked(sim: Simulation) -> None:
    with sim.columns("traders") as c:
        c.inventory.goods[:, 0] += 3
        with pytest.raises(SimulationError, match="cannot happen inside"):
            sim.run(12)
    sim.run(12)
    assert sim.ledger()["A"]["host"] == 30
    assert_booked(sim)


def test_a_wrong_value_through_columns_fails_the_simulation(sim: Simulation) -> None:
    with pytest.raises(InputError, match=r"position\.x must be from 0 to 11"):  # noqa: SIM117
        with sim.columns("traders") as c:
            c.position.x[0] = 40
    with pytest.raises(SimulationError, match="only close"):
        sim.step()


def test_sight_that_reaches_further_is_seen_to(sim: Simulation) -> None:
    with sim.columns("traders") as c:
        c.visibility.vision_radius[:] = 22
    sim.run(2)
    with sim.edit() as edit:
        edit.set("visibility.vision_radius", sim.population("sitters").ids(), 1000)
    sim.run(2)
    assert_booked(sim)
