"""Write new numbers into the pages that show real output: python docs/renew.py."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import notebook
import pictures
from worked_tick import BLOCKS, PAGE, trace

ROOT = Path(__file__).resolve().parents[1]
README = ROOT / "README.md"
SUMMARY = re.compile(r"(```text\n)(walrasian_two_markets: .*?)(```)", re.DOTALL)


def summary() -> str:
    """Return what `ecs-market run` prints, without what differs from machine to machine."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, "-m", "ecs_market", "run"],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            check=True,
            capture_output=True,
            text=True,
        )
    return re.sub(r"(?m)^(speed +).*$", r"\1...", done.stdout)


if __name__ == "__main__":
    text = PAGE.read_text("utf-8")
    PAGE.write_text(BLOCKS.sub(lambda m: m[1] + m[2] + m[3] + trace(text) + m[5], text), "utf-8")
    text = README.read_text("utf-8")
    README.write_text(SUMMARY.sub(lambda m: m[1] + summary() + m[3], text), "utf-8")
    notebook.renew(notebook.FIRST_MARKET)
    lacking = pictures.lacking()
    if lacking:
        print(f"Pictures are as they were: {lacking}.")
    else:
        for file in pictures.make(pictures.PICTURES, all_anew=False):
            print(file.relative_to(ROOT))
