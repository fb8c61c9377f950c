"""The browser itself, and the page everybody sees first."""

import pytest

from tests.browser.product import running_product

pytestmark = pytest.mark.browser


def test_the_browser_runs_scripts(page):
    page.set_content("<h1>Quittance</h1>")
    assert page.evaluate("document.querySelector('h1').textContent") == "Quittance"


def test_the_first_page_asks_for_the_log_in_in_our_look(page, committed_db, tmp_path):
    with running_product(tmp_path) as address:
        for scheme in ("light", "dark"):
            page.emulate_media(color_scheme=scheme)
            page.goto(address)
            assert page.url.startswith(f"{address}/login/")
            page.get_by_label("User name").fill("clerk")
            style = page.evaluate("getComputedStyle(document.body).fontFamily")
            assert "Inter" in style
