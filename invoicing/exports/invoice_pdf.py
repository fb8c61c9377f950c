"""HTML of an invoice document to PDF bytes. Imports WeasyPrint: import it where a PDF is made.

Fonts, style sheet and the picture cache are kept for the life of the process: a warm worker is
several times as fast as a cold one.
"""

import datetime as dt
import gc
import hashlib
import io
import logging
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles import finders
from fontTools.ttLib import TTFont
from fontTools.varLib.instancer import instantiateVariableFont
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration

from billing_site.kernel.errors import DomainError
from invoicing.exports.safe_fetcher import ASSET, SafeFetcher

STYLESHEET = "css/document.css"
FONTS = {
    "Inter Document": "vendor/inter/latin.woff2",
    "Inter Document Extended": "vendor/inter/latin-ext.woff2",
}
WEIGHTS = (400, 600)
FONT_FACES = re.compile(r"@font-face\{[^}]*\}")
# The collector costs a few percent of a short document and frees nothing that matters to it.
UNCOLLECTED_HTML = 400_000  # characters

logger = logging.getLogger(__name__)
for _talkative in ("fontTools", "weasyprint.progress"):
    logging.getLogger(_talkative).setLevel(logging.WARNING)


class RenderingFailed(DomainError):
    """The page could not be laid out; trying again would not help."""


class Rendered(bytes):
    """The bytes of a PDF, and how many pages it has."""

    pages: int


def render_pdf(html: str, *, created_at: dt.datetime | None = None) -> Rendered:
    """Lay out a page and return the PDF. No network, no file system (``SafeFetcher``).

    :param created_at: the moment written into the document, so that the same page gives the same
        bytes whenever it is made.
    :raises RenderingFailed: the engine gave up on this page.
    """
    stylesheet, fonts = _prepared()
    try:
        with _collector_off(len(html) < UNCOLLECTED_HTML):
            laid_out = HTML(string=html, url_fetcher=SafeFetcher(_assets()), base_url=ASSET).render(
                stylesheets=[stylesheet], font_config=fonts, cache=_pictures()
            )
            if created_at is not None:
                laid_out.metadata.created = created_at.astimezone(dt.UTC).strftime(
                    "%Y-%m-%dT%H:%M:%SZ"
                )
            content = Rendered(laid_out.write_pdf())
    except (RecursionError, OverflowError, ZeroDivisionError, ValueError, AssertionError) as error:
        logger.exception("a document could not be laid out")
        raise RenderingFailed(
            f"The page could not be laid out ({type(error).__name__}). The log names the cause."
        ) from error
    content.pages = len(laid_out.pages)
    return content


@contextmanager
def _collector_off(wanted: bool) -> Iterator[None]:
    if not (wanted and gc.isenabled()):
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@cache
def _prepared() -> tuple[CSS, FontConfiguration]:
    """The style sheet, parsed once, and its fonts, loaded once."""
    fonts = FontConfiguration()
    text = _static_file(STYLESHEET).read_text(encoding="utf-8")
    faces = "".join(
        f'@font-face{{font-family:"{family}";font-weight:{weight};'
        f'src:url("{ASSET}{_face(family, weight)}")}}'
        for family in FONTS
        for weight in WEIGHTS
        if _face(family, weight) in _assets()
    )
    text = faces + FONT_FACES.sub("", text)
    stylesheet = CSS(
        string=text, url_fetcher=SafeFetcher(_assets()), base_url=ASSET, font_config=fonts
    )
    return stylesheet, fonts


@cache
def _assets() -> dict[str, tuple[str, bytes]]:
    """Our fonts by asset name. One that is missing is left out: the document falls back.

    The fonts of the browser hold every weight in one file; they are cut into a file for each
    weight once, because doing it for every document takes longer than the document.
    """
    assets = {}
    for family, name in FONTS.items():
        try:
            variable = _static_file(name).read_bytes()
        except FileNotFoundError as error:
            logger.warning("documents use a fallback font: %s", error)
            continue
        for weight in WEIGHTS:
            assets[_face(family, weight)] = ("font/ttf", _static_font(variable, weight))
    return assets


def _face(family: str, weight: int) -> str:
    return f"{family.replace(' ', '-')}-{weight}.ttf"


def _static_font(variable: bytes, weight: int) -> bytes:
    """One weight of a variable font; kept in the data folder, for cutting takes seconds."""
    digest = hashlib.sha256(variable).hexdigest()[:16]
    kept = Path(settings.DATA_DIR) / "cache" / "fonts" / f"{digest}-{weight}.ttf"
    try:
        return kept.read_bytes()
    except OSError:
        content = _cut(variable, weight)
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        temporary = kept.with_suffix(f".{os.getpid()}")
        temporary.write_bytes(content)
        temporary.replace(kept)
    except OSError as error:
        logger.warning("a font is cut anew by every worker, it cannot be kept: %s", error)
    return content


def _cut(variable: bytes, weight: int) -> bytes:
    font = TTFont(io.BytesIO(variable))
    instance = instantiateVariableFont(font, {"wght": weight}, static=True)
    instance.flavor = None
    buffer = io.BytesIO()
    instance.save(buffer)
    return buffer.getvalue()


@cache
def _pictures() -> dict:
    return {}


def _static_file(name: str) -> Path:
    found = finders.find(name)
    path = Path(found) if found else Path(settings.STATIC_ROOT) / name
    if not path.is_file():
        raise FileNotFoundError(f"{name} is not among the static files; run `npm ci`")
    return path
