"""A scenario as read: plain data, and where each piece of it stands."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from typing import Any, TypeAlias

from ecs_market.errors import Issue, ScenarioError

Path: TypeAlias = tuple[str | int, ...]
Mark: TypeAlias = tuple[int, int]

MAX_ISSUES = 200
MAX_DOUBTS = 20

_log = logging.getLogger("ecs_market")


class Node(dict[str, Any]):
    """A mapping of a document that knows its own path."""

    __slots__ = ("path",)

    def __init__(self, path: Path, items: Mapping[str, Any] | None = None) -> None:
        super().__init__(items or {})
        self.path = path


@dataclass(slots=True)
class Document:
    """Data with positions.

    Parameters
    ----------
    data
        Mappings are `Node`, lists are list, the rest are scalars.
    file
        What a message calls the source.
    values, keys
        Line and column, counted from 1, of the value at a path and of its key.
    origins
        Paths that were put in from elsewhere (an override), and what to call that place.
    titles
        Spellings for the first part of a path, where a message should not show the key itself.
    """

    data: Any
    file: str
    values: dict[Path, Mark] = field(default_factory=dict)
    keys: dict[Path, Mark] = field(default_factory=dict)
    origins: dict[Path, str] = field(default_factory=dict)
    titles: dict[Path, str] = field(default_factory=dict)

    def locate(self, path: Path, *, key: bool = False) -> tuple[str, Mark]:
        """Find the file and position of a path, or of the nearest thing around it."""
        for size in range(len(path), -1, -1):
            if path[:size] in self.origins:
                return self.origins[path[:size]], (0, 0)
        for size in range(len(path), -1, -1):
            part = path[:size]
            if key and size == len(path) and part in self.keys:
                return self.file, self.keys[part]
            if part in self.values:
                return self.file, self.values[part]
        return self.file, (0, 0)

    def spell(self, path: Path) -> str:
        """Write a path as ``market_posts[0].location``."""
        text = ""
        for size in range(len(path), 0, -1):
            if path[:size] in self.titles:
                text = self.titles[path[:size]]
                path = path[size:]
                break
        for part in path:
            if isinstance(part, int):
                text += f"[{part}]"
            else:
                text += f".{part}" if text else part
        return text


class Report:
    """Collects the faults of one document: one for each place, and no more than anybody reads.

    Doubts are noted of what stands at the path `about` or below it.
    """

    def __init__(self, document: Document, about: Path = ()) -> None:
        self.document = document
        self.about = about
        self._found: dict[Path, tuple[Mark, Issue]] = {}
        self._more = 0
        self._doubts: dict[Path, tuple[Mark, Issue]] = {}

    def add(self, path: Path, message: str, *, key: bool = False) -> None:
        """Note a fault at `path` (at its key if `key`); the first one at a place stays."""
        if path in self._found:
            return
        if len(self._found) >= MAX_ISSUES:
            self._more += 1
            return
        self._found[path] = self._issue(path, message, key=key)

    def doubt(self, path: Path, message: str) -> None:
        """Note something at `path` that is allowed, but hardly meant; the first one stays."""
        if path[: len(self.about)] == self.about and path not in self._doubts:
            self._doubts[path] = self._issue(path, message, key=False)

    def _issue(self, path: Path, message: str, *, key: bool) -> tuple[Mark, Issue]:
        file, mark = self.document.locate(path, key=key)
        spelled = self.document.spell(path)
        text = f"{spelled}: {message}" if spelled else message
        return mark, Issue(text, file, *mark)

    def tell_doubts(self) -> None:
        """Log what was noted by `doubt` as warnings, in file order."""
        ordered = sorted(self._doubts.values(), key=lambda found: found[0])
        for _, issue in ordered[:MAX_DOUBTS]:
            _log.warning("%s", issue)
        if len(ordered) > MAX_DOUBTS:
            _log.warning("%s: and %d more", self.document.file, len(ordered) - MAX_DOUBTS)

    def unknown(
        self,
        path: Path,
        allowed: Iterable[str],
        *,
        name: str | None = None,
        what: str = "key",
        meant: str | None = None,
    ) -> None:
        """Note an unknown name, with the one that is meant, the nearest known one or all of them.

        Without `name` it is the key at the end of `path`.
        """
        if len(self._found) >= MAX_ISSUES:
            self._more += 1
            return
        spelled = str(path[-1]) if name is None else name
        known = [str(entry) for entry in allowed]
        near = [meant] if meant is not None else get_close_matches(spelled, known, n=1)
        label = spelled if len(spelled) <= 60 else spelled[:57] + "..."
        hint = f"did you mean '{near[0]}'?" if near else f"allowed: {', '.join(known) or 'none'}"
        self.add(path, f"unknown {what} '{label}'; {hint}", key=name is None)

    def has(self, path: Path) -> bool:
        """Whether a fault was found at `path` or below it."""
        return any(found[: len(path)] == path for found in self._found)

    def raise_if_any(self) -> None:
        """Raise everything found, in file order.

        Raises
        ------
        ScenarioError
            With all issues, if there are any.
        """
        if self._found:
            ordered = sorted(self._found.values(), key=lambda found: found[0])
            issues = [issue for _, issue in ordered]
            if self._more:
                issues.append(Issue(f"and {self._more:,} more faults", self.document.file))
            raise ScenarioError(issues)


def shown(value: object) -> str:
    """Spell a value for a message, cut short."""
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif value is None:
        text = "nothing"
    elif isinstance(value, dict):
        text = "a mapping"
    elif isinstance(value, list | tuple):
        text = "a list"
    elif isinstance(value, str):
        text = f"'{value}'"
    else:
        text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
