"""What every page needs to know about the person's choices, read from cookies: no flash, no script."""

from django.http import HttpRequest

THEME_COOKIE = "theme"
THEMES = ("light", "dark")
NAVIGATION_COOKIE = "nav"
NAVIGATIONS = ("wide", "mini")


def theme_of(request: HttpRequest) -> str:
    """The chosen theme; light when none, or none of ours, is in the cookie."""
    chosen = request.COOKIES.get(THEME_COOKIE, "")
    return chosen if chosen in THEMES else THEMES[0]


def shell(request: HttpRequest) -> dict[str, str]:
    """Template context: ``theme`` and ``navigation`` (empty: by the width of the window)."""
    navigation = request.COOKIES.get(NAVIGATION_COOKIE, "")
    return {
        "theme": theme_of(request),
        "navigation": navigation if navigation in NAVIGATIONS else "",
    }
