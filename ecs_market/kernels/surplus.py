"""What units are worth to whom, sorted: the most that a good can be worth in all hands together."""

from __future__ import annotations

from ecs_market.kernels.jit import kernel
from ecs_market.types import F64, I64, float64, int64


@kernel
def worth_of_first(worth: F64, lots: I64, amount: int) -> tuple[float, float, float]:
    """Return what `amount` lots are worth in the places that value them most.

    Parameters
    ----------
    worth
        float64 (n,), falling: worth of a unit in each place [M / unit].
    lots
        int64 (n,): lots that the place holds.
    amount
        Lots to place.

    Returns
    -------
    total, last, next : float
        The sum of lots x worth; the worth at the last lot placed, and at the next one, 0 if there
        is none.
    """
    rest = int64(amount)
    total = 0.0
    last = 0.0
    following = 0.0
    for i in range(worth.shape[0]):
        if lots[i] <= 0:
            continue
        if rest == 0:
            following = worth[i]
            break
        placed = min(rest, lots[i])
        total += float64(placed) * worth[i]
        last = worth[i]
        rest -= placed
        if placed < lots[i]:
            following = worth[i]
            break
    if rest > 0:
        last = 0.0
    return total, last, following


@kernel
def worth_owned(member: I64, worth: F64, lots: I64, owned: I64, total: F64) -> None:
    """Write what members' own lots are worth to them; places are sorted by member and worth.

    `owned` int64 (m,) is used up [lot]; `total` is float64 (m,) [lot x M / unit].
    """
    for i in range(total.shape[0]):
        total[i] = 0.0
    for i in range(worth.shape[0]):
        held = min(owned[member[i]], lots[i])
        total[member[i]] += float64(held) * worth[i]
        owned[member[i]] -= held
