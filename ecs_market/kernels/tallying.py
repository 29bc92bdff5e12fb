"""Adding up a tick's trades."""

from __future__ import annotations

from ecs_market.kernels.jit import borrowing, kernel
from ecs_market.types import F64, I32, I64, float64


@borrowing
def count(
    place: int,
    good: int,
    lots: int,
    steps: int,
    origin: I64,
    sums: tuple[F64, F64, F64],
) -> None:
    """Count one trade in the moments of `totals.Prices`, whose arrays these are."""
    weight, offset, squares = sums
    if weight[place, good] == 0.0:
        origin[place, good] = steps
    size = float64(lots)
    apart = float64(steps - origin[place, good])
    weight[place, good] += size
    offset[place, good] += size * apart
    squares[place, good] += size * apart * apart


@kernel
def add_trades(
    place: I64,
    good: I64,
    lots: I64,
    steps: I64,
    origin: I64,
    sums: tuple[F64, F64, F64],
) -> None:
    """Count trades, given by arrays of one length, in the moments of prices a place and good."""
    for i in range(place.shape[0]):
        count(place[i], good[i], lots[i], steps[i], origin, sums)


@kernel
def add_gains(start: int, stop: int, rows: I32 | I64, gain: I64, realised: I64) -> None:
    """Add gains to those of their agents' rows, each of which comes once."""
    for i in range(start, stop):
        realised[rows[i]] += gain[i]


@kernel
def add_pairs(
    start: int,
    stop: int,
    size: int,
    order: I64,
    pair_origin: I64,
    pair_sums: tuple[F64, F64, F64],
    origin: I64,
    sums: tuple[F64, F64, F64],
) -> None:
    """Add the moments of pairs, in the given order, to those of places: `size` pairs to each."""
    weight, offset, squares = sums
    lots, away, squared = pair_sums
    for place in range(start, stop):
        for i in range(place * size, min((place + 1) * size, order.shape[0])):
            pair = order[i]
            for k in range(lots.shape[1]):
                many = lots[pair, k]
                if many == 0.0:
                    continue
                if weight[place, k] == 0.0:
                    origin[place, k] = pair_origin[pair, k]
                moved = float64(pair_origin[pair, k] - origin[place, k])
                more = squared[pair, k] + 2.0 * moved * away[pair, k]
                squares[place, k] += more + many * moved * moved
                offset[place, k] += away[pair, k] + many * moved
                weight[place, k] += many
