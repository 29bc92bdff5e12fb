"""The greatest surplus against an assignment solver and closed forms; alpha and Gini."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from ecs_market.build import build_world
from ecs_market.errors import InputError
from ecs_market.order_book import check_orders, orders_world
from ecs_market.scenario import scenario_for_clear
from ecs_market.surplus import Attainable, attainable_surplus
from ecs_market.welfare import gini, smith_alpha
from tests.oracles import assignment

SMITH = [3.25 - 0.25 * i for i in range(11)]
UNITS = {"lot": 1, "price_step": 0.01}


def of_orders(orders: list[dict[str, Any]]) -> Attainable:
    """Return the greatest surplus of limit orders."""
    world = orders_world(check_orders(orders, UNITS, None, None))
    try:
        return attainable_surplus(world)
    finally:
        world.close()


def of_groups(groups: list[dict[str, Any]], **keys: Any) -> Attainable:
    """Return the greatest surplus of groups of agents."""
    world = build_world(scenario_for_clear(groups, **keys), 0, 1)
    try:
        return attainable_surplus(world)
    finally:
        world.close()


def order(agent: int, direction: str, lots: int, price: float) -> dict[str, Any]:
    return {
        "agent": agent,
        "commodity": "X",
        "direction": direction,
        "quantity": lots,
        "limit_price": price,
    }


def test_smith_1962_test_1() -> None:
    orders = [order(i, "buy", 1, value) for i, value in enumerate(SMITH)]
    orders += [order(50 + i, "sell", 1, cost) for i, cost in enumerate(SMITH)]
    found = of_orders(orders)
    assert found.surplus == pytest.approx(7.5)
    assert found.prices[0] == pytest.approx(2.0)
    assert found.exact


lists = st.lists(st.tuples(st.integers(1, 5), st.integers(1, 400)), max_size=7)


@settings(max_examples=200, deadline=None)
@given(lists, lists)
def test_orders_equal_an_assignment(bids: list[Any], asks: list[Any]) -> None:
    if not bids and not asks:
        return
    orders = [order(i, "buy", lots, cents / 100) for i, (lots, cents) in enumerate(bids)]
    orders += [order(50 + i, "sell", lots, cents / 100) for i, (lots, cents) in enumerate(asks)]
    values = [cents / 100 for lots, cents in bids for _ in range(lots)]
    costs = [cents / 100 for lots, cents in asks for _ in range(lots)]
    found = of_orders(orders)
    assert found.surplus == pytest.approx(assignment.greatest_surplus(values, costs))
    called = clear(orders=orders, units=UNITS, mechanism="call_auction")
    assert called.gains.sum() == pytest.approx(found.surplus)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(1, 90)), min_size=1, max_size=7))
def test_linear_agents_equal_an_assignment(agents: list[tuple[int, int]]) -> None:
    groups = [
        {
            "name": f"g{i}",
            "count": 1,
            "inventories": {"X": lots, "M": 10_000},
            "utilities": [{"type": "linear", "weights": [worth], "money_weight": 2}],
        }
        for i, (lots, worth) in enumerate(agents)
    ]
    supply = sum(lots for lots, _ in agents)
    if not supply:
        return
    places = [worth / 2 for _, worth in agents for _ in range(supply)]
    now = sum(lots * worth / 2 for lots, worth in agents)
    found = of_groups(groups, units=UNITS)
    assert found.surplus == pytest.approx(assignment.greatest_worth(places, supply) - now)
    assert found.exact


@pytest.mark.parametrize(
    ("money", "exact", "slack"), [(0.0, False, False), (3.0, False, False), (20.0, True, True)]
)
def test_a_maximum_that_cannot_be_paid_for_is_a_bound(
    money: float, exact: bool, slack: bool
) -> None:
    """Ten units worth 0.2 here and 0.9 there, at a price of 0.55: 5.50 M."""
    groups = [
        {
            "name": f"worth {worth}",
            "count": 1,
            "inventories": {"X": goods, "M": owned},
            "utilities": [{"type": "linear", "weights": [worth]}],
        }
        for worth, goods, owned in ((0.2, 10.0, 0.0), (0.9, 0.0, money))
    ]
    found = of_groups(groups)
    assert found.surplus == pytest.approx(7.0)
    assert found.prices[0] == pytest.approx(0.55)
    assert (found.exact, found.slack) == (exact, slack)
    if money:
        # The same after the trade that the money was enough for: nothing is left, yet the price
        # that was paid tells of the budget.
        groups[0]["inventories"], groups[1]["inventories"] = {"X": 0, "M": 3}, {"X": 10, "M": 0}
        found = of_groups(groups)
        assert (found.surplus, found.exact, found.slack) == (0.0, True, False)


@pytest.mark.parametrize(("money", "exact"), [(1.0, True), (0.9, False)])
def test_the_indifferent_take_up_what_they_can_pay_for(money: float, exact: bool) -> None:
    """Two units leave the one who values them least, at 1; two others value a unit so, one more."""
    groups = [
        {
            "name": f"g{i}",
            "count": 1,
            "inventories": {"X": goods, "M": owned},
            "utilities": [{"type": "induced_value", **taste}],
        }
        for i, (goods, owned, taste) in enumerate(
            [
                (2, 0.0, {"costs": [[0.5, 0.5]]}),
                (0, 9.0, {"values": [[2.0]]}),
                (0, money, {"values": [[1.0]]}),
                (0, 0.0, {"values": [[1.0]]}),
            ]
        )
    ]
    found = of_groups(groups, units=UNITS)
    assert found.surplus == pytest.approx(2.0)
    assert found.prices[0] == pytest.approx(1.0)
    assert found.exact == exact


def cobb(kappa: float, goods: float, money: float, weight: float = 1.0) -> dict[str, Any]:
    taste = {"type": "cobb_douglas", "exponents": [1.0], "kappa": kappa, "money_weight": weight}
    return {"inventories": {"A": goods, "M": money}, "utilities": [taste]}


@pytest.mark.parametrize("money", [0, 1000])
def test_logarithmic_agents_have_a_closed_form(money: float) -> None:
    """x_i = (kappa_i / lambda_i) E / sum: money is taken never to bind, however little there is."""
    cases = [(4.0, 2.0, 1.0), (9.0, 3.0, 2.0), (2.0, 8.0, 0.5), (6.0, 12.0, 1.0)]
    groups = [
        {"name": f"g{i}", "count": 1, **cobb(kappa, goods, money, weight)}
        for i, (kappa, goods, weight) in enumerate(cases)
    ]
    found = of_groups(groups)
    share = sum(kappa / weight for kappa, _, weight in cases)
    supply = sum(goods for _, goods, _ in cases)
    best = sum(
        kappa / weight * math.log(kappa / weight * supply / share / goods)
        for kappa, goods, weight in cases
    )
    assert found.surplus == pytest.approx(best, rel=1e-5)
    price = share / supply
    assert found.prices[0] == pytest.approx(price, rel=1e-4)
    assert found.exact == found.slack == (money > 0)
    gains = []
    for kappa, goods, weight in cases:
        best_amount = kappa / weight / price
        more = kappa / weight * math.log(best_amount / goods)
        gains.append(more - price * (best_amount - goods))
    assert found.largest == pytest.approx(max(gains), rel=1e-5)
    assert found.surplus == pytest.approx(sum(gains), rel=1e-5)


def test_a_mix_is_bounded_by_no_clearing() -> None:
    tastes = [
        {"type": "linear", "weights": [0.7, 0.3], "count": 20},
        {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": 20},
    ]
    group = {
        "name": "mix",
        "count": 40,
        "inventories": {"A": [5, 25], "B": [5, 25], "M": [100, 200]},
        "utilities": tastes,
    }
    found = of_groups([group])
    assert found.exact
    assert found.prices == pytest.approx([0.7, 0.3])
    for mechanism in ("walrasian", "call_auction"):
        gains = clear([group], mechanism=mechanism).gains.sum()
        # Each of 40 gains is rounded to a minor unit.
        assert 0.9 * found.surplus < gains <= found.surplus + 40 * 0.5e-7


def test_the_world_is_left_alone() -> None:
    groups = [{"name": f"g{i}", "count": 1, **cobb(k, 5, 10)} for i, k in enumerate((1.0, 4.0))]
    world = build_world(scenario_for_clear(groups), 0, 1)
    first = attainable_surplus(world)
    assert attainable_surplus(world).surplus == first.surplus > 0.0
    assert not attainable_surplus(world, np.zeros(1, np.bool_)).surplus


def test_smith_alpha() -> None:
    assert smith_alpha([2.0, 2.0], 2.0) == 0.0
    assert smith_alpha([1.9, 2.1], 2.0) == pytest.approx(5.0)
    assert smith_alpha([1.0, 2.0], 2.0, [1, 3]) == pytest.approx(25.0)
    assert math.isnan(smith_alpha([], 2.0))
    for arguments in (([1.0], 0.0), ([1.0], math.nan), ([1.0], 1.0, [1, 2]), ([1.0], 1.0, [-1])):
        with pytest.raises(InputError, match="smith_alpha"):
            smith_alpha(*arguments)


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=12))
def test_gini_is_the_mean_difference(values: list[float]) -> None:
    total, n = sum(values), len(values)
    found = gini(values)
    if max(values) == min(values):
        assert found == 0.0
    elif total > 1e-300:
        apart = sum(abs(a - b) for a in values for b in values)
        assert found == pytest.approx(apart / (2 * n * total), abs=1e-12)
        assert 0.0 <= found <= 1.0 - 1.0 / n + 1e-12


def test_gini_of_some() -> None:
    assert gini([1, 1, 1]) == 0.0
    assert gini([0, 0, 0, 8]) == 0.75
    assert math.isnan(gini([]))
    assert math.isnan(gini([-2, 1]))


curves = st.lists(st.integers(1, 60), min_size=1, max_size=4)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.booleans(), curves), min_size=1, max_size=5))
def test_induced_values_equal_an_assignment(agents: list[tuple[bool, list[int]]]) -> None:
    groups: list[dict[str, Any]] = []
    values: list[int] = []
    costs: list[int] = []
    for i, (sells, curve) in enumerate(agents):
        steps = sorted(curve, reverse=not sells)
        (costs if sells else values).extend(steps)
        held = {"X": len(steps) if sells else 0, "M": 1000}
        taste = {"type": "induced_value", "costs" if sells else "values": [steps]}
        groups.append({"name": f"g{i}", "count": 1, "inventories": held, "utilities": [taste]})
    if not costs:
        return
    found = of_groups(groups, units=UNITS)
    assert found.surplus == pytest.approx(assignment.greatest_surplus(values, costs))
    assert found.exact
    called = clear(groups, mechanism="call_auction", units=UNITS)
    assert called.gains.sum() == pytest.approx(found.surplus)
