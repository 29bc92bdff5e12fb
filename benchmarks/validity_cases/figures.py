"""What a case is, and how one of its figures is judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """One number, or one word, that was published and computed again."""

    name: str
    published: str
    obtained: str
    tolerance: str
    ok: bool

    @property
    def verdict(self) -> str:
        """Return the verdict as it is printed."""
        return "holds" if self.ok else "FAILS"


@dataclass(frozen=True, slots=True)
class Case:
    """A result to reproduce: who published it, the setting, and the figures that come of it.

    Attributes
    ----------
    sources
        In full: author, title, where it was published and when.
    way
        How it is computed, in the public interface's words.
    run
        Computes the figures, the same ones at every call.
    cheap
        Whether the tests always run it; it is with the tests marked slow otherwise.
    reason
        Why a figure fails, where one does.
    """

    number: int
    title: str
    sources: tuple[str, ...]
    setting: str
    way: str
    run: Callable[[], list[Figure]]
    cheap: bool = True
    reason: str = ""

    @property
    def key(self) -> str:
        """Return the case's name."""
        return f"V{self.number}"


def near(name: str, published: float, obtained: float, tolerance: float, digits: int = 6) -> Figure:
    """Judge a number by its distance."""
    ok = abs(obtained - published) <= tolerance
    shown = (f"{published:.{digits}f}", f"{obtained:.{digits}f}")
    return Figure(name, *shown, f"{tolerance:g}" if tolerance else "exact", ok)


def at_most(name: str, bound: float, obtained: float, digits: int = 6) -> Figure:
    """Judge a number that may not exceed a bound."""
    return Figure(
        name, f"at most {bound:g}", f"{obtained:.{digits}g}", "bound", 0.0 <= obtained <= bound
    )


def within(name: str, low: float, high: float, obtained: float, digits: int = 4) -> Figure:
    """Judge a number by a range."""
    ok = low <= obtained <= high
    return Figure(name, f"{low:g} to {high:g}", f"{obtained:.{digits}f}", "range", ok)


def sampled(
    name: str, published: float, mean: float, error: float, errors: float = 3.0, digits: int = 4
) -> Figure:
    """Judge a simulated mean by its standard error."""
    ok = abs(mean - published) <= errors * error
    shown = (f"{published:.{digits}f}", f"{mean:.{digits}f}")
    return Figure(name, *shown, f"{errors:g} s.e. of {error:.4f}", ok)


def exactly(name: str, published: object, obtained: object) -> Figure:
    """Judge what has to be the same."""
    return Figure(name, str(published), str(obtained), "exact", published == obtained)


def one_of(name: str, allowed: tuple[str, ...], obtained: str) -> Figure:
    """Judge a word that may be one of several."""
    return Figure(name, " or ".join(allowed), obtained, "exact", obtained in allowed)
