"""Options of posts, protocols and agents: what is taken, what is refused, what comes back."""

from __future__ import annotations

import copy
import json
from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest
import yaml

from ecs_market import registry
from ecs_market.build import settings_of
from ecs_market.errors import ScenarioError
from ecs_market.scenario import Scenario, from_dict, loads, scenario_schema

BASE: dict[str, Any] = {
    "grid": {"width": 10, "height": 8},
    "market_posts": [{"location": [2, 3]}],
    "params": {},
    "agents": {
        "count": 4,
        "inventories": {"A": [10, 20], "B": 5, "M": 100},
        "utilities": [
            {"type": "linear", "weights": [0.7, 0.3], "count": 2},
            {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": 2},
        ],
    },
}
RULES = "market_posts.0.mechanism_params"


@pytest.fixture(scope="module")
def validator() -> Any:
    return jsonschema.Draft202012Validator(scenario_schema())


def with_mechanism(name: str, **rules: Any) -> dict[str, Any]:
    base = copy.deepcopy(BASE)
    base["market_posts"][0] |= {"mechanism": name, "mechanism_params": rules}
    return base


def issues(*overrides: str, base: Mapping[str, Any] = BASE) -> list[str]:
    try:
        from_dict(base, "t", overrides)
    except ScenarioError as error:
        return [issue.message for issue in error.issues]
    return []


def comes_back(made: Scenario, validator: Any) -> None:
    """A scenario is equal after writing and reading, as data and as YAML, and fits the schema."""
    written = made.to_dict()
    assert from_dict(written) == made
    assert loads(yaml.safe_dump(written)) == made
    validator.validate(json.loads(json.dumps(written)))


@pytest.mark.parametrize(
    ("mechanism", "rules"),
    [
        ("walrasian", {"fees": {"type": "ad_valorem", "rate": 0.000000001}, "price_band": 0.2}),
        ("walrasian", {"fees": "none", "price_band": "none", "shading": 0.5}),
        ("walrasian", {"on_failure": ["newton", "call_auction", "no_trade"], "clear_every": 3}),
        ("walrasian", {"self_trade": "prevent", "price_band": None}),
        ("posted_price", {"stock": {"A": 10, "M": 2.5}, "eta": 0.2}),
        ("posted_price", {"stock": "none", "fees": {"type": "per_lot", "rate": 0.0001}}),
        ("continuous_double_auction", {}),
        (
            "continuous_double_auction",
            {"behaviour": "zi_c", "price_low": 1, "price_high": 4, "activations": 30},
        ),
        ("continuous_double_auction", {"behaviour": "zip", "lifetime": 3, "order_size": 0.5}),
        ("continuous_double_auction", {"order_type": "fill_or_kill", "lifetime": "none"}),
        ("continuous_double_auction", {"order_type": {"limit": 0.7, "market": 0.2, "stop": 0}}),
        ("call_auction", {"k": 0, "interval": 5, "mcafee": True}),
        ("call_auction", {"behaviour": "zi_u", "price_high": 4, "initial_price": {"A": 2}}),
    ],
)
def test_rules_of_posts(mechanism: str, rules: dict[str, Any], validator: Any) -> None:
    base = with_mechanism(mechanism, **rules)
    validator.validate(base)
    made = from_dict(base)
    comes_back(made, validator)
    entry = registry.find("mechanism", mechanism)
    parameters = made.market_posts[0].parameters
    assert list(parameters) == [each.name for each in entry.parameters]
    for name, value in rules.items():
        if not isinstance(value, str | list | dict):
            assert parameters[name] == value


@pytest.mark.parametrize(
    ("mechanism", "rules", "told"),
    [
        ("walrasian", {"fees": {"rate": 0.1, "kind": "x"}}, "fees.kind: unknown key 'kind'"),
        ("walrasian", {"fees": {"type": "tax"}}, "allowed: none, ad_valorem, per_lot; got 'tax'"),
        ("walrasian", {"fees": "ad valorem"}, "fees: allowed: none, ad_valorem, per_lot"),
        ("walrasian", {"fees": 0.1}, "fees: expected a mapping with type, rate, got 0.1"),
        ("walrasian", {"fees": "ad_valorem"}, "fees: ad_valorem needs a rate, as in {type: ad_val"),
        ("walrasian", {"fees": {"type": "per_lot"}}, "fees: per_lot needs a rate"),
        ("walrasian", {"fees": {"rate": 0.1}}, "fees: rate has no meaning without a type: none, "),
        ("walrasian", {"fees": {"type": "ad_valorem", "rate": 1}}, "an ad_valorem rate is below 1"),
        (
            "walrasian",
            {"fees": {"type": "ad_valorem", "rate": 0.0000000015}},
            "fees: an ad_valorem rate is a multiple of 1e-9, got 1.5e-09",
        ),
        (
            "walrasian",
            {"fees": {"type": "per_lot", "rate": 0.00000001}},
            "fees.rate: 0.00000001 is off the money grid of 0.0000001",
        ),
        ("walrasian", {"fees": {"type": "per_lot", "rate": -1}}, "rate: must be at least 0"),
        (
            "walrasian",
            {"fees": {"type": "per_lot", "rate": 1e9}},
            "fees would come to more than 2^61",
        ),
        ("walrasian", {"price_band": 0}, "price_band: must be above 0"),
        ("walrasian", {"price_band": "wide"}, "price_band: expected a number, got 'wide'"),
        ("walrasian", {"shading": 1}, "shading: must be below 1, got 1"),
        ("walrasian", {"shading": -0.1}, "shading: must be at least 0"),
        ("walrasian", {"clear_every": 0}, "clear_every: must be at least 1"),
        ("walrasian", {"self_trade": "allow"}, "self_trade: allowed: prevent"),
        ("walrasian", {"on_failure": ["newton", "newton"]}, "newton is named twice"),
        (
            "walrasian",
            {"on_failure": ["no_trade", "newton"]},
            "newton is never tried: no_trade before it is the end",
        ),
        ("walrasian", {"stock": {"A": 1}}, "unknown walrasian_auctioneer key 'stock'"),
        ("posted_price", {"stock": {"C": 1}}, "unknown good 'C'"),
        ("posted_price", {"stock": {"A": -1}}, "stock.A: must be at least 0"),
        ("posted_price", {"stock": {"A": 0.0001}}, "off the lot grid"),
        ("posted_price", {"stock": 5}, "expected a mapping of goods and M to amounts, got 5"),
        ("posted_price", {"stock": {"A": 9e15}}, "more than 2^53"),
        ("posted_price", {"stock": {"M": 9e11}}, "more than 2^61"),
        ("continuous_double_auction", {"behaviour": "noise"}, "allowed: truthful, zi_c, zi_u, zip"),
        (
            "continuous_double_auction",
            {"behaviour": "zi_c"},
            "price_high: behaviour zi_c draws prices up to it; give a number",
        ),
        ("continuous_double_auction", {"price_low": 3, "price_high": 2}, "is above price_high"),
        ("continuous_double_auction", {"activations": 0}, "activations: must be at least 1"),
        ("continuous_double_auction", {"activations": 1.5}, "expected a whole number"),
        ("continuous_double_auction", {"lifetime": 0}, "lifetime: must be at least 1"),
        ("continuous_double_auction", {"order_size": 0}, "order_size: must be above 0"),
        ("continuous_double_auction", {"order_size": 0.0001}, "order_size: 0.0001 is off the lot"),
        ("continuous_double_auction", {"order_type": "iceberg"}, "order_type: allowed: limit, "),
        (
            "continuous_double_auction",
            {"order_type": {"limit": 1, "markt": 1}},
            "order_type.markt: unknown order_type 'markt'; did you mean 'market'?",
        ),
        (
            "continuous_double_auction",
            {"order_type": {}},
            "order_type: at least one weight must be",
        ),
        (
            "continuous_double_auction",
            {"order_type": {"limit": 0, "stop": 0.0}},
            "order_type: at least one weight must be above 0",
        ),
        (
            "continuous_double_auction",
            {"order_type": {"limit": 1, "stop": -0.5}},
            "order_type.stop: must be at least 0, got -0.5",
        ),
        (
            "continuous_double_auction",
            {"order_type": {"limit": True}},
            "expected a number, got true",
        ),
        ("continuous_double_auction", {"order_type": ["limit"]}, "or a mapping of them to weights"),
        ("call_auction", {"k": 1.1}, "k: must be at most 1"),
        ("call_auction", {"interval": 0}, "interval: must be at least 1"),
        ("call_auction", {"mcafee": 1}, "mcafee: expected true or false, got 1"),
        ("call_auction", {"behaviour": "zip"}, "behaviour: allowed: truthful, zi_c, zi_u"),
        ("call_auction", {"behaviour": "zi_u"}, "behaviour zi_u draws prices up to it"),
        ("call_auction", {"activations": 3}, "unknown call_auction key 'activations'"),
    ],
)
def test_faults_of_posts(mechanism: str, rules: dict[str, Any], told: str) -> None:
    found = issues(base=with_mechanism(mechanism, **rules))
    assert len(found) == 1, found
    assert told in found[0]
    assert found[0].startswith(("market_posts[0].mechanism_params", "agents.inventories"))


@pytest.mark.parametrize("mechanism", ["continuous_double_auction", "call_auction"])
def test_orders_in_money_need_money(mechanism: str) -> None:
    base = with_mechanism(mechanism) | {"money": {"mode": "unit_of_account"}}
    (told,) = issues(base=base)
    assert told == (
        f"market_posts[0].mechanism: {mechanism} can't be used in money mode unit_of_account, "
        "only in quasilinear, in_utility"
    )
    assert issues(base=with_mechanism(mechanism) | {"money": {"mode": "in_utility"}}) == []


def test_nothing_is_paid_where_no_money_moves() -> None:
    money = {"money": {"mode": "unit_of_account"}}
    fees = {"type": "ad_valorem", "rate": 0.01}
    (told,) = issues(base=with_mechanism("walrasian", fees=fees) | money)
    assert told == (
        "market_posts[0].mechanism_params.fees: no money moves in money mode unit_of_account, "
        "so no fee can be paid"
    )
    (told,) = issues(base=with_mechanism("walrasian", on_failure=["call_auction"]) | money)
    assert told == (
        "market_posts[0].mechanism_params.on_failure: call_auction can't be used in money mode "
        "unit_of_account"
    )


def test_a_post_with_fees_trades_few_goods() -> None:
    names = [f"G{index}" for index in range(7)]
    base = with_mechanism("walrasian", fees={"type": "ad_valorem", "rate": 0.01})
    base["agents"]["inventories"] = dict.fromkeys([*names, "M"], 5)
    base["agents"]["utilities"] = [{"type": "linear", "weights": [1] * 7}]
    assert issues(base=base) == [
        "market_posts[0].mechanism_params.fees: a post with fees trades at most 6 goods, not 7"
    ]
    base["market_posts"][0]["commodities"] = names[1:]
    assert issues(base=base) == []


def test_amounts_reach_the_engine_in_storage_units() -> None:
    post = from_dict(with_mechanism("posted_price", stock={"B": 1.5, "M": 2})).market_posts[0]
    assert (post.stock_goods, post.stock_money) == ((0, 1500), 20_000_000)
    fees = {"type": "ad_valorem", "rate": 0.123456789}
    post = from_dict(with_mechanism("walrasian", fees=fees)).market_posts[0]
    assert (post.fee_ppb, post.fee_per_lot, post.stock_goods) == (123_456_789, 0, ())
    fees = {"type": "per_lot", "rate": 0.00025}
    post = from_dict(with_mechanism("walrasian", fees=fees)).market_posts[0]
    assert (post.fee_ppb, post.fee_per_lot) == (0, 2500)
    assert from_dict(BASE).market_posts[0].parameters["fees"] == {"type": "none", "rate": 0.0}


def test_a_stock_supplies_a_post() -> None:
    base = with_mechanism("posted_price", stock={"B": 1})
    base["agents"]["inventories"]["B"] = 0
    assert issues(base=base) == []
    base["market_posts"][0]["mechanism_params"]["stock"] = {"A": 1}
    assert issues(base=base) == [
        "market_posts[0].commodities: nobody has B and no resource yields it"
    ]


def test_the_default_order_is_one_lot_where_lots_are_large() -> None:
    base = with_mechanism("call_auction") | {"units": {"lot": 12}}
    base["agents"]["inventories"] = {"A": 24, "B": 12, "M": 120}
    base["params"] = {"forage_rate": 12}
    assert from_dict(base).market_posts[0].parameters["order_size"] == 12.0
    assert from_dict(with_mechanism("call_auction")).market_posts[0].parameters["order_size"] == 1.0


# --- protocols and options --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "name", "parameters"),
    [
        ("legacy", "compensating_block", {"barter": False}),
        ({"name": "split_difference", "barter": True}, "split_difference", {"barter": True}),
        (
            {"name": "nash", "version": "2025.10.29", "power": 0.3},
            "nash",
            {"power": 0.3, "barter": False},
        ),
        ("kalai_smorodinsky", "kalai_smorodinsky", {"barter": False}),
        (
            {"name": "take_it_or_leave_it", "proposer": "lower_id"},
            "take_it_or_leave_it",
            {
                "proposer": "lower_id",
                "information": "complete",
                "low": None,
                "high": None,
                "barter": False,
            },
        ),
        (
            {"name": "sealed_bid", "strategy": "equilibrium", "low": 0, "high": 1},
            "sealed_bid",
            {"strategy": "equilibrium", "low": 0.0, "high": 1.0, "barter": False},
        ),
    ],
)
def test_bargaining(given: Any, name: str, parameters: dict[str, Any], validator: Any) -> None:
    base = {**BASE, "protocols": {"bargaining": given}}
    validator.validate(base)
    made = from_dict(base)
    assert made.protocols.bargaining == name
    assert made.protocols.bargaining_parameters == parameters
    settings = settings_of(made)
    assert (settings.bargaining, settings.bargaining_parameters) == (name, parameters)
    comes_back(made, validator)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("{name: nash, power: 1}", "protocols.bargaining.power: must be below 1, got 1"),
        ("{name: nash, power: 0}", "protocols.bargaining.power: must be above 0"),
        ("{name: nash, pwer: 0.4}", "unknown nash key 'pwer'; did you mean 'power'?"),
        ("{name: nash, version: '1'}", "no version '1'"),
        ("{power: 0.4}", "protocols.bargaining.name: expected a name, got nothing"),
        ("{name: legacy, barter: yes}", "barter: expected true or false, got 'yes'"),
        ("{name: take_it_or_leave_it, proposer: me}", "allowed: random, buyer, seller, lower_id"),
        ("{name: sealed_bid, strategy: equilibrium, low: 1}", "strategy equilibrium needs low and"),
        ("{name: sealed_bid, low: 2, high: 1}", "low: must be below high, got 2 and 1"),
        ("nosh", "unknown bargaining protocol 'nosh' (did you mean 'nash'?); registered:"),
    ],
)
def test_faults_of_bargaining(given: str, told: str) -> None:
    found = issues(f"protocols.bargaining={given}")
    assert len(found) == 1, found
    assert told in found[0]


@pytest.mark.parametrize("place", ["", "params."])
@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ("market_memory={slots: 3}", {"memory_slots": 3}),
        ("market_choice=softmax", {"market_choice": "softmax", "softmax_temperature": 1.0}),
        (
            "market_choice={type: softmax, temperature: 0.5}",
            {"market_choice": "softmax", "softmax_temperature": 0.5},
        ),
        ("market_choice=score", {"market_choice": "score"}),
        ("reputation=ema", {"reputation_weight": 0.2}),
        ("reputation={type: ema, weight: 1}", {"reputation_weight": 1.0}),
        ("reputation={type: none, weight: 0.7}", {"reputation_weight": 0.0}),
    ],
)
def test_choosing_among_posts(
    option: str, expected: dict[str, Any], place: str, validator: Any
) -> None:
    made = from_dict(BASE, overrides=[place + option])
    settings = settings_of(made)
    assert {key: getattr(settings, key) for key in expected} == expected
    comes_back(made, validator)


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("market_memory={slots: -1}", "market_memory.slots: must be at least 0"),
        ("market_memory={slots: 65}", "must be at most 64"),
        ("market_memory=3", "market_memory: expected a mapping with slots, got 3"),
        ("market_choice=best", "market_choice: allowed: score, softmax; got 'best'"),
        ("market_choice={type: softmax, temperature: 0}", "temperature: must be above 0"),
        ("market_choice={typ: softmax}", "unknown key 'typ'; did you mean 'type'?"),
        ("reputation={weight: 0.3}", "reputation: weight has no meaning without a type: none, ema"),
        ("market_choice={temperature: 2}", "temperature has no meaning without a type: score, so"),
        ("reputation={type: ema, weight: 0}", "weight: must be above 0"),
        ("reputation={type: ema, weight: 2}", "weight: must be at most 1"),
        ("reputation=[ema]", "expected a mapping with type, weight, got a list"),
    ],
)
def test_faults_of_choosing(option: str, told: str) -> None:
    found = issues(option)
    assert len(found) == 1, found
    assert told in found[0]


def test_options_at_both_places() -> None:
    assert issues("reputation=ema", "params.reputation={type: ema, weight: 0.2}") == []
    assert issues("reputation=ema", "params.reputation=none") == [
        "reputation: differs from params.reputation; give one of them"
    ]


def test_torus_and_schedule(validator: Any) -> None:
    schedule = "[{mode: forage, ticks: 10}, {mode: trade, ticks: 5}]"
    made = from_dict(BASE, overrides=["grid.torus=true", f"params.mode_schedule={schedule}"])
    assert made.grid.torus
    assert made.params.mode_schedule == (("forage", 10), ("trade", 5))
    settings = settings_of(made)
    assert settings.torus
    assert settings.mode_schedule == (("forage", 10), ("trade", 5))
    comes_back(made, validator)
    assert not settings_of(from_dict(BASE)).torus


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("grid.torus=1", "grid.torus: expected true or false, got 1"),
        ("params.mode_schedule=[]", "mode_schedule: needs at least 1 entries"),
        ("params.mode_schedule=[{mode: rest, ticks: 1}]", "allowed: forage, trade, both"),
        ("params.mode_schedule=[{mode: both, ticks: 0}]", "ticks: must be at least 1"),
        ("params.mode_schedule=[{mode: both}]", "mode_schedule[0].ticks: is missing"),
        ("params={mode: trade, mode_schedule: [{mode: both, ticks: 1}]}", "instead of mode, which"),
        ("money.mode=barter", "allowed: quasilinear, unit_of_account, in_utility; got 'barter'"),
    ],
)
def test_faults_of_grid_and_schedule(option: str, told: str) -> None:
    found = issues(option)
    assert len(found) == 1, found
    assert told in found[0]


def test_faults_have_their_place() -> None:
    text = """\
grid: {width: 5, height: 5}
agents:
  count: 2
  inventories: {A: 1, M: 5}
  utilities: [{type: linear, weights: [1]}]
market_posts:
  - location: [1, 1]
    mechanism: call_auction
    mechanism_params:
      fees: {type: per_lot, rate: 0.00000001}
      k: 2
protocols:
  bargaining: {name: nash, power: 3}
"""
    with pytest.raises(ScenarioError) as caught:
        loads(text, "x.yaml")
    places = [(issue.line, issue.column) for issue in caught.value.issues]
    assert places == [(10, 35), (11, 10), (13, 35)]


# --- every declared parameter ------------------------------------------------------------------

FAMILIES: dict[str, dict[str, Any]] = {
    "linear": {"weights": [1, 2]},
    "cobb_douglas": {"exponents": [0.5, 0.5]},
    "ces": {"weights": [1, 2], "rho": 0.5},
    "leontief": {"coefficients": [1, 2]},
    "quadratic": {"bliss": [9, 9], "sigma": [1, 1]},
    "stone_geary": {"exponents": [0.5, 0.5], "subsistence": [1, 1]},
    "translog": {"exponents": [0.5, 0.5], "cross": [[0, 0], [0, 0]]},
    "induced_value": {"values": [[3, 2], [2]]},
}


def outside(parameter: registry.Parameter) -> list[Any]:
    """Values that a parameter must not take, as a scenario would give them."""
    wrong: list[Any] = []
    if parameter.shape in ("choice", "flag"):
        return ["nonsense", 3, [True]]
    if parameter.shape == "mix":
        weights = [{"limit": each} for each in (-1, "x", True, float("inf"), 0)]
        return ["nonsense", 3, ["limit"], {}, {"nonsense": 1}, *weights]
    if parameter.shape == "choices":
        return [[], "newton", ["nonsense"], [3]]
    if parameter.shape == "block":
        return [7, ["a"], {"nonsense": 1}]
    if parameter.shape == "amounts":
        return [7, {"A": -1}, {"Q": 1}, {"A": "x"}]
    if parameter.above is not None:
        wrong += [parameter.above, parameter.above - 1]
    if parameter.minimum is not None:
        wrong.append(parameter.minimum - 1)
    if parameter.maximum is not None:
        wrong.append(parameter.maximum * 2 + 1)
    if parameter.below is not None:
        wrong.append(parameter.below)
    wrong += ["nonsense", True, float("inf"), float("nan")]
    if parameter.shape == "integer":
        wrong += [1.5, 2**31]
    if parameter.shape == "per_good":
        return [*([each, 1] for each in wrong), [1], [1, 1, 1], 5, "nonsense", {"A": 1}]
    if parameter.shape == "curves":
        return [*([[each], []] for each in wrong), [[1]], 5, [5, 5], {"A": [1]}]
    if parameter.shape == "matrix":
        rows = ([[each, 0], [0, 0]] for each in wrong)
        return [*rows, [[0, 0]], [[0], [0]], 5, [0, 0]]
    return [*wrong, [1.5], {"x": 1}]


def declared(kind: registry.Kind) -> list[Any]:
    return [
        pytest.param(entry, parameter, id=f"{entry.name}-{parameter.name}")
        for entry in registry.entries(kind)
        for parameter in entry.parameters
    ]


@pytest.mark.parametrize(("entry", "parameter"), declared("mechanism"))
def test_domains_of_mechanisms(entry: registry.Entry, parameter: registry.Parameter) -> None:
    assert issues(base=with_mechanism(entry.name)) == []
    for value in outside(parameter):
        found = issues(base=with_mechanism(entry.name, **{parameter.name: value}))
        place = f"market_posts[0].mechanism_params.{parameter.name}"
        assert found, value
        assert all(each.startswith(place) for each in found), (value, found)


@pytest.mark.parametrize(("entry", "parameter"), declared("bargaining"))
def test_domains_of_bargaining(entry: registry.Entry, parameter: registry.Parameter) -> None:
    for value in outside(parameter):
        found = issues(
            base={**BASE, "protocols": {"bargaining": {"name": entry.name, parameter.name: value}}}
        )
        assert found, value
        assert all(e.startswith(f"protocols.bargaining.{parameter.name}") for e in found), found


@pytest.mark.parametrize(("entry", "parameter"), declared("family"))
def test_domains_of_families(entry: registry.Entry, parameter: registry.Parameter) -> None:
    base = copy.deepcopy(BASE)
    base["market_posts"] = []
    given = FAMILIES[entry.name]
    base["agents"]["utilities"] = [{"type": entry.name, **given}]
    assert issues(base=base) == []
    for value in outside(parameter):
        base["agents"]["utilities"] = [{"type": entry.name, **given, parameter.name: value}]
        found = issues(base=base)
        assert found, value
        place = f"agents.utilities[0].{parameter.name}"
        assert all(each.startswith(place) for each in found), (value, found)
    if parameter.required:
        rest = {key: each for key, each in given.items() if key != parameter.name}
        base["agents"]["utilities"] = [{"type": entry.name, **rest}]
        missing = f"agents.utilities[0].{parameter.name}: is missing ({entry.name})"
        assert issues(base=base) == [missing]


@pytest.mark.parametrize("mode", registry.MONEY_MODES)
@pytest.mark.parametrize("name", FAMILIES)
def test_money_modes_of_families(name: str, mode: str) -> None:
    base = copy.deepcopy(BASE)
    base["market_posts"], base["money"] = [], {"mode": mode}
    base["agents"]["utilities"] = [{"type": name, **FAMILIES[name]}]
    found = issues(base=base)
    entry = registry.find("family", name)
    if mode in entry.modes:
        assert found == []
        return
    (told,) = found
    assert told == (
        f"agents.utilities[0].type: {name} can't be used in money mode {mode}, "
        f"only in {', '.join(entry.modes)}"
    )
