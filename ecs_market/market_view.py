"""A market post as a host program sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ecs_market.books import books
from ecs_market.components.call_auction import GatheredOrders
from ecs_market.components.double_auction import RestingOrders
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import STATUSES, MarketPost
from ecs_market.components.market_rules import MarketRules
from ecs_market.components.position import Position
from ecs_market.components.visibility import PostVisibility
from ecs_market.errors import InputError
from ecs_market.mechanisms.reputation import standing
from ecs_market.notebook import post_html, posts_html

if TYPE_CHECKING:
    from ecs_market.simulation import Simulation


# Shares of payments are stored in parts of this.
BILLION = 1_000_000_000


class MarketView:
    """A post's present state in people's units; it follows the simulation."""

    def __init__(self, simulation: Simulation, ident: int) -> None:
        self._simulation = simulation
        self.id = ident

    @property
    def simulation(self) -> Simulation:
        """The simulation that the post is in."""
        return self._simulation

    @property
    def _row(self) -> int:
        row = int(self._simulation.world.post_rows[self.id])
        if row < 0:
            raise InputError(f"market post {self.id} has been removed")
        return row

    def _part(self, component: type) -> Any:
        return self._simulation.world.posts.whole(component)

    @property
    def location(self) -> tuple[int, int]:
        """The post's cell."""
        position = self._part(Position)
        return int(position.x[self._row]), int(position.y[self._row])

    @property
    def mechanism_type(self) -> str:
        """The mechanism's name."""
        for name, table in self._simulation.world.posts.tables.items():
            if table.start <= self._row < table.stop:
                return name
        raise LookupError(f"market post {self.id} is in no table")

    @property
    def commodities(self) -> list[str]:
        """The goods traded here, and M."""
        traded = self._part(MarketPost).commodities[self._row]
        names = self._simulation.world.settings.goods
        return [*(good for good, here in zip(names, traded, strict=True) if here), "M"]

    @property
    def current_prices(self) -> dict[str, float]:
        """The last prices published [M / unit], 1 for M; goods without a price are left out."""
        steps = self._part(MarketPost).current_prices[self._row]
        names = self._simulation.world.settings.goods
        units = self._simulation.units
        prices = {
            good: units.from_steps(int(price))
            for good, price in zip(names, steps, strict=True)
            if price > 0
        }
        return {**prices, "M": 1.0}

    @property
    def price_formed_at(self) -> dict[str, int]:
        """The tick in which each price was formed."""
        ticks = self._part(MarketPost).price_formed_at[self._row]
        names = self._simulation.world.settings.goods
        return {good: int(at) for good, at in zip(names, ticks, strict=True) if at >= 0}

    @property
    def last_clear_tick(self) -> int | None:
        """The last tick that traded, None before the first."""
        tick = int(self._part(MarketPost).last_clear_tick[self._row])
        return None if tick < 0 else tick

    @property
    def status(self) -> str:
        """How the last clearing ended; ``none`` before the first."""
        return STATUSES[int(self._part(MarketPost).status[self._row])]

    @property
    def fees(self) -> dict[str, float]:
        """What buyer and seller each pay: a share of the payment, and an amount a lot [M]."""
        rules, units = self._part(MarketRules), self._simulation.units
        return {
            "ad_valorem": int(rules.fee_ppb[self._row]) / BILLION,
            "per_lot": units.from_minor(int(rules.fee_per_lot[self._row])),
        }

    @property
    def account(self) -> dict[str, float]:
        """What the post itself owns, fees and stock [unit, M]."""
        account, units = self._part(MarketAccount), self._simulation.units
        names = self._simulation.world.settings.goods
        goods = account.goods[self._row]
        owned = {good: units.from_lots(int(lots)) for good, lots in zip(names, goods, strict=True)}
        return {**owned, "M": units.from_minor(int(account.money[self._row]))}

    @property
    def reputation(self) -> float:
        """By how much agents value the post less for what it failed to give, 1 at best."""
        return float(standing(self._simulation.world)[self._row])

    @property
    def pending_orders(self) -> list[dict[str, Any]]:
        """Orders that wait at the post, with the keys that `clear(orders=...)` takes.

        A stop that no trade has triggered yet has the `order_type` stop; others have none.
        """
        names, units = self._simulation.world.settings.goods, self._simulation.units
        return [
            {
                "agent": int(book.agent[i]),
                "commodity": names[book.good[i]],
                "direction": "sell" if book.sells[i] else "buy",
                "quantity": units.from_lots(int(book.lots[i])),
                "limit_price": units.from_steps(int(book.price[i])),
                **({"order_type": "stop"} if _waits(book, int(i)) else {}),
            }
            for book in books(self._simulation.world)
            if isinstance(book, (GatheredOrders, RestingOrders))
            for i in np.flatnonzero(book.post == self.id)
        ]

    @property
    def visibility_radius(self) -> int:
        """From how far the post is seen [cell]."""
        return int(self._part(PostVisibility).visibility_radius[self._row])

    @property
    def interaction_radius(self) -> int:
        """From how far agents can join [cell]."""
        return int(self._part(PostVisibility).interaction_radius[self._row])

    @property
    def broadcast_radius(self) -> int:
        """How far prices are heard [cell]."""
        return int(self._part(PostVisibility).broadcast_radius[self._row])

    def distance(self, cell: tuple[int, int]) -> int:
        """Return the Manhattan distance to a cell."""
        x, y = self.location
        settings = self._simulation.world.settings
        at = np.array([int(cell[0])]), np.array([int(cell[1])])
        return int(settings.distances(*at, x, y)[0])

    def can_see(self, cell: tuple[int, int]) -> bool:
        """Return whether the post is seen from a cell."""
        return self.distance(cell) <= self.visibility_radius

    def can_interact(self, cell: tuple[int, int]) -> bool:
        """Return whether an agent on a cell can join."""
        return self.distance(cell) <= self.interaction_radius

    def can_receive_broadcast(self, cell: tuple[int, int]) -> bool:
        """Return whether prices are heard on a cell."""
        return self.distance(cell) <= self.broadcast_radius

    def __repr__(self) -> str:
        return f"<MarketView {self.id} {self.mechanism_type} at {self.location}>"

    def _repr_html_(self) -> str:
        return post_html(self)


class MarketViews(list[MarketView]):
    """Views of posts, by ascending id; a table in a notebook."""

    def _repr_html_(self) -> str:
        return posts_html(self)


def _waits(book: GatheredOrders | RestingOrders, entry: int) -> bool:
    """Return whether an order is a stop that waits for its trigger."""
    return isinstance(book, RestingOrders) and bool(book.trigger[entry] > 0)


def market_views(simulation: Simulation) -> MarketViews:
    """Return a view of each post, by ascending id."""
    return MarketViews(
        MarketView(simulation, int(ident))
        for ident in np.flatnonzero(simulation.world.post_rows >= 0)
    )
