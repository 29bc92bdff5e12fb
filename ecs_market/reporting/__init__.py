"""Reports: one HTML page that shows what happened in a run, or in several side by side."""

from __future__ import annotations

from ecs_market.reporting.report import Written, write_comparison, write_live, write_report

__all__ = ["Written", "write_comparison", "write_live", "write_report"]
