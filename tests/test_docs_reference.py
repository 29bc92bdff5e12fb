"""The reference names every parameter with its default, its domain and its unit."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from ecs_market import registry
from ecs_market.declared.mechanisms import COMMON
from ecs_market.declared.options import MONEY_WEIGHT, OPTIONS
from ecs_market.registry import Parameter

TEXT = (Path(__file__).parent.parent / "docs" / "scenarios.md").read_text("utf-8")
# Bounds that only keep numbers apart from overflow are not told.
LARGEST_TOLD = 1000.0
ONLY_COMMON = {each.name for each in COMMON}


def rows(part: str, *, full: bool = False) -> dict[str, tuple[str, str]]:
    """Return default and meaning by key of the tables in a part of the page.

    The last row of a key counts; with `full` the last that does not say "as above".
    """
    found = {}
    for line in part.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        if not line.startswith("|") or len(cells) < 3 or not cells[0].startswith("`"):
            continue
        keys = re.findall(r"`(\w+)`", cells[0])
        defaults = cells[1].split(", ") if len(keys) > 1 else [cells[1]]
        meaning = " | ".join(cells[2:])
        for key, default in zip(keys, defaults, strict=False):
            if not (full and meaning.startswith("as above")):
                found[key] = (default, meaning)
    return found


def part_of(name: str) -> str:
    """Return the text from where an entry is introduced to the next heading or entry."""
    start = re.search(rf"^`{name}`.*$", TEXT, re.MULTILINE)
    assert start, f"{name} is not introduced"
    rest = TEXT[start.end() :]
    return rest[: re.search(r"^(#|`\w+`[ ,(])", rest + "\n#", re.MULTILINE).start()]  # type: ignore[union-attr]


def told(name: str, parameter: Parameter) -> tuple[str, str]:
    """Return default and meaning of a parameter, from an earlier entry where it is as above."""
    found = rows(part_of(name)).get(parameter.name)
    assert found is not None, f"{name}.{parameter.name} is not described"
    if not found[1].startswith("as above") and "the default as above" not in found[0]:
        return found
    earlier = rows(TEXT[: TEXT.index(part_of(name))], full=True)
    assert parameter.name in earlier, f"{parameter.name} has no earlier description"
    return found[0], f"{earlier[parameter.name][1]} {found[1]}"


def spelled(parameter: Parameter) -> list[str]:
    """Return the words that the cell of the default must have."""
    default: Any = parameter.default
    if parameter.required:
        return ["required"]
    if isinstance(default, tuple):
        return list(default)
    if isinstance(default, dict):
        return [str(next(iter(default.values())))]
    if isinstance(default, bool):
        return [str(default).lower()]
    if isinstance(default, float):
        return [f"{default:f}".rstrip("0").rstrip(".")]
    return ["none" if default is None else str(default)]


def domain(parameter: Parameter) -> list[str]:
    """Return the numbers and words that the meaning must have."""
    bounds = (parameter.above, parameter.minimum, parameter.maximum, parameter.below)
    needed = [f"{each:g}" for each in bounds if each is not None and abs(each) <= LARGEST_TOLD]
    if parameter.maximum == 0.999999:
        needed = ["0", "below 1"]
    return [*needed, *(word for word in parameter.choices if parameter.shape != "number")]


def check(parameter: Parameter, default: str, meaning: str) -> None:
    assert all(word in default for word in spelled(parameter)), (default, spelled(parameter))
    for word in domain(parameter):
        assert re.search(rf"(?<![\w.]){re.escape(word)}(?![\w])", default + " " + meaning), word
    for unit in re.findall(r"\[[^\]]+\]", parameter.description):
        assert unit in meaning, unit
    for each in parameter.parts:
        assert each.name in meaning or each.shape == "choice", each.name
        assert all(word in default + meaning for word in each.choices), each.choices


def declared(*kinds: registry.Kind) -> list[Any]:
    return [
        pytest.param(entry.name, parameter, id=f"{entry.name}-{parameter.name}")
        for kind in kinds
        for entry in registry.entries(kind)
        for parameter in entry.parameters
        if kind != "mechanism" or parameter.name not in ONLY_COMMON
    ]


@pytest.mark.parametrize(("name", "parameter"), declared("mechanism", "family"))
def test_parameters_of_mechanisms_and_families(name: str, parameter: Parameter) -> None:
    check(parameter, *told(name, parameter))


@pytest.mark.parametrize("parameter", COMMON, ids=lambda each: each.name)
def test_parameters_of_all_mechanisms(parameter: Parameter) -> None:
    part = TEXT.split("All mechanisms take")[1].split("\n`")[0]
    check(parameter, *rows(part)[parameter.name])


@pytest.mark.parametrize("parameter", [*OPTIONS, MONEY_WEIGHT], ids=lambda each: each.name)
def test_options(parameter: Parameter) -> None:
    tables = TEXT.split("### How agents choose among posts")[1]
    check(parameter, *rows(tables)[parameter.name])


@pytest.mark.parametrize(("name", "parameter"), declared("bargaining"))
def test_parameters_of_bargaining(name: str, parameter: Parameter) -> None:
    if parameter.name == "barter":
        assert "All take `barter` (false)" in TEXT
        return
    (line,) = re.findall(rf"^\| `{name}`.*$", TEXT, re.MULTILINE)
    assert f"`{parameter.name}`" in line
    words = [*parameter.choices, *spelled(parameter)] if parameter.default is not None else []
    assert all(f"{word}" in line for word in words), words
    for bound in domain(parameter):
        assert re.search(rf"(?<![\w.]){re.escape(bound)}(?![\w])", line), bound
    for unit in re.findall(r"\[[^\]]+\]", parameter.description):
        assert unit in line
