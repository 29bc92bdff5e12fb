"""Ways to get a `Scenario`: from a file, from text, from plain data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches
from fractions import Fraction
from importlib import resources as package_files
from pathlib import Path as FilePath
from typing import Any

from ecs_market.errors import InputError, Issue, ScenarioError
from ecs_market.scenario.document import Document, Path, Report
from ecs_market.scenario.model import Scenario
from ecs_market.scenario.reader import MAX_BYTES, from_mapping, read_document, read_value
from ecs_market.units import Units, as_fraction

SUFFIXES = (".yaml", ".yml")


def load_scenario(source: str | FilePath, overrides: Iterable[str] = ()) -> Scenario:
    """Read a scenario.

    Parameters
    ----------
    source
        Path of a YAML file, or the name of a shipped scenario with or without ``.yaml``. A file of
        that name wins over a shipped scenario.
    overrides
        Changes as ``path=value``, applied before checking; see `apply_overrides`.

    Raises
    ------
    ScenarioError
        If there is no such file or it is not valid; all faults are listed with their positions.
    """
    text, file, stem = _find(source)
    document, report = read_document(text, file)
    return _finish(document, report, stem, overrides)


def loads(text: str, file: str = "<string>", overrides: Iterable[str] = ()) -> Scenario:
    """Read a scenario from YAML text; `file` is what messages call it."""
    document, report = read_document(text, file)
    return _finish(document, report, "scenario", overrides)


def from_dict(
    mapping: Mapping[str, Any],
    file: str = "<mapping>",
    overrides: Iterable[str] = (),
    *,
    about: Path = (),
) -> Scenario:
    """Check plain data with the keys of a scenario file; warn of what stands below `about`."""
    document = from_mapping(mapping, file)
    return _finish(document, Report(document, about), "scenario", overrides)


def scenario_names() -> tuple[str, ...]:
    """Names of the shipped scenarios, sorted."""
    folder = package_files.files("ecs_market.scenarios")
    found = [entry.name for entry in folder.iterdir() if entry.name.endswith(".yaml")]
    return tuple(sorted(name.removesuffix(".yaml") for name in found))


def apply_overrides(mapping: Mapping[str, Any], items: Iterable[str]) -> dict[str, Any]:
    """Return a copy of `mapping` with some values replaced.

    Parameters
    ----------
    items
        ``path=value``: the path joins keys with dots and takes a number for an entry of a list
        (``market_posts.0.visibility_radius=12``); the value is read as YAML. Mappings that are
        missing on the way are made.

    Raises
    ------
    ScenarioError
        If an item can't be read or its path does not fit the data.
    """
    document = from_mapping(mapping, "<mapping>")
    _override(document, items)
    return {key: _without_paths(entry) for key, entry in document.data.items()}


def scenario_for_clear(
    groups: Sequence[Mapping[str, Any]],
    mechanism: str = "walrasian",
    mechanism_params: Mapping[str, Any] | None = None,
    commodities: Sequence[str] | None = None,
    *,
    units: Units | Mapping[str, Any] | None = None,
    money: Mapping[str, Any] | None = None,
    seed: int = 0,
) -> Scenario:
    """Put groups of agents at one post on a grid of one cell.

    Parameters
    ----------
    groups
        Mappings with the keys of a population.
    mechanism, mechanism_params, commodities
        As at a post of a scenario file.
    units
        `Units`, or a mapping with ``lot`` and ``price_step``.
    money
        Mapping with ``mode``.

    Raises
    ------
    ScenarioError
        With every fault; groups are called ``groups[0]`` and so on.
    InputError
        If `units` are fractions that no decimal spells.
    """
    post: dict[str, Any] = {
        "location": [0, 0],
        "mechanism": mechanism,
        "mechanism_params": dict(mechanism_params or {}),
    }
    if commodities is not None:
        post["commodities"] = list(commodities)
    if isinstance(units, Units):
        units = {"lot": _decimal(units.lot), "price_step": _decimal(units.price_step)}
    mapping: dict[str, Any] = {
        "name": "clear",
        "grid": {"width": 1, "height": 1},
        "units": dict(units or {}),
        "money": dict(money or {}),
        "exchange_regime": "centralized",
        "populations": list(groups),
        "market_posts": [post],
        "seed": seed,
    }
    document = from_mapping(mapping, "<groups>")
    document.titles[("populations",)] = "groups"
    for key in post:
        document.titles["market_posts", 0, key] = key
    return _finish(document, Report(document), "clear", ())


def _decimal(size: Fraction) -> float:
    if as_fraction(float(size)) != size:
        raise InputError(f"units must be decimals, got {size}")
    return float(size)


def _finish(document: Document, report: Report, name: str, overrides: Iterable[str]) -> Scenario:
    # pydantic is loaded here, when a scenario is really read.
    from ecs_market.scenario.resolve import resolve

    _override(document, overrides)
    return resolve(document, report, name)


def _find(source: str | FilePath) -> tuple[str, str, str]:
    """Return text, displayed file name and stem of a path or a shipped name."""
    path = FilePath(source)
    try:
        if path.is_file():
            with path.open("rb") as stream:
                return _decode(stream.read(MAX_BYTES + 1), str(source)), str(source), path.stem
        folder = path.is_dir()
    except OSError as error:
        reason = error.strerror or str(error)
        raise ScenarioError([Issue(f"can't be read: {reason}", str(source))]) from error
    name = str(source)
    stem = name.removesuffix(".yaml")
    known = scenario_names()
    if stem in known:
        shipped = package_files.files("ecs_market.scenarios") / f"{stem}.yaml"
        return _decode(shipped.read_bytes(), f"{stem}.yaml"), f"{stem}.yaml", stem
    missing = "is a folder, not a scenario file" if folder else _missing(path, stem, known)
    raise ScenarioError([Issue(missing, name)])


def _missing(path: FilePath, stem: str, known: Sequence[str]) -> str:
    """Say that there is no such scenario, with names that are near."""
    try:
        beside = [entry.name for entry in path.parent.iterdir() if entry.suffix in SUFFIXES]
    except (OSError, ValueError):
        beside = []
    near = get_close_matches(path.name, beside, n=2) + get_close_matches(stem, known, n=2)
    if near:
        return f"no such scenario file; did you mean {' or '.join(dict.fromkeys(near))}?"
    return f"no such scenario file; shipped scenarios: {', '.join(known)}"


def _decode(data: bytes, file: str) -> str:
    if len(data) > MAX_BYTES:
        raise ScenarioError([Issue(f"larger than {MAX_BYTES:,} bytes", file)])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        column = error.start - (data.rfind(b"\n", 0, error.start) + 1) + 1
        raise ScenarioError([Issue("is not UTF-8 text", file, line, column)]) from error


def _override(document: Document, items: Iterable[str]) -> None:
    """Put each ``path=value`` into the document, remembering where it came from."""
    faults: list[Issue] = []
    for item in items:
        origin = f"--set {item}"
        try:
            path, value = _parse_override(item, origin)
            _put(document, path, value)
            document.origins[path] = origin
        except ScenarioError as error:
            faults.extend(error.issues)
        except InputError as error:
            faults.append(Issue(str(error), origin))
    if faults:
        raise ScenarioError(faults)


def _parse_override(item: str, origin: str) -> tuple[Path, Any]:
    spelled, equals, text = item.partition("=")
    parts = [part.strip() for part in spelled.split(".")]
    if not equals or not all(parts):
        raise InputError("an override is path=value, such as params.vision_radius=8")
    path = tuple(int(part) if part.isascii() and part.isdigit() else part for part in parts)
    return path, read_value(text, origin)


def _put(document: Document, path: Path, value: Any) -> None:
    """Replace the value at `path`."""
    place = document.data
    for size, step in enumerate(path):
        part = str(step) if isinstance(place, dict) else step
        last = size == len(path) - 1
        where = document.spell(path[:size]) or "the scenario"
        if isinstance(place, list):
            if not isinstance(part, int) or part >= len(place):
                raise InputError(f"{where} is a list of {len(place)}; {part} is no entry of it")
        elif isinstance(place, dict):
            if not last and part not in place:
                place[part] = {}
        else:
            raise InputError(f"{where} is a single value; nothing is inside it")
        if last:
            place[part] = value
        else:
            place = place[part]
    # Paths of the nodes below have to be said anew.
    fresh = from_mapping(document.data, document.file)
    document.data = fresh.data


def _without_paths(value: Any) -> Any:
    """Copy to plain dict and list."""
    if isinstance(value, dict):
        return {key: _without_paths(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [_without_paths(entry) for entry in value]
    return value
