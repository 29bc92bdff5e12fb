"""What a scenario must satisfy, and how a fault reads."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ecs_market.errors import InputError, ScenarioError
from ecs_market.scenario import (
    apply_overrides,
    from_dict,
    load_scenario,
    loads,
    scenario_for_clear,
)
from ecs_market.units import Units

BASE: dict[str, Any] = {
    "grid": {"width": 10, "height": 8},
    "market_posts": [
        {"location": [2, 3], "mechanism": "walrasian"},
        {"location": [5, 5], "mechanism": "posted_price", "commodities": ["A", "M"]},
    ],
    "params": {},
    "agents": {
        "count": 4,
        "inventories": {"A": [10, 20], "B": 5, "M": 100},
        "utilities": [
            {"type": "linear", "weights": [0.7, 0.3], "count": 2},
            {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": 2},
        ],
    },
    "resources": {"spawn_rate": 0.1, "types": [{"good": "A", "quantity": [1, 3]}]},
}


def issues(*overrides: str, base: Mapping[str, Any] = BASE) -> list[str]:
    try:
        from_dict(base, "t", overrides)
    except ScenarioError as error:
        return [issue.message for issue in error.issues]
    return []


def test_what_a_parameter_is_called_in_another_family() -> None:
    base = copy.deepcopy(BASE)
    base["agents"]["utilities"][1] = {"type": "cobb_douglas", "weights": [0.6, 0.4], "count": 2}
    place = "agents.utilities[1].weights"
    told = "unknown cobb_douglas key 'weights'; did you mean 'exponents'?"
    assert issues(base=base) == [f"{place}: {told}"]
    base["agents"]["utilities"][1]["exponents"] = [0.6, 0.4]
    (told,) = issues(base=base)
    assert "did you mean 'exponents'" not in told


def test_the_base_is_fine() -> None:
    assert issues() == []


@pytest.mark.parametrize(
    ("override", "part"),
    [
        ("grid.width='5'", "grid.width: expected a whole number, got '5'"),
        ("grid.width=true", "grid.width: expected a whole number, got true"),
        ("grid.width=5.0", "expected a whole number"),
        ("grid.width=0", "must be at least 1"),
        ("grid.width=2147483647", "more than 2,147,483,648 cells"),
        ("grid=5", "grid: expected a mapping, got 5"),
        ("gird.width=5", "did you mean 'grid'?"),
        ("torus=true", "unknown key 'torus'"),
        ("name=", "name: has no value"),
        ("schema_version=2", "allowed: 1"),
        ("seed=-1", "at least 0"),
        ("goods=[A, B, C]", "utilities[0].weights: 2 numbers for 3 goods (A, B, C)"),
        ("goods=[A]", "unknown good 'B'"),
        ("goods=[A, A]", "goods[1]: A is named twice"),
        ("goods=[A, B, M]", "M is money"),
        ("goods=['A.b', B]", "a good is a letter"),
        ("units.lot=0", "must be above 0"),
        ("agents.inventories.B=0.0005", "0.0005 is off the lot grid of 0.001"),
        ("agents.inventories.B=-1", "must be at least 0"),
        ("agents.inventories.B=[3, 1]", "a range goes from low to high"),
        ("agents.inventories.B=[1, 2.5]", "inventories.B[1]: expected a whole number"),
        ("agents.inventories.B=[1, 2, 3]", "a range is [lo, hi]"),
        ("agents.inventories.B={values: [1, 2]}", "2 values for 4 members"),
        ("agents.inventories.B={vales: [1]}", "did you mean 'values'?"),
        ("agents.inventories.B=lots", "expected a number, got 'lots'"),
        ("agents.inventories.B=null", "expected a number, got nothing"),
        ("agents.inventories.B=9e15", "more than 2^53"),
        ("agents.inventories.M=9e11", "more than 2^61"),
        ("agents.inventories.C=1", "utilities[0].weights: 2 numbers for 3 goods"),
        ("agents.count=5", "utilities add up to 4, but the count is 5"),
        ("agents.utilities.0.share=0.5", "takes count or share, not both"),
        ("agents.utilities.0.type=liner", "did you mean 'linear'?"),
        ("agents.utilities.0.weights=[0, 0]", "at least one number must be above 0"),
        ("agents.utilities.0.weights=[1, -1]", "weights[1]: must be at least 0"),
        ("agents.utilities.0.weights=5", "expected a list with a number for each good"),
        ("agents.utilities.0.kappa=2", "unknown linear key 'kappa'"),
        ("agents.utilities.1.kappa=0", "must be above 0"),
        ("agents.utilities.1.kappa=null", "kappa: has no value"),
        ("agents.utilities.1.scale=lug", "allowed: log, level; got 'lug'"),
        ("agents.utilities.0.money_weight=0", "must be above 0"),
        ("agents.utilities=[]", "needs at least 1 entries"),
        ("agents.initial_positions={at: [10, 0]}", "[10, 0] is off the grid of 10 x 8 cells"),
        ("agents.initial_positions={cells: [[1, 1]]}", "1 cells for 4 members"),
        ("agents.initial_positions={distribution: gauss}", "allowed: uniform"),
        ("agents.initial_positions=home", "expected one of"),
        ("market_posts.0.location=[10, 3]", "[10, 3] is off the grid"),
        ("market_posts.0.location=[5, 5]", "post 0 already stands on cell [5, 5]"),
        ("market_posts.0.location=[5]", "needs at least 2 entries, got 1"),
        ("market_posts=[{id: 1, location: [0, 0]}, {id: 1, location: [0, 1]}]", "id 1 is taken"),
        ("market_posts.0.mechanism=auction", "unknown mechanism 'auction'"),
        ("market_posts.0.mechanism={name: walrasian, version: '1'}", "has no version '1'"),
        ("market_posts.0.mechanism_type=posted_price", "name different mechanisms"),
        ("market_posts.0.commodities=[M]", "needs a good besides M"),
        ("market_posts.0.commodities=[A, Z]", "unknown good 'Z'"),
        ("market_posts.0.mechanism_params.eta=0.1", "unknown walrasian_auctioneer key 'eta'"),
        ("market_posts.1.mechanism_params.eta=0.5", "must be at most 0.2"),
        ("market_posts.1.mechanism_params.initial_price=0", "must be above 0"),
        ("market_posts.1.mechanism_params.initial_price={B: 1}", "unknown good 'B'"),
        ("market_posts.1.mechanism_params.initial_price=0.00001", "at least one price step"),
        ("market_posts.0.mechanism_params.on_failure=[newton, pray]", "got 'pray'"),
        ("market_posts.0.mechanism_params.max_iterations=1.5", "expected a whole number"),
        ("params.beta=1.5", "must be at most 1"),
        ("params.beta=.nan", "not a finite number"),
        ("params.vison_radius=8", "did you mean 'vision_radius'?"),
        ("params.forage_rate=0.0001", "off the lot grid"),
        ("params.trade_cooldown_ticks=321", "at most 32 times patience_ticks (320)"),
        ("params.exchange_regime=barter", "allowed: bilateral, centralized, mixed"),
        ("params.price_info.floor=2", "must be at most 1"),
        ("params.centralized_weight=0", ""),
        ("protocols.search=zzz", "unknown search protocol 'zzz'; registered:"),
        ("protocols.matching={name: legacy, version: '1'}", "has no version '1'"),
        ("protocols.matching={nam: legacy}", "did you mean 'name'?"),
        ("resources.spawn_rate=2", "must be at most 1"),
        ("resources.types.0.good=Q", "unknown good 'Q'"),
        ("resources.types.0.quantity={values: [1]}", "expected a number or [lo, hi]"),
        ("resources.regrowth.cooldown=3", "resources.regrowth.rate: is missing"),
        ("populations=[{name: x, count: 1}]", "can't both be given"),
        ("money.mode=unit_of_account", "needs two goods besides M in money mode unit_of_account"),
    ],
)
def test_one_fault(override: str, part: str) -> None:
    found = issues(override)
    if not part:
        assert found == []
        return
    assert any(part in message for message in found), found


def test_independent_faults_are_all_listed() -> None:
    found = issues(
        "grid.depth=3",
        "market_posts.0.location=[5, 5]",
        "market_posts.1.visibilty_radius=3",
        "agents.count=5",
        "agents.inventories.B=0.0005",
        "params.vision_radius=-1",
        "protocols.search=x",
    )
    assert len(found) == 7, found


def test_a_fault_does_not_breed_others() -> None:
    assert len(issues("agents.count=many")) == 1
    assert len(issues("units.lot=big")) == 1
    assert len(issues("agents.inventories=5")) == 1
    assert len(issues("market_posts.0.location=here")) == 1
    assert len(issues("agents.utilities.0.count=x")) == 1


def test_a_misspelt_required_key_is_one_fault() -> None:
    base = copy.deepcopy(BASE)
    base["grid"] = {"width": 10, "hieght": 8}
    assert issues(base=base) == ["grid.hieght: unknown key 'hieght'; did you mean 'height'?"]


def test_a_misspelt_type_is_one_fault() -> None:
    base = copy.deepcopy(BASE)
    base["agents"]["utilities"][0]["tpye"] = base["agents"]["utilities"][0].pop("type")
    assert issues(base=base) == [
        "agents.utilities[0].tpye: unknown key 'tpye'; did you mean 'type'?"
    ]


def test_the_number_of_issues_is_bounded() -> None:
    base = copy.deepcopy(BASE)
    base.update({f"key{i}": 1 for i in range(5000)})
    found = issues(base=base)
    assert len(found) == 201
    assert "4,800 more" in found[-1]


def test_missing_keys() -> None:
    assert issues(base={}) == ["grid: is missing", "agents: is missing: give agents or populations"]
    for text in ("[1]", "", "5"):
        with pytest.raises(ScenarioError, match="expected a mapping of scenario keys"):
            loads(text)


def test_commodities_nobody_has() -> None:
    base = copy.deepcopy(BASE)
    base["agents"]["inventories"]["B"] = 0
    assert issues(base=base) == [
        "market_posts[0].commodities: nobody has B and no resource yields it"
    ]
    base["resources"]["types"].append({"good": "B", "quantity": 1})
    assert issues(base=base) == []


def test_the_regime_at_both_places() -> None:
    assert issues("exchange_regime=bilateral", "params.exchange_regime=bilateral") == []
    found = issues("exchange_regime=bilateral", "params.exchange_regime=centralized")
    assert found == [
        "exchange_regime: 'bilateral' here, but 'centralized' in params.exchange_regime"
    ]


def test_price_info_at_both_places() -> None:
    assert from_dict(BASE, overrides=["price_info.sigma=0.1"]).price_info.sigma == 0.1
    assert from_dict(BASE, overrides=["params.price_info.sigma=0.1"]).price_info.sigma == 0.1
    found = issues("price_info.sigma=0.1", "params.price_info.sigma=0.3")
    assert found == ["price_info: differs from params.price_info; give one of them"]


def test_defaults() -> None:
    base = {key: BASE[key] for key in ("grid", "agents")}
    made = from_dict(base)
    assert made.goods == ("A", "B")
    assert made.params.exchange_regime == "bilateral"
    assert (made.params.vision_radius, made.params.beta, made.params.forage_lots) == (5, 0.95, 1000)
    assert made.protocols.matching == "three_pass"
    assert made.protocols.bargaining == "compensating_block"
    assert made.resources is None
    assert (made.ticks, made.seed) == (100, 0)
    post = from_dict(BASE).market_posts[0]
    assert (post.visibility_radius, post.interaction_radius, post.broadcast_radius) == (10, 3, 15)
    assert post.commodities == ("A", "B")
    assert post.parameters["on_failure"] == ("newton", "bilateral")
    central = from_dict(BASE, overrides=["exchange_regime=centralized"])
    assert central.market_posts[0].parameters["on_failure"] == ("newton", "no_trade")


def test_posts_take_the_next_id_and_ascend() -> None:
    base = copy.deepcopy(BASE)
    base["market_posts"] = [
        {"location": [0, 0], "id": 7},
        {"location": [1, 0]},
        {"location": [2, 0], "id": 3},
        {"location": [3, 0]},
    ]
    made = from_dict(base)
    assert [(post.id, post.x) for post in made.market_posts] == [(3, 2), (4, 3), (7, 0), (8, 1)]
    assert made.market_posts[0].mechanism == "walrasian_auctioneer"


def test_shares_become_counts() -> None:
    base = copy.deepcopy(BASE)
    base["agents"]["count"] = 10
    for entry, share in zip(base["agents"]["utilities"], (0.25, 0.75), strict=True):
        del entry["count"]
        entry["share"] = share
    counts = [each.count for each in from_dict(base).populations[0].utilities]
    assert counts == [3, 7]
    base["agents"]["utilities"][0]["share"] = 0.3
    assert issues(base=base) == ["agents.utilities: shares add up to 1.05 instead of 1"]


def test_kappa_auto() -> None:
    made = from_dict(BASE).populations[0].utilities[1]
    assert made.kappa == pytest.approx(15**0.6 * 5**0.4, rel=1e-15)
    canonical = load_scenario("walrasian_two_markets").populations[0].utilities[1]
    assert canonical.kappa == 15.0
    assert from_dict(BASE, overrides=["agents.utilities.1.kappa=2"]).populations[0].utilities[
        1
    ].parameters == {"exponents": (0.6, 0.4), "scale": "log", "kappa": 2.0}


def test_kappa_auto_without_a_level_warns(caplog: pytest.LogCaptureFixture) -> None:
    base = copy.deepcopy(BASE)
    base["agents"]["inventories"]["B"] = 0
    base["market_posts"] = []
    with caplog.at_level(logging.WARNING, logger="ecs_market"):
        assert from_dict(base).populations[0].utilities[1].kappa == 1.0
    assert "agents.utilities[1]: kappa: auto" in caplog.text


def test_initial_price_for_all_goods_or_one() -> None:
    key = "market_posts.0.mechanism_params.initial_price"
    for text, expected in (
        ("2", {"A": 2.0, "B": 2.0}),
        ("{B: 0.5}", {"B": 0.5}),
        ("none", None),
    ):
        made = from_dict(BASE, overrides=[f"{key}={text}"])
        assert made.market_posts[0].parameters["initial_price"] == expected


def test_overrides() -> None:
    made = apply_overrides(BASE, ["params.vision_radius=8", "market_posts.0.location.1=6", "x.y=a"])
    assert made["params"] == {"vision_radius": 8}
    assert made["market_posts"][0]["location"] == [2, 6]
    assert made["x"] == {"y": "a"}
    assert BASE["params"] == {}
    assert from_dict(BASE).override("params.vision_radius=8").params.vision_radius == 8


@pytest.mark.parametrize(
    "item",
    ["", "x", "=5", "a..b=1", "market_posts.7.id=1", "market_posts.x=1", "grid.width.x=1", "a=[1"],
)
def test_overrides_that_do_not_fit(item: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        apply_overrides(BASE, [item])
    assert str(caught.value).startswith(f"--set {item}")


def test_a_bad_override_is_named() -> None:
    with pytest.raises(ScenarioError, match=r"--set params\.beta=7: params\.beta: must be at most"):
        load_scenario("walrasian_two_markets", ["params.beta=7"])


def test_missing_files_get_near_names() -> None:
    with pytest.raises(ScenarioError, match="did you mean walrasian_two_markets"):
        load_scenario("walrasian_two_market")
    with pytest.raises(ScenarioError, match="shipped scenarios: barter_ring"):
        load_scenario("zzz")


def test_scenario_for_clear() -> None:
    groups = [
        {
            "name": "one",
            "count": 1,
            "inventories": {"A": 10, "B": 20},
            "utilities": [{"type": "cobb_douglas", "exponents": [0.6, 0.4]}],
        }
    ]
    made = scenario_for_clear(
        groups,
        "walrasian",
        {"max_iterations": 50},
        ["A", "B", "M"],
        units={"lot": 1e-6},
        money={"mode": "unit_of_account"},
        seed=3,
    )
    assert made.market_posts[0].parameters["max_iterations"] == 50
    assert made.money_mode == "unit_of_account"
    assert made.seed == 3
    assert (made.grid.width, made.grid.height) == (1, 1)
    with pytest.raises(ScenarioError) as caught:
        scenario_for_clear([{**groups[0], "count": -1}], "walrasan", {"x": 1}, ["Z"])
    found = str(caught.value)
    assert "<groups>: groups[0].count: must be at least 1" in found
    assert "<groups>: mechanism: unknown mechanism 'walrasan'" in found
    assert "<groups>: commodities[0]: unknown good 'Z'" in found


def test_units_of_clear_are_kept_exactly() -> None:
    groups = [
        {
            "name": "one",
            "count": np.int64(1),
            "inventories": {"A": np.float64(1.5), "M": 1},
            "utilities": [{"type": "linear", "weights": np.array([1.0])}],
        }
    ]
    units = Units(lot=Fraction(1, 2), price_step=Fraction(1, 10**6))
    assert scenario_for_clear(groups, units=units).units == units
    with pytest.raises(InputError, match="units must be decimals, got 1/3"):
        scenario_for_clear(groups, units=Units(lot=Fraction(1, 3)))


def test_the_price_step_divides_the_numeraires_price() -> None:
    groups = [
        {
            "name": "one",
            "count": 1,
            "inventories": {"A": 3, "B": 3},
            "utilities": [{"type": "linear", "weights": [1, 1]}],
        }
    ]
    with pytest.raises(ScenarioError, match="price_step: must divide 1 in money mode"):
        scenario_for_clear(groups, units={"price_step": 0.3}, money={"mode": "unit_of_account"})
