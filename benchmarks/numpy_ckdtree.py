"""Search, pairing and movement as one would write them with numpy and scipy's cKDTree."""

from __future__ import annotations

from typing import Any

import numpy as np
from hand_written import Columns, Outcome
from peer_work import pair_gains

from ecs_market.kernels.movement import WALK_TICKS
from ecs_market.kernels.philox import IDLE_WALK
from ecs_market.scratch import PARTNER_SHARE
from ecs_market.settings import Settings

WORD = np.uint64(0xFFFFFFFF)
HALF = np.uint64(32)


def first_words(seed: int, tick: int, ids: Any, stream: int) -> Any:
    """Return the first word of Philox4x32-10 for each id, uint64 (n,)."""
    c0, c1 = np.zeros(len(ids), np.uint64), np.full(len(ids), tick, np.uint64)
    c2, c3 = ids.astype(np.uint64) & WORD, np.full(len(ids), stream, np.uint64)
    k0, k1 = seed & 0xFFFFFFFF, seed >> 32 & 0xFFFFFFFF
    for _ in range(10):
        p0, p1 = np.uint64(0xD2511F53) * c0, np.uint64(0xCD9E8D57) * c2
        c0, c1 = (p1 >> HALF) ^ c1 ^ np.uint64(k0), p1 & WORD
        c2, c3 = (p0 >> HALF) ^ c3 ^ np.uint64(k1), p0 & WORD
        k0, k1 = (k0 + 0x9E3779B9) & 0xFFFFFFFF, (k1 + 0xBB67AE85) & 0xFFFFFFFF
    return c0


def gains(columns: Columns, settings: Settings, first: Any, second: Any) -> Any:
    """Return the gain of each pair's best trade of one good for money [M], float64 (pairs,)."""
    return pair_gains(
        columns.rate.astype(np.float64),
        columns.curvature.astype(np.float64),
        columns.goods * settings.lot_size,
        columns.money * settings.minor_size,
        first,
        second,
    )


def pair_up(first: Any, second: Any, agents: int) -> Any:
    """Return partners by greedy matching over edges sorted best first, -1 for none, int64 (n,)."""
    partner = np.full(agents, -1, np.int64)
    while len(first):
        edges = np.arange(len(first))
        favourite = np.full(agents, len(first))
        np.minimum.at(favourite, first, edges)
        np.minimum.at(favourite, second, edges)
        mutual = (favourite[first] == edges) & (favourite[second] == edges)
        partner[first[mutual]], partner[second[mutual]] = second[mutual], first[mutual]
        left = (partner[first] < 0) & (partner[second] < 0)
        first, second = first[left], second[left]
    return partner


def walk(columns: Columns, settings: Settings, partner: Any, seed: int, tick: int) -> Any:
    """Return where everybody is after a tick, two arrays of int64 (n,) [cell]."""
    x, y = columns.x.astype(np.int64), columns.y.astype(np.int64)
    ids, to = np.arange(len(x)), np.maximum(partner, 0)
    gap_x, gap_y = x[to] - x, y[to] - y
    reach = np.minimum(columns.interaction, columns.interaction[to])
    near = np.abs(gap_x) + np.abs(gap_y) <= columns.budget[to] + np.maximum(1, reach)
    left = np.where((ids > to) & (columns.budget[to] > 0) & near, 0, columns.budget)
    for step in range(columns.budget.max(initial=0)):
        on = (step < left) & (np.abs(gap_x) + np.abs(gap_y) > reach)
        along = np.abs(gap_x) >= np.abs(gap_y)
        gap_x = np.where(on & along, gap_x - np.where(gap_x > 0, 1, -1), gap_x)
        gap_y = np.where(on & ~along, gap_y - np.where(gap_y > 0, 1, -1), gap_y)
    turn = first_words(seed, tick // WALK_TICKS, ids, IDLE_WALK) >> np.uint64(30)
    steps = np.where(turn % 2 == 0, columns.budget, -columns.budget)
    astray_x = np.clip(np.where(turn < 2, x + steps, x), 0, settings.width - 1)
    astray_y = np.clip(np.where(turn < 2, y, y + steps), 0, settings.height - 1)
    idle = partner < 0
    return np.where(idle, astray_x, x[to] - gap_x), np.where(idle, astray_y, y[to] - gap_y)


def tick(columns: Columns, settings: Settings, seed: int, number: int) -> Outcome:
    """Search, pair and move; lists of candidates have no end here."""
    from scipy.spatial import cKDTree

    agents = len(columns.x)
    places = np.column_stack((columns.x, columns.y)).astype(np.float64)
    pairs = cKDTree(places).query_pairs(columns.vision.max() + 0.5, p=1, output_type="ndarray")
    first, second = pairs[:, 0], pairs[:, 1]
    distance = np.abs(places[first] - places[second]).sum(axis=1).astype(np.int64)
    weight = gains(columns, settings, first, second) * settings.beta**distance
    sight = np.minimum(columns.vision[first], columns.vision[second])
    fit = (distance <= sight) & (weight >= settings.min_value / PARTNER_SHARE)
    first, second, weight = first[fit], second[fit], weight[fit].astype(np.float32)
    order = np.lexsort((second, first, -weight))
    first, second = first[order], second[order]
    best = np.full(agents, -1, np.int64)
    edges = np.full(agents, len(first))
    np.minimum.at(edges, first, np.arange(len(first)))
    np.minimum.at(edges, second, np.arange(len(first)))
    found = np.flatnonzero(edges < len(first))
    best[found] = first[edges[found]] + second[edges[found]] - found
    partner = pair_up(first, second, agents)
    return Outcome(*walk(columns, settings, partner, seed, number), best, partner)
