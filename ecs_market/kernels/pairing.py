"""Net trades written as trades between buyers and sellers, and their fees."""

from __future__ import annotations

from ecs_market.kernels.fees import fee_on
from ecs_market.kernels.jit import helper, kernel
from ecs_market.kernels.wide import mul_div
from ecs_market.types import I64, int64

# The post itself as a buyer or seller.
THE_POST = -1


@helper
def next_lots(place: int, last: int, sign: int, k: int, by_id: I64, filled: I64) -> tuple[int, int]:
    """Return the next member that buys (sign 1) or sells (-1) good k, and its lots; 0 if none."""
    while place < last:
        lots = sign * filled[by_id[place], k]
        if lots > 0:
            return place, lots
        place += 1
    return place, int64(0)


@helper
def fee_between(
    whole: int, done: int, more: int, price: int, fee_ppb: int, fee_per_lot: int
) -> int:
    """Return the fee on the next `more` of `whole` lots, `done` of which are paid for.

    The fee on all of them is spread so that its parts add up to it exactly.
    """
    fee = fee_on(whole, price, fee_ppb, fee_per_lot)
    until, _ = mul_div(fee, done + more, whole)
    since, _ = mul_div(fee, done, whole)
    return until - since


@kernel
def pair_trades(
    start: int,
    stop: int,
    write: bool,
    first: I64,
    by_id: I64,
    ids: I64,
    filled: I64,
    price: I64,
    fee_ppb: I64,
    fee_per_lot: I64,
    places: I64,
    buyers: I64,
    sellers: I64,
    quantities: I64,
    fees: I64,
) -> None:
    """Pair buyers and sellers, both in the order of ids; without `write` count the trades only.

    An item is one good (of K) of a post.  Its trades are written from `places` on, or their number
    is written there.  What members do not trade with each other they trade with the post.
    """
    goods = filled.shape[1]
    for item in range(start, stop):
        post = item // goods
        k = item % goods
        last = first[post + 1]
        ppb = fee_ppb[post]
        per_lot = fee_per_lot[post]
        paid = price[post, k]
        found = places[item] if write else int64(0)
        buyer, buys = next_lots(first[post], last, 1, k, by_id, filled)
        seller, sells = next_lots(first[post], last, -1, k, by_id, filled)
        to_buy = buys
        to_sell = sells
        while to_buy > 0 or to_sell > 0:
            lots = max(to_buy, to_sell)
            if to_buy > 0 and to_sell > 0:
                lots = min(to_buy, to_sell)
            if write:
                buyers[found] = ids[by_id[buyer]] if to_buy > 0 else THE_POST
                sellers[found] = ids[by_id[seller]] if to_sell > 0 else THE_POST
                quantities[found] = lots
                fees[found] = 0
                if to_buy > 0 and (ppb > 0 or per_lot > 0):
                    fees[found] += fee_between(buys, buys - to_buy, lots, paid, ppb, per_lot)
                if to_sell > 0 and (ppb > 0 or per_lot > 0):
                    fees[found] += fee_between(sells, sells - to_sell, lots, paid, ppb, per_lot)
            found += 1
            if to_buy > 0:
                to_buy -= lots
                if to_buy == 0:
                    buyer, buys = next_lots(buyer + 1, last, 1, k, by_id, filled)
                    to_buy = buys
            if to_sell > 0:
                to_sell -= lots
                if to_sell == 0:
                    seller, sells = next_lots(seller + 1, last, -1, k, by_id, filled)
                    to_sell = sells
        if not write:
            places[item] = found
