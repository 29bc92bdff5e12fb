"""Runs to report on, and how a page's data reads."""

from __future__ import annotations

import base64
import json
import sqlite3
import struct
from pathlib import Path
from typing import Any

from ecs_market import Simulation, load_scenario
from ecs_market.scenario import from_dict
from ecs_market.telemetry.schema import TABLES, ddl

NAUGHTY = "</script><script>alert(1)</script><!-- <b>Ünï 😀\u2028 'x' \"y\" & @@data@@ {{title}}"

WALKERS: dict[str, Any] = {
    "name": "walkers",
    "grid": {"width": 14, "height": 10, "torus": True},
    "goods": ["A", "B"],
    "populations": [
        {
            "name": "dwellers",
            "count": 9,
            "inventories": {"A": [5, 20], "B": [5, 20], "M": [100, 200]},
            "utilities": [
                {"type": "cobb_douglas", "count": 5, "exponents": [0.6, 0.4], "kappa": 15.0},
                {"type": "linear", "count": 4, "weights": [0.7, 0.3]},
            ],
        }
    ],
    "market_posts": [{"id": 0, "location": [4, 4], "mechanism": "walrasian"}],
    "resources": {"spawn_rate": 0.2, "types": [{"good": "A", "quantity": [1, 3]}]},
    "params": {"vision_radius": 6},
}


def record(path: Path, ticks: int, level: str = "trades", **changes: Any) -> Path:
    """Run a small scenario into a database."""
    scenario = from_dict(WALKERS | changes)
    with Simulation(scenario, seed=7, telemetry=path, telemetry_level=level) as simulation:
        simulation.run(ticks)
    return path


def shipped(path: Path, ticks: int, level: str = "trades", seed: int = 42) -> Path:
    """Run the shipped scenario of two markets into a database."""
    scenario = load_scenario("walrasian_two_markets")
    with Simulation(scenario, seed=seed, telemetry=path, telemetry_level=level) as simulation:
        simulation.run(ticks)
    return path


def query(path: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    """Ask a database."""
    connection = sqlite3.connect(path)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()


def change(path: Path, *statements: str) -> None:
    """Change a database as no run would."""
    connection = sqlite3.connect(path)
    try:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    finally:
        connection.close()


def page_data(page: Path) -> dict[str, Any]:
    """Return the data in a page."""
    text = page.read_text("utf-8")
    found = text.split('<script type="application/json" id="data">')[1].split("</script>")[0]
    data = json.loads(found)
    assert isinstance(data, dict)
    return data


def unpack(packed: dict[str, Any]) -> list[float | None]:
    """Return a packed column's values; written apart from the page's own decoder."""
    n = packed["n"]
    if "whole" in packed:
        values: list[float | None] = list(_whole(packed["whole"], n))
    else:
        body = base64.b64decode(packed["float"])
        values = list(struct.unpack(f"<{n}d", body))
    for place in _whole(packed.get("nulls", ""), packed.get("null_count", 0)):
        values[place] = None
    return values


def _whole(text: str, n: int) -> list[int]:
    body, at, value, out = base64.b64decode(text), 0, 0, []
    for _ in range(n):
        coded = shift = 0
        while True:
            byte = body[at]
            at += 1
            coded |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                break
        value += -(coded + 1) // 2 if coded % 2 else coded // 2
        out.append(value)
    assert at == len(body)
    return out


def million(path: Path, posts: int = 1_000, ticks: int = 100) -> Path:
    """Write what a run of a million agents leaves at level summary, without running it."""
    connection = sqlite3.connect(path)
    for statement in ("PRAGMA synchronous = 0", "PRAGMA journal_mode = OFF", *ddl()):
        connection.execute(statement)
    agents, sample, every = 10**6, 5_000, 10
    row = {
        "run_id": 1, "name": "a million", "seed": 1, "level": "summary", "version": "0.1.0",
        "scenario": json.dumps({"name": "a million", "ticks": ticks, "seed": 1}),
        "rng_version": "1", "hash_version": "1", "lot": "0.001", "price_step": "0.0001",
        "minor": "0.0000001", "lots_per_unit": 1e3, "price_steps_per_money": 1e4,
        "minor_per_money": 1e7, "goods": '["A", "B"]', "grid_width": 2000, "grid_height": 2000,
        "torus": 0, "agents": agents, "snapshot_agents": sample, "snapshot_every": every,
        "started_at": "2026-01-01T00:00:00+00:00", "finished_at": "2026-01-01T00:09:00+00:00",
        "ticks": ticks,
    }  # fmt: skip
    connection.execute(TABLES["runs"].insert, [row.get(c.name) for c in TABLES["runs"].columns])

    def fill(table: str, source: str, **columns: str) -> None:
        names, values = ", ".join(columns), ", ".join(columns.values())
        connection.execute(
            f"INSERT INTO {table} (run_id, {names}) SELECT 1, {values} FROM {source}"  # noqa: S608 - our own
        )

    def upto(n: int) -> str:
        numbers = json.dumps(list(range(n)))
        return f"(SELECT value AS v FROM json_each('{numbers}'))"  # noqa: S608 - our own

    def any_of(n: int) -> str:
        return f"abs(random() % {n})"

    goods = "(SELECT 'A' AS g UNION ALL SELECT 'B')"
    fill(
        "market_posts", upto(posts), market_id="v", location_x="v * 37 % 2000",
        location_y="v * 91 % 2000", visibility_radius="10", interaction_radius="3",
        broadcast_radius="15", mechanism_type="'walrasian_auctioneer'",
        commodities="""'["A", "B", "M"]'""",
    )  # fmt: skip
    fill(
        "market_clears", f"{upto(ticks)} AS t, {upto(posts)} AS m, {goods}", tick="t.v",
        market_id="m.v", commodity="g", clearing_price=f"7000 + {any_of(300)}",
        total_demand=any_of(90_000), total_supply=any_of(90_000),
        quantity_traded=any_of(90_000), convergence_iterations=any_of(100),
        status=f"CASE {any_of(5)} WHEN 0 THEN 'marginal' ELSE 'converged' END",
        residual=f"{any_of(1000)} / 1e9", participants=any_of(200),
    )  # fmt: skip
    key = {"tick": "tick", "market_id": "market_id", "commodity": "commodity"}
    fill("market_prices", "market_clears", **key, price="clearing_price")
    fill(
        "trade_prices", "market_clears", **key, quantity="quantity_traded",
        mean_price="clearing_price * 1.0", dispersion="0.0",
    )  # fmt: skip
    fill(
        "trade_gains", f"{upto(ticks)} AS t, {upto(posts)} AS m", tick="t.v", market_id="m.v",
        trades=any_of(100), gain=any_of(10**8), fee="0",
    )  # fmt: skip
    fill(
        "ticks", upto(ticks), tick="v", agents=str(agents), market_trades=any_of(10**5),
        bilateral_trades=any_of(10**5), market_volume=any_of(10**8),
        bilateral_volume=any_of(10**8), harvested="0", market_gain=any_of(10**12),
        bilateral_gain=any_of(10**12), state_hash="lower(hex(randomblob(32)))",
        elapsed_ns=any_of(10**9),
    )  # fmt: skip
    fill(
        "system_times", f"{upto(ticks)} AS t, {upto(20)} AS s", tick="t.v",
        system="'system_' || s.v", ns=any_of(10**8),
    )  # fmt: skip
    ids = f"v * {agents // sample}"
    for tick in (-1, *range(0, ticks, every)):
        fill(
            "agents", upto(sample), tick=str(tick), agent_id=ids, x=any_of(2000), y=any_of(2000),
            money=any_of(10**10), wealth=any_of(10**11), gain=any_of(10**8),
            target_kind=f"CASE {any_of(2)} WHEN 0 THEN 'market' ELSE 'idle' END", target_id="0",
        )  # fmt: skip
    fill(
        "agent_kinds", upto(sample), tick="-1", agent_id=ids, population="'agents'",
        family="CASE v % 2 WHEN 0 THEN 'linear' ELSE 'ces' END",
    )  # fmt: skip
    connection.commit()
    connection.close()
    return path
