"""What a scenario can name: mechanisms, utility families and protocols, with their parameters.

Every entry declares its parameters as data. The scenario reader checks a file against these
declarations and the JSON Schema is derived from them: there is one place to say what exists.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from typing import Literal

from ecs_market.errors import InputError

Kind = Literal["mechanism", "family", "search", "matching", "bargaining"]
Shape = Literal["number", "integer", "choice", "choices", "per_good", "price"]

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
        ``number``, ``integer``, ``choice`` (one word), ``choices`` (a list of different words),
        ``per_good`` (a list with one number for each good, not all 0) or ``price`` (the word none,
        a number, or a mapping of good to number).
    description
        One sentence with the unit.
    default
        Value when the key is absent; of no meaning if `required`.
    default_mixed
        Default in the mixed exchange regime, where it differs.
    above, minimum, maximum
        Exclusive lower, inclusive lower and inclusive upper bound of each number.
    choices
        The words of a ``choice`` or ``choices``; for a ``number``, words taken instead of one.
    required
        Whether the key must be there.
    """

    name: str
    shape: Shape
    description: str
    default: object = None
    default_mixed: object = None
    above: float | None = None
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    required: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that a scenario can choose by name."""

    kind: Kind
    name: str
    version: str
    description: str
    aliases: tuple[str, ...] = ()
    parameters: tuple[Parameter, ...] = ()

    @property
    def spelled(self) -> str:
        """Name, aliases and version as one reads them in a message."""
        also = f" (alias {', '.join(self.aliases)})" if self.aliases else ""
        return f"{self.name}{also} {self.version}"


_CLEAR_EVERY = Parameter(
    "clear_every", "integer", "Ticks between two clearings; 1 clears every tick.", 1, minimum=1
)
_INITIAL_PRICE = Parameter(
    "initial_price",
    "price",
    "Starting price [M / unit], one for all goods or one a good; none: the attendees' median "
    "marginal rates.",
    above=0.0,
    maximum=1e9,
)

_ENTRIES: tuple[Entry, ...] = (
    Entry(
        "mechanism",
        "walrasian_auctioneer",
        "2025.10.29",
        "Joint tatonnement over the post's goods, then one exact settlement.",
        ("walrasian",),
        (
            Parameter(
                "adjustment_speed",
                "number",
                "First step of the logarithm of a price for a relative excess demand of 1.",
                0.1,
                above=0.0,
                maximum=2.0,
            ),
            Parameter(
                "price_tolerance",
                "number",
                "Largest relative excess demand that counts as cleared.",
                1e-6,
                above=0.0,
                maximum=0.999999,
            ),
            Parameter("max_iterations", "integer", "Most iterations a clearing.", 100, minimum=1),
            _INITIAL_PRICE,
            Parameter(
                "on_failure",
                "choices",
                "What to try, in order, when tatonnement does not converge.",
                ("newton", "no_trade"),
                default_mixed=("newton", "bilateral"),
                choices=("newton", "ration_last", "bilateral", "no_trade"),
            ),
            _CLEAR_EVERY,
        ),
    ),
    Entry(
        "mechanism",
        "posted_price",
        "2025.10.29",
        "Trades at a posted price, the long side rationed; the price follows what was wanted.",
        (),
        (
            Parameter(
                "price_update_frequency",
                "integer",
                "Ticks between two changes of the posted price.",
                1,
                minimum=1,
            ),
            _INITIAL_PRICE,
            Parameter(
                "eta",
                "number",
                "First step of the logarithm of the price for a relative excess demand of 1.",
                0.1,
                minimum=0.001,
                maximum=0.2,
            ),
            _CLEAR_EVERY,
        ),
    ),
    Entry(
        "family",
        "linear",
        "2025.10.29",
        "Perfect substitutes: u is the weighted sum of the quantities.",
        (),
        (
            Parameter(
                "weights",
                "per_good",
                "Utility of one unit of each good, in the order of goods.",
                minimum=0.0,
                maximum=1e9,
                required=True,
            ),
        ),
    ),
    Entry(
        "family",
        "cobb_douglas",
        "2025.10.29",
        "u is the product of the quantities, each to the power of its exponent.",
        (),
        (
            Parameter(
                "exponents",
                "per_good",
                "Exponent of each good, in the order of goods.",
                minimum=0.0,
                maximum=1e3,
                required=True,
            ),
            Parameter(
                "scale",
                "choice",
                "log: U = kappa ln u; level: U = u.",
                "log",
                choices=("log", "level"),
            ),
            Parameter(
                "kappa",
                "number",
                "Factor of the log scale; auto: u at the midpoint of the group's declared "
                "initial endowment.",
                "auto",
                above=0.0,
                maximum=1e12,
                choices=("auto",),
            ),
        ),
    ),
    Entry(
        "search",
        "market_aware_search",
        "2025.10.29",
        "Weighs markets, partners and resources against each other.",
    ),
    Entry(
        "search",
        "distance_discounted",
        "2025.10.29",
        "Ranks partners and patches by value discounted over the distance; ignores posts.",
    ),
    Entry(
        "matching",
        "three_pass",
        "2025.10.26",
        "Mutual first choices, then greedily by the pair's discounted gain.",
        ("legacy",),
    ),
    Entry(
        "bargaining",
        "compensating_block",
        "2025.10.26",
        "Blocks of 1, 2, 4 ... units at the midpoint of both marginal rates, then halves.",
        ("legacy",),
    ),
    Entry(
        "bargaining",
        "split_difference",
        "2025.10.29",
        "The midpoint price and the smaller desired quantity, repeated.",
    ),
)


def entries(kind: Kind) -> tuple[Entry, ...]:
    """Return everything registered of one kind, in a fixed order."""
    return tuple(entry for entry in _ENTRIES if entry.kind == kind)


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
