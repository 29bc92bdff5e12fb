"""The command line: its grammar, and how errors become messages and exit statuses."""

from __future__ import annotations

import argparse
import io
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from ecs_market import __version__
from ecs_market.errors import InputError, MarketError, ScenarioError

DEFAULT_SCENARIO = "walrasian_two_markets"
LEVELS = ("off", "summary", "trades", "orders", "full")
MAX_SEED = 2**63 - 1
MAX_SNAPSHOT = 2**31 - 1

FAILED, BAD_INPUT, INTERRUPTED = 1, 2, 130


def whole(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """Return an argparse type for a whole number between two bounds, both allowed."""

    def read(text: str) -> int:
        try:
            number = int(text)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number") from None
        if number < minimum:
            raise argparse.ArgumentTypeError(f"{number} is below {minimum}")
        if maximum is not None and number > maximum:
            raise argparse.ArgumentTypeError(f"{number} is above {maximum}")
        return number

    return read


def _add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run a scenario and print what came of it",
        description="Run a scenario, record it, and print a summary.",
    )
    parser.add_argument(
        "scenario",
        nargs="?",
        default=DEFAULT_SCENARIO,
        help="a YAML file or the name of a shipped scenario (default: %(default)s)",
    )
    parser.add_argument("--ticks", type=whole(0), help="how many (default: as the scenario says)")
    parser.add_argument(
        "--seed", type=whole(0, MAX_SEED), help="default: the scenario's seed, 0 if it has none"
    )
    parser.add_argument("--threads", type=whole(1, 1024), help="never changes the result")
    parser.add_argument(
        "--telemetry-level", choices=LEVELS, help="what is recorded (default: by size)"
    )
    parser.add_argument(
        "--snapshot-every",
        type=whole(0, MAX_SNAPSHOT),
        metavar="TICKS",
        help="from a snapshot of agents to the next, 0 for none (default: by size, 1 or 10)",
    )
    parser.add_argument(
        "--snapshot-agents",
        type=whole(0, MAX_SNAPSHOT),
        metavar="N",
        help="most agents in a snapshot, 0 for none (default: 5000, at level full all)",
    )
    parser.add_argument(
        "--out",
        metavar="DIR",
        help="a new folder for run.db and summary.json (default: runs/<scenario>-s<seed>-<NNN>)",
    )
    parser.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="change one value of the scenario, such as params.vision_radius=12; repeatable",
    )
    parser.add_argument(
        "--watch",
        action="store_true",
        help="show on stderr how the run goes: a live view on a terminal, else a line at each "
        "tenth of it and after 10 s without one",
    )
    parser.add_argument("--json", action="store_true", help="print the summary as JSON only")
    parser.set_defaults(command="run")


def _add_others(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    validate = commands.add_parser("validate", help="check scenario files and list every fault")
    validate.add_argument("files", nargs="+", metavar="FILE", help="a YAML file or a shipped name")
    validate.set_defaults(command="validate")

    schema = commands.add_parser("schema", help="print the JSON Schema of scenario files")
    schema.set_defaults(command="schema")

    init = commands.add_parser(
        "init",
        help="write an annotated scenario to start from",
        description="Write an annotated scenario that runs as it stands, and beside it the JSON "
        "Schema by which editors check it. Nothing is overwritten.",
    )
    init.add_argument(
        "file", nargs="?", default="scenario.yaml", metavar="FILE", help="default: %(default)s"
    )
    init.set_defaults(command="init")

    bench = commands.add_parser("bench", help="measure speed and memory on a generated economy")
    bench.add_argument("--agents", type=whole(1, 10**8), default=100_000, metavar="N")
    bench.add_argument("--posts", type=whole(0, 10**6), default=100, metavar="P")
    bench.add_argument("--ticks", type=whole(1), default=10, metavar="T")
    bench.add_argument("--threads", type=whole(1, 1024), metavar="K")
    bench.add_argument("--json", action="store_true", help="print the figures as JSON only")
    bench.set_defaults(command="bench")

    info = commands.add_parser(
        "info", help="print versions, processor and the kernel cache's place"
    )
    info.add_argument("--json", action="store_true", help="print them as JSON only")
    info.set_defaults(command="info")


def _add_measuring(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    profile = commands.add_parser(
        "profile",
        help="run a scenario and print where the time goes",
        description="Run a scenario and print what each system and kernel took. Nothing is kept "
        "but the time line, if one is asked for.",
    )
    profile.add_argument("scenario", help="a YAML file or the name of a shipped scenario")
    profile.add_argument("--ticks", type=whole(1), help="how many (default: as the scenario says)")
    profile.add_argument("--seed", type=whole(0, MAX_SEED), help="default: the scenario's seed")
    profile.add_argument("--threads", type=whole(1, 1024), help="never changes the result")
    profile.add_argument(
        "--telemetry-level", choices=LEVELS, default="summary", help="default: %(default)s"
    )
    profile.add_argument(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        dest="overrides",
        help="change one value of the scenario; repeatable",
    )
    profile.add_argument(
        "--trace", metavar="FILE", help="write the time line, for https://ui.perfetto.dev"
    )
    profile.add_argument(
        "--system", metavar="NAME", help="one system alone, again and again from the same state"
    )
    profile.add_argument(
        "--repeats", type=whole(1, 10**6), help="with --system: runs in each tick (default: 5)"
    )
    profile.add_argument("--json", action="store_true", help="print the figures as JSON only")
    profile.set_defaults(command="profile")

    warmup = commands.add_parser(
        "warmup",
        help="compile ahead what scenarios need",
        description="Compile the kernels that scenarios need and keep them, so that the first run "
        "does not wait. Kernels are found by running each scenario, made small, uncompiled.",
    )
    warmup.add_argument(
        "scenarios", nargs="*", metavar="SCENARIO", help="files or names (default: all shipped)"
    )
    warmup.add_argument(
        "--check", action="store_true", help="only say whether all are cached: status 0, else 1"
    )
    warmup.add_argument(
        "--jobs",
        metavar="N",
        type=whole(1, 64),
        help="how many processes compile (default: one a core, at most 4)",
    )
    warmup.set_defaults(command="warmup")


def _add_report(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser(
        "report",
        help="write a page that shows what happened in a run",
        description="Write one HTML file that shows a run: a map over time, prices, how posts "
        "cleared, gains and their distribution, times, and how to repeat it. Several runs are "
        "shown side by side, with what differs between them. The file opens anywhere, offline.",
        epilog="A report that is there already is replaced; any other file only with --force. A "
        "run that is not finished is shown up to its last whole tick.",
    )
    parser.add_argument(
        "runs",
        nargs="+",
        metavar="RUN",
        help="the folder of a run as `run` prints it, such as runs/walrasian_two_markets-s42-001, "
        "or its database, such as run.db",
    )
    parser.add_argument(
        "-o",
        "--out",
        metavar="FILE",
        help="default: report.html, of one run beside its database, of several in this folder",
    )
    parser.add_argument("--force", action="store_true", help="replace whatever file is there")
    parser.add_argument("--json", action="store_true", help="print place and size as JSON only")
    parser.set_defaults(command="report")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    parser = argparse.ArgumentParser(
        prog="ecs-market",
        description="A headless simulation core for spatial market economies.",
    )
    parser.add_argument("--version", action="version", version=f"ecs-market {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    _add_run(commands)
    _add_report(commands)
    _add_measuring(commands)
    _add_others(commands)
    return parser


def _dispatch(options: argparse.Namespace) -> int:
    if options.command == "run":
        from ecs_market.cli.run import run

        return run(options)
    if options.command == "report":
        from ecs_market.cli.report_page import report_page

        return report_page(options)
    if options.command == "profile":
        from ecs_market.cli.profile import profile

        return profile(options)
    if options.command == "warmup":
        from ecs_market.cli.warmup import warmup

        return warmup(options)
    from ecs_market.cli import commands, init

    handlers: dict[str, Callable[[argparse.Namespace], int]] = {
        "bench": commands.bench,
        "info": commands.info,
        "init": init.init,
        "schema": commands.schema,
        "validate": commands.validate,
    }
    return handlers[options.command](options)


def complain(error: BaseException) -> None:
    """Print an error in one line, or a line for each fault of a scenario."""
    if isinstance(error, ScenarioError) and error.issues:
        for issue in error.issues:
            print(issue, file=sys.stderr)
        count = len(error.issues)
        print(f"ecs-market: {count} fault{'s' if count > 1 else ''} found", file=sys.stderr)
        return
    print(f"ecs-market: error: {str(error) or type(error).__name__}", file=sys.stderr)


class _ToStderr(logging.Handler):
    """Prints to whatever `sys.stderr` is by then: a live view lets messages through above it."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one message."""
        print(self.format(record), file=sys.stderr)


@contextmanager
def warnings_shown() -> Iterator[None]:
    """Print what the package logs as a warning."""
    logger, shown = logging.getLogger("ecs_market"), _ToStderr()
    shown.setLevel(logging.WARNING)
    shown.setFormatter(logging.Formatter("ecs-market: warning: %(message)s"))
    logger.addHandler(shown)
    try:
        yield
    finally:
        logger.removeHandler(shown)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    arguments : sequence of str, optional
        What follows the command's name; by default that of this process.

    Returns
    -------
    int
        0, or 1 if a run failed, 2 on bad input, 130 if interrupted (all flushed).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal may lack a name's letters
            stream.reconfigure(errors="backslashreplace")
    options = build_parser().parse_args(arguments)
    try:
        with warnings_shown():
            status = _dispatch(options)
        sys.stdout.flush()
    except InputError as error:
        complain(error)
        return BAD_INPUT
    except BrokenPipeError:
        # The reader of our output has left; the interpreter must not meet the same at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except (MarketError, MemoryError, OSError) as error:
        complain(error)
        return FAILED
    except KeyboardInterrupt:
        print("ecs-market: interrupted", file=sys.stderr)
        return INTERRUPTED
    return status
