"""Money among the goods may be worth nothing to an agent: it then only buys goods."""

from __future__ import annotations

from itertools import count, islice
from typing import Any

import numpy as np
import pytest

from ecs_market import InputError, Simulation, clear, registry
from tests.strategies import random_scenario
from tests.test_conservation import check_run

MODE = {"mode": "in_utility"}
TASTES: dict[str, dict[str, Any]] = {
    "linear": {"weights": [1.0, 2.0]},
    "cobb_douglas": {"exponents": [0.6, 0.4]},
    "ces": {"weights": [0.6, 0.4], "rho": -1.0},
    "leontief": {"coefficients": [1.0, 2.0]},
    "stone_geary": {"exponents": [0.6, 0.4], "subsistence": [1.0, 0.0]},
}


def economies(found: int) -> list[Any]:
    """Return random economies with money among the goods, worth nothing to some."""
    made = ((number, random_scenario(number)) for number in count(7000))
    return list(islice((each for each in made if each[1].get("money") == MODE), found))


def without_worth(scenario: dict[str, Any]) -> dict[str, Any]:
    """Take the worth of money from the first kind of agents of each population."""
    for group in scenario["populations"]:
        group["utilities"][0]["money_weight"] = 0
    return scenario


def pair(family: str, weight: float = 0.0) -> list[dict[str, Any]]:
    """Return one to whom money is worth nothing but who has some, and one who values it."""
    entry = {"type": family, "money_weight": weight, **TASTES[family]}
    has = {"A": 4, "B": 4, "M": 5}
    valued = {"type": "linear", "weights": [0.5, 0.5], "money_weight": 1}
    return [
        {"name": "one", "count": 1, "inventories": has, "utilities": [entry]},
        {"name": "two", "count": 1, "inventories": has, "utilities": [valued]},
    ]


@pytest.mark.kernel
@pytest.mark.parametrize(("number", "scenario"), economies(8))
def test_whole_runs_keep_their_promises(number: int, scenario: dict[str, Any]) -> None:
    check_run(without_worth(scenario), number, 12)


@pytest.mark.parametrize("family", TASTES)
def test_who_has_no_use_for_money_spends_it(family: str) -> None:
    result = clear(pair(family), money=MODE)
    assert result.volume["A"] + result.volume["B"] > 0.0
    assert result.money[0] <= 1e-3
    assert np.isfinite(result.gains).all()
    assert result.gains[0] == 0.0
    assert result.gains[1] >= 0.0


@pytest.mark.parametrize(
    ("mechanism", "params"),
    [
        ("walrasian", {}),
        ("posted_price", {"initial_price": 1.0}),
        ("call_auction", {}),
        ("continuous_double_auction", {"activations": 100}),
    ],
)
def test_nobody_buys_what_is_worth_nothing_with_it(mechanism: str, params: dict[str, Any]) -> None:
    buyer, seller = pair("linear")
    buyer["utilities"][0]["weights"] = [1, 0]
    result = clear([buyer, seller], money=MODE, mechanism=mechanism, mechanism_params=params)
    assert result.goods[0, 0] > 4.0
    assert result.goods[0, 1] <= 4.0
    assert result.goods.sum(axis=0).tolist() == [8.0, 8.0]
    assert result.money.sum() == 10.0


@pytest.mark.parametrize("rule", ["nash", "split_difference", "sealed_bid", "take_it_or_leave_it"])
def test_a_pair_bargains_for_it(rule: str) -> None:
    scenario = {
        "grid": {"width": 1, "height": 1},
        "money": MODE,
        "params": {"exchange_regime": "bilateral"},
        "protocols": {"bargaining": rule},
        "populations": pair("linear"),
    }
    with Simulation(scenario, seed=0) as sim:
        sim.run(3)
        people = [sim.population(name) for name in ("one", "two")]
        money = [int(each.get("inventory.money", each.ids())[0]) for each in people]
        goods = [each.get("inventory.goods.B", each.ids())[0] for each in people]
    assert money[0] < 5 * 10**7 < money[1]
    assert goods[0] > 4000 > goods[1]


def test_where_it_is_refused() -> None:
    for mode, why in (("quasilinear", "counted in M"), ("unit_of_account", "not in the utility")):
        with pytest.raises(InputError, match="must be above 0, got 0: with money mode") as error:
            clear(pair("linear"), money={"mode": mode})
        assert why in str(error.value)
        assert "linear, cobb_douglas, ces, leontief, stone_geary" in str(error.value)
    with pytest.raises(InputError, match="must be at least 0, got -1"):
        clear(pair("linear", -1.0), money=MODE)


def test_a_family_says_whether_it_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = registry.find("family", "ces")
    monkeypatch.setattr(type(entry), "__setattr__", object.__setattr__)
    monkeypatch.setattr(entry, "worthless_money", False)
    with pytest.raises(InputError, match="in_utility ces needs money to be worth something"):
        clear(pair("ces"), money=MODE)
