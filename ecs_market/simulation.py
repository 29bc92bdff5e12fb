"""A simulation: a world, its schedule, its telemetry, and the tick's own thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from esper import Processor
from numpy.typing import ArrayLike

from ecs_market import host
from ecs_market.build import build_world
from ecs_market.components.inventory import Inventory
from ecs_market.crowding import tell_crowding
from ecs_market.errors import InputError, SimulationError
from ecs_market.footprint import AVAILABLE, check_memory
from ecs_market.kernels.jit import watching
from ecs_market.market_view import MarketView, MarketViews, market_views
from ecs_market.notebook import simulation_html
from ecs_market.plotting import Plots
from ecs_market.profiling.profile import Profile
from ecs_market.profiling.profiler import Profiler
from ecs_market.report import ledger_of, summary_of
from ecs_market.run_record import level_of, open_recorder
from ecs_market.scenario import Scenario, from_dict
from ecs_market.schedule import Schedule
from ecs_market.state_hash import state_hash
from ecs_market.subsistence import below_subsistence
from ecs_market.telemetry.frames import to_frame
from ecs_market.telemetry.recorder import Recorder
from ecs_market.telemetry.sample import Sample
from ecs_market.telemetry.schema import Level
from ecs_market.types import I64
from ecs_market.units import Units
from ecs_market.welfare_report import welfare_of
from ecs_market.world import World, default_threads

if TYPE_CHECKING:
    import pandas as pd


class Simulation:
    """One economy that can be run, watched and changed between ticks.

    Parameters
    ----------
    scenario
        A `Scenario`, or a mapping with the keys of a scenario file.
    seed
        Key of all random numbers, 0 to 2^63 - 1; the scenario's if not given.
    telemetry
        Path of a new SQLite file; without it an in-memory database is used.
    telemetry_level
        ``off``, ``summary``, ``trades``, ``orders`` or ``full``; by default ``trades`` up to
        10,000 agents and ``summary`` above.
    snapshot_every
        Ticks from a snapshot of agents and patches to the next, 0 for none; by default 1 up to
        1,000 agents, else 10, and more as a long run goes on.
    snapshot_agents
        Most agents in a snapshot, 0 for none; 5,000 by default.  At level ``full`` the defaults
        are all agents in every tick.
    threads
        Threads of the kernels; by default the processors this process may use.  Results do not
        depend on it.
    memory_limit
        Bytes beyond which a scenario is refused before anything is allocated: by default what is
        available now, or what the environment variable `ECS_MARKET_MEMORY_LIMIT` says; None for no
        limit.

    Raises
    ------
    InputError
        An argument is not allowed; nothing has been written.

    Attributes
    ----------
    visible_neighbours
        How many others an agent saw at the start, about; above 50 a warning is logged.

    Notes
    -----
    One thread at a time may use a simulation.  Close it, or use it in a ``with`` block.
    """

    def __init__(
        self,
        scenario: Scenario | Mapping[str, Any],
        seed: int | None = None,
        *,
        telemetry: str | Path | None = None,
        telemetry_level: Level | str | None = None,
        snapshot_every: int | None = None,
        snapshot_agents: int | None = None,
        threads: int | None = None,
        memory_limit: int | str | None = AVAILABLE,
    ) -> None:
        self.scenario = scenario if isinstance(scenario, Scenario) else from_dict(scenario)
        self.seed = _whole("seed", self.scenario.seed if seed is None else seed, 0, 2**63 - 1)
        self.threads = _whole("threads", default_threads() if threads is None else threads, 1, 1024)
        self._busy = threading.RLock()
        self._failed: BaseException | None = None
        self._closed = False
        self._views = 0
        self._runner: ThreadPoolExecutor | None = None
        self._profiler: Profiler | None = None
        level = level_of(self.scenario, telemetry_level)
        sample = Sample(level, self.scenario.agent_count, snapshot_every, snapshot_agents)
        check_memory(self.scenario, level, memory_limit, sample.at_start)
        self.world: World = build_world(self.scenario, self.seed, self.threads)
        self.world.totals.began_below = below_subsistence(self.world) > 0
        self.visible_neighbours = tell_crowding(self.world)
        self.host_keys: dict[str, dict[Any, int]] = {}
        self._schedule = Schedule(self.world)
        self._recorder: Recorder = open_recorder(self, telemetry, level, sample)
        self.tick = 0

    # --- running -----------------------------------------------------------------------------

    def step(self) -> None:
        """Compute one whole tick.

        The tick runs on the simulation's own thread while the caller waits, so that an interrupt
        is raised after the tick is complete.
        """
        with self._use(structure=True):
            if self._runner is None:
                self._runner = ThreadPoolExecutor(1, thread_name_prefix="ecs_market_tick")
            _wait(self._runner.submit(self._tick))

    def run(
        self,
        ticks: int | None = None,
        on_tick: Callable[[Simulation], object] | None = None,
        *,
        profile: bool = False,
    ) -> None:
        """Compute a number of ticks.

        Parameters
        ----------
        ticks
            How many; the scenario's if not given.
        on_tick
            Called with the simulation after each.
        profile
            Measure every system and kernel; `profile()` then says where the time went.  Results are
            the same; it costs about 1 % of a large economy.
        """
        ticks = self.scenario.ticks if ticks is None else ticks
        if profile:
            self._profiled(Profiler(), ticks, on_tick)
            return
        for _ in range(_whole("ticks", ticks, 0, 2**31 - 1)):
            self.step()
            if on_tick is not None:
                on_tick(self)

    def profile(self) -> Profile:
        """Return what the last profiled run came to: `run(n, profile=True)`, `profile_system`.

        Raises
        ------
        SimulationError
            Nothing has been profiled.
        """
        if self._profiler is None:
            raise SimulationError("nothing has been profiled: call run(ticks, profile=True) first")
        return self._profiler.profile(self.threads)

    def profile_system(self, name: str, ticks: int = 1, repeats: int = 5) -> Profile:
        """Compute ticks in each of which one system runs several times from the same state.

        All that the system may change is remembered before and put back after each time but the
        last, so that the simulation goes on as it would have without.

        Parameters
        ----------
        name
            Of a system in the schedule, other than ``observe``, which hands records on for good.
        repeats
            How often it runs in each tick.
        """
        names = [entry.name for entry in self._schedule.entries if entry.phase != "telemetry"]
        if name not in names:
            raise InputError(f"profile: there is no system {name!r}; one of: {', '.join(names)}")
        self._profiled(Profiler(name, _whole("repeats", repeats, 1, 10**6)), ticks, None)
        return self.profile()

    def _profiled(
        self, profiler: Profiler, ticks: int, on_tick: Callable[[Simulation], object] | None
    ) -> None:
        self._profiler = profiler
        self.world.watch = profiler
        try:
            with watching(None):  # once for all ticks
                self.run(ticks, on_tick)
        finally:
            self.world.watch = None

    def _tick(self) -> None:
        if self.tick >= 2**31 - 2:
            raise SimulationError("the simulation has reached the last tick it can count")
        self.world.tick = self.tick
        try:
            if self.tick and self.tick % self.world.settings.reorder_every == 0:
                self.world.sort_by_place()
            self._schedule.run(self.world)
        except BaseException as error:
            self._failed = error
            raise
        self.tick += 1
        self.world.totals.elapsed_ns += sum(self.world.timings.values())
        for name, ns in self.world.timings.items():
            self.world.total_timings[name] = self.world.total_timings.get(name, 0) + ns

    # --- looking -----------------------------------------------------------------------------

    @property
    def units(self) -> Units:
        """How storage units translate to units and M."""
        return self.scenario.units

    @property
    def esper(self) -> ModuleType:
        """Return the private instance of the esper module."""
        return self.world.esper

    @property
    def markets(self) -> MarketViews:
        """The market posts by ascending id, as views."""
        return market_views(self)

    @property
    def telemetry(self) -> Recorder:
        """What has been recorded: `query` and `columns`."""
        return self._recorder

    def to_frame(self, table: str) -> pd.DataFrame:
        """Return a table of telemetry, or a view in people's units, as a pandas DataFrame.

        Raises
        ------
        MarketError
            pandas is not installed; `telemetry.columns` gives the same as numpy arrays.
        TelemetryError
            There is no such table, or the telemetry level does not record it.
        """
        return to_frame(self._recorder, table)

    @property
    def plot(self) -> Plots:
        """Figures of what has been recorded, such as `sim.plot.prices()`; needs matplotlib."""
        return Plots(self._recorder.query)

    def state_hash(self) -> str:
        """Return 64 hexadecimal digits that identify the state after the last tick."""
        with self._use():
            return state_hash(self.world, self.tick)

    def ledger(self) -> dict[str, dict[str, int]]:
        """Return, for each good and M, where every storage unit came from and what exists."""
        with self._use():
            return ledger_of(self.world)

    def timings(self) -> dict[str, int]:
        """Return the nanoseconds each system has taken so far."""
        return dict(self.world.total_timings)

    def welfare(self) -> dict[str, Any]:
        """Return gains from trade, what they come to of the attainable ones, and measures of both.

        What could still be gained takes a meeting of all agents, worked out when asked.

        Returns
        -------
        dict
            Numbers in people's units, ready for JSON; what cannot be said is None, and ``reasons``
            says why.

            unit
                What gains are measured in: ``M``, or the good that pays.
            market_gain, bilateral_gain, fees, gain
                Gains of agents at posts and face to face, after fees; fees that they paid; the sum.
            attainable_now, largest_now
                What all agents together, and the one that has most to gain, would gain if all met
                at one post now.
            attainable, efficiency
                ``gain`` plus ``attainable_now``, and the share of it that has been realised.
            exact
                Whether ``attainable_now`` is the maximum, but for lots and the tolerance of prices.
            gini
                Gini coefficient of the gains of the agents alive.
            prices
                A good each: ``volume``, ``mean`` price paid, ``dispersion`` (coefficient of
                variation, each unit counted once), ``equilibrium`` (the price at which all would
                trade now) and ``smith_alpha`` (root mean squared distance to it in percent of it).
            last_trade_tick
                The last tick with a trade.
            exhausted, threshold
                Whether nobody would gain as much as the threshold [M], the scenario's
                ``min_value``, if all met at one post now.
            reasons
                Why something is None.
        """
        with self._use():
            return welfare_of(self.world, self.units)

    def summary(self) -> dict[str, Any]:
        """Return the run so far in people's units, ready for JSON."""
        with self._use():
            return summary_of(self)

    def report(self, path: str | Path, *, force: bool = False) -> None:
        """Write a page that shows the run so far, as ``ecs-market report`` does.

        Parameters
        ----------
        path
            The HTML file. A report there is replaced; another file only with `force`.

        Raises
        ------
        InputError
            The file cannot be written, or nothing is recorded at telemetry level ``off``.
        """
        from ecs_market.reporting import write_live

        with self._use():
            write_live(self._recorder, summary_of(self), path, force=force)

    def view(self, agent: int) -> host.AgentView:
        """Return what one agent sees now, as plain records."""
        with self._use():
            return host.agent_view(self, agent)

    # --- the host program --------------------------------------------------------------------

    def population(self, name: str) -> host.Population:
        """Return a population by name; the shorthand ``agents:`` makes one of that name."""
        host.table_of(self.world, name)
        return host.Population(self, name, self._use)

    @contextmanager
    def edit(self) -> Iterator[host.Edit]:
        """Change state between ticks: all or nothing, validated, booked as host."""
        with self._use():
            edit = host.Edit(self)
            self._views += 1
            try:
                yield edit
            finally:
                self._views -= 1
            edit.apply()

    @contextmanager
    def columns(self, population: str) -> Iterator[host.Columns]:
        """Hand out zero-copy views of a population's columns, in row order.

        After the block the arrays it handed out turn read-only, and access through it raises.
        What was written is checked then; a value that is not allowed fails the simulation.
        """
        with self._use():
            view = host.Columns(self, population)
            self._views += 1
            try:
                yield view
            finally:
                self._views -= 1
                try:
                    view.close()
                except InputError as error:
                    self._failed = error
                    raise

    def spawn(
        self,
        population: str,
        count: int,
        *,
        position: ArrayLike | None = None,
        inventory: Mapping[str, ArrayLike] | None = None,
        host_key: Sequence[Any] | None = None,
        **components: Mapping[str, ArrayLike],
    ) -> I64:
        """Add agents to a population; return their ids, ascending.

        Parameters
        ----------
        position
            int (count, 2), cells.
        inventory
            ``goods`` (count, K) [lot] and ``money`` (count,) [minor unit].
        host_key
            The host's own names for them, to be looked up with ``Population.ids_for``.
        **components
            Fields of other components, such as ``utility={"parameters": ...}``; fields not given
            are copied from the population's lowest id.
        """
        with self._use(structure=True):
            return host.spawn(self, population, count, position, inventory, host_key, components)

    def despawn(self, ids: ArrayLike) -> None:
        """Remove agents; what they own is booked out as host."""
        with self._use(structure=True):
            host.despawn(self, ids)

    def add_component(self, population: str, component: Any) -> None:
        """Give a population a component of the host: a dataclass of arrays in the order of ids."""
        with self._use(structure=True):
            host.add_component(self, population, component)

    def add_system(self, system: Processor, after: str) -> None:
        """Run a system of the host in every tick, after a phase or a system."""
        with self._use():
            self._schedule.add(system, after, self.world)

    def add_market_post(self, location: tuple[int, int], **settings: Any) -> MarketView:
        """Add a post with the keys of a scenario's ``market_posts``; return its view."""
        with self._use(structure=True):
            return host.add_market_post(self, location, settings)

    def remove_market_post(self, ident: int) -> None:
        """Remove a post by its id; what it owned is booked out as host.

        Orders that rest there are dropped, and agents that were after it are free.  The number is
        not given to another post.
        """
        with self._use(structure=True):
            host.remove_market_post(self, ident)

    # --- ending ------------------------------------------------------------------------------

    def close(self) -> None:
        """Finish telemetry and free threads; does nothing the second time."""
        if self._closed:
            return
        self._closed = True
        if self._runner is not None:
            self._runner.shutdown()
        self.world.close()
        self._recorder.close(self._failed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else f"tick {self.tick}"
        return f"<Simulation {self.scenario.name!r} seed {self.seed}, {state}>"

    def _repr_html_(self) -> str:
        return simulation_html(self, closed=self._closed)

    @contextmanager
    def _use(self, *, structure: bool = False) -> Iterator[None]:
        """Refuse what cannot be: after close, after a failure, in two threads at once."""
        if self._closed:
            raise SimulationError("the simulation is closed")
        if self._failed is not None:
            raise SimulationError(
                f"the simulation failed in tick {self.tick} ({self._failed!r}); only close() works"
            )
        if not self._busy.acquire(blocking=False):
            raise SimulationError(
                "the simulation is in use by another thread; one thread at a time may use it"
            )
        try:
            if structure and self._views:
                raise SimulationError(
                    "ticks, births and deaths cannot happen inside an edit() or columns() block"
                )
            yield
        finally:
            self._busy.release()

    def total_money(self) -> int:
        """Return all money that agents hold [minor unit]."""
        return int(self.world.agents.whole(Inventory).money.sum())


def _whole(name: str, value: Any, least: int, most: int) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, np.integer)):
        raise InputError(f"{name} must be a whole number, not {value!r}")
    if not least <= value <= most:
        raise InputError(f"{name} must be from {least} to {most}, not {value}")
    return int(value)


def _wait(future: Future[None]) -> None:
    """Wait for a tick; an interrupt that comes meanwhile is raised once it is complete."""
    interrupt: KeyboardInterrupt | None = None
    while True:
        try:
            future.result()
            break
        except KeyboardInterrupt as error:
            if future.done():
                raise
            interrupt = error
    if interrupt is not None:
        raise interrupt
