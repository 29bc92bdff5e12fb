"""Rows that are born, die and move: every column follows, and views stay views."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import InputError
from ecs_market.arena import Arena
from ecs_market.columns import specs
from ecs_market.components.bilateral_trader import BilateralTrader
from ecs_market.components.forager import Forager
from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.mobility import Mobility
from ecs_market.components.position import Position
from ecs_market.components.table import Table
from ecs_market.world import World
from tests.oracles.worlds import group, world_of

SIZES = {"one": 9, "two": 4, "three": 6}


def three_groups() -> World:
    """Return a world of three populations with different components."""
    return world_of(
        group("one", 9),
        group("two", 4, components=["Mobility"]),
        group("three", 6, components=["BilateralTrader"]),
        seed=5,
    )


def columns(world: World) -> list[tuple[type, str, Any]]:
    """Return every column of the agents' arena."""
    arena = world.agents
    return [
        (component, name, getattr(arena.whole(component), name))
        for component, found in arena.specs.items()
        for name in found
    ]


def scribble(world: World) -> None:
    """Write a different value to every cell in use, ids apart, to tell where each one goes."""
    for salt, (component, _, column) in enumerate(columns(world)):
        if component is Identity:
            continue
        for ident, row in enumerate(world.agent_rows.tolist()):
            if row >= 0:
                column[row] = marks(salt, ident, column[row])


def marks(salt: int, ident: int, like: Any) -> Any:
    """Return what `scribble` writes for an agent into a column."""
    shape = np.shape(like)
    return (np.arange(int(np.prod(shape))).reshape(shape) + 7 * ident + salt) % 120


def check(world: World, alive: dict[str, list[int]], born: dict[str, list[int]]) -> None:
    """Check ids, rows, contents, spare rows and views."""
    ids = world.agents.whole(Identity).id
    for name, table in world.agents.tables.items():
        here = ids[table.start : table.stop].tolist()
        assert sorted(here) == sorted(alive[name] + born.get(name, []))
        assert (ids[table.stop : table.limit] == -1).all()
        for row, ident in enumerate(here, table.start):
            assert world.agent_rows[ident] == row
    assert (world.agent_rows >= 0).sum() == sum(t.size for t in world.agents.tables.values())
    assert world.agents.size == (ids >= 0).sum()
    for salt, (component, field, column) in enumerate(columns(world)):
        assert len(column) == world.agents.capacity
        fill = world.agents.specs[component][field].fill
        for name, table in world.agents.tables.items():
            assert (column[table.stop : table.limit] == fill).all(), (component, field)
            if component is Identity:
                continue
            for ident in alive[name]:
                row = world.agent_rows[ident]
                assert (column[row] == marks(salt, ident, column[row])).all(), (component, field)
            for ident in born.get(name, []):
                assert (column[world.agent_rows[ident]] == fill).all(), (component, field)
    for _, (table, identity) in world.esper.get_components(Table, Identity):
        if table.name not in alive:
            continue
        for component in world.esper.components_for_entity(table.entity):
            if type(component) not in world.agents.specs:
                continue
            whole = world.agents.whole(type(component))
            for field in world.agents.specs[type(component)]:
                view, column = getattr(component, field), getattr(whole, field)
                assert len(view) == table.size
                assert np.shares_memory(view, column) or not table.size
                assert (view == column[table.start : table.stop]).all()
        assert identity.id.tolist() == ids[table.start : table.stop].tolist()
    assert len(world.scratch.filled) == len(world.scratch.at_post) >= world.agents.end


def members(world: World) -> dict[str, list[int]]:
    """Return the ids of each population."""
    ids = world.agents.whole(Identity).id
    tables = world.agents.tables.items()
    return {name: ids[table.start : table.stop].tolist() for name, table in tables}


@pytest.mark.kernel
def test_ids_are_given_in_the_order_of_declaration() -> None:
    world = three_groups()
    scribble(world)
    alive = members(world)
    assert [sorted(alive[name]) for name in SIZES] == [
        list(range(9)),
        list(range(9, 13)),
        list(range(13, 19)),
    ]
    check(world, alive, {})


@pytest.mark.kernel
def test_rows_change_places() -> None:
    world = three_groups()
    scribble(world)
    alive = members(world)
    order = np.array([3, 1, 0, 2])
    before = [alive["two"][place] for place in order]
    capacity = world.agents.capacity
    assert world.restructure(reorder={"two": order}).tolist() == []
    assert members(world)["two"] == before
    assert world.agents.capacity == capacity
    check(world, alive, {})


@pytest.mark.kernel
def test_deaths_close_up_and_ids_are_never_used_again() -> None:
    world = three_groups()
    scribble(world)
    alive = members(world)
    gone = np.array([0, 8, 10, 13, 14])
    world.restructure(deaths=gone)
    left = {name: [i for i in ids if i not in gone] for name, ids in alive.items()}
    check(world, left, {})
    with pytest.raises(InputError, match="no agent has id 10"):
        world.rows_of(np.array([1, 10]))
    with pytest.raises(InputError, match="no agent has id 19"):
        world.rows_of(np.array([19]))
    new = world.restructure(births={"two": 1})
    assert new.tolist() == [19]
    check(world, left, {"two": [19]})


@pytest.mark.kernel
def test_births_beyond_the_capacity_lay_the_arena_out_anew() -> None:
    world = three_groups()
    scribble(world)
    alive, capacity = members(world), world.agents.capacity
    components = world.esper.components_for_entity(world.agents.tables["three"].entity)
    new = world.restructure(births={"one": 1, "three": 40})
    assert new.tolist() == list(range(19, 60))
    assert world.agents.capacity > capacity
    # The same component objects, so that whoever holds one sees the new rows.
    assert world.esper.components_for_entity(world.agents.tables["three"].entity) == components
    check(world, alive, {"one": [19], "three": list(range(20, 60))})
    spare = world.agents.tables["three"]
    assert spare.limit - spare.stop >= spare.size // 4


@pytest.mark.kernel
def test_everybody_dies_and_somebody_is_born() -> None:
    world = three_groups()
    scribble(world)
    alive = members(world)
    world.restructure(deaths=np.array(alive["two"]))
    alive["two"] = []
    check(world, alive, {})
    new = world.restructure(births={"two": 2})
    check(world, alive, {"two": new.tolist()})


@pytest.mark.parametrize("seed", range(4))
def test_any_sequence_of_changes(seed: int) -> None:
    generator = np.random.default_rng(seed)
    world = three_groups()
    for _ in range(12):
        scribble(world)
        alive = members(world)
        everyone = [ident for ids in alive.values() for ident in ids]
        deaths = generator.permutation(everyone)[: generator.integers(0, 5)]
        births = {
            str(name): int(generator.integers(0, 7)) for name in generator.permutation([*SIZES])
        }
        reorder = {
            name: generator.permutation(len(ids))
            for name, ids in alive.items()
            if generator.random() < 0.5
        }
        first = len(world.agent_rows)
        new = world.restructure(births=births, deaths=deaths, reorder=reorder)
        assert new.tolist() == list(range(first, first + sum(births.values())))
        left = {name: [i for i in ids if i not in deaths] for name, ids in alive.items()}
        born: dict[str, list[int]] = {}
        place = first
        for name in SIZES:
            born[name] = list(range(place, place + births[name]))
            place += births[name]
        check(world, left, born)


@pytest.mark.kernel
def test_composition_is_by_presence() -> None:
    world = three_groups()
    found = {
        component: [table.name for table in world.tables(component)]
        for component in (Position, Mobility, BilateralTrader, Forager)
    }
    assert found[Position][:3] == ["one", "two", "three"]
    assert found[Mobility] == ["one", "two"]
    assert found[BilateralTrader] == ["one", "three"]
    assert found[Forager] == ["one"]
    assert [table.name for table in world.tables(Mobility, BilateralTrader)] == ["one"]


@pytest.mark.kernel
def test_an_arena_without_rows() -> None:
    arena = Arena([("none", 0), ("few", 2)], {"goods": 3})
    arena.register(Inventory)
    bound = arena.bind(Inventory, arena.tables["none"])
    assert bound.goods.shape == (0, 3)
    arena.rearrange({"none": np.full(4, -1, np.int64)})
    assert bound.goods.shape == (4, 3)
    assert np.shares_memory(bound.goods, arena.whole(Inventory).goods)
    assert set(specs(Inventory)) == {"goods", "money"}
    arena.unbind(bound)
    arena.rearrange({"none": np.full(5, -1, np.int64)})
    assert bound.goods.shape == (4, 3)
