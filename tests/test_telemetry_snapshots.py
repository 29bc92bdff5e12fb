"""Snapshots: of whom, when, and that they say what was so."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import esper
import numpy as np
import pytest

from ecs_market import Simulation, bench, load_scenario
from ecs_market.components.gains import Gains
from ecs_market.components.intent import KINDS, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.errors import InputError
from ecs_market.footprint import footprint
from ecs_market.kernels.patches import amount_now
from ecs_market.scenario import from_dict
from ecs_market.telemetry import sample as sample_module
from ecs_market.telemetry import snapshots as snapshots_module
from ecs_market.telemetry.sample import MOST, Sample, evenly
from ecs_market.telemetry.schema import Level
from ecs_market.world import World
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, group, scenario

CANONICAL = load_scenario("walrasian_two_markets")
CROWD = bench.economy(1_200, 4)


def states(sim: Simulation, ticks: int, read: Callable[[World], Any]) -> dict[int, Any]:
    """Run, and return what `read` says of the world at the start and after each tick."""
    found = {-1: read(sim.world)}
    for tick in range(ticks):
        sim.step()
        found[tick] = read(sim.world)
    return found


# --- of whom ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("share", "of"), [(0, 5), (1, 1), (1, 7), (3, 10), (7, 9), (5, 5)])
@pytest.mark.parametrize(("start", "stop"), [(0, 0), (0, 4), (3, 4), (4, 33), (0, 70)])
def test_evenly_spaced_numbers(share: int, of: int, start: int, stop: int) -> None:
    wanted = [i for i in range(start, stop) if i * share % of < share]
    assert evenly(start, stop, share, of).tolist() == wanted
    assert len(evenly(0, of, share, of)) == share


@pytest.mark.parametrize(
    ("level", "agents", "every", "limit"),
    [
        ("summary", 1_000, 1, 1_000),
        ("summary", 1_001, 10, 1_001),
        ("trades", 5_000, 10, 5_000),
        ("orders", 1_000_000, 10, 5_000),
        ("full", 1_000_000, 1, 1_000_000),
        ("off", 10, 0, 0),
    ],
)
def test_how_many_and_how_often_by_default(level: str, agents: int, every: int, limit: int) -> None:
    chosen = Sample(Level.parse(level), agents)
    assert (chosen.every, chosen.at_start) == (every, limit)
    ids, rows = chosen.living(np.arange(agents))
    assert len(ids) == limit
    assert (rows == ids).all()


def test_the_born_come_in_and_the_dead_go() -> None:
    chosen = Sample(Level.SUMMARY, 100, 1, 10)
    assert chosen.living(np.arange(100))[0].tolist() == list(range(0, 100, 10))
    rows = np.arange(150) + 1000
    rows[20] = -1
    ids, at = chosen.living(rows)
    assert ids.tolist() == [0, 10, *range(30, 150, 10)]
    assert at.tolist() == [1000 + ident for ident in ids.tolist()]
    # More than twice the limit: every other one leaves, for good.
    for born in (300, 301):
        rows = np.arange(born)
        rows[20] = -1
        assert chosen.living(rows)[0].tolist() == [0, *range(40, born, 20)]
    assert chosen.has(np.array([0, 10, 20, 21])).tolist() == [True, False, True, False]


def test_all_are_all_however_many_are_born() -> None:
    chosen = Sample(Level.FULL, 3)
    assert chosen.living(np.arange(20_000))[0].tolist() == list(range(20_000))
    assert chosen.has(np.array([0, MOST - 1])).all()


@pytest.mark.parametrize("value", [-1, 1.5, True, "5", MOST + 1, float("nan")])
@pytest.mark.parametrize("name", ["snapshot_every", "snapshot_agents"])
def test_what_is_no_number_is_refused(name: str, value: Any) -> None:
    with pytest.raises(InputError, match=rf"{name} must be a whole number from 0 \(none\) to"):
        Simulation(CANONICAL, **{name: value})


# --- when ---------------------------------------------------------------------------------------


def ticks_of(sim: Simulation, table: str) -> list[int]:
    return [tick for (tick,) in sim.telemetry.query(f"SELECT DISTINCT tick FROM {table}")]  # noqa: S608  # a name of this page


@pytest.mark.parametrize(
    ("keys", "ticks"),
    [
        ({}, [-1, *range(12)]),
        ({"snapshot_every": 5}, [-1, 0, 5, 10]),
        ({"snapshot_every": 0}, []),
        ({"snapshot_agents": 0}, []),
        ({"telemetry_level": "full", "snapshot_every": 6}, [-1, 0, 6]),
    ],
)
def test_ticks_are_as_asked(keys: dict[str, Any], ticks: list[int]) -> None:
    with Simulation(CANONICAL, 3, **{"telemetry_level": "summary", **keys}) as sim:
        sim.run(12)
        assert ticks_of(sim, "agents") == ticks
        assert ticks_of(sim, "agent_kinds") == ticks[:1]
        if "agent_goods" in sim.telemetry.tables():
            assert ticks_of(sim, "agent_goods") == ticks
        assert bool(ticks_of(sim, "patches")) == (keys.get("snapshot_every") != 0)


def test_a_long_run_is_seen_less_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sample_module, "ROWS_A_STAGE", 500)
    plan = load_scenario("walrasian_two_markets")
    with Simulation(plan, 1, telemetry_level="trades", snapshot_every=1) as sim:
        sim.run(250)
        assert ticks_of(sim, "agents") == [-1, *range(250)]
    with Simulation(plan, 1, telemetry_level="trades") as sim:
        sim.run(250)
        found = ticks_of(sim, "agents")
        rows = np.zeros(251, np.int64)
        for table in ("agents", "agent_kinds", "pairs", "patches", "clear_curves"):
            np.add.at(rows, sim.telemetry.columns(table)["tick"] + 1, 1)
    before = np.cumsum(rows) - rows
    wanted = [t for t in range(250) if t % 10 ** (int(before[t + 1]) // 500) == 0]
    assert found == [-1, *wanted]
    assert {1, 10, 100} <= set(np.diff(found).tolist())


# --- what ---------------------------------------------------------------------------------------


def agents_now(world: World) -> list[tuple[Any, ...]]:
    """Return what a snapshot of all agents has to say but for wealth."""
    position, held = world.agents.whole(Position), world.agents.whole(Inventory)
    intent, gains = world.agents.whole(Intent), world.agents.whole(Gains)
    return [
        (
            ident,
            int(position.x[row]),
            int(position.y[row]),
            int(held.money[row]),
            int(gains.realised[row]),
            KINDS[intent.kind[row]],
            int(intent.target[row]) if intent.target[row] >= 0 else None,
        )
        for ident, row in enumerate(world.agent_rows.tolist())
        if row >= 0
    ]


AGENTS = (
    "SELECT agent_id, x, y, money, gain, target_kind, target_id FROM agents WHERE tick = ?"
    " ORDER BY rowid"
)


@pytest.mark.parametrize("level", ["summary", "trades", "full"])
def test_agents_are_where_and_what_they_were(level: str) -> None:
    with Simulation(CANONICAL, 3, telemetry_level=level) as sim:
        for tick, state in states(sim, 25, agents_now).items():
            assert sim.telemetry.query(AGENTS, (tick,)) == state
        assert sim.telemetry.query("SELECT sum(gain) > 0 FROM agents WHERE tick = 24") == [(1,)]


def test_a_crowd_is_sampled_by_id() -> None:
    chosen = {i for i in range(1_200) if i * 37 % 1_200 < 37}
    with Simulation(CROWD, 1, telemetry_level="summary", snapshot_agents=37) as sim:
        assert len(chosen) == 37
        found = states(sim, 12, agents_now)
        for tick in (-1, 0, 10):
            wanted = [each for each in found[tick] if each[0] in chosen]
            assert sim.telemetry.query(AGENTS, (tick,)) == wanted
        assert ticks_of(sim, "agents") == [-1, 0, 10]
        assert sim.telemetry.query(
            "SELECT agents, snapshot_agents, snapshot_every, grid_width, grid_height, torus"
            " FROM runs"
        ) == [(1_200, 37, 10, CROWD["grid"]["width"], CROWD["grid"]["height"], 0)]


def test_wealth_is_money_and_goods_at_mean_prices_paid() -> None:
    with Simulation(CANONICAL, 3, telemetry_level="full") as sim:
        sim.run(60)
        rows = sim.telemetry.query("SELECT tick, agent_id, money, wealth FROM agents")
        trades = sim.telemetry.query("SELECT tick, commodity, quantity, price FROM trades")
        held: dict[tuple[int, int], dict[str, int]] = {}
        for tick, agent, good, lots in sim.telemetry.query(
            "SELECT tick, agent_id, commodity, quantity FROM agent_goods"
        ):
            held.setdefault((tick, agent), {})[good] = lots
    price: dict[int, dict[str, int]] = {}
    for now in range(-1, 60):
        price[now] = {}
        for good in ("A", "B"):
            paid = [(q, p) for tick, g, q, p in trades if tick <= now and g == good]
            if paid:
                mean = sum(q * p for q, p in paid) / sum(q for q, _ in paid)
                price[now][good] = round(mean)
    unknown = 0
    for tick, agent, money, wealth in rows:
        owned = {good: lots for good, lots in held[tick, agent].items() if lots}
        if owned.keys() <= price[tick].keys():
            assert wealth == money + sum(n * price[tick][good] for good, n in owned.items())
        else:
            assert wealth is None
            unknown += 1
    assert 40 <= unknown < len(rows) / 2


def test_where_a_good_pays_wealth_is_counted_in_it() -> None:
    document = scenario(
        group("traders", 20, [COBB_DOUGLAS]),
        money={"mode": "unit_of_account"},
        goods=["A", "B"],
    )
    with Simulation(document, 1, telemetry_level="full") as sim:
        sim.run(15)
        ((tick,),) = sim.telemetry.query("SELECT max(tick) FROM agents")
        ((paid, lots),) = sim.telemetry.query(
            "SELECT sum(quantity * price) * 1.0, sum(quantity) FROM trades WHERE commodity = 'A'"
        )
        assert lots > 0
        price, one = round(paid / lots), round(1 / sim.units.step_size)
        rows = sim.telemetry.query(
            "SELECT wealth, a.quantity, b.quantity FROM agents JOIN agent_goods AS a"
            " USING (tick, agent_id) JOIN agent_goods AS b USING (tick, agent_id)"
            " WHERE a.commodity = 'A' AND b.commodity = 'B' AND tick = ?",
            (tick,),
        )
        assert [w for w, _, _ in rows] == [a * price + b * one for _, a, b in rows]


def test_kinds_are_written_at_first_sight() -> None:
    document = scenario(
        group("smiths", 3, [LINEAR, COBB_DOUGLAS]), group("bakers", 2, [COBB_DOUGLAS])
    )
    with Simulation(document, 1, telemetry_level="summary") as sim:
        sim.run(2)
        sim.spawn("smiths", 2, position=[[1, 1], [2, 2]])
        sim.despawn([0])
        sim.run(2)
        rows = sim.telemetry.query(
            "SELECT tick, agent_id, population, family FROM agent_kinds ORDER BY rowid"
        )
        alive = sim.telemetry.query("SELECT agent_id FROM agents WHERE tick = 2")
    first = {ident: (tick, name) for tick, ident, name, _ in rows}
    assert first == {
        **dict.fromkeys((0, 1, 2), (-1, "smiths")),
        **dict.fromkeys((3, 4), (-1, "bakers")),
        **dict.fromkeys((5, 6), (2, "smiths")),
    }
    kinds = {ident: family for _, ident, _, family in rows}
    assert [kinds[ident] for ident in (0, 1, 2)] == ["linear", "cobb_douglas", "cobb_douglas"]
    # The born are copies of the lowest id.
    assert [kinds[ident] for ident in (3, 4, 5, 6)] == ["cobb_douglas"] * 2 + ["linear"] * 2
    assert [ident for (ident,) in alive] == [1, 2, 3, 4, 5, 6]


class Meetings(esper.Processor):
    """Note who bargains."""

    def __init__(self) -> None:
        self.met: list[tuple[int, int, int]] = []

    def process(self, world: World) -> None:
        """Note pairs by ids."""
        ids = {row: ident for ident, row in enumerate(world.agent_rows.tolist())}
        for first, second in world.scratch.bargains.row.tolist():
            self.met.append((world.tick, ids[first], ids[second]))


@pytest.mark.parametrize("agents", [None, 25])
def test_pairs_are_those_that_met(agents: int | None) -> None:
    meetings = Meetings()
    document = scenario(group("traders", 50, [COBB_DOUGLAS]), width=12, height=12)
    with Simulation(document, 1, snapshot_agents=agents, snapshot_every=2) as sim:
        sim.add_system(meetings, after="bargaining")
        sim.run(20)
        found = sim.telemetry.query("SELECT tick, first_id, second_id FROM pairs ORDER BY rowid")
    wanted = [each for each in meetings.met if each[0] % 2 == 0]
    if agents is not None:
        wanted = [each for each in wanted if each[1] % 2 == each[2] % 2 == 0]
    assert found == wanted
    assert len(wanted) > 3


def stocks(world: World) -> dict[int, int]:
    patches = world.only(ResourcePatches)
    assert patches is not None
    return {
        patch: int(
            amount_now(
                int(patches.amount[patch]),
                int(patches.touched[patch]),
                world.tick + 1,
                patches.regrowth_rate,
                patches.cooldown,
                patches.max_amount,
            )
        )
        for patch in range(len(patches.x))
    }


@pytest.mark.parametrize("most", [None, 20])
@pytest.mark.parametrize("name", ["two_markets_regrowth", "walrasian_two_markets"])
def test_patches_hold_what_their_last_row_says(
    name: str, most: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    if most is not None:
        monkeypatch.setattr(snapshots_module, "PATCHES", most)
    with Simulation(load_scenario(name), 1, telemetry_level="summary", snapshot_every=3) as sim:
        start = stocks(sim.world)
        found = states(sim, 40, stocks) | {-1: start}
        patches = sim.world.only(ResourcePatches)
        assert patches is not None
        rows = sim.telemetry.query(
            "SELECT tick, patch_id, x, y, commodity, capacity, stock FROM patches ORDER BY rowid"
        )
        goods = sim.world.settings.goods
    seen: dict[int, int] = {}
    for tick in (-1, *range(0, 40, 3)):
        fresh = {row[1]: row[6] for row in rows if row[0] == tick}
        assert all(seen.get(patch) != stock for patch, stock in fresh.items())
        seen |= fresh
        assert seen == {patch: found[tick][patch] for patch in seen}
    count = len(start)
    share = count if most is None else most
    assert sorted(seen) == [i for i in range(count) if i * share % count < share]
    assert len(rows) > len(seen)
    for _, patch, x, y, good, capacity, stock in rows:
        assert (x, y, good) == (patches.x[patch], patches.y[patch], goods[patches.good[patch]])
        assert 0 <= stock <= capacity
        grown = patches.max_amount if patches.regrowth_rate else 0
        assert capacity == max(grown, start[patch])


def test_a_regrowth_that_would_not_fit_is_no_trouble() -> None:
    one = np.zeros(1, np.int32)
    patches = ResourcePatches(
        x=one, y=one, good=one.astype(np.int8), amount=np.array([5]), touched=one,
        regrowth_rate=2**52, cooldown=0, max_amount=2**53,
    )  # fmt: skip
    for tick in (0, 1, 2, 3, 2**30):
        now = amount_now(5, 0, tick + 1, 2**52, 0, 2**53)
        assert snapshots_module.stock_after(patches, np.array([0]), tick).tolist() == [now]


def test_larger_snapshots_need_more_memory() -> None:
    plan = from_dict(bench.economy(100_000, 10))
    few, many = (footprint(plan, Level.SUMMARY, sampled).total for sampled in (0, 100_000))
    assert few < footprint(plan).total < many
