"""The orders of a call auction's members: their schedules, or what was handed in before."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from ecs_market.components.market_rules import MarketRules
from ecs_market.kernels import block_limits, demand_schedules
from ecs_market.kernels.block_limits import Members, Scale, Terms
from ecs_market.kernels.call_money import trim
from ecs_market.kernels.demand_schedules import FIELDS, Quotes
from ecs_market.kernels.fees import BILLION
from ecs_market.kernels.jit import borrowing, kernel, specialise
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.settlement import fees_of
from ecs_market.preferences import families, limit_order
from ecs_market.types import F64, I8, I64, Bool

# One member's schedule in rows of the thread threshold.
SCHEDULE_COST = 16


@dataclass(slots=True)
class CallRules:
    """How posts are called; arrays have one entry a post of the batch.

    Attributes
    ----------
    k
        float64: where the price lies between the lowest and the highest that clears.
    mcafee
        bool: whether marginal orders are given up (McAfee 1992).
    order_size
        int64: the first blocks of a schedule [lot].
    behaviour
        int8, index into `call_auction.BEHAVIOURS`.
    price_low, price_high
        int64: range of what zero-intelligence members draw [price step].
    lowest, highest
        int64 (posts, K): prices allowed [price step].
    """

    k: F64
    mcafee: Bool
    order_size: I64
    behaviour: I8
    price_low: I64
    price_high: I64
    lowest: I64
    highest: I64


@dataclass(slots=True)
class Gathered:
    """Orders handed in before a call; arrays of one length, but for `posts`.

    Attributes
    ----------
    posts
        bool (posts,), which posts gather orders.
    member, good
        int64: member of the batch; index of the good.
    sells
        bool.
    lots, limit
        int64: quantity, not negative [lot]; limit [price step].
    """

    posts: Bool
    member: I64
    good: I64
    sells: Bool
    lots: I64
    limit: I64


@dataclass(frozen=True, slots=True)
class Kernels:
    """Loops over members, compiled for the families in use."""

    first_quotes: Any
    write_schedules: Any
    gains: Any


@functools.cache
def kernels(codes: tuple[int, ...]) -> Kernels:
    """Return the loops for families given as ascending codes."""
    chosen = families.dispatch(codes)
    made: dict[str, Any] = {"utility": chosen.utility, "marginal": chosen.marginal}

    def bind(module: Any, template: str, *names: str) -> Any:
        own = {name: made[name] for name in names}
        # Those of block limits make no arrays, but for the last, which is a loop over members.
        lends = module is block_limits and template != "gains"
        made[template] = specialise(
            getattr(module, template),
            f"{template}_{chosen.name}",
            borrowing if lends else kernel,
            **own,
        )
        return made[template]

    bind(block_limits, "worth_at", "utility")
    bind(block_limits, "worth_after", "worth_at")
    bind(block_limits, "limit_in_utility", "worth_after")
    bind(block_limits, "block_limit", "worth_at", "limit_in_utility")
    for template in ("write_asks", "write_bids", "draw_orders"):
        bind(demand_schedules, template, "block_limit")
    return Kernels(
        bind(demand_schedules, "first_quotes", "block_limit"),
        bind(demand_schedules, "write_schedules", "write_asks", "write_bids", "draw_orders"),
        bind(block_limits, "gains", "worth_at", "marginal"),
    )


def members_of(batch: Batch) -> Members:
    """Return a batch's members as kernels take them; holdings are those of now."""
    at = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    return Members(
        at, batch.id, batch.family, batch.lots, batch.minor, batch.parameters, batch.weight
    )


def scale_of(batch: Batch) -> Scale:
    """Return the money mode and the sizes of units."""
    settings = batch.world.settings
    most = batch.world.most_steps()
    return Scale(settings.mode, most, settings.lot_size, settings.step_size, settings.minor_size)


def market_of(batch: Batch) -> MarketRules:
    """Return the common rules of the batch's posts."""
    whole = batch.world.posts.whole(MarketRules)
    rows = slice(batch.table.start, batch.table.stop)
    return MarketRules(
        whole.clear_every[rows],
        *fees_of(batch),
        whole.price_band[rows],
        whole.shading[rows],
    )


def orders_for(batch: Batch, called: Bool, rules: CallRules, k: int, *, ahead: bool = False) -> I64:
    """Return the orders for one good, int64 (n, 3): member, lots (negative to sell), limit.

    `ahead` of a call nobody knows who else will come: schedules are written out at full length.
    """
    world = batch.world
    members, scale = members_of(batch), scale_of(batch)
    if world.families == (limit_order.CODE,):
        return _limit_orders(batch, members.at, called, k)
    terms = _terms(batch, members.at, called, rules, k, ahead=ahead)
    bid, ask = (np.zeros(batch.size, np.int64) for _ in range(2))
    high_bid, low_ask = (np.zeros(batch.posts, np.int64) for _ in range(2))
    quotes = Quotes(bid, ask, high_bid, low_ask)
    own = kernels(world.families)
    common = (members, terms, scale, quotes)
    world.over(0, batch.size, own.first_quotes, k, *common, cost=SCHEDULE_COST)
    demand_schedules.best_quotes(members, terms, quotes)
    if ahead:
        high_bid[:], low_ask[:] = scale.most, 1
    draws = (world.seed, world.tick)
    records = world.over(0, batch.size, own.write_schedules, k, *draws, *common, cost=SCHEDULE_COST)
    written: I64 = np.concatenate([np.empty((0, FIELDS), np.int64), *records])
    return written


def _terms(batch: Batch, at: I64, called: Bool, rules: CallRules, k: int, *, ahead: bool) -> Terms:
    market = market_of(batch)
    supply = np.zeros(batch.posts, np.int64)
    np.add.at(supply, at, batch.lots[:, k])
    if ahead:
        ledger = batch.world.ledger
        supply[:] = (ledger.initial + ledger.harvest + ledger.host)[k]
    return Terms(
        called,
        supply,
        market.fee_ppb,
        market.fee_per_lot,
        market.shading,
        rules.order_size,
        rules.behaviour,
        rules.price_low,
        rules.price_high,
    )


def still_good(batch: Batch, called: Bool, gathered: Gathered, k: int) -> I64:
    """Return gathered orders for one good, cut to what their members have by now."""
    at = members_of(batch).at
    here = (gathered.good == k) & called[at[gathered.member]]
    member, sells = gathered.member[here], gathered.sells[here]
    lots, limit = gathered.lots[here].copy(), gathered.limit[here]
    order = np.lexsort((np.where(sells, limit, -limit), sells, member))
    member, sells, lots, limit = member[order], sells[order], lots[order], limit[order]
    market = market_of(batch)
    fees = (market.fee_ppb, market.fee_per_lot)
    held = batch.lots[:, k].copy()
    trim(member, sells, lots, limit, at, held, batch.minor, *fees)
    left = lots > 0
    signed = np.where(sells, -lots, lots)
    records: I64 = np.stack([member, signed, limit], axis=1)[left]
    return records


def _limit_orders(batch: Batch, at: I64, called: Bool, k: int) -> I64:
    """Return orders that were handed in as such: their limits, less the fee on top of the price."""
    settings, market = batch.world.settings, market_of(batch)
    goods = batch.world.goods
    cap = np.rint(batch.parameters[:, goods + k] / settings.lot_size).astype(np.int64)
    sells = batch.lots[:, k] > 0
    here = called[at] & (cap > 0)
    rate = market.fee_ppb[at] / BILLION
    unit_fee = market.fee_per_lot[at].astype(np.float64)
    steps = np.rint(batch.parameters[:, k] / settings.step_size)
    noise = 1e-9
    bids = np.floor((steps - unit_fee) / (1.0 + rate) + noise)
    asks = np.ceil((steps + unit_fee) / (1.0 - rate) - noise)
    limit = np.where(sells, asks, bids).astype(np.int64)
    held = (1.0 - market.shading)[at] * cap
    lots = np.where(sells, -1, 1) * np.ceil(held - noise).astype(np.int64)
    kept = here & (limit > 0) & (lots != 0)
    return np.stack([np.flatnonzero(kept), lots[kept], limit[kept]], axis=1)
