"""The work of `peers.py` in mesa-frames: data frames on a `GridPolars`, joined cell by cell."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
from mesa_frames import AgentSetPolars, GridPolars, ModelDF
from peer_work import VISION, Agents, best_partners, next_cells, run_peer


class Traders(AgentSetPolars):
    """The traders as a data frame."""

    def __init__(self, model: Market, given: Agents) -> None:
        super().__init__(model)
        self.given = given
        self.best = np.full(len(given.x), -1)
        # Its own neighbourhoods are stars beyond a radius of 1, so that cells are named here.
        ways = range(-VISION, VISION + 1)
        seen = [(dx, dy) for dx in ways for dy in ways if 0 <= abs(dx) + abs(dy) <= VISION]
        self.ways = pl.DataFrame(seen, schema=["dx", "dy"], orient="row")
        self += pl.DataFrame({"unique_id": np.arange(len(given.x))})

    def step(self) -> None:
        """Look and walk."""
        place = self.model.space.agents.sort("agent_id")
        around = place.join(self.ways, how="cross").with_columns(
            dim_0=pl.col("dim_0") + pl.col("dx"), dim_1=pl.col("dim_1") + pl.col("dy")
        )
        pairs = around.join(place, on=["dim_0", "dim_1"], suffix="_seen")
        x, y = place["dim_0"].to_numpy(), place["dim_1"].to_numpy()
        first, second = pairs["agent_id"].to_numpy(), pairs["agent_id_seen"].to_numpy()
        self.best = best_partners(self.given, x, y, first, second)
        turn = self.random.integers(0, 4, len(x))
        x, y = next_cells(self.given, x, y, self.best, turn)
        self.model.space.move_agents(place["agent_id"], pl.DataFrame({"dim_0": x, "dim_1": y}))


class Market(ModelDF):
    """The grid and its traders."""

    def __init__(self, given: Agents) -> None:
        super().__init__(seed=1)
        self.space = GridPolars(self, [given.width, given.height])
        self.traders = Traders(self, given)
        self.agents += self.traders
        places = pl.DataFrame({"dim_0": given.x, "dim_1": given.y})
        self.space.place_agents(self.traders["unique_id"], places)


def make(agents: Agents) -> tuple[Callable[[], None], Callable[[], Any]]:
    """Build the model; return what runs a tick, and what tells the best partners."""
    model = Market(agents)
    return model.step, lambda: model.get_agents_of_type(Traders).best


if __name__ == "__main__":
    run_peer(make)
