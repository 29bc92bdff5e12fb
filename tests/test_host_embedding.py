"""The documented program runs as it stands."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import ecs_market

PAGE = Path(__file__).parents[1] / "docs" / "embedding.md"


def test_the_documented_program_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    program, ledger_check = blocks
    assert 30 <= len(program.splitlines()) <= 55
    inside = "".join(f"    {line}\n" for line in ledger_check.splitlines())
    script = tmp_path / "program.py"
    script.write_text(program + inside, "utf-8")
    root = str(Path(ecs_market.__file__).parents[1])
    run = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        env={**os.environ, "PYTHONPATH": root},
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("42 agents, mean mood ")
    assert "Ada sees [" in run.stdout
