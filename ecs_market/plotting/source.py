"""What plots read: a run's telemetry through one query function."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ecs_market.errors import InputError
from ecs_market.types import F64, I64

Query = Callable[[str, Sequence[Any]], list[tuple[Any, ...]]]
"""Runs a SELECT with its parameters and returns all rows."""

Posts = int | Iterable[int] | None
Goods = str | Iterable[str] | None


@dataclass(frozen=True)
class Source:
    """A run's telemetry, with names checked before they are asked for."""

    query: Query

    @cached_property
    def goods(self) -> list[str]:
        """The goods in their order."""
        return [str(good) for good in json.loads(self._run("goods"))]

    @property
    def posts(self) -> list[int]:
        """The ids of all posts that there have been."""
        return [
            int(ident)
            for (ident,) in self.query("SELECT market_id FROM market_posts ORDER BY market_id", ())
        ]

    @property
    def ticks(self) -> int:
        """How many ticks have been recorded."""
        return int(self.query("SELECT coalesce(max(tick), -1) + 1 FROM ticks", ())[0][0])

    @cached_property
    def gain_unit(self) -> str:
        """What gains are counted in."""
        mode = json.loads(self._run("scenario"))["money"]["mode"]
        return "unit of what pays" if mode == "unit_of_account" else "M"

    def run(self, *columns: str) -> tuple[Any, ...]:
        """Return columns of the run's row."""
        return self.query(f"SELECT {', '.join(columns)} FROM runs", ())[0]  # noqa: S608 - our own names

    def _run(self, column: str) -> Any:
        return self.run(column)[0]

    def chosen_posts(self, post: Posts) -> list[int]:
        """Return the posts meant, all if none is named.

        Raises
        ------
        InputError
            There is no such post.
        """
        known = self.posts
        if post is None:
            return known
        asked = [post] if isinstance(post, int | np.integer) else list(post)
        for each in asked:
            if each not in known:
                raise InputError(f"post: there is no post {each!r}; {_listed('posts', known)}")
        return [int(each) for each in asked]

    def at_posts(self, post: Posts) -> tuple[str, tuple[int, ...]]:
        """Return an SQL condition for rows of the posts meant, and its values."""
        if post is None:
            return "market_id IS NOT NULL", ()
        chosen = self.chosen_posts(post)
        return f"market_id IN ({', '.join('?' * len(chosen))})", tuple(chosen)

    def chosen_goods(self, good: Goods) -> list[str]:
        """Return the goods meant, all if none is named.

        Raises
        ------
        InputError
            There is no such good.
        """
        if good is None:
            return self.goods
        asked = [good] if isinstance(good, str) else list(good)
        for each in asked:
            if each not in self.goods:
                raise InputError(f"good: there is no good {each!r}; {_listed('goods', self.goods)}")
        return asked

    def columns(self, sql: str, values: Sequence[Any] = (), width: int = 2) -> list[F64]:
        """Return the `width` columns of a result as float64 arrays, NaN for NULL."""
        rows = self.query(sql, values)
        table = np.array(rows, np.float64).reshape(len(rows), width)
        return list(table.T)


def _listed(what: str, names: Sequence[Any]) -> str:
    shown = ", ".join(map(str, names[:20])) + (", ..." if len(names) > 20 else "")
    return f"{what}: {shown}" if names else f"there are no {what}"


def every_ticks(every: int) -> int:
    """Return the width of a bin of ticks.

    Raises
    ------
    InputError
        It is no whole number from 1 on.
    """
    if isinstance(every, bool) or every != int(every) or every < 1:
        raise InputError(f"every must be a whole number of ticks from 1 on, not {every!r}")
    return int(every)


def binned(ticks: F64, values: F64, length: int, every: int) -> tuple[I64, F64]:
    """Add values up over bins of `every` ticks; return where each bin starts, and its sum."""
    bins = -(-length // every)
    sums: F64 = np.zeros(bins)
    np.add.at(sums, ticks.astype(np.int64) // every, values)
    begins: I64 = np.arange(bins, dtype=np.int64) * every
    return begins, sums
