"""What zip traders learn, against the plain definition: the very same numbers."""

from __future__ import annotations

import random

import numpy as np
import pytest

from ecs_market.kernels import margins
from ecs_market.kernels.philox import ZIP_TRADER, uniform
from ecs_market.kernels.quoting import BUY, SELL
from tests.oracles.shouts import Shout, Side, catch_up

pytestmark = pytest.mark.kernel

TICK, STEP = 3, 0.01


@pytest.mark.parametrize("seed", range(12))
def test_margins_are_those_of_the_plain_definition(seed: int) -> None:
    rng = random.Random(seed)
    goods, good, trader = 2, seed % 2, 17
    spread = rng.choice([3, 40, 400])
    limits = [rng.choice([0, 500 + rng.randint(-spread, spread)]) for _ in range(2)]
    shouts = (
        np.empty((goods, margins.MEMORY, margins.SHOUT)),
        np.zeros(goods, np.int64),
    )
    learned = (np.empty((1, goods, 2)), np.zeros((1, goods, 2)), np.zeros((1, goods), np.int64))
    margins.start_margins(seed, np.array([trader]), learned[0])
    sides = [Side(bool(s), limits[s], float(learned[0][0, good, s])) for s in range(2)]
    rate = margins.RATE_LOW + margins.RATE_SPAN * uniform(seed, 0, 0, trader, ZIP_TRADER)
    momentum = margins.MOMENTUM_SPAN * uniform(seed, 1, 0, trader, ZIP_TRADER)
    said: list[Shout] = []
    moved = 0
    for _ in range(30):
        seen = len(said)
        for _ in range(rng.choice([0, 1, 5, 63, 64, 65, 200])):
            shout = Shout(
                500 + rng.randint(-spread, spread), rng.random() < 0.5, rng.random() < 0.4
            )
            said.append(shout)
            margins.note_shout(good, shout.price, BUY if shout.bid else SELL, shout.taken, shouts)
        draw = (seed, TICK, 0, 0)
        margins.learn(0, trader, good, limits[0], limits[1], draw, STEP, shouts, learned)
        for side in sides:
            if not side.limit:
                continue

            def stretch(number: int, sells: bool = side.sells) -> tuple[float, float]:
                first = margins.FIRST_SHOUT + 2 * (2 * (number * goods + good) + sells)
                share, amount = (
                    margins.STRETCH * uniform(seed, first + n, TICK, trader, ZIP_TRADER)
                    for n in range(2)
                )
                return share, amount / STEP

            before = side.margin
            catch_up(side, said, seen, rate, momentum, stretch)
            moved += side.margin != before
            place = 0, good, int(side.sells)
            assert learned[0][place] == side.margin
            assert learned[1][place] == side.change
    assert moved or not any(limits)
