"""A posted price over several visits, against the rule written out in plain Python."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from ecs_market import clear
from ecs_market.build import build_world
from ecs_market.components.intent import MARKET, Intent
from ecs_market.components.inventory import Inventory
from ecs_market.components.market_account import MarketAccount
from ecs_market.components.market_post import STATUSES, MarketPost
from ecs_market.components.posted_price import PostedPrice
from ecs_market.errors import ScenarioError
from ecs_market.scenario import scenario_for_clear
from ecs_market.systems.appraise import Appraise
from ecs_market.systems.clear_posted_price import ClearPostedPrice
from ecs_market.systems.collect_orders import CollectOrders
from ecs_market.world import World
from tests.oracles import charges
from tests.oracles.economics import Agent, Taste, fill, groups

MEMBERS = [
    Agent(Taste("cobb_douglas", (1.0,), kappa=kappa), (goods,), 1000.0)
    for kappa, goods in ((4.0, 2.0), (9.0, 3.0), (2.0, 8.0), (6.0, 12.0), (5.0, 5.0))
]


def world_of(**params: Any) -> World:
    return build_world(scenario_for_clear(groups(MEMBERS), "posted_price", params), 0, 1)


def visit(world: World, who: list[int]) -> None:
    """Let the agents `who` come to the post in this tick."""
    intent, rows = world.agents.whole(Intent), world.agent_rows
    intent.kind[rows] = 0
    intent.kind[rows[who]] = MARKET
    intent.target[rows] = 0
    for system in (Appraise(), CollectOrders(), ClearPostedPrice()):
        system.process(world)
    world.tick += 1


VISITS = [[0, 1, 2, 3], [4], [0, 3], [1, 1, 2], [], [0, 1, 2, 3, 4], [3], [2, 4], [0], [1, 3]] * 2


@pytest.mark.parametrize("frequency", [1, 3, 5])
@pytest.mark.parametrize("eta", [0.1, 0.2])
def test_follows_the_rule(frequency: int, eta: float) -> None:
    world = world_of(initial_price=0.5, price_update_frequency=frequency, eta=eta)
    post, board = world.posts.whole(MarketPost), world.posts.whole(PostedPrice)
    row = world.post_rows[0]
    lots = [round(m.goods[0] * 1000) for m in MEMBERS]
    price, sign, formed, latest = 5000, 0, -1, {}
    for tick, who in enumerate(VISITS):
        visit(world, sorted(set(who)))
        present = sorted(set(who))
        if present and tick == 0:
            formed = 0
        wish = [
            [int(np.rint(MEMBERS[i].taste.kappa / (price * 1e-4) / 1e-3)) - lots[i]]
            for i in present
        ]
        filled = fill(wish, present) if present else []
        for i, wanted, (got,) in zip(present, wish, filled, strict=True):
            latest[i] = wanted[0]
            lots[i] += got
            formed = tick if got else formed
        held = world.agents.whole(Inventory).goods[world.agent_rows, 0]
        assert held.tolist() == lots
        if (tick + 1) % frequency == 0:
            buys = sum(max(0, w) for w in latest.values())
            sells = sum(max(0, -w) for w in latest.values())
            latest = {}
            if buys != sells:
                now = 1 if buys > sells else -1
                if sign == -now:
                    eta = max(0.001, eta * 0.5)
                elif sign == now:
                    eta = min(0.2, eta * 1.3)
                sign = now
                moved = int(price * math.exp(eta * (buys - sells) / max(buys, sells)) + 0.5)
                moved = moved if moved != price else price + now
                formed = tick if moved != price else formed
                price = moved
        assert post.current_prices[row, 0] == price
        assert board.eta[row, 0] == pytest.approx(eta)
        assert post.price_formed_at[row, 0] == formed


def test_the_first_price_is_the_median_rate_of_those_who_come_first() -> None:
    world = world_of(price_update_frequency=100)
    visit(world, [0, 2, 3])  # rates 2, 0.25 and 0.5
    post = world.posts.whole(MarketPost)
    assert post.current_prices[world.post_rows[0], 0] == 5000
    assert post.price_formed_at[world.post_rows[0], 0] == 0


def test_status_and_volume() -> None:
    world = world_of(initial_price=0.5, price_update_frequency=100)
    visit(world, [0, 3])
    clearing = world.scratch.clearings[-1]
    assert STATUSES[clearing.status[0]] == "indicative"  # 3 holds just what it wants
    assert clearing.settled.volume.sum() == 0
    visit(world, [0, 2])
    clearing = world.scratch.clearings[-1]
    assert STATUSES[clearing.status[0]] == "rationed"
    assert clearing.settled.volume.tolist() == [[4000]]
    assert world.posts.whole(MarketPost).last_clear_tick[world.post_rows[0]] == 1


@pytest.mark.parametrize("params", [{"A": 3.5, "M": 4.0}, {"A": 100}, {"M": 1e6}, {"A": 0, "M": 0}])
@pytest.mark.parametrize("rate", [0.0, 0.0123])
def test_a_post_serves_what_members_leave_over(params: dict[str, float], rate: float) -> None:
    fees = {"type": "ad_valorem", "rate": rate}
    world = world_of(initial_price=0.5, price_update_frequency=3, eta=0.2, stock=params, fees=fees)
    post, account = world.posts.whole(MarketPost), world.posts.whole(MarketAccount)
    row, share = world.post_rows[0], Fraction(str(rate))
    lots = [round(m.goods[0] * 1000) for m in MEMBERS]
    cash = [round(m.money * 10**7) for m in MEMBERS]
    stock, till = round(params.get("A", 0) * 1000), round(params.get("M", 0) * 10**7)
    start = world.ledger.initial.tolist()
    assert start == [sum(lots) + stock, sum(cash) + till]
    for visitors in VISITS:
        present, price = sorted(set(visitors)), int(post.current_prices[row, 0])
        visit(world, present)
        if present:
            clearing = world.scratch.clearings[-1]
            place = [clearing.batch.id.tolist().index(i) for i in present]
            filled = clearing.settled.filled[place].tolist()
            if not rate:  # or else who would lose by the fee wants less
                wish = clearing.settled.desired[place].tolist()
                assert filled == charges.serve(wish, present, [price], [stock], till)
            for i, (got,) in zip(present, filled, strict=True):
                paid = charges.fee(got, price, share, 0)
                lots[i], cash[i] = lots[i] + got, cash[i] - got * price - paid
                stock, till = stock - got, till + got * price + paid
            trades = clearing.trades()
            assert trades.quantity.sum() == clearing.settled.volume.sum()
            assert not ((trades.buyer < 0) & (trades.seller < 0)).any()
        held = world.agents.whole(Inventory)
        assert held.goods[world.agent_rows, 0].tolist() == lots
        assert held.money[world.agent_rows].tolist() == cash
        assert account.goods[row, 0] == stock >= 0
        assert account.money[row] == till >= 0
        assert world.ledger.initial.tolist() == start == [sum(lots) + stock, sum(cash) + till]


def test_stock_serves_the_whole_wish() -> None:
    world = world_of(initial_price=0.5, price_update_frequency=100, stock={"A": 100})
    visit(world, [0, 1])
    clearing = world.scratch.clearings[-1]
    assert STATUSES[clearing.status[0]] == "converged"
    assert clearing.settled.unserved.tolist() == [0]
    assert clearing.trades().seller.tolist() == [-1, -1]


def test_fees_taken_are_no_stock() -> None:
    """A post without stock of its own does not trade with the fees in its account."""
    world = world_of(initial_price=0.5, fees={"type": "ad_valorem", "rate": 0.1})
    for _ in range(5):
        visit(world, [0, 2, 3])
    account = world.posts.whole(MarketAccount)
    assert account.money[world.post_rows[0]] > 0
    assert account.goods[world.post_rows[0], 0] == 0


@pytest.mark.parametrize("band", [0.003, 0.01, 0.05])
def test_a_price_moves_within_its_band(band: float) -> None:
    world = world_of(initial_price=0.5, eta=0.2, price_band=band)
    post, row = world.posts.whole(MarketPost), world.post_rows[0]
    moves = []
    for _ in range(6):
        before = int(post.current_prices[row, 0])
        visit(world, [0, 1])
        moves.append((int(post.current_prices[row, 0]) - before) / before)
    assert max(moves) <= band
    assert moves[0] == pytest.approx(band, rel=0.1)


def test_a_cheap_price_moves_by_a_step_whatever_its_band() -> None:
    world = world_of(initial_price=0.0005, eta=0.2, price_band=0.01)
    post, row = world.posts.whole(MarketPost), world.post_rows[0]
    visit(world, [0, 1])
    assert post.current_prices[row, 0] == 6


@pytest.mark.parametrize(
    ("stock", "words"), [({"C": 1}, "C"), ({"A": -1}, "A"), ({"A": 0.00001}, "lot"), (5, "stock")]
)
def test_bad_stock_is_refused(stock: Any, words: str) -> None:
    with pytest.raises(ScenarioError, match=words):
        world_of(stock=stock)


def test_no_stock_where_no_money_moves() -> None:
    members = [Agent(Taste("linear", (1.0, 1.0)), (1.0, 2.0), 0.0)]
    money = {"mode": "unit_of_account"}
    with pytest.raises(ScenarioError, match="unit_of_account"):
        clear(
            groups(members),
            mechanism="posted_price",
            mechanism_params={"stock": {"A": 1}},
            money=money,
        )
