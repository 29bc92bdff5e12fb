"""One number for the whole state: equal states have equal hashes, in whatever order rows lie."""

from __future__ import annotations

import hashlib
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np

from ecs_market.books import books, columns_of
from ecs_market.columns import Spec, component_name
from ecs_market.components.identity import Identity
from ecs_market.components.resource_patches import ResourcePatches
from ecs_market.components.table import Table
from ecs_market.kernels.hashing import HASH_VERSION, MODULUS, column_digest
from ecs_market.kernels.philox import RNG_VERSION
from ecs_market.types import I64, Column
from ecs_market.world import World


def state_hash(world: World, tick: int) -> str:
    """Return 64 hexadecimal digits over all that the next tick reads.

    Rows are mixed with their ids and added modulo 2^128, so that their order does not matter; the
    sums are folded, with the tick and what is world-wide, by SHA-256.  The hash detects accidents,
    not forgery.

    Parameters
    ----------
    tick
        Number of completed ticks.
    """
    columns = _columns(world)
    sums = [value % MODULUS for value in _digests(world, columns)]
    folded = hashlib.sha256()
    head = f"hash {HASH_VERSION} rng {RNG_VERSION} seed {world.seed} tick {tick}"
    folded.update(f"{head} ids {len(world.agent_rows)} {len(world.post_rows)}".encode())
    for (name, *_), value in sorted(zip(columns, sums, strict=True), key=lambda each: each[0][0]):
        folded.update(name.encode() + value.to_bytes(16, "little"))
    for book in books(world):
        for name, column in columns_of(book).items():
            exact = "<f8" if column.dtype.kind == "f" else "<i8"
            folded.update(f"{component_name(type(book))}.{name} {column.shape}".encode())
            folded.update(np.ascontiguousarray(column, dtype=exact).tobytes())
    ledger = world.ledger
    for entries in (ledger.initial, ledger.harvest, ledger.host):
        folded.update(entries.astype("<i8").tobytes())
    return folded.hexdigest()


def _columns(world: World) -> list[tuple[str, I64, Column, Any]]:
    """Return name, ids, rows and type in the hash of every column that is state."""
    found: list[tuple[str, I64, Column, Any]] = []
    for kind, arena in (("agents", world.agents), ("posts", world.posts)):
        for name, table in arena.tables.items():
            ids = arena.whole(Identity).id[table.start : table.stop]
            for component in world.esper.components_for_entity(table.entity):
                if isinstance(component, Table) or type(component) not in arena.specs:
                    continue
                path = f"{kind}.{name}.{component_name(type(component))}"
                found.extend(
                    (f"{path}.{field}", ids, getattr(component, field), spec.hashed)
                    for field, spec in arena.specs[type(component)].items()
                    if spec.state and not _unused(spec, getattr(component, field))
                )
    patches = world.only(ResourcePatches)
    if patches is not None:
        numbers = np.arange(len(patches.amount), dtype=np.int64)
        found.extend(
            (f"resource_patches.{field}", numbers, getattr(patches, field), None)
            for field in ("x", "y", "good", "amount", "touched")
        )
    return found


def _unused(spec: Spec, column: Column) -> bool:
    """Return whether a column is of an option that no row makes use of."""
    return spec.optional and bool((column == spec.fill).all())


def _digests(world: World, columns: list[tuple[str, I64, Column, Any]]) -> list[int]:
    """Return the digest of each column; large ones are hashed in threads."""

    def digest(each: tuple[str, I64, Column, Any]) -> int:
        name, ids, column, as_type = each
        return column_digest(ids, column, name, as_type=as_type)

    if world.threads == 1 or world.agents.size < 8192:
        return [digest(each) for each in columns]
    pool: ThreadPoolExecutor = world.pool()
    return list(pool.map(digest, columns))
