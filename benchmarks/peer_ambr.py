"""The work of `peers.py` in ambr: columns, its `SpatialIndex`, one vectorised step for all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ambr
import numpy as np
from peer_work import VISION, Agents, best_partners, next_cells, run_peer


class Market(ambr.Model):
    """The traders as columns."""

    given: Agents

    def setup(self) -> None:
        """Add the traders."""
        given = self.given
        self.add_agents(len(given.x), x=given.x, y=given.y)
        self.best = np.full(len(given.x), -1)

    def step_vectorized(self) -> None:
        """Look and walk."""
        x, y = self.agents.x.to_numpy(), self.agents.y.to_numpy()
        places = np.column_stack((x, y)).astype(float)
        # It looks in a circle, which holds all that is as near along the streets.
        near = ambr.SpatialIndex().build(places).batch_query_radius(places, VISION)
        first = np.repeat(np.arange(len(x)), [len(others) for others in near])
        second = np.concatenate([np.asarray(others, np.int64) for others in near])
        self.best = best_partners(self.given, x, y, first, second)
        turn = self.rng.integers(0, 4, len(x))
        self.agents.x, self.agents.y = next_cells(self.given, x, y, self.best, turn)


def make(agents: Agents) -> tuple[Callable[[], None], Callable[[], Any]]:
    """Build the model; return what runs a tick, and what tells the best partners."""
    Market.given = agents
    model = Market({"steps": 1, "seed": 1, "show_progress": False})
    model.setup()
    return model.step_vectorized, lambda: model.best


if __name__ == "__main__":
    run_peer(make)
