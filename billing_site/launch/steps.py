"""Progress on the screen: one line per step, with its time."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from billing_site.launch.errors import LaunchError

WIDTH = 16


class Step:
    """A step under way; :meth:`note` says what was found or done."""

    def __init__(self) -> None:
        self.text = ""

    def note(self, text: str) -> None:
        self.text = text


class Steps:
    """Prints every step when it ends, and on a terminal also when it begins.

    :param clock: seconds, from any origin.
    """

    def __init__(self, out: TextIO | None = None, clock=time.monotonic):
        self.out = out or sys.stdout
        self.clock = clock
        self.begun_at = clock()
        self.on_terminal = self.out.isatty()

    @contextmanager
    def step(self, name: str) -> Iterator[Step]:
        """Time what happens inside; a step that fails is shown as failed and raises on."""
        step = Step()
        begun_at = self.clock()
        if self.on_terminal:
            self._write(f"\r  {name:<{WIDTH}} ...")
        outcome = "stopped"
        try:
            yield step
            outcome = step.text
        except Exception:
            outcome = "failed"
            raise
        finally:
            took = self.clock() - begun_at
            clear = "\r\x1b[K" if self.on_terminal else ""
            self._write(f"{clear}  {name:<{WIDTH}} {took:6.1f} s  {outcome}".rstrip() + "\n")

    def say(self, text: str = "") -> None:
        """Print a line of its own."""
        self._write(text + "\n")

    def total(self) -> float:
        """Seconds since the first step."""
        return self.clock() - self.begun_at

    def fail(self, error: LaunchError) -> None:
        """Print an error with its remedy."""
        self.say()
        self.say(error.text())

    def _write(self, text: str) -> None:
        self.out.write(text)
        self.out.flush()
