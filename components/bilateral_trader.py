"""Who bargains face to face."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class BilateralTrader:
    """Marks a population whose agents look for partners; without it they never bargain."""
