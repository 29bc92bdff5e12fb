"""Agents choose among the best market, the best partner and the best patch."""

from __future__ import annotations

import esper

from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.kernels.choice import choose_targets
from ecs_market.scratch import PARTNER_SHARE
from ecs_market.settings import MIXED
from ecs_market.world import World


class Choose(esper.Processor):
    """Write each agent's choice; a pursuit is kept unless something else is better."""

    def process(self, world: World) -> None:
        """In the mixed regime draw between market and partner; weigh the winner and the patch."""
        search, settings = world.scratch.search, world.settings
        total = settings.centralized_weight + settings.bilateral_weight
        chance = settings.centralized_weight / total if settings.exchange_regime == MIXED else 1.0
        intent = world.agents.whole(Intent)
        for table in world.tables(Intent):
            world.over(
                table.start,
                table.stop,
                choose_targets,
                world.agents.whole(Identity).id,
                world.seed,
                world.tick,
                PARTNER_SHARE,
                chance,
                intent.kind,
                intent.target,
                intent.since,
                search.best_market,
                search.market_value,
                search.best_patch,
                search.patch_value,
                search.candidates,
                search.candidate_row,
                search.candidate_weight,
                search.choice_kind,
                search.choice_target,
                search.choice_value,
            )
