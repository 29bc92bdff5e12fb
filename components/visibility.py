"""How far agents see and posts reach."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.columns import column
from ecs_market.types import I32


@dataclass(slots=True)
class Visibility:
    """How far an agent sees agents and resources, and how far it can trade face to face."""

    vision_radius: I32 = column(np.int32, "cell")
    interaction_radius: I32 = column(np.int32, "cell")


@dataclass(slots=True)
class PostVisibility:
    """From how far a post is seen, joined and heard."""

    visibility_radius: I32 = column(np.int32, "cell")
    interaction_radius: I32 = column(np.int32, "cell")
    broadcast_radius: I32 = column(np.int32, "cell")
