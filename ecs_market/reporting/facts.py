"""What a run was: scenario, seed, versions, hashes, how it ended, and how to repeat it."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ecs_market.reporting.reading import RunDatabase

SUMMARY = "summary.json"
"""The summary's name beside a run's database."""
_SUMMARY_BYTES = 2**24


def facts_of(database: RunDatabase, summary: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the run's facts; `summary` is the one of its end, if there is one."""
    run, scenario = database.run, database.scenario
    ((ticks, last, agents),) = database.rows(
        "SELECT count(*), max(tick), (SELECT agents FROM ticks ORDER BY tick DESC LIMIT 1)"
        " FROM ticks"
    )
    found = database.rows("SELECT state_hash FROM ticks WHERE tick = ?", (last,))
    state_hash = found[0][0] if found else None
    if summary is not None and not _belongs(summary, database, ticks, state_hash):
        summary = None
    return {
        "name": run["name"] or "unnamed",
        "place": database.name,
        "description": str(scenario.get("description") or ""),
        "seed": run["seed"],
        "level": run["level"],
        "ticks": ticks,
        "last": -1 if last is None else last,
        "asked": scenario.get("ticks"),
        "agents": run["agents"] if agents is None else agents,
        "agents_at_start": run["agents"],
        "snapshot_agents": run["snapshot_agents"],
        "snapshot_every": run["snapshot_every"],
        "grid": [run["grid_width"], run["grid_height"], bool(run["torus"])],
        "units": {
            "lots": run["lots_per_unit"],
            "steps": run["price_steps_per_money"],
            "minor": run["minor_per_money"],
            "lot": run["lot"],
            "price_step": run["price_step"],
            "minor_size": run["minor"],
        },
        "versions": {
            name: run[name]
            for name in ("version", "rng_version", "hash_version", "python", "numpy", "numba")
        },
        "processor": run["processor"],
        "started_at": run["started_at"],
        "finished_at": run["finished_at"],
        "failure": run["failure"],
        "state_hash": state_hash,
        "gain_unit": _gain_unit(scenario, summary),
        "summary": dict(summary) if summary is not None else None,
        "notices": notices_of(database, ticks),
        "scenario": yaml.safe_dump(scenario, sort_keys=False, allow_unicode=True, width=100),
        "repeat": _repeat(database, ticks),
    }


def _belongs(
    summary: Mapping[str, Any], database: RunDatabase, ticks: int, state_hash: str | None
) -> bool:
    """Return whether a summary is of this run and of its last tick."""
    same = summary.get("seed") == database.run["seed"] and summary.get("ticks") == ticks
    return same and (ticks == 0 or summary.get("state_hash") == state_hash)


def notices_of(database: RunDatabase, ticks: int) -> list[str]:
    """Return what a reader must know before believing the page: a run that has not ended well."""
    run = database.run
    upto = f"up to its last whole tick, {ticks - 1:,}" if ticks else "and no tick is complete"
    if run["failure"]:
        return [f"This run failed ({run['failure']}): it is shown {upto}."]
    if run["finished_at"] is None and not database.live:
        return [f"This run is not finished, or was cut off: it is shown {upto}."]
    return []


def _gain_unit(scenario: Mapping[str, Any], summary: Mapping[str, Any] | None) -> str | None:
    """Return what gains are counted in, None where that differs from trade to trade."""
    if (scenario.get("money") or {}).get("mode") != "unit_of_account":
        return "M"
    unit = ((summary or {}).get("welfare") or {}).get("unit")
    return unit if isinstance(unit, str) else None


def summary_beside(database: RunDatabase) -> dict[str, Any] | None:
    """Return the summary that `ecs-market run` left beside a database, if there is one."""
    if database.path is None:
        return None
    file = database.path.with_name(SUMMARY)
    try:
        if file.stat().st_size > _SUMMARY_BYTES:
            return None
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return None  # the database stands for itself
    return found if isinstance(found, dict) else None


def _repeat(database: RunDatabase, ticks: int) -> dict[str, Any]:
    """Return the command that repeats the run, and the file it needs, None for a shipped one."""
    shipped = _shipped(database.scenario)
    stem = re.sub(r"[^\w.-]+", "_", database.run["name"] or "").strip("._") or "scenario"
    file = None if shipped else f"{stem}.yaml"
    options = f"--seed {database.run['seed']} --ticks {ticks}"
    level = f"--telemetry-level {database.run['level']}"
    return {
        "file": file,
        "command": f"ecs-market run {shlex.quote(shipped or str(file))} {options} {level}",
    }


def _shipped(scenario: Mapping[str, Any]) -> str | None:
    """Return the name of the shipped scenario that this one is, but for seed and ticks."""
    from ecs_market.errors import ScenarioError
    from ecs_market.scenario import load_scenario, scenario_names

    wanted = _without(scenario)
    for name in scenario_names():
        if Path(name).exists() or Path(f"{name}.yaml").exists():
            continue  # a file of that name would win
        try:
            known = load_scenario(name).to_dict()
        except ScenarioError:
            continue
        if _without(json.loads(json.dumps(known))) == wanted:
            return name
    return None


def _without(scenario: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in scenario.items() if key not in ("seed", "ticks")}
