"""Pairs face to face."""

from __future__ import annotations

from validity_cases.figures import Case

CASES: tuple[Case, ...] = ()
