"""Snapshots: where agents stand and what they own, who meets, what grows, what posts trade."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ecs_market.components.gains import Gains
from ecs_market.components.identity import Identity
from ecs_market.components.intent import KINDS, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.utility import Utility
from ecs_market.mechanisms import walrasian
from ecs_market.mechanisms.demand_curves import MOST_MEMBERS, demand_curves
from ecs_market.mechanisms.prices_paid import good_that_pays, prices_paid
from ecs_market.preferences import families
from ecs_market.preferences.modes import UNIT_OF_ACCOUNT
from ecs_market.telemetry.batches import Coded, ColumnData
from ecs_market.telemetry.recorder import Recorder
from ecs_market.telemetry.sample import PATCHES, Sample, evenly
from ecs_market.types import I64
from ecs_market.world import World


class Snapshots:
    """Takes snapshots for a recorder, and remembers what it has written before.

    Parameters
    ----------
    recorder
        Where rows go.
    sample
        When, and of whom.
    """

    def __init__(self, recorder: Recorder, sample: Sample) -> None:
        self._recorder = recorder
        self._sample = sample
        self._rows = 0
        self._newest = -1
        self._patches: I64 | None = None
        self._stock: I64 = np.empty(0, np.int64)
        self._capacity: I64 = np.empty(0, np.int64)

    def take(self, world: World, tick: int) -> None:
        """Add a snapshot after `tick`, -1 at the start, if one is due, to the recorder's tick."""
        if not self._sample.due(tick, self._rows):
            return
        if self._sample.limit:
            self._take_agents(world, tick)
            self._take_pairs(world, tick)
        self._take_patches(world, tick)
        self._take_curves(world, tick)

    def _write(self, table: str, rows: int, columns: Mapping[str, ColumnData]) -> None:
        if rows and self._recorder.records(table):
            self._recorder.append(table, columns)
            self._rows += rows

    def _take_agents(self, world: World, tick: int) -> None:
        ids, rows = self._sample.living(world.agent_rows)
        position, intent = world.agents.whole(Position), world.agents.whole(Intent)
        goods = world.agents.whole(Inventory).goods[rows]
        money = world.agents.whole(Inventory).money[rows]
        target = intent.target[rows].astype(np.int64)
        self._write(
            "agents",
            len(ids),
            {
                "tick": tick,
                "agent_id": ids,
                "x": position.x[rows].astype(np.int64),
                "y": position.y[rows].astype(np.int64),
                "money": money,
                "wealth": wealth(world, goods, money),
                "gain": world.agents.whole(Gains).realised[rows],
                "target_kind": Coded(intent.kind[rows].astype(np.int64), KINDS),
                "target_id": np.ma.masked_array(target, target < 0),
            },
        )
        count, kinds = world.goods, Coded(np.arange(world.goods), world.settings.goods)
        self._write(
            "agent_goods",
            goods.size,
            {
                "tick": tick,
                "agent_id": np.repeat(ids, count),
                "commodity": Coded(np.tile(np.asarray(kinds.codes), len(ids)), kinds.labels),
                "quantity": goods.ravel(),
            },
        )
        fresh = ids > self._newest
        self._newest = len(world.agent_rows) - 1
        self._take_kinds(world, tick, ids[fresh], rows[fresh])

    def _take_kinds(self, world: World, tick: int, ids: I64, rows: I64) -> None:
        """Write what agents are that have not been seen before."""
        if not len(ids):
            return
        tables = sorted(world.agents.tables.items(), key=lambda each: each[1].start)
        starts = np.array([table.start for _, table in tables], np.int64)
        codes = np.asarray(world.families, np.int64)
        self._write(
            "agent_kinds",
            len(ids),
            {
                "tick": tick,
                "agent_id": ids,
                "population": Coded(
                    np.searchsorted(starts, rows, side="right") - 1,
                    tuple(name for name, _ in tables),
                ),
                "family": Coded(
                    np.searchsorted(codes, world.agents.whole(Utility).family[rows]),
                    tuple(families.FAMILIES[code].NAME for code in world.families),
                ),
            },
        )

    def _take_pairs(self, world: World, tick: int) -> None:
        bargains = world.scratch.bargains
        if bargains is None or not self._recorder.records("pairs"):
            return
        ids = world.agents.whole(Identity).id[bargains.row]
        both = ids[self._sample.has(ids).all(axis=1)]
        self._write(
            "pairs", len(both), {"tick": tick, "first_id": both[:, 0], "second_id": both[:, 1]}
        )

    def _take_patches(self, world: World, tick: int) -> None:
        patches = world.only(ResourcePatches)
        if patches is None:
            return
        if self._patches is None:
            count = len(patches.x)
            self._patches = evenly(0, count, min(count, PATCHES), count)
            self._stock = np.full(len(self._patches), -1, np.int64)
            self._capacity = capacity_of(patches, patches.amount[self._patches])
        chosen = self._patches
        stock = stock_after(patches, chosen, tick)
        changed = stock != self._stock
        self._stock = stock
        self._write(
            "patches",
            int(changed.sum()),
            {
                "tick": tick,
                "patch_id": chosen[changed],
                "x": patches.x[chosen][changed].astype(np.int64),
                "y": patches.y[chosen][changed].astype(np.int64),
                "commodity": Coded(
                    patches.good[chosen][changed].astype(np.int64), world.settings.goods
                ),
                "capacity": self._capacity[changed],
                "stock": stock[changed],
            },
        )

    def _take_curves(self, world: World, tick: int) -> None:
        if not self._recorder.records("clear_curves"):
            return
        for clearing in world.scratch.clearings:
            if clearing.mechanism != walrasian.NAME:
                continue
            curves = demand_curves(clearing, clearing.participants <= MOST_MEMBERS)
            self._write(
                "clear_curves",
                len(curves.post),
                {
                    "tick": tick,
                    "market_id": clearing.post[curves.post],
                    "commodity": Coded(curves.good, world.settings.goods),
                    "price": curves.price,
                    "demand": curves.demand,
                    "supply": curves.supply,
                },
            )


def wealth(
    world: World, goods: I64, money: I64
) -> np.ma.MaskedArray[tuple[int], np.dtype[np.int64]]:
    """Return what agents own at the mean prices paid so far, rounded to steps [minor unit].

    Parameters
    ----------
    goods, money
        int64 (n, K) [lot] and (n,) [minor unit].

    Returns
    -------
    masked array of int64 (n,)
        Masked where an agent owns a good that has no price yet.  Where a good is the unit of
        account it counts at price 1, and money, which nobody can spend, not at all.
    """
    paid, _ = prices_paid(world)
    mean = paid.mean[0]
    known = np.isfinite(mean)
    steps = np.rint(np.where(known, mean, 0.0))
    price = np.clip(steps, 0, world.most_steps_of_goods()).astype(np.int64)
    total = money.copy()
    if world.settings.mode == UNIT_OF_ACCOUNT:
        total[:] = 0
        pays = good_that_pays(world)
        if pays is not None:
            known[pays] = True
            price[pays] = walrasian.steps_of_one(world.settings.step_size)
    total += goods @ price
    return np.ma.masked_array(total, (goods[:, ~known] > 0).any(axis=1))


def stock_after(patches: ResourcePatches, chosen: I64, tick: int) -> I64:
    """Return what lies on some patches after `tick`, at the start of the next one [lot]."""
    amount, touched = patches.amount[chosen], patches.touched[chosen].astype(np.int64)
    if patches.regrowth_rate <= 0:
        return amount
    most = patches.max_amount
    ticks = np.maximum(tick - touched - patches.cooldown, 0)
    # No more ticks than are needed: their product with the rate might not fit.
    needed = -(-np.maximum(most - amount, 0) // patches.regrowth_rate)
    grown = np.minimum(amount + patches.regrowth_rate * np.minimum(ticks, needed), most)
    grows = (touched >= 0) & (amount < most)
    stock: I64 = np.where(grows, grown, amount)
    return stock


def capacity_of(patches: ResourcePatches, start: I64) -> I64:
    """Return the most that patches hold: what they grow to, or `start`, if that is more [lot]."""
    grows_to = patches.max_amount if patches.regrowth_rate > 0 else 0
    capacity: I64 = np.maximum(start, grows_to)
    return capacity
