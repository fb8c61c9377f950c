"""What pip cannot bring: pango and a font for the PDFs, Chromium and poppler for the tests.

Root on a Debian-like machine gets them by apt; everybody else is told the exact command.
"""

import ctypes
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from billing_site.launch.errors import LaunchError
from billing_site.launch.processes import run

PDF_LIBRARIES = ("libpango-1.0.so.0", "libpangoft2-1.0.so.0", "libharfbuzz-subset.so.0")
MAC_LIBRARIES = ("libpango-1.0.dylib", "libpangoft2-1.0.dylib")
FONT_FOLDERS = ("/usr/share/fonts", "/usr/local/share/fonts", "/Library/Fonts", "~/.fonts")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


@dataclass(frozen=True)
class Need:
    """Something the package manager brings.

    :param packages: the package names by package manager.
    """

    name: str
    purpose: str
    packages: dict[str, tuple[str, ...]]


PANGO = Need(
    "pango",
    "PDF documents",
    {
        "apt-get": ("libpango-1.0-0", "libpangoft2-1.0-0", "libharfbuzz-subset0"),
        "dnf": ("pango",),
        "apk": ("pango",),
        "brew": ("pango",),
    },
)
FONT = Need(
    "a font",
    "PDF documents",
    {
        "apt-get": ("fonts-dejavu-core", "fontconfig"),
        "dnf": ("dejavu-sans-fonts",),
        "apk": ("font-dejavu",),
        "brew": ("fontconfig",),
    },
)
CHROMIUM = Need(
    "Chromium",
    "browser tests",
    {"apt-get": ("chromium",), "dnf": ("chromium",), "apk": ("chromium",), "brew": ("chromium",)},
)
POPPLER = Need(
    "poppler-utils",
    "tests that read PDFs",
    {
        "apt-get": ("poppler-utils",),
        "dnf": ("poppler-utils",),
        "apk": ("poppler-utils",),
        "brew": ("poppler",),
    },
)
VENV_MODULE = Need("python3-venv", "the environment", {"apt-get": ("python3-venv",)})
FOR_RUNNING = (PANGO, FONT)
FOR_TESTS = (PANGO, FONT, CHROMIUM, POPPLER)


def is_present(need: Need) -> bool:
    """Whether the machine has it."""
    if need is PANGO:
        return all(_loads(name) for name in PDF_LIBRARIES) or all(map(_loads, MAC_LIBRARIES))
    if need is FONT:
        folders = [Path(name).expanduser() for name in FONT_FOLDERS]
        return any(path for folder in folders for path in folder.rglob("*.[to]t[fc]"))
    if need is CHROMIUM:
        return chromium() is not None
    if need is POPPLER:
        return shutil.which("pdftotext") is not None
    raise ValueError(need.name)


def chromium() -> str | None:
    """The browser for the tests: ``CHROMIUM`` if given, else the first that is on the machine."""
    given = os.environ.get("CHROMIUM")
    if given:
        return given if os.access(given, os.X_OK) else None
    return next((path for path in map(shutil.which, BROWSERS) if path), None)


def install_command(needs: list[Need]) -> str:
    """The exact command that brings what is missing, for this machine and this user."""
    for manager, verb in (
        ("apt-get", "install -y --no-install-recommends"),
        ("dnf", "install -y"),
        ("apk", "add"),
        ("brew", "install"),
    ):
        if shutil.which(manager):
            packages = [p for need in needs for p in need.packages.get(manager, ())]
            sudo = "" if os.geteuid() == 0 or manager == "brew" else "sudo "
            return f"{sudo}{manager} {verb} {' '.join(packages)}"
    packages = [p for need in needs for p in need.packages["apt-get"]]
    return f"install with the machine's package manager what Debian calls {' '.join(packages)}"


def bring(needs: tuple[Need, ...]) -> list[Need]:
    """Install what is missing, where we may.

    :returns: what is still missing; :func:`install_command` says what brings it.
    """
    missing = [need for need in needs if not is_present(need)]
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        try:
            install_by_apt([p for need in missing for p in need.packages["apt-get"]])
        except LaunchError:
            # The rest goes on without them; the caller names what is missing and the command.
            return [need for need in missing if not is_present(need)]
        missing = [need for need in missing if not is_present(need)]
    return missing


def install_by_apt(packages: list[str]) -> None:
    """Install Debian packages as root; the package lists are fetched only when needed."""
    env = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    try:
        run(install, what="apt-get install", env=env)
    except LaunchError:
        run(["apt-get", "update", "-q"], what="apt-get update", env=env)
        run(install, what="apt-get install", env=env)


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
