"""From what an agent has found to what it wants: the kinds of target weighed against each other."""

from __future__ import annotations

from ecs_market.components.intent import IDLE, MARKET, PARTNER, RESOURCE
from ecs_market.kernels.elementary import log
from ecs_market.kernels.jit import borrowing, helper, kernel
from ecs_market.kernels.philox import POST_CHOICE, REGIME, uniform
from ecs_market.types import F32, I8, I32, I64, float64, int64, uint64

# Least value of an exponential draw that is told from 0.
LEAST = 2.0**-54


@helper
def gumbel(seed: int, draw: int, tick: int, ident: int, stream: int) -> float:
    """Return a draw of the standard Gumbel distribution; the parameters are those of `philox`."""
    return -log(max(-log(1.0 - uniform(seed, draw, tick, ident, stream)), LEAST))


@helper
def post_score(
    value: float, temperature: float, seed: int, post: int, since: int, ident: int
) -> float:
    """Return by what an agent ranks a post: its value [M], or at a temperature above 0 with chance.

    The largest of value / temperature + a Gumbel draw belongs to a post with a probability
    proportional to exp(value / temperature) (McFadden 1974).  The draws last as long as the pursuit
    that began in tick `since`.
    """
    if temperature <= 0.0:
        return value
    return value / temperature + gumbel(seed, post, since, ident, POST_CHOICE)


@borrowing
def favourite_partner(
    row: int, kept: int, ids: I64, count: I8, candidate_row: I32, candidate_weight: F32
) -> int:
    """Return the slot of the best candidate: the first, or one as good that is pursued already."""
    for slot in range(uint64(1), uint64(count[row])):
        if candidate_weight[row, slot] != candidate_weight[row, 0]:
            break
        if ids[uint64(candidate_row[row, slot])] == kept:
            return int64(slot)
    return int64(0)


@kernel
def choose_targets(
    start: int,
    stop: int,
    ids: I64,
    seed: int,
    tick: int,
    partner_share: float,
    centralized_chance: float,
    intent_kind: I8,
    intent_target: I32,
    intent_since: I32,
    best_market: I32,
    market_value: F32,
    best_patch: I32,
    patch_value: F32,
    count: I8,
    candidate_row: I32,
    candidate_weight: F32,
    choice_kind: I8,
    choice_target: I32,
    choice_value: F32,
) -> None:
    """Write each agent's choice: market or partner by the regime's draw, then against the patch.

    A partner is given by its row, a post and a patch by its number.

    When both a market and a partner are worth something, the kind is drawn, with the same result
    for as long as a pursuit lasts.  A pursuit is kept unless something else is better.
    """
    for row in range(uint64(start), uint64(stop)):
        current = int64(intent_kind[row]) if intent_since[row] >= 0 else IDLE
        kind = IDLE
        target = int64(-1)
        value = 0.0
        if count[row] > 0:
            kept = intent_target[row] if current == PARTNER else int64(-1)
            slot = uint64(favourite_partner(row, kept, ids, count, candidate_row, candidate_weight))
            kind = PARTNER
            target = int64(candidate_row[row, slot])
            value = partner_share * float64(candidate_weight[row, slot])
        if float64(market_value[row]) > 0.0:
            to_market = True
            if kind == PARTNER:
                since = int64(tick) if current == IDLE else int64(intent_since[row])
                to_market = uniform(seed, 0, since, ids[row], REGIME) < centralized_chance
            if to_market:
                kind = MARKET
                target = int64(best_market[row])
                value = float64(market_value[row])
        if float64(patch_value[row]) > 0.0:
            better = float64(patch_value[row]) > value
            if float64(patch_value[row]) == value:
                better = current == RESOURCE and intent_target[row] == best_patch[row]
            if better:
                kind = RESOURCE
                target = int64(best_patch[row])
                value = float64(patch_value[row])
        choice_kind[row] = kind
        choice_target[row] = target
        choice_value[row] = value


@kernel
def settle_intents(
    start: int,
    stop: int,
    tick: int,
    ids: I64,
    mate: I32,
    partner: I32,
    best_market: I32,
    market_value: F32,
    best_patch: I32,
    patch_value: F32,
    choice_kind: I8,
    choice_target: I32,
    choice_value: F32,
    intent_kind: I8,
    intent_target: I32,
    intent_value: F32,
    intent_since: I32,
    intent_waited: I32,
) -> None:
    """Write each agent's partner and target; the unmatched take their best market or patch.

    A pursuit goes on if the target is the same; else a new one begins.
    """
    for row in range(uint64(start), uint64(stop)):
        kind = int64(choice_kind[row])
        target = choice_target[row]
        value = float64(choice_value[row])
        other = int64(mate[row])
        partner[row] = ids[uint64(other)] if other >= 0 else int64(-1)
        if kind == PARTNER:
            if other >= 0:
                target = partner[row]
            else:
                kind = IDLE
                target = int64(-1)
                value = 0.0
                if float64(market_value[row]) > 0.0:
                    kind = MARKET
                    target = int64(best_market[row])
                    value = float64(market_value[row])
                better = float64(patch_value[row]) > value
                if float64(patch_value[row]) == value and value > 0.0 and intent_since[row] >= 0:
                    pursued = int64(intent_kind[row]) == RESOURCE
                    better = pursued and intent_target[row] == best_patch[row]
                if better:
                    kind = RESOURCE
                    target = int64(best_patch[row])
                    value = float64(patch_value[row])
        intent_value[row] = value
        if (
            intent_since[row] >= 0
            and int64(intent_kind[row]) == kind
            and intent_target[row] == target
        ):
            continue
        intent_kind[row] = kind
        intent_target[row] = target
        intent_since[row] = tick if kind != IDLE else -1
        intent_waited[row] = 0
