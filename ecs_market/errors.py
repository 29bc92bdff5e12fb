"""The exceptions a user may meet: one class for each kind of remedy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class MarketError(Exception):
    """Base of every error that this package raises on purpose."""


class InputError(MarketError, ValueError):
    """Something handed in is not allowed; the message says what, where and what is."""


class SimulationError(MarketError, RuntimeError):
    """The simulation cannot go on: it is closed, failed, or busy in another thread."""


class TelemetryError(MarketError, RuntimeError):
    """Recording or querying telemetry failed."""


@dataclass(frozen=True, slots=True)
class Issue:
    """One fault in a scenario: where it stands and what is wrong."""

    message: str
    file: str = ""
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        if self.line:
            return f"{self.file}:{self.line}:{self.column}: {self.message}"
        return f"{self.file}: {self.message}" if self.file else self.message


class ScenarioError(InputError):
    """A scenario is refused; `issues` lists every fault found, in file order."""

    def __init__(self, issues: Sequence[Issue]) -> None:
        self.issues: tuple[Issue, ...] = tuple(issues)
        super().__init__("\n".join(str(issue) for issue in self.issues))
