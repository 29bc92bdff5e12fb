"""Limit orders handed to `clear`: who trades, at what price, and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ecs_market import clear
from ecs_market.errors import InputError
from tests.oracles.economics import greatest_surplus, greatest_volume, uniform_price_volume

UNITS = {"lot": 1, "price_step": 0.01}
Book = list[tuple[bool, int, int]]


def listed(book: Book, commodity: str = "X") -> list[dict[str, Any]]:
    """Return (buys, lots, steps) as orders; the agent's id is the place in the list."""
    return [
        {
            "agent": i,
            "commodity": commodity,
            "direction": "buy" if buys else "sell",
            "quantity": lots,
            "limit_price": round(steps * 0.01, 2),
        }
        for i, (buys, lots, steps) in enumerate(book)
    ]


orders = st.tuples(st.booleans(), st.integers(1, 30), st.integers(1, 60) | st.integers(1, 9999))
books = st.lists(orders, min_size=1, max_size=12)


def check_fills(book: Book, result: Any, column: int = 0) -> None:
    """Limits, quantities and both sides' sums are kept."""
    filled = result.filled[:, column]
    price = round(result.prices["X"] * 100)
    assert filled.sum() == 0
    for (buys, lots, limit), got in zip(book, filled, strict=True):
        assert 0 <= (got if buys else -got) <= lots
        if got:
            assert price <= limit if buys else price >= limit
    for trade in result.trades:
        bought, sold = book[trade.buyer], book[trade.seller]
        assert bought[0]
        assert not sold[0]
        assert sold[2] <= round(trade.price * 100) <= bought[2]


@given(books)
@settings(max_examples=80, deadline=None)
def test_any_orders_clear_or_say_why(book: Book) -> None:
    result = clear(orders=listed(book), units=UNITS)
    assert result.status in {"converged", "marginal", "indicative"}
    assert result.prices["X"] > 0.0
    assert result.participants == len(book)
    check_fills(book, result)
    price = round(result.prices["X"] * 100)
    surplus = sum(
        got * (limit - price)
        for (_, _, limit), got in zip(book, result.filled[:, 0].tolist(), strict=True)
    )
    assert surplus == greatest_surplus(book)
    volume = int(result.volume["X"])
    # Marginal orders trade with one another: the most that anybody accepts at this price.
    assert volume == min(uniform_price_volume(book, price))
    assert volume <= greatest_volume(book)


@given(books, st.integers(1, 80))
@settings(max_examples=30, deadline=None)
def test_a_posted_price_rations_the_long_side(book: Book, steps: int) -> None:
    result = clear(
        orders=listed(book),
        units=UNITS,
        mechanism="posted_price",
        mechanism_params={"initial_price": round(steps * 0.01, 2), "price_update_frequency": 1000},
    )
    assert result.prices["X"] == pytest.approx(steps * 0.01)
    check_fills(book, result)
    inside = [
        sum(lots for buys, lots, limit in book if buys == side and (limit - steps) * sign > 0)
        for side, sign in ((True, 1), (False, -1))
    ]
    assert result.volume["X"] >= min(inside)
    assert result.status in {"converged", "rationed", "indicative"}


def test_the_crossing_of_step_curves() -> None:
    book: Book = [(True, 10, 120), (True, 10, 100), (False, 15, 80), (False, 10, 110)]
    result = clear(orders=listed(book), units=UNITS)
    assert result.filled[:, 0].tolist() == [10.0, 5.0, -15.0, 0.0]
    assert result.prices["X"] == 1.0
    assert result.status == "marginal"
    assert [tuple(t) for t in result.trades] == [(0, 2, "X", 10.0, 1.0), (1, 2, "X", 5.0, 1.0)]


def test_one_step_between_the_limits() -> None:
    result = clear(orders=listed([(True, 3, 51), (False, 3, 50)]), units=UNITS)
    assert result.volume["X"] == 3.0
    assert result.gains.sum() == pytest.approx(0.03)


def test_equal_limits_may_trade_but_nobody_gains() -> None:
    result = clear(orders=listed([(True, 3, 50), (False, 3, 50)]), units=UNITS)
    assert result.prices["X"] == 0.5
    assert result.gains.tolist() == [0.0, 0.0]


def test_one_side_alone_publishes_a_price() -> None:
    for buys in (True, False):
        result = clear(orders=listed([(buys, 5, 40), (buys, 5, 60)]), units=UNITS)
        assert result.status == "indicative"
        assert result.volume["X"] == 0.0
        assert result.prices["X"] > 0.0


def test_commodities_clear_apart() -> None:
    book = [
        *listed([(True, 4, 70), (False, 4, 50)], "X"),
        *listed([(True, 2, 500), (False, 3, 300)], "Y"),
    ]
    result = clear(orders=book, units=UNITS)
    assert result.volume == {"X": 4.0, "Y": 2.0}
    assert 0.5 <= result.prices["X"] <= 0.7
    assert result.prices["Y"] == 3.0
    assert set(result.statuses) == {"X", "Y"}
    assert {t.commodity for t in result.trades} == {"X", "Y"}


def test_an_agent_may_place_several_orders() -> None:
    book = listed([(True, 4, 70), (True, 4, 60), (False, 6, 50)])
    book[1]["agent"] = 0
    result = clear(orders=book, units=UNITS)
    assert result.ids.tolist() == [0, 0, 2]
    assert result.filled[:, 0].sum() == 0
    assert result.volume["X"] == 6.0


def test_many_orders_at_many_prices() -> None:
    rng = np.random.default_rng(2)
    book = [
        (bool(rng.random() < 0.5), int(rng.integers(1, 100)), int(rng.integers(1, 9999)))
        for _ in range(3000)
    ]
    result = clear(orders=listed(book), units=UNITS)
    check_fills(book, result)
    price = round(result.prices["X"] * 100)
    gains = [
        got * (limit - price) for (_, _, limit), got in zip(book, result.filled[:, 0], strict=True)
    ]
    assert sum(gains) == greatest_surplus(book)


GOOD = {"agent": 0, "commodity": "X", "direction": "buy", "quantity": 1, "limit_price": 1.0}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"agent": -1}, "agent"),
        ({"agent": 1.5}, "agent"),
        ({"agent": True}, "agent"),
        ({"commodity": "M"}, "commodity"),
        ({"commodity": ""}, "commodity"),
        ({"commodity": 3}, "commodity"),
        ({"direction": "hold"}, "direction"),
        ({"direction": None}, "direction"),
        ({"direction": ["buy"]}, "direction"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": -3}, "quantity"),
        ({"quantity": "many"}, "quantity"),
        ({"quantity": float("nan")}, "quantity"),
        ({"quantity": float("inf")}, "quantity"),
        ({"quantity": 0.5}, "lot grid"),
        ({"quantity": 1e300}, "large"),
        ({"limit_price": 0}, "limit_price"),
        ({"limit_price": -1}, "limit_price"),
        ({"limit_price": 0.001}, "price grid"),
        ({"limit_price": None}, "limit_price"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_a_bad_order_is_named(change: dict[str, Any], words: str) -> None:
    with pytest.raises(InputError) as caught:
        clear(orders=[GOOD, {**GOOD, **change}], units=UNITS)
    message = str(caught.value)
    assert message.startswith("orders[1]")
    assert words in message
    assert "\n" not in message


def test_no_orders_or_both_kinds_of_input() -> None:
    with pytest.raises(InputError, match="at least one"):
        clear(orders=[])
    with pytest.raises(InputError, match="either"):
        clear([], orders=[GOOD])
    with pytest.raises(InputError, match="either"):
        clear()
    with pytest.raises(InputError, match=r"orders\[0\]"):
        clear(orders=[{k: v for k, v in GOOD.items() if k != "quantity"}])
    with pytest.raises(InputError):
        clear(orders=[GOOD], mechanism="tea_leaves")
    with pytest.raises(InputError):
        clear(orders=[GOOD], mechanism_params={"max_iterations": -1})


def each_type(kind: str) -> tuple[list[float], list[float]]:
    """Return what is filled, and at which prices, of a bid that finds only a part within reach."""
    arriving = [
        (1, "sell", 3, 2.00),
        (2, "sell", 3, 2.10),
        (3, "buy", 5, 2.05),
        (4, "sell", 2, 2.04),
    ]
    book = [
        dict(zip(("agent", "direction", "quantity", "limit_price"), each, strict=True))
        | {"commodity": "X"}
        for each in arriving
    ]
    book[2]["order_type"] = kind
    result = clear(orders=book, units=UNITS, mechanism="continuous_double_auction")
    return result.filled[:, 0].tolist(), [trade.price for trade in result.trades]


def test_an_order_may_have_a_type_of_its_own() -> None:
    """What is left of a limit order rests; of the others it is void, or they do not begin."""
    assert each_type("limit") == ([-3.0, 0.0, 5.0, -2.0], [2.0, 2.05])
    assert each_type("immediate_or_cancel") == ([-3.0, 0.0, 3.0, 0.0], [2.0])
    assert each_type("market") == ([-3.0, 0.0, 3.0, 0.0], [2.0])
    assert each_type("fill_or_kill") == ([0.0, 0.0, 0.0, 0.0], [])
    assert each_type("stop") == ([0.0, 0.0, 0.0, 0.0], [])


def test_a_stop_waits_for_a_trade_at_its_price() -> None:
    book = listed([(False, 3, 200), (False, 3, 210), (True, 2, 210), (True, 4, 210)])
    book[2]["order_type"] = "stop"
    result = clear(orders=book, units=UNITS, mechanism="continuous_double_auction")
    told = [(trade.buyer, trade.quantity, trade.price) for trade in result.trades]
    assert told == [(3, 3.0, 2.0), (3, 1.0, 2.1), (2, 2.0, 2.1)]


def test_types_are_for_double_auctions() -> None:
    book = listed([(True, 1, 10)])
    book[0]["order_type"] = "iceberg"
    with pytest.raises(InputError, match=r"orders\[0\]: order_type must be one of limit, market"):
        clear(orders=book, units=UNITS, mechanism="continuous_double_auction")
    with pytest.raises(InputError, match="has a meaning for continuous_double_auction only"):
        clear(orders=book, units=UNITS)
