"""`ecs-market init`: the file it writes is complete, valid, and runs."""

from __future__ import annotations

import json
import re
from pathlib import Path

import jsonschema
import pytest
import yaml

from ecs_market.cli import main
from ecs_market.cli.init import SCHEMA_NAME
from ecs_market.scenario import load_scenario, loads, scenario_schema


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    assert main(["init"]) == 0
    return tmp_path / "scenario.yaml"


def test_it_runs_as_it_stands(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert sorted(path.name for path in written.parent.iterdir()) == [SCHEMA_NAME, "scenario.yaml"]
    assert main(["validate", "scenario.yaml"]) == 0
    assert main(["run", "scenario.yaml", "--ticks", "30", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out.split("ok\n")[1])
    assert summary["market_trades"] > 0
    assert summary["scenario"] == "scenario"


def test_the_first_line_leads_to_the_schema(written: Path) -> None:
    text = written.read_text("utf-8")
    assert text.startswith("# yaml-language-server: $schema=ecs_market.schema.json\n")
    assert "http" not in text
    schema = json.loads(written.with_name(SCHEMA_NAME).read_text("utf-8"))
    assert schema == scenario_schema()
    jsonschema.Draft202012Validator(schema).validate(yaml.safe_load(text))


def test_every_default_that_it_names_is_the_default(written: Path) -> None:
    text = written.read_text("utf-8")
    spelled = re.sub(r"(?m)^( *)# (?=\w+: )", r"\1", text.split("\n", 1)[1])
    assert len(spelled) < len(text) - 40
    assert loads(spelled) == loads(text)
    assert load_scenario(written) == loads(text)


def test_nothing_is_overwritten(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = written.read_bytes()
    assert main(["init"]) == 2
    assert "scenario.yaml exists already" in capsys.readouterr().err
    assert main(["init", "other name.yaml"]) == 0
    assert load_scenario(written.with_name("other name.yaml")).name == "other name"
    written.with_name(SCHEMA_NAME).write_text("{}")
    assert main(["init", "third.yaml"]) == 2
    assert "is of another version" in capsys.readouterr().err
    assert not written.with_name("third.yaml").exists()
    assert written.with_name(SCHEMA_NAME).read_text() == "{}"
    assert written.read_bytes() == before


def test_a_folder_that_is_not_there(written: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "no/such/place.yaml"]) == 2
    error = capsys.readouterr().err
    assert "no/such/place.yaml: can't be written: No such file or directory" in error
    assert error.count("\n") == 1
