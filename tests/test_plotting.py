"""Plots draw what the database holds."""

from __future__ import annotations

import io
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from ecs_market import InputError, MarketError, Simulation, TelemetryError, load_scenario
from ecs_market.bench import economy
from ecs_market.plotting import Plots
from ecs_market.plotting.plots import By
from ecs_market.scenario import from_dict
from ecs_market.welfare import gini

mpl.use("Agg")
ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(autouse=True)
def _close_figures() -> Iterator[None]:
    yield
    plt.close("all")


@pytest.fixture(scope="module")
def two() -> Iterator[Simulation]:
    """Two posts and trade face to face, everything recorded."""
    scenario = load_scenario("walrasian_two_markets")
    with Simulation(scenario, seed=42, telemetry_level="full") as simulation:
        simulation.run(60)
        yield simulation


@pytest.fixture(scope="module")
def auction() -> Iterator[Simulation]:
    with Simulation(load_scenario("zero_intelligence"), telemetry_level="orders") as simulation:
        simulation.run(6)
        yield simulation


def lines(ax: Axes) -> dict[str, Line2D]:
    return {str(line.get_label()): line for line in ax.get_lines()}


def bars_of(ax: Axes) -> list[Rectangle]:
    """Return the bars of a histogram."""
    return [each for each in ax.patches if isinstance(each, Rectangle)]


def data(line: Line2D) -> tuple[np.ndarray, np.ndarray]:
    return np.asarray(line.get_xdata(), float), np.asarray(line.get_ydata(), float)


def legend(ax: Axes) -> list[str]:
    found = ax.get_legend()
    return [] if found is None else [text.get_text() for text in found.get_texts()]


# --- over time ---------------------------------------------------------------------------------


def test_prices_are_those_published(two: Simulation) -> None:
    ax = two.plot.prices()
    expected: dict[str, list[tuple[int, int]]] = {}
    for tick, post, good, price in two.telemetry.query(
        "SELECT tick, market_id, commodity, price FROM market_prices ORDER BY tick"
    ):
        expected.setdefault(f"{good}, post {post}", []).append((tick, price))
    drawn = lines(ax)
    assert drawn.keys() == expected.keys() == set(legend(ax))
    for name, rows in expected.items():
        ticks, prices = np.array(rows, np.int64).T
        x, y = data(drawn[name])
        assert np.array_equal(x, [*ticks, two.tick - 1])
        assert np.allclose(y, two.units.from_steps(np.append(prices, prices[-1])), rtol=1e-15)
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("tick", "price [M / unit]")
    looks = {(line.get_color(), line.get_linestyle()) for line in drawn.values()}
    assert len(looks) == len({line.get_color() for line in drawn.values()}) == len(drawn)


def test_prices_are_filtered(two: Simulation) -> None:
    assert lines(two.plot.prices(good="A")).keys() == {"post 0", "post 1"}
    assert lines(two.plot.prices(post=0)).keys() == {"A", "B"}
    assert len(two.plot.prices(post=[1], good=["A"]).get_lines()) == 1
    assert two.plot.prices(good="A").get_ylabel() == "price of A [M / unit]"
    whole, part = two.plot.prices(good="A"), two.plot.prices(post=1, good="A")
    assert np.array_equal(data(lines(whole)["post 1"]), data(part.get_lines()[0]))


def test_many_prices_share_a_colour_and_have_a_mean() -> None:
    with Simulation(economy(4000, 8), telemetry_level="summary") as simulation:
        simulation.run(10)
        ax = simulation.plot.prices()
        query = simulation.telemetry.query
        priced = query("SELECT DISTINCT commodity, market_id FROM market_prices")
        assert len(priced) > 7
        for good in ("A", "B"):
            rows = query("SELECT price FROM market_prices WHERE commodity = ?", (good,))
            posts = sum(each == good for each, _ in priced)
            mean = lines(ax)[f"{good}: mean paid at {posts} posts"]
            (single,) = [
                line
                for line in ax.get_lines()
                if line.get_color() == mean.get_color() and line is not mean
            ]
            _, y = data(single)
            steps = np.rint(y[~np.isnan(y)] / simulation.units.step_size).astype(int).tolist()
            assert np.isnan(y).sum() == posts
            assert set(steps) == {price for (price,) in rows}
            assert len(steps) == len(rows) + posts
            paid: dict[int, list[tuple[float, int]]] = {}
            for tick, price, lots in query(
                "SELECT tick, mean_price, quantity FROM trade_prices"
                " WHERE commodity = ? AND market_id NOT NULL ORDER BY tick",
                (good,),
            ):
                paid.setdefault(tick, []).append((price, lots))
            x, y = data(mean)
            assert x.tolist() == list(paid)
            means = []
            for each in paid.values():
                prices, weights = np.array(each, float).T
                means.append(np.average(prices, weights=weights))
            assert np.allclose(y / simulation.units.step_size, means)


@pytest.mark.parametrize("every", [1, 7, 100])
def test_volume_adds_up(every: int, two: Simulation) -> None:
    ax = two.plot.volume(every=every)
    for face_to_face, place in enumerate(("at posts", "face to face")):
        for good in ("A", "B"):
            expected = np.zeros(-(-two.tick // every))
            for at, lots in two.telemetry.query(
                "SELECT tick / ?, sum(quantity) FROM trades WHERE commodity = ?"
                " AND (market_id IS NULL) = ? GROUP BY 1",
                (every, good, face_to_face),
            ):
                expected[at] = two.units.from_lots(lots)
            x, y = data(lines(ax)[f"{good}, {place}"])
            assert np.array_equal(x[: len(expected)], np.arange(len(expected)) * every)
            assert np.allclose(y[: len(expected)], expected)
    unit = "tick" if every == 1 else f"{every} ticks"
    assert ax.get_ylabel() == f"volume [unit / {unit}]"


def test_volume_at_a_post(two: Simulation) -> None:
    ax = two.plot.volume(post=1, good="A")
    (line,) = ax.get_lines()
    ((total,),) = two.telemetry.query(
        "SELECT sum(quantity) FROM trades WHERE market_id = 1 AND commodity = 'A'"
    )
    assert data(line)[1].sum() == pytest.approx(two.units.from_lots(total))
    assert ax.get_ylabel() == "volume of A [unit / tick]"


def test_shares_of_trades(two: Simulation) -> None:
    ax = two.plot.shares(every=20)
    below, above = ax.collections
    rows = two.telemetry.query(
        "SELECT sum(market_trades), sum(bilateral_trades) FROM ticks GROUP BY tick / 20"
    )
    assert all(sum(row) for row in rows)
    for number, (posts, pairs) in enumerate(rows):
        middle = 20.0 * number + 10.0
        share = 100.0 * posts / (posts + pairs)
        for area, inside, outside in (
            (below, share - 1.0, share + 1.0),
            (above, share + 1.0, share - 1.0),
        ):
            (path,) = area.get_paths()
            assert path.contains_point((middle, inside)) or not 0.0 < inside < 100.0
            assert not path.contains_point((middle, outside))
    assert legend(ax) == ["at posts", "face to face"]


def test_welfare_ends_at_the_summary(two: Simulation) -> None:
    ax = two.plot.welfare()
    summary = two.summary()
    ends = {name: data(line)[1] for name, line in lines(ax).items()}
    assert ends["at posts"][-1] == pytest.approx(summary["market_gain"])
    assert ends["face to face"][-1] == pytest.approx(summary["bilateral_gain"])
    assert np.allclose(ends["together"], ends["at posts"] + ends["face to face"])
    assert all(len(each) == two.tick for each in ends.values())
    assert ax.get_ylabel() == "gains from trade so far [M]"


def test_gains_of_barter_are_not_money() -> None:
    with Simulation(load_scenario("barter_ring")) as simulation:
        simulation.run(10)
        assert simulation.plot.welfare().get_ylabel().endswith("[unit of what pays]")
        assert simulation.plot.gains().get_xlabel().endswith("[unit of what pays]")


def test_status_of_each_clear(two: Simulation) -> None:
    ax = two.plot.status()
    names = [each.get_text() for each in ax.get_yticklabels()]
    for post in (0, 1):
        x, y = data(lines(ax)[f"post {post}"])
        drawn = {(int(tick), names[round(row)]) for tick, row in zip(x, y, strict=True)}
        assert drawn == set(
            two.telemetry.query(
                "SELECT tick, status FROM market_clears WHERE market_id = ?", (post,)
            )
        )


# --- agents ------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["wealth", "gain"])
def test_distributions_count_every_agent(what: str, two: Simulation) -> None:
    kinds: tuple[By | None, ...] = (None, "population", "family")
    draw = two.plot.wealth if what == "wealth" else two.plot.gains
    for by in kinds:
        ax = draw(30, by=by)
        minor = two.telemetry.query("SELECT wealth, gain FROM agents WHERE tick = 30")
        column = ("wealth", "gain").index(what)
        values = np.array([two.units.from_minor(row[column]) for row in minor])
        bars = [box for box in bars_of(ax) if box.get_height() > 0.0]
        assert len(values) == 40
        assert sum(box.get_height() for box in bars) == 40
        for box in bars_of(ax):
            left, width = box.get_x(), box.get_width()
            inside = (values >= left - 1e-9) & (values <= left + width + 1e-9)
            assert box.get_height() <= inside.sum()
        assert legend(ax)[-1] == f"Gini {gini(values):.2f}"
        assert ax.get_ylabel() == "agents"
    assert legend(ax)[:-1] == ["cobb_douglas", "linear"]


def test_gains_are_those_of_the_welfare_report(two: Simulation) -> None:
    assert legend(two.plot.gains()) == [f"Gini {two.welfare()['gini']:.2f}"]


def test_a_sample_is_called_a_sample() -> None:
    scenario = load_scenario("walrasian_two_markets")
    with Simulation(scenario, seed=42, snapshot_agents=10) as simulation:
        simulation.run(20)
        ax = simulation.plot.wealth()
        assert ax.get_ylabel() == "agents in the sample"
        assert sum(box.get_height() for box in bars_of(ax)) == 10


@pytest.mark.parametrize("by", ["population", "family", "target", "money", "wealth", "gain", None])
def test_agents_stand_where_telemetry_says(by: Any, two: Simulation) -> None:
    ax = two.plot.map(12, by=by)
    cells = two.telemetry.query("SELECT x, y FROM agents WHERE tick = 12")
    drawn = np.concatenate([np.asarray(dots.get_offsets()) for dots in ax.collections])
    assert sorted(map(tuple, drawn.tolist())) == sorted(cells)
    settings = two.world.settings
    width, height = settings.width, settings.height
    assert (ax.get_xlim(), ax.get_ylim()) == ((-0.5, width - 0.5), (-0.5, height - 0.5))
    if by == "wealth":
        (dots,) = ax.collections
        values = [
            value
            for (value,) in two.telemetry.query(
                "SELECT wealth FROM agents WHERE tick = 12 ORDER BY agent_id"
            )
        ]
        assert np.allclose(
            np.asarray(dots.get_array()), [two.units.from_minor(each) for each in values]
        )


def test_posts_and_their_radii(two: Simulation) -> None:
    ax = two.plot.map()
    stars = [line for line in ax.get_lines() if line.get_marker() == "*"]
    assert [(*data(star)[0], *data(star)[1]) for star in stars] == [
        post.location for post in two.markets
    ]
    post = two.markets[0]
    joined, seen, heard = (lines(ax)[name] for name in ("joined", "seen", "heard"))
    for line, radius in (
        (joined, post.interaction_radius),
        (seen, post.visibility_radius),
        (heard, post.broadcast_radius),
    ):
        x, y = data(line)
        assert all(post.distance((int(a), int(b))) == radius for a, b in zip(x, y, strict=True))
    assert not any(line.get_linestyle() == "--" for line in two.plot.map(radii=False).get_lines())


def test_radii_wrap_with_the_grid() -> None:
    document = load_scenario("single_walrasian").to_dict()
    document["grid"]["torus"] = True
    with Simulation(from_dict(document)) as simulation:
        simulation.step()
        whole = simulation.plot.map().get_lines()
    centres = [line for line in whole if line.get_linestyle() == "-"]
    assert len(centres) == 9


# --- a clear -----------------------------------------------------------------------------------


def test_excess_demand_is_the_recorded_curve(two: Simulation) -> None:
    ax = two.plot.excess_demand(0, "A", 25)
    curve = lines(ax)
    (label,) = [name for name in curve if name.startswith("tick ")]
    tick = int(label.split()[1])
    rows = np.array(
        two.telemetry.query(
            "SELECT price, demand, supply FROM clear_curves WHERE market_id = 0"
            " AND commodity = 'A' AND tick = ? ORDER BY price",
            (tick,),
        )
    )
    ((last,),) = two.telemetry.query(
        "SELECT max(tick) FROM clear_curves WHERE market_id = 0 AND commodity = 'A' AND tick <= 25"
    )
    assert tick == last
    x, y = data(curve[label])
    assert np.allclose(x, two.units.from_steps(rows[:, 0]))
    assert np.allclose(y, two.units.from_lots(rows[:, 1] - rows[:, 2]))
    ((price,),) = two.telemetry.query(
        "SELECT clearing_price FROM market_clears WHERE market_id = 0 AND commodity = 'A'"
        " AND tick = ?",
        (tick,),
    )
    at, _ = data(curve["clearing price"])
    assert np.allclose(at, two.units.from_steps(price))
    assert y[0] > 0.0 > y[-1]


def test_schedules_of_a_walrasian_post(two: Simulation) -> None:
    ax = two.plot.schedules(0, "A", 25)
    excess = data(two.plot.excess_demand(0, "A", 25).get_lines()[1])
    demand, supply = data(lines(ax)["demand"]), data(lines(ax)["supply"])
    assert np.array_equal(demand[1], excess[0])
    assert np.allclose(demand[0] - supply[0], excess[1])


def test_schedules_of_an_auction_add_up_its_orders(auction: Simulation) -> None:
    good = auction.scenario.goods[0]
    ax = auction.plot.schedules(0, good, 0)
    for name, direction in (("demand", "buy"), ("supply", "sell")):
        rows = auction.telemetry.query(
            "SELECT limit_price, quantity FROM market_orders WHERE tick = 0 AND direction = ?"
            " AND limit_price NOT NULL AND status <> 'rejected'",
            (direction,),
        )
        quantity, price = data(lines(ax)[name])
        assert quantity[-1] == pytest.approx(auction.units.from_lots(sum(q for _, q in rows)))
        for at in price:
            better = [
                lots
                for limit, lots in rows
                if (auction.units.from_steps(limit) - at) * (1 if direction == "buy" else -1)
                > -1e-9
            ]
            here = quantity[np.isclose(price, at)].max()
            assert here == pytest.approx(auction.units.from_lots(sum(better)))


# --- what may go wrong -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda plot: plot.prices(post=9), "there is no post 9; posts: 0, 1"),
        (lambda plot: plot.prices(good="Z"), "there is no good 'Z'; goods: A, B"),
        (lambda plot: plot.volume(every=0), "every must be a whole number of ticks"),
        (lambda plot: plot.wealth(-5), "no snapshot of agents has been recorded up to -5"),
        (lambda plot: plot.wealth(by="age"), "by must be population, family or None"),
        (lambda plot: plot.map(by="age"), "by must be one of population"),
        (lambda plot: plot.map("late"), "tick must be a whole number"),
        (lambda plot: plot.excess_demand(0, "A", 0), "no demand and supply of A at post 0"),
        (lambda plot: plot.excess_demand(7, "A"), "there is no post 7"),
    ],
)
def test_bad_input_is_said_clearly(call: Any, message: str, two: Simulation) -> None:
    with pytest.raises(InputError, match=re.escape(message)):
        call(two.plot)


def test_a_level_that_records_too_little_is_named() -> None:
    scenario = load_scenario("single_walrasian")
    with Simulation(scenario, telemetry_level="summary") as simulation:
        simulation.step()
        with pytest.raises(TelemetryError, match=r"clear_curves is not recorded.*'trades'"):
            simulation.plot.excess_demand(0, "A")
    with (
        Simulation(scenario, telemetry_level="off") as simulation,
        pytest.raises(TelemetryError, match="nothing is recorded"),
    ):
        simulation.plot.prices()


def test_a_run_without_ticks_or_trades_has_plots() -> None:
    scenario = load_scenario("walrasian_two_markets")
    with Simulation(scenario) as simulation:
        plot = simulation.plot
        for draw in (plot.prices, plot.volume, plot.shares, plot.welfare, plot.status):
            assert not any(len(data(line)[0]) for line in draw().get_lines())
        assert len(plot.map().collections) == 1
        simulation.step()
        for draw in (plot.prices, plot.volume, plot.shares, plot.welfare, plot.status, plot.wealth):
            draw()
        assert "without 40 that own goods without a price" in legend(plot.wealth())


def test_without_matplotlib_one_error_says_what_to_install(
    two: Simulation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(MarketError, match=re.escape("pip install 'ecs-market[plot]'")):
        two.plot.prices()


def test_matplotlib_is_loaded_when_something_is_drawn() -> None:
    code = (
        "import sys, ecs_market; ecs_market.Simulation;"
        "print([name for name in sys.modules if name.startswith('matplotlib')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_given_axes_are_drawn_on(two: Simulation) -> None:
    figure, (left, right) = plt.subplots(1, 2)
    assert two.plot.prices(ax=left) is left
    assert two.plot.map(ax=right) is right
    assert plt.get_fignums() == [figure.number]
    for kind in ("pdf", "svg"):
        target = io.BytesIO()
        figure.savefig(target, format=kind)
        assert target.tell() > 5_000


def test_plots_take_any_query(two: Simulation) -> None:
    asked = []

    def query(sql: str, values: Any = ()) -> list[tuple[Any, ...]]:
        asked.append(sql)
        return two.telemetry.query(sql, values)

    assert np.array_equal(
        data(Plots(query).welfare().get_lines()[0]), data(two.plot.welfare().get_lines()[0])
    )
    assert asked
