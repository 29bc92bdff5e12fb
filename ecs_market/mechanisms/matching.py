"""Pairing agents that look for a partner."""

from __future__ import annotations

import numpy as np

from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.pairing import Pairing
from ecs_market.kernels.matching import (
    gather_suitors,
    match_rounds,
    pair_mutual,
    sort_suitors,
)
from ecs_market.kernels.spatial import accumulate
from ecs_market.types import I64
from ecs_market.world import World


def three_pass(world: World) -> int:
    """Pair mutual first choices, then the rest greedily by weight; return the number of pairs.

    The second pass gives what sequential greedy matching gives over all edges of the candidate
    lists, heaviest first, ties by the lower ids.
    """
    search = world.scratch.search
    partner = world.agents.whole(Pairing).partner
    ids = world.agents.whole(Identity).id
    pairs = 0
    seekers = []
    for table in world.tables(Intent, Pairing):
        chosen = search.choice_kind[table.start : table.stop] == PARTNER
        seekers.append(table.start + np.flatnonzero(chosen))
    rows = np.concatenate(seekers) if seekers else np.empty(0, np.int64)
    if len(rows):
        pairs += pair_mutual(
            rows, ids, world.agent_rows, search.choice_kind, search.choice_target, partner
        )
        left = rows[partner[rows] < 0]
        if len(left):
            pairs += _greedy(world, left, ids, partner)
    return pairs


def _greedy(world: World, seekers: I64, ids: I64, partner: I64) -> int:
    search = world.scratch.search
    barred = world.agents.whole(Barred)
    bars = (barred.kind, barred.target, barred.until)
    rows = world.agents.end
    open_to = np.zeros(rows, np.bool_)
    open_to[seekers] = True
    ends = np.zeros(rows + 1, np.int32)
    lists = (ids, search.candidates, search.candidate_row, search.candidate_weight)
    no_row, no_weight = np.empty(0, np.int32), np.empty(0, np.float32)
    gather_suitors(seekers, world.tick, *lists, open_to, *bars, ends, False, no_row, no_weight)
    accumulate(ends)
    suitor_row = np.empty(ends[-1], np.int32)
    suitor_weight = np.empty(ends[-1], np.float32)
    starts = ends.copy() if ends[-1] else ends
    gather_suitors(
        seekers, world.tick, *lists, open_to, *bars, starts, True, suitor_row, suitor_weight
    )
    first, last = starts[1:], ends[1:]
    sort_suitors(seekers, ids, first, last, suitor_row, suitor_weight)
    return match_rounds(
        seekers,
        world.tick,
        ids,
        search.candidates,
        search.candidate_row,
        open_to,
        *bars,
        first,
        last,
        suitor_row,
        np.zeros(rows, np.int32),
        np.full(rows, -1, np.int32),
        partner,
    )
