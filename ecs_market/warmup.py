"""Compile ahead: find out which kernels a scenario needs, and compile those that are not cached.

Nothing is listed by hand.  A scenario, made small, is run for some ticks with every kernel as the
plain Python function it is, while each call from outside notes the kernel and the types of its
arguments: for these the compiler is then asked, one after the other.  What a longer run meets for
the first time later is compiled then.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
from numba.core import config

from ecs_market.errors import InputError
from ecs_market.kernels.jit import kernel_name, watching
from ecs_market.scenario import Scenario
from ecs_market.scenario.model import Distribution, Draw, Population, Positions, Post
from ecs_market.simulation import Simulation
from ecs_market.world import World

_config: Any = config

# A rehearsal has at most so many agents and ticks, and ends when so many ticks brought nothing new.
AGENTS, TICKS, QUIET = 200, 200, 30
# A snapshot can take longer than its tick; a long rehearsal takes one in so many ticks.
SNAPSHOT_EVERY = 10
POSTS_A_MECHANISM = 4


@dataclass(frozen=True, slots=True)
class Need:
    """A kernel for one set of argument types."""

    kernel: Any
    types: tuple[Any, ...]

    @property
    def name(self) -> str:
        """Return the kernel's name."""
        return kernel_name(self.kernel)

    @property
    def cached(self) -> bool:
        """Return whether its compiled code is kept, whole."""
        cache: Any = self.kernel._cache  # noqa: SLF001
        held: bool = cache.holds(self.types, self.kernel.targetctx)
        return held

    @property
    def entry(self) -> str:
        """Return the name of the file that says that it is kept."""
        cache: Any = self.kernel._cache  # noqa: SLF001
        name: str = cache.entry(self.types, self.kernel.targetctx)
        return name

    def compile(self) -> None:
        """Compile it, or load it if it is cached."""
        self.kernel.compile(self.types)


class Rehearsal:
    """Runs kernels as plain Python and notes which are called from outside, with which types."""

    def __init__(self) -> None:
        self.needs: dict[tuple[int, tuple[Any, ...]], Need] = {}
        self._inside = False

    def call(self, kernel: Any, args: tuple[Any, ...]) -> Any:
        """Run a kernel uncompiled; what it calls itself is compiled into it and not noted."""
        if self._inside:
            return kernel.py_func(*args)
        types = tuple(kernel.typeof_pyval(each) for each in args)
        self.needs.setdefault((id(kernel), types), Need(kernel, types))
        self._inside = True
        try:
            return _as_compiled(kernel.py_func(*args))
        finally:
            self._inside = False

    def tick(self, world: World) -> AbstractContextManager[None]:  # noqa: ARG002  # a Watcher's
        """Watch the thread that computes a tick."""
        return watching(self.call)

    def process(self, name: str, system: Any, world: World) -> None:  # noqa: ARG002  # a Watcher's
        """Run a system."""
        system.process(world)

    @contextmanager
    def section(self, kernel: Callable[..., Any], rows: int) -> Iterator[Callable[..., Any]]:  # noqa: ARG002  # a Watcher's
        """Leave ranges of rows as they are: each is a call of the kernel."""
        with nullcontext():
            yield kernel


def _as_compiled(result: Any) -> Any:
    """Return a result as compiled code hands it to Python: numbers are Python's own."""
    if isinstance(result, tuple):
        return tuple(_as_compiled(each) for each in result)
    return result.item() if isinstance(result, np.generic) else result


def needed(scenario: Scenario, quiet_ticks: int = QUIET) -> list[Need]:
    """Return the kernels that a scenario calls, in the order of their first call.

    The rehearsal ends after so many quiet ticks; few of them find most kernels soon.

    Raises
    ------
    InputError
        Compilation is switched off.
    """
    if _config.DISABLE_JIT:
        raise InputError("NUMBA_DISABLE_JIT is set: nothing is compiled, so there is nothing to do")
    rehearsal = Rehearsal()
    quiet = 0
    ticks = min(scenario.ticks, TICKS)
    every = SNAPSHOT_EVERY if ticks > QUIET else 1
    with (
        watching(rehearsal.call),
        Simulation(
            small(scenario), telemetry_level="full", threads=1, snapshot_every=every
        ) as simulation,
    ):
        simulation.world.watch = rehearsal
        for _ in range(ticks):
            known = len(rehearsal.needs)
            simulation.step()
            quiet = 0 if len(rehearsal.needs) > known else quiet + 1
            if quiet == quiet_ticks:
                break
        simulation.summary()
    return list(rehearsal.needs.values())


def together(lists: list[list[Need]]) -> list[Need]:
    """Return all needs once."""
    found = {(id(each.kernel), each.types): each for needs in lists for each in needs}
    return list(found.values())


# --- a scenario made small ----------------------------------------------------------------------


def small(scenario: Scenario) -> Scenario:
    """Return a scenario of the same kind with few agents and posts at the same density."""
    if scenario.agent_count <= AGENTS:
        return scenario
    factor = AGENTS / scenario.agent_count
    scale = math.sqrt(factor)
    width, height = (max(8, round(side * scale)) for side in _size(scenario))
    grid = dataclasses.replace(scenario.grid, width=width, height=height)
    return dataclasses.replace(
        scenario,
        grid=grid,
        populations=tuple(_fewer(each, factor) for each in scenario.populations),
        market_posts=_some_posts(scenario.market_posts, width, height),
    )


def _size(scenario: Scenario) -> tuple[int, int]:
    return scenario.grid.width, scenario.grid.height


def _fewer(population: Population, factor: float) -> Population:
    utilities = tuple(
        dataclasses.replace(
            each,
            count=(count := max(1, round(each.count * factor))),
            money_weight=_cut(each.money_weight, count),
            parameters=_cut(each.parameters, count),
        )
        for each in population.utilities
    )
    count = sum(each.count for each in utilities)
    return dataclasses.replace(
        population,
        count=count,
        positions=Positions(),
        inventories=tuple(_cut(each, count) for each in population.inventories),
        money=_cut(population.money, count),
        utilities=utilities,
    )


def _cut(value: Any, count: int) -> Any:
    """Return a value in which lists of one number a member are as short as the members are few."""
    if isinstance(value, Distribution):
        values = None if value.values is None else value.values[:count]
        return dataclasses.replace(value, values=values)
    if isinstance(value, Draw):
        return dataclasses.replace(value, values=value.values[:count])
    if isinstance(value, dict):
        return {key: _cut(each, count) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_cut(each, count) for each in value)
    return value


def _some_posts(posts: tuple[Post, ...], width: int, height: int) -> tuple[Post, ...]:
    """Return some posts of each mechanism, spread over a small grid, a cell each."""
    seen: dict[str, int] = {}
    kept = []
    for post in posts:
        seen[post.mechanism] = seen.get(post.mechanism, 0) + 1
        if seen[post.mechanism] <= POSTS_A_MECHANISM:
            kept.append(post)
    cells = width * height
    places = [(2 * i + 1) * cells // (2 * len(kept)) for i in range(len(kept))]
    return tuple(
        dataclasses.replace(post, x=place % width, y=place // width)
        for post, place in zip(kept, places, strict=True)
    )
