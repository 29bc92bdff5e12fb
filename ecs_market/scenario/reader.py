"""Read YAML text safely, with the position of every value.

Works on the parser's events alone, so nothing is ever constructed but mappings, lists, text,
numbers, true, false and null. Limits keep hostile text cheap; YAML 1.1's surprises are off: ``no``,
``12:30``, ``0o17`` and dates are text.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import yaml

from ecs_market.errors import Issue, ScenarioError
from ecs_market.scenario.document import Document, Mark, Node, Path, Report

MAX_BYTES = 1_000_000
MAX_DEPTH = 64
MAX_NODES = 100_000
MAX_ALIASES = 100
MAX_DIGITS = 40

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?((0|[1-9][0-9]*)(\.[0-9]*)?|\.[0-9]+)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS: dict[str, object] = {"true": True, "false": False, "null": None, "": None}
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_document(text: str, file: str) -> tuple[Document, Report]:
    """Parse YAML text.

    Parameters
    ----------
    text
        The whole text of one document.
    file
        What messages call it.

    Returns
    -------
    tuple
        The document, and the report with the faults after which reading could go on.

    Raises
    ------
    ScenarioError
        On a syntax error or when a limit is exceeded.
    """
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as error:
        raise ScenarioError([Issue("the text is not valid Unicode", file)]) from error
    if size > MAX_BYTES:
        raise ScenarioError([Issue(f"larger than {MAX_BYTES:,} bytes", file)])
    document = Document(None, file)
    reader = _Reader(text, document)
    try:
        document.data = reader.document_value()
    except yaml.MarkedYAMLError as error:
        raise ScenarioError([_syntax_issue(error, file)]) from error
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        message = f"not readable as YAML: {error.reason}"
        raise ScenarioError([Issue(message, file, line, column)]) from error
    except yaml.YAMLError as error:
        raise ScenarioError([Issue("not readable as YAML", file)]) from error
    return document, reader.report


def read_value(text: str, file: str) -> Any:
    """Parse one value (a scalar or flow collection), as an override gives it."""
    document, report = read_document(text, file)
    report.raise_if_any()
    return document.data


def from_mapping(mapping: Mapping[str, Any], file: str) -> Document:
    """Take Python data as a document; the same limits hold, numpy values count as plain ones."""
    document = Document(None, file)
    count = 0

    def take(value: Any, path: Path) -> Any:
        nonlocal count
        count += 1
        if len(path) > MAX_DEPTH:
            raise ScenarioError([Issue(f"nested deeper than {MAX_DEPTH}", file)])
        if count > MAX_NODES:
            raise ScenarioError([Issue(f"more than {MAX_NODES:,} values", file)])
        if isinstance(value, Mapping):
            node = Node(path)
            for key, entry in value.items():
                if not isinstance(key, str):
                    message = f"{document.spell(path) or 'the top level'}: key {key!r} is not text"
                    raise ScenarioError([Issue(message, file)])
                node[key] = take(entry, (*path, key))
            return node
        if isinstance(value, np.generic | np.ndarray):
            value = value.tolist()
        if isinstance(value, list | tuple):
            return [take(entry, (*path, index)) for index, entry in enumerate(value)]
        return value

    document.data = take(mapping, ())
    return document


def _syntax_issue(error: yaml.MarkedYAMLError, file: str) -> Issue:
    mark = error.problem_mark or error.context_mark
    parts = [str(part) for part in (error.context, error.problem) if part]
    message = "not readable as YAML: " + ", ".join(parts)
    if mark is None:
        return Issue(message, file)
    return Issue(message, file, mark.line + 1, mark.column + 1)


class _Reader:
    """Builds values from events, copying what an alias repeats."""

    def __init__(self, text: str, document: Document) -> None:
        self.file = document.file
        self.document = document
        self.report = Report(document)
        self.events: Iterator[yaml.Event] = yaml.parse(text, Loader=_LOADER)
        self.anchors: dict[str, list[yaml.Event]] = {}
        self.nodes = 0
        self.aliases = 0

    def refuse(self, message: str, event: yaml.Event) -> ScenarioError:
        """Make the error for a fault after which reading stops."""
        return ScenarioError([Issue(message, self.file, *_mark(event))])

    def document_value(self) -> Any:
        """Read the only document of the stream."""
        value: Any = None
        seen = False
        for event in self.events:
            if isinstance(event, yaml.DocumentStartEvent):
                if seen:
                    raise self.refuse("only one YAML document a file is allowed", event)
                seen = True
                value = self.value(self.gather(next(self.events)), ())
        return value

    def gather(self, first: yaml.Event) -> Iterator[yaml.Event]:
        """Yield the events of one node, remembering what its anchors stand for."""
        depth = 0
        open_anchors: list[tuple[str, int, list[yaml.Event]]] = []
        event = first
        while True:
            if depth > MAX_DEPTH:
                raise self.refuse(f"nested deeper than {MAX_DEPTH}", event)
            for _, _, kept in open_anchors:
                kept.append(event)
            starts = isinstance(event, yaml.CollectionStartEvent)
            ends = isinstance(event, yaml.CollectionEndEvent)
            anchor = getattr(event, "anchor", None)
            if anchor and not isinstance(event, yaml.AliasEvent):
                if len(open_anchors) >= MAX_DEPTH or len(self.anchors) >= MAX_NODES:
                    raise self.refuse("too many anchors", event)
                if starts:
                    open_anchors.append((anchor, depth, [event]))
                else:
                    self.anchors[anchor] = [event]
            depth += starts - ends
            while ends and open_anchors and open_anchors[-1][1] == depth:
                name, _, kept = open_anchors.pop()
                self.anchors[name] = kept
            yield event
            if depth == 0:
                return
            event = next(self.events)

    def value(self, events: Iterator[yaml.Event], path: Path) -> Any:
        """Build the next value of `events`."""
        return self.build(next(events), events, path)

    def build(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> Any:
        """Build the value that starts with `event`."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise self.refuse(f"more than {MAX_NODES:,} values", event)
        if len(path) > MAX_DEPTH:
            raise self.refuse(f"nested deeper than {MAX_DEPTH}", event)
        self.document.values.setdefault(path, _mark(event))
        if isinstance(event, yaml.AliasEvent):
            return self.repeat(event, path)
        tag = getattr(event, "tag", None)
        if tag and tag != "!":
            self.report.add(path, f"tags such as {tag} are not allowed")
        if isinstance(event, yaml.ScalarEvent):
            return self.scalar(event, path)
        if isinstance(event, yaml.SequenceStartEvent):
            items: list[Any] = []
            for entry in events:
                if isinstance(entry, yaml.SequenceEndEvent):
                    break
                items.append(self.build(entry, events, (*path, len(items))))
            return items
        return self.mapping(events, path)

    def mapping(self, events: Iterator[yaml.Event], path: Path) -> Node:
        """Build a mapping up to its end; the first of duplicate keys stays."""
        node = Node(path)
        for event in events:
            if isinstance(event, yaml.MappingEndEvent):
                break
            key = self.key(event, events, path)
            place = (*path, key)
            duplicate = key in node
            self.document.keys.setdefault(place, _mark(event))
            value = self.build(next(events), events, place)
            if duplicate:
                _, (line, _) = self.document.locate(place, key=True)
                issue = f"duplicate key '{key}', first given in line {line}"
                self.note(place, event, issue)
            elif not key.startswith("\0"):
                node[key] = value
        return node

    def note(self, place: Path, event: yaml.Event, message: str) -> None:
        """Report a fault that stands at `event` rather than at the first use of its path."""
        unique = (*place, _unique(event))
        self.document.values[unique] = _mark(event)
        self.document.titles[unique] = self.document.spell(place[:-1])
        self.report.add(unique, message)

    def key(self, event: yaml.Event, events: Iterator[yaml.Event], path: Path) -> str:
        """Read a key; one that is not text is reported and gets a name that is dropped."""
        here = (*path, _unique(event))
        value = self.build(event, events, here)
        if isinstance(event, yaml.ScalarEvent) and not event.style and event.value == "<<":
            self.note(here, event, "merge keys are not allowed")
        elif isinstance(value, str):
            self.document.values.pop(here, None)
            return value.replace("\0", "")
        elif not self.report.has(here):
            self.note(here, event, "a key must be text; quote it if it is meant as a name")
        return _unique(event)

    def repeat(self, event: yaml.AliasEvent, path: Path) -> Any:
        """Build a copy of what an alias stands for."""
        self.aliases += 1
        if self.aliases > MAX_ALIASES:
            raise self.refuse(f"more than {MAX_ALIASES} aliases", event)
        kept = self.anchors.get(event.anchor or "")
        if kept is None:
            raise self.refuse(f"alias *{event.anchor} has no complete anchor before it", event)
        # Aliases inside the copy count again, so nested ones cannot grow without limit.
        return self.value(iter(kept), path)

    def scalar(self, event: yaml.ScalarEvent, path: Path) -> Any:
        """Read text, a number, true, false or null."""
        text: str = event.value
        if event.style:  # quoted or block text
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            if len(text) <= MAX_DIGITS:
                return int(text)
            self.report.add(path, f"a number of more than {MAX_DIGITS} digits is not allowed")
            return 0
        if _FLOAT.fullmatch(text):
            number = float(text)
            if math.isfinite(number):
                return number
        elif not _NOT_FINITE.fullmatch(text):
            return text
        self.report.add(path, f"{text[:40]} is not a finite number")
        return 0.0


def _mark(event: yaml.Event) -> Mark:
    mark = event.start_mark
    return (0, 0) if mark is None else (mark.line + 1, mark.column + 1)


def _unique(event: yaml.Event) -> str:
    """Name a place that has no path of its own; no key of a scenario starts with this sign."""
    line, column = _mark(event)
    return f"\0{line}:{column}"
