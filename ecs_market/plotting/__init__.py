"""Figures of a run for papers, drawn from its telemetry with matplotlib."""

from __future__ import annotations

from ecs_market.plotting.plots import Plots

__all__ = ["Plots"]
