"""What the pages show is what the code does: links, programs, scenarios, numbers, import order."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from ecs_market.scenario import loads

ROOT = Path(__file__).resolve().parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
# This page's second program goes on inside the first; tests/test_host_embedding.py runs both.
CONTINUED = ROOT / "docs" / "embedding.md"

# From the top to the bottom: a module imports what stands in a later line, in its own or beside it.
LAYERS = (
    {"__main__"},
    {"cli"},
    {"bench", "clearing", "warmup"},
    {"simulation"},
    {
        "schedule",
        "host",
        "report",
        "reporting",
        "run_record",
        "order_book",
        "market_view",
        "notebook",
        "plotting",
        "profiling",
        "footprint",
        "crowding",
    },
    {"welfare_report"},
    {"surplus"},
    {"build", "subsistence"},
    {"scenario", "systems"},
    {"telemetry"},
    {"state_hash", "post_tables", "mechanisms"},
    {"books"},
    {"world"},
    {"arena", "kernels"},
    {"preferences", "scratch", "settings", "totals", "components"},
    {"declared"},
    {"columns", "heap", "units", "registry", "plugins", "welfare"},
    {"types", "errors", "__init__"},
)
LEVEL = {name: level for level, names in enumerate(LAYERS) for name in names}


def blocks(page: Path, language: str) -> list[str]:
    """Return the fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", page.read_text("utf-8"), re.DOTALL)


def programs() -> list[object]:
    return [
        pytest.param(block, id=f"{page.name}-{number}")
        for page in PAGES
        if page != CONTINUED
        for number, block in enumerate(blocks(page, "python"))
    ]


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as GitHub makes them."""
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


def run(code: list[str], cwd: Path) -> str:
    """Run Python in a process of its own and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *code],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"```.*?```", "", page.read_text("utf-8"), flags=re.DOTALL)
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path) if path else page
        assert target.exists(), f"{page.name}: {link}"
        assert not anchor or anchor in anchors(target), f"{page.name}: {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_named_files_exist(page: Path) -> None:
    """A name with a folder and an ending is a file of the checkout or of the package."""
    for name in re.findall(
        r"`([\w./-]+/[\w.-]+\.(?:py|md|yaml|toml|txt))`", page.read_text("utf-8")
    ):
        assert (ROOT / name).exists() or (ROOT / "ecs_market" / name).exists(), name


@pytest.mark.parametrize("program", programs())
def test_programs_run(program: str, tmp_path: Path) -> None:
    run(["-c", program], tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_scenarios_load(page: Path) -> None:
    for block in blocks(page, "yaml"):
        assert loads(block).agent_count > 0


def test_the_worked_tick_is_what_the_engine_computes(tmp_path: Path) -> None:
    page = ROOT / "docs" / "architecture.md"
    section = page.read_text("utf-8").split("## One worked tick")[1]
    shown = re.findall(r"```text\n(.*?)```", section, re.DOTALL)[0]
    told = run([str(ROOT / "docs" / "worked_tick.py")], tmp_path)
    assert shown == told, "results have moved: python docs/renew.py writes the new numbers"


def test_the_summary_of_the_readme_is_real(tmp_path: Path) -> None:
    shown = next(b for b in blocks(ROOT / "README.md", "text") if b.startswith("walrasian_two"))
    told = re.sub(r"(?m)^(speed +).*$", r"\1...", run(["-m", "ecs_market", "run"], tmp_path))
    assert shown == told, "results have moved: python docs/renew.py writes the new summary"


def test_the_cost_of_entities_can_be_measured_again(tmp_path: Path) -> None:
    told = run([str(ROOT / "docs" / "esper_cost.py"), "1000"], tmp_path)
    assert told.startswith("1000 entities of 3 components")


def test_imports_point_one_way() -> None:
    files = [path for path in (ROOT / "ecs_market").rglob("*.py") if not path.is_symlink()]
    files += [*(ROOT / "components").glob("*.py"), *(ROOT / "systems").glob("*.py")]
    upward = set()
    for file in files:
        parts = file.relative_to(ROOT).with_suffix("").parts
        part = parts[1] if parts[0] == "ecs_market" else parts[0]
        upward |= {(part, other) for other in imported(file) if LEVEL[other] < LEVEL[part]}
    # Loops over members of any family build on preferences, which build on the plainest kernels.
    assert upward == {("preferences", "kernels")}


def test_plain_kernels_know_no_preferences() -> None:
    used = set()
    for file in (ROOT / "ecs_market" / "preferences").glob("*.py"):
        used |= set(re.findall(r"from ecs_market\.kernels\.(\w+)", file.read_text("utf-8")))
    for name in used:
        assert "preferences" not in imported(ROOT / "ecs_market" / "kernels" / f"{name}.py")


def imported(file: Path) -> set[str]:
    """Return the parts of ecs_market that a file imports when it runs, not for types alone."""
    tree = ast.parse(file.read_text("utf-8"))
    typing_only = {
        id(node)
        for branch in ast.walk(tree)
        if isinstance(branch, ast.If) and ast.unparse(branch.test) == "TYPE_CHECKING"
        for node in ast.walk(branch)
    }
    found = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.ImportFrom) or id(node) in typing_only:
            continue
        module = (node.module or "").split(".")
        if module[0] != "ecs_market":
            continue
        names = {alias.name for alias in node.names} if len(module) == 1 else {module[1]}
        found |= {"__init__" if name == "__version__" else name for name in names}
    return found
