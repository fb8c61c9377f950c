"""What a benchmark gives back, and the table it is printed in."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Figure:
    """One measurement; ``ratio`` is to the floor or peer measured in the same run.

    ``gate`` and ``stretch`` are targets of the ratio, or of the value where there is no ratio;
    ``at_most`` says that less is better.
    """

    name: str
    value: float
    unit: str
    ratio: float | None = None
    floor: str = ""
    gate: float | None = None
    stretch: float | None = None
    at_most: bool = False

    @property
    def verdict(self) -> str:
        if self.gate is None:
            return ""
        measured = self.value if self.ratio is None else self.ratio
        for target, word in ((self.stretch, "stretch reached"), (self.gate, "gate reached")):
            if target is not None and (measured <= target if self.at_most else measured >= target):
                return word
        return "MISSED"

    @property
    def target(self) -> str:
        if self.gate is None:
            return ""
        sign = "<=" if self.at_most else ">="
        numbers = [number for number in (self.gate, self.stretch) if number is not None]
        return f"{sign} " + " / ".join(f"{number:g}" for number in numbers)


HEADINGS = ("figure", "value", "unit", "ratio", "to", "target", "verdict")


def table(title: str, figures: Iterable[Figure]) -> str:
    """Return the figures as text, columns aligned."""
    rows = [HEADINGS] + [
        (
            figure.name,
            f"{figure.value:,.0f}" if abs(figure.value) >= 100 else f"{figure.value:.3g}",
            figure.unit,
            "" if figure.ratio is None else f"{figure.ratio:.3g}",
            figure.floor,
            figure.target,
            figure.verdict,
        )
        for figure in figures
    ]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    lines = []
    for row in rows:
        cells = [
            cell.rjust(width) if column in (1, 3) else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join([title, "-" * len(title), *lines])


def machine(server_version: str) -> str:
    """Return one line about where it was measured."""
    memory = ""
    info = Path("/proc/meminfo")
    if info.exists():
        total = int(info.read_text().split("MemTotal:")[1].split()[0])
        memory = f", {total / 1024**2:.0f} GB"
    load = ", ".join(f"{value:.1f}" for value in os.getloadavg())
    return (
        f"{os.cpu_count()} cores{memory}, {platform.system()} {platform.machine()}, "
        f"Python {platform.python_version()}, PostgreSQL {server_version}, load {load}"
    )
