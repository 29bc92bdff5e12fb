"""What an import loads and costs, and that the mapped folders have one name only."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import ecs_market

ROOT = Path(__file__).resolve().parent.parent
MAPPED = ("components", "scenarios", "systems")
HEAVY = ("numba", "numpy", "pydantic", "yaml", "esper", "sqlite3", "argparse")


def python(code: str, cwd: Path, path: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Run code in a fresh interpreter that finds the package in `path` alone."""
    environ = {**os.environ, "PYTHONPATH": str(path or cwd)}
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=cwd,
        env=environ,
        capture_output=True,
        text=True,
        check=False,
    )


def test_import_is_light() -> None:
    code = (
        "import time; start = time.perf_counter(); import ecs_market, sys;"
        "took = time.perf_counter() - start;"
        f"print(took, *[name for name in {HEAVY!r} if name in sys.modules])"
    )
    done = python(code, ROOT)
    took, *loaded = done.stdout.split()
    assert not loaded, done.stderr
    assert float(took) < 0.3


def test_every_public_name_is_there() -> None:
    for name in ecs_market.__all__:
        assert getattr(ecs_market, name) is not None
        assert name in dir(ecs_market)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        getattr(ecs_market, "nonsense")  # noqa: B009


def test_logging_is_silent_until_asked_for() -> None:
    code = "import ecs_market, logging; logging.getLogger('ecs_market').warning('unheard')"
    assert python(code, ROOT).stderr == ""


@pytest.mark.parametrize("folder", MAPPED)
def test_bare_folder_is_refused(folder: str) -> None:
    done = python(f"import {folder}", ROOT)
    assert done.returncode == 1
    assert "ImportError: " in done.stderr
    assert f"ecs_market.{folder}" in done.stderr.splitlines()[-1]


@pytest.mark.parametrize("folder", MAPPED)
def test_own_folder_of_that_name_does_not_collide(folder: str, tmp_path: Path) -> None:
    (tmp_path / f"{folder}.py").write_text("MINE = True\n", encoding="utf-8")
    code = (
        f"import {folder}, ecs_market.{folder} as theirs;"
        f"print({folder}.MINE, hasattr(theirs, 'MINE'))"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), str(ROOT)])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(
        command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == ["True", "False"], done.stderr


@pytest.mark.parametrize("links", ["missing", "text files"])
def test_checkout_without_links(links: str, tmp_path: Path) -> None:
    for folder in MAPPED:
        shutil.copytree(ROOT / folder, tmp_path / folder)
    skip = shutil.ignore_patterns(*MAPPED, "__pycache__")
    shutil.copytree(ROOT / "ecs_market", tmp_path / "ecs_market", ignore=skip)
    if links == "text files":
        for folder in MAPPED:
            (tmp_path / "ecs_market" / folder).write_text(f"../{folder}", encoding="utf-8")
    code = "; ".join(f"import ecs_market.{folder} as m; print(m.__file__)" for folder in MAPPED)
    done = python(code, tmp_path)
    files = [Path(line).resolve() for line in done.stdout.splitlines()]
    expected = [(tmp_path / folder / "__init__.py").resolve() for folder in MAPPED]
    assert files == expected, done.stderr


def test_links_are_relative_and_lead_to_the_folders() -> None:
    for folder in MAPPED:
        link = ROOT / "ecs_market" / folder
        if not link.is_symlink():
            pytest.skip("this checkout has no links")
        assert link.readlink() == Path(f"../{folder}")
        assert link.resolve() == ROOT / folder
