"""Pairing agents that look for a partner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import PARTNER, Intent
from ecs_market.components.pairing import Pairing
from ecs_market.kernels.matching import (
    draw_weights,
    gather_edges,
    gather_suitors,
    match_rounds,
    pair_mutual,
    sort_suitors,
)
from ecs_market.kernels.spatial import accumulate
from ecs_market.types import F32, I8, I64
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
    rows = _seekers(world)
    if len(rows):
        pairs += pair_mutual(
            rows, ids, world.agent_rows, search.choice_kind, search.choice_target, partner
        )
        left = rows[partner[rows] < 0]
        if len(left):
            # A full list holds the best, so that who is not on it comes after all who are.
            pairs += _heaviest_first(
                world, left, gather_suitors, search.candidate_weight, search.candidates
            )
    return pairs


def greedy_surplus(world: World) -> int:
    """Pair greedily by the pair's total gain, however far apart; return the number of pairs.

    This is sequential greedy matching over all edges of the candidate lists, the largest gain
    first, ties by the lower ids.
    """
    return _all_edges(world, world.scratch.search.candidate_surplus)


def random_pairs(world: World) -> int:
    """Pair at random; return the number of pairs.

    Pairs that have not met yet go on.  Then, of all edges of the candidate lists that are still
    possible, each is as likely to be the next pair as any other, until none is left.
    """
    search, intent = world.scratch.search, world.agents.whole(Intent)
    drawn = np.zeros(search.candidate_weight.shape, np.float32)
    for table in world.tables(Intent, Pairing):
        world.over(
            table.start,
            table.stop,
            draw_weights,
            world.seed,
            world.tick,
            world.agents.whole(Identity).id,
            intent.kind,
            intent.target,
            intent.since,
            search.candidates,
            search.candidate_row,
            drawn,
        )
    return _all_edges(world, drawn)


MATCHINGS: dict[str, Callable[[World], int]] = {
    "three_pass": three_pass,
    "greedy_surplus": greedy_surplus,
    "random": random_pairs,
}


def _seekers(world: World) -> I64:
    """Return the rows of agents that want a partner."""
    chosen = world.scratch.search.choice_kind
    found = [
        table.start + np.flatnonzero(chosen[table.start : table.stop] == PARTNER)
        for table in world.tables(Intent, Pairing)
    ]
    return np.concatenate([np.empty(0, np.int64), *found])


def _all_edges(world: World, weight: F32) -> int:
    rows = _seekers(world)
    if not len(rows):
        return 0
    return _heaviest_first(world, rows, gather_edges, weight, np.zeros(world.agents.end, np.int8))


def _heaviest_first(
    world: World, seekers: I64, gather: Callable[..., Any], weight: F32, own: I8
) -> int:
    """Match greedily by weight; `own` says how much of an agent's list comes before the rest.

    `gather` collects that rest, which is then sorted.
    """
    search, barred = world.scratch.search, world.agents.whole(Barred)
    ids = world.agents.whole(Identity).id
    bars = (barred.kind, barred.target, barred.until)
    rows = world.agents.end
    open_to = np.zeros(rows, np.bool_)
    open_to[seekers] = True
    ends = np.zeros(rows + 1, np.int32)
    lists = (seekers, world.tick, ids, search.candidates, search.candidate_row, weight)
    no_row, no_weight = np.empty(0, np.int32), np.empty(0, np.float32)
    gather(*lists, open_to, *bars, ends, False, no_row, no_weight)
    accumulate(ends)
    other_row = np.empty(ends[-1], np.int32)
    other_weight = np.empty(ends[-1], np.float32)
    starts = ends.copy() if ends[-1] else ends
    gather(*lists, open_to, *bars, starts, True, other_row, other_weight)
    first, last = starts[1:], ends[1:]
    sort_suitors(seekers, ids, first, last, other_row, other_weight)
    return match_rounds(
        seekers,
        world.tick,
        ids,
        own,
        search.candidate_row,
        open_to,
        *bars,
        first,
        last,
        other_row,
        np.zeros(rows, np.int32),
        np.full(rows, -1, np.int32),
        world.agents.whole(Pairing).partner,
    )
