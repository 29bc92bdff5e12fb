"""The world: a private esper registry, the arenas, ids, threads and the scratch of a tick."""

from __future__ import annotations

import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any, Protocol, TypeVar

import numpy as np

from ecs_market.arena import Arena
from ecs_market.columns import Spec
from ecs_market.components.identity import Identity
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.position import Position
from ecs_market.components.table import Table
from ecs_market.errors import InputError, SimulationError
from ecs_market.heap import trim
from ecs_market.kernels.spatial import TILE_SHIFT
from ecs_market.preferences.modes import IN_UTILITY
from ecs_market.scratch import Scratch
from ecs_market.settings import Settings
from ecs_market.totals import Totals
from ecs_market.types import F64, I64
from ecs_market.units import MAX_LOTS, MAX_MINOR, MAX_STEPS

C = TypeVar("C")
T = TypeVar("T")

# Below this many rows a plain call is faster than handing ranges to threads.
SERIAL_ROWS = 8192
# As many rows are worth so many ranges; more ranges level out what threads have to do.
RANGES_IN_SERIAL = 2
RANGES_A_THREAD = 4
# From so many rows on memory is given back within a tick, to be asked for anew in the next.
LARGE = 4_000_000


class Watcher(Protocol):
    """What looks on while ticks are computed; it changes nothing."""

    def tick(self, world: World) -> AbstractContextManager[None]:
        """Return a block in which a tick is computed."""

    def process(self, name: str, system: Any, world: World) -> None:
        """Run a system."""

    def section(
        self, kernel: Callable[..., Any], rows: int
    ) -> AbstractContextManager[Callable[..., Any]]:
        """Return a block in which ranges of rows are worked on; it hands out what to call."""


def private_esper() -> ModuleType:
    """Load an instance of esper that nobody else sees, so that no registry is shared."""
    spec = importlib.util.find_spec("esper")
    if spec is None or spec.loader is None:
        raise ImportError("esper is not installed; install it with: pip install 'esper>=3.9'")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def default_threads() -> int:
    """Return how many threads a simulation uses unless told: the processors it may run on."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@dataclass(slots=True)
class Ledger:
    """Where every lot and minor unit came from: one entry a good, money last.

    All arrays are int64 (K + 1,) in storage units; `initial + harvest + host` is what exists, with
    agents and in the accounts of market posts.
    """

    initial: I64
    harvest: I64
    host: I64

    def check_bounds(self) -> None:
        """Raise SimulationError if a total has left what 64-bit payments are safe with."""
        goods = (self.initial + self.harvest + self.host)[:-1]
        if (goods > MAX_LOTS).any():
            raise SimulationError(
                f"a good's total exceeds 2^53 lots after harvests ({int(goods.max())}); "
                "choose coarser units or a lower regrowth rate"
            )

    @classmethod
    def empty(cls, goods: int) -> Ledger:
        """Return a ledger without entries."""
        return cls(*(np.zeros(goods + 1, np.int64) for _ in range(3)))


@dataclass(slots=True)
class World:
    """All state of one simulation, and how systems reach it.

    Attributes
    ----------
    settings
        What does not change during a run.
    seed, tick
        Key of the random numbers; the tick that is being computed.
    agents, posts
        The two arenas.
    families
        Codes of the utility families in use, ascending.
    barred_until
        No target is barred for any agent from this tick on.
    beta_power
        float64: beta to the power of a distance, up to the furthest anything is seen.
    timings
        Nanoseconds of each system in the tick so far; `total_timings` in the whole run.
    recorder
        Where telemetry goes, None if nothing is recorded.
    snapshots
        What takes snapshots for it, a `telemetry.snapshots.Snapshots`; None at level `off`.
    itemise
        Whether each trade face to face is kept for its tick; prices and gains are added up anyway.
    watch
        Who looks on while ticks are computed, such as a `profiling.profiler.Profiler`; or None.
    """

    settings: Settings
    agents: Arena
    posts: Arena
    seed: int = 0
    tick: int = 0
    threads: int = 1
    families: tuple[int, ...] = ()
    barred_until: int = 0
    esper: ModuleType = field(default_factory=private_esper)
    scratch: Scratch = field(default_factory=Scratch)
    agent_rows: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    post_rows: I64 = field(default_factory=lambda: np.empty(0, np.int64))
    beta_power: F64 = field(default_factory=lambda: np.ones(1))
    timings: dict[str, int] = field(default_factory=dict)
    total_timings: dict[str, int] = field(default_factory=dict)
    totals: Totals = field(default_factory=lambda: Totals(0))
    recorder: Any = None
    snapshots: Any = None
    itemise: bool = True
    watch: Watcher | None = None
    ledger: Ledger = field(default_factory=lambda: Ledger.empty(0))
    _pool: ThreadPoolExecutor | None = None

    @property
    def goods(self) -> int:
        """Return K, the number of goods besides money."""
        return len(self.settings.goods)

    def market_accounts(self) -> I64:
        """Return what all market posts own, int64 (K + 1,): goods [lot], money [minor unit]."""
        account = self.posts.whole(MarketAccount)
        rows = self.post_rows[self.post_rows >= 0]
        return np.append(account.goods[rows].sum(axis=0), account.money[rows].sum())

    @property
    def bundle(self) -> int:
        """Return how many entries a bundle has: K, and one for money if utility counts it."""
        return self.goods + (self.settings.mode == IN_UTILITY)

    def most_steps(self) -> int:
        """Return the highest price [price step] at which all goods together still fit int64."""
        ledger = self.ledger
        lots = int((ledger.initial + ledger.harvest + ledger.host)[:-1].max(initial=0))
        return max(1, min(MAX_STEPS, MAX_MINOR // (max(1, lots) * self.goods)))

    def most_steps_of_goods(self) -> I64:
        """Return the highest price of each good at which all payments fit int64, (K,)."""
        ledger = self.ledger
        lots = np.maximum(1, (ledger.initial + ledger.harvest + ledger.host)[:-1])
        steps: I64 = np.clip(MAX_MINOR // self.goods // lots, 1, MAX_STEPS)
        return steps

    # --- tables ------------------------------------------------------------------------------

    def add_table(self, arena: Arena, name: str, components: list[type]) -> int:
        """Make the entity of a table and bind its components; return the entity."""
        table = arena.tables[name]
        entity: int = self.esper.create_entity(table)
        table.entity = entity
        chosen: list[type[Any]] = [Identity, *components]
        for component in chosen:
            arena.register(component)
            bound: Any = arena.bind(component, table)
            self.esper.add_component(entity, bound)
        return entity

    def bind(self, name: str, component: type, given: dict[str, Spec]) -> Any:
        """Give a population a component of a host program; return the bound component."""
        self.agents.register(component, given)
        table = self.agents.tables[name]
        bound: Any = self.agents.bind(component, table)
        self.esper.add_component(table.entity, bound)
        return bound

    def tables(self, *components: type) -> Iterator[Table]:
        """Yield the tables that have all the components, in declaration order."""
        for _, found in sorted(self.esper.get_components(Table, *components)):
            yield found[0]

    def only(self, component: type[C]) -> C | None:
        """Return the one instance of a world-wide component, None without one."""
        for _, found in self.esper.get_component(component):
            instance: C = found
            return instance
        return None

    # --- rows --------------------------------------------------------------------------------

    def restructure(
        self,
        births: Mapping[str, int] | None = None,
        deaths: I64 | None = None,
        reorder: Mapping[str, I64] | None = None,
    ) -> I64:
        """Add, remove and move rows of agents; the only thing that does.

        Parameters
        ----------
        births
            Number of new agents a population.
        deaths
            int64 (d,), ids of the agents that go.
        reorder
            For a population, the permutation of its rows, relative to its start.

        Returns
        -------
        ndarray of int64
            The ids of the new agents, ascending; their rows hold fill values but for the id.
        """
        gone = np.zeros(self.agents.capacity, dtype=bool)
        if deaths is not None:
            gone[self.agent_rows[deaths]] = True
            self.agent_rows[deaths] = -1
        sources: dict[str, I64] = {}
        for name, table in self.agents.tables.items():
            rows = np.arange(table.start, table.stop, dtype=np.int64)
            if reorder and name in reorder:
                rows = rows[reorder[name]]
            rows = rows[~gone[rows]]
            born = np.full((births or {}).get(name, 0), -1, np.int64)
            if len(born) or len(rows) != table.size or (reorder and name in reorder):
                sources[name] = np.concatenate([rows, born])
        self.agents.rearrange(sources)
        return self._number(births or {})

    def sort_by_place(self) -> None:
        """Sort each population's rows by tile, so that neighbours lie side by side in memory.

        It is done every `reorder_every` ticks; rows may be in any order, but then the search reads
        from all over.
        """
        position = self.agents.whole(Position)
        tiles_x = (self.settings.width >> TILE_SHIFT) + 1
        orders: dict[str, I64] = {}
        for name, table in self.agents.tables.items():
            here = slice(table.start, table.stop)
            tile = (position.y[here] >> TILE_SHIFT).astype(np.int64) * tiles_x
            orders[name] = np.argsort(tile + (position.x[here] >> TILE_SHIFT), kind="stable")
        self.restructure(reorder=orders)

    def _number(self, births: Mapping[str, int]) -> I64:
        """Give ids to the new rows and rebuild the way from ids to rows."""
        ids = self.agents.whole(Identity).id
        first = len(self.agent_rows)
        total = sum(births.values())
        next_id = first
        for name, table in self.agents.tables.items():
            count = births.get(name, 0)
            ids[table.stop - count : table.stop] = np.arange(next_id, next_id + count)
            next_id += count
        rows = np.full(first + total, -1, np.int64)
        for table in self.agents.tables.values():
            here = np.arange(table.start, table.stop, dtype=np.int64)
            rows[ids[table.start : table.stop]] = here
        self.agent_rows = rows
        self.scratch.allocate(self.agents.end, self.goods)
        return np.arange(first, first + total, dtype=np.int64)

    def rows_of(self, ids: I64) -> I64:
        """Return the rows of agents; InputError names the first id that is not alive."""
        ids = np.asarray(ids, dtype=np.int64)
        known = (ids >= 0) & (ids < len(self.agent_rows))
        rows = np.where(known, self.agent_rows[np.where(known, ids, 0)], -1)
        if np.any(rows < 0):
            missing = int(ids[rows < 0][0])
            raise InputError(f"no agent has id {missing} (ids are never used again after a death)")
        return rows

    # --- threads -----------------------------------------------------------------------------

    def over(
        self, start: int, stop: int, kernel: Callable[..., Any], *args: Any, cost: int = 1
    ) -> list[Any]:
        """Call ``kernel(first, last, *args)`` over ranges of `start` to `stop`, in threads.

        `cost` says how many rows' worth of work one item is.  Results come in the order of ranges.
        """
        if stop <= start:
            return []
        if self.watch is None:
            return self._split(start, stop, kernel, args, cost)
        with self.watch.section(kernel, stop - start) as watched:
            return self._split(start, stop, watched, args, cost)

    def _split(
        self, start: int, stop: int, kernel: Callable[..., Any], args: tuple[Any, ...], cost: int
    ) -> list[Any]:
        items = stop - start
        if self.threads == 1 or items * cost < SERIAL_ROWS:
            return [kernel(start, stop, *args)]
        # Handing a range over costs as much as some thousand rows.
        worth = RANGES_IN_SERIAL * items * cost // SERIAL_ROWS
        ranges = min(items, RANGES_A_THREAD * self.threads, worth)
        ranges = max(ranges, min(items, self.threads))
        edges = [start + items * i // ranges for i in range(ranges + 1)]
        return self.share(ranges, lambda each: kernel(edges[each], edges[each + 1], *args))

    def share(self, parts: int, work: Callable[[int], T]) -> list[T]:
        """Call ``work(i)`` for each of so many parts, in threads; return what it does, in order.

        The calling thread takes part, so that no part waits for another thread to wake up.
        """
        found: dict[int, T] = {}
        left = iter(range(parts))

        def take() -> None:
            for part in left:
                found[part] = work(part)

        others = [self._helpers().submit(take) for _ in range(min(self.threads, parts) - 1)]
        try:
            take()
        finally:
            # All must end before an error may leave: they write to the same arrays.
            errors = [other.exception() for other in others]
        for error in errors:
            if error is not None:
                raise error
        return [found[part] for part in range(parts)]

    def _helpers(self) -> ThreadPoolExecutor:
        """Return the threads besides the calling one, started when first needed."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self.threads - 1, thread_name_prefix="ecs_market")
        return self._pool

    @property
    def large(self) -> bool:
        """Whether memory matters more than the time that it takes to find it."""
        return self.agents.end >= LARGE

    def trim(self) -> None:
        """Give freed memory back to the system in a large world."""
        if self.large:
            trim()

    def close(self) -> None:
        """Stop the threads."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None
