"""The command line of ``./run``."""

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path

from billing_site.launch import accounts, checks, doctor, layout, setup, state, suite
from billing_site.launch.errors import LaunchError
from billing_site.launch.layout import DataFolder
from billing_site.launch.services import Services
from billing_site.launch.steps import Steps
from billing_site.launch.supervisor import Supervisor

EXAMPLES = """\
./run                     start the demo and stay until Ctrl-C
./run --port 9000 --data /tmp/second
                          a second copy beside it
./run test                everything: checks, tests, browser tests
./run test tests/ledger -k opening
                          pytest with these arguments, services included
./run check               the fast checks alone
./run doctor              what is missing, and the command that brings it
./run reset               empty the embedded data
./run bench [NAME]        the benchmarks
"""


def main(arguments: list[str]) -> int:
    """Carry out one command.

    :returns: the exit code: 0 done, 1 not done (the reason is on the screen), 2 unknown arguments.
    """
    rest: list[str] = []
    if arguments[:1] in (["test"], ["bench"]):  # what follows is for pytest, or the benchmark
        arguments, rest = arguments[:1], arguments[1:]
    options = _parser().parse_args(arguments)
    steps = Steps()
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    try:
        return _carry_out(options, rest, steps)
    except LaunchError as error:
        steps.fail(error)
        return 1
    except KeyboardInterrupt:
        steps.say("\nStopped.")
        return 130


def _carry_out(options: argparse.Namespace, rest: list[str], steps: Steps) -> int:
    data = DataFolder.at(options.data)
    if options.command == "test":
        return suite.run_tests(steps, rest)
    if options.command == "bench":
        return suite.run_benchmarks(steps, rest)
    if options.command == "check":
        setup.prepare(steps)
        failed = checks.run_checks(steps)
        steps.say(f"\nFailed: {', '.join(failed)}" if failed else "\nAll checks passed.")
        return 1 if failed else 0
    if options.command == "doctor":
        return doctor.print_report(data, steps.say)
    if options.command == "reset":
        return reset(data, steps, ask=not options.yes)
    return Supervisor(data, options.port, steps).serve()


def reset(data: DataFolder, steps: Steps, ask: bool) -> int:
    """Empty what the embedded default keeps; a database given from outside is not touched.

    :raises LaunchError: while a copy runs on these data.
    """
    if not data.path.is_dir():
        steps.say(f"There are no data in {data.path}.")
        return 0
    run = state.Run(data)
    run.claim()
    try:
        home = accounts.home_of(data)
        steps.say(f"This deletes the demo's database, queue, documents and logs of {data.path}.")
        if ask and not _confirmed(steps):
            return 1
        run.end_leftovers()
        services = Services(home, data.logs)
        services.redis.stop()
        services.postgres.stop()
        _delete(home.socket_folder())
        for name in home.OWN_FILES:
            _delete(home.path / name)
        if home.path != data.path:
            home.path.rmdir()
        for name in data.OWN_FILES:
            _delete(data.path / name)
        steps.say("Done. The next ./run begins anew.")
        return 0
    finally:
        run.release()


def _confirmed(steps: Steps) -> bool:
    if not sys.stdin.isatty():
        steps.say("Nothing was deleted: there is nobody to ask. Say ./run reset --yes.")
        return False
    if input("Type yes to go on: ").strip().lower() != "yes":
        steps.say("Nothing was deleted.")
        return False
    return True


def _delete(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="./run",
        description="Start Quittance with everything it needs, or check, test and measure it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument(
        "command",
        nargs="?",
        choices=("test", "check", "doctor", "reset", "bench"),
        help="without one: start the demo",
    )
    parser.add_argument("--port", type=_port, metavar="N", help="the port (otherwise a free one)")
    parser.add_argument(
        "--data",
        default=os.environ.get("QUITTANCE_DATA", str(layout.ROOT / "var")),
        metavar="DIR",
        help="the folder of this copy's data (otherwise var/ in the project)",
    )
    parser.add_argument("--yes", action="store_true", help="with reset: do not ask")
    return parser


def _port(text: str) -> int:
    if not text.isdigit() or not 1 <= int(text) <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is no port: give a number from 1 to 65535")
    return int(text)
