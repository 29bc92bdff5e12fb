"""The shipped scenarios: they load, read back equal, fit the JSON Schema and say what they are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from ecs_market import registry
from ecs_market.errors import ScenarioError
from ecs_market.scenario import (
    from_dict,
    load_scenario,
    loads,
    scenario_names,
    scenario_schema,
)
from ecs_market.scenario import schema as sections

FOLDER = Path(__file__).parent.parent / "scenarios"
FILES = sorted(FOLDER.glob("*.yaml"))

CANONICAL: dict[str, Any] = {
    "name": "Two Competing Markets",
    "description": "Agents choose between two market posts with different mechanisms",
    "grid": {"width": 50, "height": 50},
    "market_posts": [
        {
            "id": 0,
            "location": [15, 25],
            "visibility_radius": 12,
            "interaction_radius": 3,
            "mechanism_type": "walrasian",
            "commodities": ["A", "B", "M"],
            "mechanism_params": {"adjustment_speed": 0.1, "price_tolerance": 0.01},
        },
        {
            "id": 1,
            "location": [35, 25],
            "visibility_radius": 10,
            "interaction_radius": 2,
            "mechanism_type": "posted_price",
            "commodities": ["A", "M"],
            "mechanism_params": {"price_update_frequency": 5},
        },
    ],
    "params": {
        "exchange_regime": "mixed_bilateral_centralized",
        "centralized_weight": 0.7,
        "bilateral_weight": 0.3,
        "vision_radius": 8,
        "interaction_radius": 1,
        "move_budget_per_tick": 2,
    },
    "protocols": {
        "search": {"name": "market_aware_search", "version": "2025.10.29"},
        "matching": {"name": "legacy", "version": "2025.10.26"},
        "bargaining": {"name": "legacy", "version": "2025.10.26"},
    },
    "agents": {
        "count": 40,
        "initial_positions": {"distribution": "uniform"},
        "inventories": {"A": [10, 20], "B": [10, 20], "M": [100, 200]},
        "utilities": [
            {"type": "linear", "weights": [0.7, 0.3], "count": 20},
            {"type": "cobb_douglas", "exponents": [0.6, 0.4], "count": 20},
        ],
    },
    "resources": {
        "spawn_rate": 0.1,
        "types": [{"good": "A", "quantity": [1, 3]}, {"good": "B", "quantity": [1, 3]}],
    },
}


@pytest.fixture(scope="module")
def validator() -> Any:
    schema = scenario_schema()
    json.dumps(schema)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_names() -> None:
    assert set(scenario_names()) == {path.stem for path in FILES}
    assert {
        "walrasian_two_markets",
        "walrasian_two_markets_level",
        "two_markets_regrowth",
        "single_walrasian",
        "bilateral_only",
        "edgeworth_box",
        "hundred_thousand",
    } <= set(scenario_names())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_shipped(path: Path, validator: Any) -> None:
    text = path.read_text(encoding="utf-8")
    assert text.startswith("# ")
    made = load_scenario(path)
    assert made == load_scenario(path.stem) == load_scenario(path.name)
    assert made.description
    written = made.to_dict()
    assert from_dict(written) == made
    assert loads(yaml.safe_dump(written)) == made
    validator.validate(yaml.safe_load(text))
    validator.validate(json.loads(json.dumps(written)))


def test_the_canonical_file_carries_the_canonical_economy() -> None:
    found = yaml.safe_load((FOLDER / "walrasian_two_markets.yaml").read_text(encoding="utf-8"))
    assert (found.pop("ticks"), found.pop("seed")) == (200, 42)
    assert found == CANONICAL
    assert from_dict(CANONICAL).override("ticks=200", "seed=42") == load_scenario(
        "walrasian_two_markets"
    )


def test_both_spellings_of_the_canonical_economy_are_one() -> None:
    other = json.loads(json.dumps(CANONICAL))
    other["exchange_regime"] = other["params"].pop("exchange_regime")
    for post in other["market_posts"]:
        post["mechanism"] = post.pop("mechanism_type")
        del post["id"]
    assert from_dict(other) == from_dict(CANONICAL)


@pytest.mark.parametrize(
    "change",
    [
        {"grid": {"width": 5}},
        {"grid": {"width": 5.5, "height": 5}},
        {"torus": True},
        {"ticks": -1},
        {"protocols": {"search": "nothing"}},
        {"market_posts": [{"location": [1, 1], "mechanism_params": 5}]},
        {
            "market_posts": [
                {"location": [1, 1], "mechanism": "walrasian", "mechanism_params": {"eta": 0.1}}
            ]
        },
        {"resources": {"spawn_rate": 0.1, "types": []}},
    ],
)
def test_the_schema_refuses_too(change: dict[str, Any], validator: Any) -> None:
    mapping = {**CANONICAL, **change}
    assert not validator.is_valid(mapping)
    with pytest.raises(ScenarioError):
        from_dict(mapping)


def test_the_schema_describes_its_keys() -> None:
    schema = scenario_schema()
    params = schema["$defs"]["ParamsIn"]["properties"]
    assert params["vision_radius"]["default"] == 5
    assert params["vision_radius"]["description"]
    assert "null" not in json.dumps(params)


def test_the_folder_can_not_be_imported_under_its_bare_name() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "import scenarios"],
        cwd=FOLDER.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "import this folder as ecs_market.scenarios" in done.stderr


def test_reading_a_scenario_needs_no_numba_and_importing_no_pydantic() -> None:
    code = (
        "import sys, ecs_market.scenario as s; assert 'pydantic' not in sys.modules;"
        "s.load_scenario('bilateral_only'); assert 'numba' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], cwd=FOLDER.parent, check=True)


def test_the_reference_lists_every_key() -> None:
    text = (FOLDER.parent / "docs" / "scenarios.md").read_text(encoding="utf-8")
    models = [
        each
        for each in vars(sections).values()
        if isinstance(each, type) and issubclass(each, sections.Section)
    ]
    keys = {key for model in models for key in model.model_fields}
    kinds: tuple[registry.Kind, ...] = ("mechanism", "family", "search", "matching", "bargaining")
    for kind in kinds:
        for entry in registry.entries(kind):
            keys |= {entry.name, *entry.aliases, *(each.name for each in entry.parameters)}
    assert [key for key in sorted(keys) if f"`{key}`" not in text] == []


def test_the_example_of_the_reference_loads() -> None:
    text = (FOLDER.parent / "docs" / "scenarios.md").read_text(encoding="utf-8")
    example = text.split("```yaml\n")[1].split("```")[0]
    assert loads(example).agent_count == 30
