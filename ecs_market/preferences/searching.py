"""The best post for each agent.

The names imported here from `chain` and `holdings` are bound, for `families.search`, to a dispatch
over all families in use.

A bundle holds K goods [unit]; where money is a good like the others it is one longer, money last.
"""

from __future__ import annotations

import numpy as np

from ecs_market.kernels.choice import post_score
from ecs_market.kernels.jit import borrowing
from ecs_market.preferences.modes import IN_UTILITY
from ecs_market.preferences.offers import (
    Offers,
    Posts,
    Rules,
    Seekers,
    entries_at,
    list_offers,
    new_offers,
)
from ecs_market.preferences.valuing import Desk, new_desk, take_block, value_block
from ecs_market.types import F32, F64, I8, I32, I64, Bool, int64

# So many offers are valued at a time: what is noted of them stays in a near cache.
OFFERS_AT_ONCE = 512


def value_offers(
    found: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    up: float,
    down: float,
    promises: bool,
    offers: Offers,
    desk: Desk,
    chains: I32,
) -> None:
    """Write what all offers are worth, those of posts alike to agents of a family at a time.

    `chains` has an entry a post: of the first of posts alike the first offer that is left.  All are
    -1 again afterwards.
    """
    for entry in range(found - 1, -1, -1):
        first = posts.alike[offers.post[entry]]
        offers.following[entry] = chains[first]
        chains[first] = entry
    for entry in range(found):
        first = int64(posts.alike[offers.post[entry]])
        while chains[first] >= 0:
            count = take_block(first, seekers, offers, chains, desk.taken)
            value_block(count, first, seekers, posts, rules, up, down, promises, offers, desk)


@borrowing
def choose_posts(
    found: int,
    ids: I64,
    post_id: I64,
    standing: F64,
    min_value: float,
    seed: int,
    tick: int,
    temperature: float,
    market_kind: int,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    offers: Offers,
    best_market: I32,
    best_value: F32,
    promise: F32,
) -> None:
    """Write each agent's best offer, its discounted value and what it promises.

    Ties go to the post that is pursued already, then to the lower id.
    """
    entry = int64(0)
    while entry < found:
        row = int64(offers.row[entry])
        pursues = intent_since[row] >= 0
        kept = int64(-1)
        if intent_kind[row] == market_kind and pursues:
            kept = int64(intent_target[row])
        since = int64(intent_since[row]) if pursues else int64(tick)
        chosen = int64(-1)
        value_chosen = 0.0
        promised = 0.0
        score_chosen = -np.inf if temperature > 0.0 else 0.0
        while entry < found and offers.row[entry] == row:
            here = entry
            entry += 1
            if offers.value[here] == -np.inf:
                continue
            post = int64(offers.post[here])
            value = offers.value[here] * offers.discount[here]
            value *= standing[post]
            if value < min_value or (temperature > 0.0 and value <= 0.0):
                continue
            ident = post_id[post]
            score = post_score(value, temperature, seed, ident, since, ids[row])
            better = score > score_chosen
            if score == score_chosen and chosen != kept:
                better = ident == kept or ident < chosen
            if better:
                score_chosen = score
                value_chosen = value
                chosen = ident
                # Prices that are an agent's own idea promise nothing.
                known = offers.hears[here] or offers.noted[here] >= 0
                promised = offers.promise[here] if known else 0.0
        best_value[row] = value_chosen
        best_market[row] = chosen
        if promise.shape[0] > 0:
            promise[row] = promised


def find_while_room(
    start: int,
    stop: int,
    room: int,
    seekers: Seekers,
    posts: Posts,
    rules: Rules,
    up: float,
    down: float,
    beta_power: F64,
    min_value: float,
    seed: int,
    temperature: float,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    best_market: I32,
    best_value: F32,
    promise: F32,
    offers: Offers,
    desk: Desk,
    chains: I32,
) -> tuple[int, int]:
    """Write the best posts of agents from `start` on; return where it ended, and the room.

    It ends before an agent that can have more offers than there is room for, and then returns room
    that is enough.
    """
    row = int64(start)
    while row < stop:
        first = row
        found = int64(0)
        most = entries_at(row, seekers, posts, rules)
        while found + most <= room:
            if most > 0:
                found = list_offers(row, found, seekers, posts, rules, beta_power, offers)
            row += 1
            if row >= stop:
                break
            most = entries_at(row, seekers, posts, rules)
        if row == first:
            return row, 2 * most
        value_offers(
            found, seekers, posts, rules, up, down, promise.shape[0] > 0, offers, desk, chains
        )
        choose_posts(
            found,
            seekers.ids,
            posts.ident,
            posts.standing,
            min_value,
            seed,
            rules.tick,
            temperature,
            rules.market_kind,
            intent_kind,
            intent_target,
            intent_since,
            offers,
            best_market,
            best_value,
            promise,
        )
    return row, int64(room)


def find_market(
    start: int,
    stop: int,
    family: I8,
    inventory: I64,
    cash: I64,
    parameters: F64,
    money_weight: F64,
    mode: int,
    lot_size: float,
    minor_size: float,
    x: I32,
    y: I32,
    tile_shift: int,
    tiles_x: int,
    tile_start: I32,
    tile_posts: I32,
    post_x: I32,
    post_y: I32,
    post_id: I64,
    budget: I32,
    interaction: I32,
    sight: I32,
    hearing: I32,
    commodities: Bool,
    numeraire: I32,
    fee_rate: F64,
    fee_unit: F64,
    shading: F64,
    alike: I32,
    heard_price: F64,
    confidence: F64,
    unheard_confidence: float,
    distance_floor: float,
    up: float,
    down: float,
    beta_power: F64,
    min_value: float,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    barred_kind: I8,
    barred_target: I32,
    barred_until: I32,
    tick: int,
    market_kind: int,
    best_market: I32,
    best_value: F32,
    wanders: bool,
    period_x: int,
    period_y: int,
    ids: I64,
    seed: int,
    temperature: float,
    standing: F64,
    promise: F32,
    post_rows: I64,
    memory_post: I64,
    memory_price: I64,
    memory_formed: I32,
    step_numerator: float,
    step_denominator: float,
    decays: bool,
    half_life: float,
) -> None:
    """Write each agent's best market post and its discounted value [M]; leave those without one.

    `promise` gets the gain at the prices known of the best post, unless it has no entries.
    """
    seekers = Seekers(
        ids,
        family,
        inventory,
        cash,
        parameters,
        money_weight,
        x,
        y,
        budget,
        barred_kind,
        barred_target,
        barred_until,
        memory_post,
        memory_price,
        memory_formed,
    )
    posts = Posts(
        tile_start,
        tile_posts,
        post_rows,
        post_x,
        post_y,
        post_id,
        interaction,
        sight,
        hearing,
        commodities,
        numeraire,
        fee_rate,
        fee_unit,
        shading,
        alike,
        heard_price,
        confidence,
        standing,
    )
    rules = Rules(
        mode,
        lot_size,
        minor_size,
        tile_shift,
        tiles_x,
        unheard_confidence,
        distance_floor,
        tick,
        market_kind,
        wanders,
        period_x,
        period_y,
        step_numerator,
        step_denominator,
        decays,
        half_life,
    )
    n = inventory.shape[1] + (1 if mode == IN_UTILITY else 0)
    desk = new_desk(n, parameters.shape[1])
    chains = np.full(post_x.shape[0], -1, np.int32)
    room = int64(OFFERS_AT_ONCE)
    row = int64(start)
    while row < stop:
        offers = new_offers(room)
        row, room = find_while_room(
            row,
            stop,
            room,
            seekers,
            posts,
            rules,
            up,
            down,
            beta_power,
            min_value,
            seed,
            temperature,
            intent_kind,
            intent_target,
            intent_since,
            best_market,
            best_value,
            promise,
            offers,
            desk,
            chains,
        )
