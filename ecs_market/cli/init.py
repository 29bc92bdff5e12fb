"""`ecs-market init`: a scenario to start from, and the schema for the editor beside it."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path

from ecs_market.errors import InputError

SCHEMA_NAME = "ecs_market.schema.json"

# A line that starts with "# key:" says a default or an alternative; a test removes the signs.
TEMPLATE = """\
# yaml-language-server: $schema={schema}
#
## A scenario of ecs_market. It runs as it stands:
##
##   ecs-market validate {file}
##   ecs-market run {file}
##
## Lines with a single sign in front are settings with their defaults: take the sign away and change
## the value. Quantities of goods are in units, money in M, prices in M for one unit, distances in
## cells, times in ticks.

name: "{name}"
description: "Forty agents, one market, and some fruit on the ground"

ticks: 100        # length of a run; --ticks on the command line wins
seed: 1           # --seed wins

grid:
  width: 30
  height: 30
  # torus: false            # whether opposite edges meet

## A lot is the smallest quantity, a price step the smallest difference of prices.
# units: {{lot: 0.001, price_step: 0.0001}}

## quasilinear: utility is U(goods) + money_weight x M. in_utility: M is one more good of U.
## unit_of_account: no money moves, goods pay for goods.
# money: {{mode: quasilinear}}

## The order of goods, for lists with one number a good.
goods: [A, B]

params:
  exchange_regime: mixed_bilateral_centralized    # or bilateral, centralized
  centralized_weight: 0.5     # how often a market wins over a partner, against bilateral_weight
  bilateral_weight: 0.5
  vision_radius: 8            # how far an agent sees others and patches
  move_budget_per_tick: 2
  # interaction_radius: 1     # how far two agents trade
  # beta: 0.95                # discount of a value for each cell of way
  # forage_rate: 1            # harvest a tick
  # min_value: 0.01           # what is worth less [M] counts as nothing
  # patience_ticks: 10        # ticks within reach without a trade before giving up
  # trade_cooldown_ticks: 10  # for how long what was given up is barred
  # reorder_every: 50         # ticks after which rows are sorted by place; results stay the same
  # idle: random_walk         # without a target: or home, stay
  # mode: both                # what agents look for: or trade, forage

## How far agents trust prices that they heard some time ago.
# price_info: {{age: exponential, half_life: 50, expire_after: 200, floor: 0.5, sigma: 0.2}}
# market_memory: {{slots: 0}}     # posts whose prices an agent keeps in mind
# market_choice: score          # or {{type: softmax, temperature: 1}}
# reputation: none              # or {{type: ema, weight: 0.2}}

protocols:
  search: market_aware_search
  matching: three_pass
  bargaining: compensating_block

populations:
  - name: farmers
    count: 20
    inventories:
      A: [10, 20]             # drawn evenly among whole units, both ends possible
      B: 2
      M: 100
    utilities:
      - type: cobb_douglas
        exponents: [0.6, 0.4]
        # money_weight: 1     # utility of one M
    ## Without `components` all of Mobility, BilateralTrader and Forager.
    # initial_positions: {{distribution: uniform}}

  - name: weavers
    count: 20
    inventories: {{A: 2, B: [10, 20], M: [80, 120]}}
    utilities:
      ## Two kinds of weavers; a number may also be drawn for each agent.
      - type: linear
        weights: [0.7, {{distribution: uniform, low: 0.2, high: 0.5}}]
        share: 0.5
      - type: cobb_douglas
        exponents: [0.6, 0.4]
        share: 0.5

market_posts:
  - location: [15, 15]
    visibility_radius: 12
    interaction_radius: 3
    broadcast_radius: 15
    mechanism: walrasian      # or posted_price, continuous_double_auction, call_auction
    mechanism_params:
      price_tolerance: 0.000001
      # clear_every: 1        # ticks between two clearings
      # fees: none            # or {{type: ad_valorem, rate: 0.01}}
    # commodities: [A, B, M]

resources:
  spawn_rate: 0.05            # chance that a cell holds a patch at the start
  types:
    - {{good: A, quantity: [1, 3]}}
    - {{good: B, quantity: [1, 3]}}
  regrowth: {{rate: 0.1, cooldown: 5}}
"""


def init(options: Namespace) -> int:
    """Write a scenario and, beside it, the JSON Schema that its first line names.

    Raises
    ------
    InputError
        A file is there already, or can't be written; nothing has been changed.
    """
    from ecs_market.scenario import scenario_schema

    path = Path(options.file)
    schema = path.with_name(SCHEMA_NAME)
    known = json.dumps(scenario_schema(), indent=2) + "\n"
    text = TEMPLATE.format(schema=SCHEMA_NAME, file=path.name, name=_title(path))
    try:
        if path.exists():
            raise InputError(f"{path} exists already; name a new file")
        write = not schema.exists()
        if not write and schema.read_text(encoding="utf-8") != known:
            raise InputError(
                f"{schema} is of another version; write the new one by "
                f"`ecs-market schema > {schema}` and try again"
            )
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
        if write:
            schema.write_text(known, encoding="utf-8")
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InputError(f"{path}: can't be written: {reason}") from error
    print(f"wrote {path}" + (f" and {schema}" if write else ""))
    print(f"try: ecs-market run {path}")
    return 0


def _title(path: Path) -> str:
    """Return a name for the scenario that YAML reads as text whatever the file is called."""
    kept = "".join(each if each.isprintable() and each not in '"\\' else "_" for each in path.stem)
    return kept[:200] or "scenario"
