"""Harvest in the order of ids, regrowth, and where what was found is booked."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from ecs_market import Simulation
from ecs_market.components.forager import Forager
from ecs_market.components.intent import IDLE, RESOURCE, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.kernels.patches import amount_now
from ecs_market.systems.forage import Forage
from ecs_market.world import World
from tests.oracles import worlds
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, group, scenario, world_of
from tests.oracles.worth import grown


def patches_of(world: World) -> ResourcePatches:
    """Return the world's patches."""
    patches = world.only(ResourcePatches)
    assert patches is not None
    return patches


@pytest.mark.kernel
@hypothesis_settings(max_examples=150, deadline=None, derandomize=True)
@given(
    amount=st.integers(0, 30),
    touched=st.integers(-1, 20),
    wait=st.integers(1, 30),
    rate=st.integers(0, 7),
    cooldown=st.integers(0, 9),
    most=st.integers(1, 30),
)
def test_lazy_regrowth_is_growth_tick_by_tick(
    amount: int, touched: int, wait: int, rate: int, cooldown: int, most: int
) -> None:
    tick = touched + wait
    assert amount_now(amount, touched, tick, rate, cooldown, most) == grown(
        amount, touched, tick, rate, cooldown, most
    )


@pytest.mark.kernel
def test_regrowth_never_wraps() -> None:
    most = 2**62
    assert amount_now(0, 0, 2**31 - 2, 10**15, 3, most) == most
    assert amount_now(most - 1, 0, 5, 10**15, 3, most) == most


@pytest.mark.kernel
@pytest.mark.parametrize("seed", range(3))
def test_harvest_goes_in_the_order_of_ids(seed: int) -> None:
    """Random targets, some of them not reached: each takes its rate while the patch lasts."""
    generator = np.random.default_rng(seed)
    world = world_of(
        group("one", 12),
        group("traders", 4, components=["Mobility", "BilateralTrader"]),
        group("two", 8),
        seed=seed,
        resources={
            "spawn_rate": 0.2,
            "types": [{"good": "A", "quantity": [1, 3]}, {"good": "B", "quantity": [1, 3]}],
            "regrowth": {"rate": 0.4, "cooldown": 1, "max_amount": 3},
        },
        params={"forage_rate": 0.75},
    )
    patches, few = patches_of(world), 4
    patches.good[:few] = [0, 1, 0, 1]
    amounts, touched = patches.amount.tolist(), [-1] * len(patches.x)
    goods = {
        agent.ident: [round(q * 1000) for q in agent.goods] for agent in worlds.agents_of(world)
    }
    booked = np.zeros(2, np.int64)
    for world.tick in range(8):
        worlds.shuffle(world, generator)
        position, intent = world.agents.whole(Position), world.agents.whole(Intent)
        filled = set()
        world.scratch.filled[:] = False
        taken = np.zeros(2, np.int64)
        for ident, row in enumerate(world.agent_rows.tolist()):
            patch = int(generator.integers(few))
            there = generator.random() < 0.8
            intent.kind[row] = RESOURCE if generator.random() < 0.8 else IDLE
            intent.target[row] = patch
            position.x[row] = patches.x[patch] if there else patches.x[patch + 1]
            position.y[row] = patches.y[patch] if there else patches.y[patch + 1]
            if 12 <= ident < 16 or intent.kind[row] != RESOURCE or not there:
                continue
            left = amounts[patch]
            if touched[patch] != world.tick:
                left = grown(left, touched[patch], world.tick, 400, 1, 3000)
            take = min(750, left)
            if take:
                amounts[patch], touched[patch] = left - take, world.tick
                good = int(patches.good[patch])
                goods[ident][good] += take
                taken[good] += take
                filled.add(ident)
        Forage().process(world)
        booked += taken
        assert world.scratch.harvested.tolist() == taken.tolist()
        assert patches.amount.tolist() == amounts
        assert patches.touched.tolist() == touched
        held = world.agents.whole(Inventory).goods
        for ident, row in enumerate(world.agent_rows.tolist()):
            assert held[row].tolist() == goods[ident]
            assert world.scratch.filled[row] == (ident in filled)
    assert world.ledger.harvest.tolist() == [*booked.tolist(), 0]
    assert booked.min() > 0


def test_a_forager_empties_its_patch_at_its_rate() -> None:
    """One agent on a cell of 3 units: 3 ticks at rate 1, and the ledger knows."""
    made = scenario(
        group("one", 1, [COBB_DOUGLAS], inventories={"A": 5, "B": 5, "M": 5}),
        width=1,
        height=1,
        resources={"spawn_rate": 1.0, "types": [{"good": "B", "quantity": 3}]},
        params={"idle": "stay"},
    )
    with Simulation(made, telemetry_level="off") as simulation:
        held = []
        for _ in range(5):
            simulation.step()
            held.append(int(simulation.world.agents.whole(Inventory).goods[0, 1]))
        assert held == [6000, 7000, 8000, 8000, 8000]
        ledger = simulation.ledger()
        assert ledger["B"]["harvest"] == 3000
        assert ledger["B"]["current"] == 8000
        assert ledger["A"]["harvest"] == 0
        assert simulation.world.agents.whole(Intent).kind[0] == IDLE


def test_a_patch_grows_back_after_its_cooldown() -> None:
    """Emptied in tick 0; nothing in ticks 1 and 2, then half a unit at the end of each tick."""
    made = scenario(
        group("one", 1, [LINEAR], inventories={"A": 5, "B": 5, "M": 5}),
        width=1,
        height=1,
        resources={
            "spawn_rate": 1.0,
            "types": [{"good": "A", "quantity": 1}],
            "regrowth": {"rate": 0.5, "cooldown": 2},
        },
        params={"idle": "stay"},
    )
    with Simulation(made, telemetry_level="off") as simulation:
        taken = []
        for _ in range(9):
            simulation.step()
            taken.append(int(simulation.world.scratch.harvested[0]))
    assert taken == [1000, 0, 0, 0, 500, 0, 0, 0, 500]


@pytest.mark.parametrize(("mode", "harvests"), [("both", True), ("forage", True), ("trade", False)])
def test_only_foragers_harvest_and_only_in_modes_that_do(mode: str, harvests: bool) -> None:
    made = scenario(
        group("foragers", 5),
        group("others", 5, components=["Mobility", "BilateralTrader"]),
        resources={"spawn_rate": 0.5, "types": [{"good": "A", "quantity": 2}]},
        params={"mode": mode, "exchange_regime": "centralized"},
    )
    with Simulation(made, seed=2, telemetry_level="off") as simulation:
        before = simulation.world.agents.whole(Inventory).goods[simulation.world.agent_rows].copy()
        simulation.run(6)
        world = simulation.world
        gained = world.agents.whole(Inventory).goods[world.agent_rows] - before
        assert bool(gained[:5].any()) == harvests
        assert not gained[5:].any()
        assert world.ledger.harvest[0] == gained[:, 0].sum()
        assert (
            patches_of(world).amount.sum() + world.ledger.harvest[0]
            == len(patches_of(world).x) * 2000
        )
        assert (world.agents.whole(Forager).rate[world.agent_rows[:5]] == 1000).all()
