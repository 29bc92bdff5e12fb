"""A grid without edges: distances, neighbourhoods, whole runs that may be moved about."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import Simulation
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.position import Position
from ecs_market.kernels.posts import cover_tiles, tile_gap
from ecs_market.kernels.spatial import TILE_SHIFT, apart, tile_spans, way
from ecs_market.settings import OPEN
from tests.oracles.walking import Cell, gap
from tests.oracles.worlds import COBB_DOUGLAS, LINEAR, group, scenario
from tests.strategies import LIVELY, random_scenario
from tests.test_jit_off import interpreted
from tests.test_reproducible import everything_at_once


@pytest.mark.kernel
def test_distances_and_ways_on_one_axis() -> None:
    for period in range(1, 12):
        for a, b in itertools.product(range(period), repeat=2):
            signed = [b - a + turn * period for turn in (-1, 0, 1)]
            shortest = min(abs(each) for each in signed)
            assert apart(a, b, period) == shortest
            assert apart(a, b, OPEN) == abs(a - b)
            assert way(a, b, OPEN) == b - a
            # Of two ways that are as long, the positive one.
            assert way(a, b, period) == max(each for each in signed if abs(each) == shortest)


@pytest.mark.kernel
def test_a_neighbourhood_is_covered_by_tiles_that_come_once() -> None:
    for length in range(1, 26):
        tiles = (length >> TILE_SHIFT) + 1
        for at, sight, wraps in itertools.product(range(length), range(30), (False, True)):
            period = length if wraps else OPEN
            first, last, first_2, last_2 = tile_spans(at, sight, tiles, period, TILE_SHIFT)
            found = [*range(first, last + 1), *range(first_2, last_2 + 1)]
            assert len(set(found)) == len(found)
            assert all(0 <= tile < tiles for tile in found)
            seen = {
                cell >> TILE_SHIFT for cell in range(length) if apart(at, cell, period) <= sight
            }
            assert seen <= set(found)
            for tile in range(tiles):
                cells = [c for c in range(tile << TILE_SHIFT, tile + 1 << TILE_SHIFT) if c < length]
                if cells:
                    nearest = min(apart(at, cell, period) for cell in cells)
                    assert tile_gap(at, tile, period, TILE_SHIFT) == nearest


@pytest.mark.kernel
@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    size=st.tuples(st.integers(1, 15), st.integers(1, 15)),
    places=st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14), st.integers(0, 20))),
    torus=st.booleans(),
    shift=st.integers(TILE_SHIFT, TILE_SHIFT + 3),
)
def test_a_post_is_listed_once_in_each_tile_it_reaches(
    size: Cell, places: list[tuple[int, int, int]], torus: bool, shift: int
) -> None:
    x = np.array([px % size[0] for px, _, _ in places], np.int32)
    y = np.array([py % size[1] for _, py, _ in places], np.int32)
    reach = np.array([far for _, _, far in places], np.int32)
    tiles, side = ((size[0] >> shift) + 1, (size[1] >> shift) + 1), 1 << shift
    period = size if torus else (OPEN, OPEN)
    counts = np.zeros(tiles[0] * tiles[1] + 1, np.int32)
    rows = np.arange(len(places))
    cover_tiles(rows, x, y, reach, *tiles, shift, counts, False, np.empty(0, np.int32), *period)
    starts = np.cumsum(counts, dtype=np.int32)
    listed = np.empty(starts[-1], np.int32)
    cover_tiles(rows, x, y, reach, *tiles, shift, starts[:-1].copy(), True, listed, *period)
    for tile in range(tiles[0] * tiles[1]):
        here = listed[starts[tile] : starts[tile + 1]].tolist()
        corner = (tile % tiles[0] * side, tile // tiles[0] * side)
        cells = [
            (cx, cy)
            for cx in range(corner[0], min(corner[0] + side, size[0]))
            for cy in range(corner[1], min(corner[1] + side, size[1]))
        ]
        near = [
            post
            for post in rows.tolist()
            if any(
                gap((int(x[post]), int(y[post])), cell, size if torus else None) <= reach[post]
                for cell in cells
            )
        ]
        assert [post for post in here if post in near] == near
        assert len(set(here)) == len(here)


def economy(shift: Cell, width: int, height: int) -> dict[str, Any]:
    """Return an economy, all of it moved by some cells."""
    generator = np.random.default_rng(4)

    def moved(cell: Any) -> list[int]:
        return [int(cell[0] + shift[0]) % width, int(cell[1] + shift[1]) % height]

    cells = generator.integers(0, [width, height], (30, 2)).tolist()
    return scenario(
        group("one", 14, [LINEAR, COBB_DOUGLAS], cells=[moved(c) for c in cells[:14]]),
        group("two", 16, [LINEAR, COBB_DOUGLAS], cells=[moved(c) for c in cells[14:]]),
        width=width,
        height=height,
        torus=True,
        market_posts=[
            {"location": moved((2, 3)), "visibility_radius": 4, "broadcast_radius": 6},
            {"location": moved((9, 8)), "visibility_radius": 5, "interaction_radius": 2},
        ],
        params={"move_budget_per_tick": 2, "vision_radius": 6},
        market_memory={"slots": 1},
    )


@pytest.mark.parametrize("size", [(12, 10), (13, 11)])
def test_no_cell_is_special(size: Cell) -> None:
    """Move everything and everything happens elsewhere: edges do not show."""

    def run(shift: Cell) -> list[tuple[Any, ...]]:
        width, height = size
        with Simulation(economy(shift, *size), seed=3, telemetry_level="off") as simulation:
            found = []
            for _ in range(25):
                simulation.step()
                world = simulation.world
                rows, position = world.agent_rows, world.agents.whole(Position)
                found.append(
                    (
                        ((position.x[rows] - shift[0]) % width).tolist(),
                        ((position.y[rows] - shift[1]) % height).tolist(),
                        simulation.population("one").get("inventory.money").tolist(),
                        simulation.population("two").get("inventory.goods.A").tolist(),
                    )
                )
            return found

    plain = run((0, 0))
    assert plain[0][2] != plain[-1][2]
    for shift in ((1, 0), (5, 7), (11, 9), (3, 10)):
        assert run(shift) == plain


def on_torus(number: int) -> dict[str, Any]:
    """Return a random scenario with everything that this kind of space can have."""
    made = random_scenario(number)
    made["grid"]["torus"] = True
    made["params"] |= {
        "market_memory": {"slots": number % 3},
        "market_choice": {"type": ["score", "softmax"][number % 2], "temperature": 0.5},
        "reputation": ["none", "ema"][number // 2 % 2],
    }
    made["protocols"]["matching"] = ["greedy_surplus", "random", "three_pass"][number % 3]
    if number % 5 == 1:
        made["protocols"]["search"] = "random_walk"
    if number % 4 < 3:
        made["params"].pop("mode", None)
        made["params"]["mode_schedule"] = [
            {"mode": "forage", "ticks": 2},
            {"mode": "trade", "ticks": 3},
            {"mode": "both", "ticks": 2},
        ]
    return made


@pytest.mark.parametrize("number", [*LIVELY, *range(200, 204)])
def test_threads_rows_and_telemetry_change_nothing(number: int) -> None:
    everything_at_once(on_torus(number), number, 15)


@pytest.mark.parametrize("number", [*LIVELY, *range(200, 203)])
def test_nothing_is_lost(number: int) -> None:
    with Simulation(on_torus(number), number, telemetry_level="off") as simulation:
        inventory = simulation.world.agents.whole(Inventory)
        account = simulation.world.posts.whole(MarketAccount)
        for _ in range(15):
            simulation.step()
            assert min(inventory.goods.min(), inventory.money.min()) >= 0
            for place, entry in enumerate(simulation.ledger().values()):
                came = entry["initial"] + entry["harvest"] + entry["host"]
                if place < simulation.world.goods:
                    held = inventory.goods[:, place].sum() + account.goods[:, place].sum()
                else:
                    held = inventory.money.sum() + account.money.sum()
                assert came == entry["current"] == held


HASHES = """
from tests.test_torus import hashes
print(*hashes())
"""


def hashes() -> list[str]:
    """Hashes after some ticks of several scenarios."""
    found = []
    for number in LIVELY:
        with Simulation(on_torus(number), number, telemetry_level="off") as simulation:
            simulation.run(8)
            found.append(simulation.state_hash())
    return found


@pytest.mark.kernel
def test_interpreted_kernels_give_the_same_bits() -> None:
    assert interpreted(HASHES) == hashes()


def test_the_view_looks_round_the_edge() -> None:
    made = scenario(
        group("one", 2, [LINEAR], cells=[[0, 0], [10, 8]]),
        torus=True,
        market_posts=[{"location": [9, 0], "interaction_radius": 2, "visibility_radius": 2}],
        resources={"spawn_rate": 1.0, "types": [{"good": "A", "quantity": 1}]},
        params={"vision_radius": 2},
    )
    with Simulation(made, telemetry_level="off") as simulation:
        seen = simulation.view(0)
        assert [(each.id, each.distance) for each in seen.visible_agents] == [(1, 2)]
        assert seen.nearby_markets == [0]
        assert seen.visible_markets[0].distance == 2
        assert len(seen.visible_resources) == 13
        (market,) = simulation.markets
        assert market.can_see((10, 8))
        assert not market.can_see((0, 8))
