"""What things are worth: utilities, demand and the values of posts, partners and patches."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from ecs_market.settings import Settings
from tests.oracles.worlds import Agent, Post, distance

# The codes of intents, spelled out so that a change of them is noticed.
MARKET, PARTNER, RESOURCE = 1, 2, 3


def exponents(agent: Agent) -> tuple[list[float], float, bool]:
    """Return the exponents, kappa, and whether the form is literal, of a Cobb-Douglas agent."""
    n = len(agent.goods)
    return agent.parameters[:n], agent.parameters[n], agent.parameters[n + 1] == 1.0


def utility(agent: Agent, goods: Sequence[float], lot: float) -> float:
    """Return U at `goods`, money apart."""
    if agent.linear:
        return math.fsum(w * q for w, q in zip(agent.parameters, goods, strict=False))
    powers, kappa, level = exponents(agent)
    pairs = [(a, q) for a, q in zip(powers, goods, strict=True) if a > 0]
    if level:
        return float(math.prod(q**a for a, q in pairs))
    return kappa * sum(a * math.log(max(q, lot / 2)) for a, q in pairs)


def marginals(agent: Agent, lot: float) -> list[float]:
    """Return dU/dx at the agent's holdings, each taken as half a lot at least."""
    n = len(agent.goods)
    if agent.linear:
        return agent.parameters[:n]
    powers, kappa, level = exponents(agent)
    held = [max(q, lot / 2) for q in agent.goods]
    size = utility(agent, held, lot) if level else kappa
    return [a * size / q for a, q in zip(powers, held, strict=True)]


def curvatures(agent: Agent, lot: float) -> list[float]:
    """Return minus d2U/dx2 at the agent's holdings."""
    if agent.linear:
        return [0.0] * len(agent.goods)
    powers, kappa, level = exponents(agent)
    held = [max(q, lot / 2) for q in agent.goods]
    if level:
        size = utility(agent, held, lot)
        return [a * (1 - a) * size / q**2 for a, q in zip(powers, held, strict=True)]
    return [kappa * a / q**2 for a, q in zip(powers, held, strict=True)]


def rates(agent: Agent, settings: Settings) -> tuple[list[float], list[float]]:
    """Return marginal rates [M / unit] and minus their slopes along a trade for money.

    Where money is a unit of account the last good takes its place.
    """
    lot = settings.lot_size
    m, c = marginals(agent, lot), curvatures(agent, lot)
    if settings.mode == 0:
        return [x / agent.weight for x in m], [x / agent.weight for x in c]
    worth = m[-1]
    rate = [x / worth for x in m]
    cross = [0.0] * len(m)
    if not agent.linear and exponents(agent)[2]:
        powers = exponents(agent)[0]
        held = [max(q, lot / 2) for q in agent.goods]
        size = utility(agent, held, lot)
        cross = [a * powers[-1] * size / (q * held[-1]) for a, q in zip(powers, held, strict=True)]
    slope = [
        max(0.0, (ck + r * r * c[-1] + 2 * r * x) / worth)
        for ck, r, x in zip(c, rate, cross, strict=True)
    ]
    return [*rate[:-1], 1.0], [*slope[:-1], 0.0]


def demand(
    agent: Agent, price: Sequence[float], traded: Sequence[bool], settings: Settings, last: int
) -> list[float]:
    """Return the best holdings at `price`; goods that are not traded stay as they are."""
    n, own = len(agent.goods), agent.goods
    here = [k for k in range(n) if traded[k]]
    wealth = sum(price[k] * own[k] for k in here)
    if settings.mode == 0:
        wealth += agent.money
    best = list(own)
    if agent.linear:
        worth = agent.weight if settings.mode == 0 else agent.parameters[last]
        others = [k for k in here if settings.mode == 0 or k != last]
        value, chosen = max((agent.parameters[k] / price[k], -k) for k in others)
        for k in here:
            best[k] = 0.0
        if value > worth:
            best[-chosen] = wealth / price[-chosen]
        elif settings.mode != 0:
            best[last] = wealth / price[last]
        return best
    powers, kappa, level = exponents(agent)
    degree = sum(powers[k] for k in here)
    spent = wealth
    if settings.mode == 0 and level:
        size = math.prod((powers[k] / (degree * price[k])) ** powers[k] for k in here)
        size *= math.prod(own[k] ** powers[k] for k in range(n) if not traded[k])
        if degree > 1 - 1e-12:
            spent = wealth if size > agent.weight else 0.0
        else:
            spent = min(wealth, (degree * size / agent.weight) ** (1 / (1 - degree)))
    elif settings.mode == 0:
        spent = min(wealth, kappa * degree / agent.weight)
    for k in here:
        best[k] = powers[k] / degree * spent / price[k]
    return best


def gain(
    agent: Agent, price: Sequence[float], traded: Sequence[bool], settings: Settings, last: int
) -> float:
    """Return the gain [M] of the desired trade, cut to the size of the agent's own holdings."""
    wish = demand(agent, price, traded, settings, last)
    net = [w - q for w, q in zip(wish, agent.goods, strict=True)]
    share = min(
        [1.0] + [max(q, 1.0) / abs(d) for q, d in zip(agent.goods, net, strict=True) if abs(d) > 0]
    )
    after = [q + share * d for q, d in zip(agent.goods, net, strict=True)]
    lot = settings.lot_size
    change = utility(agent, after, lot) - utility(agent, agent.goods, lot)
    if settings.mode != 0:
        return change / marginals(agent, lot)[last]
    return change / agent.weight - share * sum(p * d for p, d in zip(price, net, strict=True))


def confidence(settings: Settings, age: int, way: int, broadcast: int) -> float:
    """Return how far a price of that age is trusted at that distance."""
    info = settings.price_info
    trust = max(info.floor, 2.0 ** (-age / info.half_life)) if info.decays else 1.0
    if info.by_distance and broadcast > 0:
        trust *= 1.0 - (1.0 - info.floor) * way / broadcast
    return trust


def known_prices(post: Post, tick: int, settings: Settings) -> dict[int, int]:
    """Return the goods with a price that has not expired, and its age."""
    return {
        k: tick - post.formed[k]
        for k, traded in enumerate(post.traded)
        if traded
        and post.price[k] > 0
        and tick - post.formed[k] <= settings.price_info.expire_after
    }


def post_value(
    agent: Agent,
    post: Post,
    tick: int,
    settings: Settings,
    memory: Mapping[int, Mapping[int, tuple[float, int]]] | None = None,
) -> float:
    """Return the discounted value [M] of a post to an agent, 0 if it does not know of it.

    `memory` has, by post and good, the price last heard [M / unit] and when it was formed.
    """
    way = distance(agent, post, settings)
    known = known_prices(post, tick, settings)
    hears = bool(known) and way <= post.broadcast
    noted = {} if hears else (memory or {}).get(post.ident, {})
    known_of = hears or noted or way <= post.sight
    if not known_of or (MARKET, post.ident) in agent.barred:
        return 0.0
    last = max(k for k, traded in enumerate(post.traded) if traded)
    unit = agent.weight
    if settings.mode != 0:
        unit = marginals(agent, settings.lot_size)[last]
    price = [m / unit for m in marginals(agent, settings.lot_size)]
    trust = settings.price_info.floor
    if hears:
        for k in known:
            price[k] = post.price[k]
        trust = confidence(settings, max(known.values()), way, post.broadcast)
    for k, (was, _) in noted.items():
        price[k] = was
    if noted:
        age = max(tick - formed for _, formed in noted.values())
        trust = confidence(settings, age, min(way, post.broadcast), post.broadcast)
    total = 0.0
    for side in (settings.price_info.sigma, -settings.price_info.sigma):
        tilted = [p * math.exp(side) for p in price]
        if settings.mode != 0:
            tilted[last] = 1.0
        total += 0.5 * gain(agent, tilted, post.traded, settings, last)
    value = total * trust * settings.beta**way
    return value if value >= settings.min_value else 0.0


Side = tuple[Sequence[float], Sequence[float], Sequence[float], float]


def barter_total(a: Side, b: Side, k: int, pay: int) -> float:
    """Return the total gain [M] of the best trade of good k for another, 0 if none pays."""
    if min(a[0][pay], b[0][pay]) > 0.0:
        buyer, seller = (a, b) if a[0][k] / a[0][pay] >= b[0][k] / b[0][pay] else (b, a)
        high, low = buyer[0][k] / buyer[0][pay], seller[0][k] / seller[0][pay]
        price = (high + low) / 2
        if high <= low:
            return 0.0
    else:
        # Each has use for just the good that the other one has no use for.
        buyer, seller = (a, b) if a[0][k] > 0.0 else (b, a)
        wants = [side[0][item] > 0.0 for side in (buyer, seller) for item in (k, pay)]
        if wants != [True, False, False, True]:
            return 0.0
        price = 1.0
    # What a unit more of the good gives each side at that price, and how fast that falls.
    first = [buyer[0][k] - price * buyer[0][pay], price * seller[0][pay] - seller[0][k]]
    bend = [side[1][k] + price**2 * side[1][pay] for side in (a, b)]
    most = min(seller[2][k], buyer[2][pay] / price)
    quantity = min(sum(first) / sum(bend), most) if sum(bend) > 0.0 else most
    return sum(first) * quantity - sum(bend) / 2 * quantity**2


def pair_total(a: Side, b: Side, money: bool = True, goods: bool = False) -> float:
    """Return the total gain [M] of a pair's best trade; a side is (rates, slopes, stock, cash).

    `money` and `goods` say what a good can be traded for.
    """
    best, number = 0.0, len(a[0])
    if goods:
        for pay in range(number):
            for k in range(pay):
                found = barter_total(a, b, k, pay) or barter_total(a, b, pay, k)
                best = max(best, found)
    if not money:
        return best
    for k in range(len(a[0])):
        buyer, seller = (a, b) if a[0][k] >= b[0][k] else (b, a)
        gap = buyer[0][k] - seller[0][k]
        if gap <= 0.0:
            continue
        bend = a[1][k] + b[1][k]
        most = min(seller[2][k], buyer[3] / (0.5 * (buyer[0][k] + seller[0][k])))
        quantity = min(gap / bend, most) if bend > 0.0 else most
        best = max(best, gap * quantity - 0.5 * bend * quantity**2)
    return best


def grown(amount: int, touched: int, tick: int, rate: int, cooldown: int, most: int) -> int:
    """Return what lies on a patch at the start of `tick`, tick by tick."""
    if touched >= 0:
        for now in range(touched + 1, tick):
            if now - touched > cooldown and amount < most:
                amount = min(most, amount + rate)
    return amount
