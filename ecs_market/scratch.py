"""What a tick computes and forgets: arrays a row of the agents' arena, and the tick's events.

Nothing here is state: the next tick reads none of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecs_market.types import F32, F64, I8, I32, I64, Bool

# How many partners an agent keeps in mind.
CANDIDATES = 8
# Under the bargaining rules there are, each side expects half of the pair's gain.
PARTNER_SHARE = 0.5


def _no(dtype: Any) -> Any:
    return lambda: np.empty(0, dtype)


@dataclass(slots=True)
class MatchingScratch:
    """Candidates and choices of a tick, a row of the arena each.

    Attributes
    ----------
    rate, curvature
        float32 (n, K): marginal rate [M / unit] and minus its slope [M / unit^2].
    best_market, market_value
        Post id and discounted value [M] of the best post; -1 and 0 without one.
    best_patch, patch_value
        The same for resource patches.
    candidates, candidate_row, candidate_weight
        Number, rows and discounted total gains [M] of the best partners, best first; without
        entries while nobody looks for them in a large world.
    overlooked
        bool (n,): whose pairs found no room in the list of the other, of which there may be some.
    candidate_surplus
        The gains that are not discounted, where matching ranks by them; else without columns.
    promise
        What the agent would gain at the prices it knows of its best post [M]; without entries
        unless posts have a reputation.
    choice_kind, choice_target, choice_value
        What the agent would like best; a partner by its row.
    mate
        The row of the partner that matching found, below 0 without one.
    """

    rate: F32 = field(default_factory=_no(np.float32))
    curvature: F32 = field(default_factory=_no(np.float32))
    best_market: I32 = field(default_factory=_no(np.int32))
    market_value: F32 = field(default_factory=_no(np.float32))
    promise: F32 = field(default_factory=_no(np.float32))
    best_patch: I32 = field(default_factory=_no(np.int32))
    patch_value: F32 = field(default_factory=_no(np.float32))
    candidates: I8 = field(default_factory=_no(np.int8))
    candidate_row: I32 = field(default_factory=_no(np.int32))
    candidate_weight: F32 = field(default_factory=_no(np.float32))
    overlooked: Bool = field(default_factory=_no(np.bool_))
    candidate_surplus: F32 = field(default_factory=lambda: np.empty((0, 0), np.float32))
    choice_kind: I8 = field(default_factory=_no(np.int8))
    choice_target: I32 = field(default_factory=_no(np.int32))
    choice_value: F32 = field(default_factory=_no(np.float32))
    mate: I32 = field(default_factory=_no(np.int32))

    def provide(self) -> None:
        """Make room for what has been found, unless there is."""
        rows = len(self.choice_kind)
        if len(self.candidate_row) == rows:
            return
        self.best_market = np.full(rows, -1, np.int32)
        self.market_value = np.zeros(rows, np.float32)
        self.best_patch = np.full(rows, -1, np.int32)
        self.patch_value = np.zeros(rows, np.float32)
        self.candidate_row = np.zeros((rows, CANDIDATES), np.int32)
        self.candidate_weight = np.zeros((rows, CANDIDATES), np.float32)

    def release(self) -> None:
        """Give back the room of what has been found; choices stay."""
        self.candidates[:] = 0
        for name in (
            *("best_market", "market_value", "best_patch", "patch_value"),
            *("candidate_row", "candidate_weight", "candidate_surplus"),
        ):
            setattr(self, name, getattr(self, name)[:0].copy())


@dataclass(slots=True)
class Scratch:
    """All scratch of a world.

    Attributes
    ----------
    search
        What search and matching hand on, a row of the arena each.
    before_x, before_y
        Positions before movement: every agent walks towards where its target was.
    at_post
        Row of the post that the agent joined, -1 without one.
    filled, waiting
        Whether the agent traded or harvested; whether its post does not clear in this tick.
    heard_price
        float64 (posts, K): what a post broadcasts [M / unit], 0 where it has nothing to say.
    confidence
        float64 (posts,): how far the price is trusted at the post itself, 0 without a price.
    index
        The spatial index of traders, a `kernels.spatial.TraderIndex`.
    orders
        Who stands at which post, a `mechanisms.members.Attendance`.
    clearings, bargains
        What the tick's mechanisms and bargaining report.
    tallies
        What these add up to: a `totals.Tally` of posts and one of pairs.
    harvested
        int64 (K,), lots harvested in this tick.
    """

    search: MatchingScratch = field(default_factory=MatchingScratch)
    before_x: I32 = field(default_factory=_no(np.int32))
    before_y: I32 = field(default_factory=_no(np.int32))
    at_post: I32 = field(default_factory=_no(np.int32))
    filled: Bool = field(default_factory=_no(np.bool_))
    waiting: Bool = field(default_factory=_no(np.bool_))
    heard_price: F64 = field(default_factory=_no(np.float64))
    confidence: F64 = field(default_factory=_no(np.float64))
    index: Any = None
    orders: Any = None
    clearings: list[Any] = field(default_factory=list)
    bargains: Any = None
    tallies: Any = None
    harvested: I64 = field(default_factory=_no(np.int64))

    def allocate(self, rows: int, goods: int) -> None:
        """Make room for `rows` rows; contents are lost if there was less."""
        if len(self.filled) >= rows > 0 and self.search.rate.shape[-1:] == (goods,):
            return
        self.search = MatchingScratch(
            rate=np.zeros((rows, goods), np.float32),
            curvature=np.zeros((rows, goods), np.float32),
            candidates=np.zeros(rows, np.int8),
            overlooked=np.zeros(rows, np.bool_),
            choice_kind=np.zeros(rows, np.int8),
            choice_target=np.full(rows, -1, np.int32),
            mate=np.full(rows, -1, np.int32),
            choice_value=np.zeros(rows, np.float32),
        )
        self.search.provide()
        self.before_x = np.zeros(rows, np.int32)
        self.before_y = np.zeros(rows, np.int32)
        self.at_post = np.full(rows, -1, np.int32)
        self.filled = np.zeros(rows, np.bool_)
        self.waiting = np.zeros(rows, np.bool_)
