"""`ecs-market report`: a page about a run, or several side by side."""

from __future__ import annotations

import sys
from argparse import Namespace
from pathlib import Path

from ecs_market.cli import report
from ecs_market.errors import InputError
from ecs_market.reporting import write_comparison, write_report

PAGE = "report.html"
"""What a report is called if nobody names it."""


def report_page(options: Namespace) -> int:
    """Write the page, and say where it is."""
    target = _target(options.runs) if options.out is None else Path(options.out)
    if options.out is not None and not options.out.strip():
        raise InputError("-o: the name of the report is missing")
    if len(options.runs) == 1:
        written = write_report(options.runs[0], target, force=options.force)
    else:
        written = write_comparison(options.runs, target, force=options.force)
    for notice in written.notices:
        print(f"ecs-market: {notice}", file=sys.stderr)
    if options.json:
        place = {"report": str(written.path), "bytes": written.size, "runs": options.runs}
        print(report.as_json(place | {"notices": list(written.notices)}))
    else:
        print(f"{written.path} ({written.size / 1e6:.1f} MB)")
    return 0


def _target(runs: list[str]) -> Path:
    """Return where the page goes: beside a run's database, or here if it is of several runs."""
    if len(runs) > 1:
        return Path(PAGE)
    place = Path(runs[0])
    return (place if place.is_dir() else place.parent) / PAGE
