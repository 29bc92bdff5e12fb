"""The C program of `search_and_move.c`: compiled where a C compiler is there, called by ctypes."""

from __future__ import annotations

import ctypes
import os
import platform
import shlex
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ecs_market import Simulation
from ecs_market.components.inventory import Inventory
from ecs_market.components.mobility import Mobility
from ecs_market.components.position import Position
from ecs_market.components.visibility import Visibility
from ecs_market.scratch import PARTNER_SHARE

SOURCE = Path(__file__).with_name("search_and_move.c")
FLAGS = ("-O3", "-march=native", "-mavx2", "-fopenmp", "-shared", "-fPIC", "-Wall", "-Wextra")
PARTS = ("index", "search", "pairing", "movement")


class UnavailableError(Exception):
    """There is no such program here; the message says why."""


@dataclass(slots=True)
class Columns:
    """What search and movement of a tick read, in the order of ids.

    Attributes
    ----------
    x, y, vision, interaction, budget
        int32 (n,) [cell].
    rate, curvature
        float32 (n, 2): marginal rates [M / unit] and minus their slopes.
    goods, money
        int64 (n, 2) [lot] and (n,) [minor unit].
    """

    x: Any
    y: Any
    vision: Any
    interaction: Any
    budget: Any
    rate: Any
    curvature: Any
    goods: Any
    money: Any


def columns_of(simulation: Simulation) -> Columns:
    """Return copies of the agents' columns; marginal rates must be those of what they hold."""
    agents, rows = simulation.world.agents, simulation.world.agent_rows
    position, mobility = agents.whole(Position), agents.whole(Mobility)
    visibility, inventory = agents.whole(Visibility), agents.whole(Inventory)
    search = simulation.world.scratch.search
    return Columns(
        position.x[rows],
        position.y[rows],
        visibility.vision_radius[rows],
        visibility.interaction_radius[rows],
        mobility.budget[rows],
        search.rate[rows],
        search.curvature[rows],
        inventory.goods[rows],
        inventory.money[rows],
    )


@dataclass(slots=True)
class Outcome:
    """What a tick led to, in the order of ids; -1 where there is none.

    Attributes
    ----------
    x, y
        Positions after the tick [cell].
    best, partner
        Ids of the best partner and of the one that the agent was paired with.
    """

    x: Any
    y: Any
    best: Any
    partner: Any


def compile_program(folder: Path) -> Path:
    """Compile the C program into a folder; raise `UnavailableError` where that is impossible."""
    command = shlex.split(os.environ.get("CC", "cc"))
    if not command or shutil.which(command[0]) is None:
        raise UnavailableError(f"no C compiler ({' '.join(command) or 'CC is empty'} is not found)")
    if platform.machine().lower() not in ("x86_64", "amd64"):
        raise UnavailableError(f"it is written for x86-64 with AVX2, this is {platform.machine()}")
    library = folder / "search_and_move.so"
    done = subprocess.run(
        [*command, *FLAGS, "-o", str(library), str(SOURCE), "-lm"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        said = (done.stderr.strip() or "no message").splitlines()[0]
        raise UnavailableError(f"{' '.join(command)} does not compile it: {said}")
    return library


def version_of_compiler() -> str:
    """Return the first line of what the C compiler says of itself."""
    command = [*shlex.split(os.environ.get("CC", "cc")), "--version"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.split("\n")[0]


class HandWritten:
    """The agents of a simulation in the C program.

    Parameters
    ----------
    library
        What `compile_program` made.
    simulation
        Whose agents these are; ids are 0 to n - 1.
    """

    def __init__(self, library: Path, simulation: Simulation) -> None:
        # OpenMP reads this when it is loaded: threads that wait go to sleep after a fraction of a
        # millisecond, or they would take processors away from what they wait for.
        os.environ.setdefault("GOMP_SPINCOUNT", "20000")
        self._library = ctypes.CDLL(str(library))
        if not self._library.supported():
            raise UnavailableError("this processor has no AVX2")
        self._library.create.restype = ctypes.c_void_p
        self._library.tick.restype = ctypes.c_double
        settings = simulation.world.settings
        self._units = ctypes.c_double(settings.lot_size), ctypes.c_double(settings.minor_size)
        self._agents = len(simulation.world.agent_rows)
        self._state = ctypes.c_void_p(
            self._library.create(
                ctypes.c_int64(self._agents),
                ctypes.c_int32(settings.width),
                ctypes.c_int32(settings.height),
                ctypes.c_double(settings.beta),
                ctypes.c_double(settings.min_value / PARTNER_SHARE),
            )
        )
        if not self._state:
            raise UnavailableError(
                "the grid is wider than 16,383 cells, or there is not enough memory"
            )

    def close(self) -> None:
        """Free its memory."""
        self._library.destroy(self._state)
        self._state = ctypes.c_void_p()

    def load(self, columns: Columns) -> None:
        """Take over the agents' columns; they keep the order that the last tick put them in."""
        given = [
            np.ascontiguousarray(column, dtype)
            for column, dtype in (
                (columns.x, np.int32),
                (columns.y, np.int32),
                (columns.vision, np.int32),
                (columns.interaction, np.int32),
                (columns.budget, np.int32),
                (columns.rate, np.float32),
                (columns.curvature, np.float32),
                (columns.goods, np.int64),
                (columns.money, np.int64),
            )
        ]
        pointers = [column.ctypes.data_as(ctypes.c_void_p) for column in given]
        if self._library.load(self._state, *pointers, *self._units):
            raise UnavailableError("it takes agents that can walk, with radii of at most 255 cells")

    def tick(self, seed: int, tick: int, threads: int) -> float:
        """Search, pair and move; return how long it took [s]."""
        seconds = self._library.tick(
            self._state, ctypes.c_int64(seed), ctypes.c_int64(tick), ctypes.c_int32(threads)
        )
        return float(seconds)

    def outcome(self) -> Outcome:
        """Return what the last tick led to."""
        return self._results()[0]

    def times(self) -> dict[str, float]:
        """Return how long the parts of the last tick took, and the processor time of all [s]."""
        times = self._results()[1]
        return dict(zip((*PARTS, "processor"), times.tolist(), strict=True))

    def _results(self) -> tuple[Outcome, Any]:
        x, y = (np.empty(self._agents, np.int32) for _ in range(2))
        best, partner = (np.empty(self._agents, np.int64) for _ in range(2))
        times = np.empty(len(PARTS) + 1)
        arrays = (x, y, best, partner, times)
        self._library.results(
            self._state, *(array.ctypes.data_as(ctypes.c_void_p) for array in arrays)
        )
        return Outcome(x, y, best, partner), times
