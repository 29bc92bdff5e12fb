"""What is allowed but hardly meant is said: when a scenario is read, on the command line, after."""

from __future__ import annotations

import copy
import logging
from pathlib import Path
from typing import Any

import pytest
import yaml

from ecs_market import Simulation
from ecs_market.cli.parser import main
from ecs_market.cli.report import for_people
from ecs_market.scenario import from_dict

HUNGRY: dict[str, Any] = {
    "grid": {"width": 1, "height": 1},
    "exchange_regime": "centralized",
    "market_posts": [{"location": [0, 0]}],
    "populations": [
        {
            "name": "poor",
            "count": 3,
            "inventories": {"A": [1, 4], "B": 9, "M": 0},
            "utilities": [{"type": "stone_geary", "exponents": [1, 1], "subsistence": [4, 2]}],
        },
        {
            "name": "rich",
            "count": 2,
            "inventories": {"A": 90, "B": 9, "M": 50},
            "utilities": [{"type": "cobb_douglas", "exponents": [0.5, 0.5]}],
        },
    ],
}


def warned(mapping: dict[str, Any], caplog: pytest.LogCaptureFixture) -> list[str]:
    with caplog.at_level(logging.WARNING, logger="ecs_market"):
        from_dict(mapping, "t")
    return [record.getMessage() for record in caplog.records]


def test_a_start_below_subsistence(caplog: pytest.LogCaptureFixture) -> None:
    (told,) = [each for each in warned(HUNGRY, caplog) if "kappa" not in each]
    assert "populations[0].utilities[0].subsistence[0]" in told
    assert "agents can start with 1 A, below a subsistence of 4" in told
    assert "no measure in M" in told


def test_a_drawn_subsistence(caplog: pytest.LogCaptureFixture) -> None:
    fed = copy.deepcopy(HUNGRY)
    fed["populations"][0]["inventories"]["A"] = 5
    assert warned(fed, caplog) == []
    fed["populations"][0]["utilities"][0]["subsistence"][0] = [2, 6]
    (told,) = warned(fed, caplog)
    assert "can start with 5 A, below a subsistence of 6" in told


def test_the_hungry_are_counted_until_they_are_fed() -> None:
    hungry = copy.deepcopy(HUNGRY)
    hungry["populations"][0]["inventories"]["A"] = {"values": [3, 3.999, 4]}
    with Simulation(from_dict(hungry), telemetry_level="off") as simulation:
        assert simulation.summary()["below_subsistence"] == 2
        simulation.run(3)
        summary = simulation.summary()
        assert summary["below_subsistence"] == 0
        for figure in ("attainable", "efficiency"):
            assert summary["welfare"][figure] is None
            assert "below subsistence" in summary["welfare"]["reasons"][figure]
        assert simulation.population("poor").get("inventory.goods.A").min() >= 4000
    shown = {"scenario": "t", "status": "completed", "compiled": False, "output": {"folder": "x"}}
    assert "\nbelow subsistence" not in for_people(summary | shown)
    assert "1 agent at the end" in for_people(summary | shown | {"below_subsistence": 1})


@pytest.mark.parametrize(("held", "said"), [(2, ""), (3, "3"), ([0, 2], "0 to 2")])
def test_sellers_own_their_capacity(held: Any, said: str, caplog: pytest.LogCaptureFixture) -> None:
    seller = copy.deepcopy(HUNGRY)
    seller["units"] = {"lot": 1}
    seller["populations"][0] |= {
        "inventories": {"A": held, "B": 0},
        "utilities": [{"type": "induced_value", "costs": [[1, 2], []]}],
    }
    warnings = warned(seller, caplog)
    assert len(warnings) == (1 if said else 0)
    for each in warnings:
        assert f"costs are for 2 lots of A, but sellers start with {said}; what" in each


@pytest.mark.parametrize("kind", ["market", "immediate_or_cancel", "fill_or_kill", "stop"])
def test_orders_of_which_none_rests(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    mapping = copy.deepcopy(HUNGRY)
    del mapping["populations"][0]
    mapping["market_posts"][0] |= {"mechanism": "continuous_double_auction"}
    assert warned(mapping, caplog) == []
    mapping["market_posts"][0]["mechanism_params"] = {"order_type": kind}
    (told,) = warned(mapping, caplog)
    assert told.startswith("t: market_posts[0].mechanism_params.order_type: ")
    with Simulation(from_dict(mapping), telemetry_level="off") as simulation:
        simulation.run(3)
        assert simulation.summary()["market_trades"] == 0


def test_a_mix_of_orders_of_which_none_rests(caplog: pytest.LogCaptureFixture) -> None:
    mapping = copy.deepcopy(HUNGRY)
    del mapping["populations"][0]
    mapping["market_posts"][0] |= {"mechanism": "continuous_double_auction"}
    mix = {"limit": 0, "market": 2, "stop": 1}
    mapping["market_posts"][0]["mechanism_params"] = {"order_type": mix}
    (told,) = warned(mapping, caplog)
    assert told.endswith(
        "order_type: market and stop orders alone never trade: none rests in the book"
    )
    with Simulation(from_dict(mapping), telemetry_level="off") as simulation:
        simulation.run(3)
        assert simulation.summary()["market_trades"] == 0
    caplog.clear()
    mix["limit"] = 1
    assert warned(mapping, caplog) == []


def test_a_range_of_prices_that_nobody_draws_from(caplog: pytest.LogCaptureFixture) -> None:
    mapping = copy.deepcopy(HUNGRY)
    del mapping["populations"][0]
    rules = {"behaviour": "zip", "price_high": 4}
    mapping["market_posts"][0] |= {"mechanism": "continuous_double_auction"}
    mapping["market_posts"][0]["mechanism_params"] = rules
    (told,) = warned(mapping, caplog)
    assert told.endswith(".price_high: is not used: behaviour zip draws no prices")
    rules["behaviour"] = "zi_c"
    caplog.clear()
    assert warned(mapping, caplog) == []


def test_a_new_post_warns_of_itself_alone(caplog: pytest.LogCaptureFixture) -> None:
    mapping = {**copy.deepcopy(HUNGRY), "grid": {"width": 2, "height": 1}}
    with Simulation(from_dict(mapping), telemetry_level="off") as simulation:
        caplog.clear()
        simulation.add_market_post(
            (1, 0),
            mechanism="continuous_double_auction",
            mechanism_params={"order_type": "stop"},
        )
    (told,) = [record.getMessage() for record in caplog.records]
    assert told.startswith("add_market_post: market_posts[1].mechanism_params.order_type: stop")


def test_the_command_line_prints_warnings(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "hungry.yaml"
    file.write_text(yaml.safe_dump(HUNGRY), "utf-8")
    for _ in range(2):
        assert main(["validate", str(file)]) == 0
        said = capsys.readouterr()
        assert said.out == f"{file}: ok\n"
        (told,) = [line for line in said.err.splitlines() if "kappa" not in line]
        assert told.startswith(f"ecs-market: warning: {file}:")
        assert "subsistence[0]: agents can start with 1 A" in told


# --- economies without trade ------------------------------------------------------------------

PAIR: dict[str, Any] = {
    "grid": {"width": 1, "height": 1},
    "agents": {
        "count": 2,
        "inventories": {"A": {"values": [1, 9]}, "B": {"values": [9, 1]}, "M": 0},
        "utilities": [{"type": "cobb_douglas", "exponents": [0.5, 0.5]}],
    },
}
BARTER = {"protocols": {"bargaining": {"name": "compensating_block", "barter": True}}}
POSTS = {"market_posts": [{"location": [0, 0]}]}
ONE_GOOD = {"market_posts": [{"location": [0, 0], "commodities": ["A"]}]}
AUCTION = {"market_posts": [{"location": [0, 0], "mechanism": "continuous_double_auction"}]}
RICH = {"agents": {**PAIR["agents"], "inventories": {**PAIR["agents"]["inventories"], "M": 5}}}
STUCK = {"populations": [{"name": "t", **RICH["agents"], "components": ["Mobility"]}]}


def without(key: str, **more: Any) -> dict[str, Any]:
    """Return the pair's economy without a key, and with others."""
    return {name: value for name, value in PAIR.items() if name != key} | more


def trades(mapping: dict[str, Any]) -> int:
    with Simulation(mapping, telemetry_level="off") as simulation:
        simulation.run(5)
        summary = simulation.summary()
        return int(summary["market_trades"] + summary["bilateral_trades"])


@pytest.mark.parametrize(
    ("mapping", "place", "said"),
    [
        (PAIR, "agents.inventories.M", "nobody has any M, and nothing else pays"),
        (PAIR | ONE_GOOD, "agents.inventories.M", "or bargaining with barter: true"),
        (PAIR | AUCTION, "agents.inventories.M", "nobody has any M"),
        (
            PAIR | ONE_GOOD | {"exchange_regime": "centralized", "money": {"mode": "in_utility"}},
            "agents.inventories.M",
            "nobody has any M",
        ),
        (PAIR | RICH | {"exchange_regime": "centralized"}, "exchange_regime", "no market_posts"),
        (
            PAIR | RICH | {"params": {"exchange_regime": "centralized"}},
            "params.exchange_regime",
            "centralized, but there are no market_posts",
        ),
        (without("agents", **STUCK), "populations[0].components", "at most one agent has Bilat"),
        (
            without("agents", **STUCK, **POSTS, exchange_regime="bilateral"),
            "populations[0].components",
            "market_posts are left aside",
        ),
        (
            {**PAIR, "agents": {**PAIR["agents"], "count": 1, "inventories": {"A": 1, "M": 2}}}
            | {"goods": ["A", "B"]},
            "agents.count",
            "there is one agent",
        ),
    ],
)
def test_economies_without_trade(
    mapping: dict[str, Any], place: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    (told,) = [each for each in warned(mapping, caplog) if "kappa" not in each]
    assert told.startswith(f"t: {place}: ")
    assert said in told
    assert "nobody can ever trade" in told
    assert trades(mapping) == 0


@pytest.mark.parametrize(
    "more",
    [
        RICH,
        POSTS,
        RICH | POSTS | {"exchange_regime": "centralized"},
        BARTER,
        {"money": {"mode": "unit_of_account"}},
        {"money": {"mode": "unit_of_account"}, "exchange_regime": "centralized"} | POSTS,
    ],
)
def test_economies_with_trade(more: dict[str, Any], caplog: pytest.LogCaptureFixture) -> None:
    assert [each for each in warned(PAIR | more, caplog) if "kappa" not in each] == []
    assert trades(PAIR | more) > 0


def test_goods_may_pay_where_money_is_one_of_them(caplog: pytest.LogCaptureFixture) -> None:
    mode = {"money": {"mode": "in_utility"}}
    assert [each for each in warned(PAIR | mode, caplog) if "kappa" not in each] == []


def test_who_only_forages_is_not_told_about_trade(caplog: pytest.LogCaptureFixture) -> None:
    assert warned(PAIR | {"params": {"mode": "forage"}}, caplog) == []


def test_the_line_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "poor.yaml"
    file.write_text(yaml.safe_dump(PAIR), "utf-8")
    line = next(
        n for n, text in enumerate(file.read_text("utf-8").splitlines(), 1) if " M: 0" in text
    )
    assert main(["run", str(file), "--ticks", "1"]) == 0
    said = capsys.readouterr()
    assert f"ecs-market: warning: {file}:{line}:" in said.err
    assert "1 tick, 2 agents, seed" in said.out
