"""Settling a batch at given prices: rationing, fees, booking."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.kernels import barter, block_gains, booking, indifference, rounds, settlement
from ecs_market.kernels.book import ALL, NONE, Book, Chunks, Members, Progress, Scale, Sides, Terms
from ecs_market.kernels.jit import helper, kernel, specialise
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.reports import (
    CANCELLED,
    FILLED,
    OPEN,
    ORDER_STATUSES,
    PARTIAL,
    REJECTED,
    UNFILLED,
    Clearing,
    Orders,
    Settled,
    Trades,
    count_pairs,
    fees_of,
    gains_per_post,
    pair_up,
    post_ids,
)
from ecs_market.preferences import families
from ecs_market.preferences.modes import IN_UTILITY, QUASILINEAR, UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool

__all__ = [
    "CANCELLED",
    "FILLED",
    "OPEN",
    "ORDER_STATUSES",
    "PARTIAL",
    "REJECTED",
    "UNFILLED",
    "Clearing",
    "Orders",
    "Settled",
    "Trades",
    "count_pairs",
    "fees_of",
    "gains_per_post",
    "pair_up",
    "post_ids",
    "settle",
]

# Members are booked in runs of at most this many of a post.
CHUNK = 8192


@functools.cache
def _kernels(codes: tuple[int, ...]) -> dict[str, Any]:
    """Return the kernels of a settlement for the families in use, by name."""
    chosen = families.dispatch(codes)
    made: dict[str, Any] = {
        "marginal": chosen.marginal,
        "utility": chosen.utility,
        "utilities": chosen.utilities,
    }

    def bind(module: Any, template: str, *names: str, compiler: Any = kernel) -> None:
        own, name = {name: made[name] for name in names}, f"{template}_{chosen.name}"
        made[template] = specialise(getattr(module, template), name, compiler, **own)

    bind(settlement, "gain_of", "utility", compiler=helper)
    bind(settlement, "offer", "gain_of")
    bind(block_gains, "gains_of_block", "utilities", compiler=helper)
    bind(settlement, "find_gains", "gain_of", "gains_of_block")
    bind(indifference, "write_rooms", "gain_of")
    bind(barter, "settle_barter", "gain_of", "marginal")
    bind(booking, "write_worths", "marginal")
    return made


def settle(
    batch: Batch,
    steps: I64,
    holdings: F64,
    indifferent: Bool,
    active: Bool,
    dealers: Bool | None = None,
) -> Settled:
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
    dealers
        bool (posts,), which posts sell from and buy for their own account what members leave over.
    """
    world = batch.world
    settings = world.settings
    kernels = _kernels(world.families)
    stage = _Stage(batch, _chunks(batch.first))
    members = Members(
        batch.id, batch.family, batch.lots, batch.minor, batch.parameters, batch.weight
    )
    terms = _terms(batch, steps, dealers)
    scale = Scale(settings.mode, settings.lot_size, settings.minor_size)
    book = _empty_book(batch.size, world.goods)
    wishes = (holdings, batch.goods, batch.lots, settings.lot_size, book.desired)
    stage.over_chunks(booking.write_wishes, stage.chunks, active, *wishes)
    if settings.mode == UNIT_OF_ACCOUNT:
        _barter(stage, kernels, active, members, terms, indifferent, book, scale)
    else:
        if indifferent.any():
            _assign(stage, kernels, active, members, terms, indifferent, book, scale)
        _trade(stage, kernels, active, members, terms, book, scale)
    return _book(stage, kernels, members, terms, book, scale)


class _Stage:
    """Runs the stages of a settlement in threads: by runs of members, posts, or goods of posts."""

    def __init__(self, batch: Batch, chunks: Chunks) -> None:
        self.batch, self.chunks, self.world = batch, chunks, batch.world

    def _over(self, items: int, kernel: Any, *args: Any) -> None:
        self.world.over(0, items, kernel, *args, cost=max(1, self.batch.size // max(1, items)))

    def over_chunks(self, kernel: Any, *args: Any) -> None:
        """Call a kernel over ranges of chunks."""
        self._over(len(self.chunks.post), kernel, *args)

    def over_posts(self, kernel: Any, *args: Any) -> None:
        """Call a kernel over ranges of posts."""
        self._over(self.batch.posts, kernel, *args)

    def over_goods(self, kernel: Any, *args: Any) -> None:
        """Call a kernel over ranges of goods of posts."""
        self._over(self.batch.posts * self.world.goods, kernel, *args)

    def per_post(self, sums: I64) -> I64:
        """Return the sums of chunks by post."""
        total = np.zeros((self.batch.posts, sums.shape[1]), np.int64)
        booking.add_chunks(self.chunks.post, sums, total)
        return total


def _chunks(first: I64) -> Chunks:
    """Cut the members of each post into runs."""
    pieces = -(-np.diff(first) // CHUNK)
    post = np.repeat(np.arange(len(pieces)), pieces)
    bounds = np.zeros(len(pieces) + 1, np.int64)
    np.cumsum(pieces, out=bounds[1:])
    start = first[post] + CHUNK * (np.arange(len(post)) - bounds[post])
    return Chunks(post, start, np.minimum(start + CHUNK, first[post + 1]), bounds)


def _terms(batch: Batch, steps: I64, dealers: Bool | None) -> Terms:
    ppb, per_lot = fees_of(batch)
    stock = np.zeros(steps.shape, np.int64)
    cash = np.zeros(batch.posts, np.int64)
    if dealers is not None and dealers.any():
        account = batch.world.posts.whole(MarketAccount)
        mine = slice(batch.table.start, batch.table.stop)
        stock[dealers] = account.goods[mine][dealers]
        stock *= batch.commodities
        cash[dealers] = account.money[mine][dealers]
    return Terms(batch.first, steps, ppb, per_lot, stock, cash)


def _empty_book(size: int, goods: int) -> Book:
    desired, wish, fresh, part = (np.empty((size, goods), np.int64) for _ in range(4))
    return Book(
        desired=desired,
        wish=wish,
        fresh=fresh,
        part=part,
        filled=np.zeros((size, goods), np.int64),
        remainder=np.empty((goods, size), np.int64),
        gain=np.zeros(size),
        reached=np.empty(size),
        sound=np.empty(size, np.bool_),
        asked=np.empty(size, np.bool_),
        over=np.empty(size, np.int64),
        trial=np.empty(size),
        noise=np.empty(size),
    )


def _assign(
    stage: _Stage,
    kernels: dict[str, Any],
    active: Bool,
    members: Members,
    terms: Terms,
    indifferent: Bool,
    book: Book,
    scale: Scale,
) -> None:
    """Let the indifferent take up what others leave: first what they sell, which pays the rest."""
    goods = book.desired.shape[1]
    sums = np.empty((len(stage.chunks.post), 2 * goods), np.int64)
    stage.over_chunks(
        indifference.net_wishes, stage.chunks, active, book.desired, indifferent, sums
    )
    total = stage.per_post(sums)
    net, some = total[:, :goods], total[:, goods:] > 0
    room = np.empty((stage.batch.size, 4), np.int64)
    for sells in (True, False):
        for k in range(goods):
            wanted = active & some[:, k] & ((net[:, k] > 0) == sells)
            if not wanted.any():
                continue
            stage.over_chunks(
                kernels["write_rooms"],
                k,
                stage.chunks,
                wanted,
                members,
                terms,
                book.desired,
                indifferent,
                scale,
                room,
            )
            stage.over_posts(
                indifference.share_rooms,
                k,
                wanted,
                net,
                terms.first,
                members.ids,
                room,
                book.desired,
            )


def _trade(
    stage: _Stage,
    kernels: dict[str, Any],
    active: Bool,
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
) -> None:
    """Settle against money: offer all wishes, then what is left, as long as it finds takers.

    Whole bundles first; at last each good alone, until no good has both a buyer and a seller left
    who would gain from another lot.
    """
    goods, posts, chunks = book.wish.shape[1], stage.batch.posts, stage.chunks
    sides = Sides(
        wished=np.empty((len(chunks.post), 2 * goods), np.int64),
        given=np.empty((len(chunks.post), goods), np.int64),
        harmed=np.empty(len(chunks.post), np.int64),
        left=np.zeros((len(chunks.post), 4 * goods), np.int64),
        plan=np.empty((posts, 3 * goods), np.int64),
    )
    progress = Progress(
        busy=active.copy(),
        good=np.where(active, ALL, NONE).astype(np.int64),
        offers=np.zeros(posts, np.int64),
        moved=np.zeros(posts, np.int64),
    )
    busy = progress.busy
    some = bool(busy.any())
    while some:
        stage.over_chunks(kernels["offer"], chunks, progress, members, terms, book, scale, sides)
        while some:
            stage.over_posts(rounds.plan, chunks, busy, terms, sides)
            stage.over_chunks(rounds.cut_shares, chunks, busy, book, sides)
            stage.over_goods(
                rounds.share_rests, chunks, busy, terms.first, members.ids, book, sides
            )
            stage.over_chunks(settlement.take_shares, chunks, busy, members, terms, book)
            stage.over_chunks(kernels["find_gains"], chunks, busy, members, book, scale)
            stage.over_chunks(settlement.shrink, chunks, busy, terms, book, sides)
            some = rounds.still_busy(chunks, sides, busy)
        stage.over_chunks(rounds.accept, chunks, progress.good, book, sides)
        some = rounds.next_offer(chunks, terms, sides, progress)


def _barter(
    stage: _Stage,
    kernels: dict[str, Any],
    active: Bool,
    members: Members,
    terms: Terms,
    indifferent: Bool,
    book: Book,
    scale: Scale,
) -> None:
    """Settle goods for goods; what a member owns of the numeraire is what it can spend."""
    batch = stage.batch
    unit = batch.numeraire.astype(np.int64)
    of_member = np.repeat(unit, np.diff(batch.first))
    each = np.arange(batch.size)
    book.desired[each, of_member] = 0
    if indifferent.any():
        one = np.repeat(terms.price[np.arange(batch.posts), unit], np.diff(batch.first))
        spending = members._replace(minor=members.lots[each, of_member] * one)
        flags = indifferent.copy()
        flags[each, of_member] = False
        _assign(stage, kernels, active, spending, terms, flags, book, scale)
    stage.over_posts(kernels["settle_barter"], active, unit, members, terms, book, scale)


def _book(
    stage: _Stage,
    kernels: dict[str, Any],
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
) -> Settled:
    """Move goods and money in the world's own columns; every trade debits what it credits."""
    batch, world, goods = stage.batch, stage.world, stage.world.goods
    inventory = world.agents.whole(Inventory)
    gain = np.empty(batch.size, np.int64)
    worth = members.weight
    if scale.mode != QUASILINEAR:
        worth = np.ones(batch.size)
    if scale.mode == IN_UTILITY:
        stage.over_chunks(kernels["write_worths"], stage.chunks, members, book, scale, worth)
    sums = np.empty((len(stage.chunks.post), 4 * goods + 2), np.int64)
    stage.over_chunks(
        booking.book_members,
        stage.chunks,
        members,
        terms,
        book,
        scale,
        worth,
        float(2**61 // max(1, batch.size)),
        batch.row,
        inventory.goods,
        inventory.money,
        world.scratch.filled,
        gain,
        sums,
    )
    total = stage.per_post(sums)
    bought, sold, demand, supply = (total[:, goods * i : goods * (i + 1)] for i in range(4))
    fee = total[:, 4 * goods]
    account = world.posts.whole(MarketAccount)
    mine = slice(batch.table.start, batch.table.stop)
    account.goods[mine] += sold - bought
    account.money[mine] += fee + ((bought - sold) * terms.price).sum(axis=1)
    return Settled(
        desired=book.desired,
        filled=book.filled,
        gain=gain,
        volume=np.maximum(bought, sold),
        demand=demand,
        supply=supply,
        fee=fee,
        gains=total[:, 4 * goods + 1],
        unserved=(demand - bought + supply - sold).sum(axis=1),
    )
