"""A limit order book in plain Python: lists that are searched from end to end."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

FOREVER = 2**62


@dataclass
class Order:
    """One order; `trigger` is 0 unless it is a stop that still waits."""

    agent: int
    good: int
    buys: bool
    price: int
    lots: int
    expires: int = FOREVER
    trigger: int = 0
    time: int = 0
    quantity: int = 0
    rejected: bool = False

    def __post_init__(self) -> None:
        """Remember the size it is handed in with."""
        self.quantity = self.lots

    def state(self) -> tuple[int, ...]:
        """Return everything but the time."""
        side = int(not self.buys)
        return (self.agent, self.good, side, self.price, self.trigger, self.lots, self.expires)


@dataclass
class Trader:
    """What an agent owns; orders of one owner never meet."""

    money: int
    goods: list[int]
    owner: int


@dataclass
class Exchange:
    """One post with a book for each good; all amounts are whole numbers.

    `fee` is the rate in 1e-9 and the amount a lot; `band` the share by which a price may differ
    from the one published when the tick began, 0 for any.
    """

    traders: dict[int, Trader]
    fee: tuple[int, int] = (0, 0)
    band: float = 0.0
    resting: list[Order] = field(default_factory=list)
    stops: list[Order] = field(default_factory=list)
    last: dict[int, int] = field(default_factory=dict)
    published: dict[int, int] = field(default_factory=dict)
    trades: list[tuple[int, ...]] = field(default_factory=list)
    account: int = 0
    clock: int = 0

    def cost(self, payment: int, lots: int) -> int:
        """Return what one side pays to the post."""
        return payment * self.fee[0] // 10**9 + lots * self.fee[1]

    def needs(self, order: Order) -> int:
        """Return the money that an order may take."""
        payment = order.price * order.lots
        cost = self.cost(payment, order.lots)
        return payment + cost if order.buys else max(0, cost - payment)

    def covered(self, order: Order) -> bool:
        """Return whether the agent has what an order may take besides all its other orders."""
        trader = self.traders[order.agent]
        others = [o for o in self.resting + self.stops if o.agent == order.agent and o is not order]
        if self.needs(order) > trader.money - sum(self.needs(o) for o in others):
            return False
        promised = sum(o.lots for o in others if not o.buys and o.good == order.good)
        return order.buys or order.lots <= trader.goods[order.good] - promised

    def begin(self, tick: int, present: set[int], published: Sequence[int]) -> None:
        """Start a tick: throw out what is void, the oldest order first."""
        everything = sorted(self.resting + self.stops, key=lambda o: o.time)
        self.resting, self.stops, self.trades = [], [], []
        self.published = {k: price for k, price in enumerate(published) if price > 0}
        for order in everything:
            if order.agent in present and tick < order.expires and self.covered(order):
                (self.stops if order.trigger else self.resting).append(order)

    def submit(self, order: Order, kind: str, *, replaces: bool = False) -> None:
        """Hand in an order of a type."""
        low, high = 1, 10**12
        if self.band and order.good in self.published:
            price = self.published[order.good]
            change = max(1, math.floor(price * self.band))
            low, high = max(1, price - change), price + change
        if kind == "market":
            order.price = min(max(order.price, low), high)
        if not low <= order.price <= high:
            order.rejected = True
            return
        if replaces:
            same = [
                o
                for o in self.resting + self.stops
                if (o.agent, o.good) == (order.agent, order.good)
            ]
            self.resting = [o for o in self.resting if o not in same]
            self.stops = [o for o in self.stops if o not in same]
        if not self.covered(order):
            order.rejected = True
            return
        self.clock += 1
        order.time = self.clock
        if kind == "stop":
            last = self.last.get(order.good, 0)
            if not last or (last < order.price if order.buys else last > order.price):
                order.trigger = order.price
                self.stops.append(order)
                return
        queue = [(order, kind)]
        while queue:
            each, how = queue.pop(0)
            seen = len(self.trades)
            self.execute(each, how)
            prices = [trade[4] for trade in self.trades[seen:]]
            if prices:
                queue += [(o, "limit") for o in self.triggered(order.good, prices)]

    def triggered(self, good: int, prices: list[int]) -> list[Order]:
        """Take out the stops that these prices trigger, in the order in which they follow."""
        buys = [o for o in self.stops if o.good == good and o.buys and o.trigger <= max(prices)]
        sells = [
            o for o in self.stops if o.good == good and not o.buys and o.trigger >= min(prices)
        ]
        buys.sort(key=lambda o: (o.trigger, o.time))
        sells.sort(key=lambda o: (-o.trigger, o.time))
        found = buys + sells
        self.stops = [o for o in self.stops if not any(o is f for f in found)]
        return found

    def execute(self, order: Order, kind: str) -> None:
        """Trade with the best orders; what is left rests or is void."""
        if order.trigger:
            self.clock += 1
            order.time = self.clock
            order.trigger = 0
        mine = self.traders[order.agent].owner
        if kind == "fill_or_kill":
            others = [o for o in self.opposite(order) if self.traders[o.agent].owner != mine]
            if sum(o.lots for o in others) < order.lots:
                return
        while order.lots:
            against = self.opposite(order)
            if not against:
                break
            best = against[0]
            if self.traders[best.agent].owner == mine:
                self.resting = [o for o in self.resting if o is not best]
                continue
            self.trade(order, best)
        if order.lots and kind in ("limit", "stop"):
            self.resting.append(order)

    def opposite(self, order: Order) -> list[Order]:
        """Return the orders that an order could trade with, the best first."""
        found = [
            o
            for o in self.resting
            if o.good == order.good
            and o.buys != order.buys
            and (o.price <= order.price if order.buys else o.price >= order.price)
        ]
        return sorted(found, key=lambda o: (o.price if order.buys else -o.price, o.time))

    def trade(self, order: Order, best: Order) -> None:
        """Trade what both want at the price of the one that was there first."""
        lots = min(order.lots, best.lots)
        payment = lots * best.price
        cost = self.cost(payment, lots)
        buyer, seller = (order, best) if order.buys else (best, order)
        self.traders[buyer.agent].money -= payment + cost
        self.traders[buyer.agent].goods[order.good] += lots
        self.traders[seller.agent].money += payment - cost
        self.traders[seller.agent].goods[order.good] -= lots
        self.account += 2 * cost
        order.lots -= lots
        best.lots -= lots
        if not best.lots:
            self.resting = [o for o in self.resting if o is not best]
        self.last[order.good] = best.price
        self.trades.append((buyer.agent, seller.agent, order.good, lots, best.price, 2 * cost))

    def leave(self, present: set[int]) -> None:
        """Throw out the orders of those who are not there."""
        self.resting = [o for o in self.resting if o.agent in present]
        self.stops = [o for o in self.stops if o.agent in present]

    def status(self, order: Order) -> str:
        """Return what has become of an order."""
        if order.rejected:
            return "rejected"
        if order.lots == 0:
            return "filled"
        if order.lots < order.quantity:
            return "partial"
        return "open" if any(o is order for o in self.resting + self.stops) else "cancelled"

    def book(self) -> list[tuple[int, ...]]:
        """Return all orders that rest, in order of time."""
        return [o.state() for o in sorted(self.resting + self.stops, key=lambda o: o.time)]
