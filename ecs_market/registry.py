"""What a scenario can name: mechanisms, utility families and protocols, with their parameters.

Every entry declares its parameters as data. The scenario reader checks a file against these
declarations and the JSON Schema is derived from them: there is one place to say what exists.

An entry names the module with its code, which is imported on first use; nothing here needs numba.
The engine's own entries are declared in the modules of `BUILT_IN`, those of other packages are
found by `ecs_market.plugins`.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from difflib import get_close_matches
from importlib import import_module
from typing import Any, Literal, TypeAlias

from ecs_market.errors import InputError
from ecs_market.plugins import plug_ins, refuse_collisions

Kind = Literal["mechanism", "family", "search", "matching", "bargaining"]
Shape = Literal[
    "number",
    "integer",
    "flag",
    "quantity",
    "choice",
    "choices",
    "mix",
    "per_good",
    "matrix",
    "curves",
    "price",
    "amounts",
    "block",
]
# What is wrong with parameters that are each in their domain: pairs of a key and a message.
Check: TypeAlias = Callable[[Mapping[str, Any], tuple[str, ...], str], list[tuple[str, str]]]
# The level u at some quantities: parameters, quantities [unit] and the weight of money.
Level: TypeAlias = Callable[[Mapping[str, Any], Sequence[Decimal], float | None], Decimal]

MONEY_MODES = ("quasilinear", "unit_of_account", "in_utility")
# Modules with a tuple `ENTRIES` each.
BUILT_IN = (
    "ecs_market.declared.mechanisms",
    "ecs_market.declared.families",
    "ecs_market.declared.protocols",
)

_TITLES: dict[Kind, str] = {
    "mechanism": "mechanism",
    "family": "utility family",
    "search": "search protocol",
    "matching": "matching protocol",
    "bargaining": "bargaining protocol",
}


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of an entry.

    Parameters
    ----------
    name
        Its key in a scenario file.
    shape
        ``number``, ``integer``, ``flag`` (true or false), ``quantity`` (units of a good, a whole
        number of lots), ``choice`` (one word), ``choices`` (a list of different words),
        ``mix`` (one word, or a mapping of words to weights of which one is above 0),
        ``per_good`` (a list with one number for each good), ``matrix`` (a list for each good with
        a number for each good), ``curves`` (a list of numbers, one a step, for each good),
        ``price`` (the word none, a number, or a mapping of good to number), ``amounts`` (a mapping
        of goods and M to amounts) or ``block`` (a mapping with `parts`; a word alone is the first
        part).
    description
        One sentence with the unit.
    default
        Value when the key is absent; of no meaning if `required`.
    default_mixed
        Default in the mixed exchange regime, where it differs.
    above, minimum, maximum, below
        Exclusive lower, inclusive lower, inclusive upper and exclusive upper bound of each number.
    choices
        The words of a ``choice``, ``choices`` or ``mix``; for a ``number``, words taken instead
        of one.
    required
        Whether the key must be there.
    optional
        Whether the word none is taken too; it gives None, which is also the default.
    nonzero
        Whether a ``per_good`` of zeros only is refused.
    apart
        How far from 0 a ``number`` must be at least, for editors; the entry's `check` refuses it.
    parts
        The keys of a ``block``.

    Notes
    -----
    The numbers of a utility family (``number``, ``per_good``, ``matrix``) may differ from agent to
    agent: a scenario may give a draw in place of each.
    """

    name: str
    shape: Shape
    description: str
    default: object = None
    default_mixed: object = None
    above: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    below: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = False
    optional: bool = False
    nonzero: bool = True
    apart: float = 0.0
    parts: tuple[Parameter, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a scenario can choose by name.

    Parameters
    ----------
    module
        Dotted name of the module with the code of a mechanism or family, imported on first use.
    modes
        The money modes it can be used in.
    check
        Plain function ``check(parameters, goods, mode)``: what is wrong with parameters that are
        each in their domain, as a list of (key, message). Of parameters that differ from agent to
        agent it gets one number at a time.
    level
        Of a family with ``kappa: auto``: plain function ``level(parameters, quantities,
        money_weight)`` that gives u at `quantities` [unit] in the order of goods, M last with its
        `money_weight` if money is in the utility (else None). Decimals make it the same number on
        every platform.
    worthless_money
        Whether a family with money in the utility takes a `money_weight` of 0, as it takes 0 for
        a good: it then sees a last entry of the bundle that adds nothing to utility.
    """

    kind: Kind
    name: str
    version: str
    description: str
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    module: str = ""
    modes: tuple[str, ...] = MONEY_MODES
    check: Check | None = None
    level: Level | None = None
    worthless_money: bool = False

    @property
    def spelled(self) -> str:
        """Name, aliases and version as one reads them in a message."""
        also = f" (alias {', '.join(self.aliases)})" if self.aliases else ""
        return f"{self.name}{also} {self.version}"


@functools.cache
def every_entry() -> tuple[Entry, ...]:
    """Return everything registered, in a fixed order: the engine's own entries, then plug-ins.

    Raises
    ------
    InputError
        A plug-in is broken or takes a name that is taken.
    """
    built_in = tuple(entry for module in BUILT_IN for entry in import_module(module).ENTRIES)
    found = plug_ins()
    refuse_collisions(built_in, found)
    return (*built_in, *(each.entry for each in found))


def entries(kind: Kind) -> tuple[Entry, ...]:
    """Return everything registered of one kind, in a fixed order."""
    return tuple(entry for entry in every_entry() if entry.kind == kind)


def names(kind: Kind) -> tuple[str, ...]:
    """Return all names and aliases of one kind."""
    return tuple(name for entry in entries(kind) for name in (entry.name, *entry.aliases))


def find(kind: Kind, name: str, version: str | None = None) -> Entry:
    """Look up an entry by name or alias, and by version if one is given.

    Raises
    ------
    InputError
        If there is none; the message lists what is registered.
    """
    known = entries(kind)
    listing = ", ".join(entry.spelled for entry in known)
    title = _TITLES[kind]
    named = [entry for entry in known if name == entry.name or name in entry.aliases]
    if not named:
        near = get_close_matches(name, names(kind), n=1)
        hint = f" (did you mean '{near[0]}'?)" if near else ""
        raise InputError(f"unknown {title} '{name}'{hint}; registered: {listing}")
    for entry in named:
        if version is None or version == entry.version:
            return entry
    raise InputError(f"{title} '{name}' has no version '{version}'; registered: {listing}")
