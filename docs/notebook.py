"""Run a notebook's cells and store what they print and show: python docs/notebook.py [FILE].

Cells run one after the other in this process, as a kernel runs them: what a cell prints, the value
of its last line (unless a semicolon ends it) and its open figures are its outputs. No time, no path
and no version is stored, so that the same results give the same file.
"""

from __future__ import annotations

import ast
import base64
import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import matplotlib as mpl

FIRST_MARKET = Path(__file__).with_name("first_market.ipynb")
METADATA = {
    "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
    "language_info": {"name": "python"},
}


def evaluate(source: str, namespace: dict[str, Any]) -> Any:
    """Run a cell and return the value of its last line if that is an expression."""
    body = ast.parse(source).body
    last = body.pop() if body and isinstance(body[-1], ast.Expr) else None
    exec(compile(ast.Module(body, []), "<cell>", "exec"), namespace)  # noqa: S102 - our own notebook
    if last is None:
        return None
    value = eval(compile(ast.Expression(last.value), "<cell>", "eval"), namespace)  # noqa: S307 - the same
    return None if source.rstrip().endswith(";") else value


def lines(text: str) -> list[str]:
    """Return a text as notebooks store it."""
    return text.splitlines(keepends=True)


def figures() -> list[dict[str, Any]]:
    """Return the open figures as outputs, and close them."""
    from matplotlib import pyplot as plt

    found = []
    for number in plt.get_fignums():
        picture = io.BytesIO()
        plt.figure(number).savefig(picture, format="png", dpi=80, metadata={"Software": None})
        text = base64.b64encode(picture.getvalue()).decode() + "\n"
        data = {"image/png": text, "text/plain": ["<Figure>"]}
        found.append({"output_type": "display_data", "metadata": {}, "data": data})
    plt.close("all")
    return found


def run_cell(source: str, number: int, namespace: dict[str, Any]) -> list[dict[str, Any]]:
    """Run a cell and return its outputs."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        value = evaluate(source, namespace)
    outputs: list[dict[str, Any]] = []
    if printed.getvalue():
        text = lines(printed.getvalue())
        outputs.append({"output_type": "stream", "name": "stdout", "text": text})
    if value is not None:
        data = {"text/plain": lines(repr(value))}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = lines(value._repr_html_())
        outputs.append(
            {
                "output_type": "execute_result",
                "execution_count": number,
                "metadata": {},
                "data": data,
            }
        )
    return outputs + figures()


def executed(notebook: dict[str, Any]) -> dict[str, Any]:
    """Return a notebook with the outputs of all its cells anew."""
    mpl.use("Agg")
    namespace: dict[str, Any] = {"__name__": "__main__"}
    cells, number = [], 0
    for place, cell in enumerate(notebook["cells"], 1):
        made = {"cell_type": cell["cell_type"], "id": f"cell-{place}", "metadata": {}}
        made["source"] = lines("".join(cell["source"]))
        if cell["cell_type"] == "code":
            number += 1
            made["execution_count"] = number
            made["outputs"] = run_cell("".join(cell["source"]), number, namespace)
        cells.append(made)
    return {"cells": cells, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}


def renew(path: Path) -> None:
    """Run a notebook and store its outputs in it."""
    made = executed(json.loads(path.read_text("utf-8")))
    path.write_text(json.dumps(made, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    renew(Path(sys.argv[1]) if len(sys.argv) > 1 else FIRST_MARKET)
