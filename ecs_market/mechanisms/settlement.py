"""Settling a batch at given prices, and the report of what a mechanism did in a tick."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.inventory import Inventory
from ecs_market.kernels import rationing, settlement
from ecs_market.kernels.jit import specialise
from ecs_market.mechanisms.batch import Batch
from ecs_market.preferences import families
from ecs_market.preferences.modes import QUASILINEAR
from ecs_market.types import F64, I8, I32, I64, Bool


def _no_ints() -> I64:
    return np.empty(0, np.int64)


@dataclass(slots=True)
class Trades:
    """Trades at posts or between pairs; arrays of one length, storage units.

    `market` is the post id, -1 for a trade face to face; `fee` is what both sides paid on the
    trade to the post [minor unit], no entries if nobody charges any.
    """

    market: I64 = field(default_factory=_no_ints)
    buyer: I64 = field(default_factory=_no_ints)
    seller: I64 = field(default_factory=_no_ints)
    good: I64 = field(default_factory=_no_ints)
    quantity: I64 = field(default_factory=_no_ints)
    price: I64 = field(default_factory=_no_ints)
    fee: I64 = field(default_factory=_no_ints)

    @property
    def size(self) -> int:
        """Return the number of trades."""
        return len(self.buyer)


OPEN, FILLED, PARTIAL, UNFILLED, CANCELLED, REJECTED = range(6)
ORDER_STATUSES = ("open", "filled", "partial", "unfilled", "cancelled", "rejected")


@dataclass(slots=True)
class Orders:
    """Explicit orders, as order-driven mechanisms take them; arrays of one length.

    Attributes
    ----------
    market, agent, good
        int64: post id, agent id, index of the good.
    lots
        int64: quantity ordered, negative to sell [lot].
    limit
        int64: limit price [price step], 0 for none.
    filled
        int64: what of it has been traded in this tick, of the sign of `lots` [lot].
    status
        int64, index into `ORDER_STATUSES`.
    """

    market: I64
    agent: I64
    good: I64
    lots: I64
    limit: I64
    filled: I64
    status: I64

    @property
    def size(self) -> int:
        """Return the number of orders."""
        return len(self.agent)


@dataclass(slots=True)
class Settled:
    """What the members of a batch got.

    Attributes
    ----------
    desired, filled
        int64 (m, K): net trades wished for and settled [lot].
    gain
        int64 (m,): gain from trade, dU over the marginal utility of what pays [minor unit].
    volume, demand, supply
        int64 (posts, K): settled, wished for by buyers and by sellers [lot].
    """

    desired: I64
    filled: I64
    gain: I64
    volume: I64
    demand: I64
    supply: I64

    @classmethod
    def nothing(cls, batch: Batch) -> Settled:
        """Return what a batch without any trade settles."""
        members, posts = (batch.size, batch.world.goods), (batch.posts, batch.world.goods)
        shapes = (members, members, (batch.size,), posts, posts, posts)
        return cls(*(np.zeros(shape, np.int64) for shape in shapes))

    def add(self, other: Settled) -> None:
        """Take in what other posts of the same batch settled."""
        for name in ("desired", "filled", "gain", "volume", "demand", "supply"):
            total = getattr(self, name)
            total += getattr(other, name)

    @property
    def residual(self) -> F64:
        """Excess demand over gross trade, float64 (posts, K)."""
        gross = np.maximum(np.maximum(self.demand, self.supply), 1)
        residual: F64 = np.abs(self.demand - self.supply) / gross
        return residual


@dataclass(slots=True)
class Clearing:
    """What one mechanism did in a tick; arrays have one entry a post of its table.

    Attributes
    ----------
    post
        int64 (posts,), ids.
    active
        bool (posts,): posts that had members.
    participants, iterations
        int64 and int32 (posts,).
    status
        int8 (posts,), index into `market_post.STATUSES`.
    price
        int64 (posts, K), the price published [price step].
    residual, residual_rounded
        float64 (posts, K): excess demand over gross trade, before and after rounding.
    gain
        int64 (posts,): gains from trade [minor unit].
    orders
        The orders of an order-driven mechanism; None where members state a net wish.
    made
        The trades as they were made; None where buyers and sellers are paired in the order of ids.
    best_bid, best_ask
        int64 (posts, K), quotes after the clearing [price step], 0 = none; None without a book.
    """

    mechanism: str
    post: I64
    active: Bool
    participants: I64
    iterations: I32
    status: I8
    price: I64
    residual: F64
    residual_rounded: F64
    rounding_lots: I64
    settled: Settled
    gain: I64
    batch: Batch
    start: F64
    newton: Bool
    orders: Orders | None = None
    made: Trades | None = None
    best_bid: I64 | None = None
    best_ask: I64 | None = None

    def trades(self) -> Trades:
        """Return the trades: as made, or between buyers and sellers in the order of ids."""
        if self.made is not None:
            return self.made
        return pair_up(self.batch, self.settled.filled, self.price, self.post)

    def trade_counts(self) -> I64:
        """Return how many trades `trades` would give, a post each."""
        counts = np.zeros(self.batch.posts, np.int64)
        batch = self.batch
        if self.made is not None:
            order = np.argsort(self.post)
            np.add.at(counts, order[np.searchsorted(self.post, self.made.market, sorter=order)], 1)
            return counts
        rationing.count_trades(batch.first, batch.by_id, self.settled.filled, counts)
        return counts


@functools.cache
def _kernels(codes: tuple[int, ...]) -> tuple[Any, Any]:
    chosen = families.dispatch(codes)
    gain_of = specialise(settlement.gain_of, f"gain_of_{chosen.name}", utility=chosen.utility)
    return (
        specialise(settlement.settle_posts, f"settle_posts_{chosen.name}", gain_of=gain_of),
        specialise(
            settlement.settle_barter,
            f"settle_barter_{chosen.name}",
            gain_of=gain_of,
            marginal=chosen.marginal,
        ),
    )


def settle(batch: Batch, steps: I64, holdings: F64, indifferent: Bool, active: Bool) -> Settled:
    """Ration the members' wishes at integer prices and book the trades in the world.

    Parameters
    ----------
    steps
        int64 (posts, K) [price step].
    holdings
        float64 (m, K), desired holdings [unit].
    indifferent
        bool (m, K), who may take up what is left.
    active
        bool (posts,), which posts trade.
    """
    world = batch.world
    settings = world.settings
    # From the difference: whoever wants what it has trades nothing, however much that is.
    desired = np.rint((holdings - batch.goods) / settings.lot_size).astype(np.int64)
    np.maximum(desired, -batch.lots, out=desired)
    desired[~np.repeat(active, np.diff(batch.first))] = 0
    filled = np.zeros(desired.shape, np.int64)
    gain = np.zeros(batch.size)
    wished = np.zeros(desired.shape, np.int64)
    wish, barter = _kernels(world.families)
    common = (batch.id, batch.family, batch.lots, batch.minor, batch.parameters, batch.weight)
    sizes = (settings.lot_size, settings.minor_size, desired, wished, filled, gain)
    cost = max(1, batch.size // max(1, batch.posts))
    if settings.mode == QUASILINEAR:
        world.over(
            0,
            batch.posts,
            wish,
            batch.first,
            active,
            steps,
            *common,
            indifferent,
            *sizes,
            cost=cost,
        )
    else:
        unit = batch.numeraire.astype(np.int64)
        world.over(
            0,
            batch.posts,
            barter,
            batch.first,
            active,
            steps,
            unit,
            *common,
            indifferent,
            *sizes,
            cost=cost,
        )
    _book(batch, steps, filled)
    return Settled(
        desired=wished,
        filled=filled,
        gain=_in_minor(batch, gain),
        volume=_per_post(batch, np.maximum(filled, 0)),
        demand=_per_post(batch, np.maximum(wished, 0)),
        supply=_per_post(batch, np.maximum(-wished, 0)),
    )


def _book(batch: Batch, steps: I64, filled: I64) -> None:
    """Move goods and money in the world's own columns; every trade debits what it credits."""
    world = batch.world
    inventory = world.agents.whole(Inventory)
    batch.lots += filled
    inventory.goods[batch.row] = batch.lots
    if world.settings.mode == QUASILINEAR:
        price = np.repeat(steps, np.diff(batch.first), axis=0)
        batch.minor -= (filled * price).sum(axis=1)
        inventory.money[batch.row] = batch.minor
    world.scratch.filled[batch.row] |= (filled != 0).any(axis=1)


def _in_minor(batch: Batch, gain: F64) -> I64:
    """Return gains as whole minor units, bounded so that their sum over members fits."""
    bound = float(2**61 // max(1, batch.size))
    minor = np.rint(gain / batch.world.settings.minor_size)
    return np.clip(minor, -bound, bound).astype(np.int64)


def _per_post(batch: Batch, lots: I64) -> I64:
    total = np.zeros((batch.size + 1, *lots.shape[1:]), np.int64)
    np.cumsum(lots, axis=0, out=total[1:])
    per_post: I64 = total[batch.first[1:]] - total[batch.first[:-1]]
    return per_post


def gains_per_post(batch: Batch, settled: Settled) -> I64:
    """Return the gains from trade of each post's members [minor unit]."""
    return _per_post(batch, settled.gain)


def pair_up(batch: Batch, filled: I64, price: I64, post: I64) -> Trades:
    """Write net trades as trades between buyers and sellers."""
    counts = np.zeros(batch.posts, np.int64)
    rationing.count_trades(batch.first, batch.by_id, filled, counts)
    outputs = [np.empty(counts.sum(), np.int64) for _ in range(5)]
    rationing.pair_trades(batch.first, batch.by_id, batch.id, filled, *outputs)
    at, good, buyer, seller, quantity = outputs
    return Trades(post[at], buyer, seller, good, quantity, price[at, good])


def post_ids(batch: Batch) -> I64:
    """Return the ids of a batch's posts."""
    ids = batch.world.posts.whole(Identity).id
    return ids[batch.table.start : batch.table.stop]
