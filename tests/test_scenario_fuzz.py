"""Whatever is written in a file, the reader answers with a scenario or a clear list of faults."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ecs_market.errors import Issue, ScenarioError
from ecs_market.scenario import Scenario, from_dict, loads
from ecs_market.scenario.load import _find
from tests.strategies import random_scenario

TEXT = _find("walrasian_two_markets")[0]
CANONICAL: dict[str, Any] = yaml.safe_load(TEXT)
QUICK = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))

WORDS = st.sampled_from(
    ["agents:", "- ", "grid", ": ", "\n", "  ", "{", "}", "[", "]", "&a ", "*a", "!!str ", "<<",
     "'", '"', "#", "|", ">", "---", "...", "1e999", "0x1", "null", "\t", "%YAML 1.1", "? ", "\0"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.sampled_from([0, -1, 10**40, 1e308, 5e-324, "M", "A", "none", "auto", "0.5"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every path inside `value`."""
    found = [path] if path else []
    inner: list[tuple[Any, Any]] = []
    if isinstance(value, dict):
        inner = list(value.items())
    elif isinstance(value, list):
        inner = list(enumerate(value))
    for key, entry in inner:
        found += places(entry, (*path, key))
    return found


def faults(call: Callable[[], Scenario]) -> tuple[Issue, ...]:
    """Run a reader; an accepted scenario reads back equal, a refused one says why."""
    try:
        made = call()
    except ScenarioError as error:
        found = error.issues
    else:
        assert from_dict(made.to_dict()) == made
        return ()
    assert found
    assert all(issue.message for issue in found)
    return found


PLACES = places(CANONICAL)
DRAW = {"distribution": "normal", "mean": 1, "sd": 0.1}


@QUICK
@given(st.lists(st.one_of(WORDS, st.text(max_size=6)), max_size=30).map("".join))
def test_any_text(text: str) -> None:
    faults(lambda: loads(text))


@QUICK
@given(st.integers(0, len(TEXT) - 1), st.integers(0, 40), st.one_of(WORDS, st.text(max_size=6)))
def test_the_canonical_text_with_a_piece_replaced(start: int, length: int, piece: str) -> None:
    for issue in faults(lambda: loads(TEXT[:start] + piece + TEXT[start + length :], "f.yaml")):
        assert issue.file == "f.yaml"
        assert issue.line >= 1 or "Unicode" in issue.message or "YAML" in issue.message


@QUICK
@given(st.sampled_from(PLACES), VALUES)
def test_the_canonical_mapping_with_a_value_replaced(place: tuple[Any, ...], value: Any) -> None:
    mapping = copy.deepcopy(CANONICAL)
    target: Any = mapping
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = value
    faults(lambda: from_dict(mapping))


@QUICK
@given(st.sampled_from(PLACES), st.text(max_size=10))
def test_the_canonical_mapping_with_a_key_renamed(place: tuple[Any, ...], name: str) -> None:
    mapping = copy.deepcopy(CANONICAL)
    target: Any = mapping
    for key in place[:-1]:
        target = target[key]
    if isinstance(target, dict):
        target[name] = target.pop(place[-1])
    else:
        del target[place[-1]]
    faults(lambda: from_dict(mapping))


@QUICK
@given(st.integers(0, 2**40), st.randoms(use_true_random=False), VALUES)
def test_any_option_with_a_value_replaced(number: int, rng: random.Random, value: Any) -> None:
    mapping = random_scenario(number)
    place = rng.choice(places(mapping))
    target: Any = mapping
    for key in place[:-1]:
        target = target[key]
    target[place[-1]] = rng.choice([value, [value], [0, 2], {"values": [value]}, DRAW])
    faults(lambda: from_dict(mapping))


@QUICK
@given(st.integers(0, 2**40))
def test_any_random_scenario_is_valid(number: int) -> None:
    assert faults(lambda: from_dict(random_scenario(number))) == ()


@QUICK
@given(st.dictionaries(st.text(max_size=6), VALUES, max_size=4))
def test_any_mapping(mapping: dict[str, Any]) -> None:
    faults(lambda: from_dict(mapping))


def test_mutations_of_the_file_keep_their_line() -> None:
    for word, line in (("walrasian", "mechanism_type"), ("uniform", "distribution")):
        number = next(
            i for i, each in enumerate(TEXT.splitlines(), 1) if each.strip().startswith(line)
        )
        text = TEXT.replace(f'"{word}"', '"nonsense"')
        with pytest.raises(ScenarioError) as caught:
            loads(text, "f.yaml")
        assert [issue.line for issue in caught.value.issues] == [number]
