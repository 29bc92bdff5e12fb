"""Plain Python economics to check the engine against: utility, demand, equilibrium, rationing.

Everything is written from the formulas of the textbooks, one agent at a time, in floats, or in
fractions where the engine's integers must be met exactly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from scipy.optimize import brentq, fsolve

QUASILINEAR, UNIT_OF_ACCOUNT = "quasilinear", "unit_of_account"


@dataclass(frozen=True)
class Taste:
    """A utility function: `linear` (weights) or `cobb_douglas` (exponents)."""

    family: str
    parameters: tuple[float, ...]
    scale: str = "log"
    kappa: float = 1.0
    money_weight: float = 1.0

    def entry(self) -> dict[str, Any]:
        """Return the entry of a scenario's `utilities`."""
        entry: dict[str, Any] = {"type": self.family, "money_weight": self.money_weight, "count": 1}
        if self.family == "linear":
            return {**entry, "weights": list(self.parameters)}
        entry |= {"exponents": list(self.parameters), "scale": self.scale}
        return {**entry, "kappa": self.kappa} if self.scale == "log" else entry

    def row(self) -> list[float]:
        """Return the parameters as kernels read them."""
        if self.family == "linear":
            return list(self.parameters)
        return [*self.parameters, self.kappa, 1.0 if self.scale == "level" else 0.0]


@dataclass(frozen=True)
class Agent:
    """A taste and what is owned [unit, M]."""

    taste: Taste
    goods: tuple[float, ...]
    money: float = 0.0

    def group(self, name: str, names: Sequence[str], count: int = 1) -> dict[str, Any]:
        """Return a group of `count` such agents as `clear` takes it."""
        held = {**dict(zip(names, self.goods, strict=True)), "M": self.money}
        entry = {**self.taste.entry(), "count": count}
        return {"name": name, "count": count, "inventories": held, "utilities": [entry]}


def groups(agents: Sequence[Agent], names: Sequence[str] = "ABCD") -> list[dict[str, Any]]:
    """Return a group for each agent."""
    used = names[: len(agents[0].goods)]
    return [agent.group(f"g{i}", used) for i, agent in enumerate(agents)]


def utility(taste: Taste, goods: Sequence[float], floor: float = 5e-4) -> float:
    """Return U; in the log form a quantity counts as at least `floor`."""
    if taste.family == "linear":
        return sum(w * x for w, x in zip(taste.parameters, goods, strict=True))
    if taste.scale == "level":
        return math.prod(math.pow(x, a) for a, x in zip(taste.parameters, goods, strict=True) if a)
    return taste.kappa * sum(
        a * math.log(max(x, floor)) for a, x in zip(taste.parameters, goods, strict=True) if a
    )


def demand(agent: Agent, price: Sequence[float], mode: str = QUASILINEAR) -> list[float]:
    """Return the optimal holdings when all goods are traded; at a tie, those of the cheaper price.

    In `unit_of_account` the last good is the numeraire and all wealth is spent.
    """
    taste = agent.taste
    wealth = sum(p * e for p, e in zip(price, agent.goods, strict=True))
    if mode == QUASILINEAR:
        wealth += agent.money
    if taste.family == "linear":
        worth = [w / p for w, p in zip(taste.parameters, price, strict=True)]
        best = max(range(len(worth)), key=lambda k: worth[k])
        spent = 0.0 if mode == QUASILINEAR and worth[best] < taste.money_weight else wealth
        return [spent / price[k] if k == best else 0.0 for k in range(len(price))]
    degree = sum(taste.parameters)
    spent = wealth
    if mode == QUASILINEAR:
        # kappa degree ln w - lambda w is greatest where kappa degree / w = lambda.
        spent = min(wealth, taste.kappa * degree / taste.money_weight)
    return [a / degree * spent / p for a, p in zip(taste.parameters, price, strict=True)]


def excess(agents: Sequence[Agent], price: Sequence[float], mode: str) -> list[float]:
    """Return the sum of desired net trades, a good each."""
    total = [0.0] * len(price)
    for agent in agents:
        for k, wanted in enumerate(demand(agent, price, mode)):
            total[k] += wanted - agent.goods[k]
    return total


def one_good_price(wanted: Callable[[float], float], low: float = 1e-6, high: float = 1e6) -> float:
    """Return where a falling excess demand, which may jump, goes through zero."""
    for _ in range(300):
        middle = math.sqrt(low * high)
        if wanted(middle) > 0.0:
            low = middle
        else:
            high = middle
    return math.sqrt(low * high)


def smooth_prices(agents: Sequence[Agent], mode: str, start: Sequence[float]) -> list[float]:
    """Return prices that clear smooth excess demand, by scipy's root finders in log prices."""
    counted = mode == UNIT_OF_ACCOUNT
    free = len(start) - counted

    def zeta(logs: Any) -> list[float]:
        price = [*np.exp(logs), 1.0] if counted else list(np.exp(logs))
        held = [sum(agent.goods[k] for agent in agents) for k in range(free)]
        return [z / h for z, h in zip(excess(agents, price, mode), held, strict=False)]

    if free == 1:
        logs = [brentq(lambda log: zeta([log])[0], -20.0, 20.0, xtol=1e-14)]
    else:
        logs, _, flag, message = fsolve(zeta, np.log(start[:free]), xtol=1e-13, full_output=True)
        if flag != 1 and max(map(abs, zeta(logs))) > 1e-9:
            raise AssertionError(f"the root finder gave up: {message}")
    return [*(math.exp(log) for log in logs), *([1.0] if counted else [])]


def share_out(weights: Sequence[int], amount: int, ids: Sequence[int]) -> list[int]:
    """Split `amount` pro rata to `weights`: floors, then largest remainders, ties to low ids."""
    total = sum(weights)
    exact = [Fraction(w * amount, total) if total else Fraction(0) for w in weights]
    parts = [math.floor(share) for share in exact]
    rest = amount - sum(parts)
    order = sorted(range(len(weights)), key=lambda i: (parts[i] - exact[i], ids[i]))
    for i in order[:rest]:
        parts[i] += 1
    return parts


def fill(desired: Sequence[Sequence[int]], ids: Sequence[int]) -> list[list[int]]:
    """Serve the short side of each good in full and the long side pro rata."""
    filled = [list(row) for row in desired]
    for k in range(len(desired[0])):
        buys = sum(max(0, row[k]) for row in desired)
        sells = sum(max(0, -row[k]) for row in desired)
        if buys == sells:
            continue
        side = 1 if buys > sells else -1
        weights = [max(0, side * row[k]) for row in desired]
        parts = share_out(weights, min(buys, sells), ids)
        for i, weight in enumerate(weights):
            if weight:
                filled[i][k] = side * parts[i]
    return filled


def indirect_money(taste: Taste, price: Sequence[float], level: float) -> float:
    """Return the least spending at `price` that gives a log Cobb-Douglas agent this utility."""
    degree = sum(taste.parameters)
    best = sum(
        a * math.log(a / (degree * p)) for a, p in zip(taste.parameters, price, strict=True) if a
    )
    return math.exp((level / taste.kappa - best) / degree)


def uniform_price_volume(orders: Sequence[tuple[bool, int, int]], price: int) -> tuple[int, int]:
    """Return the lots that buyers and sellers want at a price: (buys, lots, limit) orders."""
    wanted = sum(lots for buys, lots, limit in orders if buys and limit >= price)
    offered = sum(lots for buys, lots, limit in orders if not buys and limit <= price)
    return wanted, offered


def greatest_volume(orders: Sequence[tuple[bool, int, int]]) -> int:
    """Return the most lots that can change hands at one price."""
    limits = {limit for _, _, limit in orders}
    return max(min(uniform_price_volume(orders, price)) for price in limits)


def greatest_surplus(orders: Sequence[tuple[bool, int, int]]) -> int:
    """Return the most that trading can be worth: dearest buyers with cheapest sellers."""
    buys = sorted(((limit, lots) for b, lots, limit in orders if b), reverse=True)
    sells = sorted((limit, lots) for b, lots, limit in orders if not b)
    total = 0
    while buys and sells and buys[0][0] > sells[0][0]:
        (high, wanted), (low, offered) = buys.pop(0), sells.pop(0)
        lots = min(wanted, offered)
        total += lots * (high - low)
        if wanted > lots:
            buys.insert(0, (high, wanted - lots))
        if offered > lots:
            sells.insert(0, (low, offered - lots))
    return total
