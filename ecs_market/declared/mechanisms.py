"""The mechanisms that come with the engine, and the parameters that all posts have."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from ecs_market.registry import Entry, Parameter

FEE_GRID = Fraction(1, 10**9)

CLEAR_EVERY = Parameter(
    "clear_every", "integer", "Ticks between two clearings; 1 clears every tick.", 1, minimum=1
)
INITIAL_PRICE = Parameter(
    "initial_price",
    "price",
    "Starting price [M / unit], one for all goods or one a good; none: the attendees' median "
    "marginal rates.",
    above=0.0,
    maximum=1e9,
)
FEES = Parameter(
    "fees",
    "block",
    "What buyer and seller each pay to the market.",
    {"type": "none", "rate": 0.0},
    parts=(
        Parameter(
            "type",
            "choice",
            "none, ad_valorem (a share of the payment) or per_lot (an amount for each lot).",
            "none",
            choices=("none", "ad_valorem", "per_lot"),
        ),
        Parameter(
            "rate",
            "number",
            "Share of the payment, a multiple of 1e-9 below 1; or M for each lot.",
            0.0,
            minimum=0.0,
            maximum=1e9,
        ),
    ),
)
COMMON = (
    CLEAR_EVERY,
    FEES,
    Parameter(
        "price_band",
        "number",
        "Largest relative change of a price against the last published one; none: any.",
        None,
        above=0.0,
        maximum=1e6,
        optional=True,
    ),
    Parameter(
        "shading",
        "number",
        "Share of the desired trade that every agent holds back.",
        0.0,
        minimum=0.0,
        below=1.0,
    ),
    Parameter(
        "self_trade",
        "choice",
        "Nobody trades with itself.",
        "prevent",
        choices=("prevent",),
    ),
)
ORDER_SIZE = Parameter(
    "order_size",
    "quantity",
    "Quantity of one order [unit]; default 1 unit, or a lot where that is more.",
    1.0,
    above=0.0,
    maximum=1e9,
)
PRICE_RANGE = (
    Parameter(
        "price_low",
        "number",
        "Lowest price that zero-intelligence traders draw [M / unit]; none: one price step.",
        None,
        minimum=0.0,
        maximum=1e9,
        optional=True,
    ),
    Parameter(
        "price_high",
        "number",
        "Highest price that zero-intelligence traders draw [M / unit].",
        None,
        above=0.0,
        maximum=1e9,
        optional=True,
    ),
)
# Money must be able to move where an order names a price for one good.
PAID_IN_MONEY = ("quasilinear", "in_utility")


def check_fees(
    parameters: Mapping[str, Any], goods: tuple[str, ...], mode: str
) -> list[tuple[str, str]]:
    """Say what is wrong with the fees of a post."""
    fees = parameters.get("fees")
    if fees is None or fees["type"] == "none":
        return []
    if mode == "unit_of_account":
        return [("fees", "no money moves in money mode unit_of_account, so no fee can be paid")]
    if fees["type"] == "ad_valorem":
        if fees["rate"] >= 1.0:
            return [("fees", f"an ad_valorem rate is below 1, got {fees['rate']:g}")]
        if Fraction(repr(fees["rate"])) % FEE_GRID:
            message = f"an ad_valorem rate is a multiple of 1e-9, got {fees['rate']!r}"
            return [("fees", message)]
    return []


def check_posted(
    parameters: Mapping[str, Any], goods: tuple[str, ...], mode: str
) -> list[tuple[str, str]]:
    """Say what is wrong with the fees and the stock."""
    found = check_fees(parameters, goods, mode)
    if mode not in PAID_IN_MONEY and parameters.get("stock"):
        found.append(("stock", f"a post can't trade its own stock in money mode {mode}"))
    return found


def check_walrasian(
    parameters: Mapping[str, Any], goods: tuple[str, ...], mode: str
) -> list[tuple[str, str]]:
    """Say what is wrong with the fees and the fallbacks."""
    found = check_fees(parameters, goods, mode)
    if mode not in PAID_IN_MONEY and "call_auction" in (parameters.get("on_failure") or ()):
        found.append(("on_failure", f"call_auction can't be used in money mode {mode}"))
    ways = parameters.get("on_failure") or ()
    if "no_trade" in ways[:-1]:
        after = ways[ways.index("no_trade") + 1]
        found.append(("on_failure", f"{after} is never tried: no_trade before it is the end"))
    return found


def check_orders(
    parameters: Mapping[str, Any], goods: tuple[str, ...], mode: str
) -> list[tuple[str, str]]:
    """Say what is wrong with the fees and with the range of zero-intelligence draws."""
    found = check_fees(parameters, goods, mode)
    behaviour, low = parameters.get("behaviour"), parameters.get("price_low")
    high = parameters.get("price_high")
    if behaviour in ("zi_c", "zi_u") and high is None:
        found.append(("price_high", f"behaviour {behaviour} draws prices up to it; give a number"))
    elif low is not None and high is not None and low > high:
        found.append(("price_low", f"is above price_high ({low:g} > {high:g})"))
    return found


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "mechanism",
        "walrasian_auctioneer",
        "2025.10.29",
        "Joint tatonnement over the post's goods, then one exact settlement.",
        ("walrasian",),
        (
            Parameter(
                "adjustment_speed",
                "number",
                "First step of the logarithm of a price for a relative excess demand of 1.",
                0.1,
                above=0.0,
                maximum=2.0,
            ),
            Parameter(
                "price_tolerance",
                "number",
                "Largest relative excess demand that counts as cleared.",
                1e-6,
                above=0.0,
                maximum=0.999999,
            ),
            Parameter("max_iterations", "integer", "Most iterations a clearing.", 100, minimum=1),
            INITIAL_PRICE,
            Parameter(
                "on_failure",
                "choices",
                "What to try, in order, when tatonnement does not converge.",
                ("newton", "no_trade"),
                default_mixed=("newton", "bilateral"),
                choices=("newton", "ration_last", "call_auction", "bilateral", "no_trade"),
            ),
            *COMMON,
        ),
        module="ecs_market.mechanisms.walrasian",
        check=check_walrasian,
    ),
    Entry(
        "mechanism",
        "posted_price",
        "2025.10.29",
        "Trades at a posted price, the long side rationed; the price follows what was wanted.",
        (),
        (
            Parameter(
                "price_update_frequency",
                "integer",
                "Ticks between two changes of the posted price.",
                1,
                minimum=1,
            ),
            INITIAL_PRICE,
            Parameter(
                "eta",
                "number",
                "First step of the logarithm of the price for a relative excess demand of 1.",
                0.1,
                minimum=0.001,
                maximum=0.2,
            ),
            Parameter(
                "stock",
                "amounts",
                "Goods [unit] and M that the post itself owns and trades with; none: it has none.",
                optional=True,
            ),
            *COMMON,
        ),
        module="ecs_market.mechanisms.posted_price",
        check=check_posted,
    ),
    Entry(
        "mechanism",
        "continuous_double_auction",
        "2025.10.29",
        "An order book with price-time priority; one agent at a time hands in one order.",
        (),
        (
            Parameter(
                "behaviour",
                "choice",
                "How agents set their limits: truthful (marginal rates), zi_c and zi_u (drawn, "
                "with and without the budget constraint), zip (learned margins).",
                "truthful",
                choices=("truthful", "zi_c", "zi_u", "zip"),
            ),
            Parameter(
                "activations",
                "integer",
                "Orders handed in at a clearing; none: one for each member.",
                None,
                minimum=1,
                optional=True,
            ),
            ORDER_SIZE,
            Parameter(
                "order_type",
                "mix",
                "Type of the orders that agents hand in, or the weight of each type, by which it "
                "is drawn.",
                "limit",
                minimum=0.0,
                maximum=1e9,
                choices=("limit", "market", "immediate_or_cancel", "fill_or_kill", "stop"),
            ),
            Parameter(
                "lifetime",
                "integer",
                "Ticks for which an order rests in the book; none: until its agent leaves.",
                None,
                minimum=1,
                optional=True,
            ),
            *PRICE_RANGE,
            INITIAL_PRICE,
            *COMMON,
        ),
        module="ecs_market.mechanisms.double_auction",
        modes=PAID_IN_MONEY,
        check=check_orders,
    ),
    Entry(
        "mechanism",
        "call_auction",
        "2025.10.29",
        "Collects orders and clears them at one price of maximum volume.",
        (),
        (
            Parameter(
                "k",
                "number",
                "Where between the lowest and the highest clearing price the price lies.",
                0.5,
                minimum=0.0,
                maximum=1.0,
            ),
            Parameter("interval", "integer", "Ticks between two batches.", 1, minimum=1),
            Parameter(
                "mcafee",
                "flag",
                "Whether McAfee's rule gives up the least valuable trade to be truthful.",
                False,
            ),
            ORDER_SIZE,
            Parameter(
                "behaviour",
                "choice",
                "How agents set their limits: truthful (marginal rates), zi_c and zi_u (drawn, "
                "with and without the budget constraint).",
                "truthful",
                choices=("truthful", "zi_c", "zi_u"),
            ),
            *PRICE_RANGE,
            INITIAL_PRICE,
            *COMMON,
        ),
        module="ecs_market.mechanisms.call_auction",
        modes=PAID_IN_MONEY,
        check=check_orders,
    ),
)
