"""The browser itself, and the page everybody sees first."""

import pytest

pytestmark = pytest.mark.browser


def test_the_browser_runs_scripts(page):
    page.set_content("<h1>Quittance</h1>")
    assert page.evaluate("document.querySelector('h1').textContent") == "Quittance"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_first_page_asks_for_the_log_in_in_our_look(page, live_server, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto(live_server.url)
    assert page.url.startswith(f"{live_server.url}/login/")
    page.get_by_label("User name").fill("clerk")
    style = page.evaluate("getComputedStyle(document.body).fontFamily")
    assert "Inter" in style
