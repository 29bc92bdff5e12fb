"""What is drawn for tick 0."""

from __future__ import annotations

import hashlib
import time

import numpy as np
import pytest

from ecs_market.kernels import philox
from ecs_market.scenario import draw_start, from_dict, load_scenario, start


def test_the_canonical_start() -> None:
    scenario = load_scenario("walrasian_two_markets")
    made = draw_start(scenario, 42)
    (agents,) = made.populations
    assert agents.ids.tolist() == list(range(40))
    assert agents.x.dtype == agents.y.dtype == agents.group.dtype == np.int32
    assert agents.goods.dtype == agents.money.dtype == np.int64
    assert agents.goods.shape == (40, 2)
    assert agents.goods.min() >= 10_000
    assert agents.goods.max() <= 20_000
    assert not (agents.goods % 1000).any()
    assert agents.money.min() >= 100 * 10**7
    assert agents.money.max() <= 200 * 10**7
    assert agents.group.tolist() == [0] * 20 + [1] * 20
    assert agents.x.min() >= 0
    assert agents.x.max() < 50
    patches = made.patches
    cells = patches.y.astype(np.int64) * 50 + patches.x
    assert (np.diff(cells) > 0).all()
    assert 180 < cells.size < 330
    assert set(patches.good.tolist()) == {0, 1}
    assert patches.good.dtype == np.int8
    assert set(patches.amount.tolist()) == {1000, 2000, 3000}


@pytest.mark.kernel
def test_a_start_is_the_same_everywhere() -> None:
    made = draw_start(load_scenario("walrasian_two_markets"), 42)
    (agents,) = made.populations
    digest = hashlib.sha256()
    for column in (agents.x, agents.y, agents.goods, agents.money, made.patches.x, made.patches.y):
        digest.update(column.astype("<i8").tobytes())
    for kind in (made.patches.good, made.patches.amount):
        digest.update(kind.astype("<i8").tobytes())
    assert digest.hexdigest() == "16c6e174ad4a737293317181a5382b0f7a12106d3067237bcc71fd351c2b251e"


def test_seeds_differ_and_repeat() -> None:
    scenario = load_scenario("walrasian_two_markets")
    one, same, other = (draw_start(scenario, seed) for seed in (1, 1, 2))
    assert np.array_equal(one.populations[0].goods, same.populations[0].goods)
    assert np.array_equal(one.patches.amount, same.patches.amount)
    assert not np.array_equal(one.populations[0].x, other.populations[0].x)
    assert not np.array_equal(one.patches.x, other.patches.x)


def test_ids_ascend_over_populations_and_draws_hang_on_ids_alone() -> None:
    scenario = load_scenario("bilateral_only")
    first, second = draw_start(scenario, 3).populations
    assert (first.first_id, second.first_id) == (0, 30)
    assert second.ids.tolist() == list(range(30, 60))
    expected = [philox.below(3, 0, 0, ident, philox.POSITION, 30) for ident in range(30, 60)]
    assert second.x.tolist() == expected


def test_both_ends_of_a_range_are_drawn() -> None:
    scenario = load_scenario(
        "walrasian_two_markets",
        ["agents.count=4000", "agents.utilities=[{type: linear, weights: [1, 1]}]"],
    )
    goods = draw_start(scenario, 0).populations[0].goods[:, 0]
    counts = np.bincount(goods // 1000, minlength=21)[10:]
    assert counts.size == 11
    assert counts.min() > 280
    assert counts.max() < 450


def test_declared_places_and_values() -> None:
    scenario = from_dict(
        {
            "grid": {"width": 5, "height": 4},
            "populations": [
                {
                    "name": "here",
                    "count": 2,
                    "initial_positions": {"at": [4, 3]},
                    "inventories": {"A": {"values": [0.5, 2]}, "M": 0.25},
                    "utilities": [{"type": "linear", "weights": [1]}],
                },
                {
                    "name": "there",
                    "count": 2,
                    "initial_positions": {"cells": [[0, 1], [2, 3]]},
                    "inventories": {"A": 1},
                    "utilities": [{"type": "linear", "weights": [1]}],
                },
            ],
            "resources": {"spawn_rate": 1, "types": [{"good": "A", "quantity": 0.5}]},
        }
    )
    made = draw_start(scenario, 0)
    here, there = made.populations
    assert here.x.tolist() == [4, 4]
    assert here.y.tolist() == [3, 3]
    assert here.goods[:, 0].tolist() == [500, 2000]
    assert here.money.tolist() == [2_500_000] * 2
    assert there.x.tolist() == [0, 2]
    assert there.y.tolist() == [1, 3]
    assert there.money.tolist() == [0, 0]
    assert made.patches.amount.tolist() == [500] * 20
    assert made.patches.x.tolist() == [0, 1, 2, 3, 4] * 4


def test_blocks_do_not_change_the_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    scenario = load_scenario("walrasian_two_markets")
    whole = draw_start(scenario, 5).patches
    monkeypatch.setattr(start, "BLOCK_CELLS", 7)
    parts = draw_start(scenario, 5).patches
    assert np.array_equal(whole.x, parts.x)
    assert np.array_equal(whole.amount, parts.amount)


def test_no_resources_no_patches() -> None:
    patches = draw_start(load_scenario("bilateral_only"), 0).patches
    assert patches.x.size == patches.amount.size == patches.good.size == 0


def test_a_million_agents_are_drawn_quickly() -> None:
    scenario = load_scenario("hundred_thousand", ["agents.count=1000000"])
    draw_start(load_scenario("walrasian_two_markets"), 0)
    began = time.perf_counter()
    assert draw_start(scenario, 0).populations[0].x.size == 1_000_000
    assert time.perf_counter() - began < 5
