"""Short vectors: who is in sight and whose gains come first, against the plain definitions."""

from __future__ import annotations

import numpy as np
import pytest

from ecs_market.kernels.lanes import LANES
from ecs_market.kernels.patches import patches_within
from ecs_market.kernels.ranking import rank_few
from ecs_market.kernels.sight import pairs_in_sight
from ecs_market.settings import OPEN

pytestmark = pytest.mark.kernel


@pytest.mark.parametrize("side", [9, 2**31 - 1])
@pytest.mark.parametrize("torus", [False, True])
def test_all_in_sight_are_found_however_far_apart(torus: bool, side: int) -> None:
    generator = np.random.default_rng(side)
    period = side if torus else OPEN
    found = 0
    for entries in [1, 2, 7, 8, 9, 16, 23]:
        x, y, vision = np.zeros((3, entries + LANES), np.int32)
        x[:entries], y[:entries] = generator.integers(0, side, (2, entries))
        vision[:entries] = generator.integers(0, side + 1, entries)
        edges = sorted(generator.integers(0, entries + 1, 2).tolist())
        runs = np.array([[0, edges[0], edges[1]], [edges[0], edges[1], entries]], np.int32)
        mine, theirs = np.zeros((2, entries + 1 + LANES), np.int32)
        for i in range(entries):
            pairs = pairs_in_sight(i, 3, runs, x, y, vision, period, period, 1, mine, theirs)
            expected = []
            for j in range(entries):
                gaps = [abs(int(at[i]) - int(at[j])) for at in (x, y)]
                far = sum(min(gap, period - gap) for gap in gaps)
                if j != i and far <= min(vision[i], vision[j]):
                    expected.append(j)
            assert theirs[1:pairs].tolist() == expected
            assert mine[1:pairs].tolist() == [i] * len(expected)
            found += len(expected)
    assert found > 10


@pytest.mark.parametrize("side", [9, 2**31 - 1])
@pytest.mark.parametrize("torus", [False, True])
def test_the_patches_within_sight_of_a_place(torus: bool, side: int) -> None:
    generator = np.random.default_rng(side)
    period = side if torus else OPEN
    found = 0
    for entries in [1, 7, 8, 9, 23]:
        x, y = generator.integers(0, side, (2, entries)).astype(np.int32)
        for begin in range(entries):
            for end in range(max(0, begin - 1), entries + 1):
                at = [int(cell) for cell in generator.integers(0, side, 2)]
                sight = int(generator.integers(0, side))
                near = patches_within(begin, end, at[0], at[1], sight, x, y, period, period)
                gaps = [
                    np.abs(cells.astype(np.int64) - a) for cells, a in zip((x, y), at, strict=True)
                ]
                far = sum(np.minimum(gap, period - gap) for gap in gaps)
                expected = [k for k in range(begin, min(end, begin + LANES)) if far[k] <= sight]
                assert [begin + k for k in range(LANES) if near >> k & 1] == expected
                found += len(expected)
    assert found > 100


@pytest.mark.parametrize("pairs", range(LANES + 1))
def test_few_are_ranked_or_given_back(pairs: int) -> None:
    generator = np.random.default_rng(pairs)
    ranked = 0
    for levels in (4, 1000):
        for _ in range(20):
            weight = generator.integers(-levels // 3, levels, 3 * LANES).astype(np.float32)
            weight = np.maximum(weight, np.float32(-1.0))
            theirs = generator.permutation(3 * LANES).astype(np.int32)
            rows = generator.permutation(3 * LANES).astype(np.int32)
            candidate_row = np.full((2, LANES), -1, np.int32)
            candidate_weight = np.zeros((2, LANES), np.float32)
            first, last = 3, 3 + pairs
            pay = rank_few(first, last, 1, theirs, weight, rows, candidate_row, candidate_weight)
            paying = sorted(
                (-float(weight[k]), int(rows[theirs[k]]))
                for k in range(first, last)
                if weight[k] >= 0
            )
            if len({minus for minus, _ in paying}) < len(paying):
                assert pay == -1
                continue
            assert candidate_row[1, :pay].tolist() == [row for _, row in paying]
            assert candidate_weight[1, :pay].tolist() == [-minus for minus, _ in paying]
            assert pay == len(paying)
            assert (candidate_row[0] == -1).all()
            ranked += 1
    assert ranked > 10
