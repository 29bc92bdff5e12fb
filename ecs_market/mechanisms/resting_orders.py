"""Between ticks: orders that rest at posts, and what traders have learned there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ecs_market.books import columns_of
from ecs_market.components.book import Book
from ecs_market.components.double_auction import GivenOrders, Margins, RestingOrders
from ecs_market.components.intent import MARKET, Intent
from ecs_market.kernels import double_auction as sessions
from ecs_market.kernels import order_book, traders
from ecs_market.mechanisms.batch import Batch
from ecs_market.mechanisms.settlement import CANCELLED, FILLED, OPEN, PARTIAL, REJECTED, Orders
from ecs_market.types import F64, I64, Bool


@dataclass(slots=True)
class Split:
    """The orders of a book: those that take part, those that wait, and those that are void.

    Attributes
    ----------
    first
        int64 (posts + 1,): the entries of each post.
    entries
        int64 (n, 8), columns as `kernels.double_auction` reads them; by post, in order of time.
    staying
        bool, a place each order of the book: its post does not clear in this tick.
    gone
        The orders cancelled because their agents are no longer at the post.
    """

    first: I64
    entries: I64
    staying: Bool
    gone: Orders


@dataclass(slots=True)
class Rows:
    """All orders of a tick's auctions: rows of `kernels.order_book` and the place of their post."""

    hot: I64
    cold: I64
    place: I64


def members_by_row(batch: Batch) -> I64:
    """Return the place among members of each row of agents, -1 for the others."""
    found = np.full(batch.world.agents.capacity, -1, np.int64)
    found[batch.row] = np.arange(batch.size)
    return found


def places(ids: I64, wanted: I64) -> I64:
    """Return the places of post ids among `ids`."""
    order = np.argsort(ids)
    found: I64 = order[np.searchsorted(ids, wanted, sorter=order)]
    return found


def split(batch: Batch, ids: I64, book: RestingOrders) -> Split:
    """Tell which resting orders still count.

    An order stays while its agent stands at the post, whether that clears in this tick or not.
    """
    world = batch.world
    first = np.zeros(batch.posts + 1, np.int64)
    if len(book.post) == 0:
        return Split(first, np.empty((0, 8), np.int64), np.zeros(0, np.bool_), _no_orders())
    rows = world.agent_rows[book.agent]
    intent = world.agents.whole(Intent)
    here = places(ids, book.post)
    aims = (intent.kind[rows] == MARKET) & (intent.target[rows] == book.post)
    staying: Bool = aims & world.scratch.waiting[rows]
    taking = (world.scratch.at_post[rows] == here + batch.table.start) & ~staying
    chosen = np.flatnonzero(taking)
    chosen = chosen[np.argsort(here[chosen], kind="stable")]
    entries = np.empty((len(chosen), 8), np.int64)
    entries[:, sessions.R_MEMBER] = members_by_row(batch)[rows[chosen]]
    entries[:, sessions.R_GOOD] = book.good[chosen]
    entries[:, sessions.R_SIDE] = np.where(book.sells[chosen], -1, 1)
    entries[:, sessions.R_PRICE] = book.price[chosen]
    entries[:, sessions.R_LOTS] = book.lots[chosen]
    entries[:, sessions.R_QUANTITY] = book.quantity[chosen]
    entries[:, sessions.R_TRIGGER] = book.trigger[chosen]
    entries[:, sessions.R_EXPIRES] = book.expires[chosen]
    np.cumsum(np.bincount(here[chosen], minlength=batch.posts), out=first[1:])
    gone = ~taking & ~staying
    left, quantity = book.lots[gone], book.quantity[gone]
    void = Orders(
        market=book.post[gone],
        agent=book.agent[gone],
        good=book.good[gone],
        lots=np.where(book.sells[gone], -quantity, quantity),
        limit=book.price[gone],
        filled=np.zeros_like(left),
        status=np.where(left < quantity, PARTIAL, CANCELLED),
    )
    return Split(first, entries, staying, void)


def _no_orders() -> Orders:
    return Orders(*(np.empty(0, np.int64) for _ in range(7)))


def store(book: RestingOrders, found: Split, batch: Batch, ids: I64, rows: Rows) -> None:
    """Keep in the book what waits for its post to clear and what rests after the auctions."""
    hot, cold = rows.hot, rows.cold
    state = hot[:, order_book.STATE]
    rests = np.flatnonzero((state == order_book.LIVE) | (state == order_book.WAITING))
    if not len(rests) and not len(book.post):
        return
    hot, cold = hot[rests], cold[rests]
    stop = hot[:, order_book.STATE] == order_book.WAITING
    new = RestingOrders(
        post=ids[rows.place[rests]],
        agent=batch.id[hot[:, order_book.MEMBER]],
        good=hot[:, order_book.BOOK] // 2,
        sells=hot[:, order_book.BOOK] % 2 == 1,
        price=hot[:, order_book.PRICE].copy(),
        trigger=np.where(stop, cold[:, order_book.TRIGGER], 0),
        quantity=cold[:, order_book.QUANTITY].copy(),
        lots=hot[:, order_book.LOTS].copy(),
        expires=cold[:, order_book.EXPIRES].copy(),
    )
    _replace(book, found.staying, new)


def _replace(book: Book, kept: Bool, new: Book) -> None:
    """Keep some entries of a book and add new ones; sort by post id, and agent and good if known.

    Orders stay in order of time, margins have none.
    """
    added = columns_of(new)
    for name, column in columns_of(book).items():
        setattr(book, name, np.concatenate([column[kept], added[name]]))
    if isinstance(book, Margins):
        order = np.lexsort((book.good, book.agent, book.post))
    else:
        order = np.argsort(book.post, kind="stable")
    for name, column in columns_of(book).items():
        setattr(book, name, column[order])


def report(found: Split, batch: Batch, ids: I64, rows: Rows) -> Orders:
    """Report every order that was handed in, or has changed, by post and in order of time."""
    hot, cold = rows.hot, rows.cold
    state, left = hot[:, order_book.STATE], hot[:, order_book.LOTS]
    start = np.searchsorted(rows.place, np.arange(batch.posts))
    rested = np.diff(found.first)
    new = np.arange(len(hot)) - start[rows.place] >= rested[rows.place]
    before = cold[:, order_book.BEFORE]
    ended = (state == order_book.DONE) | (state == order_book.CANCELLED)
    told = np.flatnonzero((new | ended | (left != before)) & (state != order_book.MOVED))
    hot, state, left = hot[told], state[told], left[told]
    quantity = cold[told, order_book.QUANTITY]
    sign = np.where(hot[:, order_book.BOOK] % 2 == 1, -1, 1)
    status = np.where(left < quantity, PARTIAL, OPEN)
    status[(state == order_book.CANCELLED) & (left == quantity)] = CANCELLED
    status[state == order_book.REJECTED] = REJECTED
    status[state == order_book.DONE] = FILLED
    void = found.gone
    return Orders(
        market=np.concatenate([void.market, ids[rows.place[told]]]),
        agent=np.concatenate([void.agent, batch.id[hot[:, order_book.MEMBER]]]),
        good=np.concatenate([void.good, hot[:, order_book.BOOK] // 2]),
        lots=np.concatenate([void.lots, sign * quantity]),
        limit=np.concatenate([void.limit, hot[:, order_book.PRICE]]),
        filled=np.concatenate([void.filled, sign * (before[told] - left)]),
        status=np.concatenate([void.status, status]),
    )


@dataclass(slots=True)
class HandedIn:
    """Orders from outside.

    Attributes
    ----------
    instead
        Whether there are any, so that members do nothing of their own accord.
    owner
        int64 (members,): orders of one owner never meet.
    first
        int64 (posts + 1,): the entries of each post.
    entries
        int64 (n, 8), columns as `kernels.double_auction` reads them.
    """

    instead: bool
    owner: I64
    first: I64
    entries: I64


def given(batch: Batch, ids: I64, orders: GivenOrders | None) -> HandedIn:
    """Sort the orders handed in from outside, if there are any, by their posts."""
    first = np.zeros(batch.posts + 1, np.int64)
    owner = batch.id.copy()
    if orders is None:
        return HandedIn(False, owner, first, np.empty((0, 8), np.int64))
    here = places(ids, orders.post)
    member = members_by_row(batch)[batch.world.agent_rows[orders.agent]]
    order = np.argsort(here, kind="stable")
    order = order[member[order] >= 0]
    owner[member[order]] = orders.owner[order]
    entries = np.empty((len(order), 8), np.int64)
    entries[:, sessions.G_MEMBER] = member[order]
    entries[:, sessions.G_GOOD] = orders.good[order]
    entries[:, sessions.G_SIDE] = np.where(orders.sells[order], -1, 1)
    entries[:, sessions.G_PRICE] = orders.price[order]
    entries[:, sessions.G_LOTS] = orders.lots[order]
    entries[:, sessions.G_KIND] = orders.kind[order]
    entries[:, sessions.G_EXPIRES] = orders.expires[order]
    entries[:, sessions.G_REPLACES] = orders.replaces[order]
    np.cumsum(np.bincount(here[order], minlength=batch.posts), out=first[1:])
    return HandedIn(True, owner, first, entries)


def load_margins(batch: Batch, ids: I64, book: Margins, learns: Bool) -> tuple[F64, F64, I64]:
    """Return margins and last changes (m, K, 2) and shouts heard (m, K); empty if nobody learns."""
    goods = batch.world.goods
    if not (learns & batch.active).any():
        return np.empty((0, goods, 2)), np.empty((0, goods, 2)), np.empty((0, goods), np.int64)
    margin = np.empty((batch.size, goods, 2))
    change = np.zeros((batch.size, goods, 2))
    traders.start_margins(batch.world.seed, batch.id, margin)
    if len(book.post):
        member = members_by_row(batch)[batch.world.agent_rows[book.agent]]
        place = np.repeat(np.arange(batch.posts), np.diff(batch.first))
        here = member >= 0
        here[here] = ids[place[member[here]]] == book.post[here]
        member, good = member[here], book.good[here]
        margin[member, good, 0], margin[member, good, 1] = (
            book.bid_margin[here],
            book.ask_margin[here],
        )
        change[member, good, 0], change[member, good, 1] = (
            book.bid_change[here],
            book.ask_change[here],
        )
    return margin, change, np.zeros((batch.size, goods), np.int64)


def store_margins(
    batch: Batch, ids: I64, book: Margins, learns: Bool, learned: tuple[F64, F64, I64]
) -> None:
    """Keep what the members of posts with zip traders have learned, by (post, agent, good)."""
    if not (learns & batch.active).any():
        return
    margin, change, _ = learned
    place = np.repeat(np.arange(batch.posts), np.diff(batch.first))
    member, good = np.nonzero(batch.commodities[place] & learns[place][:, np.newaxis])
    new = Margins(
        post=ids[place[member]],
        agent=batch.id[member],
        good=good,
        bid_margin=margin[member, good, 0],
        ask_margin=margin[member, good, 1],
        bid_change=change[member, good, 0],
        ask_change=change[member, good, 1],
    )
    at = np.full(batch.world.agents.capacity, -1, np.int64)
    at[batch.row] = ids[place]
    kept = at[batch.world.agent_rows[book.agent]] != book.post
    _replace(book, kept, new)
