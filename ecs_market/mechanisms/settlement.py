"""Settling a batch at given prices: rationing, fees, booking."""

from __future__ import annotations

import functools
import types
from typing import Any

import numpy as np

from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.kernels import barter, booking, indifference, rationing, settlement
from ecs_market.kernels.jit import specialise
from ecs_market.kernels.settlement import Book, Members, Scale, Terms
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
from ecs_market.preferences.modes import UNIT_OF_ACCOUNT
from ecs_market.types import F64, I64, Bool
from ecs_market.world import SERIAL_ROWS, World

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
# A post of this many members is shared among threads by members.
LARGE = 32_768


@functools.cache
def _kernels(codes: tuple[int, ...]) -> dict[str, Any]:
    """Return the kernels of a settlement for the families in use, by name."""
    chosen = families.dispatch(codes)
    made: dict[str, Any] = {"marginal": chosen.marginal, "utility": chosen.utility}

    def bind(module: Any, template: str, *names: str) -> None:
        own = {name: made[name] for name in names}
        made[template] = specialise(getattr(module, template), f"{template}_{chosen.name}", **own)

    bind(settlement, "gain_of", "utility")
    bind(settlement, "check_members", "gain_of")
    bind(settlement, "offer_good", "gain_of")
    bind(settlement, "trade_rest", "check_members")
    bind(settlement, "settle_post", "trade_rest", "offer_good")
    bind(settlement, "settle_posts", "settle_post")
    bind(indifference, "willing", "gain_of")
    bind(indifference, "most_willing", "willing")
    bind(indifference, "write_rooms", "willing", "most_willing")
    bind(indifference, "assign_indifferent", "write_rooms")
    bind(indifference, "assign_posts", "assign_indifferent")
    bind(barter, "check_swaps", "gain_of")
    bind(barter, "settle_barter", "check_swaps", "marginal")
    bind(booking, "book_members", "marginal")
    return made


def _in_threads(world: World, kernels: dict[str, Any]) -> dict[str, Any]:
    """Return the two drivers of one large post, run here, with their stages shared out."""

    def over(stage: Any) -> Any:
        def run(start: int, stop: int, *args: Any) -> Any:
            results = world.over(start, stop, stage, *args)
            return None if results[0] is None else sum(results[1:], results[0])

        return run

    def bound(template: Any, **names: Any) -> Any:
        return types.FunctionType(template.__code__, {**template.__globals__, **names})

    def share_rests(first: int, last: int, *args: Any) -> None:
        world.over(first, last, rationing.share_rests, *args, cost=SERIAL_ROWS)

    trade_rest = bound(
        settlement.trade_rest,
        sum_sides=over(rationing.sum_sides),
        share_floors=over(rationing.share_floors),
        share_rests=share_rests,
        check_members=over(kernels["check_members"]),
        accept_parts=over(settlement.accept_parts),
    )
    return {
        "settle_post": bound(
            settlement.settle_post,
            trade_rest=trade_rest,
            offer_rest=over(settlement.offer_rest),
            offer_good=over(kernels["offer_good"]),
        ),
        "assign_indifferent": bound(
            indifference.assign_indifferent,
            net_wish=over(indifference.net_wish),
            write_rooms=over(kernels["write_rooms"]),
            sum_room=over(indifference.sum_room),
        ),
    }


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
    chunks = _chunks(batch.first)
    members = Members(
        batch.id, batch.family, batch.lots, batch.minor, batch.parameters, batch.weight
    )
    terms = _terms(batch, steps, dealers)
    scale = Scale(settings.mode, settings.lot_size, settings.minor_size)
    book = _empty_book(batch.size, world.goods)
    world.over(
        0,
        len(chunks[0]),
        booking.write_wishes,
        *chunks,
        active,
        holdings,
        batch.goods,
        batch.lots,
        settings.lot_size,
        book.desired,
        cost=max(1, batch.size // max(1, len(chunks[0]))),
    )
    if settings.mode == UNIT_OF_ACCOUNT:
        _barter(batch, kernels, active, members, terms, indifferent, book, scale)
    else:
        _trade(batch, kernels, active, members, terms, indifferent, book, scale)
    return _book(batch, kernels, chunks, members, terms, book, scale)


def _chunks(first: I64) -> tuple[I64, I64, I64]:
    """Cut the members of each post into runs; return the post, start and stop of each run."""
    pieces = -(-np.diff(first) // CHUNK)
    post = np.repeat(np.arange(len(pieces)), pieces)
    number = np.arange(len(post)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start = first[post] + CHUNK * number
    return post, start, np.minimum(start + CHUNK, first[post + 1])


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
    )


def _trade(
    batch: Batch,
    kernels: dict[str, Any],
    active: Bool,
    members: Members,
    terms: Terms,
    indifferent: Bool,
    book: Book,
    scale: Scale,
) -> None:
    """Settle against money: small posts a range at a time, large ones a range of members."""
    world = batch.world
    size = np.diff(batch.first)
    large = active & (size >= LARGE) & (world.threads > 1)
    small = active & ~large
    drivers = _in_threads(world, kernels)
    cost = max(1, batch.size // max(1, batch.posts))
    if indifferent.any():
        room = np.empty((batch.size, 4), np.int64)
        wishes = (members, terms, book.desired, indifferent, scale, room)
        world.over(0, batch.posts, kernels["assign_posts"], small, *wishes, cost=cost)
        for post in np.flatnonzero(large):
            drivers["assign_indifferent"](int(post), *wishes)
    world.over(
        0, batch.posts, kernels["settle_posts"], small, members, terms, book, scale, cost=cost
    )
    for post in np.flatnonzero(large):
        drivers["settle_post"](int(post), members, terms, book, scale)


def _barter(
    batch: Batch,
    kernels: dict[str, Any],
    active: Bool,
    members: Members,
    terms: Terms,
    indifferent: Bool,
    book: Book,
    scale: Scale,
) -> None:
    """Settle goods for goods; what a member owns of the numeraire is what it can spend."""
    world = batch.world
    cost = max(1, batch.size // max(1, batch.posts))
    unit = batch.numeraire.astype(np.int64)
    of_member = np.repeat(unit, np.diff(batch.first))
    each = np.arange(batch.size)
    book.desired[each, of_member] = 0
    if indifferent.any():
        one = np.repeat(terms.price[np.arange(batch.posts), unit], np.diff(batch.first))
        spending = members._replace(minor=members.lots[each, of_member] * one)
        room = np.empty((batch.size, 4), np.int64)
        flags = indifferent.copy()
        flags[each, of_member] = False
        wishes = (spending, terms, book.desired, flags, scale, room)
        world.over(0, batch.posts, kernels["assign_posts"], active, *wishes, cost=cost)
    world.over(
        0,
        batch.posts,
        kernels["settle_barter"],
        active,
        unit,
        members,
        terms,
        book,
        scale,
        cost=cost,
    )


def _book(
    batch: Batch,
    kernels: dict[str, Any],
    chunks: tuple[I64, I64, I64],
    members: Members,
    terms: Terms,
    book: Book,
    scale: Scale,
) -> Settled:
    """Move goods and money in the world's own columns; every trade debits what it credits."""
    world, goods = batch.world, batch.world.goods
    inventory = world.agents.whole(Inventory)
    gain = np.empty(batch.size, np.int64)
    sums = np.empty((len(chunks[0]), 4 * goods + 2), np.int64)
    world.over(
        0,
        len(chunks[0]),
        kernels["book_members"],
        *chunks,
        members,
        terms,
        book,
        scale,
        float(2**61 // max(1, batch.size)),
        batch.row,
        inventory.goods,
        inventory.money,
        world.scratch.filled,
        gain,
        sums,
        cost=max(1, batch.size // max(1, len(chunks[0]))),
    )
    total = np.zeros((batch.posts, 4 * goods + 2), np.int64)
    booking.add_chunks(chunks[0], sums, total)
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
    )
