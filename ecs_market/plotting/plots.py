"""The plots of a run by name: `sim.plot`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from ecs_market.plotting import agents, places, schedules, series
from ecs_market.plotting.source import Goods, Posts, Query, Source

if TYPE_CHECKING:
    from matplotlib.axes import Axes

By = Literal["population", "family"]
Shade = Literal["population", "family", "target", "money", "wealth", "gain"]


class Plots:
    """Draws what telemetry recorded, up to the last whole tick; reading it changes nothing.

    Each method draws on `ax`, or on new axes in a figure of their own, and returns the axes:
    ``sim.plot.prices(good="A").figure.savefig("prices.pdf")``.

    Parameters
    ----------
    query
        Runs a SELECT statement, with its parameters, on a telemetry database.

    Raises
    ------
    MarketError
        matplotlib is not installed.
    InputError
        There is no such post, good or tick.
    TelemetryError
        The run's level does not record what is needed.
    """

    def __init__(self, query: Query) -> None:
        self._source = Source(query)

    # --- over time ---------------------------------------------------------------------------

    def prices(self, post: Posts = None, good: Goods = None, *, ax: Axes | None = None) -> Axes:
        """Draw the prices that posts published [M / unit], from `market_prices`.

        Up to seven lines are named one by one.  Of more, each good has one colour, and the mean
        price paid in each tick stands out.

        Parameters
        ----------
        post, good
            One or several; all if not given.
        ax
            Where to draw.
        """
        return series.prices(self._source, post, good, ax)

    def volume(
        self, post: Posts = None, good: Goods = None, *, every: int = 1, ax: Axes | None = None
    ) -> Axes:
        """Draw how much was traded [unit], from `trade_prices`.

        A line a good at posts and, if no post is named, one a good face to face.

        Parameters
        ----------
        post, good
            One or several; all if not given.
        every
            Over how many ticks quantities are added up.
        ax
            Where to draw.
        """
        return series.volume(self._source, post, good, every, ax)

    def shares(self, *, every: int = 1, ax: Axes | None = None) -> Axes:
        """Draw the shares of trades at posts and face to face, from `ticks`.

        Parameters
        ----------
        every
            Over how many ticks trades are counted; without any there is a gap.
        ax
            Where to draw.
        """
        return series.shares(self._source, every, ax)

    def welfare(self, *, ax: Axes | None = None) -> Axes:
        """Draw gains from trade so far [M], at posts, face to face and together, from `ticks`.

        Gains are the agents' own, after fees.
        """
        return series.welfare(self._source, ax)

    def status(self, post: Posts = None, *, ax: Axes | None = None) -> Axes:
        """Draw how each clear ended, a row a status, from `market_clears`.

        Parameters
        ----------
        post
            One or several; all if not given.
        ax
            Where to draw.
        """
        return series.status(self._source, post, ax)

    # --- agents --------------------------------------------------------------------------------

    def wealth(
        self, tick: int | None = None, *, by: By | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw how many agents own how much [M], with the Gini coefficient, from `agents`.

        Goods count at the mean prices paid so far.

        Parameters
        ----------
        tick
            The last snapshot up to this tick is shown; -1 is the start, by default the newest.
        by
            Tell populations or utility families apart.
        ax
            Where to draw.
        """
        return agents.distribution(self._source, "wealth", tick, by, ax)

    def gains(
        self, tick: int | None = None, *, by: By | None = None, ax: Axes | None = None
    ) -> Axes:
        """Draw how many agents have gained how much from trade so far [M]; see `wealth`."""
        return agents.distribution(self._source, "gain", tick, by, ax)

    def map(
        self,
        tick: int | None = None,
        *,
        by: Shade | None = "population",
        radii: bool = True,
        ax: Axes | None = None,
    ) -> Axes:
        """Draw where agents and posts are, from `agents` and `market_posts`.

        Parameters
        ----------
        tick
            The last snapshot up to this tick is shown; -1 is the start, by default the newest.
        by
            What colours tell: populations, utility families, what agents are after, or how much
            money, wealth or gain they have.
        radii
            Outline from where a post is joined (solid), seen (dashed) and heard (dotted).
        ax
            Where to draw.
        """
        return places.chart(self._source, tick, by, ax, radii=radii)

    # --- a clear ---------------------------------------------------------------------------------

    def excess_demand(
        self, post: int, good: str, tick: int | None = None, *, ax: Axes | None = None
    ) -> Axes:
        """Draw demand less supply of a good around the price of one clear, from `clear_curves`.

        Parameters
        ----------
        post, good
            Of a Walrasian post.
        tick
            The last recorded clear up to this tick is shown, by default the newest.
        ax
            Where to draw.
        """
        return schedules.excess_demand(self._source, post, good, tick, ax)

    def schedules(
        self, post: int, good: str, tick: int | None = None, *, ax: Axes | None = None
    ) -> Axes:
        """Draw demand and supply of a good in one clear, quantity across and price up.

        Of a Walrasian post from `clear_curves`; else what limit orders of that tick add up to, from
        `market_orders`.  Parameters as of `excess_demand`.
        """
        return schedules.schedules(self._source, post, good, tick, ax)
