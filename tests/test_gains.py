"""What each side gains of a meeting, and that the sides add up to the totals."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation
from ecs_market.components.gains import Gains
from ecs_market.scenario import from_dict
from tests.oracles.economics import QUASILINEAR, UNIT_OF_ACCOUNT, Agent, Taste
from tests.test_bargaining_rules import (
    IN_UTILITY,
    JOINT,
    MODES,
    OTHERS,
    meet,
    random_pair,
    world_of,
    worth,
)

RULES = (*JOINT[::2], *OTHERS)
FINE = {"lot": 1e-6, "price_step": 1e-6}


def crowded(mode: str, rule: str, options: dict[str, Any]) -> dict[str, Any]:
    """Sixty agents that meet each other and a post."""
    mechanism = "walrasian" if mode == UNIT_OF_ACCOUNT else "posted_price"
    return {
        "grid": {"width": 8, "height": 8},
        "goods": ["A", "B"],
        "money": {"mode": mode},
        "protocols": {"bargaining": {"name": rule, **options}},
        "populations": [
            {
                "name": "people",
                "count": 60,
                "inventories": {"A": [0, 12], "B": [0, 12], "M": [0, 60]},
                "utilities": [
                    {"type": "linear", "weights": [0.7, 0.3], "share": 0.5},
                    {"type": "cobb_douglas", "exponents": [0.4, 0.6], "share": 0.5},
                ],
            }
        ],
        "market_posts": [{"location": [4, 4], "mechanism_type": mechanism}],
    }


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("rule", "options"), RULES)
def test_the_sides_add_up_to_the_totals(mode: str, rule: str, options: dict[str, Any]) -> None:
    with Simulation(from_dict(crowded(mode, rule, options)), seed=3) as s:
        realised, totals = s.world.agents.whole(Gains).realised, s.world.totals
        for _ in range(12):
            s.step()
            assert int(realised.sum()) == totals.market_gain + totals.bilateral_gain
        assert totals.bilateral_gain > 0
        rows = s.telemetry.query("SELECT sum(market_gain), sum(bilateral_gain) FROM ticks")
        assert rows == [(totals.market_gain, totals.bilateral_gain)]


@pytest.mark.parametrize(("rule", "options"), RULES)
def test_quasilinear_sides_gain_what_their_holdings_say(rule: str, options: dict[str, Any]) -> None:
    rng = np.random.default_rng(5)
    members = [agent for _ in range(20) for agent in random_pair(rng, 2)]
    world = world_of(members, QUASILINEAR, rule, options)
    report, goods, money = meet(world)
    assert report.row.ravel().tolist() == world.agent_rows.tolist()
    found = report.side_gain.ravel() * world.settings.minor_size
    for i, member in enumerate(members):
        change = worth(member, goods[i], money[i], QUASILINEAR)
        change -= worth(member, member.goods, member.money, QUASILINEAR)
        assert found[i] == pytest.approx(change / member.taste.money_weight, abs=2e-7)
    assert np.all(report.side_gain >= 0)
    assert report.gain.tolist() == report.side_gain.sum(axis=1).tolist()


@pytest.mark.parametrize("mode", [IN_UTILITY, UNIT_OF_ACCOUNT])
@pytest.mark.parametrize(("rule", "options"), JOINT)
def test_a_deal_is_valued_at_the_rates_before_it(
    mode: str, rule: str, options: dict[str, Any]
) -> None:
    """In money where it is in the utility, else in the last good that moves."""
    rng = np.random.default_rng(6)
    members = [agent for _ in range(10) for agent in random_pair(rng, 2)]
    world = world_of(members, mode, rule, options)
    report, goods, money = meet(world)
    found = report.side_gain.ravel() * world.settings.minor_size
    assert np.any(found > 0.0)
    for i, member in enumerate(members):
        change = worth(member, goods[i], money[i], mode)
        change -= worth(member, member.goods, member.money, mode)
        taste = member.taste
        weights = (*taste.parameters, taste.money_weight)
        last = 2 if mode == IN_UTILITY else 1
        rate = weights[last]
        if taste.family == "cobb_douglas":
            rate = taste.kappa * weights[last] / (*member.goods, member.money)[last]
        assert found[i] == pytest.approx(change / rate, rel=1e-6, abs=2e-7)


def test_one_trade_by_hand() -> None:
    """A unit worth 2 to one and 1 to the other changes hands at 1.5: each gains a half."""
    pair = [
        Agent(Taste("linear", (1.0,)), (1.0,), 0.0),
        Agent(Taste("linear", (2.0,)), (0.0,), 9.0),
    ]
    world = world_of(pair, QUASILINEAR, "compensating_block", {})
    report, _, _ = meet(world)
    assert report.side_gain.tolist() == [[5_000_000, 5_000_000]]
    # The whole surplus goes to who proposes.
    options = {"proposer": "higher_id"}
    report, _, _ = meet(world_of(pair, QUASILINEAR, "take_it_or_leave_it", options, FINE))
    one, other = report.side_gain[0].tolist()
    assert one == 0
    assert other == 10**12
