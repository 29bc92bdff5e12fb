"""Zero-intelligence traders of one unit each who draw types of orders, in plain Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from ecs_market.kernels.philox import DOUBLE_AUCTION, ORDER_TYPE, below, uniform
from tests.oracles.order_book import Exchange, Order, Trader

WHO, PRICE = 0, 3


@dataclass
class Period:
    """A clearing of one good at post 0; agents are numbered from 0, buyers first.

    `values` and `costs` are limits [price step]; prices are drawn from 1 to `high`, never beyond
    the limit.  `weights` has the name and weight of each type of order.
    """

    values: Sequence[int]
    costs: Sequence[int]
    high: int
    money: int
    weights: dict[str, float]
    seed: int
    tick: int

    def kind(self, call: int) -> str:
        """Draw the type of an activation's order."""
        total = sum(self.weights.values())
        drawn = total * uniform(self.seed, call, self.tick, 0, ORDER_TYPE)
        ends = accumulate(self.weights.values())
        return next(name for name, end in zip(self.weights, ends, strict=True) if drawn < end)

    def draw(self, call: int, purpose: int, bound: int) -> int:
        """Draw a whole number below `bound` for one purpose of an activation."""
        return below(self.seed, 4 * call + purpose, self.tick, 0, DOUBLE_AUCTION, bound)

    def order(self, call: int) -> Order:
        """Return what an activation's agent hands in if it has not traded yet."""
        who = self.draw(call, WHO, len(self.values) + len(self.costs))
        buys = who < len(self.values)
        if buys:
            low, high = 1, min(self.high, self.values[who], self.money)
        else:
            low, high = self.costs[who - len(self.values)], self.high
        price = low + self.draw(call, PRICE, high - low + 1)
        # At any price that is no loss: the limit itself.
        if self.kind(call) == "market":
            price = high if buys else low
        return Order(who, 0, buys, price, 1)

    def hold(self, calls: int) -> tuple[Exchange, dict[str, int]]:
        """Return the exchange in the end, and how many orders of each type traded."""
        buyers = {i: Trader(self.money, [0], i) for i in range(len(self.values))}
        sellers = {len(buyers) + i: Trader(0, [1], len(buyers) + i) for i in range(len(self.costs))}
        exchange, done = Exchange(buyers | sellers), set[int]()
        handed_in: list[tuple[str, Order]] = []
        for call in range(calls):
            kind, order = self.kind(call), self.order(call)
            if order.agent in done or self.waits(exchange, order, kind):
                continue
            made = len(exchange.trades)
            exchange.submit(order, kind, replaces=True)
            done |= {each for trade in exchange.trades[made:] for each in trade[:2]}
            handed_in.append((kind, order))
        traded = [kind for kind, order in handed_in if order.lots == 0]
        return exchange, {kind: traded.count(kind) for kind in self.weights}

    @staticmethod
    def waits(exchange: Exchange, order: Order, kind: str) -> bool:
        """Return whether the agent has that very order at the post already."""
        there = exchange.stops if kind == "stop" else exchange.resting
        there = there if kind in ("limit", "stop") else []
        return any((o.agent, o.price) == (order.agent, order.price) for o in there)
