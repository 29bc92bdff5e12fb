"""The safe YAML reader: limits, YAML 1.1 surprises, positions."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from ecs_market.errors import ScenarioError
from ecs_market.scenario import reader
from ecs_market.scenario.reader import MAX_BYTES, read_document, read_value


@pytest.fixture(autouse=True, params=sorted({"SafeLoader", reader._LOADER.__name__}))
def either_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Run each test with PyYAML's own parser too, which is used where libyaml is missing."""
    monkeypatch.setattr(reader, "_LOADER", getattr(yaml, request.param))


def value(text: str) -> Any:
    return read_value(text, "t.yaml")


def refused(text: str) -> str:
    with pytest.raises(ScenarioError) as caught:
        read_value(text, "t.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[true, false, null]", [True, False, None]),
        ("[yes, no, on, off, True, ~]", ["yes", "no", "on", "off", "True", "~"]),
        ("[12:30, 0o17, 0x1F, 1_000, 2025-10-29, 007]", None),
        ("[1, -2, +3, 0]", [1, -2, 3, 0]),
        ("[1e-6, .5, 5., -1.5E+3, 1e3]", [1e-6, 0.5, 5.0, -1500.0, 1000.0]),
        ("['5', \"true\"]", ["5", "true"]),
        ("2025.10.29", "2025.10.29"),
        ("", None),
    ],
)
def test_plain_scalars(text: str, expected: Any) -> None:
    if expected is None and text:
        expected = [part.strip() for part in text[1:-1].split(",")]
    found = value(text)
    assert found == expected
    if isinstance(found, list):
        assert [type(each) for each in found] == [type(each) for each in expected]


def test_anchors_are_copied() -> None:
    found = value("a: &x {k: [1, 2]}\nb: *x\nc: &y 5\nd: *y")
    assert found == {"a": {"k": [1, 2]}, "b": {"k": [1, 2]}, "c": 5, "d": 5}
    assert found["a"] is not found["b"]
    assert found["b"].path == ("b",)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("a: 1\na: 2", "t.yaml:2:1: duplicate key 'a', first given in line 1"),
        ("x: {<<: {a: 1}}", "merge keys are not allowed"),
        ("1: 2", "t.yaml:1:1: a key must be text"),
        ("[1, 2]: 3", "a key must be text"),
        ("a: .nan", "t.yaml:1:4: a: .nan is not a finite number"),
        ("a: 1e999", "not a finite number"),
        ("a: " + "9" * 50, "digits"),
        ("a: !!python/object/apply:os.system [ls]", "t.yaml:1:4: a: tags"),
        ("a: !!str 5", "tags"),
        ("a: [1, 2", "t.yaml:"),
        ("a: *nowhere", "no complete anchor"),
        ("a: &a [*a]", "no complete anchor"),
        ("--- 1\n--- 2", "only one YAML document"),
        ("a: \x01", "t.yaml:"),
        ("a: \ud800", "not valid Unicode"),
        ("[" * 70 + "]" * 70, "nested deeper than 64"),
        ("{a: " * 70 + "}" * 70, "nested deeper than 64"),
        ("[" + "1," * 100_001 + "]", "more than 100,000 values"),
        ("a: &a 1\nb: [" + "*a," * 101 + "]", "more than 100 aliases"),
        ("#" * (MAX_BYTES + 1), "larger than"),
    ],
)
def test_refused(text: str, part: str) -> None:
    assert part in refused(text)


def test_nested_aliases_do_not_explode() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [" + f"*a{i - 1}, " * 10 + "]" for i in range(1, 9)]
    assert "more than 100" in refused("\n".join(lines))


def test_all_readable_faults_are_listed_at_once() -> None:
    text = "a: 1\na: 2\nb: .inf\nc: !!int 3\n"
    assert len(refused(text).splitlines()) == 3


def test_positions() -> None:
    document, _ = read_document("a:\n  - {b: 5}\n", "t.yaml")
    assert document.locate(("a", 0, "b")) == ("t.yaml", (2, 9))
    assert document.locate(("a", 0, "b"), key=True) == ("t.yaml", (2, 6))
    assert document.locate(("a", 0, "absent"), key=True) == ("t.yaml", (2, 5))
