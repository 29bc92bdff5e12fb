"""Walking, step by step."""

from __future__ import annotations

Cell = tuple[int, int]


def gap(a: Cell, b: Cell) -> int:
    """Return the Manhattan distance of two cells."""
    return abs(a[0] - b[0]) + abs(a[1] - b[1])


def walk(at: Cell, to: Cell, budget: int, reach: int) -> Cell:
    """Return where an agent is after its steps, the longer axis first and x in a tie."""
    for _ in range(budget):
        if gap(at, to) <= reach:
            break
        dx, dy = to[0] - at[0], to[1] - at[1]
        if abs(dx) >= abs(dy):
            at = (at[0] + (1 if dx > 0 else -1), at[1])
        else:
            at = (at[0], at[1] + (1 if dy > 0 else -1))
    return at


def stroll(at: Cell, way: int, budget: int, width: int, height: int) -> Cell:
    """Return where the whole budget in one of four directions ends on a bounded grid."""
    dx, dy = ((1, 0), (-1, 0), (0, 1), (0, -1))[way]
    for _ in range(budget):
        to = (at[0] + dx, at[1] + dy)
        if 0 <= to[0] < width and 0 <= to[1] < height:
            at = to
    return at
