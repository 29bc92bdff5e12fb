"""How much memory a scenario will take, and whether the machine has it: asked before allocation.

The estimate follows the declared columns of the components that a scenario uses, the index and the
scratch of a tick; it is that of a tick at its largest, and within a quarter of what is measured.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from ecs_market.arena import room
from ecs_market.build import AGENT_COMPONENTS, OPTIONAL_COMPONENTS, settings_of, widths_of
from ecs_market.columns import specs
from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_memory import MarketMemory
from ecs_market.components.position import Position
from ecs_market.components.utility import Utility
from ecs_market.errors import InputError
from ecs_market.kernels.spatial import COLUMN_SHIFT, STRIP_SHIFT, TILE_SHIFT, tile_shifts
from ecs_market.post_tables import POST_COMPONENTS
from ecs_market.scenario.model import Scenario
from ecs_market.scratch import Scratch
from ecs_market.systems.index_traders import empty_index
from ecs_market.telemetry.sample import Sample
from ecs_market.telemetry.schema import TABLES, Level, tables_at
from ecs_market.world import LARGE

VARIABLE = "ECS_MARKET_MEMORY_LIMIT"
AVAILABLE = "available"
MEMINFO = Path("/proc/meminfo")
CGROUPS = Path("/proc/self/cgroup")
CGROUP_ROOT = Path("/sys/fs/cgroup")
TRIAL = 1024  # rows of which a size is taken
WORD = 8
# Rows of telemetry an agent and tick at most; a trade has two sides.
ROWS_AN_AGENT = {"trades": 0.5, "market_orders": 1.0}
# The same for an agent in a snapshot; a pair has two sides.
ROWS_IN_SNAPSHOT = {"agents": 1.0, "agent_goods": 1.0, "pairs": 0.5}


@dataclass(frozen=True, slots=True)
class Footprint:
    """Estimated bytes of a simulation.

    Attributes
    ----------
    per_agent
        Bytes for each agent, by what they are for.
    fixed
        Bytes that do not depend on the number of agents, by what they are for.
    agents
        How many.
    """

    per_agent: dict[str, float]
    fixed: dict[str, float]
    agents: int

    @property
    def total(self) -> int:
        """Return the sum of all [byte]."""
        return round(self.agents * sum(self.per_agent.values()) + sum(self.fixed.values()))

    def agents_within(self, memory: int) -> int:
        """Return with how many agents, all else equal, so many bytes would do; 0 if with none."""
        left = memory - sum(self.fixed.values())
        return max(0, int(left / sum(self.per_agent.values())))


def footprint(
    scenario: Scenario, level: Level = Level.SUMMARY, sampled: int | None = None
) -> Footprint:
    """Estimate what a scenario takes; nothing is allocated.

    Parameters
    ----------
    level
        Of telemetry: rows of a tick wait for the writer in memory.
    sampled
        How many agents are in a snapshot; by default as many as `level` says.
    """
    if sampled is None:
        sampled = Sample(level, scenario.agent_count).at_start
    settings, widths = settings_of(scenario), widths_of(scenario)
    goods, agents = len(scenario.goods), max(1, scenario.agent_count)
    cells = scenario.grid.width * scenario.grid.height
    spare = sum(room(each.count) for each in scenario.populations) / agents
    chosen = [Identity, *AGENT_COMPONENTS, *OPTIONAL_COMPONENTS.values()]
    if settings.memory_slots:
        chosen.append(MarketMemory)
    scratch = Scratch()
    scratch.allocate(TRIAL, goods)
    start = _row(Position, widths) + _row(Identity, widths)
    taste = _row(Utility, widths)
    held = _row(Inventory, widths)
    index_entry = _index_entry(settings, goods)
    trading = sum(p.count for p in scenario.populations if p.has("BilateralTrader")) / agents
    per_agent = {
        "columns": sum(_row(each, widths, spare) for each in chosen),
        "ids": WORD,
        "scratch": _end(scenario) / agents * _arrays(scratch) / TRIAL,
        "index of traders": trading * index_entry
        if settings.exchange_regime != "centralized"
        else 0,
        # Members of posts: their holdings as integers and as floats, their tastes and ids.
        "members of posts": _share_at_posts(scenario, cells) * (2 * held + taste + 2 * WORD),
        # The start as it is drawn; its memory later serves what ticks allocate in passing.
        "start": start + held + taste,
        "telemetry": _queued(level, goods, sampled / agents),
    }
    if _end(scenario) >= LARGE:
        whole = _arrays(scratch.search)
        scratch.search.release()
        found = (whole - _arrays(scratch.search)) / TRIAL
        # What search needs is given back before posts and pairs need as much, and the reverse.
        per_agent["given back"] = -min(
            found + per_agent["index of traders"],
            per_agent["members of posts"] + per_agent["start"],
        )
    return Footprint(per_agent, _fixed(scenario, widths, cells), scenario.agent_count)


def _row(component: type, widths: dict[str, int], spare: float = 1.0) -> float:
    """Return the bytes of a row of a component's columns.

    There are `spare` times as many rows as are in use; those that are not take no memory where
    they hold zeros.
    """
    return sum(
        float(np.dtype(spec.dtype).itemsize)
        * (1 if spec.width is None else widths[spec.width])
        * (spare if spec.fill else 1.0)
        for spec in specs(component).values()
    )


def _end(scenario: Scenario) -> int:
    """Return up to which row the agents' arena is in use."""
    counts = [each.count for each in scenario.populations]
    return sum(map(room, counts[:-1])) + counts[-1]


def _arrays(holder: Any) -> int:
    """Return the bytes of all arrays of a dataclass and of the dataclasses in it."""
    total = 0
    for each in dataclasses.fields(holder):
        value = getattr(holder, each.name)
        if isinstance(value, np.ndarray):
            total += value.nbytes
        elif dataclasses.is_dataclass(value):
            total += _arrays(value)
    return total


def _index_entry(settings: Any, goods: int) -> float:
    small = dataclasses.replace(settings, width=1, height=1)
    world: Any = SimpleNamespace(settings=small, goods=goods)
    return _arrays(empty_index(world, TRIAL)) / TRIAL


def _share_at_posts(scenario: Scenario, cells: int) -> float:
    """Return the share of the cells from which a post can be used, 1 at most."""
    reached = sum(
        2.0 * p.interaction_radius * (p.interaction_radius + 1) + 1 for p in scenario.market_posts
    )
    return min(1.0, reached / cells)


def _queued(level: Level, goods: int, share: float) -> float:
    """Return bytes an agent of the rows that wait for telemetry's writer at the end of a tick.

    `share` of the agents are in a snapshot.
    """
    most = ROWS_AN_AGENT | {name: share * count for name, count in ROWS_IN_SNAPSHOT.items()}
    rows = {name: most.get(name, 0.0) for name in tables_at(level)}
    if "agent_goods" in rows:
        rows["agent_goods"] *= goods
    return sum(count * WORD * len(TABLES[name].columns) for name, count in rows.items())


def _fixed(scenario: Scenario, widths: dict[str, int], cells: int) -> dict[str, float]:
    def tiles_of(column: int, strip: int) -> int:
        return ((scenario.grid.width >> column) + 1) * ((scenario.grid.height >> strip) + 1)

    size, agents = (scenario.grid.width, scenario.grid.height), scenario.agent_count
    shift, _ = tile_shifts(*size, TILE_SHIFT, TILE_SHIFT, agents)
    tiles = tiles_of(shift, shift)
    traders = tiles_of(*tile_shifts(*size, COLUMN_SHIFT, STRIP_SHIFT, agents))
    post_row = sum(_row(each, widths) for each in POST_COMPONENTS)
    seen = sum(
        min(tiles, 2.0 * (1 + (max(p.visibility_radius, p.broadcast_radius) >> shift)) ** 2 + 1)
        for p in scenario.market_posts
    )
    rate = 0.0 if scenario.resources is None else scenario.resources.spawn_rate
    # Tables of 32-bit starts of tiles, and copies while they are made; patches are counted too.
    starts = 2 * 4 * (tiles + traders)
    if rate:
        starts += (4 + 2 * WORD) * tiles_of(TILE_SHIFT, TILE_SHIFT)
    return {
        "tiles": starts,
        # A patch is kept in 21 bytes; while drawn it is held twice, with its cell and its kind.
        "patches": rate * cells * (21 + 17 + 2 * WORD),
        "posts": room(len(scenario.market_posts)) * post_row + 4 * seen,
    }


# --- what there is ---------------------------------------------------------------------------


def check_memory(
    scenario: Scenario,
    level: Level = Level.SUMMARY,
    limit: int | str | None = AVAILABLE,
    sampled: int | None = None,
) -> None:
    """Refuse a scenario that the machine has no memory for.

    Parameters
    ----------
    level, sampled
        As for `footprint`.
    limit
        Bytes; "available": what the machine has free now, or what `ECS_MARKET_MEMORY_LIMIT` says
        (bytes, or ``none``); None: whatever it takes.

    Raises
    ------
    InputError
        The estimate is above the limit; it names both and the number of agents that would fit.
    """
    memory = memory_limit(limit)
    if memory is None:
        return
    found = footprint(scenario, level, sampled)
    if found.total <= memory:
        return
    fits = found.agents_within(memory)
    room_for = (
        f"about {fits:,} agents would fit, all else equal"
        if fits
        else f"no number of agents would fit on a grid of {scenario.grid.width:,} x "
        f"{scenario.grid.height:,} cells{_smaller_grid(scenario, level, memory, sampled)}"
    )
    raise InputError(
        f"{scenario.agent_count:,} agents on {scenario.grid.width:,} x {scenario.grid.height:,} "
        f"cells need about {gigabytes(found.total)} of memory, {found.total:,} bytes, and "
        f"{gigabytes(memory)} are available; {room_for}; to try all the same, set {VARIABLE}=none"
    )


def _smaller_grid(scenario: Scenario, level: Level, memory: int, sampled: int | None) -> str:
    """Return on how small a grid all agents would fit, cut in halves; nothing if on none."""
    grid = scenario.grid
    for halvings in range(1, max(grid.width, grid.height).bit_length()):
        width, height = max(1, grid.width >> halvings), max(1, grid.height >> halvings)
        smaller = dataclasses.replace(
            scenario, grid=dataclasses.replace(grid, width=width, height=height)
        )
        if footprint(smaller, level, sampled).total <= memory:
            return f", all of them on one of {width:,} x {height:,}"
    return ""


def gigabytes(size: float) -> str:
    """Return a size for people."""
    return f"{size / 2**30:,.2f} GiB"


def memory_limit(limit: int | str | None) -> int | None:
    """Return how many bytes may be used, None if nothing is known or asked.

    Raises
    ------
    InputError
        A limit is neither a positive number of bytes nor one of the words.
    """
    if limit == AVAILABLE:
        said = os.environ.get(VARIABLE, "").strip()
        if not said:
            return available_memory()
        return None if said.lower() == "none" else _bytes(VARIABLE, said)
    return None if limit is None else _bytes("memory_limit", limit)


def _bytes(name: str, value: Any) -> int:
    text = str(value)
    if isinstance(value, bool) or not text.isdecimal() or not int(text):
        words = "'none'" if name == VARIABLE else f"None or {AVAILABLE!r}"
        raise InputError(f"{name} must be a positive number of bytes, or {words}, not {value!r}")
    return int(text)


def available_memory() -> int | None:
    """Return how many bytes are free: on the machine, and in the control groups of the process.

    Memory that only caches files counts as free.  None where neither can be read.
    """
    known = [size for size in (_free_on_machine(), *_free_in_groups()) if size is not None]
    return min(known, default=None)


def _free_on_machine() -> int | None:
    try:
        for line in MEMINFO.read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        return None
    return None


def _free_in_groups() -> list[int | None]:
    """Return what the memory limits of control groups, version 1 and 2, leave."""
    try:
        lines = CGROUPS.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: list[int | None] = []
    for line in lines:
        _, controllers, path = line.split(":", 2)
        if controllers == "":
            names, root = ("memory.max", "memory.current", "inactive_file"), CGROUP_ROOT
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            root = CGROUP_ROOT / "memory"
        else:
            continue
        # A limit of any group above holds too; inside a container only the root may be mounted.
        group = root / path.strip("/")
        above = [group, *group.parents]
        found += [_free_in(each, *names) for each in above if each.is_relative_to(root)]
    return found


def _free_in(group: Path, limit: str, used: str, cache: str) -> int | None:
    try:
        most = (group / limit).read_text(encoding="ascii").strip()
        if most == "max":
            return None
        held = int((group / used).read_text(encoding="ascii"))
        stat = (group / "memory.stat").read_text(encoding="ascii").split()
        reclaimable = int(stat[stat.index(cache) + 1]) if cache in stat else 0
        return max(0, int(most) - held + reclaimable)
    except (OSError, ValueError):
        return None
