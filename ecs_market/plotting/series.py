"""Plots over time: prices, volume, shares, gains, status."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ecs_market.components.market_post import STATUSES
from ecs_market.plotting.source import Goods, Posts, Source, binned, every_ticks
from ecs_market.plotting.style import MANY, MARKERS, axes, colour, dash, legend
from ecs_market.types import F64

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Line = tuple[F64, F64]
"""Ticks and what they had."""


def prices(source: Source, post: Posts, good: Goods, ax: Axes | None) -> Axes:
    """Draw published prices; see `Plots.prices`."""
    ax = axes(ax)
    goods, posts = source.chosen_goods(good), source.chosen_posts(post)
    found = {
        (each, ident): line
        for each in goods
        for ident, line in _published(source, each).items()
        if ident in set(posts)
    }
    if len(found) > MANY:
        _many_prices(source, ax, goods, post, found)
    else:
        shown_goods, shown_posts = _parts(found)
        for (each, ident), line in found.items():
            ax.plot(
                *line,
                drawstyle="steps-post",
                color=colour(shown_goods.index(each) + len(shown_goods) * shown_posts.index(ident)),
                linestyle=dash(shown_posts.index(ident)),
                label=_label(each, ident, goods, posts),
            )
    ax.set_xlabel("tick")
    ax.set_ylabel(f"price of {goods[0]} [M / unit]" if len(goods) == 1 else "price [M / unit]")
    legend(ax)
    return ax


def _parts(found: dict[tuple[str, int], Line]) -> tuple[list[str], list[int]]:
    """Return the goods and the posts that have lines."""
    return list(dict.fromkeys(g for g, _ in found)), list(dict.fromkeys(p for _, p in found))


def _published(source: Source, good: str) -> dict[int, Line]:
    """Return the prices of a good, a line a post; the last one stands up to the last tick."""
    tick, at, price = source.columns(
        "SELECT tick, market_id, price FROM market_prices_units WHERE commodity = ?", (good,), 3
    )
    order = np.lexsort((tick, at))
    ids, first = np.unique(at[order], return_index=True)
    lines = zip(np.split(tick[order], first[1:]), np.split(price[order], first[1:]), strict=True)
    end = source.ticks - 1
    return {
        int(ident): (np.append(ticks, end), np.append(steps, steps[-1:]))
        for ident, (ticks, steps) in zip(ids, lines, strict=False)
    }


def _label(good: str, post: int, goods: list[str], posts: list[int]) -> str:
    if len(goods) == 1:
        return f"post {post}"
    return good if len(posts) == 1 else f"{good}, post {post}"


def _many_prices(
    source: Source,
    ax: Axes,
    goods: list[str],
    post: Posts,
    found: dict[tuple[str, int], Line],
) -> None:
    """Draw the prices of each good in one colour, and the mean price paid in each tick."""
    for number, good in enumerate(goods):
        lines = [line for (each, _), line in found.items() if each == good]
        if not lines:
            continue
        # One broken line for all posts: as fast and as small as a single one.
        tick, price = (
            np.concatenate([part for line in lines for part in (line[axis], [np.nan])])
            for axis in (0, 1)
        )
        ax.plot(tick, price, drawstyle="steps-post", color=colour(number), alpha=0.3, linewidth=0.6)
        where, values = source.at_posts(post)
        tick, mean = source.columns(
            "SELECT tick, sum(mean_price * quantity) / sum(quantity) FROM trade_prices_units"  # noqa: S608 - placeholders
            f" WHERE commodity = ? AND {where} GROUP BY tick ORDER BY tick",
            (good, *values),
        )
        ax.plot(tick, mean, color=colour(number), label=f"{good}: mean paid at {len(lines)} posts")


def volume(source: Source, post: Posts, good: Goods, every: int, ax: Axes | None) -> Axes:
    """Draw quantities traded; see `Plots.volume`."""
    ax = axes(ax)
    every = every_ticks(every)
    goods, length = source.chosen_goods(good), source.ticks
    places = {"at posts": source.at_posts(post)}
    if post is None:
        places["face to face"] = ("market_id IS NULL", ())
    for style, (place, (where, values)) in enumerate(places.items()):
        for number, each in enumerate(goods):
            tick, lots = source.columns(
                f"SELECT tick, quantity FROM trade_prices_units WHERE commodity = ? AND {where}",  # noqa: S608 - placeholders
                (each, *values),
            )
            if not len(tick):
                continue
            begins, sums = binned(tick, lots, length, every)
            if every > 1:
                begins, sums = np.append(begins, length), np.append(sums, sums[-1:])
            ax.plot(
                begins,
                sums,
                drawstyle="steps-post" if every > 1 else "default",
                color=colour(number),
                linestyle=dash(style),
                label=place if len(goods) == 1 else f"{each}, {place}",
            )
    ax.set_xlabel("tick")
    what = f"volume of {goods[0]}" if len(goods) == 1 else "volume"
    ax.set_ylabel(f"{what} [unit / {'tick' if every == 1 else f'{every} ticks'}]")
    ax.set_ylim(bottom=0.0)
    legend(ax)
    return ax


def shares(source: Source, every: int, ax: Axes | None) -> Axes:
    """Draw the shares of trades at posts and face to face; see `Plots.shares`."""
    ax = axes(ax)
    every = every_ticks(every)
    tick, at_posts, bilateral = source.columns(
        "SELECT tick, market_trades, bilateral_trades FROM ticks ORDER BY tick", width=3
    )
    begins, posts = binned(tick, at_posts, source.ticks, every)
    _, pairs = binned(tick, bilateral, source.ticks, every)
    together = posts + pairs
    share = np.divide(100.0 * posts, together, out=np.full(len(posts), np.nan), where=together > 0)
    edges, share = np.append(begins, source.ticks), np.append(share, share[-1:])
    full = np.where(np.isnan(share), np.nan, 100.0)
    for low, high, number, label in (
        (0.0 * full, share, 0, "at posts"),
        (share, full, 5, "face to face"),
    ):
        ax.fill_between(edges, low, high, step="post", color=colour(number), lw=0.0, label=label)
    ax.set_xlabel("tick")
    ax.set_ylabel("share of trades [%]")
    ax.set_xlim(0, max(source.ticks, 1))
    ax.set_ylim(0.0, 100.0)
    legend(ax, above=True)
    return ax


def welfare(source: Source, ax: Axes | None) -> Axes:
    """Draw gains from trade so far; see `Plots.welfare`."""
    ax = axes(ax)
    tick, market, bilateral = source.columns(
        "SELECT tick, market_gain, bilateral_gain FROM ticks_units ORDER BY tick", width=3
    )
    lines = {"together": market + bilateral, "at posts": market, "face to face": bilateral}
    for number, (label, gain) in enumerate(lines.items()):
        ax.plot(
            tick, np.cumsum(gain), color=colour(number - 1), linestyle=dash(number), label=label
        )
    ax.set_xlabel("tick")
    ax.set_ylabel(f"gains from trade so far [{source.gain_unit}]")
    legend(ax)
    return ax


def status(source: Source, post: Posts, ax: Axes | None) -> Axes:
    """Draw how clears ended; see `Plots.status`."""
    ax = axes(ax)
    posts = source.chosen_posts(post)
    where, values = source.at_posts(post)
    rows = source.query(
        f"SELECT DISTINCT tick, market_id, status FROM market_clears WHERE {where} ORDER BY tick",  # noqa: S608 - placeholders
        values,
    )
    met = [each for each in reversed(STATUSES) if any(row[2] == each for row in rows)]
    apart = len(posts) if len(posts) <= MANY else 1
    for number, ident in enumerate(posts):
        mine = [(tick, met.index(ended)) for tick, at, ended in rows if at == ident]
        if not mine:
            continue
        tick, row = np.array(mine, np.float64).T
        shift = 0.5 * ((number % apart + 1) / (apart + 1) - 0.5)
        ax.plot(
            tick,
            row - shift,
            linestyle="none",
            marker=MARKERS[number % len(MARKERS)] if apart > 1 else ".",
            markersize=3.0,
            color=colour(number) if apart > 1 else colour(0),
            label=f"post {ident}" if apart > 1 else None,
        )
    ax.set_xlabel("tick")
    ax.set_yticks(range(len(met)), met)
    ax.set_ylim(-0.5, max(len(met), 1) - 0.5)
    legend(ax)
    return ax
