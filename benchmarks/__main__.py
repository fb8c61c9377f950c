"""``python -m benchmarks [NAME]``: run the benchmarks and print their table.

A benchmark is a module of this package with ``TITLE``, ``add_arguments(parser)`` and
``run(options) -> list[Figure]``; ``python -m benchmarks recalculation --invoices 2000`` is a quick
run. Each works in a database of its own, ``<name of DATABASE_URL>_bench``, that is dropped after.
"""

import argparse
import importlib
import multiprocessing
import pkgutil
import sys

import benchmarks
from benchmarks.running import run_one


def main(arguments: list[str]) -> int:
    """Run what is named, or everything; 1 when a gate was missed."""
    found = {}
    for module in pkgutil.iter_modules(benchmarks.__path__):
        if module.name not in ("__main__", "database", "figures"):
            loaded = importlib.import_module(f"benchmarks.{module.name}")
            if hasattr(loaded, "TITLE"):
                found[module.name] = loaded
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("name", nargs="?", choices=sorted(found), help="one of them; all if empty")
    chosen = [name for name in arguments if name in found][:1] or sorted(found)
    for name in chosen:
        found[name].add_arguments(parser.add_argument_group(name))
    options = parser.parse_args(arguments)
    processes = multiprocessing.get_context("spawn")
    missed = False
    for name in chosen:
        process = processes.Process(target=run_one, args=(name, options))
        process.start()
        process.join()
        missed |= process.exitcode != 0
    return int(missed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
