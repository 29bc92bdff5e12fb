"""Numbers that differ from agent to agent: how they are spelled, refused and drawn."""

from __future__ import annotations

import copy
import json
from typing import Any

import jsonschema
import mpmath
import numpy as np
import pytest
import yaml
from scipy import special, stats

from ecs_market import Simulation
from ecs_market.components.utility import Utility as UtilityColumns
from ecs_market.errors import ScenarioError
from ecs_market.kernels.normal import fill_normal, quantile
from ecs_market.kernels.philox import PARAMETER
from ecs_market.scenario import Draw, draw_start, from_dict, loads, scenario_schema
from ecs_market.scenario.draws import corners
from ecs_market.scenario.model import REACH

UNIFORM = {"distribution": "uniform", "low": 0.2, "high": 0.8}
NORMAL = {"distribution": "normal", "mean": 1.0, "sd": 0.1}
LOGNORMAL = {"distribution": "lognormal", "mean_log": 0.0, "sd_log": 0.5}


def base(count: int = 4, **utility: Any) -> dict[str, Any]:
    entry = {"type": "linear", **utility}
    if entry["type"] == "linear":
        entry.setdefault("weights", [0.7, 0.3])
    return {
        "grid": {"width": 5, "height": 5},
        "agents": {
            "count": count,
            "inventories": {"A": 10, "B": 5, "M": 100},
            "utilities": [entry],
        },
    }


def faults(**utility: Any) -> list[str]:
    try:
        from_dict(base(**utility), "t")
    except ScenarioError as error:
        return [issue.message.removeprefix("agents.utilities[0].") for issue in error.issues]
    return []


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ([0, 3], Draw("whole", 0.0, 3.0)),
        ({"values": [1, 2, 3, 4.5]}, Draw("values", values=(1.0, 2.0, 3.0, 4.5))),
        (UNIFORM, Draw("uniform", 0.2, 0.8)),
        (NORMAL, Draw("normal", 1.0, 0.1)),
        ({**NORMAL, "sd": 1, "low": 0}, Draw("normal", 1.0, 1.0, 0.0)),
        (LOGNORMAL, Draw("lognormal", 0.0, 0.5)),
        ({**LOGNORMAL, "high": 3}, Draw("lognormal", 0.0, 0.5, None, 3.0)),
    ],
)
def test_spellings(value: Any, expected: Draw) -> None:
    mapping = base(weights=[value, 1])
    validator = jsonschema.Draft202012Validator(scenario_schema())
    validator.validate(mapping)
    made = from_dict(mapping)
    assert made.populations[0].utilities[0].parameters["weights"] == (expected, 1.0)
    written = made.to_dict()
    assert from_dict(written) == made
    assert loads(yaml.safe_dump(written)) == made
    validator.validate(json.loads(json.dumps(written)))


@pytest.mark.parametrize(
    ("rho", "fine"),
    [(0, False), (0.0, False), (1e-7, False), (0.5, True), (-1, True), (-1e-6, True)],
)
def test_the_schema_excludes_what_the_loader_does(rho: float, fine: bool) -> None:
    mapping = base(type="ces", weights=[1, 1], rho=rho)
    validator = jsonschema.Draft202012Validator(scenario_schema())
    assert validator.is_valid(mapping) == fine
    if fine:
        from_dict(mapping)
    else:
        with pytest.raises(ScenarioError, match="cobb_douglas"):
            from_dict(mapping)


def test_everywhere_a_number_stands() -> None:
    entry: dict[str, Any] = {
        "type": "ces",
        "weights": [UNIFORM, LOGNORMAL],
        "rho": {"distribution": "uniform", "low": -2, "high": -1},
        "kappa": [5, 9],
        "money_weight": {"values": [1, 2, 1, 2]},
    }
    made = from_dict(base(**entry)).populations[0].utilities[0]
    assert isinstance(made.money_weight, Draw)
    assert isinstance(made.parameters["rho"], Draw)
    assert isinstance(made.kappa, Draw)


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("much", "weights[0]: expected a number, got 'much'"),
        ([3, 1], "weights[0]: a range goes from low to high, got a list"),
        ([1, 2, 3], "weights[0]: a range is [lo, hi], got 3 entries"),
        ([1, 2.5], "weights[0][1]: expected a whole number, got 2.5"),
        ([-1, 2], "weights[0][0]: must be at least 0, got -1"),
        ({"values": [1, 2]}, "weights[0].values: 2 values for 4 members"),
        ({"values": [1, 2, 3, -4]}, "weights[0].values[3]: must be at least 0, got -4"),
        ({"values": []}, "weights[0].values: expected a list with one number for each member"),
        ({"values": [1, 2, 3, 4], "low": 1}, "weights[0].low: unknown key 'low'"),
        ({}, "weights[0]: expected a number, [lo, hi], {values: [...]} or {distribution: uniform"),
        ({"distribution": "gauss"}, "weights[0].distribution: expected a number"),
        ({"distribution": "uniform", "low": 1}, "weights[0].high: is missing"),
        ({**UNIFORM, "mean": 1}, "weights[0].mean: unknown uniform key 'mean'"),
        ({**UNIFORM, "low": -1}, "weights[0].low: must be at least 0, got -1"),
        ({**UNIFORM, "low": 1}, "weights[0].low: is above high (1 > 0.8)"),
        ({**UNIFORM, "low": "a"}, "weights[0].low: expected a number, got 'a'"),
        ({"distribution": "normal", "mean": 1}, "weights[0].sd: is missing"),
        ({**NORMAL, "sd": 0}, "weights[0].sd: must be above 0"),
        ({**NORMAL, "sd_log": 1}, "weights[0].sd_log: unknown normal key 'sd_log'"),
        (
            {**NORMAL, "sd": 1},
            "weights[0]: can draw numbers as far as -7.3, but must be at least 0; give low",
        ),
        ({**NORMAL, "mean": 1e9, "sd": 1e8, "low": 0}, "but must be at most 1e+09; give high"),
        ({**NORMAL, "low": -1}, "weights[0].low: must be at least 0, got -1"),
        ({**NORMAL, "low": 2, "high": 1}, "weights[0].low: must be below high, got 2 and 1"),
        ({**NORMAL, "low": 3}, "weights[0]: low and high leave less than 1 % of the distribution"),
        ({**LOGNORMAL, "sd_log": 20}, "but must be at most 1e+09; give high"),
    ],
)
def test_faults(value: Any, told: str) -> None:
    found = faults(weights=[value, 1])
    assert len(found) == 1, found
    assert told in found[0]


def test_faults_of_money_weight_and_of_all_zero() -> None:
    assert faults(money_weight=[0, 2]) == ["money_weight[0]: must be above 0, got 0"]
    assert faults(money_weight="a") == ["money_weight: expected a number, got 'a'"]
    assert faults(weights=[[0, 1], 0]) == [
        "weights: at least one number must be above 0 for every agent"
    ]
    assert faults(weights=[[0, 1], 0.1]) == []


def test_parameters_are_checked_together_at_the_ends_of_draws() -> None:
    quadratic = {"type": "quadratic", "bliss": [9, 9], "sigma": [1, 1]}
    assert faults(**quadratic, gamma=1.9) == []
    assert "gamma: " in faults(**quadratic, gamma=2.1)[0]
    wide = {"distribution": "uniform", "low": 0.0, "high": 2.1}
    assert "gamma: " in faults(**quadratic, gamma=wide)[0]
    assert "gamma: " in faults(**quadratic, gamma={"values": [0, 0, 2.1, 0]})[0]


def test_a_draw_must_not_come_near_a_value_without_meaning() -> None:
    both_signs = {"distribution": "uniform", "low": -1, "high": 0.5}
    (told,) = faults(type="ces", weights=[1, 1], rho=both_signs)
    assert "rho: is 0; use the family cobb_douglas" in told


def test_corners() -> None:
    given = {
        "a": Draw("uniform", 1.0, 2.0),
        "b": (Draw("values", values=(5.0, 6.0)), 7.0),
        "c": "word",
    }
    found = list(corners(given))
    assert found == [
        {"a": end, "b": (value, 7.0), "c": "word"} for value in (5.0, 6.0) for end in (1.0, 2.0)
    ]


# --- the numbers that come out ----------------------------------------------------------------


def drawn(value: Any, count: int = 20_000, seed: int = 3) -> np.ndarray[Any, np.dtype[np.float64]]:
    start = draw_start(from_dict(base(count, weights=[value, 1])), seed)
    weights = start.populations[0].tastes[0].parameters["weights"]
    assert weights.shape == (count, 2)
    assert (weights[:, 1] == 1.0).all()
    found: np.ndarray[Any, np.dtype[np.float64]] = weights[:, 0]
    return found


def test_distributions_are_what_they_say() -> None:
    normal = stats.norm(1.0, 0.1)
    assert stats.kstest(drawn(NORMAL), normal.cdf).pvalue > 1e-3
    assert stats.kstest(drawn(UNIFORM), stats.uniform(0.2, 0.6).cdf).pvalue > 1e-3
    lognormal = stats.lognorm(0.5)
    assert stats.kstest(drawn(LOGNORMAL), lognormal.cdf).pvalue > 1e-3
    whole, counts = np.unique(drawn([2, 5]), return_counts=True)
    assert whole.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert stats.chisquare(counts).pvalue > 1e-3


def test_truncation_keeps_the_shape() -> None:
    found = drawn({**NORMAL, "low": 1.05, "high": 1.2})
    assert found.min() >= 1.05
    assert found.max() <= 1.2
    assert stats.kstest(found, stats.truncnorm(0.5, 2.0, 1.0, 0.1).cdf).pvalue > 1e-3


def test_a_number_depends_on_seed_and_id_alone() -> None:
    one = drawn(NORMAL, 50)
    assert (drawn(NORMAL, 80)[:50] == one).all()
    assert (drawn(NORMAL, 50, seed=4) != one).all()
    other = base(50, weights=[NORMAL, NORMAL], money_weight=NORMAL)
    taste = draw_start(from_dict(other), 3).populations[0].tastes[0]
    assert (taste.parameters["weights"][:, 0] == one).all()
    assert (taste.parameters["weights"][:, 1] != one).all()
    assert (taste.money_weight != one).all()
    # The same agents in two entries.
    split = copy.deepcopy(other)
    entry = split["agents"]["utilities"][0]
    split["agents"]["utilities"] = [{**entry, "count": 20}, {**entry, "count": 30}]
    first, second = draw_start(from_dict(split), 3).populations[0].tastes
    joined = np.concatenate([first.money_weight, second.money_weight])
    assert (joined == taste.money_weight).all()


def test_numbers_reach_the_agents() -> None:
    mapping = base(6, weights=[{"values": [1, 2, 3, 4, 5, 6]}, UNIFORM], money_weight=[2, 3])
    mapping["agents"]["utilities"][0]["count"] = 6
    with Simulation(from_dict(mapping), seed=5, telemetry_level="off") as sim:
        world = sim.world
        rows = world.agent_rows
        held = world.agents.whole(UtilityColumns)
        taste = draw_start(sim.scenario, 5).populations[0].tastes[0]
        assert (held.parameters[rows, :2] == taste.parameters["weights"]).all()
        assert held.parameters[rows, 0].tolist() == [1, 2, 3, 4, 5, 6]
        assert (held.money_weight[rows] == taste.money_weight).all()
        assert set(held.money_weight[rows]) <= {2.0, 3.0}


def test_kappa_auto_is_taken_at_the_centre() -> None:
    exponents = [{"distribution": "uniform", "low": 0.5, "high": 0.7}, {"values": [0.3, 0.5] * 2}]
    kappas = []
    for given in (exponents, [0.6, 0.4]):
        mapping = base()
        mapping["agents"]["utilities"] = [{"type": "cobb_douglas", "exponents": given}]
        kappas.append(from_dict(mapping).populations[0].utilities[0].kappa)
    assert kappas[0] == kappas[1] == pytest.approx(10**0.6 * 5**0.4)


# --- the normal distribution ------------------------------------------------------------------


@pytest.mark.kernel
def test_quantile_is_accurate() -> None:
    tails = np.concatenate([2.0 ** -np.arange(1.0, 55.0), np.linspace(1e-6, 0.5, 401)])
    for tail in tails:
        with mpmath.workdps(40):
            exact = -mpmath.sqrt(2) * mpmath.erfinv(1 - 2 * mpmath.mpf(float(tail)))
        assert quantile(float(tail)) == pytest.approx(float(exact), rel=1e-15, abs=1e-16)
    assert -REACH < quantile(2.0**-54) < -8.29


@pytest.mark.kernel
def test_normal_numbers_are_symmetric_and_known() -> None:
    ids = np.arange(5, dtype=np.int64)
    found = np.empty(5)
    fill_normal(7, 0, PARAMETER, 0, ids, found)
    again = np.empty(5)
    fill_normal(7, 0, PARAMETER, 0, ids[::-1].copy(), again)
    assert (again[::-1] == found).all()
    # The same bits compiled and uncompiled, on every platform.
    assert [number.hex() for number in found] == [
        "-0x1.09cf2a8dec07bp-1",
        "0x1.f6ae8140c30c7p-4",
        "0x1.5dea937a92e13p-1",
        "0x1.8c2c4a651a1c9p-1",
        "-0x1.ea7222c380b8bp+0",
    ]
    assert found == pytest.approx(special.ndtri(special.ndtr(found)), rel=1e-12)
