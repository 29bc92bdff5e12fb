"""Make the pictures of docs/gallery.md and of the README: python docs/pictures.py [SCENARIO...].

Each shipped scenario is run as docs/gallery.md says, its report is opened in a headless Chromium,
and the parts of the page that show what it is about are taken as a PNG. Needs the extras `browser`
and `plot`, and a Chromium on the PATH or in ECS_MARKET_CHROMIUM. A picture carries the state hash
of its run, so that a test can tell when it shows a run of yesterday.
"""

from __future__ import annotations

import io
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image
from PIL.PngImagePlugin import PngInfo

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from ecs_market.cli import main as ecs_market  # noqa: E402 - found through the line above
from tests.browser import Shown, chromium, place  # noqa: E402 - the same

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FOLDER = ROOT / "docs" / "pictures"
RUN = "Run"  # the text in a PNG that says which run it shows
WIDE, SCALE, COMMON = 1000, 1.5, 24
# The chosen cards in one grid, with the bar of the tick below them where there is a map.
ARRANGE = """([cards, bar, style]) => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(style);
  document.adoptedStyleSheets = [sheet];
  const grid = document.createElement("div");
  grid.className = "cards";
  grid.id = "picture";
  for (const name of cards) grid.append(document.getElementById("card-" + name));
  document.getElementById("report").before(grid);
  const unwanted = "header, #report, footer, #under, #picture .card-foot";
  for (const each of document.querySelectorAll(unwanted)) each.hidden = true;
  const clock = document.getElementById("clock");
  clock.hidden = !bar;
  grid.append(clock);
}"""
STYLE = """
#picture { padding: 10px; background: var(--page) }
#picture #card-curve { grid-row: span 2 }
#picture #card-ledger { grid-column: 1 / -1 }
#picture #clock {
  position: static; grid-column: 1 / -1; border: 1px solid var(--line); border-radius: 10px;
  padding: 8px 16px; box-shadow: none;
}
"""


@dataclass(frozen=True)
class Picture:
    """A scenario, and what of its report is shown.

    Attributes
    ----------
    cards : tuple of str
        The parts of the page, by their names in `card-NAME`.
    tick : int
        The tick that the page looks at.
    options : tuple of str
        What `ecs-market run` is told beside the scenario and the folder.
    choices : tuple of (str, str)
        What is chosen in the page's lists, by label.
    height : int
        Of the window [px]; the map fits into it.
    """

    scenario: str
    cards: tuple[str, ...]
    tick: int
    options: tuple[str, ...] = ()
    choices: tuple[tuple[str, str], ...] = ()
    height: int = 560

    @property
    def bar(self) -> bool:
        """Whether the bar with the tick is shown: wherever there is a map."""
        return "map" in self.cards


POPULATION = (("Colour by", "population"),)
TARGET = (("Colour by", "what they head for"),)
GAIN = (("Colour by", "mean gain so far"),)
ORDERS = ("--telemetry-level", "orders")
PICTURES = (
    Picture("walrasian_two_markets", ("map", "prices"), 47, height=630),
    Picture("two_markets_regrowth", ("map", "trades", "gains"), 328, height=630),
    Picture("walrasian_two_markets_level", ("status", "curve", "share", "gains"), 69),
    Picture("single_walrasian", ("map", "prices"), 3, choices=POPULATION),
    Picture("bilateral_only", ("map", "prices"), 0, choices=POPULATION),
    Picture("smith_first_test", ("prices", "curve", "efficiency", "gain"), 0, ORDERS),
    Picture("zero_intelligence", ("prices", "curve", "efficiency", "gain"), 0, ORDERS),
    Picture("call_auction", ("volume", "curve", "gains", "efficiency"), 14, ORDERS),
    Picture("posted_prices_with_stock", ("prices", "gains", "trades", "ledger"), 15),
    Picture("competing_posts", ("map", "volume"), 5),
    Picture("market_days", ("map", "volume"), 104, choices=TARGET),
    Picture("edgeworth_box", ("curve", "wealth", "gain"), 0),
    Picture("three_good_exchange", ("curve", "gains", "trades"), 4),
    Picture("barter_ring", ("map", "gains", "gain"), 7, choices=POPULATION),
    Picture(
        "hundred_thousand", ("map", "share", "trades"), 9, ("--snapshot-every", "1"), choices=GAIN
    ),
)
HEAD = "walrasian_two_markets"  # also taken in the dark, for the head of the README


def record(picture: Picture, folder: Path) -> tuple[Path, str]:
    """Run a scenario.

    Returns
    -------
    path, str
        Its folder, and the run in a line: scenario, seed, ticks, state hash.
    """
    run = folder / picture.scenario
    command("run", picture.scenario, "--out", str(run), *picture.options)
    summary = json.loads((run / "summary.json").read_text("utf-8"))
    told = [picture.scenario, summary["seed"], summary["ticks"], summary["state_hash"]]
    return run, " ".join(map(str, told))


def command(*arguments: str) -> None:
    """Run `ecs-market`, without what it prints."""
    with redirect_stdout(io.StringIO()):
        status = ecs_market(list(arguments))
    if status:
        raise SystemExit(f"ecs-market {' '.join(arguments)} ended with status {status}")


def take(browser: Browser, page: Path, picture: Picture, theme: str) -> bytes:
    """Return what a picture shows, as PNG."""
    shown = Shown(
        browser,
        page,
        viewport={"width": WIDE, "height": picture.height},
        device_scale_factor=SCALE,
        color_scheme=theme,
        locale="en-GB",
        timezone_id="UTC",
    )
    shown.ask("(tick) => R.clock.set(tick)", picture.tick)
    for label, wanted in picture.choices:
        shown.page.get_by_label(label).first.select_option(label=wanted)
    shown.page.evaluate(ARRANGE, [picture.cards, picture.bar, STYLE])
    shown.page.mouse.move(0, 0)
    for _ in range(3):  # charts and map take their new widths, and are drawn with them
        shown.settle()
    made = shown.page.locator("#picture").screenshot()
    shown.check()
    shown.context.close()
    return made


def palette(colours: Any, counts: Any) -> Any:
    """Return 256 colours: the most common ones, then whichever is farthest from all so far."""
    chosen = list(np.argsort(-counts, kind="stable")[:COMMON])
    far = np.min([np.abs(colours - colours[each]).max(axis=1) for each in chosen], axis=0)
    while len(chosen) < min(256, len(colours)):
        chosen.append(int(np.argmax(far)))
        far = np.minimum(far, np.abs(colours - colours[chosen[-1]]).max(axis=1))
    return colours[chosen]


def store(made: bytes, file: Path, run: str) -> None:
    """Write a PNG with few colours and the run that it shows."""
    text = PngInfo()
    text.add_text(RUN, run)
    picture = np.asarray(Image.open(io.BytesIO(made)).convert("RGB"), dtype=np.int16)
    colours, places, counts = np.unique(
        picture.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True
    )
    few = palette(colours, counts)
    nearest = np.array([np.abs(few - each).sum(axis=1).argmin() for each in colours], np.uint8)
    small = Image.fromarray(nearest[places].reshape(picture.shape[:2]))
    small.putpalette(few.astype(np.uint8).tobytes())
    small.save(file, optimize=True, pnginfo=text)


def shown_run(file: Path) -> str | None:
    """Return the run that a picture shows, None if there is no picture."""
    if not file.exists():
        return None
    with Image.open(file) as picture:
        return picture.info.get(RUN)


def files(picture: Picture, folder: Path = FOLDER) -> dict[str, Path]:
    """Return the files of a picture by theme."""
    light = {"light": folder / f"{picture.scenario}.png"}
    dark = {"dark": folder / f"{picture.scenario}-dark.png"}
    return light | dark if picture.scenario == HEAD else light


def lacking() -> str | None:
    """Return what is not there of what pictures need, None if all is."""
    if place() is None:
        return "there is no Chromium on the PATH or in ECS_MARKET_CHROMIUM"
    return None if find_spec("playwright") else "playwright is not installed (the extra `browser`)"


def make(
    pictures: Iterable[Picture], folder: Path = FOLDER, *, all_anew: bool = True
) -> Iterator[Path]:
    """Make pictures, or those only whose run has changed, and yield the files one by one."""
    folder.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as work, chromium() as browser:
        for picture in pictures:
            run, told = record(picture, Path(work))
            wanted = files(picture, folder)
            if not all_anew and all(shown_run(file) == told for file in wanted.values()):
                continue
            command("report", str(run))
            for theme, file in wanted.items():
                store(take(browser, run / "report.html", picture, theme), file, told)
                yield file


def main(names: list[str]) -> None:
    """Make the pictures of these scenarios, or of all."""
    unknown = sorted(set(names) - {each.scenario for each in PICTURES})
    if unknown or lacking():
        sys.exit(f"pictures.py: {lacking() or 'no picture of ' + ', '.join(unknown)}")
    for file in make([each for each in PICTURES if not names or each.scenario in names]):
        print(f"{file.relative_to(ROOT)} {file.stat().st_size / 1e3:.0f} kB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
