"""The uniform price against trying every price, and McAfee's rule against its definition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market.kernels.uniform_price import clear_calls
from tests.oracles import uniform_price as oracle
from tests.oracles.economics import greatest_surplus, greatest_volume

MANY = settings(max_examples=800, deadline=None)
orders = st.tuples(st.booleans(), st.integers(1, 9), st.integers(1, 12) | st.integers(1, 300))
books = st.lists(orders, max_size=14)
shares = st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0])


def cleared(
    book: list[oracle.Order],
    k: float,
    *,
    mcafee: bool = False,
    band: tuple[int, int] = (1, 10**6),
) -> tuple[dict[str, int], list[int]]:
    """Clear one book by the kernel; return its report and the fills in the order of `book`."""
    order = sorted(
        range(len(book)),
        key=lambda i: (not book[i][0], -book[i][2] if book[i][0] else book[i][2], i),
    )
    limit = np.array([book[i][2] for i in order], np.int64)
    lots = np.array([book[i][1] for i in order], np.int64)
    buyers = sum(each[0] for each in book)
    found = {
        name: np.zeros(1, np.int64)
        for name in ("price", "paid", "got", "demand", "supply", "best_bid", "best_ask")
    }
    filled = np.full(len(book), -1, np.int64)
    clear_calls(
        0,
        1,
        np.array([0, buyers, len(book)], np.int64),
        limit,
        lots,
        np.ones(1, np.bool_),
        np.array([band[0]], np.int64),
        np.array([band[1]], np.int64),
        np.array([k]),
        np.array([mcafee]),
        filled,
        *found.values(),
    )
    fills = [0] * len(book)
    for place, i in enumerate(order):
        fills[i] = int(filled[place])
    return {name: int(value[0]) for name, value in found.items()}, fills


@MANY
@given(books, shares)
def test_every_price_tried(book: list[oracle.Order], k: float) -> None:
    report, fills = cleared(book, k)
    wanted = oracle.call(book, Fraction(k))
    volume = sum(f for f, (buys, *_) in zip(fills, book, strict=True) if buys)
    assert volume == wanted.volume == (greatest_volume(book) if book else 0)
    assert volume == sum(f for f, (buys, *_) in zip(fills, book, strict=True) if not buys)
    if volume:
        assert (report["price"], report["demand"], report["supply"]) == (
            wanted.price,
            wanted.demand,
            wanted.supply,
        )
        assert fills == oracle.fills(book, volume)
        surplus = sum(
            f * (limit - report["price"]) * (1 if buys else -1)
            for f, (buys, _, limit) in zip(fills, book, strict=True)
        )
        assert surplus == greatest_surplus(book)
    for filled, (buys, lots, limit) in zip(fills, book, strict=True):
        assert 0 <= filled <= lots
        if filled:
            assert limit >= report["price"] if buys else limit <= report["price"]
    left = [(b, lim) for f, (b, lots, lim) in zip(fills, book, strict=True) if f < lots]
    assert report["best_bid"] == max((lim for buys, lim in left if buys), default=0)
    assert report["best_ask"] == min((lim for buys, lim in left if not buys), default=0)
    if report["best_bid"] and report["best_ask"]:
        assert report["best_bid"] < report["best_ask"]
    if book and not volume:
        assert report["price"] > 0


@MANY
@given(books, shares, st.integers(1, 30), st.integers(0, 30))
def test_every_price_of_a_band(book: list[oracle.Order], k: float, low: int, width: int) -> None:
    report, fills = cleared(book, k, band=(low, low + width))
    wanted = oracle.call(book, Fraction(k), low, low + width)
    volume = sum(f for f, (buys, *_) in zip(fills, book, strict=True) if buys)
    assert volume == wanted.volume
    if volume:
        assert report["price"] == wanted.price
    for filled, (buys, _, limit) in zip(fills, book, strict=True):
        if filled:
            assert limit >= report["price"] if buys else limit <= report["price"]


@MANY
@given(st.lists(st.integers(1, 40), max_size=9), st.lists(st.integers(1, 40), max_size=9))
def test_mcafee_with_one_unit_each(bids: list[int], asks: list[int]) -> None:
    book = [*((True, 1, bid) for bid in bids), *((False, 1, ask) for ask in asks)]
    report, fills = cleared(book, 0.5, mcafee=True)
    volume, paid, got = oracle.mcafee(bids, asks)
    assert sum(fills[: len(bids)]) == sum(fills[len(bids) :]) == volume
    if volume:
        assert (report["paid"], report["got"]) == (paid, got)
        assert got <= report["price"] <= paid


@MANY
@given(books)
def test_mcafee_never_runs_a_deficit(book: list[oracle.Order]) -> None:
    report, fills = cleared(book, 0.5, mcafee=True)
    bought = sum(f for f, (buys, *_) in zip(fills, book, strict=True) if buys)
    sold = sum(f for f, (buys, *_) in zip(fills, book, strict=True) if not buys)
    assert bought == sold
    assert report["paid"] >= report["got"]
    for filled, (buys, lots, limit) in zip(fills, book, strict=True):
        assert 0 <= filled <= lots
        if filled:
            assert limit >= report["paid"] if buys else limit <= report["got"]


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.lists(st.integers(1, 30), min_size=1, max_size=6),
    st.data(),
)
def test_mcafee_rewards_the_truth(bids: list[int], asks: list[int], data: st.DataObject) -> None:
    """No trader of one unit gains by naming another limit."""
    buyer = data.draw(st.integers(0, len(bids) - 1))
    lie = data.draw(st.integers(1, 30))

    def gain(stated: list[int]) -> int:
        book = [*((True, 1, bid) for bid in stated), *((False, 1, ask) for ask in asks)]
        report, fills = cleared(book, 0.5, mcafee=True)
        margin: int = bids[buyer] - report["paid"]
        return fills[buyer] * margin

    assert gain(bids) >= gain([lie if i == buyer else bid for i, bid in enumerate(bids)])
