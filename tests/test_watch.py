"""A run watched while it goes: what is on a terminal's screen, and what is said elsewhere."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ecs_market import Simulation, load_scenario
from ecs_market.bench import economy
from ecs_market.cli import main
from ecs_market.cli.sparkline import ASCII, BLOCKS
from ecs_market.cli.terminal import Size, cells, safe
from ecs_market.cli.watch import Screen
from ecs_market.cli.watch_frame import Look, Pace, rows_that_fit
from ecs_market.cli.watch_reading import SAMPLES, Gauge, History
from ecs_market.scenario import from_dict
from tests.screens import Clock, Paper, posix

ROOT = Path(__file__).resolve().parent.parent
RUN = ["run", "competing_posts", "--seed", "1", "--json"]
PACE = Pace(30, 100, 12.0, 65.0, 20.0, 800.0)


# --- a real terminal --------------------------------------------------------------------------


def start(where: Path, target: Any, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    """Start the command with its stderr on a terminal or in a file."""
    kept = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    return subprocess.Popen(
        [sys.executable, "-m", "ecs_market", *arguments],
        cwd=where,
        env={**kept, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=target,
        text=True,
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 -- it only calls signal
    )


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@posix
@pytest.mark.parametrize("cold", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_last_frame_is_the_end_of_the_run(tty: Any, tmp_path: Path, cold: bool) -> None:
    """Nothing of what was said about compiling is left below it either."""
    terminal = tty()
    cache = {"NUMBA_CACHE_DIR": str(tmp_path / "cache")} if cold else {}
    with start(tmp_path, terminal.slave, *RUN, "--watch", "--ticks", "60", **cache) as process:
        printed, _ = process.communicate(timeout=300)
    lines = terminal.settled()
    summary = json.loads(printed)
    assert process.returncode == 0
    assert lines[0].startswith("█" * 30)
    assert "100 %  tick 60 of 60" in lines[0]
    assert "Competing posts  seed 1, 60 agents, 2 posts" in lines[1]
    assert lines[2].startswith(f"{summary['market_trades']:,} trades, 100 % at posts")
    for post in summary["posts"]:
        for good in ("A", "B"):
            (row,) = [each for each in lines if re.match(rf" +{post['id']}  {good} ", each)]
            assert f" {post['prices'][good]:,.4f} " in row
            assert f" {post['volume'][good]:,.3f} " in row
            assert row.endswith(post["status"])
    assert not terminal.screen.cursor.hidden
    assert terminal.screen.cursor.y == sum(map(bool, lines))
    assert not terminal.screen.history.top


@posix
def test_watching_changes_no_result(tty: Any, tmp_path: Path) -> None:
    hashes = []
    for extra in ([], ["--watch"]):
        with start(tmp_path, tty().slave, *RUN, "--ticks", "20", *extra) as process:
            printed, _ = process.communicate(timeout=300)
        hashes.append(json.loads(printed)["state_hash"])
    assert hashes[0] == hashes[1]


@posix
def test_an_interrupt_leaves_a_whole_record_and_a_last_frame(tty: Any, tmp_path: Path) -> None:
    terminal = tty()
    options = ["--ticks", "100000000", "--watch", "--out", "long"]
    with start(tmp_path, terminal.slave, *RUN, *options) as process:
        deadline = time.monotonic() + 200
        while not re.search(rb"tick [1-9]", terminal.raw):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        printed, _ = process.communicate(timeout=100)
    lines = terminal.settled()
    assert process.returncode == 130
    ticks = json.loads(printed)["ticks"]
    assert f"tick {ticks:,} of 100,000,000" in "\n".join(lines)
    assert "ecs-market: interrupted; whole ticks up to here are kept" in lines
    assert not terminal.screen.cursor.hidden
    with closing(sqlite3.connect(tmp_path / "long" / "run.db")) as database:
        assert database.execute("SELECT count(*) FROM ticks").fetchone() == (ticks,)


@posix
@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_signs_follow_the_encoding(encoding: str, tty: Any, tmp_path: Path) -> None:
    terminal = tty()
    options = ["--watch", "--ticks", "3"]
    with start(
        tmp_path, terminal.slave, *RUN, *options, PYTHONIOENCODING=encoding, PYTHONUTF8="0"
    ) as process:
        process.communicate(timeout=300)
    terminal.settled()
    assert (max(terminal.raw) < 128) == (encoding != "utf-8")
    assert (b"####" in terminal.raw) == (encoding != "utf-8")


@posix
def test_colours_can_be_refused(tty: Any, tmp_path: Path) -> None:
    coloured = []
    for environ in ({}, {"NO_COLOR": "1"}):
        terminal = tty()
        options = ["--watch", "--ticks", "2"]
        with start(tmp_path, terminal.slave, *RUN, *options, **environ) as process:
            process.communicate(timeout=300)
        terminal.settled()
        coloured.append(re.search(rb"\x1b\[\d+m", terminal.raw) is not None)
    assert coloured == [True, False]


# --- where there is no terminal -----------------------------------------------------------------


def test_elsewhere_each_tenth_is_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main([*RUN, "--watch", "--ticks", "40", "--out", "kept"]) == 0
    printed = capsys.readouterr()
    assert json.loads(printed.out)["ticks"] == 40
    lines = [line for line in printed.err.splitlines() if line.startswith("tick ")]
    assert len(lines) >= 10
    assert "\x1b" not in printed.err
    with closing(sqlite3.connect(tmp_path / "kept" / "run.db")) as database:
        for line in lines:
            done = int(line.split()[1])
            (trades,) = database.execute(
                "SELECT sum(market_trades + bilateral_trades) FROM ticks WHERE tick < ?", [done]
            ).fetchone()
            assert (f" {trades:,} trades," in line) if trades else ("no trades yet" in line)
            for good, price, post in re.findall(r"(\w+) ([\d.]+) at post (\d+)", line):
                (last,) = database.execute(
                    "SELECT price FROM market_prices_units WHERE market_id = ? AND commodity = ?"
                    " AND tick < ? ORDER BY tick DESC LIMIT 1",
                    [int(post), good, done],
                ).fetchone()
                assert float(price) == pytest.approx(last, abs=5e-5)
    tenths = {int(line.split()[1]) for line in lines}
    assert tenths >= {4, 8, 12, 16, 20, 24, 28, 32, 36, 40}


@posix
def test_a_dumb_terminal_gets_lines(tty: Any, tmp_path: Path) -> None:
    terminal = tty()
    options = ["--watch", "--ticks", "10"]
    with start(tmp_path, terminal.slave, *RUN, *options, TERM="dumb") as process:
        process.communicate(timeout=300)
    assert any(line.startswith("tick 10 of 10 (100 %)") for line in terminal.settled())
    assert b"\x1b" not in terminal.raw


# --- a frame ----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def ran() -> Iterator[Simulation]:
    with Simulation(load_scenario("competing_posts"), seed=1) as simulation:
        simulation.run(30)
        yield simulation


def plain(lines: list[list[tuple[str, str]]]) -> list[str]:
    return ["".join(text for text, _ in line) for line in lines]


@pytest.mark.parametrize("height", [1, 2, 3, 4, 6, 7, 8, 9, 30])
def test_every_size_has_a_frame(height: int, ran: Simulation) -> None:
    look = Look(BLOCKS, "utf-8")
    gauge = Gauge(ran)
    for width in range(1, 200, 3):
        size = Size(width, height)
        reading = gauge.read(0.0, rows_that_fit(size))
        frame = look.frame(reading, PACE, size)
        assert len(frame) < max(height, 3)
        assert len(reading.rows) <= rows_that_fit(size)
        for line in plain(frame[4:]):
            assert cells(line) <= max(width, 64)


def test_columns_go_before_sparklines_do(ran: Simulation) -> None:
    look, gauge = Look(ASCII, "ascii"), Gauge(ran)
    heads = {
        width: plain(look.frame(gauge.read(0.0, 10), PACE, Size(width, 30)))[4].split()
        for width in (28, 36, 60, 120)
    }
    assert heads[28] == ["post", "good", "price"]
    assert heads[36] == ["post", "good", "price", "so", "far"]
    assert heads[60] == ["post", "good", "price", "so", "far", "volume", "status"]
    assert heads[120] == ["post", "good", "low", "price", "high", "so", "far", "volume", "status"]


def test_names_cannot_command_the_terminal() -> None:
    assert safe("a\x1b[2J\nb\u202e", "utf-8") == "a?[2J?b?"
    assert safe("Käse 市", "ascii") == "K?se ?"
    scenario = load_scenario("single_walrasian").to_dict() | {"name": "\u5e02\u5834 \u0007 x"}
    with Simulation(from_dict(scenario)) as simulation:
        reading = Gauge(simulation).read(0.0, 5)
        title = plain(Look(BLOCKS, "utf-8").frame(reading, PACE, Size(80, 24)))[1]
    assert title.startswith("\u5e02\u5834 ? x  seed")


def test_the_most_traded_are_shown() -> None:
    with Simulation(economy(4000, 8), telemetry_level="summary") as simulation:
        gauge = Gauge(simulation)
        gauge.read(0.0, 4)
        simulation.run(8)
        reading = gauge.read(10.0, 4)
        worth: dict[tuple[int, str], int] = {}
        prices = simulation.telemetry.query(
            "SELECT market_id, commodity, price FROM market_prices ORDER BY tick"
        )
        last = {(post, good): price for post, good, price in prices}
        for post, good, lots in simulation.telemetry.query(
            "SELECT market_id, commodity, sum(quantity_traded) FROM market_clears GROUP BY 1, 2"
        ):
            worth[post, good] = lots * last[post, good]
    shown = {(row.post, row.good) for row in reading.rows}
    least = min(worth[key] for key in shown)
    assert len(shown) == 4
    assert reading.left_out == 8 * 2 - 4
    assert all(value <= least for key, value in worth.items() if key not in shown)
    assert least > 0


def test_a_post_that_is_gone_is_no_longer_shown() -> None:
    with Simulation(load_scenario("competing_posts"), seed=1) as simulation:
        gauge = Gauge(simulation)
        simulation.run(3)
        assert {row.post for row in gauge.read(0.0, 9).rows} == {0, 1}
        simulation.remove_market_post(0)
        simulation.step()
        assert {row.post for row in gauge.read(0.1, 9).rows} == {1}
        simulation.add_market_post((5, 5), mechanism="posted_price")
        simulation.step()
        assert {row.post for row in gauge.read(9.0, 9).rows} == {1, 2}


def test_history_keeps_both_ends_however_long() -> None:
    history = History()
    for tick in range(0, 30 * SAMPLES, 3):
        history.add(tick, {(0, 0): float(tick), (0, 1): math.nan})
    line = history.line((0, 0), 40)
    assert len(line) == 40
    assert (line[0], line[-1]) == (0.0, line[-1])
    assert line[-1] == 30 * SAMPLES - 3
    assert np.allclose(np.diff(line), line[-1] / 39, atol=30 * 3)
    assert history.range((0, 0)) == (0.0, 30 * SAMPLES - 3)
    assert all(map(math.isnan, history.range((0, 1))))
    history.add(30 * SAMPLES, {(0, 1): 2.0})
    assert history.line((0, 0), 40) == []
    assert history.range((0, 1)) == (2.0, 2.0)


@pytest.mark.parametrize(("takes", "most"), [(0.0, 42), (0.02, 7)])
def test_frames_take_a_hundredth_of_the_time(
    takes: float, most: int, ran: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    timer = Clock()
    paper = Paper(timer, takes)
    monkeypatch.setattr(sys, "stderr", paper)
    with Screen(ran, 1000, timer) as screen:
        for _ in range(1000):
            timer.now += 0.01
            screen(ran)
    assert most - 2 <= paper.frames <= most
    assert sys.stderr is paper
