"""The two-market economy: it trades in every way, and nobody gets stuck."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation, load_scenario
from ecs_market.components.intent import MARKET, PARTNER, Intent
from ecs_market.components.market_post import MarketPost
from ecs_market.components.pairing import Pairing
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility

TICKS = 200
QUICK = range(1, 6)
# Ticks that a pair may take without coming nearer; it must wait for nobody.
STILL = 2


class Watch:
    """Looks for pairs that never meet and for posts that stay mute."""

    def __init__(self) -> None:
        self.apart: dict[tuple[int, int], tuple[int, int]] = {}
        self.visited: set[int] = set()
        self.most_still = 0

    def look(self, sim: Simulation) -> None:
        """Check the state after a tick."""
        world = sim.world
        rows = world.agent_rows
        intent, position = world.agents.whole(Intent), world.agents.whole(Position)
        partner = world.agents.whole(Pairing).partner[rows]
        reach = world.agents.whole(Visibility).interaction_radius[rows]
        x, y = position.x[rows].astype(int), position.y[rows].astype(int)
        found: dict[tuple[int, int], tuple[int, int]] = {}
        for one in np.flatnonzero(partner >= 0).tolist():
            other = int(partner[one])
            assert partner[other] == one
            assert intent.kind[rows[one]] == PARTNER
            assert intent.target[rows[one]] == other
            distance = abs(int(x[one] - x[other])) + abs(int(y[one] - y[other]))
            if one < other and distance > min(reach[one], reach[other]):
                before, still = self.apart.get((one, other), (distance + 1, 0))
                still = still + 1 if distance >= before else 0
                found[one, other] = (min(before, distance), still)
                self.most_still = max(self.most_still, still)
        self.apart = found
        at_post = world.scratch.at_post[rows]
        for row in set(at_post[at_post >= 0].tolist()):
            post = world.posts.whole(MarketPost)
            assert (post.current_prices[row][post.commodities[row]] >= 1).all(), f"post row {row}"
            self.visited.add(row)
        assert not ((at_post >= 0) & (intent.kind[rows] != MARKET)).any()


def run(seed: int) -> tuple[dict[str, Any], Watch]:
    """Run the scenario under watch; return its summary."""
    watch = Watch()
    with Simulation(load_scenario("walrasian_two_markets"), seed, telemetry_level="off") as sim:
        sim.run(TICKS, watch.look)
        return sim.summary(), watch


def check(seeds: range) -> None:
    """Check what must hold in every run, and in one of them."""
    second = 0
    for seed in seeds:
        summary, watch = run(seed)
        assert summary["market_trades"] > 0, seed
        assert summary["bilateral_trades"] > 0, seed
        assert summary["market_gain"] > 0, seed
        assert summary["bilateral_gain"] > 0, seed
        assert summary["posts"][0]["clears"] >= 5, seed
        assert watch.most_still <= STILL, seed
        assert watch.visited, seed
        second += summary["posts"][1]["clears"]
        for post in summary["posts"]:
            assert all(price > 0 for price in post["prices"].values()), seed
    assert second > 0


def test_a_few_runs() -> None:
    check(QUICK)


@pytest.mark.slow
def test_twenty_runs() -> None:
    check(range(1, 21))


@pytest.mark.parametrize("budget", [0, 1, 2, 3])
@pytest.mark.parametrize("reach", [0, 1, 2])
def test_a_pair_that_sees_each_other_meets(budget: int, reach: int) -> None:
    """Whatever the parity of the way and the steps, two agents who can trade do."""
    for gap in range(1, 8):
        cells = [[1, 1], [1 + (gap + 1) // 2, 1 + gap // 2]]
        scenario = {
            "grid": {"width": 12, "height": 12},
            "params": {
                "vision_radius": 8,
                "interaction_radius": reach,
                "idle": "stay",
                "patience_ticks": 50,
            },
            "goods": ["A"],
            "populations": [
                {
                    "name": name,
                    "count": 1,
                    "initial_positions": {"cells": [cell]},
                    "inventories": {"A": 10 if name == "seller" else 0, "M": 100},
                    "utilities": [
                        {"type": "linear", "weights": [1.0 if name == "seller" else 3.0]}
                    ],
                    "move_budget_per_tick": budget if name == "seller" else 2,
                }
                for name, cell in zip(("seller", "buyer"), cells, strict=True)
            ],
        }
        with Simulation(scenario, 1, telemetry_level="off") as sim:
            sim.run(12)
            assert sim.summary()["bilateral_trades"] > 0, (budget, reach, gap)
