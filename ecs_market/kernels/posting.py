"""How a posted price follows what was wanted at it."""

from __future__ import annotations

from ecs_market.kernels.elementary import exp
from ecs_market.kernels.jit import kernel
from ecs_market.types import F64, I8, I32, I64, Bool, float64, int64

GROW, SHRINK = 1.3, 0.5
LEAST_ETA, MOST_ETA = 0.001, 0.2


@kernel
def sum_wishes(place: I64, wish: I64, wanted: I64, offered: I64) -> None:
    """Add up the wishes to buy and to sell at each post [lot]."""
    for entry in range(place.shape[0]):
        for k in range(wish.shape[1]):
            if wish[entry, k] > 0:
                wanted[place[entry], k] += wish[entry, k]
            else:
                offered[place[entry], k] -= wish[entry, k]


@kernel
def adjust_prices(
    due: Bool,
    wanted: I64,
    offered: I64,
    most: int,
    tick: int,
    band: F64,
    eta: F64,
    sign: I8,
    price: I64,
    formed_at: I32,
) -> None:
    """Move each due price p to p exp(eta zeta), zeta the excess demand over the larger side.

    The gain eta halves when the sign of zeta flips and grows otherwise.  A price moves by the share
    `band` of itself at most (0: any), but by one step at least, or a cheap good's would never move.
    """
    for post in range(price.shape[0]):
        if not due[post]:
            continue
        for k in range(price.shape[1]):
            larger = max(wanted[post, k], offered[post, k])
            if larger == 0 or wanted[post, k] == offered[post, k]:
                continue
            now = 1 if wanted[post, k] > offered[post, k] else -1
            if sign[post, k] == -now:
                eta[post, k] = max(LEAST_ETA, eta[post, k] * SHRINK)
            elif sign[post, k] == now:
                eta[post, k] = min(MOST_ETA, eta[post, k] * GROW)
            sign[post, k] = now
            zeta = float64(wanted[post, k] - offered[post, k]) / float64(larger)
            moved = int64(float64(price[post, k]) * exp(eta[post, k] * zeta) + 0.5)
            if band[post] > 0.0:
                widest = float64(price[post, k]) * band[post]
                reach = int64(min(float64(most), widest))
                moved = min(price[post, k] + reach, max(price[post, k] - reach, moved))
            if moved == price[post, k]:
                moved += now
            moved = min(most, max(1, moved))
            if moved != price[post, k]:
                price[post, k] = moved
                formed_at[post, k] = tick
