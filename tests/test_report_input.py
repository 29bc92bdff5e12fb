"""Runs that can't be reported, files that must not be overwritten: one message, exit status 2."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
from pathlib import Path

import pytest

from ecs_market import Simulation
from ecs_market.cli import main
from ecs_market.reporting import reading
from ecs_market.scenario import from_dict
from tests.reports import WALKERS, change, page_data, record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small run's database; copy it before changing it."""
    return record(tmp_path_factory.mktemp("run") / "run.db", 8)


@pytest.fixture
def run(tmp_path: Path, recorded: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of a run in a folder of its own; work beside it."""
    (tmp_path / "run").mkdir()
    shutil.copy(recorded, tmp_path / "run" / "run.db")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "run" / "run.db"


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Return the one line that a refused command prints."""
    assert main(["report", *arguments]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    (line,) = printed.err.splitlines()
    assert line.startswith("ecs-market: error: ")
    return line.removeprefix("ecs-market: error: ")


def test_folder_and_database_are_the_same_run(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "run"]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.startswith(str(Path("run") / "report.html"))
    first = page_data(run.parent / "report.html")
    assert main(["report", str(run), "-o", "mine.html", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["report"] == "mine.html"
    assert told["bytes"] == Path("mine.html").stat().st_size
    second = page_data(Path("mine.html"))
    assert first["runs"][0]["snapshots"] == second["runs"][0]["snapshots"]
    assert sorted(path.name for path in run.parent.iterdir()) == ["report.html", "run.db"]


def test_a_report_is_replaced_and_nothing_else(
    run: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["report", "run", "-o", "x.html"]) == 0
    assert main(["report", "run", "-o", "x.html"]) == 0
    Path("notes.html").write_text("my notes", "utf-8")
    capsys.readouterr()
    assert "exists and is no report" in refused(capsys, "run", "-o", "notes.html")
    assert Path("notes.html").read_text("utf-8") == "my notes"
    assert main(["report", "run", "-o", "notes.html", "--force"]) == 0
    capsys.readouterr()
    before = run.read_bytes()
    assert "is the run itself" in refused(capsys, "run", "-o", str(run), "--force")
    assert run.read_bytes() == before


def test_places_where_nothing_can_be_written(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "does not exist" in refused(capsys, "run", "-o", "no/such/x.html")
    assert "is a folder" in refused(capsys, "run", "-o", "run")
    assert "name of the report is missing" in refused(capsys, "run", "-o", " ")


def test_what_is_missing_or_foreign(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "there is no such run" in refused(capsys, "nowhere")
    Path("empty").mkdir()
    assert "there is no run.db in this folder" in refused(capsys, "empty")
    Path("zero.db").touch()
    assert "is empty" in refused(capsys, "zero.db")
    Path("text.db").write_text("not at all a database", "utf-8")
    assert "no SQLite file" in refused(capsys, "text.db")
    with sqlite3.connect("other.db") as other:
        other.execute("CREATE TABLE films (name)")
    other.close()
    assert "another program" in refused(capsys, "other.db")
    assert "name of a run is empty" in refused(capsys, "")
    assert "given twice" in refused(capsys, "run", str(run))


def test_other_versions(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(run, "PRAGMA user_version = 1")
    line = refused(capsys, "run")
    assert "by ecs_market 0.1.0 in database version 1" in line
    assert "run the scenario again" in line
    change(run, "PRAGMA user_version = 99")
    assert "install that version or a newer one" in refused(capsys, "run")


@pytest.mark.parametrize(
    "statement",
    [
        "DROP TABLE trades",
        "ALTER TABLE ticks RENAME COLUMN market_gain TO gain",
        "DELETE FROM runs",
        "UPDATE runs SET scenario = '{'",
        "UPDATE runs SET scenario = '[]'",
        "UPDATE runs SET goods = NULL",
        "UPDATE runs SET level = 'loud'",
        "UPDATE runs SET grid_width = NULL",
    ],
)
def test_altered_databases(run: Path, statement: str, capsys: pytest.CaptureFixture[str]) -> None:
    change(run, statement)
    assert "damaged" in refused(capsys, "run")


@pytest.mark.parametrize("checked", [True, False])
def test_damaged_databases_never_end_in_a_traceback(
    run: Path, checked: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if not checked:  # as with a file that is too large to look at every page beforehand
        monkeypatch.setattr(reading, "_CHECKED_BYTES", 0)
    body, draw, refusals = run.read_bytes(), random.Random(3), 0
    for number in range(60):
        damaged = bytearray(body)
        if number % 3 == 0:
            del damaged[draw.randrange(100, len(body)) :]
        elif number % 3 == 1:
            for _ in range(200):
                damaged[draw.randrange(100, len(body))] = draw.randrange(256)
        else:
            start = draw.randrange(len(body) - 8192)
            damaged[start : start + 8192] = bytes(8192)
        Path("damaged.db").write_bytes(damaged)
        status = main(["report", "damaged.db", "-o", "x.html"])
        printed = capsys.readouterr()
        assert status in (0, 2)
        if status == 2:
            assert len(printed.err.splitlines()) == 1, printed.err
            refusals += 1
    assert refusals > 30


def test_a_run_that_goes_on_is_shown_up_to_its_last_tick(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, page = tmp_path / "run.db", tmp_path / "x.html"
    with Simulation(from_dict(WALKERS), seed=1, telemetry=base) as simulation:
        simulation.run(5)
        simulation.telemetry.flush()
        assert main(["report", str(base), "-o", str(page)]) == 0
        simulation.run(1)
    said = capsys.readouterr().err
    assert said == (
        "ecs-market: This run is not finished, or was cut off: it is shown up to its last whole"
        " tick, 4.\n"
    )
    (run,) = page_data(page)["runs"]
    assert run["facts"]["ticks"] == 5
    assert run["facts"]["notices"] == [said.removeprefix("ecs-market: ").rstrip()]


def test_all_that_is_read_is_of_one_moment(tmp_path: Path) -> None:
    base = tmp_path / "run.db"
    with Simulation(from_dict(WALKERS), seed=1, telemetry=base) as simulation:
        simulation.run(5)
        simulation.telemetry.flush()
        with reading.opened(base) as database:
            simulation.run(5)
            simulation.telemetry.flush()
            assert database.rows("SELECT count(*) FROM ticks") == [(5,)]
        with reading.opened(base) as database:
            assert database.rows("SELECT count(*) FROM ticks") == [(10,)]


def test_a_run_that_was_killed_is_read_with_its_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    base, left = tmp_path / "run.db", tmp_path / "left"
    left.mkdir()
    with Simulation(from_dict(WALKERS), seed=1, telemetry=base) as simulation:
        simulation.run(6)
        simulation.telemetry.flush()
        for name in ("run.db", "run.db-wal"):  # as they lie there after a power cut
            shutil.copy(tmp_path / name, left / name)
    assert (left / "run.db-wal").stat().st_size > 0
    assert main(["report", str(left)]) == 0
    assert "last whole tick, 5" in capsys.readouterr().err
    (run,) = page_data(left / "report.html")["runs"]
    assert run["facts"]["ticks"] == 6


def test_several_runs_go_into_one_page_here(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.copytree(tmp_path / "run", tmp_path / "again")
    assert main(["report", "run", "again"]) == 0
    assert capsys.readouterr().out.startswith("report.html (")
    assert len(page_data(tmp_path / "report.html")["runs"]) == 2
    change(tmp_path / "again" / "run.db", "PRAGMA user_version = 1")
    assert refused(capsys, "run", "again").startswith("again: ")
    assert "at most 12" in refused(capsys, *[f"run{i}" for i in range(13)])


def test_a_run_that_failed_says_so(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    change(run, "UPDATE runs SET failure = 'ValueError: no'")
    assert main(["report", "run"]) == 0
    assert "This run failed (ValueError: no)" in capsys.readouterr().err


def test_help_says_what_is_overwritten(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["report", "--help"])
    assert "is replaced; any other file only with --force" in " ".join(
        capsys.readouterr().out.split()
    )
