"""What the map shows besides agents: patches, pairs and trades."""

from __future__ import annotations

from typing import Any

import numpy as np

from ecs_market.reporting.encoding import pack
from ecs_market.reporting.market import FACE_TO_FACE
from ecs_market.reporting.reading import Codes, RunDatabase
from ecs_market.reporting.sampling import PATCH_CELLS, TRADES_SHOWN, evenly
from ecs_market.reporting.snapshots import Snapshots


def patches_of(database: RunDatabase) -> dict[str, Any]:
    """Return the patches, and the changes of their stock in the order of ticks."""
    goods = Codes.of(database.goods)
    good, ident, x, y, tick, capacity, stock = database.columns(
        "SELECT commodity, patch_id, x, y, tick, capacity, stock FROM patches ORDER BY tick, rowid",
        text=(goods,),
    )
    _, first, patch = np.unique(ident, return_index=True, return_inverse=True)
    kept = np.arange(len(tick))
    if len(tick) > PATCH_CELLS:  # later changes only of an even choice of patches
        shown = evenly(len(first), max(PATCH_CELLS * len(first) // len(tick), 2))
        kept = np.flatnonzero(np.isin(patch, shown) | np.isin(kept, first))
    return {
        "x": pack(x[first]),
        "y": pack(y[first]),
        "good": pack(good[first]),
        "capacity": pack(capacity[first]),
        "changes": len(tick),
        "kept": len(kept),
        "tick": pack(tick[kept]),
        "patch": pack(patch[kept]),
        "stock": pack(stock[kept]),
    }


def pairs_of(database: RunDatabase, chosen: Snapshots) -> dict[str, Any]:
    """Return who met in the snapshots shown: the tick, and the places of both agents."""
    if not database.has("pairs"):
        return {"recorded": False, "rows": 0, "kept": 0}
    tick, first, second = database.columns(
        "SELECT tick, first_id, second_id FROM pairs ORDER BY rowid"
    )
    one, other = chosen.place(first), chosen.place(second)
    seen = np.flatnonzero((one >= 0) & (other >= 0) & np.isin(tick, chosen.ticks))
    kept = seen[evenly(len(seen), TRADES_SHOWN)]
    columns = {"tick": tick[kept], "first": one[kept], "second": other[kept]}
    return {
        "recorded": True,
        "rows": len(tick),
        "kept": len(kept),
        **{name: pack(column) for name, column in columns.items()},
    }


def trades_of(database: RunDatabase, chosen: Snapshots) -> dict[str, Any]:
    """Return single trades: tick, post, places of buyer and seller, good, quantity and price."""
    if not database.has("trades"):
        return {"recorded": False, "rows": 0, "kept": 0}
    ((rows,),) = database.rows("SELECT count(*) FROM trades")
    step = max(-(-rows // TRADES_SHOWN), 1)
    goods = Codes.of(database.goods)
    good, tick, market, buyer, seller, quantity, price = database.columns(
        f"SELECT commodity, tick, coalesce(market_id, {FACE_TO_FACE}), coalesce(buyer_id, -1),"  # noqa: S608 - our own numbers
        " coalesce(seller_id, -1), quantity, price FROM trades WHERE rowid % ? = 0 ORDER BY rowid",
        (step,),
        text=(goods,),
    )
    columns = {
        "tick": tick,
        "market": market,
        "buyer": chosen.place(buyer),
        "seller": chosen.place(seller),
        "buyer_id": buyer,
        "seller_id": seller,
        "good": good,
        "quantity": quantity,
        "price": price,
    }
    return {
        "recorded": True,
        "rows": rows,
        "kept": len(tick),
        **{name: pack(column) for name, column in columns.items()},
    }
