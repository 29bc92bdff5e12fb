"""The solutions over all goods at once, sealed bids and offers, against optimisers and theory."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.build import build_world
from ecs_market.components.inventory import Inventory
from ecs_market.errors import ScenarioError
from ecs_market.mechanisms.bargaining import Bargains, bargain
from ecs_market.scenario import from_dict, scenario_for_clear
from ecs_market.types import F64
from ecs_market.world import World
from tests.oracles.economics import QUASILINEAR, UNIT_OF_ACCOUNT, Agent, Taste, groups, utility
from tests.oracles.economics_bargaining import joint_optimum

IN_UTILITY = "in_utility"
FINE = {"lot": 1e-6, "price_step": 1e-6}
JOINT: tuple[tuple[str, dict[str, Any]], ...] = (
    ("nash", {"power": 0.5}),
    ("nash", {"power": 0.2}),
    ("kalai_smorodinsky", {}),
    ("take_it_or_leave_it", {"proposer": "lower_id"}),
    ("take_it_or_leave_it", {"proposer": "higher_id"}),
)
OTHERS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("compensating_block", {"barter": True}),
    ("split_difference", {"barter": True}),
    ("sealed_bid", {"barter": True}),
    ("sealed_bid", {"strategy": "equilibrium", "low": 0.0, "high": 4.0}),
    ("take_it_or_leave_it", {"information": "prior", "low": 0.0, "high": 4.0}),
)
MODES = (QUASILINEAR, UNIT_OF_ACCOUNT, IN_UTILITY)
BOX = [
    Agent(Taste("cobb_douglas", (0.6, 0.4), scale="level"), (10.0, 20.0)),
    Agent(Taste("cobb_douglas", (0.3, 0.7), scale="level"), (20.0, 10.0)),
]


def world_of(
    members: list[Agent],
    mode: str,
    rule: str,
    options: dict[str, Any],
    units: dict[str, float] | None = None,
    threads: int = 1,
) -> World:
    scenario = scenario_for_clear(groups(members), money={"mode": mode}, units=units)
    world = build_world(scenario, 0, threads)
    world.settings = dataclasses.replace(
        world.settings, bargaining=rule, bargaining_parameters=options
    )
    return world


def meet(world: World) -> tuple[Bargains, F64, F64]:
    """Let agents 0 and 1, 2 and 3, ... bargain; return the report, goods [unit] and money [M]."""
    rows = world.agent_rows
    report = bargain(world, rows[::2], rows[1::2])
    held = world.agents.whole(Inventory)
    goods = np.asarray(held.goods[rows] * world.settings.lot_size, np.float64)
    return report, goods, np.asarray(held.money[rows] * world.settings.minor_size, np.float64)


def worth(member: Agent, goods: Any, money: float, mode: str) -> float:
    """Return utility, money counted as the mode does."""
    taste = member.taste
    if mode == IN_UTILITY:
        taste = dataclasses.replace(taste, parameters=(*taste.parameters, taste.money_weight))
        return utility(taste, [*goods, money])
    extra = taste.money_weight * money if mode == QUASILINEAR else 0.0
    return utility(taste, goods) + extra


def random_pair(rng: np.random.Generator, n: int) -> list[Agent]:
    pair = []
    for _ in range(2):
        family = str(rng.choice(["linear", "cobb_douglas", "cobb_douglas"]))
        weights = tuple(np.round(rng.uniform(0.2, 1.5, n), 2).tolist())
        held = tuple(np.round(rng.uniform(1, 12, n), 3).tolist())
        weight = float(np.round(rng.uniform(0.5, 2.0), 2))
        taste = Taste(family, weights, kappa=float(rng.integers(3, 15)), money_weight=weight)
        pair.append(Agent(taste, held, float(rng.choice([3.0, 100.0]))))
    return pair


@pytest.mark.parametrize(
    ("rule", "options", "expected"),
    [
        ("nash", {"power": 0.5}, (20.41192, 11.34621)),
        ("take_it_or_leave_it", {"proposer": "lower_id"}, (22.911050, None)),
        ("take_it_or_leave_it", {"proposer": "higher_id"}, (17.542903, None)),
    ],
)
def test_edgeworth_box(rule: str, options: dict[str, Any], expected: Any) -> None:
    report, goods, _ = meet(world_of(BOX, UNIT_OF_ACCOUNT, rule, options, FINE))
    x, y = goods[0]
    assert x == pytest.approx(expected[0], abs=1e-3)
    if expected[1] is not None:
        assert y == pytest.approx(expected[1], abs=1e-3)
    slope = 0.428571
    assert y == pytest.approx(slope * 30 * x / (1.5 * (30 - x) + slope * x), abs=1e-3)
    assert report.agreements.tolist() == [1]


def test_rounds_depend_on_which_good_is_named_first() -> None:
    """The midpoint of rates is not the inverse of that of the inverse rates; see the model page."""
    renamed = [
        Agent(Taste("cobb_douglas", m.taste.parameters[::-1], scale="level"), m.goods[::-1])
        for m in BOX
    ]
    ends = [
        meet(world_of(box, UNIT_OF_ACCOUNT, "split_difference", {}))[1][0] for box in (BOX, renamed)
    ]
    assert ends[0].tolist() == pytest.approx([18.653, 9.617], abs=1e-9)
    assert ends[1].tolist() == pytest.approx([13.401, 22.115], abs=1e-9)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rule", "options"), JOINT)
def test_joint_rules_equal_an_optimiser(mode: str, rule: str, options: dict[str, Any]) -> None:
    for seed in range(6):
        pair = random_pair(np.random.default_rng(seed), 2)
        _, goods, money = meet(world_of(pair, mode, rule, options))
        before = [worth(m, m.goods, m.money, mode) for m in pair]
        after = [worth(m, g, c, mode) for m, g, c in zip(pair, goods, money, strict=True)]
        gains = [b - a for a, b in zip(before, after, strict=True)]
        best = joint_optimum(pair, mode, rule, options, worth)
        assert gains == pytest.approx(best, abs=2e-3 * (sum(best) + 1.0)), (seed, pair)


@pytest.mark.parametrize("proposer", ["buyer", "seller"])
@pytest.mark.parametrize("buys", [0, 1])
def test_the_side_that_makes_the_offer_takes_the_gains(proposer: str, buys: int) -> None:
    taste = Taste("cobb_douglas", (0.5,), kappa=20.0)
    pair = [Agent(taste, (2.0 if at == buys else 10.0,), 50.0) for at in range(2)]
    options = {"proposer": proposer}
    report, _, _ = meet(world_of(pair, QUASILINEAR, "take_it_or_leave_it", options))
    taker = buys if proposer == "buyer" else 1 - buys
    assert report.side_gain[0, taker] > 1e6
    assert report.side_gain[0, 1 - taker] < 1e4


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rule", "options"), JOINT + OTHERS)
def test_nobody_loses_and_nothing_is_lost(mode: str, rule: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(9)
    members = [agent for _ in range(12) for agent in random_pair(rng, 3)]
    world = world_of(members, mode, rule, options)
    report, goods, money = meet(world)
    held = world.agents.whole(Inventory)
    assert report.agreements.sum() > 0
    assert held.goods.min() >= 0
    assert held.money.min() >= 0
    assert held.goods.sum(axis=0).tolist() == [
        round(sum(m.goods[k] for m in members) * 1000) for k in range(3)
    ]
    assert held.money.sum() == round(sum(m.money for m in members) * 1e7)
    for i, member in enumerate(members):
        old = worth(member, member.goods, member.money, mode)
        new = worth(member, goods[i], money[i], mode)
        assert new >= old - 1e-10 * max(1.0, abs(old))
    assert np.all(report.gain[report.agreements > 0] >= 0)
    if mode == UNIT_OF_ACCOUNT:
        assert money.tolist() == [m.money for m in members]
    assert np.all(report.trades.quantity > 0)
    assert np.all(report.trades.price > 0)


@pytest.mark.parametrize(("rule", "options"), JOINT + OTHERS)
def test_threads_do_not_matter(rule: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(2)
    members = [agent for _ in range(40) for agent in random_pair(rng, 2)]
    found = []
    for threads in (1, 2):
        world = world_of(members, QUASILINEAR, rule, options, threads=threads)
        world.scratch.allocate(len(members), 2)
        report, goods, money = meet(world)
        trades = report.trades
        parts = (trades.buyer, trades.seller, trades.good, trades.quantity, trades.price)
        found.append((goods.tobytes(), money.tobytes(), *(part.tobytes() for part in parts)))
        world.close()
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("rule", "options", "share"),
    [
        ("sealed_bid", {"strategy": "truthful"}, 1.0),
        ("sealed_bid", {"strategy": "equilibrium", "low": 0.0, "high": 1.0}, 27 / 32),
        ("take_it_or_leave_it", {"information": "prior", "low": 0.0, "high": 1.0}, 0.75),
        ("take_it_or_leave_it", {"information": "complete"}, 1.0),
    ],
)
def test_one_unit_and_uniform_values(rule: str, options: dict[str, Any], share: float) -> None:
    """Chatterjee and Samuelson 1983: who trades, and which share of the gains is realised."""
    rng = np.random.default_rng(3)
    pairs = 400
    values, costs = (np.round(rng.uniform(0.0005, 1, pairs), 4) for _ in range(2))
    members = []
    for value, cost in zip(values, costs, strict=True):
        members.append(Agent(Taste("linear", (value,)), (0.0,), 10.0))
        members.append(Agent(Taste("linear", (cost,)), (1.0,)))
    units = {"lot": 1.0, "price_step": 1e-6}
    _, goods, _ = meet(world_of(members, QUASILINEAR, rule, options, units))
    traded = goods[::2, 0] > 0
    possible = np.maximum(values - costs, 0.0)
    realised = np.where(traded, values - costs, 0.0)
    error = np.std(realised - share * possible) / np.sqrt(pairs) / possible.mean()
    assert abs(realised.sum() / possible.sum() - share) <= 3 * error + 1e-12
    if options.get("strategy") == "equilibrium":
        far = np.abs(values - costs - 0.25) > 1e-5
        assert traded[far].tolist() == (values - costs >= 0.25)[far].tolist()


@pytest.mark.parametrize(("rule", "options"), JOINT + OTHERS)
def test_no_pair_of_feldmans_can_gain(rule: str, options: dict[str, Any]) -> None:
    """Feldman 1973: a circle of wishes that no two agents can serve."""
    from ecs_market.components.utility import Utility

    members = [
        Agent(Taste("linear", (1.0, 2.0)), (1.0, 0.0)),
        Agent(Taste("linear", (0.0, 1.0), money_weight=2.0), (0.0, 1.0)),
        Agent(Taste("linear", (2.0, 0.0)), (0.0, 0.0), 1.0),
    ]
    world = world_of(members, IN_UTILITY, rule, options)
    rows = world.agent_rows
    world.agents.whole(Utility).parameters[rows[0], 2] = 0.0
    world.agents.whole(Utility).money_weight[rows[0]] = 0.0
    for i, j in ((0, 1), (0, 2), (1, 2)):
        assert bargain(world, rows[[i]], rows[[j]]).trades.size == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("rule", ["compensating_block", "split_difference", "nash", "sealed_bid"])
def test_a_good_worth_nothing_to_its_owner_pays(mode: str, rule: str) -> None:
    members = [
        Agent(Taste("linear", (1.0, 0.0)), (0.0, 4.0)),
        Agent(Taste("linear", (0.0, 1.0)), (3.0, 0.0)),
    ]
    if mode == IN_UTILITY:
        members = [dataclasses.replace(m, money=1.0) for m in members]
    _, goods, _ = meet(world_of(members, mode, rule, {"barter": True}))
    assert goods[0, 0] >= 2.0
    assert goods[1, 1] >= 2.0


@pytest.mark.parametrize("scale", ["log", "level"])
@pytest.mark.parametrize("held", [(9, 1), (10, 0)])
@pytest.mark.parametrize("mode", MODES)
def test_owners_of_complements_meet_and_share(mode: str, held: tuple[int, int], scale: str) -> None:
    """Each lacks what the other has too much of, so that no good is worth something to both."""
    taste = {"type": "leontief", "coefficients": [1.0, 1.0], "scale": scale}
    for rule, shares in (
        ({"name": "nash"}, (5, 5)),
        ({"name": "kalai_smorodinsky"}, (5, 5)),
        ({"name": "take_it_or_leave_it", "proposer": "lower_id"}, (held[0], held[1])),
    ):
        data = {
            "grid": {"width": 1, "height": 1},
            "exchange_regime": "bilateral",
            "money": {"mode": mode},
            "params": {"min_value": 0.0001},
            "protocols": {"bargaining": rule},
            "populations": [
                {
                    "name": f"side_{at}",
                    "count": 1,
                    "inventories": {"A": held[at], "B": held[1 - at], "M": 50},
                    "utilities": [taste],
                }
                for at in range(2)
            ],
        }
        with Simulation(from_dict(data), 1, telemetry_level="off", threads=1) as sim:
            sim.run(1)
            goods = [sim.population(f"side_{at}").get("inventory.goods")[0] for at in range(2)]
        # Money moves instead where it is worth the same to both.
        share = (5, 5) if mode == QUASILINEAR else shares
        assert np.array(goods).tolist() == [[1000 * each] * 2 for each in share], rule


@pytest.mark.parametrize("rule", ["compensating_block", "split_difference", "nash", "sealed_bid"])
@pytest.mark.parametrize("short", [0, 1])
def test_gains_count_in_a_good_that_is_worth_something(rule: str, short: int) -> None:
    """Neither money nor the good it gives is worth anything to who gives what it has plenty of."""
    taste = {"type": "leontief", "coefficients": [1.0, 1.0], "scale": "level"}
    held = ((9, 1), (1, 9))
    sides = [
        {
            "name": f"side_{at}",
            "count": 1,
            "inventories": {"A": held[at ^ short][0], "B": held[at ^ short][1], "M": 50},
            "utilities": [taste],
        }
        for at in range(2)
    ]
    world = build_world(scenario_for_clear(sides, money={"mode": IN_UTILITY}), 0, 1)
    world.settings = dataclasses.replace(world.settings, bargaining=rule)
    report, goods, _ = meet(world)
    # A bundle more is a unit more of the good that is short, and that is worth 1 M.
    expected = np.rint((goods.min(axis=1) - 1.0) / world.settings.minor_size)
    assert report.side_gain[0].tolist() == expected.tolist()
    assert expected.min() > 0


def test_without_barter_money_must_pay() -> None:
    members = [
        Agent(Taste("linear", (2.0, 1.0)), (0.0, 4.0)),
        Agent(Taste("linear", (1.0, 2.0)), (4.0, 0.0)),
    ]
    for barter in (False, True):
        world = world_of(members, QUASILINEAR, "compensating_block", {"barter": barter})
        assert (meet(world)[0].trades.size > 0) == barter


def test_a_rule_that_needs_a_range_says_so() -> None:
    for rule in (
        {"name": "sealed_bid", "strategy": "equilibrium"},
        {"name": "take_it_or_leave_it", "information": "prior", "low": 1.0},
        {"name": "sealed_bid", "low": 2.0, "high": 1.0},
    ):
        data = {
            "grid": {"width": 2, "height": 2},
            "goods": ["A"],
            "protocols": {"bargaining": rule},
            "agents": {
                "count": 2,
                "inventories": {"A": 1, "M": 5},
                "utilities": [{"type": "linear", "weights": [1.0], "share": 1}],
            },
        }
        with pytest.raises(ScenarioError, match=r"low|high"):
            from_dict(data)
