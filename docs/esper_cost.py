"""What an esper entity for each agent would cost: python docs/esper_cost.py 1000000."""

from __future__ import annotations

import sys
import time
import tracemalloc
from dataclasses import dataclass

import esper


@dataclass(slots=True)
class Position:
    """A cell."""

    x: int
    y: int


@dataclass(slots=True)
class Purse:
    """Goods and money."""

    goods: int
    money: int


@dataclass(slots=True)
class Target:
    """What an agent goes for."""

    kind: int
    ident: int


def birth(number: int) -> None:
    """Make one agent of three components with numbers of its own."""
    esper.create_entity(
        Position(number + 1000, number + 2000), Purse(number + 3000, number + 4000), Target(0, -1)
    )


def query() -> float:
    """Return how long one walk over everybody with three components takes [s]."""
    start = time.process_time()
    for _, (position, purse, target) in esper.get_components(Position, Purse, Target):
        purse.money += position.x * target.kind
    return time.process_time() - start


def main(agents: int) -> None:
    """Time births and queries, then measure memory in a world of its own."""
    start = time.process_time()
    for number in range(agents):
        birth(number)
    made = time.process_time() - start
    query()
    cached = query()
    birth(agents)
    after_birth = query()
    print(f"{agents} entities of 3 components, esper {esper.__version__}")
    print(f"making one            {1e6 * made / agents:.1f} us")
    print(f"query, cached         {cached:.2f} s")
    print(f"query after one birth {after_birth:.2f} s")
    esper.switch_world("measured")
    esper.delete_world("default")
    tracemalloc.start()
    for number in range(min(agents, 100_000)):
        birth(number)
    print(
        f"memory of one         {tracemalloc.get_traced_memory()[0] / min(agents, 100_000):.0f} B"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
