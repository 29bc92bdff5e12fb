"""What a case is, and how one of its figures is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, or one word, that was published and computed again."""

    name: str
    published: str
    shown: str
    tolerance: str
    ok: bool

    @property
    def verdict(self) -> str:
        """Return the verdict as it is printed."""
        return "holds" if self.ok else "FAILS"


@dataclass(frozen=True, slots=True)
class Case:
    """A result to reproduce: who published it, the setting, and the figures that come of it."""

    number: int
    title: str
    source: str
    setting: str
    run: Callable[[], list[Figure]]
    cheap: bool = True

    @property
    def key(self) -> str:
        """Return the case's name."""
        return f"V{self.number}"


def near(name: str, published: float, obtained: float, tolerance: float, digits: int = 6) -> Figure:
    """Judge a number by its distance."""
    ok = abs(obtained - published) <= tolerance
    shown = (f"{published:.{digits}f}", f"{obtained:.{digits}f}")
    return Figure(name, *shown, f"{tolerance:g}", ok)


def within(name: str, low: float, high: float, obtained: float, digits: int = 4) -> Figure:
    """Judge a number by a range."""
    ok = low <= obtained <= high
    return Figure(name, f"{low:g} to {high:g}", f"{obtained:.{digits}f}", "range", ok)


def sampled(
    name: str, published: float, mean: float, error: float, errors: float = 3.0, digits: int = 4
) -> Figure:
    """Judge a simulated mean by its standard error."""
    ok = abs(mean - published) <= errors * error
    shown = f"{mean:.{digits}f}"
    return Figure(name, f"{published:.{digits}f}", shown, f"{errors:g} s.e. ({error:.1e})", ok)


def exactly(name: str, published: object, obtained: object) -> Figure:
    """Judge what has to be the same."""
    return Figure(name, str(published), str(obtained), "exact", published == obtained)


def one_of(name: str, published: tuple[str, ...], obtained: str) -> Figure:
    """Judge a word that may be one of several."""
    return Figure(name, " or ".join(published), obtained, "exact", obtained in published)
