"""Which pairs trade: those within the smaller of two radii, each once, whoever has paired them."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility
from ecs_market.scenario import from_dict
from ecs_market.systems.bargain import meetings
from tests.oracles.worlds import COBB_DOUGLAS, group, scenario

pytestmark = pytest.mark.kernel
SIDE = 12


@pytest.mark.parametrize("torus", [False, True])
def test_pairs_within_reach_meet_once(torus: bool) -> None:
    rng = np.random.default_rng(4)
    document = scenario(
        group("near", 80, [COBB_DOUGLAS]), group("far", 80, [COBB_DOUGLAS]), width=SIDE, height=SIDE
    )
    document["grid"]["torus"] = torus
    with Simulation(from_dict(document), threads=1) as sim:
        world = sim.world
        sim.step()
        n = world.agents.end
        ids = world.agents.whole(Identity).id[:n]
        position, intent = world.agents.whole(Position), world.agents.whole(Intent)
        reach = world.agents.whole(Visibility).interaction_radius
        partner, mate = world.agents.whole(Pairing).partner, world.scratch.search.mate
        position.x[:n], position.y[:n] = rng.integers(0, SIDE, (2, n))
        reach[:n] = rng.integers(0, 12, n)
        # Every agent of a permutation's first half is paired with one of its second half.
        order = rng.permutation(np.flatnonzero(world.agent_rows >= 0))
        for one, other in order.reshape(2, -1).T:
            for ident, its in ((one, other), (other, one)):
                row = world.agent_rows[ident]
                partner[row], intent.kind[row] = its, PARTNER
                # What matching has left may be right, of a tick before, or nothing at all.
                mate[row] = rng.choice([world.agent_rows[its], rng.integers(0, n), -1])
        alone = world.agent_rows[order[:10]]
        partner[alone], intent.kind[alone] = -1, 0
        expected = set()
        for row in range(n):
            if intent.kind[row] != PARTNER or partner[row] < ids[row]:
                continue
            other = int(world.agent_rows[partner[row]])
            gaps = [abs(int(axis[row]) - int(axis[other])) for axis in (position.x, position.y)]
            if torus:
                gaps = [min(gap, SIDE - gap) for gap in gaps]
            if sum(gaps) <= min(reach[row], reach[other]):
                expected.add((row, other))
        first, second = meetings(world)
    found = list(zip(first.tolist(), second.tolist(), strict=True))
    assert set(found) == expected
    assert len(found) == len(expected) > 5
