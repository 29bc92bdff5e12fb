"""What agents have left at posts from one tick to the next."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.types import I64


def no_numbers() -> I64:
    """Return an empty column of int64."""
    return np.empty(0, np.int64)


@dataclass(slots=True)
class Book:
    """Entries that the posts of one mechanism keep; further columns are added by subclasses.

    Every column has one row an entry, in an order that follows from what happened alone.  It is
    part of the state, and an entry goes when its agent dies or its post is removed.

    Attributes
    ----------
    post, agent
        int64 (m,), post id and agent id.
    """

    post: I64 = field(default_factory=no_numbers)
    agent: I64 = field(default_factory=no_numbers)
