"""docs/validity.md says what benchmarks/validity.py computes."""

from __future__ import annotations

import dataclasses
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "validity.md").read_text("utf-8")


def program() -> Any:
    """Return benchmarks/validity.py as a module."""
    path = ROOT / "benchmarks" / "validity.py"
    spec = importlib.util.spec_from_file_location("validity", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    before = list(sys.path)
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path[:] = before
    return module


VALIDITY = program()
CASES = [
    pytest.param(case, id=case.key, marks=[] if case.cheap else pytest.mark.slow)
    for case in VALIDITY.CASES
]


@pytest.mark.parametrize("case", CASES)
def test_a_case_holds_and_the_page_says_so(case: Any) -> None:
    figures = case.run()
    assert [each.name for each in figures if not each.ok] == []
    told = VALIDITY.section(case, figures)
    assert told in PAGE, "results have moved: python benchmarks/validity.py --write"


def test_the_page_has_all_cases_and_nothing_else() -> None:
    headings = [line[3:] for line in PAGE.splitlines() if line.startswith("## ")]
    assert headings == [f"{case.key} {case.title}" for case in VALIDITY.CASES]
    assert {case.number for case in VALIDITY.CASES} >= set(range(1, 15))
    assert VALIDITY.HEADING in PAGE
    assert "FAILS |" not in PAGE
    for case in VALIDITY.CASES:
        assert f"| [{case.key}](#" in PAGE


def test_some_cases_only(capsys: pytest.CaptureFixture[str]) -> None:
    assert VALIDITY.main(["--only", "V4", "V1"]) == 0
    told = capsys.readouterr().out
    assert told.index("V1  Edgeworth box") < told.index("V4  Quasi-linear logarithms")
    assert "V2" not in told
    assert told.splitlines()[-1] == "cases: 2, figures: 6, all hold"


def test_for_machines(capsys: pytest.CaptureFixture[str]) -> None:
    assert VALIDITY.main(["--only", "V4", "--json"]) == 0
    (told,) = json.loads(capsys.readouterr().out)
    assert told["case"] == "V4"
    assert told["holds"] is True
    assert told["figures"][0] == {
        "figure": "p_A",
        "published": "0.650000",
        "obtained": "0.650000",
        "tolerance": "1e-05",
        "verdict": "holds",
    }


def test_what_fails_is_seen(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wrong = VALIDITY.Figure("price", "2.00", "3.00", "exact", ok=False)
    case = VALIDITY.CASES[0]
    failing = dataclasses.replace(case, run=lambda: [*case.run(), wrong], reason="it is a trial")
    monkeypatch.setattr(VALIDITY, "CASES", (failing,))
    assert VALIDITY.main(["--only", "V1"]) == 1
    told = capsys.readouterr().out
    assert "FAILS" in told
    assert "it is a trial" in told
    assert told.splitlines()[-1] == "cases: 1, figures: 5, 1 FAIL"
    page = VALIDITY.page({"V1": failing.run()})
    assert "| price | 2.00 | 3.00 | exact | FAILS |" in page
    assert "Fails because: it is a trial." in page
    assert "Edgeworth box | 5 | FAILS |" in page


def test_a_strange_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        VALIDITY.main(["--only", "V99"])
    assert refused.value.code == 2
    assert "there is no case V99; there is: V1, V2" in capsys.readouterr().err
