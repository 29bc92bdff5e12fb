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
    count_ends,
    draw_weights,
    find_favourites,
    list_edges,
    list_suitors,
    pair_favourites,
    pair_mutual,
    place_edges,
    sort_suitors,
)
from ecs_market.kernels.spatial import accumulate
from ecs_market.types import F32, I8, I32, I64, Bool
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
        found = world.over(
            0,
            len(rows),
            pair_mutual,
            rows,
            ids,
            world.agent_rows,
            search.choice_kind,
            search.choice_target,
            partner,
        )
        pairs += sum(found)
        left = rows[partner[rows] < 0]
        if len(left):
            # A full list holds the best, so that who is not on it comes after all who are.
            pairs += _heaviest_first(
                world, left, list_suitors, search.candidate_weight, search.candidates
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
    return _heaviest_first(world, rows, list_edges, weight, np.zeros(world.agents.end, np.int8))


def _heaviest_first(
    world: World, seekers: I64, listing: Callable[..., Any], weight: F32, own: I8
) -> int:
    """Match greedily by weight; `own` says how much of an agent's list comes before the rest.

    `listing` finds that rest, which is then sorted.
    """
    search, barred = world.scratch.search, world.agents.whole(Barred)
    ids = world.agents.whole(Identity).id
    bars = (barred.kind, barred.target, barred.until)
    open_to = np.zeros(world.agents.end, np.bool_)
    open_to[seekers] = True
    lists = (seekers, world.tick, ids, search.candidates, search.candidate_row, weight)
    edges = world.over(0, len(seekers), listing, *lists, open_to, *bars)
    first, other_row, other_weight = _by_end(edges, world.agents.end)
    world.over(0, len(seekers), sort_suitors, seekers, ids, first, other_row, other_weight)
    return _rounds(world, seekers, own, open_to, first, other_row)


def _by_end(edges: list[tuple[I32, I32, F32]], rows: int) -> tuple[I32, I32, F32]:
    """Return where the edges of each row start, and others and weights in the order of rows."""
    first = np.zeros(rows + 1, np.int32)
    for end, _, _ in edges:
        count_ends(end, first)
    accumulate(first)
    other_row = np.empty(first[-1], np.int32)
    other_weight = np.empty(first[-1], np.float32)
    places = first[:-1].copy()
    for end, other, weight in edges:
        place_edges(end, other, weight, places, other_row, other_weight)
    return first, other_row, other_weight


def _rounds(world: World, seekers: I64, own: I8, open_to: Bool, first: I32, other_row: I32) -> int:
    """Pair mutual favourites in rounds until none is left; return the number of pairs."""
    search, barred = world.scratch.search, world.agents.whole(Barred)
    ids, partner = world.agents.whole(Identity).id, world.agents.whole(Pairing).partner
    cursor = np.zeros(world.agents.end, np.int32)
    favourite = np.full(world.agents.end, -1, np.int32)
    paired = 0
    active = seekers
    while len(active):
        world.over(
            0,
            len(active),
            find_favourites,
            active,
            world.tick,
            ids,
            own,
            search.candidate_row,
            open_to,
            barred.kind,
            barred.target,
            barred.until,
            first,
            other_row,
            cursor,
            favourite,
        )
        paired += sum(
            world.over(0, len(active), pair_favourites, active, ids, favourite, open_to, partner)
        )
        active = active[open_to[active]]
    return paired // 2
