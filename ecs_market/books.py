"""The books of all posts, whatever their mechanism."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from ecs_market.components.book import Book
from ecs_market.types import I64, Bool, Column
from ecs_market.world import World


def books(world: World) -> Iterator[Book]:
    """Yield every book, in the order of mechanisms and of each one's own declaration."""
    for table in world.posts.tables.values():
        for component in world.esper.components_for_entity(table.entity):
            if isinstance(component, Book):
                yield component


def columns_of(book: Book) -> dict[str, Column]:
    """Return a book's columns by name, each with one row an entry."""
    return {each.name: getattr(book, each.name) for each in dataclasses.fields(book)}


def keep(book: Book, entries: Bool) -> None:
    """Keep only some entries of a book."""
    if entries.all():
        return
    for name, column in columns_of(book).items():
        setattr(book, name, column[entries])


def forget_agents(world: World, gone: I64) -> None:
    """Drop what agents that are gone have left in any book."""
    for book in books(world):
        keep(book, ~np.isin(book.agent, gone))


def forget_post(world: World, ident: int) -> None:
    """Drop what is in the books of a post that is gone."""
    for book in books(world):
        keep(book, book.post != ident)
