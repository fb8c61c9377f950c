"""Serves an allow-list of files from ``node_modules`` as static files under ``vendor/``.

No third-party code is committed: npm brings it, this finder shows it to ``collectstatic`` and to
the test server. A file that is not on the list does not exist for the browser.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import BaseFinder
from django.core.checks import CheckMessage, Warning
from django.core.files.storage import FileSystemStorage

PREFIX = "vendor"

# Icons of @tabler/icons (outline) that templates may name; the CSS rule of each is in css/icons.css.
ICONS = (
    *("adjustments-horizontal", "alert-circle", "alert-triangle", "apps", "arrow-down"),
    *("arrow-left", "arrow-up", "arrows-sort", "ban", "book-2", "building", "calendar"),
    *("category", "check", "chevron-down", "chevron-left", "chevron-right", "chevrons-left"),
    *("chevrons-right", "circle-check", "circle-off", "circle-x", "clock", "coins", "copy"),
    *("database", "dots", "dots-vertical", "download", "edit", "exclamation-circle"),
    *("external-link", "eye", "file-import", "file-invoice", "file-spreadsheet", "file-text"),
    *("file-type-csv", "file-type-pdf", "file-type-xml", "filter", "history", "home"),
    *("hourglass", "inbox", "info-circle", "keyboard", "layout-sidebar", "link", "link-off"),
    *("list-check", "loader-2", "lock", "logout", "mail", "map-pin", "message-circle", "moon"),
    *("package", "player-stop", "plus", "printer", "progress", "receipt", "refresh"),
    *("report-money", "rotate", "scale", "search", "settings", "shopping-cart", "sitemap"),
    *("stack-2", "sun", "table", "tag", "trash", "upload", "user", "users", "x"),
)

FILES: dict[str, str] = {
    "tabler/tabler.min.css": "@tabler/core/dist/css/tabler.min.css",
    "tabler/tabler.min.css.map": "@tabler/core/dist/css/tabler.min.css.map",
    "tabler/tabler.min.js": "@tabler/core/dist/js/tabler.min.js",
    "tabler/tabler.min.js.map": "@tabler/core/dist/js/tabler.min.js.map",
    "inter/latin.woff2": "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    "inter/latin-ext.woff2": "@fontsource-variable/inter/files/inter-latin-ext-wght-normal.woff2",
} | {f"icons/{name}.svg": f"@tabler/icons/icons/outline/{name}.svg" for name in ICONS}


class NodeModulesStorage(FileSystemStorage):
    """The listed files under their public names; read only, and blind to everything else."""

    prefix = PREFIX

    def __init__(self) -> None:
        super().__init__(location=Path(settings.BASE_DIR) / "node_modules")

    def path(self, name: str) -> str:
        """The file on disk behind a public name.

        :raises FileNotFoundError: the name is not on the allow-list.
        """
        try:
            return super().path(FILES[Path(name).as_posix()])
        except KeyError:
            raise FileNotFoundError(f"{name} is not one of the vendored files") from None

    def exists(self, name: str) -> bool:
        return Path(name).as_posix() in FILES and super().exists(name)


class NodeModulesFinder(BaseFinder):
    """Finds ``vendor/...`` in ``node_modules``."""

    def __init__(self, app_names: Iterable[str] | None = None, *args, **kwargs) -> None:
        self.storage = NodeModulesStorage()
        super().__init__(*args, **kwargs)

    def check(self, **kwargs) -> list[CheckMessage]:
        missing = [name for name in FILES if not self.storage.exists(name)]
        if not missing:
            return []
        return [
            Warning(
                f"{len(missing)} front-end files are missing, the first is {missing[0]}.",
                hint="Run `npm ci --ignore-scripts` in the project directory.",
                id="web.W001",
            )
        ]

    def find(self, path: str, find_all: bool = False, **kwargs):
        name = path.removeprefix(f"{PREFIX}/")
        found = path.startswith(f"{PREFIX}/") and self.storage.exists(name)
        if not found:
            return []
        return [self.storage.path(name)] if find_all else self.storage.path(name)

    def list(
        self, ignore_patterns: Iterable[str] | None
    ) -> Iterator[tuple[str, FileSystemStorage]]:
        for name in FILES:
            yield name, self.storage
