"""Whether prices clear an economy with linear members, by a linear programme.

Members of linear utility may spend on whatever gives them most for their money; the programme asks
for spending that leaves as little as possible unsold or unserved.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.optimize import linprog

from tests.oracles.economics import QUASILINEAR, Agent, demand


def options(agent: Agent, price: Sequence[float], mode: str, tolerance: float) -> list[int]:
    """Return the goods that are worth most for their price; K stands for money."""
    worth = [w / p for w, p in zip(agent.taste.parameters, price, strict=True)]
    if mode == QUASILINEAR:
        worth.append(agent.taste.money_weight)
    best = max(worth)
    return [k for k, each in enumerate(worth) if each >= best * (1.0 - tolerance)]


def least_unplaced(
    agents: Sequence[Agent], price: Sequence[float], mode: str, tolerance: float
) -> float:
    """Return the least value of excess demand and supply that choices at `price` can leave [M].

    Each member chooses what is best for it up to a share `tolerance`.
    """
    goods = len(price)
    left = [price[k] * sum(agent.goods[k] for agent in agents) for k in range(goods)]
    rows: list[tuple[int, int]] = []
    budgets: list[float] = []
    for agent in agents:
        if agent.taste.family != "linear":
            for k, wanted in enumerate(demand(agent, price, mode)):
                left[k] -= price[k] * wanted
            continue
        wealth = sum(p * e for p, e in zip(price, agent.goods, strict=True))
        budgets.append(wealth + (agent.money if mode == QUASILINEAR else 0.0))
        rows += [(len(budgets) - 1, k) for k in options(agent, price, mode, tolerance)]
    # Spending of each member on each option, then excess demand and excess supply of each good.
    size = len(rows) + 2 * goods
    equal = np.zeros((len(budgets) + goods, size))
    for column, (member, k) in enumerate(rows):
        equal[member, column] = 1.0
        if k < goods:
            equal[len(budgets) + k, column] = 1.0
    for k in range(goods):
        equal[len(budgets) + k, len(rows) + k] = -1.0
        equal[len(budgets) + k, len(rows) + goods + k] = 1.0
    cost = np.r_[np.zeros(len(rows)), np.ones(2 * goods)]
    found = linprog(cost, A_eq=equal, b_eq=[*budgets, *left], method="highs")
    assert found.status == 0, found.message
    return float(found.fun)
