"""Double auctions in whole runs: what rests, who leaves, what is recorded, what never differs."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import ecs_market.world
from ecs_market import InputError, Simulation, clear
from ecs_market.components.double_auction import BEHAVIOURS, ORDER_TYPES
from ecs_market.world import World

ROOT = Path(__file__).resolve().parent.parent


def scenario(mode: str = "quasilinear", **params: Any) -> dict[str, Any]:
    """Two posts, of which one clears every other tick, and agents who walk between them."""
    tastes = [
        {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": 12},
        {"type": "linear", "weights": [0.7, 0.3], "count": 12},
    ]
    rules = {"price_high": 3.0, **params}
    return {
        "grid": {"width": 12, "height": 12},
        "money": {"mode": mode},
        "goods": ["A", "B"],
        "params": {"exchange_regime": "mixed_bilateral_centralized", "centralized_weight": 9},
        "agents": {
            "count": 24,
            "inventories": {"A": [0, 20], "B": [0, 20], "M": [5, 60]},
            "utilities": tastes,
        },
        "market_posts": [
            {
                "location": [4 + 5 * n, 6],
                "mechanism": "continuous_double_auction",
                "mechanism_params": {**rules, "clear_every": 1 + n},
                "interaction_radius": 3,
            }
            for n in range(2)
        ],
    }


CASES: list[dict[str, Any]] = [{"behaviour": each} for each in BEHAVIOURS] + [
    {"order_type": each, "lifetime": 2, "order_size": 0.5} for each in ORDER_TYPES[1:]
]
MIX = {"limit": 6, "market": 2, "immediate_or_cancel": 1, "fill_or_kill": 0.5, "stop": 2.5}
MIXED: list[dict[str, Any]] = [
    {"order_type": MIX, "behaviour": each, "activations": 40, "lifetime": 3} for each in BEHAVIOURS
]
CASES += MIXED
CASES += [
    {"fees": {"type": "ad_valorem", "rate": 0.02}, "price_band": 0.2, "shading": 0.05},
    {"fees": {"type": "per_lot", "rate": 0.00001}, "behaviour": "zi_u", "activations": 40},
    {"mode": "in_utility", "fees": {"type": "ad_valorem", "rate": 0.02}},
]


def hashes(case: dict[str, Any], threads: int = 1, shuffled: bool = False) -> list[str]:
    found = []
    with Simulation(scenario(**case), 3, threads=threads, telemetry_level="off") as sim:
        for tick in range(12):
            if shuffled:
                generator = np.random.default_rng(tick)
                tables = sim.world.agents.tables.items()
                order = {name: generator.permutation(table.size) for name, table in tables}
                sim.world.restructure(reorder=order)
            sim.step()
            found.append(sim.state_hash())
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_neither_threads_nor_rows_make_a_difference(
    case: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = hashes(case)
    assert len(set(expected)) == len(expected)
    assert hashes(case, shuffled=True) == expected
    monkeypatch.setattr(ecs_market.world, "SERIAL_ROWS", 1)
    assert hashes(case, threads=2) == expected


@pytest.mark.kernel
def test_plain_python_gives_the_same_bits() -> None:
    code = "from tests.test_double_auction_runs import *; print(*[hashes(c)[-1] for c in CASES])"
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=os.environ | {"PYTHONPATH": str(ROOT), "NUMBA_DISABLE_JIT": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [hashes(case)[-1] for case in CASES]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_everything_is_conserved_and_fees_arrive(case: dict[str, Any]) -> None:
    with Simulation(scenario(**case), 5, threads=1, telemetry_level="orders") as sim:
        sim.run(20)
        for name, entry in sim.ledger().items():
            made = entry["initial"] + entry["harvest"] + entry["host"]
            assert made == entry["current"], name
        fees = sim.telemetry.query("SELECT sum(fee) FROM trades WHERE market_id IS NOT NULL")[0][0]
        assert (fees or 0) == sim.ledger()["M"]["markets"]
        agents = sim.population("agents")
        assert (agents.get("inventory.money", agents.ids()) >= 0).all()
        assert (agents.get("inventory.goods.A", agents.ids()) >= 0).all()
        statuses = {
            row[0] for row in sim.telemetry.query("SELECT DISTINCT status FROM market_orders")
        }
        # Where no order rests there is nothing to take, and without trades no stop is triggered.
        assert ("filled" in statuses) == (not isinstance(case.get("order_type"), str))
        assert statuses <= {"open", "filled", "partial", "cancelled", "rejected"}


def test_orders_rest_until_their_agent_leaves_or_cannot_cover_them() -> None:
    with Simulation(scenario(), 3, threads=1, telemetry_level="off") as sim:
        seen = 0
        for _ in range(25):
            sim.step()
            resting = [(p.id, order["agent"]) for p in sim.markets for order in p.pending_orders]
            seen += len(resting)
            if len(resting) > 3:
                break
        assert seen > 0
        who = resting[0][1]
        with sim.edit() as edit:
            for field in ("inventory.money", "inventory.goods.A", "inventory.goods.B"):
                edit.set(field, [who], [0])
        gone = next(agent for _, agent in resting if agent != who)
        sim.despawn([gone])
        sim.run(2)
        left = {order["agent"] for p in sim.markets for order in p.pending_orders}
        assert not left & {who, gone}


def worse_off(world: World) -> int:
    return sum(int((each.settled.gain < 0).sum()) for each in world.scratch.clearings)


@pytest.mark.parametrize("behaviour", ["truthful", "zi_c", "zip"])
@pytest.mark.parametrize("scale", ["log", "level"])
def test_nobody_who_minds_ends_worse_off(behaviour: str, scale: str) -> None:
    group = {
        "name": "all",
        "count": 30,
        "inventories": {"A": [0, 30], "B": [0, 30], "M": [1, 60]},
        "utilities": [{"type": "cobb_douglas", "exponents": [0.9, 0.8], "scale": scale}],
    }
    rules = {"behaviour": behaviour, "activations": 600, "price_high": 3.0, "order_size": 2.5}
    for mode in ("quasilinear", "in_utility"):
        for seed in range(3):
            found = clear(
                [group],
                mechanism="continuous_double_auction",
                mechanism_params=rules | {"fees": {"type": "ad_valorem", "rate": 0.01}},
                money={"mode": mode},
                seed=seed,
            )
            assert (found.gains >= 0).all()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"behaviour": "clever"}, "clever"),
        ({"behaviour": "zi_c", "price_high": None}, "price_high"),
        ({"price_low": 5.0}, "price_low"),
        ({"activations": 0}, "activations"),
        ({"order_type": "iceberg"}, "iceberg"),
        ({"lifetime": 0}, "lifetime"),
        ({"order_size": 0}, "order_size"),
        ({"order_size": 0.00001}, "order_size"),
        ({"mode": "unit_of_account"}, "unit_of_account"),
    ],
)
def test_what_is_not_allowed_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError, match=words):
        Simulation(scenario(**change))


@pytest.mark.parametrize("mechanism", ["continuous_double_auction", "call_auction"])
@pytest.mark.parametrize("step", [0.0001, 0.1])
def test_a_band_delays_trade_and_does_not_prevent_it(mechanism: str, step: float) -> None:
    """From a price at which all want to buy it walks to 3.92, (100 + 2) A for 2 x 200 M."""
    taste = [{"type": "cobb_douglas", "exponents": [1], "kappa": 200}]
    groups = [
        {
            "name": f"a{goods}",
            "count": 5,
            "inventories": {"A": goods, "M": 500},
            "utilities": taste,
            "initial_positions": {"at": [4, 4]},
        }
        for goods in (100, 2)
    ]
    rules: dict[str, Any] = {"initial_price": 0.5, "price_band": 0.1}
    if mechanism == "continuous_double_auction":
        rules["activations"] = 100
    made = {
        "name": "band",
        "grid": {"width": 9, "height": 9},
        "units": {"lot": 0.001, "price_step": step},
        "params": {"exchange_regime": "centralized", "idle": "stay"},
        "populations": groups,
        "market_posts": [
            {"location": [4, 4], "mechanism": mechanism, "mechanism_params": rules},
        ],
    }
    prices = [0.5]
    with Simulation(made, 1, telemetry_level="off") as sim:
        for _ in range(45):
            sim.step()
            prices.append(sim.markets[0].current_prices["A"])
    for before, after in itertools.pairwise(prices):
        assert abs(after - before) <= max(0.1 * before, step) + 1e-9
    assert prices[-1] == pytest.approx(2 * 200 / 102, rel=0.03)
