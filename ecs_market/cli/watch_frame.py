"""How the live view of a run looks: lines of a terminal from one reading."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ecs_market.cli.sparkline import Glyphs, progress_bar, sparkline
from ecs_market.cli.terminal import Size, Span, cells, clip, pad, safe
from ecs_market.cli.watch_reading import PriceRow, Reading

HEAD = 5  # lines above the table, its header among them
GOODS_SHOWN = 6
_SPARKLINE = (8, 60)  # cells, at least and at most
_WORDS = {"converged": "good", "indicative": "good", "none": "faint", "failed": "poor"}


@dataclass(frozen=True, slots=True)
class Pace:
    """How a run goes: ticks of the whole, seconds gone and left, rates (None: not known yet)."""

    done: int
    total: int
    elapsed: float
    left: float | None
    ticks_per_s: float | None
    agent_ticks_per_s: float | None

    @property
    def share(self) -> float:
        """How much of the run is done, 0 to 1."""
        return self.done / self.total if self.total else 1.0


def clock(seconds: float) -> str:
    """Return a duration as 0:07, 12:34 or 1:02:03."""
    minutes, rest = divmod(max(0, math.ceil(seconds - 0.5)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rates(pace: Pace) -> str:
    """Return the throughput in words, nothing before it is known."""
    if pace.ticks_per_s is None or pace.agent_ticks_per_s is None:
        return ""
    return f"{pace.ticks_per_s:,.1f} ticks/s, {pace.agent_ticks_per_s:,.0f} agent-ticks/s"


def trades(reading: Reading) -> str:
    """Return how many trades there were, and where."""
    at_posts, together = reading.market_trades, reading.market_trades + reading.bilateral_trades
    if not together:
        return "no trades yet"
    share = 100.0 * at_posts / together
    return f"{together:,} trades, {share:.0f} % at posts, {100.0 - share:.0f} % face to face"


def rows_that_fit(size: Size) -> int:
    """Return how many rows of prices there is room for: a line stays free for the cursor."""
    return max(0, size.height - 1 - HEAD - 1)


class Look:
    """Draws readings with the signs and letters that a terminal has."""

    def __init__(self, glyphs: Glyphs, encoding: str | None) -> None:
        self._glyphs = glyphs
        self._encoding = encoding

    def frame(self, reading: Reading, pace: Pace, size: Size) -> list[list[Span]]:
        """Return the lines of a frame, the most important first."""
        width = size.width - 1
        lines = [self._progress(pace, width), self._title(reading, pace)]
        if size.height > len(lines) + 1:
            lines.append([(trades(reading), "")])
        if size.height > len(lines) + 1:
            lines.append(self._volume(reading))
        if rows_that_fit(size) and reading.rows:
            lines += self._table(reading.rows, width)
            if reading.left_out:
                more = f"and {reading.left_out:,} more; shown is where most is traded of late"
                lines.append([(more, "faint")])
        return lines

    def _progress(self, pace: Pace, width: int) -> list[Span]:
        spent = f" {100.0 * pace.share:3.0f} %  tick {pace.done:,} of {pace.total:,}"
        times = f"  {clock(pace.elapsed)} gone"
        if pace.left is not None and pace.done < pace.total:
            times += f", {clock(pace.left)} left"
        room = width - cells(spent) - cells(times)
        if room < 10:
            return [(f"{spent.strip()}{times}", "strong")]
        done, to_come = progress_bar(pace.share, min(room, 40), self._glyphs)
        return [(done, "good"), (to_come, "faint"), (spent, "strong"), (times, "")]

    def _title(self, reading: Reading, pace: Pace) -> list[Span]:
        counts = [(reading.agents, "agent"), (reading.posts, "post")]
        facts = [f"seed {reading.seed}"]
        facts += [f"{number:,} {name}{'' if number == 1 else 's'}" for number, name in counts]
        text = "  " + ", ".join([*facts, *filter(None, [rates(pace)])])
        return [(clip(safe(reading.name, self._encoding), 40), "strong"), (text, "")]

    def _volume(self, reading: Reading) -> list[Span]:
        """Return what has been traded, a good each, and the share of it at posts."""
        parts = []
        for good, at_posts in list(reading.market_volume.items())[:GOODS_SHOWN]:
            together = at_posts + reading.bilateral_volume[good]
            part = f"{_number(together, 3)} {safe(good, self._encoding)}"
            parts.append(part + (f" ({100.0 * at_posts / together:.0f} %)" if together else ""))
        more = len(reading.market_volume) - len(parts)
        if more:
            parts.append(f"{more} more goods")
        return [("volume (at posts)  ", "faint"), (", ".join(parts), "")]

    def _table(self, rows: Sequence[PriceRow], width: int) -> list[list[Span]]:
        """Return a line a good at a post; columns that have no room are left out."""
        texts: dict[str, list[str]] = {
            "post": [f"{row.post}" for row in rows],
            "good": [clip(safe(row.good, self._encoding), 16) for row in rows],
            "price": [_number(row.price, 4) for row in rows],
            "status": [row.status for row in rows],
            "volume": [_number(row.volume, 3) for row in rows],
            "low": [_number(row.low, 4) for row in rows],
            "high": [_number(row.high, 4) for row in rows],
        }
        widths = {name: max(map(cells, [name, *column])) for name, column in texts.items()}
        kept, room = _columns(widths, width)
        past = [row.history(room) for row in rows]
        longest = max(map(len, past), default=0)
        room = min(room, max(longest, _SPARKLINE[0])) if room else 0
        names = [name for name in ("post", "good", "low", "price", "high") if name in kept]
        after = [name for name in ("volume", "status") if name in kept]
        head = [pad(name, widths[name], right=name != "good") for name in names]
        head += [pad("so far", room)] if room else []
        head += [pad(name, widths[name], right=name == "volume") for name in after]
        lines: list[list[Span]] = [[("  ".join(head), "faint")]]
        for at, row in enumerate(rows):
            cell = {
                n: pad(texts[n][at], widths[n], right=n not in ("good", "status")) for n in kept
            }
            line: list[Span] = [("  ".join(cell[name] for name in names), "")]
            if room:
                drawn = sparkline(past[at], row.low, row.high, self._glyphs)
                line.append(("  " + pad(drawn, room), "strong"))
            line += [
                ("  " + cell[name], _WORDS.get(row.status, "fair") if name == "status" else "")
                for name in after
            ]
            lines.append(line)
        return lines


def _number(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:,.{digits}f}"


def _columns(widths: Mapping[str, int], width: int) -> tuple[set[str], int]:
    """Return the columns for which there is room, and the cells left for sparklines."""
    kept: set[str] = set()
    left = width + 2
    for name in ("post", "good", "price", "status", "volume", "low", "high"):
        needed = widths[name] + 2
        # From the first price on, columns only come where a sparkline has its room.
        spared = _SPARKLINE[0] + 2 if name in ("volume", "status") else 0
        spared = 30 if name in ("low", "high") else spared
        if left - needed < spared:
            break
        kept.add(name)
        left -= needed
    room = min(left - 2, _SPARKLINE[1])
    return kept, room if room >= _SPARKLINE[0] else 0
