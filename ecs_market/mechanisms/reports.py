"""The report of what a mechanism did in a tick, and the trades written out of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ecs_market.components.identity import Identity
from ecs_market.components.market_rules import MarketRules
from ecs_market.kernels import pairing
from ecs_market.mechanisms.batch import Batch
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
    fee, gains, unserved
        int64 (posts,): fees taken and gains of the members together [minor unit], and lots wished
        for but not traded, all goods together; no entries where a mechanism keeps none.
    """

    desired: I64
    filled: I64
    gain: I64
    volume: I64
    demand: I64
    supply: I64
    fee: I64 = field(default_factory=_no_ints)
    gains: I64 = field(default_factory=_no_ints)
    unserved: I64 = field(default_factory=_no_ints)

    @classmethod
    def nothing(cls, batch: Batch) -> Settled:
        """Return what a batch without any trade settles."""
        members, posts = (batch.size, batch.world.goods), (batch.posts, batch.world.goods)
        shapes = (members, members, (batch.size,), posts, posts, posts, *[(batch.posts,)] * 3)
        return cls(*(np.zeros(shape, np.int64) for shape in shapes))

    def add(self, other: Settled) -> None:
        """Take in what other posts of the same batch settled."""
        for name in self.__slots__:
            total, more = getattr(self, name), getattr(other, name)
            if len(more) == len(total):
                total += more

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
        batch = self.batch
        if self.made is not None:
            counts = np.zeros(batch.posts, np.int64)
            order = np.argsort(self.post)
            np.add.at(counts, order[np.searchsorted(self.post, self.made.market, sorter=order)], 1)
            return counts
        pairs: I64 = count_pairs(batch, self.settled.filled).sum(axis=1)
        return pairs


def fees_of(batch: Batch) -> tuple[I64, I64]:
    """Return the fees of a batch's posts, int64 (posts,): in 1e-9 of payments, and a lot."""
    rules = batch.world.posts.whole(MarketRules)
    mine = slice(batch.table.start, batch.table.stop)
    # A fee a lot above what all money could pay stops trade just as well, and fits int64.
    per_lot = np.minimum(rules.fee_per_lot[mine], batch.world.most_steps())
    return rules.fee_ppb[mine].copy(), per_lot


def gains_per_post(batch: Batch, settled: Settled) -> I64:
    """Return the gains from trade of each post's members [minor unit]."""
    if len(settled.gains) == batch.posts:
        return settled.gains
    total = np.zeros(batch.size + 1, np.int64)
    np.cumsum(settled.gain, out=total[1:])
    return total[batch.first[1:]] - total[batch.first[:-1]]


def _pair(batch: Batch, filled: I64, price: I64, places: I64, outputs: list[I64]) -> None:
    items = batch.posts * filled.shape[1]
    batch.world.over(
        0,
        items,
        pairing.pair_trades,
        bool(outputs),
        batch.first,
        batch.by_id,
        batch.id,
        filled,
        price,
        *fees_of(batch),
        places,
        *(outputs or [np.empty(0, np.int64)] * 4),
        cost=max(1, batch.size // max(1, items)),
    )


def count_pairs(batch: Batch, filled: I64) -> I64:
    """Return how many trades `pair_up` makes of net trades, int64 (posts, K)."""
    counts = np.empty(filled.shape[1] * batch.posts, np.int64)
    price = np.empty((batch.posts, filled.shape[1]), np.int64)
    _pair(batch, filled, price, counts, [])
    return counts.reshape(batch.posts, filled.shape[1])


def pair_up(batch: Batch, filled: I64, price: I64, post: I64) -> Trades:
    """Write net trades as trades between buyers and sellers, and with the post itself."""
    counts = count_pairs(batch, filled).ravel()
    buyer, seller, quantity, fee = outputs = [np.empty(counts.sum(), np.int64) for _ in range(4)]
    _pair(batch, filled, price, np.cumsum(counts) - counts, outputs)
    item = np.repeat(np.arange(len(counts)), counts)
    at, good = item // filled.shape[1], item % filled.shape[1]
    charged = fee if any(each.any() for each in fees_of(batch)) else _no_ints()
    return Trades(post[at], buyer, seller, good, quantity, price[at, good], charged)


def post_ids(batch: Batch) -> I64:
    """Return the ids of a batch's posts."""
    ids = batch.world.posts.whole(Identity).id
    return ids[batch.table.start : batch.table.stop]
