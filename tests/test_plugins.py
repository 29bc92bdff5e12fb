"""A package with a mechanism and a family is installed and run; broken ones are named."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ecs_market import __version__

ROOT = Path(__file__).resolve().parent.parent
EXAMPLE = ROOT / "tests" / "plugin_example"

ECONOMY = """
grid: {width: 6, height: 6}
market_posts:
  - location: [1, 1]
    mechanism: fixed_price
    mechanism_params: {price: {A: 1.5, B: 1}}
    visibility_radius: 3
    broadcast_radius: 3
  - {location: [4, 4], mechanism: walrasian}
params: {vision_radius: 6, move_budget_per_tick: 2}
agents:
  count: 24
  inventories: {A: [0, 20], B: [0, 20], M: 100}
  utilities:
    - {type: cara, weights: [{distribution: uniform, low: 1, high: 4}, 2], rate: 0.2, count: 16}
    - {type: linear, weights: [1.4, 1.1], count: 8}
ticks: 12
"""

RUN = """
import json, sys
import numpy as np
from ecs_market import Simulation
from ecs_market.scenario import loads
found = {}
for threads in (1, 2):
    with Simulation(loads(sys.stdin.read() if threads == 1 else text), threads=threads) as sim:
        text = __import__("yaml").safe_dump(sim.scenario.to_dict())
        sim.run(6)
        sim.add_market_post(location=[0, 5], mechanism="fixed_price", mechanism_params={"price": 2})
        sim.run(6)
        found[f"hash {threads}"] = sim.state_hash()
        ledger = sim.ledger()
        found["kept"] = all(each["initial"] == each["current"] for each in ledger.values())
        query = "SELECT mechanism_type, count(*) FROM trades JOIN market_posts USING (market_id)" \\
            " GROUP BY mechanism_type"
        found["trades"] = dict(sim.telemetry.query(query))
        found["prices"] = sim.markets[0].current_prices
        found["version"] = sim.telemetry.query("SELECT version FROM runs")[0][0]
        found["view"] = sim.view(3)
json.dump(found, sys.stdout, default=str)
"""


def python(
    code: str, *places: Path, text: str = "", arguments: tuple[str, ...] = (), **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run Python in a process of its own that finds packages at some places."""
    path = os.pathsep.join(map(str, [*places, ROOT]))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code, *arguments],
        input=text,
        env={**os.environ, "PYTHONPATH": path, **variables},
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def distribution(
    folder: Path, name: str, group: str, declared: str, code: str = "", version: str = "1.0"
) -> Path:
    """Lay out an installed package whose one entry point is `thing` of its module."""
    module = name.replace("-", "_")
    info = folder / f"{module}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text(f"[{group}]\nthing = {module}:ENTRY\n")
    (folder / f"{module}.py").write_text(declared)
    (folder / f"{module}_code.py").write_text(code)
    return folder


def family(name: str, module: str, more: str = "") -> str:
    return (
        "from ecs_market.registry import Entry, Parameter\n"
        f"ENTRY = Entry('family', {name!r}, '1', 'Test.', module={module!r}{more})\n"
    )


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example the way anybody would, offline."""
    if not all(importlib.util.find_spec(name) for name in ("pip", "setuptools")):
        pytest.skip("needs pip and setuptools")
    source = tmp_path_factory.mktemp("source") / "example"
    shutil.copytree(EXAMPLE, source)
    target = tmp_path_factory.mktemp("target")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--target"]
    command = [sys.executable, "-m", "pip", "install", *options, str(target), str(source)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    return target


@pytest.fixture(scope="module")
def outcome(installed: Path) -> dict[str, Any]:
    done = python(RUN, installed, text=ECONOMY)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_it_runs_exactly_and_reproducibly(outcome: dict[str, Any], installed: Path) -> None:
    assert outcome["kept"]
    assert outcome["hash 1"] == outcome["hash 2"]
    assert outcome["trades"]["fixed_price"] > 0
    assert outcome["trades"]["walrasian_auctioneer"] > 0
    assert outcome["prices"] == {"A": 1.5, "B": 1.0, "M": 1.0}
    assert "exponential" in str(outcome["view"])
    assert outcome["version"] == f"{__version__} + market-example 1.0"
    plain = python(RUN, installed, text=ECONOMY, NUMBA_DISABLE_JIT="1")
    assert json.loads(plain.stdout)["hash 1"] == outcome["hash 1"]


def test_clear_takes_it(installed: Path) -> None:
    code = """
from ecs_market import clear
group = {"name": "x", "count": 2, "inventories": {"A": {"values": [0, 10]}, "M": 50},
    "utilities": [{"type": "exponential", "weights": [3], "rate": 0.5}]}
result = clear([group], mechanism="fixed_price", mechanism_params={"price": 1.5})
print(result.prices["A"], result.status, result.volume["A"], result.goods[:, 0])
result = clear([group], mechanism="walrasian")
print(abs(result.goods[0, 0] - 5) < 0.01, abs(result.prices["A"] - 3 * 2.718281828 ** -2.5) < 1e-3)
"""
    done = python(code, installed, NUMBA_DISABLE_JIT="1")
    # Both want ln(3 / 1.5) / 0.5 = 1.386 units; the one who has 10 can only sell that much.
    assert done.stdout.splitlines() == ["1.5 rationed 1.386 [1.386 8.614]", "True True"], done


def test_it_is_listed_and_in_the_schema(installed: Path) -> None:
    command = "import sys; from ecs_market.cli import main; sys.exit(main(sys.argv[1:]))"
    done = python(command, installed, arguments=("info",))
    assert "family exponential 1.0 (market-example 1.0)" in done.stdout
    assert "mechanism fixed_price 1.0 (market-example 1.0)" in done.stdout
    facts = json.loads(python(command, installed, arguments=("info", "--json")).stdout)
    assert facts["plug_ins"] == [
        "mechanism fixed_price 1.0 (market-example 1.0)",
        "family exponential 1.0 (market-example 1.0)",
    ]
    schema = python(command, installed, arguments=("schema",)).stdout
    assert '"fixed_price"' in schema
    assert '"cara"' in schema
    assert '"fixed_price"' not in python(command, arguments=("schema",)).stdout


def test_faults_are_told_as_for_the_engines_own(installed: Path) -> None:
    code = """
import sys
from ecs_market import ScenarioError
from ecs_market.scenario import loads
try:
    loads(sys.stdin.read(), "x.yaml")
except ScenarioError as error:
    print(error)
"""
    text = ECONOMY.replace("rate: 0.2", "rate: 0").replace("{A: 1.5, B: 1}", "none, pice: 1")
    found = python(code, installed, text=text).stdout
    assert "x.yaml:15:82: agents.utilities[0].rate: must be above 0, got 0" in found
    assert "unknown fixed_price key 'pice'; did you mean 'price'?" in found
    text = ECONOMY + "money: {mode: unit_of_account}\n"
    assert "fixed_price can't be used in money mode unit_of_account" in (
        python(code, installed, text=text).stdout
    )


def test_its_kernels_are_cached_and_never_stale(installed: Path, tmp_path: Path) -> None:
    place, cache = tmp_path / "site", tmp_path / "cache"
    shutil.copytree(installed, place)
    code = """
import numpy as np
from ecs_market.kernels.jit import compiled_kernels
from market_example import exponential
from ecs_market.preferences import families
family = families.by_name("exponential")
assert family is exponential
loops = families.loops(32)
goods, row = np.ones(2), np.array([1.0, 2.0, 0.5])
dispatch = families.dispatch((32,))
value = dispatch.utility(32, goods, row, 1e-4)
mine = [k for k in compiled_kernels() if "exponential" in k.name]
print(repr(float(value)), sum(k.loaded for k in mine), sum(k.compiled for k in mine))
"""

    def run() -> list[str]:
        done = python(code, place, NUMBA_CACHE_DIR=str(cache))
        assert done.returncode == 0, done.stderr
        return done.stdout.split()

    first, second = run(), run()
    assert first[0] == second[0]
    assert int(first[2]) > 0
    assert int(second[1]) > 0
    assert second[2] == "0"
    file = place / "market_example" / "exponential.py"
    file.write_text(file.read_text().replace("/ parameters[n]\n", "/ parameters[n] + 1.0\n"))
    third = run()
    assert float(third[0]) == pytest.approx(float(first[0]) + 2.0)
    assert int(third[2]) > 0


GOOD_CODE = """
NAME, CODE, KINKED = {name!r}, {code}, False
def nothing(*parts): return 0
width = pack = utility = marginal = hessian = demand = indifference_price = nothing
"""
TRY = """
import sys
from ecs_market import InputError, ScenarioError
from ecs_market.scenario import loads
text = '''
grid: {width: 1, height: 1}
agents: {count: 1, inventories: {A: 1}, utilities: [{type: %s}]}
'''
try:
    loads(text % sys.argv[1])
    from ecs_market.preferences import families
    families.by_name(sys.argv[1])
except InputError as error:
    print(("scenario: " if isinstance(error, ScenarioError) else "") + str(error))
"""


@pytest.mark.parametrize(
    ("group", "declared", "code", "told"),
    [
        (
            "preferences",
            "import nothing_of_the_kind",
            "",
            "(ecs_market.preferences) of odd-one 1.0 can't be loaded: ModuleNotFoundError: No",
        ),
        ("preferences", "1 / 0", "", "can't be loaded: ZeroDivisionError"),
        ("preferences", "ENTRY = 5", "", "odd_one:ENTRY is not an Entry but int"),
        ("mechanisms", family("odd", "odd_one_code"), "", "declares a family, but the group is"),
        ("preferences", family("odd", ""), "", "odd-one 1.0: its Entry names no module"),
        ("preferences", family("Odd!", "x"), "", "its name 'Odd!' must be small letters"),
        (
            "preferences",
            family("linear", "odd_one_code"),
            "",
            "family 'linear' of odd-one 1.0: the name is taken by the engine itself",
        ),
        (
            "preferences",
            family("odd", "odd_one_code", ", aliases=('cobb_douglas',)"),
            "",
            "family 'cobb_douglas' of odd-one 1.0: the name is taken by the engine itself",
        ),
        ("preferences", family("odd", "odd_one_code"), "1 / 0", "odd_one_code can't be imported"),
        ("preferences", family("odd", "odd_one_code"), "NAME = 'odd'", "odd_one_code lacks CODE, "),
        (
            "preferences",
            family("odd", "odd_one_code"),
            GOOD_CODE.format(name="even", code=40),
            "family 'odd' of odd-one 1.0: odd_one_code has the NAME 'even'",
        ),
        (
            "preferences",
            family("odd", "odd_one_code"),
            GOOD_CODE.format(name="odd", code=3),
            "family 'odd' of odd-one 1.0: CODE must be 32 to 99, not 3",
        ),
        ("preferences", family("odd", "odd_one_code"), GOOD_CODE.format(name="odd", code=99), ""),
    ],
)
def test_a_broken_plug_in_is_named(
    group: str, declared: str, code: str, told: str, tmp_path: Path
) -> None:
    place = distribution(tmp_path, "odd-one", f"ecs_market.{group}", declared, code)
    done = python(TRY, place, arguments=("odd",), NUMBA_DISABLE_JIT="1")
    assert done.stderr == ""
    assert told in done.stdout if told else done.stdout == ""
    assert "scenario: " not in done.stdout


def test_two_plug_ins_can_not_share_a_name_or_a_code(tmp_path: Path) -> None:
    group = "ecs_market.preferences"
    for name, code in (("one", 50), ("two", 50)):
        distribution(
            tmp_path,
            name,
            group,
            family(name, f"{name}_code"),
            GOOD_CODE.format(name=name, code=code),
        )
    done = python(TRY, tmp_path, arguments=("two",), NUMBA_DISABLE_JIT="1")
    assert done.stdout.strip() == (
        "family 'two' of two 1.0: the CODE 50 is taken by family 'one' of one 1.0"
    )
    distribution(tmp_path, "three", group, family("one", "one_code"))
    done = python(TRY, tmp_path, arguments=("two",), NUMBA_DISABLE_JIT="1")
    assert done.stdout.strip() == "family 'one' of three 1.0: the name is taken by one 1.0"


def test_a_broken_plug_in_does_not_hide_the_rest_of_info(tmp_path: Path) -> None:
    place = distribution(tmp_path, "odd-one", "ecs_market.mechanisms", "1 / 0")
    command = "import sys; from ecs_market.cli import main; sys.exit(main(sys.argv[1:]))"
    done = python(command, place, arguments=("info",))
    assert done.returncode == 0, done.stderr
    assert "odd-one 1.0 can't be loaded" in done.stdout
    done = python(command, place, arguments=("validate", "bilateral_only"))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "odd-one 1.0 can't be loaded" in done.stderr
