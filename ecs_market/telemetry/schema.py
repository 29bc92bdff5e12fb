"""The telemetry database's shape: levels, tables, views and their SQL.

Money, prices and quantities are stored as the integers the engine computes with (minor units,
price steps, lots), so a database adds up exactly. Each table that holds such columns has a view
`<table>_units` that shows them in the scenario's units.
"""

from __future__ import annotations

import enum
import logging
from dataclasses import dataclass
from typing import Literal

from ecs_market.errors import InputError

SCHEMA_VERSION = 2
RUN_ID = 1
"""The id of the run in its database: a recorder starts a new database for each run."""

DEFAULT_TRADES_LIMIT = 10_000
"""Up to this many agents trades are recorded by default."""

_LOG = logging.getLogger("ecs_market.telemetry")

Kind = Literal["INTEGER", "REAL", "TEXT"]
Unit = Literal["", "lot", "step", "minor"]


class Level(enum.IntEnum):
    """How much is recorded; each level includes the ones before it."""

    OFF = 0
    SUMMARY = 1
    TRADES = 2
    ORDERS = 3
    FULL = 4

    @property
    def label(self) -> str:
        """The level's name as users write it."""
        return self.name.lower()

    @classmethod
    def parse(cls, value: Level | str) -> Level:
        """Read a level from its name.

        Raises
        ------
        InputError
            If there is no level of that name.
        """
        if isinstance(value, Level):
            return value
        for level in cls:
            if value == level.label:
                return level
        allowed = ", ".join(level.label for level in cls)
        raise InputError(f"telemetry level {value!r} is not known; allowed are {allowed}")


def default_level(n_agents: int) -> Level:
    """Return the level for a run that names none, and log it where it leaves trades out."""
    if n_agents <= DEFAULT_TRADES_LIMIT:
        return Level.TRADES
    _LOG.info(
        "%d agents: telemetry level is 'summary' (single trades are recorded by default up to"
        " %d agents; ask for 'trades' to have them)",
        n_agents,
        DEFAULT_TRADES_LIMIT,
    )
    return Level.SUMMARY


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its SQL type, whether a row must have it, and what its integers count."""

    name: str
    kind: Kind = "INTEGER"
    required: bool = False
    unit: Unit = ""

    @property
    def ddl(self) -> str:
        """The column's definition in CREATE TABLE."""
        return f"{self.name} {self.kind}{' NOT NULL' if self.required else ''}"


@dataclass(frozen=True, slots=True)
class Table:
    """One table and the lowest level that records it."""

    name: str
    level: Level
    columns: tuple[Column, ...]

    @property
    def ddl(self) -> str:
        """The CREATE TABLE statement."""
        body = ", ".join(column.ddl for column in self.columns)
        key = ", PRIMARY KEY (run_id)" if self.name == "runs" else ""
        return f"CREATE TABLE {self.name} ({body}{key}) STRICT"

    @property
    def insert(self) -> str:
        """The INSERT statement of one row, every column a parameter."""
        return f"INSERT INTO {self.name} VALUES ({', '.join('?' for _ in self.columns)})"  # noqa: S608 - our names

    @property
    def has_units(self) -> bool:
        """Whether a `_units` view of the table exists."""
        return any(column.unit for column in self.columns)

    @property
    def view_ddl(self) -> str:
        """The CREATE VIEW statement of the table in units."""
        body = ", ".join(
            f"t.{c.name} / r.{_PER_UNIT[c.unit]} AS {c.name}" if c.unit else f"t.{c.name}"
            for c in self.columns
        )
        # CROSS JOIN keeps the large table outermost: rows come out in the order of recording.
        return (
            f"CREATE VIEW {self.name}_units AS SELECT {body}"  # noqa: S608 - names from this page
            f" FROM {self.name} AS t CROSS JOIN runs AS r ON r.run_id = t.run_id"
        )


_PER_UNIT: dict[Unit, str] = {
    "lot": "lots_per_unit",
    "step": "price_steps_per_money",
    "minor": "minor_per_money",
}


def _key(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, required=True) for name in names)


def _ints(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name) for name in names)


def _texts(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, "TEXT") for name in names)


def _lots(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, unit="lot") for name in names)


def _steps(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, unit="step") for name in names)


def _minor(*names: str) -> tuple[Column, ...]:
    return tuple(Column(name, unit="minor") for name in names)


_GOOD = (Column("commodity", "TEXT", required=True),)

_TABLES = (
    Table(
        "runs",
        Level.SUMMARY,
        (
            *_key("run_id"),
            *_texts("name", "scenario"),
            Column("seed"),
            *_texts("level", "version", "rng_version", "hash_version"),
            *(Column(name, "TEXT", required=True) for name in ("lot", "price_step", "minor")),
            *(Column(name, "REAL", required=True) for name in _PER_UNIT.values()),
            *_texts("goods"),
            *_ints("grid_width", "grid_height", "torus", "agents"),
            *_ints("snapshot_agents", "snapshot_every"),
            *_texts("processor", "python", "numpy", "numba", "started_at", "finished_at"),
            *_ints("ticks"),
            *_texts("failure"),
        ),
    ),
    Table(
        "market_posts",
        Level.SUMMARY,
        (
            *_key("run_id", "market_id"),
            *_ints("location_x", "location_y", "visibility_radius", "interaction_radius"),
            *_ints("broadcast_radius"),
            *_texts("mechanism_type", "commodities"),
        ),
    ),
    Table(
        "market_orders",
        Level.ORDERS,
        (
            *_key("run_id", "tick", "market_id", "agent_id"),
            *_GOOD,
            *_texts("direction"),
            *_lots("quantity"),
            *_steps("limit_price"),
            *_texts("status"),
        ),
    ),
    Table(
        "market_clears",
        Level.SUMMARY,
        (
            *_key("run_id", "tick", "market_id"),
            *_GOOD,
            *_steps("clearing_price"),
            *_lots("total_demand", "total_supply", "quantity_traded"),
            Column("convergence_iterations"),
            Column("status", "TEXT"),
            Column("residual", "REAL"),
            Column("participants"),
        ),
    ),
    Table(
        "market_prices",
        Level.SUMMARY,
        (*_key("run_id", "tick", "market_id"), *_GOOD, *_steps("price", "bid_ask_spread")),
    ),
    Table(
        "trades",
        Level.TRADES,
        (
            *_key("run_id", "tick"),
            *_ints("market_id", "buyer_id", "seller_id"),
            *_GOOD,
            *_lots("quantity"),
            *_steps("price"),
            *_minor("fee"),
        ),
    ),
    Table(
        "trade_gains",
        Level.SUMMARY,
        (*_key("run_id", "tick"), *_ints("market_id", "trades"), *_minor("gain", "fee")),
    ),
    Table(
        "trade_prices",
        Level.SUMMARY,
        (
            *_key("run_id", "tick"),
            *_ints("market_id"),
            *_GOOD,
            *_lots("quantity"),
            Column("mean_price", "REAL", unit="step"),
            Column("dispersion", "REAL"),
        ),
    ),
    Table(
        "ticks",
        Level.SUMMARY,
        (
            *_key("run_id", "tick"),
            *_ints("agents", "market_trades", "bilateral_trades"),
            *_lots("market_volume", "bilateral_volume", "harvested"),
            *_minor("market_gain", "bilateral_gain"),
            *_texts("state_hash"),
            *_ints("elapsed_ns"),
        ),
    ),
    Table(
        "system_times",
        Level.SUMMARY,
        (*_key("run_id", "tick"), Column("system", "TEXT", required=True), *_ints("ns")),
    ),
    Table(
        "agents",
        Level.SUMMARY,
        (
            *_key("run_id", "tick", "agent_id"),
            *_ints("x", "y"),
            *_minor("money", "wealth", "gain"),
            *_texts("target_kind"),
            *_ints("target_id"),
        ),
    ),
    Table(
        "agent_kinds",
        Level.SUMMARY,
        (*_key("run_id", "tick", "agent_id"), *_texts("population", "family")),
    ),
    Table(
        "pairs",
        Level.TRADES,
        (*_key("run_id", "tick", "first_id", "second_id"),),
    ),
    Table(
        "patches",
        Level.SUMMARY,
        (
            *_key("run_id", "tick", "patch_id"),
            *_ints("x", "y"),
            *_GOOD,
            *_lots("capacity", "stock"),
        ),
    ),
    Table(
        "clear_curves",
        Level.TRADES,
        (
            *_key("run_id", "tick", "market_id"),
            *_GOOD,
            *_steps("price"),
            *_lots("demand", "supply"),
        ),
    ),
    Table(
        "agent_goods",
        Level.FULL,
        (*_key("run_id", "tick", "agent_id"), *_GOOD, *_lots("quantity")),
    ),
)

TABLES: dict[str, Table] = {table.name: table for table in _TABLES}
"""Every table by name, in the order of creation."""

VIEWS: dict[str, Table] = {f"{table.name}_units": table for table in _TABLES if table.has_units}
"""Every view by name, with the table it shows in units."""


def tables_at(level: Level | str) -> tuple[str, ...]:
    """Return the names of the tables that a level records, in the order of creation."""
    wanted = Level.parse(level)
    return tuple(table.name for table in _TABLES if table.level <= wanted)


def ddl() -> tuple[str, ...]:
    """Return the statements that make an empty database's schema.

    All tables exist at every level, so that a reader finds one schema whatever was recorded.
    """
    version = f"PRAGMA user_version = {SCHEMA_VERSION}"
    tables = tuple(table.ddl for table in _TABLES)
    views = tuple(table.view_ddl for table in _TABLES if table.has_units)
    return (version, *tables, *views)
