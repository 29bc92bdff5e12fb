"""Pairing equals mutual first choices followed by sequential greedy matching."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import IDLE, MARKET, PARTNER, Intent
from ecs_market.components.visibility import Visibility
from ecs_market.kernels.philox import PAIR, uniform
from ecs_market.mechanisms.matching import greedy_surplus, random_pairs, three_pass
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.choose import Choose
from ecs_market.systems.index_traders import IndexTraders
from ecs_market.systems.match import Match
from ecs_market.systems.search_partners import SearchPartners
from ecs_market.world import World
from tests.oracles import worlds
from tests.oracles.pairing import edges_between, greedy_pairs, heaviest_first
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, group, world_of

pytestmark = pytest.mark.kernel

AGENTS = 26
SLOTS = 8


def lists_of(world: World) -> dict[int, list[tuple[float, int]]]:
    """Return each agent's candidates as (weight, id)."""
    search, ids = world.scratch.search, {row: i for i, row in enumerate(world.agent_rows.tolist())}
    return {
        ident: [
            (float(search.candidate_weight[row, slot]), ids[int(search.candidate_row[row, slot])])
            for slot in range(search.candidates[row])
        ]
        for ident, row in enumerate(world.agent_rows.tolist())
    }


def seekers_of(world: World) -> dict[int, int]:
    """Return the choice of each agent that wants a partner."""
    search = world.scratch.search
    return {
        ident: int(world.agents.whole(Identity).id[search.choice_target[row]])
        for ident, row in enumerate(world.agent_rows.tolist())
        if search.choice_kind[row] == PARTNER
    }


def bars_of(world: World) -> dict[int, set[int]]:
    """Return whom each agent leaves alone."""
    return {
        agent.ident: {target for kind, target in agent.barred if kind == PARTNER}
        for agent in worlds.agents_of(world)
    }


def partners_of(world: World) -> dict[int, int]:
    """Return who is paired with whom, having checked that it is a matching."""
    mate, ids = world.scratch.search.mate, world.agents.whole(Identity).id
    found = {
        ident: int(ids[mate[row]])
        for ident, row in enumerate(world.agent_rows.tolist())
        if mate[row] >= 0
    }
    assert all(found[other] == ident != other for ident, other in found.items())
    assert set(found) <= set(seekers_of(world))
    return found


def fill(world: World, seed: int, density: float, levels: int) -> None:
    """Write a random graph with few distinct weights as the agents' best-eight lists."""
    generator = np.random.default_rng(seed)
    count = len(world.agent_rows)
    weight = np.triu(generator.integers(1, levels + 1, (count, count)), 1).astype(np.float32)
    weight *= generator.random((count, count)) < density
    weight += weight.T
    search, barred = world.scratch.search, world.agents.whole(Barred)
    barred.kind[:], barred.target[:], barred.until[:] = PARTNER, -1, 0
    world.barred_until = world.tick + 3
    search.overlooked[:] = True
    for row in world.agent_rows.tolist():
        if generator.random() < 0.4:
            kind = PARTNER if generator.random() < 0.8 else MARKET
            barred.kind[row], barred.target[row] = kind, generator.integers(count)
            barred.until[row] = world.tick + generator.integers(0, 3)
    leaves = bars_of(world)
    for ident, row in enumerate(world.agent_rows.tolist()):
        found = sorted(
            (-float(weight[ident, other]), other)
            for other in range(count)
            if weight[ident, other] > 0 and other not in leaves[ident]
        )[:SLOTS]
        search.candidates[row] = len(found)
        search.choice_kind[row], search.choice_target[row] = IDLE, -1
        for slot, (minus, other) in enumerate(found):
            search.candidate_row[row, slot] = world.agent_rows[other]
            search.candidate_weight[row, slot] = -minus
        if found and generator.random() < 0.85:
            # Of equally good ones, one that was pursued already may come first.
            equal = [other for minus, other in found if minus == found[0][0]]
            search.choice_kind[row] = PARTNER
            search.choice_target[row] = world.agent_rows[generator.choice(equal[:2])]
        elif found:
            search.choice_kind[row], search.choice_target[row] = MARKET, 0


def seed_weights(world: World, seed: int, levels: int) -> dict[tuple[int, int], float]:
    """Write another symmetric weight for each edge of the lists; return it by lower, higher id."""
    search = world.scratch.search
    search.candidate_surplus = np.zeros(search.candidate_weight.shape, np.float32)
    ids = {row: ident for ident, row in enumerate(world.agent_rows.tolist())}
    weight = {}
    for row, ident in ids.items():
        for slot in range(search.candidates[row]):
            other = ids[int(search.candidate_row[row, slot])]
            pair = (min(ident, other), max(ident, other))
            draw = np.random.default_rng([seed, *pair]).integers(1, levels + 1)
            weight[pair] = float(draw)
            search.candidate_surplus[row, slot] = draw
    return weight


def empty_world() -> World:
    """Return a world of two populations that may pair across."""
    return world_of(group("one", AGENTS // 2), group("two", AGENTS - AGENTS // 2))


WORLD = empty_world()


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    density=st.sampled_from([0.05, 0.15, 0.4, 1.0]),
    levels=st.sampled_from([1, 2, 5, 1000]),
)
def test_three_pass_is_sequential_greedy(seed: int, density: float, levels: int) -> None:
    WORLD.tick = 5
    worlds.shuffle(WORLD, np.random.default_rng(seed))
    fill(WORLD, seed, density, levels)
    three_pass(WORLD)
    found = partners_of(WORLD)
    assert found == greedy_pairs(lists_of(WORLD), seekers_of(WORLD), bars_of(WORLD))


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    seed=st.integers(0, 2**32 - 1),
    density=st.sampled_from([0.05, 0.15, 0.4, 1.0]),
    levels=st.sampled_from([1, 2, 5, 1000]),
    chance=st.booleans(),
)
def test_other_weights_are_matched_by_sequential_greedy(
    seed: int, density: float, levels: int, chance: bool
) -> None:
    WORLD.tick, WORLD.seed = 5, seed
    generator = np.random.default_rng(seed)
    worlds.shuffle(WORLD, generator)
    fill(WORLD, seed, density, 5)
    weight = seed_weights(WORLD, seed, levels)
    intent, pursued = WORLD.agents.whole(Intent), set()
    intent.since[:] = -1
    if chance:
        weight = {
            pair: float(np.float32(uniform(seed, pair[1], 5, pair[0], PAIR))) for pair in weight
        }
        # Pairs that are on their way to each other stay together.
        for a, b in list(weight)[::5]:
            rows = WORLD.agent_rows[[a, b]]
            if (intent.since[rows] < 0).all():
                intent.kind[rows], intent.since[rows], intent.target[rows] = PARTNER, 3, [b, a]
                pursued.add((a, b))
    (random_pairs if chance else greedy_surplus)(WORLD)
    found = partners_of(WORLD)
    edges = {
        (-(2.0 if (a, b) in pursued else weight[a, b]), a, b)
        for _, a, b in edges_between(lists_of(WORLD), seekers_of(WORLD), bars_of(WORLD))
    }
    assert found == heaviest_first(edges, {})


def test_random_pairing_is_even() -> None:
    """Of four agents that all suit each other, each of the three ways to pair is as likely."""
    world = world_of(group("all", 4), seed=3)
    search, rows = world.scratch.search, world.agent_rows
    for row in rows:
        others = [other for other in rows if other != row]
        search.candidates[row], search.candidate_row[row, :3] = 3, others
        search.candidate_weight[row, :3] = [3.0, 2.0, 1.0]
        search.choice_kind[row], search.choice_target[row] = PARTNER, others[0]
    counts = np.zeros(4, np.int64)
    for world.tick in range(1500):
        random_pairs(world)
        found = partners_of(world)
        assert len(found) == 4
        counts[found[0]] += 1
    assert counts[0] == 0
    # Three standard deviations of a binomial count.
    assert np.abs(counts[1:] - 500).max() < 3 * np.sqrt(1500 * 2 / 9)


def test_nobody_seeks() -> None:
    WORLD.scratch.search.choice_kind[:] = IDLE
    seed_weights(WORLD, 0, 1)
    for protocol in (three_pass, greedy_surplus, random_pairs):
        WORLD.scratch.search.mate[:] = 0
        protocol(WORLD)
        assert partners_of(WORLD) == {}


@pytest.mark.parametrize("seed", range(6))
def test_who_is_overlooked_in_a_crowd_is_paired_all_the_same(seed: int) -> None:
    """Whom a full list leaves out is told; the list is full in a crowd alone."""
    world = world_of(
        group("all", 70, [LINEAR, COBB_DOUGLAS], inventories={"A": [1, 9], "B": [1, 9], "M": 20}),
        seed=seed,
        width=9,
        height=7,
        params={"vision_radius": [3, 9][seed % 2]},
    )
    for system in (Appraise, IndexTraders, SearchPartners, Choose):
        system().process(world)
    lists, overlooked = lists_of(world), world.scratch.search.overlooked
    full = {ident for ident, found in lists.items() if len(found) == SLOTS}
    suitors = {
        ident
        for ident, found in lists.items()
        for _, other in found
        if other in full and ident not in [each for _, each in lists[other]]
    }
    assert suitors
    assert overlooked[world.agent_rows[list(suitors)]].all()
    three_pass(world)
    assert partners_of(world) == greedy_pairs(lists, seekers_of(world), {})
    world.agents.whole(Visibility).vision_radius[:] = 0
    for system in (IndexTraders, SearchPartners):
        system().process(world)
    assert (world.scratch.search.candidates < SLOTS).all()
    assert not overlooked.any()


def test_a_full_list_does_not_hide_its_suitors() -> None:
    """Eight better candidates that are all taken leave the ninth."""
    world = world_of(group("all", 18))
    search = world.scratch.search
    search.overlooked[world.agent_rows[17]] = True
    # Agent 0 likes 1..8 best, each of which prefers its own 9..16; only 17 lists agent 0 in vain.
    edges = {(0, other): 5.0 for other in range(1, 9)}
    edges |= {(other, other + 8): 9.0 for other in range(1, 9)}
    edges[0, 17] = 1.0
    for agent in range(18):
        found = sorted(
            (-weight, sum(edge) - agent) for edge, weight in edges.items() if agent in edge
        )[:SLOTS]
        row = world.agent_rows[agent]
        search.candidates[row] = len(found)
        for slot, (minus, other) in enumerate(found):
            search.candidate_row[row, slot] = world.agent_rows[other]
            search.candidate_weight[row, slot] = -minus
        search.choice_kind[row] = PARTNER
        search.choice_target[row] = world.agent_rows[found[0][1]]
    assert 17 not in [other for _, other in lists_of(world)[0]]
    three_pass(world)
    assert len(partners_of(world)) == 18
    assert partners_of(world)[0] == 17


@pytest.mark.parametrize("seed", range(4))
def test_pairs_of_a_whole_search(seed: int) -> None:
    """The same from search to match, in a crowd where lists are full and many agents are alike."""
    generator = np.random.default_rng(seed)
    world = world_of(
        group("mixed", 20, vision_radius=4),
        group("alike", 16, [LINEAR], inventories={"A": 4, "B": 4, "M": 20}),
        group("others", 12, [COBB_DOUGLAS], inventories={"A": 6, "B": 2, "M": 20}),
        group("hermits", 3, components=["Mobility"]),
        seed=seed,
        width=8,
        height=7,
    )
    worlds.shuffle(world, generator)
    for system in (Appraise, IndexTraders, SearchPartners, Choose):
        system().process(world)
    expected = greedy_pairs(lists_of(world), seekers_of(world), bars_of(world))
    Match().process(world)
    found = partners_of(world)
    assert found == expected
    assert len(found) > 20
    check_targets(world, found)


@pytest.mark.parametrize("seed", range(3))
def test_surplus_is_not_discounted(seed: int) -> None:
    """From search to match: the pair that gains most, near or far, comes first."""
    world = world_of(
        group("mixed", 24, vision_radius=9),
        group("others", 20, [COBB_DOUGLAS], inventories={"A": 6, "B": 2, "M": 20}, vision_radius=9),
        seed=seed,
        params={"beta": 0.7},
        protocols={"matching": "greedy_surplus"},
    )
    worlds.shuffle(world, np.random.default_rng(seed))
    for system in (Appraise, IndexTraders, SearchPartners, Choose):
        system().process(world)
    search, agents = world.scratch.search, worlds.agents_of(world)
    ident = {agent.row: agent.ident for agent in agents}
    weight = {}
    for agent in agents:
        for slot in range(search.candidates[agent.row]):
            other = agents[ident[int(search.candidate_row[agent.row, slot])]]
            total = float(search.candidate_surplus[agent.row, slot])
            near = total * 0.7 ** worlds.distance(agent, other)
            assert search.candidate_weight[agent.row, slot] == pytest.approx(near, rel=1e-6)
            weight[min(agent.ident, other.ident), max(agent.ident, other.ident)] = total
    edges = edges_between(lists_of(world), seekers_of(world), bars_of(world))
    expected = heaviest_first({(-weight[a, b], a, b) for _, a, b in edges}, {})
    Match().process(world)
    found = partners_of(world)
    assert found == expected
    assert found != greedy_pairs(lists_of(world), seekers_of(world), bars_of(world))
    check_targets(world, found)


def check_targets(world: World, found: dict[int, int]) -> None:
    """Check that pairs are after each other, and in sight."""
    agents = {agent.ident: agent for agent in worlds.agents_of(world)}
    for ident, other in found.items():
        assert agents[ident].pursued == (PARTNER, other)
        assert worlds.distance(agents[ident], agents[other]) <= agents[ident].vision
