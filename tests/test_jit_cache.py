"""The compiled-code cache: never stale, never mixed up, never in the way."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from ecs_market.kernels import cache, jit

ROOT = Path(__file__).resolve().parent.parent

HELPER = """
from ecs_market.kernels.jit import kernel
@kernel
def scale(x):
    return x * 2
"""

MODULE = """
import json, sys
import helper
from ecs_market.kernels.jit import cache_folder, compiled_kernels, kernel, specialise
@kernel
def total(x):
    return helper.scale(x) + 1
@kernel
def double(x):
    return 2 * x
@kernel
def triple(x):
    return 3 * x
def template(x):
    return change(x) + START
a = specialise(template, "template_a", change=double, START=100)
b = specialise(template, "template_b", change=triple, START=200)
def report(**values):
    folder = cache_folder()
    found = {k.name.split(".")[-1]: [k.loaded, k.compiled] for k in compiled_kernels()}
    print(json.dumps({**values, "folder": folder and str(folder), "kernels": found}))
"""

CALL = "from work import *; report(total=total(5), a=a(1), b=b(1))"


def run(folder: Path, code: str = CALL, **env: str) -> dict[str, Any]:
    """Run code in a fresh process beside the modules in `folder`."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("NUMBA_", "XDG_", "PYTHON"))}
    kept |= {"PYTHONPATH": f"{ROOT}{os.pathsep}{folder}", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=kept | env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result


@pytest.fixture
def work(tmp_path: Path) -> Path:
    (tmp_path / "helper.py").write_text(HELPER)
    (tmp_path / "work.py").write_text(MODULE)
    return tmp_path


def test_a_second_process_loads_and_specialisations_stay_apart(work: Path) -> None:
    place = str(work / "numba")
    first = run(work, NUMBA_CACHE_DIR=place)
    second = run(work, NUMBA_CACHE_DIR=place)
    for result in (first, second):
        assert (result["total"], result["a"], result["b"]) == (11, 102, 203)
    assert first["kernels"]["template_a"] == [0, 1]
    assert second["kernels"]["template_a"] == [1, 0]
    assert second["kernels"]["template_b"] == [1, 0]
    folder = Path(second["folder"])
    assert folder == Path(place) / f"ecs_market-{folder.name.removeprefix('ecs_market-')}"
    if os.name == "posix":
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    # Nothing else was put there, so numba's own cache was not switched on for anyone.
    assert [p.name for p in Path(place).iterdir()] == [folder.name]


def test_an_edited_helper_never_runs_stale(work: Path) -> None:
    place = str(work / "numba")
    assert run(work, NUMBA_CACHE_DIR=place)["total"] == 11
    (work / "helper.py").write_text(HELPER.replace("* 2", "* 3"))
    assert run(work, NUMBA_CACHE_DIR=place)["total"] == 16


def test_damaged_entries_are_compiled_again_and_repaired(work: Path) -> None:
    place = str(work / "numba")
    folder = Path(run(work, NUMBA_CACHE_DIR=place)["folder"])
    entries = sorted(folder.glob("*.kernel"))
    assert entries
    for number, entry in enumerate(entries):
        good = entry.read_bytes()
        middle = len(good) // 2
        flipped = good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]
        entry.write_bytes((good[:middle], b"", b"garbage" * 99, flipped)[number % 4])
    again = run(work, NUMBA_CACHE_DIR=place)
    assert (again["total"], again["a"], again["b"]) == (11, 102, 203)
    assert again["kernels"]["total"] == [0, 1]
    assert run(work, NUMBA_CACHE_DIR=place)["kernels"]["total"] == [1, 0]


def test_works_without_a_usable_folder(work: Path) -> None:
    (work / "file").write_text("in the way")
    result = run(work, XDG_CACHE_HOME=str(work / "file"), LOCALAPPDATA=str(work / "file"))
    if sys.platform != "darwin":
        assert result["folder"] is None
    assert (result["total"], result["a"], result["b"]) == (11, 102, 203)


def test_without_compilation_the_plain_functions_run(work: Path) -> None:
    result = run(work, NUMBA_DISABLE_JIT="1", NUMBA_CACHE_DIR=str(work / "numba"))
    assert (result["total"], result["a"], result["b"], result["kernels"]) == (11, 102, 203, {})


def test_the_host_keeps_its_own_cache(work: Path) -> None:
    (work / "host.py").write_text(
        textwrap.dedent(
            """
            import json, numba
            import work
            @numba.njit
            def plain(x):
                return x + 1
            print(json.dumps({"found": [plain(1), type(plain._cache).__name__, work.total(5)]}))
            """
        )
    )
    result = run(work, "import host", NUMBA_CACHE_DIR=str(work / "n"))
    assert result["found"] == [2, "NullCache", 11]


def test_the_key_covers_every_kernel_source(tmp_path: Path) -> None:
    for name in ("kernels", "preferences", "mechanisms"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "one.py").write_text("x = 1\n")
    keys = {cache.source_key(tmp_path)}
    assert keys == {cache.source_key(tmp_path)}
    for name in ("kernels", "preferences", "mechanisms"):
        (tmp_path / name / "one.py").write_text("x = 2\n")
        keys.add(cache.source_key(tmp_path))
    (tmp_path / "kernels" / "one.py").rename(tmp_path / "kernels" / "two.py")
    keys.add(cache.source_key(tmp_path))
    assert len(keys) == 5


@pytest.mark.skipif(os.name != "posix", reason="mode bits mean nothing here")
def test_a_folder_others_can_write_to_is_not_trusted(tmp_path: Path) -> None:
    good, bad, link = tmp_path / "good", tmp_path / "bad", tmp_path / "link"
    assert cache._private(good)
    assert stat.S_IMODE(good.stat().st_mode) == 0o700
    bad.mkdir()
    bad.chmod(0o777)
    assert not cache._private(bad)
    link.symlink_to(good)
    assert not cache._private(link)


@pytest.mark.skipif(os.name != "posix", reason="there are no user numbers here")
def test_a_folder_of_another_user_is_not_trusted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    assert not cache._private(tmp_path)


def test_clear_deletes_every_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache._config, "CACHE_DIR", str(tmp_path))
    cache.cache_folder.cache_clear()
    try:
        folder = jit.cache_folder()
        assert folder is not None
        assert folder.parent == tmp_path
        (folder / "a.kernel").write_bytes(b"")
        old = tmp_path / ("ecs_market-" + "0" * 24)
        old.mkdir()
        (old / "b.kernel").write_bytes(b"")
        (tmp_path / "theirs").mkdir()
        assert jit.clear_cache() == 2
        assert [p.name for p in tmp_path.iterdir()] == ["theirs"]
    finally:
        cache.cache_folder.cache_clear()


def template(x: int) -> int:
    return x


def test_specialise_is_memoised_and_refuses_a_name_with_other_bindings() -> None:
    first = jit.specialise(template, "template_here", size=float("2.5"))
    assert jit.specialise(template, "template_here", size=float("2.5")) is first
    assert first(4) == 4
    with pytest.raises(ValueError, match="template_here"):
        jit.specialise(template, "template_here", size=4)
    with pytest.raises(TypeError, match="plain function"):
        jit.specialise(max, "nothing")


def test_finished_code_is_loaded_without_numbas_library(work: Path) -> None:
    """What refers to the runtime alone needs no more; scipy, say, is not imported for it."""
    place = str(work / "numba")
    code = (
        "import sys; from work import *;"
        "report(total=total(5), library='numba.np.linalg' in sys.modules)"
    )
    assert run(work, code, NUMBA_CACHE_DIR=place)["library"] is True
    second = run(work, code, NUMBA_CACHE_DIR=place)
    assert (second["library"], second["total"]) == (False, 11)
    assert second["kernels"]["total"] == [1, 0]


def test_code_that_needs_numbas_library_gets_it(work: Path) -> None:
    """A hash of a string refers to a secret that numba's library provides."""
    (work / "word.py").write_text(
        "from ecs_market.kernels.jit import kernel\n"
        "@kernel\n"
        "def same(x):\n"
        "    return {'a': 1, 'b': x}['b']\n"
    )
    place = str(work / "numba")
    code = "from work import *; import word; report(value=word.same(7))"
    for loaded in (0, 1):
        result = run(work, code, NUMBA_CACHE_DIR=place)
        assert result["value"] == 7
        assert result["kernels"]["same"] == [loaded, 1 - loaded]


INNER = """
import json, gc
from ecs_market.kernels.jit import borrowing, compiled_kernels, helper, kernel
import numpy as np
@borrowing
def first(x):
    return x[0] + 1.0
@helper
def room(n):
    return np.full(n, 2.0)
@helper
def checked(x):
    if x.shape[0] == 0:
        raise ValueError("empty")
    return room(3)[0] + first(x)
@kernel
def outer(x):
    return checked(x)
@kernel
def another(x):
    return checked(x) + first(x)
def report(**values):
    found = {k.name.split(".")[-1]: [k.loaded, k.compiled] for k in compiled_kernels()}
    print(json.dumps({**values, "kernels": found, "collects": gc.isenabled()}))
"""


def test_functions_that_are_only_linked_to_are_kept_and_loaded(work: Path) -> None:
    (work / "inner.py").write_text(INNER)
    place = str(work / "numba")
    code = "from inner import *; x = np.array([5.0]); report(value={}(x))"
    first = run(work, code.format("outer"), NUMBA_CACHE_DIR=place)
    assert first["value"] == 8.0
    assert first["kernels"] == {name: [0, 1] for name in ("first", "room", "checked", "outer")}
    # A kernel that was not there before links to the code of functions that were.
    second = run(work, code.format("another"), NUMBA_CACHE_DIR=place)
    assert second["value"] == 14.0
    assert second["kernels"] == {"first": [1, 0], "checked": [1, 0], "another": [0, 1]}
    # Called from Python they get a kernel around them.
    third = run(work, code.format("checked"), NUMBA_CACHE_DIR=place)
    assert (third["value"], third["kernels"]) == (8.0, {"checked": [1, 0]})
    assert first["collects"]
    assert second["collects"]


def test_a_loaded_function_that_is_linked_to_raises_its_error(work: Path) -> None:
    (work / "inner.py").write_text(INNER)
    place = str(work / "numba")
    code = """
from inner import *
try:
    another(np.empty(0))
except ValueError as error:
    report(error=str(error))
"""
    for _ in range(2):
        assert run(work, code, NUMBA_CACHE_DIR=place)["error"] == "empty"
    gone = next((work / "numba").rglob("inner.another*.kernel"))
    gone.unlink()
    assert run(work, code, NUMBA_CACHE_DIR=place)["error"] == "empty"


def test_compiling_leaves_a_collector_that_was_off_alone(work: Path) -> None:
    code = "import gc; gc.disable(); from work import *; total(5); report(on=gc.isenabled())"
    assert run(work, code, NUMBA_CACHE_DIR=str(work / "numba"))["on"] is False
