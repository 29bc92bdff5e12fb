"""Walking, step by step."""

from __future__ import annotations

Cell = tuple[int, int]
WAYS = ((1, 0), (-1, 0), (0, 1), (0, -1))


def copies(at: Cell, size: Cell | None) -> list[Cell]:
    """Return a cell and, on a torus of that size, what it looks like from across each edge."""
    if size is None:
        return [at]
    return [(at[0] + i * size[0], at[1] + j * size[1]) for i in (-1, 0, 1) for j in (-1, 0, 1)]


def gap(a: Cell, b: Cell, size: Cell | None = None) -> int:
    """Return the Manhattan distance of two cells, the least over all ways round a torus."""
    return min(abs(a[0] - x) + abs(a[1] - y) for x, y in copies(b, size))


def wrapped(at: Cell, size: Cell | None) -> Cell:
    """Return the cell's own numbers."""
    return at if size is None else (at[0] % size[0], at[1] % size[1])


def walk(
    at: Cell, to: Cell, budget: int, reach: int, size: Cell | None = None, back: bool = False
) -> Cell:
    """Return where an agent is after its steps, the longer axis first and x in a tie.

    On a torus the way is the shortest, and of two as short the one in the positive direction, or
    the negative one where `back` says so.
    """
    for _ in range(budget):
        if gap(at, to, size) <= reach:
            break
        best = []
        for axis in (0, 1):
            length = None if size is None else size[axis]
            straight = to[axis] - at[axis]
            ways = [straight] if length is None else [straight + i * length for i in (-1, 0, 1)]
            best.append(min(ways, key=lambda way: (abs(way), way < 0 if not back else way > 0)))
        axis = 0 if abs(best[0]) >= abs(best[1]) else 1
        step = 1 if best[axis] > 0 else -1
        at = wrapped((at[0] + step, at[1]) if axis == 0 else (at[0], at[1] + step), size)
    return at


def stroll(at: Cell, way: int, budget: int, width: int, height: int, torus: bool = False) -> Cell:
    """Return where the whole budget in one of four directions ends."""
    dx, dy = WAYS[way]
    for _ in range(budget):
        to = (at[0] + dx, at[1] + dy)
        if torus:
            at = wrapped(to, (width, height))
        elif 0 <= to[0] < width and 0 <= to[1] < height:
            at = to
    return at
