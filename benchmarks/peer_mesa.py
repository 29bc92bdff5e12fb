"""The work of `peers.py` in Mesa: objects on a `MultiGrid`, all look before anybody walks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mesa
from mesa.space import MultiGrid
from peer_work import REACH, TINY, VISION, Agents, run_peer


class Trader(mesa.Agent):
    """An agent that goes for the best partner it sees."""

    def __init__(self, model: Market, number: int, agents: Agents) -> None:
        super().__init__(model)
        self.number = number
        self.rate = agents.rate[number].tolist()
        self.curvature = agents.curvature[number].tolist()
        self.stock = agents.stock[number].tolist()
        self.cash = float(agents.cash[number])
        self.best: Trader | None = None
        self.goal: tuple[int, int] | None = None

    def gain(self, other: Trader) -> float:
        """Return the gain of the best trade of one good for money [M]."""
        best = 0.0
        for good in range(len(self.rate)):
            buyer, seller = self, other
            if other.rate[good] > self.rate[good]:
                buyer, seller = other, self
            gap = buyer.rate[good] - seller.rate[good]
            bend = buyer.curvature[good] + seller.curvature[good]
            price = 0.5 * (buyer.rate[good] + seller.rate[good])
            quantity = min(gap / max(bend, TINY), seller.stock[good], buyer.cash / max(price, TINY))
            best = max(best, gap * quantity - 0.5 * bend * quantity**2)
        return best

    def look(self) -> None:
        """Find the best partner in sight, ties by the lower number."""
        x, y = self.pos
        best, most = None, 0.0
        seen = self.model.grid.iter_neighbors(
            self.pos, moore=False, include_center=True, radius=VISION
        )
        for other in seen:
            distance = abs(other.pos[0] - x) + abs(other.pos[1] - y)
            weight = self.gain(other) * self.model.beta**distance
            if weight < self.model.least_gain or other is self:
                continue
            if weight > most or (weight == most and best and other.number < best.number):
                best, most = other, weight
        self.best, self.goal = best, best and best.pos

    def walk(self) -> None:
        """Take a step to where the partner was, the longer way first, or at random."""
        x, y = self.pos
        if self.goal is None:
            dx, dy = self.random.choice(((1, 0), (-1, 0), (0, 1), (0, -1)))
        else:
            gap_x, gap_y = self.goal[0] - x, self.goal[1] - y
            if abs(gap_x) + abs(gap_y) <= REACH:
                return
            along = abs(gap_x) >= abs(gap_y)
            dx = (1 if gap_x > 0 else -1) if along else 0
            dy = 0 if along else (1 if gap_y > 0 else -1)
        grid = self.model.grid
        cell = min(max(x + dx, 0), grid.width - 1), min(max(y + dy, 0), grid.height - 1)
        grid.move_agent(self, cell)


class Market(mesa.Model):
    """The grid and its traders."""

    def __init__(self, agents: Agents) -> None:
        super().__init__(seed=1)
        self.beta, self.least_gain = agents.beta, agents.least_gain
        self.grid = MultiGrid(agents.width, agents.height, torus=False)
        for number in range(len(agents.x)):
            trader = Trader(self, number, agents)
            self.grid.place_agent(trader, (int(agents.x[number]), int(agents.y[number])))

    def step(self) -> None:
        """Run a tick."""
        self.agents.do("look")
        self.agents.do("walk")


def make(agents: Agents) -> tuple[Callable[[], None], Callable[[], Any]]:
    """Build the model; return what runs a tick, and what tells the best partners."""
    model = Market(agents)
    traders = sorted(model.agents, key=lambda trader: trader.number)
    return model.step, lambda: [-1 if t.best is None else t.best.number for t in traders]


if __name__ == "__main__":
    run_peer(make)
