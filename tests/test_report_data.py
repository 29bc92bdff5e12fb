"""What a report holds: exactly packed columns, fair samples, the database's numbers."""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ecs_market import Simulation, load_scenario
from ecs_market.errors import InputError
from ecs_market.reporting import write_comparison, write_report
from ecs_market.reporting.compare import differences, labels_of
from ecs_market.reporting.encoding import pack
from ecs_market.reporting.page import as_script_text
from ecs_market.reporting.sampling import evenly, extremes
from ecs_market.scenario import loads
from tests.reports import NAUGHTY, change, million, page_data, query, record, shipped, unpack


@given(st.lists(st.integers(-(2**52) + 1, 2**52 - 1), max_size=40))
def test_whole_numbers_are_packed_exactly(values: list[int]) -> None:
    packed = pack(np.array(values, np.int64))
    assert "whole" in packed
    assert unpack(packed) == values


@given(st.lists(st.none() | st.floats(allow_nan=False) | st.integers(-(2**60), 2**60), max_size=40))
def test_floats_and_gaps_are_packed_exactly(values: list[float | None]) -> None:
    column = np.array([math.nan if value is None else float(value) for value in values])
    found = unpack(pack(column))
    assert found == [None if value is None else float(value) for value in values]


def test_small_steps_take_a_byte_each() -> None:
    packed = pack(np.arange(10**12, 10**12 + 6000) // 3)
    assert len(packed["whole"]) < 6000 * 4 / 3 + 20


@given(
    st.lists(st.floats(-1e9, 1e9) | st.just(math.nan), min_size=1, max_size=400),
    st.integers(4, 60),
)
def test_thinning_keeps_ends_and_extremes(values: list[float], most: int) -> None:
    column = np.array(values)
    kept = extremes([column], most)
    assert {0, len(values) - 1} <= set(kept.tolist())
    assert len(kept) <= max(most, 4)
    assert (np.diff(kept) > 0).all()
    known = column[~np.isnan(column)]
    if len(known):
        assert np.nanmax(column[kept]) == known.max()
        assert np.nanmin(column[kept]) == known.min()


def test_even_choices_hold_both_ends() -> None:
    assert evenly(3, 10).tolist() == [0, 1, 2]
    assert evenly(101, 5).tolist() == [0, 25, 50, 75, 100]
    assert evenly(0, 5).tolist() == []


def columns(data: dict[str, Any]) -> dict[str, list[float | None]]:
    return {name: unpack(packed) for name, packed in data["columns"].items()}


def test_series_are_the_database_s(tmp_path: Path) -> None:
    base = shipped(tmp_path / "run.db", 60)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    assert run["facts"]["ticks"] == 60
    ticks = columns(run["series"])
    wanted = query(base, "SELECT tick, market_trades, bilateral_gain FROM ticks ORDER BY tick")
    found = zip(ticks["tick"], ticks["market_trades"], ticks["bilateral_gain"], strict=True)
    assert list(found) == wanted
    assert ticks["total_market_trades"][-1] == sum(row[1] for row in wanted)

    clears = columns(run["market"]["clears"])
    goods, statuses = run["market"]["goods"], run["market"]["statuses"]
    rows = [
        (goods[int(good or 0)], statuses[int(status or 0)], *rest)
        for good, status, *rest in zip(
            *(clears[name] for name in ("good", "status", "market", "tick", "price", "traded")),
            strict=True,
        )
    ]
    assert rows == query(
        base,
        "SELECT commodity, status, market_id, tick, clearing_price, quantity_traded"
        " FROM market_clears ORDER BY market_id, commodity, tick",
    )
    traded = columns(run["market"]["traded"])
    assert sum(traded["quantity"]) == query(base, "SELECT sum(quantity) FROM trade_prices")[0][0]  # type: ignore[arg-type]  # columns of numbers


def test_means_of_all_trades_weigh_every_unit_once(tmp_path: Path) -> None:
    base = shipped(tmp_path / "run.db", 60)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    overall = columns(run["market"]["overall"])
    rows = query(base, "SELECT commodity, tick, price, quantity FROM trades")
    assert len(overall["tick"]) > 5
    for good, tick, mean, deviation in zip(
        *(overall[name] for name in ("good", "tick", "mean", "deviation")), strict=True
    ):
        name = run["market"]["goods"][int(good or 0)]
        units = [(p, q) for g, t, p, q in rows if g == name and t == tick]
        prices = np.repeat([p for p, _ in units], [q for _, q in units])
        assert mean == pytest.approx(prices.mean())
        assert deviation == pytest.approx(prices.std(), abs=1e-3 * prices.mean())


def test_clears_are_counted_by_post_and_tick(tmp_path: Path) -> None:
    base = shipped(tmp_path / "run.db", 60)
    write_report(base, tmp_path / "report.html")
    market = page_data(tmp_path / "report.html")["runs"][0]["market"]
    counts = market["status_counts"]
    assert counts["stretch"] == 1
    columns = [unpack(counts["columns"][name]) for name in ("tick", "status", "count")]
    found = {
        (tick, market["statuses"][int(status or 0)]): count
        for tick, status, count in zip(*columns, strict=True)
    }
    wanted: dict[tuple[int, str], int] = {}
    rows = set(query(base, "SELECT tick, market_id, status FROM market_clears"))
    for tick, _, status in rows:
        wanted[tick, status] = wanted.get((tick, status), 0) + 1
    assert found == wanted
    assert len(rows) < query(base, "SELECT count(*) FROM market_clears")[0][0]


def test_snapshots_are_the_database_s(tmp_path: Path) -> None:
    base = record(tmp_path / "run.db", 15)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    snapshots = run["snapshots"]
    ids, ticks = unpack(snapshots["ids"]), unpack(snapshots["ticks"])
    assert ticks == list(range(-1, 15))
    fields = {name: unpack(packed) for name, packed in snapshots["fields"].items()}
    found = {
        (ticks[at % len(ticks)], ids[at // len(ticks)]): (
            fields["x"][at], fields["y"][at], fields["wealth"][at], fields["gain"][at],
            snapshots["kinds"][int(fields["kind"][at] or 0)],
        )
        for at in range(len(ids) * len(ticks))
    }  # fmt: skip
    wanted = query(base, "SELECT tick, agent_id, x, y, wealth, gain, target_kind FROM agents")
    assert found == {row[:2]: row[2:] for row in wanted}
    families = [snapshots["families"][int(code or 0)] for code in unpack(snapshots["family"])]
    assert families == ["cobb_douglas"] * 5 + ["linear"] * 4


def test_gini_is_the_welfare_report_s(tmp_path: Path) -> None:
    with Simulation(load_scenario("walrasian_two_markets"), seed=2) as simulation:
        simulation.run(60)
        simulation.report(tmp_path / "report.html")
        wanted = simulation.welfare()["gini"]
        ledger = simulation.ledger()
    (run,) = page_data(tmp_path / "report.html")["runs"]
    assert unpack(run["snapshots"]["measures"]["gain_gini"])[-1] == pytest.approx(wanted)
    assert wanted > 0
    told = run["facts"]["summary"]["ledger"]
    assert told["A"]["harvest"] * 1000 == pytest.approx(ledger["A"]["harvest"])
    assert run["facts"]["notices"] == []


def test_memory_and_file_make_the_same_page(tmp_path: Path) -> None:
    pages = []
    for target in (None, tmp_path / "run.db"):
        scenario = load_scenario("walrasian_two_markets")
        with Simulation(scenario, seed=2, telemetry=target) as simulation:
            simulation.run(20)
            simulation.report(tmp_path / "report.html")
            simulation.run(1)  # goes on
        (run,) = page_data(tmp_path / "report.html")["runs"]
        for name in ("market", "snapshots", "patches", "trades", "curves", "pairs"):
            run[name] = json.dumps(run[name])
        pages.append({name: run[name] for name in ("market", "snapshots", "trades", "curves")})
        assert run["facts"]["ticks"] == 20
    assert pages[0] == pages[1]


@pytest.mark.parametrize("level", ["summary", "trades", "orders", "full"])
def test_every_level_makes_a_page_from_memory(tmp_path: Path, level: str) -> None:
    scenario = load_scenario("walrasian_two_markets")
    with Simulation(scenario, seed=2, telemetry_level=level) as simulation:
        simulation.run(8)
        simulation.report(tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    assert run["facts"]["level"] == level
    assert run["trades"]["recorded"] == (level != "summary")


def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    scenario = load_scenario("walrasian_two_markets")
    with (
        Simulation(scenario, telemetry_level="off") as simulation,
        pytest.raises(InputError, match="level 'off'"),
    ):
        simulation.report(tmp_path / "report.html")


def test_the_report_changes_no_run(tmp_path: Path) -> None:
    hashes = []
    for reporting in (False, True):
        with Simulation(load_scenario("walrasian_two_markets"), seed=5) as simulation:
            for _ in range(12):
                simulation.step()
                if reporting:
                    simulation.report(tmp_path / "report.html")
            hashes.append(simulation.state_hash())
    assert hashes[0] == hashes[1]


def test_the_command_repeats_the_run(tmp_path: Path) -> None:
    base = record(tmp_path / "run.db", 12)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    facts = run["facts"]
    assert facts["repeat"]["command"] == (
        "ecs-market run walkers.yaml --seed 7 --ticks 12 --telemetry-level trades"
    )
    with Simulation(loads(facts["scenario"]), seed=7) as simulation:
        simulation.run(12)
        assert simulation.state_hash() == facts["state_hash"]


def test_a_shipped_scenario_is_repeated_by_its_name(tmp_path: Path) -> None:
    base = shipped(tmp_path / "run.db", 3, seed=9)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    again = run["facts"]["repeat"]
    assert again["file"] is None
    assert again["command"].startswith("ecs-market run walrasian_two_markets --seed 9 --ticks 3 ")


def test_text_cannot_leave_its_element(tmp_path: Path) -> None:
    text = as_script_text({NAUGHTY: [NAUGHTY, "\ud800", "]]>"]})
    assert not re.search(r"[<>&\u2028\u2029]", text)
    back = json.loads(text)
    assert back[NAUGHTY][0] == NAUGHTY
    base = record(tmp_path / "run.db", 2, name=NAUGHTY, description=NAUGHTY)
    write_report(base, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    assert page.count("</script>") == 2
    assert page.count("<script") == 2
    (run,) = page_data(tmp_path / "report.html")["runs"]
    assert run["facts"]["name"] == NAUGHTY


def test_the_policy_allows_this_script_alone_and_no_request(tmp_path: Path) -> None:
    write_report(record(tmp_path / "run.db", 1), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text("utf-8")
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy
    assert policy[1].startswith("default-src 'none'; base-uri 'none'; form-action 'none'")
    for element in ("style", "script"):
        body = re.search(rf"<{element}>(.*?)</{element}>", page, re.DOTALL)
        assert body
        digest = base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode()
        assert f"{element}-src 'sha256-{digest}'" in policy[1]
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", page)
    assert "Permission is hereby granted" in page  # uPlot's licence goes where uPlot goes


def test_sizes_hold(tmp_path: Path) -> None:
    base = shipped(tmp_path / "run.db", 1000, level="full")
    assert query(base, "SELECT count(*) FROM agents")[0][0] >= 40 * 1000
    assert write_report(base, tmp_path / "report.html").size < 5_000_000


@pytest.mark.slow
def test_a_million_agents_are_sampled_and_said(tmp_path: Path) -> None:
    base = million(tmp_path / "run.db", posts=10_000)
    written = write_report(base, tmp_path / "report.html")
    assert written.size < 25_000_000
    (run,) = page_data(tmp_path / "report.html")["runs"]
    assert run["snapshots"]["ids"]["n"] == 5_000
    assert len(run["market"]["chosen"]) < 10_000
    assert run["market"]["posts"]["id"]["n"] == 10_000
    traded = columns(run["market"]["traded"])
    assert sum(traded["quantity"]) == query(base, "SELECT sum(quantity) FROM trade_prices")[0][0]  # type: ignore[arg-type]  # columns of numbers


def test_many_agents_are_binned(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ecs_market.reporting.snapshots.AGENTS_SHOWN", 10)
    base = shipped(tmp_path / "run.db", 4)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    snapshots = run["snapshots"]
    assert snapshots["ids"]["n"] == 10
    bins = snapshots["bins"]
    count = np.array(unpack(bins["count"])).reshape(bins["columns"] * bins["rows"], -1)
    assert count.sum(axis=0).tolist() == [40] * 5
    (x, y), = query(base, "SELECT x, y FROM agents WHERE tick = 3 AND agent_id = 39")  # fmt: skip
    assert count[y // bins["size"] * bins["columns"] + x // bins["size"], 4] > 0


def test_long_series_are_thinned_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("market", "series"):
        monkeypatch.setattr(f"ecs_market.reporting.{module}.extremes", partial(extremes, most=40))
    monkeypatch.setattr("ecs_market.reporting.market.SERIES_POINTS", 40)
    base = shipped(tmp_path / "run.db", 150)
    write_report(base, tmp_path / "report.html")
    (run,) = page_data(tmp_path / "report.html")["runs"]
    clears = run["market"]["clears"]
    assert clears["rows"] == query(base, "SELECT count(*) FROM market_clears")[0][0]
    assert clears["kept"] == clears["columns"]["tick"]["n"] < clears["rows"]
    assert run["series"]["kept"] < run["series"]["ticks"] == 150
    ticks = columns(run["series"])
    assert ticks["tick"][-1] == 149
    wanted = query(base, "SELECT sum(market_trades), max(market_trades) FROM ticks")[0]
    assert (ticks["total_market_trades"][-1], max(ticks["market_trades"])) == wanted  # type: ignore[type-var]  # columns of numbers


def test_labels_tell_runs_apart(tmp_path: Path) -> None:
    names = [str(tmp_path / name) for name in ("one/x", "two/x", "two/y", "z/run.db")]
    assert labels_of(names) == ["one/x", "two/x", "y", "z"]
    with pytest.raises(InputError, match="given twice"):
        labels_of([str(tmp_path / "a"), str(tmp_path / "b" / ".." / "a")])


def test_differences_name_what_set_takes() -> None:
    one = load_scenario("walrasian_two_markets").to_dict()
    key = "market_posts.1.mechanism_params.eta"
    two = load_scenario("walrasian_two_markets", [f"{key}=0.2", "params.vision_radius=9"]).to_dict()
    found = {each["key"]: each["values"] for each in differences([one, two])}
    assert found.pop(key) == ["0.1", "0.2"]
    assert found.pop("params.vision_radius") == ["8", "9"]
    assert set(found) <= {"populations.0.vision_radius"}


def test_comparison_holds_all_runs(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    shipped(tmp_path / "a" / "run.db", 20)
    record(tmp_path / "b" / "run.db", 5)
    change(tmp_path / "b" / "run.db", "UPDATE runs SET finished_at = NULL")
    written = write_comparison([tmp_path / "a", tmp_path / "b"], tmp_path / "both.html")
    assert len(written.notices) == 1
    assert written.notices[0].startswith("b: This run is not finished")
    data = page_data(tmp_path / "both.html")
    assert [run["facts"]["label"] for run in data["runs"]] == ["a", "b"]
    assert {"key": "grid.width", "values": ["50", "14"]} in data["differences"]
