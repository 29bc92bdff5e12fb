"""The command line: what it prints, writes and refuses."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from ecs_market import Simulation, __version__, load_scenario
from ecs_market.bench import economy, lattice
from ecs_market.cli import main, report
from ecs_market.cli.output import OutputFolder, numbered
from ecs_market.errors import InputError, SimulationError
from ecs_market.scenario import from_dict

ROOT = Path(__file__).resolve().parent.parent
SMALL = """\
grid: {width: 8, height: 8}
market_posts:
  - {id: 0, location: [4, 4], mechanism: walrasian}
agents:
  count: 6
  inventories: {A: [10, 20], B: [10, 20], M: [100, 200]}
  utilities:
    - {type: cobb_douglas, exponents: [0.6, 0.4], count: 3}
    - {type: linear, weights: [0.7, 0.3], count: 3}
ticks: 4
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in an empty folder with one small scenario."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "small.yaml").write_text(SMALL, encoding="utf-8")
    return tmp_path


def left(folder: Path) -> list[str]:
    """Return what lies in a folder besides the scenario."""
    return sorted(path.name for path in folder.iterdir() if path.name != "small.yaml")


def said(errors: str) -> str:
    """Return what went to stderr besides the news that kernels are compiled."""
    lines = errors.splitlines(keepends=True)
    return "".join(line for line in lines if "compiling kernels, once for this" not in line)


def command(*arguments: str) -> tuple[int, str]:
    """Run the command line here; argparse's own exit counts as a status."""
    try:
        return main(arguments), ""
    except SystemExit as leaving:
        return int(leaving.code or 0), "usage"


# --- run ------------------------------------------------------------------------------------


def test_run_prints_a_summary_and_keeps_it(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "small.yaml", "--seed", "3"]) == 0
    printed = capsys.readouterr()
    assert said(printed.err) == ""
    assert printed.out.startswith("small: 4 ticks, 6 agents, seed 3\n")
    for word in (
        "walrasian_auctioneer",
        "bilateral",
        "gains from trade",
        "harvest",
        "agent-ticks/s",
    ):
        assert word in printed.out
    folder = here / "runs" / "small-s3-001"
    assert sorted(path.name for path in folder.iterdir()) == ["run.db", "summary.json"]
    summary = json.loads((folder / "summary.json").read_text(encoding="utf-8"))
    assert summary["state_hash"] in printed.out
    assert (summary["ticks"], summary["status"], summary["version"]) == (
        4,
        "completed",
        __version__,
    )
    with sqlite3.connect(folder / "run.db") as database:
        assert database.execute("SELECT count(*) FROM ticks").fetchone() == (4,)
    database.close()


def test_json_is_json_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "small.yaml", "--ticks", "2", "--json"]) == 0
    printed = capsys.readouterr()
    summary = json.loads(printed.out)
    assert said(printed.err) == ""
    assert (summary["ticks"], summary["agents"], summary["seed"]) == (2, 6, 0)
    assert Path(summary["output"]["summary"]).read_text(encoding="utf-8") == printed.out
    assert Path(summary["output"]["folder"]).parts == ("runs", "small-s0-001")


def test_runs_are_numbered_and_alike(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(2):
        assert main(["run", "small.yaml"]) == 0
    capsys.readouterr()
    texts = [path.read_text(encoding="utf-8") for path in sorted(here.glob("runs/*/summary.json"))]
    hashes = {json.loads(text)["state_hash"] for text in texts}
    assert left(here / "runs") == ["small-s0-001", "small-s0-002"]
    assert len(hashes) == 1


@pytest.mark.parametrize(
    "option",
    [
        ("--threads", "2"),
        ("--telemetry-level", "off"),
        ("--telemetry-level", "full"),
        ("--snapshot-every", "2"),
        ("--snapshot-agents", "0"),
    ],
)
def test_threads_and_levels_change_no_result(
    option: tuple[str, str], here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hashes = set()
    for extra in ((), option):
        assert main(["run", "small.yaml", "--json", *extra]) == 0
        hashes.add(json.loads(capsys.readouterr().out)["state_hash"])
    assert len(hashes) == 1


def test_snapshots_are_as_asked(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = ["--snapshot-every", "2", "--snapshot-agents", "3"]
    assert main(["run", "small.yaml", "--ticks", "4", "--json", *chosen]) == 0
    path = json.loads(capsys.readouterr().out)["output"]["database"]
    connection = sqlite3.connect(path)
    try:
        seen = connection.execute("SELECT tick, agent_id FROM agents").fetchall()
        said = connection.execute("SELECT snapshot_agents, snapshot_every, ticks FROM runs")
        assert said.fetchall() == [(3, 2, 4)]
    finally:
        connection.close()
    assert seen == [(tick, ident) for tick in (-1, 0, 2) for ident in (0, 2, 4)]


def test_set_changes_the_scenario(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hashes = []
    for extra in ([], ["--set", "params.move_budget_per_tick=2", "--set", "ticks=3"]):
        assert main(["run", "small.yaml", "--json", *extra]) == 0
        summary = json.loads(capsys.readouterr().out)
        hashes.append((summary["ticks"], summary["state_hash"]))
    assert [ticks for ticks, _ in hashes] == [4, 3]


def test_out_is_made_with_its_parents(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "small.yaml", "--ticks", "1", "--out", "a/b"]) == 0
    capsys.readouterr()
    assert sorted(path.name for path in (here / "a" / "b").iterdir()) == ["run.db", "summary.json"]
    assert not (here / "runs").exists()


def test_an_existing_out_is_refused(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "old").mkdir()
    (here / "old" / "precious").write_text("kept", encoding="utf-8")
    assert main(["run", "small.yaml", "--out", "old"]) == 2
    assert "old: exists already" in capsys.readouterr().err
    assert [path.name for path in (here / "old").iterdir()] == ["precious"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["nowhere.yaml"], "nowhere.yaml"),
        (["."], "."),
        (["small.yaml", "--set", "params.vision_radus=3"], "vision_radius"),
        (["small.yaml", "--set", "params.vision_radius=wide"], "vision_radius"),
        (["small.yaml", "--set", "params.vision_radius"], "params.vision_radius"),
        (["small.yaml", "--ticks", "-1"], "-1 is below 0"),
        (["small.yaml", "--ticks", "many"], "'many' is not a whole number"),
        (["small.yaml", "--seed", str(2**63)], "is above"),
        (["small.yaml", "--threads", "0"], "0 is below 1"),
        (["small.yaml", "--telemetry-level", "loud"], "invalid choice"),
        (["small.yaml", "--snapshot-every", "-1"], "-1 is below 0"),
        (["small.yaml", "--snapshot-agents", "all"], "'all' is not a whole number"),
        (["small.yaml", "--out", ""], "--out"),
        (["small.yaml", "--out", "small.yaml/inside"], "small.yaml/inside"),
        (["small.yaml", "--nonsense"], "--nonsense"),
    ],
)
def test_bad_input_is_one_message_and_writes_nothing(
    arguments: list[str], said: str, here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _ = command("run", *arguments)
    printed = capsys.readouterr()
    assert status == 2
    assert said.replace("/", os.sep) in printed.err
    assert "Traceback" not in printed.err
    assert printed.out == ""
    assert left(here) == []


def test_a_refused_simulation_leaves_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import ecs_market.simulation

    def refuse(*_: Any, **__: Any) -> None:
        raise InputError("not like this")

    monkeypatch.setattr(ecs_market.simulation, "Simulation", refuse)
    assert main(["run", "small.yaml", "--out", "a/b"]) == 2
    assert capsys.readouterr().err == "ecs-market: error: not like this\n"
    assert left(here) == []


def test_a_faulty_file_is_reported_by_line(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SMALL.replace("location: [4, 4]", "location: [9, 4]").replace("count: 6", "count: 7")
    (here / "bad.yaml").write_text(text, encoding="utf-8")
    for arguments in (["run", "bad.yaml"], ["validate", "bad.yaml"]):
        assert main(arguments) == 2
        printed = capsys.readouterr()
        assert "bad.yaml:3:" in printed.err
        assert "ecs-market: 2 faults found" in printed.err
    (here / "bad.yaml").unlink()
    assert left(here) == []


def test_a_failed_run_says_where_its_record_is(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ecs_market.simulation import Simulation

    def fail(*_: Any, **__: Any) -> None:
        raise SimulationError("it broke")

    monkeypatch.setattr(Simulation, "run", fail)
    assert main(["run", "small.yaml", "--out", "broken"]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.splitlines() == [
        "ecs-market: what was recorded before is in broken",
        "ecs-market: error: it broke",
    ]
    assert (here / "broken" / "run.db").exists()


def _heed_interrupts() -> None:
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.skipif(os.name == "nt", reason="a test can't send Ctrl-C there")
def test_an_interrupted_run_keeps_whole_ticks(here: Path) -> None:
    arguments = ["run", "small.yaml", "--ticks", "100000000", "--out", "long", "--json"]
    process = subprocess.Popen(
        [sys.executable, "-m", "ecs_market", *arguments],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # Tests that a shell runs in the background hand down that Ctrl-C is ignored.
        preexec_fn=_heed_interrupts,  # noqa: PLW1509 -- it only calls signal
    )
    try:
        deadline = time.monotonic() + 120
        while not (here / "long" / "run.db").exists() and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(2.0)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
    finally:
        process.kill()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    summary = json.loads(out)
    assert summary["status"] == "interrupted"
    database = sqlite3.connect(here / "long" / "run.db")
    assert database.execute("SELECT count(*) FROM ticks").fetchone() == (summary["ticks"],)
    database.close()


# --- the other commands ---------------------------------------------------------------------


def test_validate_says_ok(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "small.yaml", "walrasian_two_markets"]) == 0
    assert capsys.readouterr().out == "small.yaml: ok\nwalrasian_two_markets: ok\n"


def test_validate_goes_on_after_a_fault(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["validate", "nowhere.yaml", "small.yaml"]) == 2
    printed = capsys.readouterr()
    assert printed.out == "small.yaml: ok\n"
    assert "nowhere.yaml" in printed.err


def test_schema_accepts_the_small_scenario(capsys: pytest.CaptureFixture[str]) -> None:
    import jsonschema
    import yaml

    assert main(["schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(yaml.safe_load(SMALL), schema)


def test_info_names_versions_and_places(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["info", "--json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert facts["ecs_market"] == __version__
    assert facts["cores"] >= facts["default_threads"] >= 1
    assert facts["numba"]
    assert main(["info"]) == 0
    assert f"ecs_market       {__version__}\n" in capsys.readouterr().out


def test_bench_measures(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["bench", "--agents", "300", "--posts", "4", "--ticks", "2", "--threads", "1"]
    assert main([*arguments, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["agent_ticks_per_s"] > 0
    assert result["total_ns_per_agent_tick"] > 0
    assert {"choose", "move"} <= set(result["ns_per_agent_tick"])
    if sys.platform == "linux":
        assert result["bytes_per_agent"] is not None
    assert main(arguments) == 0
    assert "ns an agent-tick" in capsys.readouterr().out


@pytest.mark.parametrize("posts", [0, 1, 2, 7, 100])
def test_bench_posts_stand_on_cells_of_their_own(posts: int) -> None:
    made = economy(100, posts)
    side = made["grid"]["width"]
    places = {tuple(post["location"]) for post in made["market_posts"]}
    assert len(places) == posts
    assert all(0 <= x < side and 0 <= y < side for x, y in places)
    assert from_dict(made).populations[0].count == 100


@pytest.mark.parametrize("agents", [1, 3, 1_000, 1_000_000])
def test_bench_economy_has_its_occupancy(agents: int) -> None:
    scenario = from_dict(economy(agents, 4))
    assert agents / (scenario.grid.width * scenario.grid.height) <= 0.05
    counts = {utility.family: utility.count for utility in scenario.populations[0].utilities}
    assert counts.get("linear", 0) == agents * 3 // 10
    assert sum(counts.values()) == agents


def test_lattice_is_even() -> None:
    assert lattice(4, 8) == [[2, 2], [6, 2], [2, 6], [6, 6]]


@pytest.mark.parametrize("arguments", [[], ["dance"], ["validate"]])
def test_a_wrong_command_shows_the_usage(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(*arguments) == (2, "usage")
    assert "usage: ecs-market" in capsys.readouterr().err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--version") == (0, "usage")
    assert capsys.readouterr().out == f"ecs-market {__version__}\n"


def test_help_names_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("--help") == (0, "usage")
    text = capsys.readouterr().out
    for name in ("run", "validate", "schema", "bench", "info"):
        assert f"    {name} " in text


# --- parts ----------------------------------------------------------------------------------


def test_numbering_goes_on_after_the_highest(here: Path) -> None:
    for name in ("a-s1-001", "a-s1-007", "a-s1-x", "a-s10-009", "b-s1-020"):
        (here / "runs" / name).mkdir(parents=True)
    assert numbered("some/a.yaml", 1).path.name == "a-s1-008"
    assert numbered("c d/ü !.yaml", 0).path.name == "ü_-s0-001"


def test_discard_takes_back_its_own_alone(here: Path) -> None:
    (here / "a").mkdir()
    folder = OutputFolder(Path("a/b/c"))
    folder.database.touch()
    folder.discard()
    assert left(here) == ["a"]
    assert left(here / "a") == []


def test_discard_spares_what_others_put_there(here: Path) -> None:
    folder = OutputFolder(Path("b/c"))
    (here / "b" / "other").touch()
    folder.discard()
    assert left(here / "b") == ["other"]


PRICE = {
    "volume": 9.0,
    "mean": 0.5,
    "dispersion": 0.125,
    "equilibrium": 0.4,
    "smith_alpha": 30.0,
}
WELFARE = {
    "unit": "M",
    "market_gain": 1.5,
    "bilateral_gain": 2.25,
    "fees": 0.25,
    "gain": 4.0,
    "attainable_now": 1.0,
    "attainable": 5.0,
    "efficiency": 0.8,
    "exact": True,
    "gini": 0.5,
    "prices": {"A": PRICE},
    "last_trade_tick": 1100,
    "exhausted": False,
    "threshold": 0.01,
    "reasons": {},
}


def document(**changes: Any) -> dict[str, Any]:
    """Return a summary as `run` has it."""
    post = {
        "id": 0,
        "mechanism": "posted_price",
        "prices": {"A": 0.7123, "M": 1.0},
        "volume": {"A": 1234.5},
        "clears": 3,
        "status": None,
    }
    return {
        "scenario": "small",
        "seed": 7,
        "status": "completed",
        "compiled": True,
        "ticks": 1200,
        "agents": 40,
        "posts": [post],
        "owned_by_posts": {name: {"owned": 0.0, "change": 0.0} for name in "ABM"},
        "market_trades": 5,
        "bilateral_trades": 6,
        "welfare": WELFARE,
        "harvest": {"A": 3.0, "B": 0.125},
        "state_hash": "ab" * 32,
        "elapsed_s": 1.0,
        "ticks_per_s": 1200.0,
        "agent_ticks_per_s": 48000.0,
        "below_subsistence": 0,
        "output": {"folder": "runs/small-s7-001", "database": "runs/small-s7-001/run.db"},
        **changes,
    }


def test_report_aligns_and_names_everything() -> None:
    lines = report.for_people(document()).splitlines()
    assert lines[0] == "small: 1,200 ticks, 40 agents, seed 7"
    assert lines[2] == "post  mechanism     price A   volume A  clears  status"
    assert lines[3] == "   0  posted_price   0.7123  1,234.500       3  -"
    assert "harvest           3 A, 0.125 B" in lines
    gains = "1.50 M at posts, 2.25 M bilateral, 0.25 M of fees; Gini 0.50"
    assert f"gains from trade  {gains}" in lines
    assert "efficiency        80.00 % of 5.00 M attainable" in lines
    assert "prices paid       A 0.5000, dispersion 12.5 %, alpha 30.0 %" in lines
    assert "last trade        tick 1,100; gains not exhausted (1.00 M left)" in lines
    assert lines[-2].endswith("48,000 agent-ticks/s (1.00 s, with compiling)")
    assert "output            runs/small-s7-001 (run.db)" in lines


def test_report_says_what_was_cut_short() -> None:
    posts = document()["posts"] * (report.POSTS_SHOWN + 5)
    nothing = dict.fromkeys(
        ("efficiency", "attainable_now", "exhausted", "last_trade_tick", "gini")
    )
    goods = {f"G{i}": PRICE for i in range(report.GOODS_SHOWN + 2)}
    welfare = WELFARE | nothing | {"prices": goods, "reasons": {"efficiency": "left out"}}
    text = report.for_people(document(posts=posts, status="interrupted", welfare=welfare))
    assert "efficiency        - (left out)" in text
    assert "; ... and 2 more" in text
    assert "... and 5 more" in text
    assert "interrupted before its end" in text
    assert "last trade        none" in text


def test_report_says_what_posts_own() -> None:
    assert "owned by posts" not in report.for_people(document())
    owned = {"A": {"owned": 146.0, "change": 96.0}, "M": {"owned": 3.5, "change": -96.5}}
    text = report.for_people(document(owned_by_posts=owned))
    assert "owned by posts    146.000 A, 3.50 M (-96.50 M since the start)" in text
    goods = {f"G{i}": owned["A"] for i in range(report.GOODS_SHOWN + 2)}
    text = report.for_people(document(owned_by_posts=goods | {"M": owned["M"]}))
    assert "146.000 G3, ..., 3.50 M" in text
    assert "G4" not in text


def test_a_shop_accounts_for_its_stock() -> None:
    with Simulation(load_scenario("posted_prices_with_stock"), telemetry_level="off") as sim:
        start = sim.summary()
        sim.run(20)
        end = sim.summary()
    assert start["owned_by_posts"]["A"] == {"owned": 50.0, "change": 0.0}
    assert start["posts"][0]["account"] == {"A": 50.0, "M": 100.0}
    account = end["posts"][0]["account"]
    assert account["M"] < 100.0
    for name, before in (("A", 50.0), ("M", 100.0)):
        found = end["owned_by_posts"][name]
        assert found["owned"] == account[name]
        assert found["change"] == pytest.approx(account[name] - before, abs=1e-9)


def test_report_without_posts_has_no_table() -> None:
    assert "mechanism" not in report.for_people(document(posts=[], harvest={}))


def test_json_holds_no_nan() -> None:
    import numpy as np

    text = report.as_json({"a": float("nan"), "b": np.int64(3), "c": (np.float64("inf"), "ü")})
    assert json.loads(text) == {"a": None, "b": 3, "c": [None, "ü"]}
