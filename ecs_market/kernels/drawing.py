"""Who acts next in a double auction: drawn some activations ahead."""

from __future__ import annotations

from ecs_market.kernels.auction import Tastes
from ecs_market.kernels.budgets import WHO, Draw, draw_below
from ecs_market.kernels.jit import inlined
from ecs_market.kernels.order_book import Funds
from ecs_market.types import I8, I64, int64

# How many activations are drawn ahead.
AHEAD = 32


@inlined
def draw_ahead(
    draw: Draw,
    left: int,
    members: I64,
    ids: I64,
    owner: I64,
    funds: Funds,
    tastes: Tastes,
    latest: I64,
    direction: I8,
    drawn: I64,
) -> None:
    """Draw who acts in the next activations and read what is known of them.

    Members are drawn all over memory.  To read of many at once takes hardly longer than to wait for
    one, and what each needs is then in the cache when it acts.
    """
    count = min(int64(AHEAD), int64(left))
    for n in range(count):
        each = (draw[0], draw[1], draw[2], draw[3] + n)
        drawn[n] = draw_below(each, WHO, members.shape[0])
    for n in range(count):
        drawn[n] = members[drawn[n]]
    lots, minor, held_lots, held_minor = funds
    family, parameters, weight = tastes
    found = int64(0)
    for n in range(count):
        i = drawn[n]
        found |= lots[i, 0] | minor[i] | held_lots[i, 0] | held_minor[i] | latest[i, 0]
        found |= ids[i] | owner[i] | family[i] | int64(direction[i, 0])
        if parameters[i, 0] > weight[i]:
            found |= 1
    drawn[AHEAD] = found
