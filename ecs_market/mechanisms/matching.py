"""Pairing agents that look for a partner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ecs_market.components.barred import Barred
from ecs_market.components.identity import Identity
from ecs_market.components.intent import Intent
from ecs_market.components.pairing import Pairing
from ecs_market.kernels.edges import (
    CLOSED,
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
    write_partners,
)
from ecs_market.kernels.spatial import accumulate
from ecs_market.types import F32, I8, I32
from ecs_market.world import World


def three_pass(world: World) -> int:
    """Pair mutual first choices, then the rest greedily by weight; return the number of pairs.

    The second pass gives what sequential greedy matching gives over all edges of the candidate
    lists, heaviest first, ties by the lower ids.
    """
    search = world.scratch.search
    mate, favourite = _seekers(world)
    world.over(0, world.agents.end, pair_mutual, favourite, mate)
    # A full list holds the best, so that who is not on it comes after all who are.
    return _heaviest_first(world, mate, list_suitors, search.candidate_weight, search.candidates)


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


def _seekers(world: World) -> tuple[I32, I32]:
    """Return who wants a partner, as `mate` of the kernels, and the row of whom each wants."""
    search, end = world.scratch.search, world.agents.end
    mate, favourite = np.full(end, CLOSED, np.int32), np.full(end, -1, np.int32)
    choices = (search.choice_kind, search.choice_target)
    for table in world.tables(Intent, Pairing):
        world.over(
            table.start, table.stop, open_seekers, world.agent_rows, *choices, mate, favourite
        )
    return mate, favourite


def _all_edges(world: World, weight: F32) -> int:
    mate, _ = _seekers(world)
    return _heaviest_first(world, mate, list_edges, weight, np.zeros(world.agents.end, np.int8))


def _heaviest_first(
    world: World, mate: I32, listing: Callable[..., Any], weight: F32, own: I8
) -> int:
    """Match who is open greedily by weight; return the number of all pairs there are then.

    `own` says how much of an agent's list comes before the rest.  `listing` finds that rest, which
    is then sorted.
    """
    search, barred = world.scratch.search, world.agents.whole(Barred)
    ids, end = world.agents.whole(Identity).id, world.agents.end
    bars = (barred.kind, barred.target, barred.until)
    lists = (world.tick, ids, search.candidates, search.candidate_row, weight)
    edges = world.over(0, end, listing, *lists, mate, *bars)
    first, other_row, other_weight = _by_end(edges, end)
    if len(other_row):
        world.over(0, end, sort_suitors, ids, first, other_row, other_weight)
    cursor, back = np.zeros(end, np.int32), np.empty(end, np.int32)
    graph = (own, search.candidate_row, mate, *bars, first, other_row, cursor, back)
    for rest in world.over(0, end, pair_heaviest, world.tick, ids, *graph):
        pair_rest(rest, world.tick, ids, *graph)
    partner = world.agents.whole(Pairing).partner
    paired: int = sum(world.over(0, end, write_partners, ids, mate, partner))
    return paired // 2


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
