"""Published and closed-form results against what this version computes.

    python benchmarks/validity.py                  # all cases
    python benchmarks/validity.py --only V1 V8     # some of them
    python benchmarks/validity.py --json           # for machines
    python benchmarks/validity.py --write          # all, and docs/validity.md anew

The exit status is 1 if a figure is outside its tolerance.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from validity_cases import auctions, bargaining, exchange, sizes, stability  # needs the path
from validity_cases.figures import Case, Figure

PAGE = Path(__file__).resolve().parent.parent / "docs" / "validity.md"
MODULES = (exchange, bargaining, auctions, sizes, stability)
CASES: tuple[Case, ...] = tuple(
    sorted((case for module in MODULES for case in module.CASES), key=lambda case: case.number)
)
COLUMNS = ("figure", "published", "obtained", "tolerance", "verdict")
HEADING = """# Validity

What published work and closed forms say, and what this version computes. This page is written by

```console
$ .venv-dev/bin/python benchmarks/validity.py --write
```

which computes every figure on it, the same ones every time (a minute or two). `--only V1 V8` prints
some of the cases, `--json` is for machines, and the exit status is 1 if a figure is outside its
tolerance. Everything goes through the public interface, `clear` and `Simulation`, as each case
says. The model's formulas are on [their own page](model.md).

A tolerance is the largest distance allowed; *range* and *bound* are met by any number inside, and
*3 s.e.* means three standard errors of the simulated mean, with fixed seeds. `FAILS` stands where a
figure is not met, with the reason.
"""


def row(figure: Figure) -> tuple[str, str, str, str, str]:
    """Return a figure as it is printed, in the order of `COLUMNS`."""
    return figure.name, figure.published, figure.obtained, figure.tolerance, figure.verdict


def overview(found: dict[str, list[Figure]]) -> str:
    """Return the table of all cases, a line each."""
    lines = ["| case | result | figures | verdict |", "|---|---|---|---|"]
    for case in CASES:
        anchor = f"{case.key} {case.title}".lower().replace(" ", "-")
        anchor = "".join(letter for letter in anchor if letter.isalnum() or letter == "-")
        here = found[case.key]
        verdict = "holds" if all(each.ok for each in here) else "FAILS"
        lines.append(f"| [{case.key}](#{anchor}) | {case.title} | {len(here)} | {verdict} |")
    return "\n".join(lines) + "\n"


def section(case: Case, figures: list[Figure]) -> str:
    """Return a case's part of the page."""
    lines = [f"## {case.key} {case.title}", "", case.setting, ""]
    lines += [f"- Source: {'; '.join(case.sources)}.", f"- Computed by {case.way}.", ""]
    if not all(each.ok for each in figures):
        lines[-1:] = [f"- Fails because: {case.reason or 'not known'}.", ""]
    lines += [f"| {' | '.join(COLUMNS)} |", "|---|---|---|---|---|"]
    for figure in figures:
        # A bar would end the cell.
        lines.append(f"| {' | '.join(each.replace('|', chr(92) + '|') for each in row(figure))} |")
    return "\n".join(lines) + "\n"


def page(found: dict[str, list[Figure]]) -> str:
    """Return docs/validity.md."""
    parts = [HEADING, overview(found), *(section(case, found[case.key]) for case in CASES)]
    return "\n".join(parts)


def show(case: Case, figures: list[Figure]) -> None:
    """Print a case."""
    print(f"{case.key}  {case.title}")
    for source in case.sources:
        print(f"    {source}")
    for name, published, obtained, tolerance, verdict in map(row, figures):
        print(f"    {name:<50} {published:>25} {obtained:>20}  {tolerance:<18} {verdict}")
    if not all(each.ok for each in figures):
        print(f"    fails because: {case.reason or 'not known'}")
    print(flush=True)


def record(case: Case, figures: list[Figure]) -> dict[str, Any]:
    """Return a case for machines."""
    return {
        "case": case.key,
        "title": case.title,
        "sources": list(case.sources),
        "setting": case.setting,
        "holds": all(each.ok for each in figures),
        "figures": [dict(zip(COLUMNS, row(each), strict=True)) for each in figures],
    }


def main(arguments: list[str] | None = None) -> int:
    """Run the cases asked for."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    known = [case.key for case in CASES]
    parser.add_argument("--only", nargs="+", metavar="CASE", help=f"any of {', '.join(known)}")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--write", action="store_true", help="write docs/validity.md")
    options = parser.parse_args(arguments)
    strange = [name for name in options.only or () if name not in known]
    if strange:
        parser.error(f"there is no case {strange[0]}; there is: {', '.join(known)}")
    if options.write and options.only:
        parser.error("--write writes the whole page; leave out --only")
    found: dict[str, list[Figure]] = {}
    for case in CASES:
        if options.only and case.key not in options.only:
            continue
        found[case.key] = case.run()
        if not options.json:
            show(case, found[case.key])
    if options.json:
        print(json.dumps([record(c, found[c.key]) for c in CASES if c.key in found], indent=2))
    if options.write:
        PAGE.write_text(page(found), "utf-8")
    failed = sum(not each.ok for figures in found.values() for each in figures)
    if not options.json:
        count = sum(map(len, found.values()))
        told = "all hold" if not failed else f"{failed} FAIL"
        print(f"cases: {len(found)}, figures: {count}, {told}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
