"""Posts publish their prices; confidence in them fades with age."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.market_post import MarketPost
from ecs_market.kernels.broadcast import write_confidence
from ecs_market.types import Bool
from ecs_market.world import World


class Broadcast(esper.Processor):
    """Write what each post broadcasts, and how far it is trusted at the post itself."""

    def process(self, world: World) -> None:
        """Forget expired prices; a post without any price broadcasts nothing."""
        info = world.settings.price_info
        post = world.posts.whole(MarketPost)
        age = world.tick - post.price_formed_at
        known = post.commodities & (post.current_prices > 0) & (age <= info.expire_after)
        price = np.where(known, world.settings.price(post.current_prices), 0.0)
        oldest = np.where(known, age, 0).max(axis=1, initial=0).astype(np.int64)
        world.scratch.heard_price = price
        world.scratch.confidence = np.zeros(len(oldest))
        priced: Bool = np.asarray(known.any(axis=1))
        write_confidence(
            priced,
            oldest,
            info.decays,
            info.half_life,
            info.floor,
            world.scratch.confidence,
        )
