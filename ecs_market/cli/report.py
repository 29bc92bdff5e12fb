"""How a run's summary reads, for people and for machines."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

POSTS_SHOWN = 20
GOODS_SHOWN = 4


def plain(value: Any) -> Any:
    """Return a value as JSON can hold it: numpy scalars as numbers, non-finite ones as null."""
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if hasattr(value, "item") and not isinstance(value, (str, bytes)):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def as_json(document: Mapping[str, Any]) -> str:
    """Return a document as JSON text, ready to print or to store."""
    return json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False)


def table(rows: Sequence[Sequence[str]], left: Iterable[int] = ()) -> list[str]:
    """Align rows of cells in columns, to the right except for the columns in `left`."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    kept = set(left)
    return [
        "  ".join(
            cell.ljust(width) if column in kept else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def figure(value: float | None, digits: int) -> str:
    """Return a number with separators, or a dash where there is none."""
    return "-" if value is None else f"{value:,.{digits}f}"


def amounts(values: Mapping[str, float]) -> str:
    """Return amounts of goods in one line."""
    return ", ".join(f"{value:,.10g} {good}" for good, value in values.items()) or "none"


def _posts(posts: Sequence[Mapping[str, Any]]) -> list[str]:
    goods = list(dict.fromkeys(good for post in posts for good in post["prices"] if good != "M"))
    header = ["post", "mechanism"]
    header += [f"price {good}" for good in goods] + [f"volume {good}" for good in goods]
    rows = [[*header, "clears", "status"]]
    rows += [
        [
            str(post["id"]),
            str(post["mechanism"]),
            *(figure(post["prices"].get(good), 4) for good in goods),
            *(figure(post["volume"].get(good), 3) for good in goods),
            figure(post["clears"], 0),
            str(post["status"] or "-"),
        ]
        for post in posts[:POSTS_SHOWN]
    ]
    lines = table(rows, left=(1, len(header) + 1))
    if len(posts) > POSTS_SHOWN:
        lines.append(f"... and {len(posts) - POSTS_SHOWN:,} more")
    return lines


def counted(number: int, what: str) -> str:
    """Return so many of something: 1 tick, 1,000 ticks."""
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def for_people(document: Mapping[str, Any]) -> str:
    """Return a run's summary as text.

    Parameters
    ----------
    document : mapping
        `Simulation.summary()` with `scenario`, `seed`, `status`, `compiled` and `output` added.
        Prices and gains are in M, volumes and harvest in units.
    """
    ticks, agents = document["ticks"], document["agents"]
    size = f"{counted(ticks, 'tick')}, {counted(agents, 'agent')}"
    head = f"{document['scenario']}: {size}, seed {document['seed']}"
    lines = [head, ""]
    if document["status"] != "completed":
        lines.insert(1, f"{document['status']} before its end")
    if document["posts"]:
        lines += [*_posts(document["posts"]), ""]
    at_posts, face_to_face = document["market_trades"], document["bilateral_trades"]
    welfare = document["welfare"]
    rate, agent_rate = document["ticks_per_s"], document["agent_ticks_per_s"]
    time = f"{document['elapsed_s']:.2f} s" + (", with compiling" if document["compiled"] else "")
    facts = {
        "trades": f"{at_posts:,} at posts, {face_to_face:,} bilateral (face to face)",
        "gains from trade": _gains(welfare),
        "efficiency": _efficiency(welfare),
        "owned by posts": _owned_by_posts(document["owned_by_posts"]),
        "prices paid": _prices_paid(welfare),
        "harvest": amounts(document["harvest"]),
        "last trade": _last(welfare),
        "below subsistence": _hungry(document["below_subsistence"]),
        "state hash": document["state_hash"],
        "speed": f"{rate:,.1f} ticks/s, {agent_rate:,.0f} agent-ticks/s ({time})",
        "output": _places(document["output"]),
    }
    told = {name: value for name, value in facts.items() if value}
    width = max(map(len, told))
    return "\n".join(lines + [f"{name:<{width}}  {value}" for name, value in told.items()])


def _hungry(agents: int) -> str:
    """Return how many agents own less than their subsistence, or nothing if there are none."""
    return f"{counted(agents, 'agent')} at the end" if agents else ""


def _gains(welfare: Mapping[str, Any]) -> str:
    unit = welfare["unit"] or "(of different goods)"
    text = f"{welfare['market_gain']:,.2f} {unit} at posts"
    text += f", {welfare['bilateral_gain']:,.2f} {unit} bilateral"
    if welfare["fees"]:
        text += f", {welfare['fees']:,.2f} M of fees"
    return text if welfare["gini"] is None else f"{text}; Gini {welfare['gini']:.2f}"


def _efficiency(welfare: Mapping[str, Any]) -> str:
    if welfare["efficiency"] is None:
        return f"- ({welfare['reasons']['efficiency']})"
    bound = "" if welfare["exact"] else " (not certain)"
    share, attainable = 100.0 * welfare["efficiency"], welfare["attainable"]
    return f"{share:.2f} % of {attainable:,.2f} M attainable{bound}"


def _owned_by_posts(owned: Mapping[str, Mapping[str, float]]) -> str:
    """Return what posts own, and what they have earned or lost, or nothing if that is nothing."""
    if not any(each["owned"] or each["change"] for each in owned.values()):
        return ""
    goods = [f"{each['owned']:,.3f} {good}" for good, each in owned.items() if good != "M"]
    more = ["..."] if len(goods) > GOODS_SHOWN else []
    money = f"{owned['M']['owned']:,.2f} M ({owned['M']['change']:+,.2f} M since the start)"
    return ", ".join([*goods[:GOODS_SHOWN], *more, money])


def _prices_paid(welfare: Mapping[str, Any]) -> str:
    """Return the mean price of each good, its coefficient of variation, and Smith's alpha."""
    traded = {good: each for good, each in welfare["prices"].items() if each["mean"] is not None}
    parts = []
    for good, each in list(traded.items())[:GOODS_SHOWN]:
        text = f"{good} {each['mean']:,.4f}, dispersion {100.0 * each['dispersion']:.1f} %"
        if each["smith_alpha"] is not None:
            text += f", alpha {each['smith_alpha']:.1f} %"
        parts.append(text)
    if len(traded) > GOODS_SHOWN:
        parts.append(f"... and {len(traded) - GOODS_SHOWN:,} more")
    return "; ".join(parts) or "none"


def _last(welfare: Mapping[str, Any]) -> str:
    """Return when the last trade was, and whether another one would have paid."""
    tick = welfare["last_trade_tick"]
    text = "none" if tick is None else f"tick {tick:,}"
    if welfare["exhausted"] is None:
        return text
    unit = welfare["unit"] or "of the good that pays"
    if welfare["exhausted"]:
        return f"{text}; gains exhausted (nobody could gain {welfare['threshold']:g} {unit} more)"
    return f"{text}; gains not exhausted ({welfare['attainable_now']:,.2f} {unit} left)"


def _places(output: Mapping[str, str]) -> str:
    files = [Path(place).name for kind, place in output.items() if kind != "folder"]
    return f"{output['folder']} ({', '.join(files)})"
