"""The posts that agents may go to, listed for many agents before any is valued."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from ecs_market.kernels.broadcast import confidence_at
from ecs_market.kernels.jit import absorbed, helper
from ecs_market.kernels.memory import recall, remembered_since
from ecs_market.kernels.pursuit import leaves_alone
from ecs_market.kernels.spatial import apart
from ecs_market.types import F64, I8, I32, I64, Bool, int64, uint64


class Seekers(NamedTuple):
    """Columns of the agents that look for a post, a row each; those of components by their name."""

    ids: I64
    family: I8
    lots: I64
    minor: I64
    parameters: F64
    money_weight: F64
    x: I32
    y: I32
    budget: I32
    barred_kind: I8
    barred_target: I32
    barred_until: I32
    memory_post: I64
    memory_price: I64
    memory_formed: I32


class Posts(NamedTuple):
    """What is known of posts, a row each, and which of them reach into a tile.

    Attributes
    ----------
    tile_start, listed
        The posts that reach into tile t are `listed[tile_start[t] : tile_start[t + 1]]`.
    rows
        The row of each post by its id.
    x, y, ident, interaction, sight, hearing
        Position and radii [cell].
    traded, numeraire, fee_rate, fee_unit, shading
        The rules of trading there.
    alike
        int32: the first of the posts that have the same rules.
    price, confidence, standing
        What is heard of its prices [M / unit], how far they are trusted, and its reputation.
    """

    tile_start: I32
    listed: I32
    rows: I64
    x: I32
    y: I32
    ident: I64
    interaction: I32
    sight: I32
    hearing: I32
    traded: Bool
    numeraire: I32
    fee_rate: F64
    fee_unit: F64
    shading: F64
    alike: I32
    price: F64
    confidence: F64
    standing: F64


class Rules(NamedTuple):
    """What is the same for all who look; `mode` is that of `preferences.modes`."""

    mode: int
    lot_size: float
    minor_size: float
    tile_shift: int
    tiles_x: int
    unheard_confidence: float
    distance_floor: float
    tick: int
    market_kind: int
    wanders: bool
    period_x: int
    period_y: int
    step_numerator: float
    step_denominator: float
    decays: bool
    half_life: float


class Offers(NamedTuple):
    """Pairs of an agent and a post that it may go to, in the order of rows.

    Attributes
    ----------
    row, post
        int32: their rows.
    noted
        int32: the slot in which the agent remembers the post, if it goes by that; else below 0.
    hears
        Whether the agent hears the post's prices.
    following
        int32: the next offer of posts alike that is not valued yet, -1 after the last.
    discount
        float64: trust in the price, discounted by distance.
    value, promise
        float64 [M]: what trading is worth at the prices it may turn out to have, and at those
        known.
    """

    row: I32
    post: I32
    noted: I32
    hears: Bool
    following: I32
    discount: F64
    value: F64
    promise: F64


@helper
def new_offers(room: int) -> Offers:
    """Make room for so many offers."""
    return Offers(
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.int32),
        np.empty(room, np.bool_),
        np.empty(room, np.int32),
        np.empty(room),
        np.empty(room),
        np.empty(room),
    )


@absorbed
def trust_in(
    row: int,
    post: int,
    noted: int,
    hears: bool,
    distance: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
) -> float:
    """Return how far an agent trusts the prices that it goes by."""
    trust = rules.unheard_confidence
    if noted >= 0:
        since = remembered_since(
            row, noted, posts.price.shape[1], seekers.memory_price, seekers.memory_formed
        )
        age = rules.tick - since
        trust = confidence_at(age, rules.decays, rules.half_life, rules.unheard_confidence)
    elif hears:
        trust = posts.confidence[post]
    hearing = int64(posts.hearing[post])
    if (hears or noted >= 0) and hearing > 0:
        trust *= 1.0 - rules.distance_floor * min(distance, hearing) / hearing
    return trust


@absorbed
def entries_at(row: int, seekers: Seekers, posts: Posts, rules: Rules) -> int:
    """Return how many offers an agent can have at most."""
    x = int64(seekers.x[row]) >> rules.tile_shift
    tile = uint64((int64(seekers.y[row]) >> rules.tile_shift) * rules.tiles_x + x)
    here = int64(posts.tile_start[tile + uint64(1)]) - int64(posts.tile_start[tile])
    return int64(here + seekers.memory_post.shape[1])


@absorbed
def list_offers(
    row: int,
    found: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    beta_power: F64,
    offers: Offers,
) -> int:
    """Append the posts that an agent may go to, and return how many offers there are now.

    First those that reach into its tile, then those that it remembers besides.  Who cannot walk, or
    wanders without looking, finds only posts within reach.
    """
    x = int64(seekers.x[row])
    y = int64(seekers.y[row])
    tile = uint64((y >> rules.tile_shift) * rules.tiles_x + (x >> rules.tile_shift))
    first = int64(posts.tile_start[tile])
    here = int64(posts.tile_start[tile + uint64(1)]) - first
    stays = rules.wanders or seekers.budget[row] <= 0
    for entry in range(here + seekers.memory_post.shape[1]):
        noted = int64(entry) - here
        if noted < 0:
            post = int64(posts.listed[uint64(first + entry)])
        elif seekers.memory_post[row, noted] >= 0:
            post = int64(posts.rows[seekers.memory_post[row, noted]])
        else:
            continue
        distance = apart(x, int64(posts.x[post]), rules.period_x)
        distance += apart(y, int64(posts.y[post]), rules.period_y)
        hears = distance <= posts.hearing[post] and posts.confidence[post] > 0.0
        near = hears or distance <= posts.sight[post]
        if noted >= 0 and near:
            continue
        ident = posts.ident[post]
        if noted < 0 and not hears:
            noted = int64(recall(row, ident, seekers.memory_post))
        if not near and noted < 0:
            continue
        if distance >= beta_power.shape[0]:
            continue
        if stays and distance > posts.interaction[post]:
            continue
        if leaves_alone(
            row,
            ident,
            rules.tick,
            rules.market_kind,
            seekers.barred_kind,
            seekers.barred_target,
            seekers.barred_until,
        ):
            continue
        trust = trust_in(row, post, noted, hears, distance, seekers, posts, rules)
        offers.row[found] = row
        offers.post[found] = post
        offers.noted[found] = noted
        offers.hears[found] = hears
        offers.discount[found] = trust * beta_power[distance]
        found += 1
    return found
