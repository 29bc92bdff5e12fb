"""Bargaining in plain Python: two agents, exact fractions for money, one trade after another.

A price is in price steps for a unit; a trade of q lots at s steps costs q s minor units.  Goods for
goods, the price is in steps of the good that pays, and the payment is rounded to the nearest lot.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.optimize import minimize

from tests.oracles.economics import QUASILINEAR, UNIT_OF_ACCOUNT, Taste, utility

LOT, STEP = 1e-3, 1e-4
UNIT_LOTS = 1000
ONE = 10_000


@dataclass
class Party:
    """An agent in storage units."""

    taste: Taste
    lots: list[int]
    minor: int = 0

    def value(self, lots: Sequence[int], minor: int) -> float:
        """Return utility with money counted at its weight."""
        goods = [x * LOT for x in lots]
        return utility(self.taste, goods, LOT / 2) + self.taste.money_weight * minor * LOT * STEP

    def marginal(self, k: int) -> float:
        """Return what a unit more of good k is worth in utility, at no less than half a lot."""
        if self.taste.family == "linear":
            return self.taste.parameters[k]
        return self.taste.kappa * self.taste.parameters[k] / max(self.lots[k] * LOT, LOT / 2)

    def rate(self, k: int, pay: int) -> float:
        """Return how much of what pays a unit of good k is worth."""
        worth = self.taste.money_weight if pay == len(self.lots) else self.marginal(pay)
        return self.marginal(k) / worth


@dataclass
class Bargain:
    """A pair and the trades (buyer, good, what pays, lots, paid, steps) it has made."""

    parties: tuple[Party, Party]
    mode: str = QUASILINEAR
    trades: list[tuple[int, int, int, int, int, int]] = field(default_factory=list)

    def swaps(self) -> list[tuple[int, int]]:
        """Return the possible (good, what pays), widest difference of rates first."""
        n = len(self.parties[0].lots)
        pays = [(k, n) for k in range(n)]
        if self.mode != QUASILINEAR:
            pays = [(k, m) for k in range(n) for m in range(k + 1, n)]
        gaps = {
            (k, m): abs(self.parties[0].rate(k, m) - self.parties[1].rate(k, m)) for k, m in pays
        }
        return sorted((s for s in pays if gaps[s] > 0), key=lambda s: -gaps[s])

    def terms(self, k: int, pay: int) -> tuple[int, int]:
        """Return who buys, and the midpoint price in steps."""
        rates = [party.rate(k, pay) for party in self.parties]
        return int(rates[1] > rates[0]), max(1, int(0.5 * (rates[0] + rates[1]) / STEP + 0.5))

    def paid(self, lots: int, steps: int, pay: int) -> int:
        """Return minor units, or lots of the good that pays."""
        if pay == len(self.parties[0].lots):
            return lots * steps
        whole, rest = divmod(lots * steps, ONE)
        return whole + (2 * rest >= ONE)

    def gains(self, buyer: int, k: int, pay: int, lots: int, steps: int) -> list[float]:
        """Return both changes in utility; empty if the trade is not feasible."""
        paid, n = self.paid(lots, steps, pay), len(self.parties[0].lots)
        found: list[float] = []
        if pay < n and lots * steps > self.parties[buyer].lots[pay] * ONE:
            return found
        for who, sign in ((buyer, 1), (1 - buyer, -1)):
            party = self.parties[who]
            after, minor = list(party.lots), party.minor
            after[k] += sign * lots
            if pay == n:
                minor -= sign * paid
            else:
                after[pay] -= sign * paid
            if min(*after, minor) < 0 or paid <= 0:
                return []
            old, new = party.value(party.lots, party.minor), party.value(after, minor)
            change = new - old
            found.append(0.0 if abs(change) <= 1e-12 * max(1.0, abs(old)) else change)
        return found

    def good_for_both(self, buyer: int, k: int, pay: int, lots: int, steps: int) -> bool:
        """Return whether both strictly gain."""
        gains = self.gains(buyer, k, pay, lots, steps)
        return len(gains) == 2 and min(gains) > 0.0

    def block(self, buyer: int, k: int, pay: int, steps: int) -> int:
        """Return the first of 1, 2, 4 ... units, then halves of a unit, that gains for both."""
        lots = UNIT_LOTS
        while lots <= self.parties[1 - buyer].lots[k]:
            if self.good_for_both(buyer, k, pay, lots, steps):
                return lots
            lots *= 2
        lots = UNIT_LOTS // 2
        while lots:
            if self.good_for_both(buyer, k, pay, lots, steps):
                return lots
            lots //= 2
        return 0

    def smaller_wish(self, buyer: int, k: int, steps: int) -> int:
        """Return the smaller of what both want of good k for money, if both gain by it."""
        price, wishes = steps * STEP, []
        for who, sign in ((buyer, 1), (1 - buyer, -1)):
            party = self.parties[who]
            held, wealth = (
                party.lots[k] * LOT,
                party.minor * LOT * STEP + price * party.lots[k] * LOT,
            )
            if party.taste.family == "linear":
                worth = party.taste.parameters[k] / party.taste.money_weight
                best = wealth / price if worth > price else 0.0 if worth < price else held
            else:
                spent = party.taste.kappa * party.taste.parameters[k] / party.taste.money_weight
                best = min(spent, wealth) / price
            wishes.append(int(sign * (best - held) / LOT))
        affordable = self.parties[buyer].minor // steps
        lots = min(*wishes, self.parties[1 - buyer].lots[k], affordable)
        if lots > 0 and self.good_for_both(buyer, k, len(self.parties[0].lots), lots, steps):
            return lots
        return 0

    def run(self, rule: str) -> None:
        """Trade until no swap gains a lot."""
        going = True
        while going:
            going = False
            for k, pay in self.swaps():
                buyer, steps = self.terms(k, pay)
                if rule == "compensating_block":
                    lots = self.block(buyer, k, pay, steps)
                else:
                    lots = self.smaller_wish(buyer, k, steps)
                if lots:
                    before = self.rates()
                    self.book(buyer, k, pay, lots, steps)
                    while rule == "compensating_block" and self.rates() == before:
                        if self.block(buyer, k, pay, steps) != lots:
                            break
                        self.book(buyer, k, pay, lots, steps)
                        self.merge_last_two()
                    going = True
                    break

    def rates(self) -> list[float]:
        """Return both parties' marginal utilities."""
        n = len(self.parties[0].lots)
        return [party.marginal(k) for party in self.parties for k in range(n)]

    def merge_last_two(self) -> None:
        """Count a block that is repeated at unchanged rates as one trade with the one before."""
        buyer, k, pay, lots, paid, steps = self.trades.pop()
        _, _, _, first, first_paid, _ = self.trades.pop()
        self.trades.append((buyer, k, pay, first + lots, first_paid + paid, steps))

    def book(self, buyer: int, k: int, pay: int, lots: int, steps: int) -> None:
        """Move what is traded."""
        paid = self.paid(lots, steps, pay)
        for who, sign in ((buyer, 1), (1 - buyer, -1)):
            party = self.parties[who]
            party.lots[k] += sign * lots
            if pay == len(party.lots):
                party.minor -= sign * paid
            else:
                party.lots[pay] -= sign * paid
        self.trades.append((buyer, k, pay, lots, paid, steps))


def joint_optimum(
    pair: Sequence[Any],
    mode: str,
    rule: str,
    options: dict[str, Any],
    worth: Callable[[Any, Sequence[float], float, str], float],
) -> list[float]:
    """Return both gains of a solution over all goods at once, by scipy, from several starts."""
    one, two = pair
    n = len(one.goods)
    barred = mode == UNIT_OF_ACCOUNT
    bounds = [(-a, b) for a, b in zip(one.goods, two.goods, strict=True)]
    bounds.append((0.0, 0.0) if barred else (-one.money, two.money))
    old = [worth(m, m.goods, m.money, mode) for m in pair]

    def gains(z: Any) -> list[float]:
        mine = [max(0.0, g + d) for g, d in zip(one.goods, z[:n], strict=True)]
        yours = [max(0.0, g - d) for g, d in zip(two.goods, z[:n], strict=True)]
        first = worth(one, mine, max(0.0, one.money + z[n]), mode) - old[0]
        return [first, worth(two, yours, max(0.0, two.money - z[n]), mode) - old[1]]

    def best(
        value: Callable[[Any], float], rules: list[Any], starts: Sequence[Any] = ()
    ) -> tuple[list[float], Any]:
        rng = np.random.default_rng(0)
        found, top, place = [0.0, 0.0], -math.inf, np.zeros(n + 1)
        drawn = [[rng.uniform(lo, hi) if hi > lo else 0.0 for lo, hi in bounds] for _ in range(12)]
        for start in [*starts, *drawn]:
            done = minimize(
                lambda z: -value(z),
                start,
                bounds=bounds,
                constraints=rules,
                method="SLSQP",
                options={"maxiter": 400, "ftol": 1e-12},
            )
            held = gains(done.x)
            if min(held) >= -1e-6 and value(done.x) > top:
                found, top, place = held, value(done.x), done.x
        return found, place

    def not_worse(at: int) -> dict[str, Any]:
        return {"type": "ineq", "fun": lambda z: gains(z)[at]}

    def takes_all(at: int) -> tuple[list[float], Any]:
        return best(lambda z: gains(z)[at], [not_worse(1 - at)])

    if rule == "take_it_or_leave_it":
        return takes_all(0 if options["proposer"] == "lower_id" else 1)[0]
    ends = takes_all(0), takes_all(1)
    middle = 0.5 * (ends[0][1] + ends[1][1])
    if rule == "nash":
        power = options["power"]

        def product(z: Any) -> float:
            held = [max(1e-9, g) for g in gains(z)]
            return float(power * math.log(held[0]) + (1 - power) * math.log(held[1]))

        return best(product, [not_worse(0), not_worse(1)], [middle])[0]
    ideal = [ends[0][0][0], ends[1][0][1]]
    equal = {"type": "eq", "fun": lambda z: gains(z)[0] / ideal[0] - gains(z)[1] / ideal[1]}
    return best(lambda z: gains(z)[0] / ideal[0], [equal], [middle])[0]
