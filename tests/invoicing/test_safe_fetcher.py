"""Documents reach neither the network nor files (R10)."""

import base64
import socket
import struct

import pytest

from invoicing.exports.safe_fetcher import MOST_RESOURCES, ResourceRefused, SafeFetcher

PNG = b"\x89PNG\r\n\x1a\n" + b"\x00\x00\x00\rIHDR" + struct.pack(">II", 10, 10)
ASSETS = {"font.ttf": ("font/ttf", b"font")}


def data(body: bytes, media_type: str = "image/png") -> str:
    return f"data:{media_type};base64,{base64.b64encode(body).decode()}"


@pytest.fixture
def fetcher(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a document opened a socket")

    monkeypatch.setattr(socket, "create_connection", refuse)
    return SafeFetcher(ASSETS)


def test_our_assets_and_small_pictures_are_served(fetcher):
    assert fetcher.fetch("asset:font.ttf").read() == b"font"
    assert fetcher.fetch(data(PNG)).read() == PNG


@pytest.mark.requirement("R10")
@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/",
        "https://127.0.0.1/",
        "ftp://127.0.0.1/",
        "file:///etc/passwd",
        "FILE:///etc/passwd",
        "/etc/passwd",
        "asset:../../etc/passwd",
        "asset:unknown",
        "data:text/html,<b>",
        "data:image/svg+xml;base64,PHN2Zy8+",
        "data:image/png;base64,%%%",
        "data:image/png;base64,A",
        "gopher://127.0.0.1/",
        data(b"GIF89a", "image/png"),
        data(PNG[:-8] + struct.pack(">II", 100_000, 100_000)),
        data(b"\x89PNG\r\n\x1a\n"),
        data(b"\xff\xd8\xff\xe0", "image/jpeg"),
    ],
)
def test_everything_else_is_refused(fetcher, url):
    with pytest.raises(ResourceRefused):
        fetcher.fetch(url)
    assert fetcher.refused


def test_a_document_loads_a_bounded_number_of_resources(fetcher):
    for _ in range(MOST_RESOURCES):
        fetcher.fetch("asset:font.ttf")
    with pytest.raises(ResourceRefused, match="too many"):
        fetcher.fetch("asset:font.ttf")


def test_the_opener_underneath_opens_nothing(fetcher):
    with pytest.raises(ResourceRefused):
        fetcher.open("file:///etc/passwd")
