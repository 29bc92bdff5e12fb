"""What is drawn on a terminal: frames that replace each other, lines, bars and letters."""

from __future__ import annotations

import io
import math
import sys
from typing import Any

import numpy as np
import pytest

from ecs_market.cli import terminal
from ecs_market.cli.progress import Line
from ecs_market.cli.sparkline import ASCII, BLOCKS, progress_bar, sparkline
from ecs_market.cli.terminal import Block, cells, clip, pad, redraws
from ecs_market.cli.watch_frame import clock
from tests.screens import Clock, Paper, posix


@posix
def test_frames_replace_each_other_and_follow_the_size(
    tty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = tty(40, 8)
    with open(terminal.slave, "w", encoding="utf-8", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        print("before", file=sys.stderr)
        with Block() as block:
            block.draw([[("one", "strong"), (" two", "")], [("three", "")]])
            assert terminal.settled()[:4] == ["before", "one two", "three", ""]
            block.draw([[("x" * 60, "")]])
            assert terminal.settled()[:3] == ["before", "x" * 39, ""]
            print("news", file=sys.stderr)
            block.draw([[("four", "")], [("five", "")]])
            assert terminal.settled()[:5] == ["before", "news", "four", "five", ""]
            terminal.resize(60, 12)
            block.draw([[("y" * 70, "")]])
            assert terminal.settled()[:4] == ["before", "news", "y" * 59, ""]
            block.draw([[(f"{row}", "")] for row in range(30)])
            assert terminal.settled()[-2:] == ["10", ""]
        assert not terminal.screen.cursor.hidden


@posix
def test_a_frame_that_the_terminal_breaks_anew_is_wholly_replaced(
    tty: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    terminal = tty(80, 10)
    with open(terminal.slave, "w", encoding="utf-8", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with Block() as block:
            block.draw([[("z" * 70, "")], [("short", "")]])
            terminal.settled()
            terminal.resize(40, 10)
            # Such a terminal shows the 70 letters in two rows now.
            before = len(terminal.raw)
            block.draw([[("new", "")]])
            terminal.settled()
    assert b"\r\x1b[3A" in terminal.raw[before:]


@posix
def test_a_progress_line_stays_in_its_row(tty: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = tty(30, 6)
    with open(terminal.slave, "w", encoding="utf-8", closefd=False) as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        with Line() as line:
            line.passing("a" * 70)
            line.passing("b" * 40)
            assert terminal.settled() == ["b" * 29, *[""] * 5]
        assert terminal.settled() == [""] * 6


def test_not_every_stream_is_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    paper = Paper(Clock(), 0.0)
    monkeypatch.setenv("TERM", "xterm")
    assert redraws(paper)
    assert not redraws(io.StringIO())
    monkeypatch.setenv("TERM", "dumb")
    assert not redraws(paper)
    assert not terminal.encodes(io.TextIOWrapper(io.BytesIO(), "latin-1"), BLOCKS.heights)


# --- signs ------------------------------------------------------------------------------------


def test_sparklines() -> None:
    assert sparkline([0.0, 1.0, 2.0, 7.0, math.nan], 0.0, 7.0, BLOCKS) == "▁▂▃█ "
    assert sparkline([3.0, 3.0], 3.0, 3.0, BLOCKS) == "▄▄"
    assert sparkline([0.0, 7.0], 0.0, 7.0, ASCII) == "_#"
    assert sparkline([math.nan], math.nan, math.nan, ASCII) == " "


def test_progress_bars() -> None:
    for share in np.linspace(-0.1, 1.1, 50):
        for glyphs in (BLOCKS, ASCII):
            done, left = progress_bar(float(share), 12, glyphs)
            assert len(done + left) == 12
    assert progress_bar(1.0, 4, ASCII) == ("####", "")
    assert progress_bar(0.5, 4, ASCII) == ("##", "..")
    assert progress_bar(0.53125, 4, BLOCKS) == ("██▏", "░")


def test_cells_of_wide_letters() -> None:
    assert [cells("abc"), cells("市場"), cells("e\u0301")] == [3, 4, 1]
    assert [clip("市場", 3), clip("abc", 2), clip("abc", -1)] == ["市", "ab", ""]
    assert [pad("市場", 3), pad("a", 3, right=True)] == ["市 ", "  a"]


def test_durations() -> None:
    assert [clock(each) for each in (0.0, 7.4, 59.6, 754.0, 3723.0)] == [
        "0:00",
        "0:07",
        "1:00",
        "12:34",
        "1:02:03",
    ]
