"""Nothing is lost or made from nothing, and nobody is worse off by a trade."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import esper
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_market import Simulation, load_scenario
from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.utility import Utility
from ecs_market.preferences.families import FAMILIES
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import I64
from ecs_market.world import World
from tests.oracles.charges import fee
from tests.strategies import random_scenario, scenarios

QUICK = settings(
    max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck)
)
LONG = settings(QUICK, max_examples=1500, derandomize=False)
# Two utilities that are computed differently may differ by this share of their terms.
NOISE = 1e-11


def owned(world: World) -> tuple[I64, I64]:
    """Holdings by ascending id, copied."""
    rows = world.agent_rows[world.agent_rows >= 0]
    inventory = world.agents.whole(Inventory)
    return inventory.goods[rows], inventory.money[rows]


def utility(world: World, row: int, lots: I64, minor: int) -> float:
    """One agent's utility, money included."""
    tastes, settings = world.agents.whole(Utility), world.settings
    held = [count * settings.lot_size for count in lots.tolist()]
    code, own = int(tastes.family[row]), tastes.parameters[row]
    if settings.mode == IN_UTILITY:
        held.append(minor * settings.minor_size)
    worth = float(FAMILIES[code].utility(np.array(held), own, 0.5 * settings.lot_size))
    if settings.mode == QUASILINEAR:
        worth += float(tastes.money_weight[row]) * minor * settings.minor_size
    return worth


def accounts(world: World) -> tuple[I64, I64]:
    """What posts own, by id, copied."""
    account, rows = world.posts.whole(MarketAccount), world.post_rows
    return account.goods[rows], account.money[rows]


class Before(esper.Processor):
    """Remember what everybody owns before anything is traded."""

    def __init__(self) -> None:
        self.goods: I64 = np.empty((0, 0), np.int64)
        self.money: I64 = np.empty(0, np.int64)
        self.posts: tuple[I64, I64] = self.goods, self.money

    def process(self, world: World) -> None:
        """Copy holdings, and see that trades are kept whatever the level of telemetry."""
        world.itemise = True
        self.goods, self.money = owned(world)
        self.posts = accounts(world)


class After(esper.Processor):
    """Compare with what everybody owns after all trades of the tick, and with those trades."""

    def __init__(self, before: Before) -> None:
        self.before = before
        self.trades = 0

    def process(self, world: World) -> None:
        """Assert that trades and fees explain every change and that nobody lost by it."""
        goods, money = owned(world)
        ids = np.flatnonzero(world.agent_rows >= 0)
        place = {int(ident): index for index, ident in enumerate(ids)}
        expected, cash = self.before.goods.copy(), self.before.money.copy()
        stock, till = (each.copy() for each in self.before.posts)
        paid, judged = np.zeros_like(cash), np.zeros(len(cash), np.bool_)
        reports = [(c.trades(), c.orders is None) for c in world.scratch.clearings]
        met = world.scratch.bargains.trades
        reports.append((met, True))
        bartered = world.settings.mode != QUASILINEAR
        bartered |= bool(world.settings.bargaining_parameters.get("barter"))
        for each, whole in reports:
            self.trades += each.size
            net: dict[tuple[int, int, int, int], int] = {}
            here = np.zeros(len(cash), np.bool_)
            for trade in range(each.size):
                post, good = int(each.market[trade]), int(each.good[trade])
                lots, price = int(each.quantity[trade]), int(each.price[trade])
                assert each.buyer[trade] != each.seller[trade]
                assert lots > 0
                worth = lots * price if world.settings.mode != UNIT_OF_ACCOUNT else 0
                assert price >= 1 or not worth
                for ident, sign in ((int(each.buyer[trade]), 1), (int(each.seller[trade]), -1)):
                    if ident < 0:
                        stock[post, good] += sign * lots
                        till[post] -= sign * worth
                        continue
                    expected[place[ident], good] += sign * lots
                    cash[place[ident]] -= sign * worth
                    judged[place[ident]] |= whole
                    here[place[ident]] = True
                    key = (post, place[ident], good, price)
                    net[key] = net.get(key, 0) + sign * lots
                if len(each.fee):
                    till[post] += int(each.fee[trade])
            if whole and len(each.fee):
                self._charge(world, net, paid)
                assert paid.sum() == each.fee.sum()
                cash -= paid
                paid[:] = 0
            elif len(each.fee) or (bartered and each is met):
                # Books charge trade by trade, and a good may have paid for a good at a price
                # rounded to its lots: here the rows do not say who paid what.
                assert money[here].sum() == self.before.money[here].sum() - each.fee.sum()
                cash[here] = money[here]
        assert (goods == expected).all()
        assert (money == cash).all()
        assert all((a == b).all() for a, b in zip(accounts(world), (stock, till), strict=True))
        for index in np.flatnonzero(judged):
            row = int(world.agent_rows[ids[index]])
            old = utility(world, row, self.before.goods[index], int(self.before.money[index]))
            new = utility(world, row, goods[index], int(money[index]))
            size = (
                abs(old)
                + abs(new)
                + float(self.before.money[index] + money[index])
                * (world.settings.minor_size * float(world.agents.whole(Utility).money_weight[row]))
            )
            assert new >= old - NOISE * (1.0 + size), f"agent {ids[index]}: {old} -> {new}"

    def _charge(self, world: World, net: dict[tuple[int, int, int, int], int], paid: I64) -> None:
        """Add each agent's fees on its net trades."""
        rules = world.posts.whole(MarketRules)
        for (post, index, _, price), lots in net.items():
            row = world.post_rows[post]
            share = Fraction(int(rules.fee_ppb[row]), 10**9)
            paid[index] += fee(lots, price, share, int(rules.fee_per_lot[row]))


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
        stock, till = accounts(sim.world)
        start = [int(total) for total in goods.sum(axis=0) + stock.sum(axis=0)]
        names = sim.scenario.goods
        regrows = sim.scenario.resources is not None and sim.scenario.resources.regrowth is not None
        cash = int(money.sum()) + int(till.sum())
        for _ in range(ticks):
            sim.step()
            goods, money = owned(sim.world)
            stock, till = accounts(sim.world)
            assert min(goods.min(), money.min(), stock.min(initial=0), till.min(initial=0)) >= 0
            assert int(money.sum()) + int(till.sum()) == cash
            assert int(money.sum()) == sim.total_money()
            ledger = sim.ledger()
            for entry in ledger.values():
                came = entry["initial"] + entry["harvest"] + entry["host"]
                assert came == entry["current"]
                assert entry["host"] == 0
            assert ledger["M"]["harvest"] == 0
            assert ledger["M"]["markets"] == till.sum()
            assert [ledger[name]["markets"] for name in names] == stock.sum(axis=0).tolist()
            now = [int(total) for total in goods.sum(axis=0) + stock.sum(axis=0)]
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


def test_nobody_short_of_subsistence_sells_what_it_lacks() -> None:
    """Below subsistence utility falls faster than marginal rates say."""
    check_run(random_scenario(99), 2, 15)


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
