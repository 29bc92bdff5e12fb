"""Write a `Scenario` back as the plain data of a scenario file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from fractions import Fraction
from typing import Any

from ecs_market.scenario.draws import plain
from ecs_market.scenario.model import (
    Distribution,
    Draw,
    Params,
    Population,
    Positions,
    Post,
    Resources,
    Scenario,
    Utility,
)


def as_mapping(scenario: Scenario) -> dict[str, Any]:
    """Return mappings, lists and scalars that load again to an equal scenario."""
    units = scenario.units
    own = {"forage_lots", "mode_schedule"}
    protocols = scenario.protocols
    attention = scenario.attention
    made: dict[str, Any] = {
        "schema_version": 1,
        "name": scenario.name,
        "description": scenario.description,
        "grid": asdict(scenario.grid),
        "units": {"lot": _number(units.lot), "price_step": _number(units.price_step)},
        "money": {"mode": scenario.money_mode},
        "goods": list(scenario.goods),
        "params": {
            each.name: getattr(scenario.params, each.name)
            for each in fields(Params)
            if each.name not in own
        }
        | _schedule(scenario.params),
        "price_info": asdict(scenario.price_info),
        "market_memory": {"slots": attention.memory_slots},
        "market_choice": {"type": attention.choice, "temperature": attention.temperature},
        "reputation": {"type": "ema", "weight": attention.reputation}
        if attention.reputation
        else {"type": "none"},
        "protocols": {
            "search": protocols.search,
            "matching": protocols.matching,
            "bargaining": {
                "name": protocols.bargaining,
                **_given(protocols.bargaining_parameters),
            },
        },
        "populations": [_population(each, scenario) for each in scenario.populations],
        "market_posts": [_post(each) for each in scenario.market_posts],
        "ticks": scenario.ticks,
        "seed": scenario.seed,
    }
    if scenario.resources is not None:
        made["resources"] = _resources(scenario.resources, units.lot)
    return made


def _schedule(params: Params) -> dict[str, Any]:
    if not params.mode_schedule:
        return {}
    phases = [{"mode": mode, "ticks": ticks} for mode, ticks in params.mode_schedule]
    return {"mode_schedule": phases}


def _number(value: Fraction) -> int | float:
    return value.numerator if value.denominator == 1 else float(value)


def _population(population: Population, scenario: Scenario) -> dict[str, Any]:
    units = scenario.units
    inventories: dict[str, Any] = {
        good: _amount(held, units.lot)
        for good, held in zip(scenario.goods, population.inventories, strict=True)
    }
    inventories["M"] = _amount(population.money, units.minor)
    made: dict[str, Any] = {
        "name": population.name,
        "count": population.count,
        "initial_positions": _positions(population.positions),
        "inventories": inventories,
        "utilities": [_utility(each) for each in population.utilities],
        "vision_radius": population.vision_radius,
        "interaction_radius": population.interaction_radius,
        "move_budget_per_tick": population.move_budget_per_tick,
    }
    if population.components is not None:
        made["components"] = list(population.components)
    return made


def _amount(held: Distribution, size: Fraction) -> Any:
    if held.values is not None:
        return {"values": [_number(each * size) for each in held.values]}
    if held.low == held.high:
        return _number(held.low * size)
    return [_number(held.low * size), _number(held.high * size)]


def _positions(positions: Positions) -> dict[str, Any]:
    if positions.at is not None:
        return {"at": list(positions.at)}
    if positions.cells is not None:
        return {"cells": [list(cell) for cell in positions.cells]}
    return {"distribution": "uniform"}


def _utility(utility: Utility) -> dict[str, Any]:
    made: dict[str, Any] = {"type": utility.family, "count": utility.count}
    made["money_weight"] = _plain(utility.money_weight)
    made.update(_given(utility.parameters))
    return made


def _post(post: Post) -> dict[str, Any]:
    return {
        "id": post.id,
        "location": [post.x, post.y],
        "visibility_radius": post.visibility_radius,
        "interaction_radius": post.interaction_radius,
        "broadcast_radius": post.broadcast_radius,
        "mechanism": post.mechanism,
        "mechanism_params": _given(post.parameters),
        "commodities": [*post.commodities, "M"],
    }


def _given(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Write parameters; what has no value is left out."""
    return {key: _plain(value) for key, value in parameters.items() if value is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, Draw):
        return plain(value)
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return dict(value) if isinstance(value, dict) else value


def _resources(resources: Resources, lot: Fraction) -> dict[str, Any]:
    made: dict[str, Any] = {
        "spawn_rate": resources.spawn_rate,
        "types": [
            {"good": each.good, "quantity": _amount(each.quantity, lot)} for each in resources.types
        ],
    }
    if resources.regrowth is not None:
        grown = resources.regrowth
        made["regrowth"] = {
            "rate": grown.rate,
            "cooldown": grown.cooldown,
            "max_amount": grown.max_amount,
        }
    return made
