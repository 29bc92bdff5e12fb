"""Walking: towards a target, home, or at random."""

from __future__ import annotations

from ecs_market.components.intent import IDLE, MARKET, PARTNER
from ecs_market.kernels.jit import helper, inlined, kernel
from ecs_market.kernels.philox import IDLE_WALK, below
from ecs_market.kernels.spatial import apart, way
from ecs_market.settings import OPEN
from ecs_market.types import I8, I32, I64, int64, uint64

STAY, HOME, RANDOM_WALK = 0, 1, 2
IDLE_WAYS = ("stay", "home", "random_walk")
# A random walk keeps its direction for this many ticks.
WALK_TICKS = 5


@helper
def stroll(at: int, steps: int, size: int, period: int) -> int:
    """Return where so many steps along an axis end: at its edge, or round a torus."""
    if period >= OPEN:
        return min(max(at + steps, 0), size - 1)
    if steps >= 0:
        return (at + steps) % period
    return period - 1 - (period - 1 - at - steps) % period


@inlined
def shares(gap_x: int, gap_y: int, reach: int, budget: int) -> tuple[int, int]:
    """Return how many steps go along each axis, given how far away the target is on it.

    Step by step it is the longer one, x of two as long: what one is longer by, then by turns.
    """
    steps = max(int64(0), min(budget, gap_x + gap_y - reach))
    longer = min(steps, abs(gap_x - gap_y))
    rest = steps - longer
    along_x = ((rest + 1) >> 1) + (longer if gap_x >= gap_y else int64(0))
    return along_x, steps - along_x


@kernel
def move_agents(
    start: int,
    stop: int,
    ids: I64,
    seed: int,
    tick: int,
    width: int,
    height: int,
    idle: int,
    before_x: I32,
    before_y: I32,
    budget: I32,
    home_x: I32,
    home_y: I32,
    interaction: I32,
    kind: I8,
    target: I32,
    partner: I32,
    mate: I32,
    agent_rows: I64,
    post_rows: I64,
    post_x: I32,
    post_y: I32,
    post_interaction: I32,
    patch_x: I32,
    patch_y: I32,
    x: I32,
    y: I32,
    period_x: int,
    period_y: int,
) -> None:
    """Move each agent up to its budget, along the longer axis first (ties: x).

    It stops once the target's position before the tick's movement is within reach.  Of a pair that
    can meet in this tick the higher id stands still, or the two would swap cells for ever.  On a
    torus the shorter way round is taken; where both are as long, the positive direction, and by the
    higher id of a pair the negative one, or the two would run after each other.
    """
    for row in range(uint64(start), uint64(stop)):
        steps = int64(budget[row])
        at_x = int64(before_x[row])
        at_y = int64(before_y[row])
        reach = int64(0)
        other_way = False
        if kind[row] == IDLE:
            if idle == RANDOM_WALK:
                turn = below(seed, 0, tick // WALK_TICKS, ids[row], IDLE_WALK, 4)
                signed = steps if turn % 2 == 0 else -steps
                if turn < 2:
                    at_x = stroll(at_x, signed, width, period_x)
                else:
                    at_y = stroll(at_y, signed, height, period_y)
                x[row] = at_x
                y[row] = at_y
                continue
            to_x = int64(home_x[row]) if idle == HOME else at_x
            to_y = int64(home_y[row]) if idle == HOME else at_y
        elif kind[row] == MARKET:
            post = post_rows[target[row]]
            to_x = int64(post_x[post])
            to_y = int64(post_y[post])
            reach = int64(post_interaction[post])
        elif kind[row] == PARTNER:
            # Near in memory, as a rule; a host may have changed the target since.
            other = uint64(max(int64(mate[row]), int64(0)))
            if mate[row] < 0 or ids[other] != target[row]:
                other = uint64(agent_rows[target[row]])
            to_x = int64(before_x[other])
            to_y = int64(before_y[other])
            reach = min(int64(interaction[row]), int64(interaction[other]))
            distance = apart(at_x, to_x, period_x) + apart(at_y, to_y, period_y)
            other_way = ids[row] > partner[row]
            walks = int64(budget[other])
            # Those that must share a cell also change sides from one step further off.
            near = walks + max(int64(1), reach)
            waits = other_way & (walks > 0) & (distance <= near)
            steps = int64(0) if waits else steps
        else:
            to_x = int64(patch_x[target[row]])
            to_y = int64(patch_y[target[row]])
        gap_x = way(at_x, to_x, period_x)
        gap_y = way(at_y, to_y, period_y)
        along_x, along_y = shares(abs(gap_x), abs(gap_y), reach, steps)
        back_x = (gap_x < 0) | (other_way & (2 * gap_x == period_x))
        back_y = (gap_y < 0) | (other_way & (2 * gap_y == period_y))
        x[row] = stroll(at_x, -along_x if back_x else along_x, width, period_x)
        y[row] = stroll(at_y, -along_y if back_y else along_y, height, period_y)
