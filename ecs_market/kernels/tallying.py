"""Adding up a tick's trades."""

from __future__ import annotations

from ecs_market.kernels.jit import borrowing, kernel
from ecs_market.types import F64, I64, float64


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
def add_bargains(record: I64, volume: I64, origin: I64, sums: tuple[F64, F64, F64]) -> None:
    """Count trades face to face in the moments of prices, and their lots in `volume`, one place.

    A row of `record` is buyer, seller, good, lots and price [step].
    """
    for i in range(record.shape[0]):
        good, lots = record[i, 2], record[i, 3]
        volume[0, good] += lots
        count(0, good, lots, record[i, 4], origin, sums)
