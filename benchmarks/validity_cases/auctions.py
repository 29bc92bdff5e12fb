"""Auctions of units with induced values."""

from __future__ import annotations

from validity_cases.figures import Case

CASES: tuple[Case, ...] = ()
