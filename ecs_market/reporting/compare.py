"""Several runs side by side: how to call them, and in what they differ."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ecs_market.errors import InputError

ABSENT = None
"""Stands for a parameter that a run does not have."""


def labels_of(names: Sequence[str]) -> list[str]:
    """Return a short name for each run, as much of its path as tells it from the others.

    Raises
    ------
    InputError
        If a run is given twice.
    """
    paths = [Path(name).absolute() for name in names]
    places = [path.parent if path.name == "run.db" else path for path in paths]
    for number, place in enumerate(places):
        if place.resolve() in [other.resolve() for other in places[:number]]:
            raise InputError(f"{names[number]}: this run is given twice")
    labels = []
    for place in places:
        parts, depth = place.parts, 1
        while depth < len(parts) and _shared(parts[-depth:], places) > 1:
            depth += 1
        labels.append("/".join(parts[-depth:]))
    return labels


def _shared(tail: tuple[str, ...], places: Sequence[Path]) -> int:
    return sum(place.parts[-len(tail) :] == tail for place in places)


def differences(scenarios: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the parameters in which scenarios differ.

    Returns
    -------
    list of dict
        `key`, the path as `--set` takes it, and `values`, one for each scenario as text, None
        where a scenario has no such key.
    """
    flat = [dict(_leaves(scenario, "")) for scenario in scenarios]
    keys = dict.fromkeys(key for each in flat for key in each)
    return [
        {"key": key, "values": [each.get(key, ABSENT) for each in flat]}
        for key in keys
        if len({each.get(key, ABSENT) for each in flat}) > 1
    ]


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Yield the path and the text of each value below; lists of plain values are one."""
    if isinstance(value, dict) and value:
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        for number, each in enumerate(value):
            yield from _leaves(each, f"{path}.{number}")
    elif isinstance(value, str):
        yield path, value
    else:
        yield path, json.dumps(value, ensure_ascii=False)
