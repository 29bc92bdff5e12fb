"""What holds for few agents holds for a million, everything at work at once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import esper
import numpy as np
import pytest

from benchmarks.mixed import economy
from ecs_market import Simulation
from ecs_market.bench import forget_peak, resident
from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.utility import Utility
from ecs_market.components.visibility import Visibility
from ecs_market.preferences import cobb_douglas
from ecs_market.schedule import SCHEDULE
from ecs_market.types import I64
from ecs_market.world import World
from tests.oracles import worlds, worth
from tests.oracles.pairing import greedy_pairs
from tests.oracles.worlds import agents_of, posts_of
from tests.test_conservation import NOISE, Before, in_ground, owned, utility

pytestmark = pytest.mark.slow

AGENTS = 1_000_000
COME_AND_GO = 100_000
SAMPLE = 400
JUDGED = 3_000
MOST_MEMORY = 6 * 2**30


class After(esper.Processor):
    """Assert that the trades of a tick explain every change, and that nobody lost by them."""

    def __init__(self, before: Before) -> None:
        self.before = before
        self.trades = 0

    def process(self, world: World) -> None:
        """Compare holdings; whether somebody lost is looked at for some of those who traded."""
        goods, money = owned(world)
        ids = np.flatnonzero(world.agent_rows >= 0)
        place = np.cumsum(world.agent_rows >= 0) - 1
        expected, cash = self.before.goods.copy(), self.before.money.copy()
        reports = [*(each.trades() for each in world.scratch.clearings)]
        for each in (*reports, world.scratch.bargains.trades):
            assert (each.buyer != each.seller).all()
            assert (each.quantity > 0).all()
            assert (each.price > 0).all()
            buyer, seller = place[each.buyer], place[each.seller]
            for whom, sign in ((buyer, 1), (seller, -1)):
                np.add.at(expected, (whom, each.good), sign * each.quantity)
                np.add.at(cash, whom, -sign * each.quantity * each.price)
            self.trades += each.size
        assert (goods == expected).all()
        assert (money == cash).all()
        assert goods.min() >= 0
        assert money.min() >= 0
        changed = np.flatnonzero((goods != self.before.goods).any(axis=1))
        chosen = np.random.default_rng(world.tick).choice(changed, JUDGED, replace=False)
        weight = world.agents.whole(Utility).money_weight
        for index in chosen.tolist():
            row = int(world.agent_rows[ids[index]])
            old = utility(world, row, self.before.goods[index], int(self.before.money[index]))
            new = utility(world, row, goods[index], int(money[index]))
            held = float(self.before.money[index] + money[index]) * world.settings.minor_size
            size = abs(old) + abs(new) + held * float(weight[row])
            assert new >= old - NOISE * (1.0 + size), f"agent {ids[index]}: {old} -> {new}"


def check_books(sim: Simulation, ground: list[int], alive: I64) -> None:
    """Assert that every unit is accounted for, and that ids and rows belong together."""
    goods, money = owned(sim.world)
    held = [*goods.sum(axis=0).tolist(), int(money.sum())]
    for (name, entry), now in zip(sim.ledger().items(), held, strict=True):
        assert entry["markets"] == 0, name
        assert entry["current"] == now, name
        assert entry["initial"] + entry["harvest"] + entry["host"] == now, name
    harvest = [sim.ledger()[name]["harvest"] for name in sim.scenario.goods]
    left = in_ground(sim.world)
    assert [a + b for a, b in zip(harvest, left, strict=True)] == ground
    rows = sim.world.agent_rows
    assert (np.flatnonzero(rows >= 0) == alive).all()
    assert (sim.world.agents.whole(Identity).id[rows[alive]] == alive).all()
    assert len(np.unique(rows[alive])) == len(alive) == sim.world.agents.size


def come_and_go(sim: Simulation, alive: I64, generator: np.random.Generator) -> I64:
    """Let many die and be born; return who is alive then."""
    gone = generator.choice(alive, COME_AND_GO, replace=False)
    next_id = len(sim.world.agent_rows)
    before = sim.ledger()
    goods, money = owned(sim.world)
    place = np.searchsorted(alive, gone)
    taken = [*goods[place].sum(axis=0).tolist(), int(money[place].sum())]
    sim.despawn(gone)
    side, count = sim.scenario.grid.width, COME_AND_GO
    brought = generator.integers(5_000, 30_001, (count, 2)), generator.integers(0, 10**9, count)
    born = sim.spawn(
        "agents",
        count,
        position=generator.integers(0, side, (count, 2)),
        inventory={"goods": brought[0], "money": brought[1]},
    )
    # Nobody gets the id of somebody who has died.
    assert born.tolist() == list(range(next_id, next_id + count))
    given = [*brought[0].sum(axis=0).tolist(), int(brought[1].sum())]
    for index, (name, entry) in enumerate(sim.ledger().items()):
        assert entry["host"] - before[name]["host"] == given[index] - taken[index]
    return np.concatenate([np.setdiff1d(alive, gone), born])


def story(threads: int, level: str, seed: int | None = None) -> list[str]:
    """Run a million agents, of whom many die and are born; return the state's hashes.

    With a `seed` rows are put in another order between ticks.
    """
    generator = np.random.default_rng(11)
    shuffles = np.random.default_rng(seed)
    with Simulation(economy(AGENTS), 7, threads=threads, telemetry_level=level) as sim:
        before = Before()
        after = After(before)
        sim.add_system(before, after="order collection")
        sim.add_system(after, after="bargaining")
        ground, alive = in_ground(sim.world), np.arange(AGENTS, dtype=np.int64)
        hashes = [sim.state_hash()]
        for tick in range(4):
            sim.step()
            check_books(sim, ground, alive)
            if tick in (1, 2):
                alive = come_and_go(sim, alive, generator)
                check_books(sim, ground, alive)
            if seed is not None:
                worlds.shuffle(sim.world, shuffles)
            hashes.append(sim.state_hash())
        assert after.trades > AGENTS
        assert sim.ledger()["A"]["harvest"] > 0
        return hashes


def test_books_close_and_states_agree_whatever_threads_and_rows_do() -> None:
    forget_peak()
    plain = story(2, "summary")
    assert len(set(plain)) == len(plain)
    assert story(1, "off") == plain
    assert story(2, "off", seed=3) == plain
    peak = resident("VmHWM")
    assert peak is None or peak < MOST_MEMORY


# --- samples against plain Python -------------------------------------------------------------


@pytest.fixture
def searched() -> Iterator[World]:
    """A world with a past, just after everybody has looked around and chosen."""
    with Simulation(economy(AGENTS), 5, threads=2, telemetry_level="off") as sim:
        sim.run(2)
        come_and_go(sim, np.arange(AGENTS, dtype=np.int64), np.random.default_rng(3))
        worlds.shuffle(sim.world, np.random.default_rng(4))
        # Some have waited in vain for somebody, or for a patch, close by.
        barred, generator = sim.world.agents.whole(Barred), np.random.default_rng(5)
        shape = barred.until.shape
        barred.kind[:] = generator.integers(1, 4, shape)
        barred.target[:] = generator.integers(0, 1000, shape)
        barred.until[:] = 2 + generator.integers(0, 2, shape)
        sim.world.tick = sim.tick
        for phase, system in SCHEDULE:
            if phase in ("broadcast", "search"):
                system().process(sim.world)
        yield sim.world


def some(world: World, among: Any = None) -> list[int]:
    """Draw agents that are alive, by id; `among` is a mask of rows."""
    alive = world.agent_rows >= 0
    if among is not None:
        alive[alive] = among[world.agent_rows[alive]]
    drawn = np.random.default_rng(6).choice(np.flatnonzero(alive), SAMPLE, replace=False)
    found: list[int] = drawn.tolist()
    return found


def near(world: World, agent: Any, x: Any, y: Any) -> list[int]:
    """Return what lies within an agent's vision, by row, having looked at all there is."""
    found: list[int] = np.flatnonzero(
        np.abs(x.astype(np.int64) - agent.x) + np.abs(y.astype(np.int64) - agent.y) <= agent.vision
    ).tolist()
    return found


def test_partners_are_the_best_in_sight(searched: World) -> None:
    search, settings = searched.scratch.search, searched.settings
    place, end = searched.agents.whole(Position), searched.agents.end
    ids = searched.agents.whole(Identity).id
    sight = searched.agents.whole(Visibility).vision_radius

    def side(agent: worlds.Agent) -> worth.Side:
        return (
            search.rate[agent.row].tolist(),
            search.curvature[agent.row].tolist(),
            [float(np.float32(q)) for q in agent.goods],
            float(np.float32(agent.money)),
        )

    listed = 0
    for agent in agents_of(searched, some(searched)):
        seen = near(searched, agent, place.x[:end], place.y[:end])
        wanted = []
        for other in agents_of(searched, [int(ids[row]) for row in seen if row != agent.row]):
            way = worlds.distance(agent, other)
            assert agent.vision == int(sight[other.row])
            if (worth.PARTNER, other.ident) in agent.barred:
                continue
            total = settings.beta**way * worth.pair_total(side(agent), side(other))
            if total * 0.5 >= settings.min_value:
                wanted.append((-float(np.float32(total)), other.ident))
        wanted = sorted(wanted)[:8]
        count = int(search.candidates[agent.row])
        assert ids[search.candidate_row[agent.row, :count]].tolist() == [who for _, who in wanted]
        weights = [-weight for weight, _ in wanted]
        assert search.candidate_weight[agent.row, :count] == pytest.approx(weights, rel=1e-6)
        listed += count
    assert listed > SAMPLE


def test_posts_are_worth_exact_demand(searched: World) -> None:
    # The oracle knows the demand of this family in closed form.
    family = searched.agents.whole(Utility).family == cobb_douglas.CODE
    search, posts, visited = searched.scratch.search, posts_of(searched), 0
    for agent in agents_of(searched, some(searched, family)):
        values = {
            post.ident: worth.post_value(agent, post, searched.tick, searched.settings)
            for post in posts
        }
        best = max(values.values())
        assert search.market_value[agent.row] == pytest.approx(best, rel=1e-6)
        chosen = int(search.best_market[agent.row])
        assert chosen == -1 if best == 0 else values[chosen] == pytest.approx(best, rel=1e-6)
        visited += best > 0
    assert visited > SAMPLE // 4


def test_patches_are_worth_what_lies_there(searched: World) -> None:
    search, settings = searched.scratch.search, searched.settings
    patches = searched.only(ResourcePatches)
    assert patches is not None
    foraging = 0
    for agent in agents_of(searched, some(searched)):
        best, chosen = 0.0, -1
        for patch in near(searched, agent, patches.x, patches.y):
            if (worth.RESOURCE, patch) in agent.barred:
                continue
            way = abs(int(patches.x[patch]) - agent.x) + abs(int(patches.y[patch]) - agent.y)
            rate = float(search.rate[agent.row, patches.good[patch]])
            value = rate * int(patches.amount[patch]) * settings.lot_size * settings.beta**way
            if value >= settings.min_value and value > best:
                best, chosen = value, patch
        assert search.patch_value[agent.row] == pytest.approx(best, rel=1e-6)
        assert search.best_patch[agent.row] == chosen
        foraging += chosen >= 0
    assert foraging > SAMPLE // 4


def test_matching_is_the_greedy_one(searched: World) -> None:
    """The whole of it: what one pair does may decide about another far away."""
    search, tick = searched.scratch.search, searched.tick
    alive = np.flatnonzero(searched.agent_rows >= 0)
    rows = searched.agent_rows[alive]
    ids = searched.agents.whole(Identity).id
    seeks = search.choice_kind[rows] == PARTNER
    seekers, at = alive[seeks], rows[seeks]
    choices = dict(zip(seekers.tolist(), ids[search.choice_target[at]].tolist(), strict=True))
    counts = search.candidates[at].tolist()
    others = ids[search.candidate_row[at]].tolist()
    weights = search.candidate_weight[at].tolist()
    lists = {
        who: list(zip(weight[:count], other[:count], strict=True))
        for who, count, weight, other in zip(seekers.tolist(), counts, weights, others, strict=True)
    }
    barred = searched.agents.whole(Barred)
    bars = (barred.kind[at] == PARTNER) & (barred.until[at] > tick)
    leaves: dict[int, set[int]] = {}
    for place, slot in np.argwhere(bars).tolist():
        leaves.setdefault(int(seekers[place]), set()).add(int(barred.target[at[place], slot]))
    expected = greedy_pairs(lists, choices, leaves)
    for phase, system in SCHEDULE:
        if phase == "matching":
            system().process(searched)
    partner = searched.agents.whole(Pairing).partner[rows]
    paired = partner >= 0
    found = dict(zip(alive[paired].tolist(), partner[paired].tolist(), strict=True))
    assert found == expected
    assert len(found) > AGENTS // 10
    intent = searched.agents.whole(Intent)
    assert (intent.kind[rows[paired]] == PARTNER).all()
    assert (intent.target[rows[paired]] == partner[paired]).all()
