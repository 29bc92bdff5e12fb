"""Set up, run and test ecs_market with nothing but Python.

    python3 dev.py run [arguments of `ecs-market run`]
    python3 dev.py test [--fast | --slow | arguments of pytest]
    python3 dev.py bench
    python3 dev.py clean

The virtual environment is `.venv-dev` beside this file. It holds the versions pinned in
constraints.txt and is made anew when those, pyproject.toml or the Python running this file change.
"""

import sys

# Parsed by older Pythons too, so that they get this sentence instead of a syntax error.
if not (3, 11) <= sys.version_info[:2] < (3, 15) or sys.implementation.name != "cpython":
    sys.exit(
        "dev.py: this is {} {}.{}, ecs_market needs CPython 3.11 to 3.14; "
        "start it with one of those, as in: python3.13 dev.py run".format(
            sys.implementation.name, *sys.version_info[:2]
        )
    )

import argparse
import contextlib
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TypeAlias

Word: TypeAlias = str | Path

ROOT = Path(__file__).resolve().parent
ENVIRONMENT = ROOT / ".venv-dev"
MARKER = ENVIRONMENT / "made-by-dev.json"
CONSTRAINTS = ROOT / "constraints.txt"
MAPPED = ("components", "scenarios", "systems")
FAST = "not slow"
# What a user may have set for other work and what would lead installs or imports astray here.
DROPPED = (
    "NUMBA_DISABLE_JIT",
    "PIP_PREFIX",
    "PIP_REQUIRE_VIRTUALENV",
    "PIP_TARGET",
    "PIP_USER",
    "PYTHONHOME",
    "PYTHONPATH",
    "VIRTUAL_ENV",
)


class DevError(Exception):
    """Something went wrong that the reader can act on; the message says what."""


def say(message: str) -> None:
    """Print a progress line where it does not mix with results."""
    print(f"dev.py: {message}", file=sys.stderr, flush=True)


def clean_environ(**extra: str) -> dict[str, str]:
    """Return the environment variables for a child process."""
    kept = {name: value for name, value in os.environ.items() if name not in DROPPED}
    return {**kept, **extra}


def call(
    command: Sequence[Word], cwd: Path | None = None, environ: dict[str, str] | None = None
) -> int:
    """Run a command with this terminal and return its exit status as a shell reports it."""
    with subprocess.Popen(command, cwd=cwd, env=environ or clean_environ()) as process:
        while True:
            try:
                status = process.wait()
                return status if status >= 0 else 128 - status
            except KeyboardInterrupt:
                continue  # the child got it too and says how it ends


def quietly(command: Sequence[Word], cwd: Path | None = None) -> str:
    """Run a command and return what it printed; raise `DevError` with all of it if it fails."""
    done = subprocess.run(
        command,
        cwd=cwd,
        env=clean_environ(PYTHONIOENCODING="utf-8"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        check=False,
    )
    if done.returncode:
        shown = " ".join(str(part) for part in command)
        raise DevError(f"{done.stdout.rstrip()}\n`{shown}` ended with {done.returncode}")
    return done.stdout


# --- the virtual environment ----------------------------------------------------------------


def program(environment: Path, name: str) -> Path:
    """Return where a virtual environment keeps a program."""
    if os.name == "nt":
        return environment / "Scripts" / f"{name}.exe"
    return environment / "bin" / name


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Keep two runs of this file from building the environment at once."""
    with Path(__file__).open("rb") as lock:
        if sys.platform == "win32":
            import msvcrt

            os.lseek(lock.fileno(), 2**30, os.SEEK_SET)  # beyond the end: the text stays readable
            while True:
                try:
                    msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
                    break
                except OSError:  # given up after ten seconds; the other one needs longer
                    continue
        else:
            import fcntl

            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def fingerprint() -> str:
    """Return what the environment depends on, as one short text."""
    digest = hashlib.sha256()
    for file in (CONSTRAINTS, ROOT / "pyproject.toml"):
        digest.update(file.read_bytes())
    for part in (sys.version, sys.base_prefix, platform.machine(), str(ROOT)):
        digest.update(f"\0{part}".encode())
    return digest.hexdigest()[:32]


def installed() -> list[str]:
    """Return the extras that the environment holds; [] if it has to be made."""
    try:
        marker = json.loads(MARKER.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return []
    usable = marker.get("fingerprint") == fingerprint() and program(ENVIRONMENT, "python").exists()
    return list(marker["extras"]) if usable else []


def write_marker(extras: Sequence[str]) -> None:
    """Record whose the environment is and what it holds."""
    record = {"fingerprint": fingerprint(), "extras": list(extras)}
    MARKER.write_text(json.dumps(record), encoding="utf-8")


def remove_environment() -> None:
    """Delete the environment, if it is one that this file made."""
    if not os.path.lexists(ENVIRONMENT):
        return
    if ENVIRONMENT.is_symlink() or not MARKER.is_file():
        raise DevError(f"{ENVIRONMENT} was not made by dev.py; move it away and start again")
    shutil.rmtree(ENVIRONMENT)


def create_environment(folder: Path) -> None:
    """Make an empty virtual environment with pip."""
    base = getattr(sys, "_base_executable", sys.executable)
    quietly([base, "-m", "venv", folder])


def pip(environment: Path, *arguments: str | Path) -> None:
    """Install into an environment, with the pinned versions."""
    python = program(environment, "python")
    options = ["--quiet", "--no-input", "--disable-pip-version-check", "--no-warn-script-location"]
    quietly([python, "-m", "pip", "install", *options, "-c", CONSTRAINTS, *arguments])


def prepare(extra: str) -> Path:
    """Return the environment's Python; make the environment or add to it where needed.

    Parameters
    ----------
    extra : str
        "run" for what the package itself needs, "dev" for the tools of `test` as well.
    """
    if extra in installed():
        return program(ENVIRONMENT, "python")
    with alone():
        present = installed()  # again: another dev.py may just have made it
        if not present:
            remove_environment()
            say(f"making {ENVIRONMENT.name} with Python {platform.python_version()}")
            ENVIRONMENT.mkdir()
            write_marker([])
            create_environment(ENVIRONMENT)
        if extra not in present:
            say("installing the pinned packages (the first time takes a minute or so)")
            wanted = str(ROOT) if extra == "run" else f"{ROOT}[{extra}]"
            pip(ENVIRONMENT, "setuptools")
            pip(ENVIRONMENT, "--no-build-isolation", "--editable", wanted)
            write_marker(sorted({*present, "run", extra}))
    return program(ENVIRONMENT, "python")


# --- packaging ------------------------------------------------------------------------------


def copy_checkout(target: Path) -> None:
    """Copy what belongs to the project, without caches, builds and results."""
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info", "*.pyc", ".*cache", ".coverage*")
    top = {".git", ".hypothesis", "build", "dist", "runs"}

    def ignore(folder: str, names: list[str]) -> set[str]:
        ignored = set(leave(folder, names))
        if Path(folder) == ROOT:
            ignored |= {name for name in names if name in top or name.startswith(".venv")}
        return ignored

    shutil.copytree(ROOT, target, symlinks=True, ignore=ignore)


def build(python: Path, source: Path, kind: str, target: Path) -> Path:
    """Build a wheel or an sdist and return its file."""
    quietly([python, "-m", "build", "--no-isolation", f"--{kind}", "--outdir", target, source])
    (made,) = target.iterdir()
    return made


def contents(wheel: Path) -> dict[str, bytes]:
    """Return a wheel's files; raise `DevError` if one is in it twice."""
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        files = {name: archive.read(name) for name in names}
    bodies: dict[bytes, str] = {}
    for name in sorted(names):
        body = files[name]
        if names.count(name) > 1 or (body and body in bodies):
            raise DevError(f"{wheel.name} holds {name} twice (also as {bodies.get(body, name)})")
        bodies[body] = name
    return files


def expected_modules() -> set[str]:
    """Return the package's source files, as a wheel has to name them."""
    found = set()
    for folder in ("ecs_market", *MAPPED):
        inside = "" if folder == "ecs_market" else "ecs_market/"
        for directory, folders, names in os.walk(ROOT / folder):  # does not follow links
            folders[:] = [name for name in folders if name != "__pycache__"]
            relative = Path(directory).relative_to(ROOT).as_posix()
            found |= {
                f"{inside}{relative}/{name}"
                for name in names
                if name.endswith((".py", ".yaml", "py.typed")) or "assets" in Path(directory).parts
            }
    return found


def build_wheels(python: Path, work: Path) -> Path:
    """Build the wheel from the checkout and from the sdist; both must be equal and whole."""
    source = work / "checkout"
    copy_checkout(source)
    sdist = build(python, source, "sdist", work / "sdist")
    with tarfile.open(sdist) as archive:
        links = [member.name for member in archive if not (member.isfile() or member.isdir())]
        if links:
            raise DevError(f"{sdist.name} holds links: {', '.join(links)}")
        archive.extractall(work / "unpacked", filter="data")
    (unpacked,) = (work / "unpacked").iterdir()
    wheel = build(python, source, "wheel", work / "wheel")
    first, second = contents(wheel), contents(build(python, unpacked, "wheel", work / "second"))
    if first != second:
        differing = sorted(n for n in {*first, *second} if first.get(n) != second.get(n))
        raise DevError(f"the wheel from the sdist differs in: {', '.join(differing)}")
    packed = {name for name in first if ".dist-info/" not in name}
    if packed != expected_modules():
        differing = sorted(packed ^ expected_modules())
        raise DevError(f"the wheel and the checkout differ in: {', '.join(differing)}")
    return wheel


def check_packaging(python: Path) -> None:
    """Build, compare, install into a fresh environment and run from there, outside the checkout."""
    with tempfile.TemporaryDirectory(prefix="ecs-market-") as folder:
        work = Path(folder).resolve()
        wheel = build_wheels(python, work)
        fresh, elsewhere = work / "fresh", work / "elsewhere"
        create_environment(fresh)
        pip(fresh, wheel)
        elsewhere.mkdir()
        where = "import ecs_market.components as c; print(c.__file__)"
        place = quietly([program(fresh, "python"), "-c", where], cwd=elsewhere).strip()
        if not Path(place).resolve().is_relative_to(fresh):
            raise DevError(f"the installed package took its components from {place}")
        command: list[Word] = [program(fresh, "ecs-market"), "run", "--ticks", "20", "--json"]
        printed = quietly(command, cwd=elsewhere)
        written = list(elsewhere.glob("runs/*/summary.json"))
        if not written or json.loads(written[0].read_text("utf-8"))["ticks"] != 20:
            raise DevError(f"`ecs-market run` from the wheel went wrong: {printed}")


# --- the commands ---------------------------------------------------------------------------


def check_types(python: Path) -> None:
    """Run mypy, where links are missing on a copy that has folders in their place."""
    command: list[Word] = [python, "-m", "mypy", "--no-error-summary"]
    if all((ROOT / "ecs_market" / name).is_dir() for name in MAPPED):
        quietly(command, cwd=ROOT)
        return
    with tempfile.TemporaryDirectory(prefix="ecs-market-") as folder:
        staged = Path(folder) / "checkout"
        copy_checkout(staged)
        for name in MAPPED:
            (staged / "ecs_market" / name).unlink(missing_ok=True)
            shutil.copytree(staged / name, staged / "ecs_market" / name)
        quietly(command, cwd=staged)


def pytest(python: Path, *arguments: str, **extra: str) -> None:
    """Run pytest and show what it shows."""
    status = call([python, "-m", "pytest", *arguments], ROOT, clean_environ(**extra))
    if status:
        raise DevError(f"pytest ended with {status}")


def test(arguments: Sequence[str]) -> int:
    """Check everything, or hand the arguments on to pytest."""
    python = prepare("dev")
    if arguments and arguments[0] not in ("--fast", "--slow"):
        return call([python, "-m", "pytest", *arguments], ROOT)
    if len(arguments) > 1:
        raise DevError(f"{arguments[0]} stands alone; got {' '.join(arguments[1:])} as well")
    ruff: list[Word] = [python, "-m", "ruff"]
    steps: list[tuple[str, Callable[[], object]]] = [
        ("lint", lambda: quietly([*ruff, "check"], cwd=ROOT)),
        ("format", lambda: quietly([*ruff, "format", "--check"], cwd=ROOT)),
        ("types", lambda: check_types(python)),
    ]
    suite = ["-q", "-n", "auto", "--dist", "loadfile"]
    if not arguments or arguments[0] == "--slow":
        kernels = ["-q", "-m", f"kernel and {FAST}"]
        steps.append(("packaging", lambda: check_packaging(python)))
        steps.append(
            ("kernels uncompiled", lambda: pytest(python, *kernels, NUMBA_DISABLE_JIT="1"))
        )
    if not arguments or arguments[0] == "--fast":
        suite += ["-m", FAST]
    steps.append(("tests", lambda: pytest(python, *suite)))
    return run_steps(steps)


def run_steps(steps: Sequence[tuple[str, Callable[[], object]]]) -> int:
    """Run every step, even after one failed; return 1 if any did."""
    failed = []
    for name, step in steps:
        say(f"{name} ...")
        start = time.monotonic()
        try:
            step()
        except DevError as error:
            print(error, flush=True)
            failed.append(name)
        verdict = "FAILED" if name in failed else "ok"
        say(f"{name}: {verdict} ({time.monotonic() - start:.0f} s)")
    say(f"failed: {', '.join(failed)}" if failed else "all passed")
    return 1 if failed else 0


# What `bench` runs, short enough for two minutes; the programs say what else they can do.
BENCHMARKS = (
    ("search_and_move", "--agents 100000 --ticks 5"),
    ("mixed", "--agents 100000 --ticks 3"),
    ("clearing", "--traders 100000 --posts 1000 --sizes 600 --repeats 3"),
    ("bargaining", "--pairs 50000"),
    ("double_auction", "--orders 100000"),
)


def bench() -> int:
    """Run the benchmarks in their short form; return 1 if any failed."""
    python = prepare("dev")
    failed = []
    for name, options in BENCHMARKS:
        print(f"\n=== python benchmarks/{name}.py {options}\n", flush=True)
        if call([python, ROOT / "benchmarks" / f"{name}.py", *options.split()], ROOT):
            failed.append(name)
    say(f"failed: {', '.join(failed)}" if failed else "all benchmarks ran")
    return 1 if failed else 0


def clean() -> int:
    """Remove the environment, builds and caches; results in runs/ stay."""
    with alone():
        remove_environment()
    caches = [".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "build", "dist"]
    folders = [ROOT / name for name in caches] + list(ROOT.glob("*.egg-info"))
    for source in ("ecs_market", *MAPPED, "benchmarks", "docs", "tests"):
        folders += [
            Path(directory) / "__pycache__"
            for directory, names, _ in os.walk(ROOT / source)
            if "__pycache__" in names
        ]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    for file in ROOT.glob(".coverage*"):
        file.unlink(missing_ok=True)
    say("removed .venv-dev, builds and caches")
    return 0


def main(arguments: Sequence[str]) -> int:
    """Read the command line and return the exit status."""
    summary, usage = re.split(r"\n\n", __doc__ or "", maxsplit=1)
    parser = argparse.ArgumentParser(
        prog="dev.py",
        description=summary,
        epilog=usage,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("command", choices=("run", "test", "bench", "clean"))
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="handed on, see below")
    options = parser.parse_args(arguments)
    rest: list[str] = options.arguments
    if options.command == "run":
        return call([prepare("run"), "-P", "-m", "ecs_market", "run", *rest])
    if options.command == "test":
        return test(rest)
    if rest:
        parser.error(f"{options.command} takes no arguments")
    return bench() if options.command == "bench" else clean()


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
    except (DevError, OSError) as problem:
        say(str(problem))
        sys.exit(1)
