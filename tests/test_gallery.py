"""The gallery shows every shipped scenario as it is, and says of a run what its database says."""

from __future__ import annotations

import importlib.util
import re
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from matplotlib import image

from tests.browser import chromium

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "gallery.md"
CLAIMS = yaml.safe_load((ROOT / "tests" / "gallery.yaml").read_text("utf-8"))
LARGEST = 120_000  # bytes of a picture


def load() -> ModuleType:
    """Return docs/pictures.py."""
    file = ROOT / "docs" / "pictures.py"
    spec = importlib.util.spec_from_file_location("pictures", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["pictures"] = module  # where its dataclass looks for its types
    spec.loader.exec_module(module)
    return module


PICTURES = load()


def sections() -> dict[str, str]:
    """Return the page's sections by scenario, a line each."""
    _, *parts = re.split(r"(?m)^## ", PAGE.read_text("utf-8"))
    named = [part.partition("\n") for part in parts]
    assert len({name for name, _, _ in named}) == len(named)
    return {name: re.sub(r"\s+", " ", body) for name, _, body in named}


def shipped() -> list[str]:
    return sorted(file.stem for file in (ROOT / "scenarios").glob("*.yaml"))


def as_written(template: str, values: list[Any]) -> str:
    """Fill in the values; percentages are written apart from their sign, as on the page."""
    return re.sub(r"(\d)%", r"\1 %", template.format(*values))


def test_every_scenario_is_there_once() -> None:
    assert sorted(sections()) == shipped() == sorted(CLAIMS)
    listed = re.findall(r"(?m)^\| \[(\w+)\]\(#\1\) \|", PAGE.read_text("utf-8"))
    assert listed == list(sections())
    assert [each.scenario for each in PICTURES.PICTURES] == listed


@pytest.mark.parametrize("picture", PICTURES.PICTURES, ids=lambda each: each.scenario)
def test_a_section_has_its_commands_and_its_picture(picture: Any) -> None:
    body = sections()[picture.scenario]
    run = " ".join(["ecs-market run", picture.scenario, "--out", f"runs/{picture.scenario}"])
    command = " ".join([run, *picture.options])
    assert f"$ {command} $ ecs-market report runs/{picture.scenario} ```" in body
    ((text, file),) = re.findall(r"!\[(.*?)\]\((.*?)\)", body)
    assert len(text) > 60
    assert file == f"pictures/{picture.scenario}.png"


def test_pictures_are_all_used_and_modest() -> None:
    made = {file for each in PICTURES.PICTURES for file in PICTURES.files(each).values()}
    assert made == set(PICTURES.FOLDER.iterdir())
    for file in made:
        assert file.stat().st_size <= LARGEST, file.name
        height, width, _ = image.imread(file).shape
        assert width == PICTURES.WIDE * PICTURES.SCALE
        assert 0.5 * width < height < 1.2 * width


def test_the_readme_begins_with_the_picture_by_day_and_by_night() -> None:
    head = (ROOT / "README.md").read_text("utf-8").split("## ")[0]
    ((source, shown, text),) = re.findall(
        r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="(.*?)">'
        r'\s*<img src="(.*?)"[^>]* alt="(.*?)">\s*</picture>',
        head,
    )
    files = PICTURES.files(next(p for p in PICTURES.PICTURES if p.scenario == PICTURES.HEAD))
    assert {"light": ROOT / shown, "dark": ROOT / source} == files
    assert len(text) > 60


@pytest.mark.parametrize("picture", PICTURES.PICTURES, ids=lambda each: each.scenario)
def test_the_page_says_what_the_run_was(picture: Any, tmp_path: Path) -> None:
    run, told = PICTURES.record(picture, tmp_path)
    for file in PICTURES.files(picture).values():
        assert PICTURES.shown_run(file) == told, "results have moved: python docs/renew.py"
    body = sections()[picture.scenario]
    with closing(sqlite3.connect(run / "run.db")) as database:
        for claim in CLAIMS[picture.scenario]:
            values = [value for row in database.execute(claim["query"]) for value in row]
            assert as_written(claim["says"], values) in body


def test_pictures_can_be_made_again(tmp_path: Path) -> None:
    """The same program gives pictures of the same width, whatever fonts there are."""
    with chromium():
        pass  # skips where there is none
    picture = next(p for p in PICTURES.PICTURES if p.scenario == "edgeworth_box")
    (made,) = PICTURES.make([picture], tmp_path)
    (kept,) = PICTURES.files(picture).values()
    new, old = image.imread(made), image.imread(kept)
    assert new.shape[1] == old.shape[1]
    assert new.shape[0] == pytest.approx(old.shape[0], rel=0.25)
    assert PICTURES.shown_run(made) == PICTURES.shown_run(kept)
    assert len({tuple(each) for each in new.reshape(-1, new.shape[2])}) > 50
