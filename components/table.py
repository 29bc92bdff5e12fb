"""Which rows of an arena an entity owns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Table:
    """A population of agents, or the posts of one mechanism, as a range of rows.

    Attributes
    ----------
    name
        The population's or the mechanism's name.
    start, stop
        The rows in use, ``start <= row < stop`` [row].
    limit
        The first row of the next table; rows from `stop` to `limit` are spare [row].
    entity
        The esper entity whose components these rows are.
    """

    name: str
    start: int
    stop: int
    limit: int
    entity: int = -1

    @property
    def size(self) -> int:
        """Return the number of rows in use."""
        return self.stop - self.start
