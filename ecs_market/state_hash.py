"""One number for the whole state: equal states have equal hashes, in whatever order rows lie."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from ecs_market.books import books, columns_of
from ecs_market.columns import Spec, component_name
from ecs_market.components.identity import Identity
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.table import Table
from ecs_market.kernels.hashing import (
    HASH_VERSION,
    MODULUS,
    Hashed,
    hashed,
    layout,
    table_digest,
)
from ecs_market.kernels.philox import RNG_VERSION
from ecs_market.types import I64, Column
from ecs_market.world import SERIAL_ROWS, World


class _Rows(NamedTuple):
    """A table and its columns that are state."""

    name: str
    ids: I64
    columns: list[Hashed]


def state_hash(world: World, tick: int) -> str:
    """Return 64 hexadecimal digits over all that the next tick reads.

    Rows are mixed with their ids and added modulo 2^128, so that their order does not matter; the
    sum and the layout of every table are folded, with the tick and what is world-wide, by SHA-256.
    The hash detects accidents, not forgery.

    Parameters
    ----------
    tick
        Number of completed ticks.
    """
    folded = hashlib.sha256()
    head = f"hash {HASH_VERSION} rng {RNG_VERSION} seed {world.seed} tick {tick}"
    folded.update(f"{head} ids {len(world.agent_rows)} {len(world.post_rows)}".encode())
    for table in sorted(_tables(world), key=lambda each: each.name):
        about = f"\n{table.name} {len(table.ids)}\n{layout(table.columns)}\n"
        folded.update(about.encode() + _digest(world, table).to_bytes(16, "little"))
    for book in books(world):
        for name, column in columns_of(book).items():
            exact = "<f8" if column.dtype.kind == "f" else "<i8"
            folded.update(f"{component_name(type(book))}.{name} {column.shape}".encode())
            folded.update(np.ascontiguousarray(column, dtype=exact).tobytes())
    ledger = world.ledger
    for entries in (ledger.initial, ledger.harvest, ledger.host):
        folded.update(entries.astype("<i8").tobytes())
    return folded.hexdigest()


def _tables(world: World) -> Iterator[_Rows]:
    """Yield every table whose rows are state."""
    for kind, arena in (("agents", world.agents), ("posts", world.posts)):
        for name, table in arena.tables.items():
            ids = arena.whole(Identity).id[table.start : table.stop]
            columns: list[Hashed] = []
            for component in world.esper.components_for_entity(table.entity):
                if isinstance(component, Table) or type(component) not in arena.specs:
                    continue
                path = component_name(type(component))
                columns.extend(
                    hashed(f"{path}.{field}", getattr(component, field), len(ids), spec.hashed)
                    for field, spec in arena.specs[type(component)].items()
                    if spec.state and not _unused(spec, getattr(component, field))
                )
            yield _Rows(f"{kind}.{name}", ids, columns)
    patches = world.only(ResourcePatches)
    if patches is not None:
        numbers = np.arange(len(patches.amount), dtype=np.int64)
        fields = ("x", "y", "good", "amount", "touched")
        columns = [hashed(field, getattr(patches, field), len(numbers)) for field in fields]
        yield _Rows("resource_patches", numbers, columns)


def _unused(spec: Spec, column: Column) -> bool:
    """Return whether a column is of an option that no row makes use of."""
    return spec.optional and bool((column == spec.fill).all())


def _digest(world: World, table: _Rows) -> int:
    """Return the digest of a table; the rows of a large one are shared among threads."""
    rows = len(table.ids)
    if world.threads == 1 or rows < SERIAL_ROWS:
        return table_digest(table.ids, table.columns)

    parts = world.threads

    def digest(part: int) -> int:
        edges = rows * part // parts, rows * (part + 1) // parts
        return table_digest(table.ids, table.columns, *edges)

    return sum(world.share(parts, digest)) % MODULUS
