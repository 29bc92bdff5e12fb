"""Pairs that meet face to face on a grid, through `Simulation`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ecs_market import Simulation

# Sizes of a lot [unit] and of a price step [M] where a case names none.
UNITS = {"lot": 0.001, "price_step": 0.0001}
# Nobody walks; who stands on one cell meets.
STILL = {
    "exchange_regime": "bilateral",
    "idle": "stay",
    "vision_radius": 0,
    "interaction_radius": 0,
    "move_budget_per_tick": 0,
    "min_value": 0.0,
}


def scenario(members: list[dict[str, Any]], rule: dict[str, Any] | str, **more: Any) -> Any:
    """Return a scenario of agents who bargain with whoever is on their cell."""
    return {
        "grid": {"width": 1, "height": 1},
        "params": STILL,
        "protocols": {"bargaining": rule},
        "units": UNITS,
        "populations": members,
        **more,
    }


def holdings(sim: Simulation, members: list[dict[str, Any]], units: dict[str, float]) -> Any:
    """Return what the members own, (n, K) [unit] and (n,) [M], in the order of ids."""
    goods, money = [], []
    for member in members:
        people = sim.population(member["name"])
        names = [good for good in member["inventories"] if good != "M"]
        goods.append(np.column_stack([people.get(f"inventory.goods.{good}") for good in names]))
        money.append(people.get("inventory.money"))
    lot, step = units["lot"], units["price_step"]
    return np.concatenate(goods) * lot, np.concatenate(money) * (lot * step)


def meeting(
    members: list[dict[str, Any]], rule: dict[str, Any] | str, ticks: int = 1, **more: Any
) -> Any:
    """Let agents meet on one cell, or on the cells they are given; return what they own."""
    made = scenario(members, rule, **more)
    with Simulation(made, seed=0, telemetry_level="off") as sim:
        sim.run(ticks)
        return holdings(sim, members, made["units"])


def rounds_of_pairs(
    members: list[dict[str, Any]], rule: str, rounds: Iterable[int], seed: int, **more: Any
) -> list[Any]:
    """Return what the members own after so many rounds of pairs, drawn anew and evenly each."""
    count = len(members)
    rng = np.random.default_rng(seed)
    made = scenario(members, rule, grid={"width": count // 2, "height": 1}, **more)
    found, wanted = [], set(rounds)
    with Simulation(made, seed=0, telemetry_level="off") as sim:
        for number in range(1, max(wanted) + 1):
            cells = np.empty(count, np.int64)
            cells[rng.permutation(count)] = np.arange(count) // 2
            with sim.edit() as edit:
                for member, cell in zip(members, cells, strict=True):
                    ids = sim.population(member["name"]).ids()
                    edit.set("position.x", ids, np.array([cell]))
            sim.step()
            if number in wanted:
                found.append(holdings(sim, members, made["units"]))
    return found
