"""When snapshots are taken and of whom: by ticks and ids alone, so that nothing is drawn."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.errors import InputError
from ecs_market.telemetry.schema import Level
from ecs_market.types import I64, Bool

EVERY_TICK_LIMIT = 1_000
"""Up to this many agents snapshots are taken every tick by default."""

EVERY = 10
"""Ticks between snapshots of more agents by default."""

AGENTS = 5_000
"""Agents in a sample by default."""

PATCHES = 2_000
"""Resource patches in a sample."""

ROWS_A_STAGE = 1_000_000
"""Rows of snapshots after which the default interval grows tenfold."""

MOST = 2**31 - 1
"""The largest interval and sample: of every agent that can be."""


def evenly(start: int, stop: int, share: int, of: int) -> I64:
    """Return the numbers i from `start` below `stop` with i x share mod of < share, ascending.

    Of the first `of` numbers these are `share`, evenly spaced; share is at most `of`.
    """
    if share == 0:
        return np.empty(0, np.int64)
    turns = np.arange(start * share // of, -(-stop * share // of), dtype=np.int64)
    found: I64 = -(-turns * of // share)
    return found[(found >= start) & (found < stop)]


class Sample:
    """Which agents snapshots are of, and in which ticks.

    Parameters
    ----------
    level
        The level of telemetry.
    agents
        How many there are at the start.
    every
        Ticks from a snapshot to the next, 0 for none; by default 1 up to 1,000 agents, else 10,
        and tenfold with every million rows.
    limit
        Most agents of a sample, 0 for none; 5,000 by default.  At level `full` the defaults are
        all agents in every tick.

    Raises
    ------
    InputError
        A number is not a whole one from 0 to 2^31 - 1.
    """

    def __init__(
        self, level: Level, agents: int, every: int | None = None, limit: int | None = None
    ) -> None:
        whole = level >= Level.FULL
        usual = 1 if whole or agents <= EVERY_TICK_LIMIT else EVERY
        self.every = usual if every is None else _number("snapshot_every", every)
        most = MOST if whole else AGENTS
        self.limit = most if limit is None else _number("snapshot_agents", limit)
        if level is Level.OFF or self.every == 0:
            self.every = self.limit = 0
        self.at_start = min(agents, self.limit)
        self._thins = every is None and not whole
        self._of = max(agents, self.limit, 1)
        self._ids: I64 = np.empty(0, np.int64)
        self._looked_at = 0

    def due(self, tick: int, rows: int) -> bool:
        """Return whether a snapshot is taken after `tick`, -1 at the start, given rows so far."""
        if self.every == 0 or tick < 0:
            return self.every > 0
        stage = rows // ROWS_A_STAGE if self._thins else 0
        return tick % (self.every * int(10 ** min(stage, 9))) == 0

    def living(self, rows_of: I64) -> tuple[I64, I64]:
        """Return the ids of the sample that are alive, ascending, and their rows.

        `rows_of` is the row of each id that was ever given, -1 for the dead.
        """
        fresh = evenly(self._looked_at, len(rows_of), self.limit, self._of)
        self._looked_at = len(rows_of)
        ids = np.concatenate([self._ids, fresh])
        ids = ids[rows_of[ids] >= 0]
        while len(ids) > 2 * self.limit:
            # Those of twice the spacing are among those of the present one.
            self._of *= 2
            ids = ids[self.has(ids)]
        self._ids = ids
        return ids, rows_of[ids]

    def has(self, ids: I64) -> Bool:
        """Return which of some ids belong to the sample."""
        chosen: Bool = ids * self.limit % self._of < self.limit
        return chosen


def _number(name: str, value: Any) -> int:
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or not 0 <= value <= MOST:
        raise InputError(f"{name} must be a whole number from 0 (none) to {MOST}, not {value!r}")
    return int(value)
