"""From options to intents: the regime's draw, pursuits, ties and second-best targets."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.pairing import Pairing
from ecs_market.kernels.choice import settle_intents
from ecs_market.kernels.philox import REGIME, uniform
from ecs_market.systems.choose import Choose
from ecs_market.world import World
from tests.oracles import worlds
from tests.oracles.pairing import IDLE, MARKET, PARTNER, RESOURCE, Options, choice, fallback
from tests.oracles.worlds import group, world_of

pytestmark = pytest.mark.kernel

AGENTS = 24
POST = {"location": [1, 1]}


def economy(*, seed: int = 3, **params: float) -> World:
    """Return a world in the mixed regime unless told otherwise."""
    return world_of(
        group("all", AGENTS), seed=seed, market_posts=[{**POST, "id": 0}], params=params
    )


def fill(world: World, generator: np.random.Generator) -> dict[int, Options]:
    """Write random options with many ties to the scratch and to the pursuits; return them."""
    search, intent = world.scratch.search, world.agents.whole(Intent)
    options = {}
    for ident, row in enumerate(world.agent_rows.tolist()):
        market, patch = generator.choice([0.0, 0.5, 1.0], 2)
        others = generator.permutation([o for o in range(AGENTS) if o != ident])[:3].tolist()
        weights = sorted(generator.choice([1.0, 2.0], generator.integers(0, 4)), reverse=True)
        search.best_market[row] = generator.integers(3) if market else -1
        search.best_patch[row] = generator.integers(3) if patch else -1
        search.market_value[row], search.patch_value[row] = market, patch
        search.candidates[row] = len(weights)
        for slot, weight in enumerate(weights):
            search.candidate_row[row, slot] = world.agent_rows[others[slot]]
            search.candidate_weight[row, slot] = weight
        kind = int(generator.integers(0, 4))
        targets = [[-1], [0, 1, 2], others, [0, 1, 2]][kind]
        intent.kind[row], intent.target[row] = kind, generator.choice(targets)
        intent.since[row] = -1 if kind == IDLE or generator.random() < 0.2 else world.tick - 3
        intent.waited[row] = 4
        options[ident] = Options(
            (float(market), int(search.best_market[row])),
            (float(patch), int(search.best_patch[row])),
            [(float(w), o) for w, o in zip(weights, others, strict=False)],
            (kind, int(intent.target[row])) if intent.since[row] >= 0 else None,
        )
    return options


def settle(world: World) -> None:
    """Turn choices into intents."""
    search, intent = world.scratch.search, world.agents.whole(Intent)
    settle_intents(
        0,
        AGENTS,
        world.tick,
        world.agents.whole(Identity).id,
        search.mate,
        world.agents.whole(Pairing).partner,
        search.best_market,
        search.market_value,
        search.best_patch,
        search.patch_value,
        search.choice_kind,
        search.choice_target,
        search.choice_value,
        intent.kind,
        intent.target,
        intent.value,
        intent.since,
        intent.waited,
    )


@pytest.mark.parametrize("seed", range(6))
def test_choices_follow_the_rules(seed: int) -> None:
    generator = np.random.default_rng(seed)
    world = economy(seed=seed, centralized_weight=0.7, bilateral_weight=0.3)
    worlds.shuffle(world, generator)
    world.tick = 20
    options = fill(world, generator)
    intent, search = world.agents.whole(Intent), world.scratch.search
    began = {ident: int(intent.since[row]) for ident, row in enumerate(world.agent_rows)}
    Choose().process(world)
    wanted = {}
    for ident, row in enumerate(world.agent_rows.tolist()):
        since = began[ident] if began[ident] >= 0 else world.tick
        draw = uniform(seed, 0, since, ident, REGIME)
        value, target = choice(options[ident], draw < 0.7)
        chosen = (int(search.choice_kind[row]), int(search.choice_target[row]))
        if chosen[0] == PARTNER:
            chosen = (PARTNER, int(world.agents.whole(Identity).id[chosen[1]]))
        assert chosen == target
        assert search.choice_value[row] == value
        wanted[ident] = (value, target)
    # Half of those that want a partner get one, perhaps another than they wanted.
    seekers = [ident for ident, (_, target) in wanted.items() if target[0] == PARTNER]
    pairs = generator.permutation(seekers)[: len(seekers) // 4 * 2].reshape(-1, 2)
    partner, rows = world.agents.whole(Pairing).partner, world.agent_rows
    search.mate[:] = -2
    for a, b in pairs:
        search.mate[rows[a]], search.mate[rows[b]] = rows[b], rows[a]
    settle(world)
    for ident, row in enumerate(world.agent_rows.tolist()):
        target = wanted[ident][1]
        if partner[row] >= 0:
            target = (PARTNER, int(partner[row]))
        elif target[0] == PARTNER:
            value, target = fallback(options[ident])
            assert intent.value[row] == value
        assert (intent.kind[row], intent.target[row]) == target
        if target == options[ident].pursued:
            assert (intent.since[row], intent.waited[row]) == (began[ident], 4)
        else:
            assert intent.since[row] == (world.tick if target[0] != IDLE else -1)
            assert intent.waited[row] == 0


def test_the_draw_lasts_as_long_as_the_pursuit() -> None:
    world = economy(seed=11)
    search, intent = world.scratch.search, world.agents.whole(Intent)
    rows = world.agent_rows
    search.best_market[rows], search.market_value[rows] = 0, 1.0
    search.candidates[rows], search.candidate_weight[rows, 0] = 1, 2.0
    search.candidate_row[rows, 0] = np.roll(rows, 1)

    def drawn(tick: int) -> list[int]:
        world.tick = tick
        Choose().process(world)
        kinds: list[int] = search.choice_kind[rows].tolist()
        return kinds

    fresh = [drawn(tick) for tick in range(12)]
    shares = np.mean(np.array(fresh) == MARKET)
    assert 0.35 < shares < 0.65
    assert len({tuple(kinds) for kinds in fresh}) == 12
    # A pursuit of whatever kind began in tick 5: every later draw is that of tick 5.
    intent.since[rows], intent.kind[rows], intent.target[rows] = 5, RESOURCE, 0
    assert all(drawn(tick) == fresh[5] for tick in (6, 7, 11))
    intent.since[rows] = -1
    assert drawn(7) == fresh[7]


@pytest.mark.parametrize(
    ("params", "kind"),
    [
        ({"centralized_weight": 1.0, "bilateral_weight": 0.0}, MARKET),
        ({"centralized_weight": 0.0, "bilateral_weight": 2.0}, PARTNER),
    ],
)
def test_weights_of_zero_decide(params: dict[str, float], kind: int) -> None:
    world = economy(seed=3, **params)
    search, rows = world.scratch.search, world.agent_rows
    search.best_market[rows], search.market_value[rows] = 0, 0.01
    search.candidates[rows], search.candidate_weight[rows, 0] = 1, 0.02
    search.candidate_row[rows, 0] = np.roll(rows, 1)
    for world.tick in range(20):
        Choose().process(world)
        assert (search.choice_kind[rows] == kind).all()
