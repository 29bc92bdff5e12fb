"""Pairing agents that look for a partner: each protocol writes `mate` of the search's scratch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.pairing import Pairing
from ecs_market.kernels.edges import (
    count_ends,
    draw_weights,
    list_edges,
    list_suitors,
    place_edges,
    sort_suitors,
)
from ecs_market.kernels.matching import (
    open_seekers,
    pair_heaviest,
    pair_mutual,
    pair_rest,
)
from ecs_market.kernels.spatial import accumulate
from ecs_market.mechanisms.pursuits import bars_in_force
from ecs_market.types import F32, I8, I32, I64
from ecs_market.world import World


def three_pass(world: World) -> None:
    """Pair mutual first choices, then the rest greedily by weight.

    The second pass gives what sequential greedy matching gives over all edges of the candidate
    lists, heaviest first, ties by the lower ids.
    """
    search = world.scratch.search
    choices = (search.choice_kind, search.choice_target)
    for table in world.tables(Intent, Pairing):
        world.over(table.start, table.stop, pair_mutual, *choices, search.mate)
    # A full list holds the best, so that who is not on it comes after all who are.
    overlooked = np.flatnonzero(search.overlooked)
    _heaviest_first(world, list_suitors, search.candidate_weight, search.candidates, overlooked)


def greedy_surplus(world: World) -> None:
    """Pair greedily by the pair's total gain, however far apart.

    This is sequential greedy matching over all edges of the candidate lists, the largest gain
    first, ties by the lower ids.
    """
    _all_edges(world, world.scratch.search.candidate_surplus)


def random_pairs(world: World) -> None:
    """Pair at random.

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
    _all_edges(world, drawn)


MATCHINGS: dict[str, Callable[[World], None]] = {
    "three_pass": three_pass,
    "greedy_surplus": greedy_surplus,
    "random": random_pairs,
}


def _all_edges(world: World, weight: F32) -> None:
    search = world.scratch.search
    for table in world.tables(Intent, Pairing):
        world.over(table.start, table.stop, open_seekers, search.choice_kind, search.mate)
    end = world.agents.end
    _heaviest_first(world, list_edges, weight, np.zeros(end, np.int8), np.arange(end))


def _heaviest_first(
    world: World, listing: Callable[..., Any], weight: F32, own: I8, rows: I64
) -> None:
    """Match who is open greedily by weight.

    `own` says how much of an agent's list comes before the rest.  `listing` finds that rest in the
    lists of `rows`; it is then sorted.
    """
    search = world.scratch.search
    ids, end, mate = world.agents.whole(Identity).id, world.agents.end, search.mate
    bars = bars_in_force(world)
    lists = (world.tick, ids, search.candidates, search.candidate_row, weight)
    edges = world.over(0, len(rows), listing, rows, *lists, mate, *bars)
    first, other_row, other_weight = _by_end(edges, end)
    if len(other_row):
        world.over(0, end, sort_suitors, ids, first, other_row, other_weight)
    cursor, back = np.zeros(end, np.int32), np.empty(end, np.int32)
    graph = (own, search.candidate_row, mate, *bars, first, other_row, cursor, back)
    for rest in world.over(0, end, pair_heaviest, world.tick, ids, *graph):
        pair_rest(rest, world.tick, ids, *graph)


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
