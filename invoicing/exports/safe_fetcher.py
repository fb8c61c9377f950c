"""What a document may load while it is laid out: our own assets, and small pictures in the page.

No network and no file system, ever (R10). Needs WeasyPrint: import it where a PDF is made.
"""

import base64
import binascii
import re
import struct
from collections.abc import Mapping

from weasyprint.urls import URLFetcher, URLFetcherResponse

MOST_RESOURCES = 200
LONGEST_PICTURE = 3_000_000  # characters of base64
MOST_PIXELS = 20_000_000
ASSET = "asset:"
_DATA = re.compile(r"data:(image/(?:png|jpeg|gif));base64,([A-Za-z0-9+/=\s]*)\Z")
_MAGIC = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff", "image/gif": b"GIF8"}


class ResourceRefused(ValueError):
    """A document asked for something it may not load; WeasyPrint leaves it out."""


class SafeFetcher(URLFetcher):
    """Serves ``asset:`` names from a mapping and checked ``data:`` pictures; refuses all else.

    :param assets: name -> (media type, bytes).
    """

    def __init__(self, assets: Mapping[str, tuple[str, bytes]]) -> None:
        super().__init__(allowed_protocols=("asset", "data"), allow_redirects=False)
        self.assets = assets
        self.refused: list[str] = []
        self._served = 0

    def fetch(self, url: str, headers: Mapping[str, str] | None = None) -> URLFetcherResponse:
        """Never asks the base class: it opens sockets and files."""
        try:
            self._served += 1
            if self._served > MOST_RESOURCES:
                raise ResourceRefused("too many resources")
            media_type, body = self._asset(url) if url.startswith(ASSET) else _picture(url)
        except ResourceRefused:
            self.refused.append(url[:200])
            raise
        return URLFetcherResponse(url, body, {"Content-Type": media_type})

    def open(self, *args, **kwargs):
        """The base class is an opener; nothing may open anything through it."""
        raise ResourceRefused("documents load nothing from elsewhere")

    def _asset(self, url: str) -> tuple[str, bytes]:
        try:
            return self.assets[url.removeprefix(ASSET)]
        except KeyError:
            raise ResourceRefused(f"there is no asset {url}") from None


def _picture(url: str) -> tuple[str, bytes]:
    found = _DATA.match(url)
    if not found or len(found[2]) > LONGEST_PICTURE:
        raise ResourceRefused("only small PNG, JPEG and GIF pictures in the page are loaded")
    try:
        body = base64.b64decode(found[2])
    except binascii.Error:
        raise ResourceRefused("a picture is not valid base64") from None
    if not body.startswith(_MAGIC[found[1]]) or _pixels(found[1], body) > MOST_PIXELS:
        raise ResourceRefused("a picture is not what it says, or too large")
    return found[1], body


def _pixels(media_type: str, body: bytes) -> int:
    """Width times height as the picture's header states them."""
    try:
        if media_type == "image/png":
            width, height = struct.unpack(">II", body[16:24])
        elif media_type == "image/gif":
            width, height = struct.unpack("<HH", body[6:10])
        else:
            width, height = _jpeg_size(body)
    except (struct.error, IndexError):
        raise ResourceRefused("a picture is broken") from None
    return width * height


def _jpeg_size(body: bytes) -> tuple[int, int]:
    position = 2
    while True:
        marker, length = struct.unpack(">HH", body[position : position + 4])
        if 0xFFC0 <= marker <= 0xFFCF and marker not in (0xFFC4, 0xFFC8, 0xFFCC):
            height, width = struct.unpack(">HH", body[position + 5 : position + 9])
            return width, height
        if marker < 0xFF00 or length < 2:
            raise ResourceRefused("a picture is broken")
        position += 2 + length
