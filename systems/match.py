"""Agents that want a partner are paired; the others go for what they found besides."""

from __future__ import annotations

import esper

from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.pairing import Pairing
from ecs_market.kernels.choice import settle_intents
from ecs_market.mechanisms.matching import MATCHINGS
from ecs_market.world import World


class Match(esper.Processor):
    """Pair agents by the matching protocol and settle everybody's intent."""

    def process(self, world: World) -> None:
        """Pair, then send those without a partner to their second-best targets."""
        pairing, intent = world.agents.whole(Pairing), world.agents.whole(Intent)
        search = world.scratch.search
        MATCHINGS[world.settings.matching](world)
        for table in world.tables(Intent, Pairing):
            world.over(
                table.start,
                table.stop,
                settle_intents,
                world.tick,
                world.agents.whole(Identity).id,
                search.mate,
                pairing.partner,
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
