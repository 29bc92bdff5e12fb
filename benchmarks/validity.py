"""Published and closed-form results against what this version computes.

    python benchmarks/validity.py            # all cases
    python benchmarks/validity.py V1 V8      # some of them
    python benchmarks/validity.py --write    # all, and docs/validity.md anew

The exit status is 1 if a figure is outside its tolerance.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validity_cases import auctions, bargaining, exchange, figures  # needs the path

PAGE = Path(__file__).resolve().parent.parent / "docs" / "validity.md"
CASES: tuple[figures.Case, ...] = tuple(
    sorted((*exchange.CASES, *bargaining.CASES, *auctions.CASES), key=lambda case: case.number)
)
HEADING = """# Validity

What published work and closed forms say, and what this version computes. `python
benchmarks/validity.py` computes every figure below; `--write` writes this page.

Each row is one figure; a *range* is met by any number inside it, *s.e.* means that the tolerance is
a number of standard errors of the simulated mean.
"""


def rows(case: figures.Case, found: Iterable[figures.Figure]) -> list[tuple[str, ...]]:
    """Return a case's figures as they are printed."""
    return [
        (case.key, each.name, each.published, each.shown, each.tolerance, each.verdict)
        for each in found
    ]


def page(found: dict[str, list[figures.Figure]]) -> str:
    """Return docs/validity.md."""
    parts = [HEADING]
    for case in CASES:
        parts.append(f"\n## {case.key}: {case.title}\n\n{case.setting}\n\nSource: {case.source}.\n")
        parts.append(
            "| figure | published | obtained | tolerance | verdict |\n|---|---|---|---|---|"
        )
        parts.extend(f"| {' | '.join(row[1:])} |" for row in rows(case, found[case.key]))
    return "\n".join(parts) + "\n"


def main() -> int:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = [case.key for case in CASES]
    parser.add_argument("cases", nargs="*", help=f"any of {', '.join(known)}; all if none is named")
    parser.add_argument("--write", action="store_true", help="write docs/validity.md")
    options = parser.parse_args()
    strange = [name for name in options.cases if name not in known]
    if strange:
        parser.error(f"there is no case {strange[0]}; there is: {', '.join(known)}")
    if options.write and options.cases:
        parser.error("--write writes the whole page and takes no cases")
    found: dict[str, list[figures.Figure]] = {}
    for case in CASES:
        if options.cases and case.key not in options.cases:
            continue
        found[case.key] = case.run()
        print(f"{case.key}  {case.title} ({case.source})")
        for _, name, published, shown, tolerance, verdict in rows(case, found[case.key]):
            print(f"    {name:<46} {published:>16} {shown:>16}  {tolerance:<14} {verdict}")
    if options.write:
        PAGE.write_text(page(found), "utf-8")
        print(f"wrote {PAGE.name}")
    return 0 if all(each.ok for figures_ in found.values() for each in figures_) else 1


if __name__ == "__main__":
    sys.exit(main())
