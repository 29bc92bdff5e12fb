"""Nothing is lost or made from nothing, and nobody is worse off by a trade."""

from __future__ import annotations

import math
from typing import Any

import esper
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_market import Simulation, load_scenario
from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.utility import Utility
from ecs_market.preferences import cobb_douglas, linear
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.preferences.rows import LOG
from ecs_market.types import I64
from ecs_market.world import World
from tests.strategies import scenarios

QUICK = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LONG = settings(QUICK, max_examples=1500, derandomize=False)
# Two utilities that are computed differently may differ by this share of their terms.
NOISE = 1e-11


def owned(world: World) -> tuple[I64, I64]:
    """Holdings by ascending id, copied."""
    rows = world.agent_rows[world.agent_rows >= 0]
    inventory = world.agents.whole(Inventory)
    return inventory.goods[rows], inventory.money[rows]


def utility(world: World, row: int, lots: I64, minor: int) -> tuple[float, float]:
    """One agent's utility in plain Python, and the sum of the sizes of its terms."""
    tastes = world.agents.whole(Utility)
    parameters = tastes.parameters[row].tolist()
    held = [count * world.settings.lot_size for count in lots.tolist()]
    goods = len(held)
    if tastes.family[row] == linear.CODE:
        terms = [weight * amount for weight, amount in zip(parameters, held, strict=False)]
    else:
        assert tastes.family[row] == cobb_douglas.CODE
        exponents, kappa, scale = parameters[:goods], parameters[goods], parameters[goods + 1]
        wanted = [(a, x) for a, x in zip(exponents, held, strict=True) if a > 0]
        if scale == LOG:
            least = 0.5 * world.settings.lot_size
            terms = [kappa * a * math.log(max(x, least)) for a, x in wanted]
        else:
            terms = [math.prod(x**a for a, x in wanted)]
    if world.settings.mode == QUASILINEAR:
        terms.append(float(tastes.money_weight[row]) * minor * world.settings.minor_size)
    return math.fsum(terms), math.fsum(map(abs, terms))


class Before(esper.Processor):
    """Remember what everybody owns before anything is traded."""

    def __init__(self) -> None:
        self.goods: I64 = np.empty((0, 0), np.int64)
        self.money: I64 = np.empty(0, np.int64)

    def process(self, world: World) -> None:
        """Copy holdings."""
        self.goods, self.money = owned(world)


class After(esper.Processor):
    """Compare with what everybody owns after all trades of the tick, and with those trades."""

    def __init__(self, before: Before) -> None:
        self.before = before
        self.trades = 0

    def process(self, world: World) -> None:
        """Assert that trades explain every change and that nobody lost by it."""
        goods, money = owned(world)
        ids = np.flatnonzero(world.agent_rows >= 0)
        place = {int(ident): index for index, ident in enumerate(ids)}
        expected, cash = self.before.goods.copy(), self.before.money.copy()
        reports = [clearing.trades() for clearing in world.scratch.clearings]
        reports.append(world.scratch.bargains.trades)
        for each in reports:
            self.trades += each.size
            for trade in range(each.size):
                buyer, seller = place[int(each.buyer[trade])], place[int(each.seller[trade])]
                good, lots = int(each.good[trade]), int(each.quantity[trade])
                assert buyer != seller
                assert lots > 0
                expected[buyer, good] += lots
                expected[seller, good] -= lots
                if world.settings.mode == QUASILINEAR:
                    assert each.price[trade] >= 1
                    cash[buyer] -= lots * int(each.price[trade])
                    cash[seller] += lots * int(each.price[trade])
        assert (goods == expected).all()
        assert (money == cash).all()
        changed = (goods != self.before.goods).any(axis=1) | (money != self.before.money)
        for index in np.flatnonzero(changed):
            row = int(world.agent_rows[ids[index]])
            old, size = utility(world, row, self.before.goods[index], int(self.before.money[index]))
            new, _ = utility(world, row, goods[index], int(money[index]))
            assert new >= old - NOISE * size, f"agent {ids[index]}: {old} -> {new}"


def in_ground(world: World) -> list[int]:
    """Lots in patches, a good each; of use where nothing regrows."""
    patches = world.only(ResourcePatches)
    if patches is None:
        return [0] * world.goods
    return [int(patches.amount[patches.good == good].sum()) for good in range(world.goods)]


def check_run(scenario: Any, seed: int, ticks: int) -> int:
    """Run and check after every tick; return the number of trades."""
    with Simulation(scenario, seed, threads=1, telemetry_level="off") as sim:
        before = Before()
        after = After(before)
        sim.add_system(before, after="order collection")
        sim.add_system(after, after="bargaining")
        goods, money = owned(sim.world)
        ground = in_ground(sim.world)
        start = [int(total) for total in goods.sum(axis=0)]
        names = sim.scenario.goods
        regrows = sim.scenario.resources is not None and sim.scenario.resources.regrowth is not None
        cash = int(money.sum())
        for _ in range(ticks):
            sim.step()
            goods, money = owned(sim.world)
            assert goods.min() >= 0
            assert money.min() >= 0
            assert int(money.sum()) == cash == sim.total_money()
            ledger = sim.ledger()
            for entry in ledger.values():
                came = entry["initial"] + entry["harvest"] + entry["host"]
                assert came == entry["current"]
                assert entry["host"] == entry["markets"] == 0
            assert ledger["M"]["harvest"] == 0
            now = [int(total) for total in goods.sum(axis=0)]
            assert [ledger[name]["initial"] for name in names] == start
            assert [ledger[name]["current"] for name in names] == now
            left = in_ground(sim.world)
            if not regrows:
                total = [a + b for a, b in zip(now, left, strict=True)]
                assert total == [a + b for a, b in zip(start, ground, strict=True)]
        ids = sim.world.agents.whole(Identity).id[sim.world.agent_rows]
        assert ids.tolist() == list(range(len(ids)))
        return after.trades


@QUICK
@given(scenarios(), st.integers(0, 2**63 - 1))
def test_random_scenarios(scenario: dict[str, Any], seed: int) -> None:
    check_run(scenario, seed, 15)


@pytest.mark.slow
@LONG
@given(scenarios(), st.integers(0, 2**63 - 1))
def test_many_random_scenarios(scenario: dict[str, Any], seed: int) -> None:
    check_run(scenario, seed, 15)


@pytest.mark.parametrize(
    "name", ["walrasian_two_markets", "walrasian_two_markets_level", "two_markets_regrowth"]
)
def test_shipped_scenarios(name: str) -> None:
    assert check_run(load_scenario(name), 5, 60) > 0
