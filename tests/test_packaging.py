"""What the project's own files promise about its packaging."""

from __future__ import annotations

import ast
import itertools
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent
MAPPED = ("components", "scenarios", "systems")


@pytest.fixture(scope="module")
def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def pins() -> dict[str, str]:
    """Return the pinned versions by normalised name."""
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    pairs = [line.split("==") for line in lines]
    return {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in pairs}


def test_every_package_is_listed(project: dict[str, Any]) -> None:
    engine = ROOT / "ecs_market"
    folders = {file.parent.relative_to(ROOT) for file in engine.rglob("*.py")}
    for mapped in MAPPED:
        folders |= {
            Path("ecs_market") / file.parent.relative_to(ROOT)
            for file in (ROOT / mapped).rglob("*.py")
        }
    found = {".".join(folder.parts) for folder in folders}
    assert found == set(project["tool"]["setuptools"]["packages"])


def test_the_report_s_assets_are_packed(project: dict[str, Any]) -> None:
    folder = ROOT / "ecs_market" / "reporting"
    patterns = project["tool"]["setuptools"]["package-data"]["ecs_market.reporting"]
    packed = {file for pattern in patterns for file in folder.glob(pattern)}
    assert packed == {file for file in (folder / "assets").rglob("*") if file.is_file()}
    assert folder / "assets" / "vendor" / "uPlot" / "LICENSE" in packed


def test_every_asset_is_in_the_page() -> None:
    from ecs_market.reporting.page import ASSETS

    folder = ROOT / "ecs_market" / "reporting" / "assets"
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    assert files == {*ASSETS, "page.html", "vendor/uPlot/LICENSE"}


def test_mapped_folders_are_mapped(project: dict[str, Any]) -> None:
    mapping = project["tool"]["setuptools"]["package-dir"]
    assert mapping == {"ecs_market": "ecs_market"} | {
        f"ecs_market.{folder}": folder for folder in MAPPED
    }


def test_version_is_one_literal(project: dict[str, Any]) -> None:
    import ecs_market

    assert project["project"]["dynamic"] == ["version"]
    tree = ast.parse((ROOT / "ecs_market" / "__init__.py").read_text(encoding="utf-8"))
    values = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__version__"
    ]
    assert values == [ecs_market.__version__]
    assert f"## {ecs_market.__version__}" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_pins_lie_in_the_ranges(project: dict[str, Any]) -> None:
    from packaging.requirements import Requirement

    extras = project["project"]["optional-dependencies"]
    wanted = [*project["project"]["dependencies"], *itertools.chain(*extras.values())]
    for text in wanted:
        requirement = Requirement(text)
        if requirement.name == "ecs-market":
            continue
        name = re.sub(r"[-_.]+", "-", requirement.name).lower()
        assert requirement.specifier.contains(pins()[name]), text


def test_core_dependencies_have_an_upper_bound(project: dict[str, Any]) -> None:
    for text in project["project"]["dependencies"]:
        assert "<" in text, text


def test_dev_covers_the_same_pythons(project: dict[str, Any]) -> None:
    bounds = re.findall(r"\((\d), (\d+)\)", (ROOT / "dev.py").read_text(encoding="utf-8"))[:2]
    (low, high) = (f"{major}.{minor}" for major, minor in bounds)
    assert project["project"]["requires-python"] == f">={low},<{high}"


def test_dev_uses_the_standard_library_alone() -> None:
    tree = ast.parse((ROOT / "dev.py").read_text(encoding="utf-8"))
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(str(node.module).partition(".")[0])
    assert names <= sys.stdlib_module_names


def test_dev_refuses_what_it_does_not_know() -> None:
    command = [sys.executable, str(ROOT / "dev.py"), "dance"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "invalid choice" in done.stderr


def test_dev_leaves_an_environment_alone_that_it_did_not_make(tmp_path: Path) -> None:
    for name in ("dev.py", "constraints.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    theirs = tmp_path / ".venv-dev" / "kept"
    theirs.parent.mkdir()
    theirs.touch()
    for command in ("run", "clean"):
        done = subprocess.run(
            [sys.executable, str(tmp_path / "dev.py"), command],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1
        assert "was not made by dev.py" in done.stderr
        assert theirs.exists()


def test_readme_programs_run(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.DOTALL)
    assert blocks
    for number, block in enumerate(blocks):
        folder = tmp_path / str(number)
        folder.mkdir()
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", block],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert done.stdout.strip()


def test_readme_links_lead_somewhere() -> None:
    for name in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / name).read_text("utf-8")
        for target in re.findall(r"\]\((?!https?:)([^)#]+)", text):
            assert (ROOT / target).exists(), f"{name}: {target}"
