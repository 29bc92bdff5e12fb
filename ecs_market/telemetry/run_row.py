"""What is stored about a run and its posts before the first tick."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Context, Decimal
from fractions import Fraction
from importlib import metadata
from pathlib import Path
from typing import Any

from ecs_market.errors import InputError
from ecs_market.telemetry.batches import Batch, ColumnData
from ecs_market.telemetry.schema import TABLES, Level

_COMPUTED = frozenset(
    {"run_id", "level", "lots_per_unit", "price_steps_per_money", "minor_per_money"}
    | {"finished_at", "ticks", "failure"}
)

END = """UPDATE runs SET finished_at = ?, failure = ?, ticks = (SELECT count(*) FROM ticks)"""
"""The statement that says how a run ended, with the parameters of `ending`."""


def run_batch(run: Mapping[str, Any], level: Level) -> Batch:
    """Return the row of `runs`.

    Parameters
    ----------
    run
        Values by column name. `lot` and `price_step` are needed, exact (str, int, Fraction or
        Decimal; a float counts as its shortest decimal); `minor` is their product. A mapping as
        `scenario` and a sequence as `goods` are stored as JSON. The machine's facts and the
        starting time are filled in where they are absent.
    level
        The level of the run.

    Raises
    ------
    InputError
        If a key is unknown or a unit is missing or not positive.
    """
    allowed = [c.name for c in TABLES["runs"].columns if c.name not in _COMPUTED]
    for name in run:
        if name not in allowed:
            raise InputError(f"run: unknown key {name!r}; allowed are {', '.join(allowed)}")
    row: dict[str, Any] = machine() | dict(run)
    units = {name: _positive(row.get(name), name) for name in ("lot", "price_step")}
    units["minor"] = units["lot"] * units["price_step"]
    if row.get("minor") is not None and _positive(row["minor"], "minor") != units["minor"]:
        raise InputError("run: minor must be lot x price_step")
    row |= {name: exact_text(value) for name, value in units.items()}
    row["lots_per_unit"] = float(1 / units["lot"])
    row["price_steps_per_money"] = float(1 / units["price_step"])
    row["minor_per_money"] = float(1 / units["minor"])
    row["level"] = level.label
    for name in ("scenario", "goods"):
        if row.get(name) is not None and not isinstance(row[name], str):
            row[name] = json.dumps(row[name], ensure_ascii=False)
    for name in ("version", "rng_version", "hash_version"):
        if isinstance(row.get(name), int):
            row[name] = str(row[name])
    return Batch(TABLES["runs"], row)


def posts_batch(posts: Sequence[Mapping[str, Any]]) -> Batch | None:
    """Return the rows of `market_posts`; None without posts.

    Each post is a mapping of that table's columns, `commodities` a sequence of names (stored as
    a JSON list) or text.

    Raises
    ------
    InputError
        If a key is unknown or missing.
    """
    if not posts:
        return None
    names = [c.name for c in TABLES["market_posts"].columns if c.name != "run_id"]
    for place, post in enumerate(posts):
        if set(post) != set(names):
            odd = min(set(post) ^ set(names))
            fault = "unknown" if odd in post else "missing"
            raise InputError(f"market post {place}: {fault} key {odd!r}; keys: {', '.join(names)}")
    columns: dict[str, ColumnData] = {name: [post[name] for post in posts] for name in names}
    columns["commodities"] = [
        goods if isinstance(goods, str) else json.dumps(list(goods), ensure_ascii=False)
        for goods in (post["commodities"] for post in posts)
    ]
    return Batch(TABLES["market_posts"], columns)


def ending(failure: BaseException | None) -> tuple[str, str | None]:
    """Return when a run ended, now, and how it failed, None if it did not."""
    told = None if failure is None else f"{type(failure).__name__}: {failure}"
    return now(), told


def now() -> str:
    """Return the time, UTC, in ISO 8601 to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def machine() -> dict[str, str]:
    """Return processor, versions and the time now (UTC, ISO 8601)."""
    return {
        "processor": processor(),
        "python": platform.python_version(),
        "numpy": _version("numpy"),
        "numba": _version("numba"),
        "started_at": now(),
    }


def exact_text(value: Fraction) -> str:
    """Return a number exactly: as a decimal where it ends, else as a quotient."""
    decimal = Context(prec=60).divide(Decimal(value.numerator), Decimal(value.denominator))
    return f"{decimal.normalize():f}" if Fraction(decimal) == value else str(value)


def _positive(value: Any, name: str) -> Fraction:
    try:
        number = Fraction(value if isinstance(value, Fraction) else str(value))
    except (ValueError, ZeroDivisionError):
        number = Fraction(0)
    if number <= 0:
        raise InputError(f"run: {name} must be a positive number, not {value!r}")
    return number


def _version(package: str) -> str:
    """Return an installed package's version without importing it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def processor() -> str:
    """Return the processor's name as far as the platform tells it."""
    # On Linux platform.processor() says no more than the architecture.
    try:
        for line in Path("/proc/cpuinfo").read_text("utf-8", "replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
