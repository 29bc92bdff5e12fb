"""Several goods with jumping demand: linear members who are indifferent, against an oracle."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import maximum_flow

from ecs_market import clear
from ecs_market.kernels.attendance import nth_smallest
from ecs_market.kernels.flows import push_flow
from tests.oracles.economics import QUASILINEAR, UNIT_OF_ACCOUNT, Agent, Taste, groups
from tests.oracles.equilibrium import least_unplaced

FINE = {"lot": 1e-3, "price_step": 1e-7}
SOLVED = {"converged", "marginal", "indicative"}


def solved(agents: list[Agent], mode: str = QUASILINEAR, **params: Any) -> Any:
    return clear(
        groups(agents, "ABCDEF"), units=FINE, money={"mode": mode}, mechanism_params=params
    )


def mix(
    seed: int, size: int, goods: int, money: float, linear: float, digits: int = 2
) -> list[Agent]:
    """Return members with random tastes and holdings, a share of them linear."""
    rng = np.random.default_rng(seed)
    agents = []
    for _ in range(size):
        held = tuple(np.round(rng.uniform(0.0, 20.0, goods), 3).tolist())
        if rng.random() < linear:
            taste = Taste("linear", tuple(np.round(rng.uniform(0.1, 2.0, goods), digits).tolist()))
        else:
            exponents = tuple(np.round(rng.uniform(0.1, 2.0, goods), digits).tolist())
            taste = Taste("cobb_douglas", exponents, kappa=float(np.round(rng.uniform(1, 12), 2)))
        agents.append(Agent(taste, held, money))
    return agents


def check(agents: list[Agent], result: Any, mode: str) -> None:
    """The prices are those of an equilibrium, and what is traded is worth it to everybody."""
    names = "ABCDEF"[: len(agents[0].goods)]
    price = [result.prices[good] for good in names]
    value = sum(p * a.goods[k] for a in agents for k, p in enumerate(price))
    assert least_unplaced(agents, price, mode, 1e-5) <= 3e-5 * value + 1e-3 * max(price)
    assert result.gains.min() >= 0.0
    before = np.array([np.rint(np.array(a.goods) * 1000) for a in agents]).astype(np.int64)
    np.testing.assert_array_equal(result.goods_lots.sum(axis=0), before.sum(axis=0))
    assert result.goods_lots.min() >= 0
    assert result.money_minor.min() >= 0


@given(
    st.integers(0, 2**32 - 1),
    st.integers(2, 14),
    st.integers(2, 5),
    st.sampled_from([5000.0, 300.0, 30.0, 1.0]),
    st.sampled_from([0.4, 0.8, 1.0]),
)
@settings(max_examples=30, deadline=None)
def test_mixes_with_money_are_solved(
    seed: int, size: int, goods: int, money: float, linear: float
) -> None:
    agents = mix(seed, size, goods, money, linear)
    result = solved(agents)
    assert result.status in SOLVED
    check(agents, result, QUASILINEAR)


@given(
    st.integers(0, 2**32 - 1), st.integers(2, 14), st.integers(2, 5), st.sampled_from([0.5, 1.0])
)
@settings(max_examples=25, deadline=None)
def test_mixes_without_money_are_solved(seed: int, size: int, goods: int, linear: float) -> None:
    agents = mix(seed, size, goods, 0.0, linear)
    result = solved(agents, UNIT_OF_ACCOUNT)
    assert result.status in SOLVED
    check(agents, result, UNIT_OF_ACCOUNT)


@pytest.mark.parametrize("seed", range(6))
def test_the_slack_pin_every_price_at_their_best_value(seed: int) -> None:
    """With money to spare, a good's price is what it is worth to whoever values it most."""
    rng = np.random.default_rng(seed)
    goods = int(rng.integers(2, 7))
    agents = mix(seed, 9, goods, 10_000.0, 1.0)
    result = solved(agents)
    best = np.max([agent.taste.parameters for agent in agents], axis=0)
    assert [result.prices[good] for good in "ABCDEF"[:goods]] == best.tolist()
    assert result.status == "marginal"
    # Everything has gone to those who value it most.
    for k in range(goods):
        holders = [
            a.taste.parameters[k] for a, x in zip(agents, result.goods[:, k], strict=True) if x
        ]
        assert set(holders) == {best[k]}


def test_members_tied_between_two_goods_serve_both_sides() -> None:
    """One trades A for B and the other B for A at their common rate, money untouched."""
    taste = Taste("linear", (2.0, 1.0))
    agents = [
        Agent(taste, (30.0, 30.0)),
        Agent(Taste("linear", (1.0, 3.0)), (8.0, 0.0)),
        Agent(Taste("linear", (9.0, 1.0)), (0.0, 10.0)),
    ]
    result = solved(agents, UNIT_OF_ACCOUNT)
    assert result.status == "marginal"
    assert result.prices["A"] == pytest.approx(2.0, rel=1e-6)
    np.testing.assert_allclose(result.goods[1:], [[0.0, 16.0], [5.0, 0.0]], atol=2e-3)
    np.testing.assert_allclose(result.goods[0], [33.0, 24.0], atol=2e-3)


def test_little_is_traded_that_need_not_be() -> None:
    """The indifferent keep what nobody asks them for."""
    taste = Taste("linear", (0.7, 0.3))
    keen = Taste("cobb_douglas", (7.0, 3.0))
    agents = [Agent(taste, (50.0, 50.0), 50.0) for _ in range(5)]
    agents.append(Agent(keen, (4.0, 16.0), 100.0))
    result = solved(agents)
    assert result.prices == {"A": 0.7, "B": 0.3, "M": 1.0}
    assert result.volume == {"A": 6.0, "B": 6.0}


def test_feldmans_circle_reaches_what_no_pair_can() -> None:
    """Feldman 1973: three owners in a circle, money one of the goods; prices are (1, 1, 1)."""
    rings = [([1.0, 2.0], 1e-9), ([1e-9, 1.0], 2.0), ([2.0, 1e-9], 1.0)]
    members = [
        {
            "name": f"g{i}",
            "count": 1,
            "inventories": {good: float(k == i) for k, good in enumerate("ABM")},
            "utilities": [{"type": "linear", "weights": w, "money_weight": m, "count": 1}],
        }
        for i, (w, m) in enumerate(rings)
    ]
    result = clear(members, units={"lot": 1e-3, "price_step": 1e-4}, money={"mode": "in_utility"})
    assert result.status == "converged"
    assert (result.prices["A"], result.prices["B"]) == (1.0, 1.0)
    assert result.goods.tolist() == [[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]
    assert result.money.tolist() == [0.0, 1.0, 0.0]


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(2, 4))
@settings(max_examples=15, deadline=None)
def test_money_in_utility_is_to_linear_members_what_money_outside_is(
    seed: int, size: int, goods: int
) -> None:
    agents = mix(seed, size, goods, 40.0, 1.0)
    outside, inside = solved(agents), solved(agents, "in_utility")
    assert inside.status in SOLVED
    assert outside.status in SOLVED
    check(agents, inside, QUASILINEAR)


@pytest.mark.kernel
@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.data())
def test_selection_finds_every_rank(values: list[int], data: st.DataObject) -> None:
    rank = data.draw(st.integers(0, len(values) - 1))
    scratch = np.array(values, np.float64)
    assert nth_smallest(scratch, len(values), rank) == sorted(values)[rank]
    assert sorted(scratch.tolist()) == sorted(values)


@pytest.mark.kernel
@given(st.integers(0, 2**32 - 1), st.integers(3, 8))
@settings(max_examples=60, deadline=None)
def test_flows_are_greatest(seed: int, size: int) -> None:
    """Against another algorithm, with whole capacities, so that both are exact."""
    rng = np.random.default_rng(seed)
    capacity = rng.integers(0, 9, (size, size)) * (rng.random((size, size)) < 0.6)
    np.fill_diagonal(capacity, 0)
    left = capacity.astype(np.float64)
    scratch = np.empty(size, np.int64), np.empty(size, np.int64)
    pushed = push_flow(left, size, 0, size - 1, 0.5, *scratch)
    expected = maximum_flow(csr_array(capacity.astype(np.int32)), 0, size - 1).flow_value
    assert pushed == expected
    net = capacity - left
    inner = (net - net.T)[1:-1].sum(axis=1) / 2
    np.testing.assert_allclose(inner, 0.0, atol=1e-12)
    assert left.min() >= 0.0
