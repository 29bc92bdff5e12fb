"""Telemetry as data frames, for those who have pandas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ecs_market.errors import MarketError
from ecs_market.telemetry.recorder import Recorder

if TYPE_CHECKING:
    import pandas as pd


def to_frame(recorder: Recorder, table: str) -> pd.DataFrame:
    """Return a table or view with its columns in their order; see `Simulation.to_frame`."""
    try:
        import pandas as pd
    except ImportError as error:
        raise MarketError(
            "to_frame needs pandas: pip install 'ecs-market[frames]'; "
            "sim.telemetry.columns(table) gives numpy arrays without it"
        ) from error
    return pd.DataFrame(recorder.columns(table))
