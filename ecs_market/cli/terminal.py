"""A terminal on stderr: what it can show, and a block of lines that is drawn over and over."""

from __future__ import annotations

import functools
import io
import os
import sys
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TextIO

Span = tuple[str, str]
"""A piece of text and its style, a key of `STYLES`."""

STYLES = {"": "", "strong": "1", "faint": "2", "good": "32", "fair": "33", "poor": "31"}

_SIZE = (80, 24)  # where a terminal does not tell
_HIDE, _SHOW = "\x1b[?25l", "\x1b[?25h"
_WIPE_LINE, _WIPE_BELOW = "\x1b[K", "\x1b[J"


def redraws(stream: TextIO) -> bool:
    """Return whether a stream is a terminal whose cursor can be moved."""
    if not stream.isatty() or os.environ.get("TERM") == "dumb":
        return False
    # The old Windows console prints the sequences; what runs in a newer one says so.
    return os.name != "nt" or bool({"WT_SESSION", "TERM", "ANSICON"} & os.environ.keys())


def encodes(stream: TextIO, text: str) -> bool:
    """Return whether a stream's encoding has all letters of a text."""
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def safe(text: str, encoding: str | None) -> str:
    """Return a text of one line without what a terminal would obey or can't show."""
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown.encode(encoding or "ascii", "replace").decode(encoding or "ascii")


def cells(text: str) -> int:
    """Return how many cells of a terminal a text takes."""
    return len(text) if text.isascii() else sum(map(_cells, text))


@functools.cache
def _cells(letter: str) -> int:
    if unicodedata.combining(letter) or unicodedata.category(letter) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(letter) in "WF" else 1


def clip(text: str, width: int) -> str:
    """Return what of a text fits into `width` cells."""
    if text.isascii():
        return text[: max(width, 0)]
    left = width
    for at, letter in enumerate(text):
        left -= _cells(letter)
        if left < 0:
            return text[:at]
    return text


def pad(text: str, width: int, *, right: bool = False) -> str:
    """Return a text of exactly `width` cells, at the left or at the right of them."""
    text = clip(text, width)
    blank = " " * (width - cells(text))
    return blank + text if right else text + blank


@dataclass(frozen=True, slots=True)
class Size:
    """A terminal's size in cells."""

    width: int
    height: int


def size_of(stream: TextIO) -> Size:
    """Return the size that the terminal behind a stream has now."""
    try:
        width, height = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        width, height = _SIZE
    return Size(width or _SIZE[0], height or _SIZE[1])


class Block(io.TextIOBase):
    """Lines at the bottom of the terminal on stderr that are drawn over and over.

    While it is open it stands in for `sys.stderr`, so that what anybody else writes there appears
    above the lines instead of within them.  The cursor is hidden only while a frame is written:
    however the process ends, the terminal has its cursor.
    """

    def __init__(self) -> None:
        super().__init__()
        self._stream = sys.stderr
        self._colours = not os.environ.get("NO_COLOR")
        self._drawn: list[int] = []  # the width of each line of the last frame

    def __enter__(self) -> Self:
        self._stream = sys.stderr
        sys.stderr = self
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        sys.stderr = self._stream

    @property
    def size(self) -> Size:
        """The terminal's size now."""
        return size_of(self._stream)

    def draw(self, lines: Sequence[Sequence[Span]]) -> None:
        """Replace the last frame, in one write; lines are cut to the terminal."""
        size = self.size
        room = size.width - 1  # a full line would leave the cursor who knows where
        shown = [_fit(line, room) for line in lines[: max(1, size.height - 1)]]
        text = "".join(f"{self._paint(line)}{_WIPE_LINE}\n" for line in shown)
        up = self._up(size.width)
        self._drawn = [sum(cells(part) for part, _ in line) for line in shown]
        self._stream.write(f"{_HIDE}{up}{text}{_WIPE_BELOW}{_SHOW}")
        self._stream.flush()

    def write(self, text: str, /) -> int:
        """Write somebody else's text in the place of the frame; the next one comes below it."""
        if self._drawn:
            self._stream.write(f"{self._up(self.size.width)}{_WIPE_BELOW}")
            self._drawn = []
        return self._stream.write(text)

    def flush(self) -> None:
        """Hand on what has been written."""
        self._stream.flush()

    def isatty(self) -> bool:
        """Return that this is a terminal."""
        return True

    def fileno(self) -> int:
        """Return the terminal's own descriptor."""
        return self._stream.fileno()

    @property
    def encoding(self) -> str:  # type: ignore[override]  # an attribute there, for writing too
        """The terminal's encoding."""
        return self._stream.encoding

    def _up(self, width: int) -> str:
        """Return what leads to the last frame's first line, broken anew by a narrower terminal."""
        rows = sum(max(1, -(-drawn // width)) for drawn in self._drawn)
        return "\r" + (f"\x1b[{rows}A" if rows else "")

    def _paint(self, line: Sequence[Span]) -> str:
        if not self._colours:
            return "".join(text for text, _ in line)
        return "".join(
            f"\x1b[{STYLES[style]}m{text}\x1b[0m" if STYLES[style] else text for text, style in line
        )


def _fit(line: Sequence[Span], width: int) -> list[Span]:
    """Return what of a line fits into `width` cells."""
    kept: list[Span] = []
    for text, style in line:
        part = clip(text, width)
        kept.append((part, style))
        width -= cells(part)
        if part != text:
            break
    return kept
