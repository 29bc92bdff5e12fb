"""Choice and matching, rule by rule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

IDLE, MARKET, PARTNER, RESOURCE = 0, 1, 2, 3

Target = tuple[int, int]
# Minus its weight, then the lower and the higher id.
Edge = tuple[float, int, int]
NOTHING: Target = (IDLE, -1)


def greedy_pairs(
    lists: Mapping[int, list[tuple[float, int]]],
    choices: Mapping[int, int],
    barred: Mapping[int, set[int]],
) -> dict[int, int]:
    """Return partners by id: mutual first choices, then the heaviest edge left, and so on.

    Parameters
    ----------
    lists
        Candidates (weight, id) of each agent that could be asked.
    choices
        The first choice of each agent that seeks a partner.
    barred
        Whom each agent leaves alone.
    """
    first = {a: b for a, b in choices.items() if choices.get(b) == a}
    return heaviest_first(edges_between(lists, choices, barred), first)


def edges_between(
    lists: Mapping[int, list[tuple[float, int]]],
    choices: Mapping[int, int],
    barred: Mapping[int, set[int]],
) -> set[Edge]:
    """Return all pairs of seekers of which one lists the other and neither leaves it alone."""
    return {
        (-weight, min(a, b), max(a, b))
        for a, found in lists.items()
        for weight, b in found
        if a in choices
        and b in choices
        and b not in barred.get(a, ())
        and a not in barred.get(b, ())
    }


def heaviest_first(edges: set[Edge], first: Mapping[int, int]) -> dict[int, int]:
    """Add the heaviest edge that is still possible to the pairs there are, and so on."""
    partner = dict(first)
    for _, a, b in sorted(edges):
        if a not in partner and b not in partner:
            partner[a], partner[b] = b, a
    return partner


@dataclass(slots=True)
class Options:
    """What an agent has found: (value, target), value 0 for nothing; and what it pursues."""

    market: tuple[float, int]
    patch: tuple[float, int]
    partners: list[tuple[float, int]]
    pursued: Target | None


def best_partner(options: Options) -> tuple[float, Target]:
    """Return the best partner; of equals the one pursued, else the first."""
    if not options.partners:
        return 0.0, NOTHING
    top = options.partners[0][0]
    equal = [(PARTNER, other) for weight, other in options.partners if weight == top]
    if options.pursued in equal:
        return 0.5 * top, options.pursued
    return 0.5 * top, equal[0]


def against_patch(options: Options, value: float, target: Target) -> tuple[float, Target]:
    """Weigh what was found against the best patch; ties keep what is pursued."""
    worth, number = options.patch
    patch = (RESOURCE, number)
    if worth > value or (worth == value > 0.0 and options.pursued == patch):
        return worth, patch
    return value, target


def choice(options: Options, to_market: bool) -> tuple[float, Target]:
    """Return what an agent wants, with the regime's draw between market and partner given."""
    value, target = best_partner(options)
    if options.market[0] > 0.0 and (target == NOTHING or to_market):
        value, target = options.market[0], (MARKET, options.market[1])
    return against_patch(options, value, target)


def fallback(options: Options) -> tuple[float, Target]:
    """Return where an agent goes that wanted a partner and got none."""
    value, target = 0.0, NOTHING
    if options.market[0] > 0.0:
        value, target = options.market[0], (MARKET, options.market[1])
    return against_patch(options, value, target)
