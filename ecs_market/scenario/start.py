"""Draw what a run starts from: agents with their holdings, and patches on the ground.

Every number is a function of the seed and of the agent's id or the cell's index alone, so that a
start does not depend on the order in which anything is drawn.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.kernels.philox import (
    INVENTORY,
    PATCH,
    PATCH_AMOUNT,
    PATCH_KIND,
    POSITION,
    fill_below,
    fill_uniform,
)
from ecs_market.scenario.model import Distribution, Population, Resources, Scenario
from ecs_market.scenario.tastes import Taste, draw_taste
from ecs_market.types import I8, I32, I64

BLOCK_CELLS = 1 << 16


@dataclass(frozen=True, slots=True)
class PopulationStart:
    """One population at tick 0, rows in ascending ids.

    Parameters
    ----------
    name
        Name of the population.
    first_id
        Id of the first row; the others follow without a gap.
    x, y
        (n,) int32 [cell].
    goods
        (n, K) int64 [lot].
    money
        (n,) int64 [minor unit].
    group
        (n,) int32: index into the population's utilities.
    tastes
        The numbers of each of its utilities.
    """

    name: str
    first_id: int
    x: I32
    y: I32
    goods: I64
    money: I64
    group: I32
    tastes: tuple[Taste, ...]

    @property
    def ids(self) -> I64:
        """Ids of the rows, (n,) int64."""
        return np.arange(self.first_id, self.first_id + self.x.size, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PatchStart:
    """All patches at tick 0, ascending by cell ``y * width + x``.

    Parameters
    ----------
    x, y
        (m,) int32 [cell].
    good
        (m,) int8: index into the scenario's goods.
    amount
        (m,) int64 [lot].
    """

    x: I32
    y: I32
    good: I8
    amount: I64


@dataclass(frozen=True, slots=True)
class Start:
    """Everything drawn for tick 0; populations in order of declaration."""

    populations: tuple[PopulationStart, ...]
    patches: PatchStart


def draw_start(scenario: Scenario, seed: int) -> Start:
    """Draw agents and patches.

    Parameters
    ----------
    seed
        Seed of the run, 0 to 2^63 - 1.

    Returns
    -------
    Start
        Ids ascend over the populations in order of declaration, from 0.
    """
    populations = []
    first = 0
    for population in scenario.populations:
        populations.append(_population(scenario, population, first, seed))
        first += population.count
    return Start(tuple(populations), _patches(scenario, seed))


def _population(
    scenario: Scenario, population: Population, first: int, seed: int
) -> PopulationStart:
    count = population.count
    ids = np.arange(first, first + count, dtype=np.int64)
    x, y = _positions(scenario, population, ids, seed)
    goods = np.empty((count, len(scenario.goods)), dtype=np.int64)
    for index, held in enumerate(population.inventories):
        goods[:, index] = _amounts(held, ids, seed, INVENTORY, index)
    money = _amounts(population.money, ids, seed, INVENTORY, len(scenario.goods))
    counts = [utility.count for utility in population.utilities]
    group = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
    tastes = []
    start = 0
    for utility in population.utilities:
        members = ids[start : start + utility.count]
        tastes.append(draw_taste(utility, members, seed))
        start += utility.count
    return PopulationStart(population.name, first, x, y, goods, money, group, tuple(tastes))


def _positions(scenario: Scenario, population: Population, ids: I64, seed: int) -> tuple[I32, I32]:
    positions = population.positions
    if positions.at is not None:
        x, y = positions.at
        return np.full(ids.size, x, dtype=np.int32), np.full(ids.size, y, dtype=np.int32)
    if positions.cells is not None:
        cells = np.array(positions.cells, dtype=np.int32).reshape(ids.size, 2)
        return cells[:, 0].copy(), cells[:, 1].copy()
    drawn = np.empty(ids.size, dtype=np.int64)
    fill_below(seed, 0, POSITION, 0, ids, scenario.grid.width, drawn)
    across = drawn.astype(np.int32)
    fill_below(seed, 0, POSITION, 1, ids, scenario.grid.height, drawn)
    return across, drawn.astype(np.int32)


def _amounts(held: Distribution, idents: I64, seed: int, stream: int, draw: int) -> I64:
    """Draw one amount for each ident [storage unit]."""
    if held.values is not None:
        return np.array(held.values, dtype=np.int64)
    if held.choices == 1:
        return np.full(idents.size, held.low, dtype=np.int64)
    amounts = np.empty(idents.size, dtype=np.int64)
    fill_below(seed, 0, stream, draw, idents, held.choices, amounts)
    amounts *= held.step
    amounts += held.low
    return amounts


def _patches(scenario: Scenario, seed: int) -> PatchStart:
    resources = scenario.resources
    width = scenario.grid.width
    cells = (
        _patch_cells(resources, width * scenario.grid.height, seed)
        if resources is not None
        else np.empty(0, dtype=np.int64)
    )
    kind = np.zeros(cells.size, dtype=np.int64)
    amount = np.zeros(cells.size, dtype=np.int64)
    good = np.zeros(cells.size, dtype=np.int8)
    if resources is not None:
        if len(resources.types) > 1:
            fill_below(seed, 0, PATCH_KIND, 0, cells, len(resources.types), kind)
        for index, each in enumerate(resources.types):
            mine = kind == index
            amount[mine] = _amounts(each.quantity, cells[mine], seed, PATCH_AMOUNT, 0)
            good[mine] = scenario.goods.index(each.good)
    x = (cells % width).astype(np.int32)
    y = (cells // width).astype(np.int32)
    return PatchStart(x, y, good, amount)


def _patch_cells(resources: Resources, count: int, seed: int) -> I64:
    """Draw which cells hold a patch, in blocks, so that a large grid stays cheap."""
    found = [np.empty(0, dtype=np.int64)]
    for start in range(0, count, BLOCK_CELLS):
        cells = np.arange(start, min(start + BLOCK_CELLS, count), dtype=np.int64)
        chance = np.empty(cells.size, dtype=np.float64)
        fill_uniform(seed, 0, PATCH, 0, cells, chance)
        found.append(cells[chance < resources.spawn_rate])
    return np.concatenate(found)
