"""Numbers that differ from agent to agent, as a scenario spells them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import product
from statistics import NormalDist
from typing import Any

from ecs_market.registry import Parameter
from ecs_market.scenario.check import number
from ecs_market.scenario.document import Path, Report, shown
from ecs_market.scenario.model import Draw

# A distribution of which less than this lies within its bounds is refused: drawing again until a
# number fits would take too long.
LEAST_KEPT = 0.01
# Beyond so many distributions in one entry only their ends together are looked at.
MOST_CORNERS = 6
LARGEST = 1e300

_KEYS: dict[str, tuple[str, ...]] = {
    "uniform": ("low", "high"),
    "normal": ("mean", "sd", "low", "high"),
    "lognormal": ("mean_log", "sd_log", "low", "high"),
}


def is_draw(value: object) -> bool:
    """Whether a value is meant as a draw: [lo, hi] or a mapping."""
    return isinstance(value, list | Mapping)


def read_draw(
    report: Report, path: Path, value: Any, declared: Parameter, members: int
) -> Draw | None:
    """Read [lo, hi], {values: [...]} or {distribution: ...} within a parameter's domain.

    Parameters
    ----------
    members
        How many agents draw, 0 if unknown.
    """
    if isinstance(value, list):
        return _whole(report, path, value, declared)
    if "values" in value:
        return _listed(report, path, value, declared, members)
    kind = value.get("distribution")
    if not isinstance(kind, str) or kind not in _KEYS:
        place = (*path, "distribution") if "distribution" in value else path
        allowed = ", ".join(_KEYS)
        message = f"expected a number, [lo, hi], {{values: [...]}} or {{distribution: {allowed}}}"
        report.add(place, f"{message}; got {shown(value if kind is None else kind)}")
        return None
    keys = _KEYS[kind]
    for key in value:
        if key not in ("distribution", *keys):
            report.unknown((*path, key), keys, what=f"{kind} key")
    if kind == "uniform":
        return _uniform(report, path, value, declared)
    return _bell(report, path, value, declared, kind)


def _in_domain(report: Report, path: Path, value: object, declared: Parameter) -> float | None:
    found = number(
        report,
        path,
        value,
        above=declared.above,
        minimum=declared.minimum,
        maximum=declared.maximum,
        below=declared.below,
    )
    return None if found is None else float(found)


def _whole(report: Report, path: Path, value: list[Any], declared: Parameter) -> Draw | None:
    if len(value) != 2:
        report.add(path, f"a range is [lo, hi], got {len(value)} entries")
        return None
    ends = []
    for index, part in enumerate(value):
        place = (*path, index)
        if number(report, place, part, whole=True) is not None:
            ends.append(_in_domain(report, place, part, declared))
    if len(ends) < 2 or ends[0] is None or ends[1] is None:
        return None
    if ends[0] > ends[1]:
        report.add(path, f"a range goes from low to high, got {shown(value)}")
        return None
    return Draw("whole", ends[0], ends[1])


def _listed(
    report: Report, path: Path, value: Mapping[str, Any], declared: Parameter, members: int
) -> Draw | None:
    for key in value:
        if key != "values":
            report.unknown((*path, key), ["values"])
    entries, place = value["values"], (*path, "values")
    if not isinstance(entries, list) or not entries:
        report.add(place, "expected a list with one number for each member")
        return None
    if members and len(entries) != members:
        report.add(place, f"{len(entries)} values for {members} members")
    found = [_in_domain(report, (*place, i), each, declared) for i, each in enumerate(entries)]
    if any(each is None for each in found):
        return None
    return Draw("values", values=tuple(each for each in found if each is not None))


def _given(
    report: Report,
    path: Path,
    value: Mapping[str, Any],
    key: str,
    *,
    above: float | None = None,
    minimum: float | None = None,
    maximum: float | None = None,
) -> float | None:
    """Return a number that must be there."""
    if key not in value:
        report.add((*path, key), "is missing", key=True)
        return None
    place = (*path, key)
    found = number(report, place, value[key], above=above, minimum=minimum, maximum=maximum)
    return None if found is None else float(found)


def _uniform(
    report: Report, path: Path, value: Mapping[str, Any], declared: Parameter
) -> Draw | None:
    given = [key for key in ("low", "high") if _given(report, path, value, key) is not None]
    ends = [_in_domain(report, (*path, key), value[key], declared) for key in given]
    if len(ends) < 2 or ends[0] is None or ends[1] is None:
        return None
    if ends[0] > ends[1]:
        report.add((*path, "low"), f"is above high ({ends[0]:g} > {ends[1]:g})")
        return None
    return Draw("uniform", ends[0], ends[1])


def _bell(
    report: Report, path: Path, value: Mapping[str, Any], declared: Parameter, kind: str
) -> Draw | None:
    """Read a normal or lognormal distribution."""
    middle, spread = _KEYS[kind][:2]
    most = LARGEST if kind == "normal" else 100.0
    first = _given(report, path, value, middle, minimum=-most, maximum=most)
    second = _given(report, path, value, spread, above=0.0, maximum=most)
    bounds: dict[str, float | None] = {"low": None, "high": None}
    for key in [key for key in bounds if key in value]:
        bounds[key] = _in_domain(report, (*path, key), value[key], declared)
        if bounds[key] is None:
            return None
    if first is None or second is None:
        return None
    low, high = bounds["low"], bounds["high"]
    if low is not None and high is not None and low >= high:
        report.add((*path, "low"), f"must be below high, got {low:g} and {high:g}")
        return None
    drawn = Draw("normal" if kind == "normal" else "lognormal", first, second, low, high)
    if _leaves(report, path, declared, drawn):
        return None
    if _kept(drawn) < LEAST_KEPT:
        report.add(path, "low and high leave less than 1 % of the distribution")
        return None
    return drawn


def _leaves(report: Report, path: Path, declared: Parameter, drawn: Draw) -> bool:
    """Report a distribution that can leave the domain of its parameter."""
    low, high = drawn.ends
    for key, out, bound, word in (
        ("low", declared.above is not None and low <= declared.above, declared.above, "above"),
        (
            "low",
            declared.minimum is not None and low < declared.minimum,
            declared.minimum,
            "at least",
        ),
        (
            "high",
            declared.maximum is not None and high > declared.maximum,
            declared.maximum,
            "at most",
        ),
        ("high", declared.below is not None and high >= declared.below, declared.below, "below"),
    ):
        if out and getattr(drawn, key) is None:
            end = low if key == "low" else high
            message = f"can draw numbers as far as {end:g}, but must be {word} {bound:g}"
            report.add(path, f"{message}; give {key}")
            return True
    return False


def _kept(drawn: Draw) -> float:
    """Return the share of a normal or lognormal distribution that lies within its bounds."""
    bell = NormalDist(drawn.first, drawn.second)

    def share(bound: float | None, otherwise: float) -> float:
        if bound is None:
            return otherwise
        if drawn.kind == "lognormal":
            return bell.cdf(math.log(bound)) if bound > 0.0 else 0.0
        return bell.cdf(bound)

    return share(drawn.high, 1.0) - share(drawn.low, 0.0)


def _replaced(value: Any, choose: Any) -> Any:
    """Return a parameter with a number in place of each draw."""
    if isinstance(value, Draw):
        return choose(value)
    if isinstance(value, tuple):
        return tuple(_replaced(each, choose) for each in value)
    return value


def at_centre(resolved: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters with the centre of each draw in its place."""
    return {key: _replaced(value, lambda draw: draw.centre) for key, value in resolved.items()}


def _draws(value: Any) -> Iterator[Draw]:
    if isinstance(value, Draw):
        yield value
    elif isinstance(value, tuple):
        for each in value:
            yield from _draws(each)


def corners(resolved: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Return parameters with numbers in place of draws, as far out as they can come.

    Every member for listed values, together with all combinations of the ends of distributions, and
    0 where a distribution goes from below it to above it.
    """
    found = [draw for value in resolved.values() for draw in _draws(value)]
    members = max((len(draw.values) for draw in found), default=0)
    spread = [draw for draw in found if draw.kind != "values"]
    sides = list(product((0, 1), repeat=min(len(spread), MOST_CORNERS)))
    if len(spread) > MOST_CORNERS:
        sides = [(0,) * len(spread), (1,) * len(spread)]
    if not found:
        yield dict(resolved)
        return
    for member in range(max(1, members)):
        for side in sides:
            ends = iter(side)

            def choose(draw: Draw, member: int = member, ends: Iterator[int] = ends) -> float:
                if draw.kind == "values":
                    return draw.values[min(member, len(draw.values) - 1)]
                return draw.ends[next(ends)]

            yield {key: _replaced(value, choose) for key, value in resolved.items()}
    if any(_spans_zero(draw) for draw in found):
        yield {key: _replaced(value, _nearest_zero) for key, value in resolved.items()}


def _spans_zero(draw: Draw) -> bool:
    return draw.kind != "values" and draw.ends[0] < 0.0 < draw.ends[1]


def _nearest_zero(draw: Draw) -> float:
    return 0.0 if _spans_zero(draw) else draw.ends[0]


def plain(draw: Draw) -> Any:
    """Write a draw as a scenario spells it."""
    if draw.kind == "values":
        return {"values": list(draw.values)}
    if draw.kind == "whole":
        return [int(draw.first), int(draw.second)]
    keys = _KEYS[draw.kind]
    made: dict[str, Any] = {
        "distribution": draw.kind,
        keys[0]: draw.first,
        keys[1]: draw.second,
    }
    if draw.kind != "uniform":
        bounds = {"low": draw.low, "high": draw.high}
        made.update({key: bound for key, bound in bounds.items() if bound is not None})
    return made
