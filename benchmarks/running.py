"""One benchmark, in a process and a database of its own."""

import argparse
import importlib
import sys

from benchmarks.database import bench_database
from benchmarks.figures import machine, table


def run_one(name: str, options: argparse.Namespace) -> None:
    """Run one benchmark in a database of its own, print its table; exit 1 when a gate was missed.

    In a process of its own, so that it finds nothing in memory that another left.
    """
    print(f"{name} ...", file=sys.stderr, flush=True)
    benchmark = importlib.import_module(f"benchmarks.{name}")
    with bench_database():
        from django.db import connection

        figures = benchmark.run(options)
        print(table(benchmark.TITLE, figures), end="\n\n")
        with connection.cursor() as cursor:
            cursor.execute("SHOW server_version")
            print(machine(cursor.fetchone()[0]), end="\n\n", flush=True)
        connection.close()
    sys.exit(int(any(figure.verdict == "MISSED" for figure in figures)))
