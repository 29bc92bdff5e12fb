"""Posts publish their prices; confidence in them fades with age."""

from __future__ import annotations

import esper
import numpy as np

from ecs_market.components.market_post import MarketPost
from ecs_market.kernels.elementary import exp
from ecs_market.types import F64
from ecs_market.world import World

LN_2 = 0.6931471805599453


class Broadcast(esper.Processor):
    """Write what each post broadcasts, and how far it is trusted at the post itself."""

    def process(self, world: World) -> None:
        """Forget expired prices; a post without any price broadcasts nothing."""
        info = world.settings.price_info
        post = world.posts.whole(MarketPost)
        age = world.tick - post.price_formed_at
        known = post.commodities & (post.current_prices > 0) & (age <= info.expire_after)
        price = np.where(known, world.settings.price(post.current_prices), 0.0)
        trust = _confidence(info.decays, info.half_life, info.expire_after, info.floor)
        oldest = np.where(known, age, 0).max(axis=1, initial=0)
        world.scratch.heard_price = price
        world.scratch.confidence = np.where(known.any(axis=1), trust[oldest], 0.0)


def _confidence(decays: bool, half_life: float, expire_after: int, floor: float) -> F64:
    """Return confidence by age: halved every half-life, never under the floor."""
    ages = np.arange(expire_after + 1)
    if not decays:
        return np.ones(len(ages))
    return np.array([max(floor, exp(-LN_2 * float(age) / half_life)) for age in ages])
