"""What surrounds every page: log-in and its lock, menu, theme, error pages, security headers."""

import json
import re
from pathlib import Path

import pytest
import redis
from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.auth.models import Permission
from django.core.exceptions import BadRequest
from django.db import DatabaseError
from django.template.loader import render_to_string
from django.test import Client, RequestFactory

from billing_site.web import health, search, views
from tests.billing_site.web.conftest import make_job
from tests.builders import make_user

pytestmark = [pytest.mark.urls("tests.billing_site.web.urls"), pytest.mark.django_db]

PASSWORD = "seventeen green apples"
TEMPLATES = sorted(Path(settings.BASE_DIR, "templates").rglob("*.html"))
# printed documents are rendered by WeasyPrint, not by a browser under our policy
ON_SCREEN = [path for path in TEMPLATES if "documents" not in path.parts]


@pytest.fixture
def fast_passwords(settings):
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def member(fast_passwords):
    return make_user(username="mia", password=PASSWORD)


def log_in(client, password=PASSWORD, name="mia", **headers):
    return client.post("/login/", {"username": name, "password": password}, **headers)


def test_a_right_password_opens_the_page_that_was_asked_for(client, member):
    assert client.get("/jobs/").status_code == 302
    response = client.post(
        "/login/", {"username": "mia", "password": PASSWORD, "next": "/jobs/?quick=active"}
    )
    assert response["Location"] == "/jobs/?quick=active"


def test_a_wrong_password_does_not_say_what_was_wrong(client, member):
    wrong, unknown = log_in(client, "no"), log_in(client, "no", name="nobody")
    text = "User name and password do not fit together"
    assert text in wrong.content.decode()
    assert text in unknown.content.decode()


@pytest.mark.parametrize("name", ["x" * 151, "x" * 256, "\ufb01" * 150])  # the last grows to 300
def test_a_user_name_that_no_user_can_have_is_refused_and_kept_nowhere(client, member, name):
    response = log_in(client, PASSWORD, name=name)
    assert response.status_code == 200
    assert "A user name has up to 150 characters." in response.content.decode()
    assert not AccessAttempt.objects.exists()
    assert log_in(client, "no", name="x" * 150).status_code == 200
    assert AccessAttempt.objects.get().username == "x" * 150


def test_a_password_of_any_length_is_not_hashed(client, member, monkeypatch):
    hashed = []
    monkeypatch.setattr(
        "django.contrib.auth.backends.ModelBackend.authenticate",
        lambda *args, password=None, **kwargs: hashed.append(len(password)),
    )
    long = log_in(client, "x" * 100_000)
    assert "A password has up to 4096 characters." in long.content.decode()
    assert log_in(client, "x" * 4097).status_code == 200
    assert log_in(client, "x" * 4096).status_code == 200
    assert hashed == [4096]


def test_five_failures_lock_and_the_sixth_log_in_fails_with_the_right_password(client, member):
    for _ in range(4):
        assert log_in(client, "no").status_code == 200
    fifth = log_in(client, "no")
    assert fifth.status_code == 429
    assert "Log-in is locked for a while" in fifth.content.decode()

    sixth = log_in(client)
    assert sixth.status_code == 429
    assert "_auth_user_id" not in client.session


def test_four_failures_do_not_lock_and_a_success_forgives_them(client, member):
    for _ in range(4):
        log_in(client, "no")
    assert log_in(client).status_code == 302
    client.post("/logout/")
    for _ in range(4):
        log_in(client, "no")
    assert log_in(client).status_code == 302


def test_a_lock_is_for_that_user_at_that_place_only(client, member, fast_passwords):
    make_user(username="max", password=PASSWORD)
    for _ in range(5):
        log_in(client, "no")
    assert log_in(Client(), name="max").status_code == 302
    assert log_in(Client(), REMOTE_ADDR="10.1.2.3").status_code == 302


def test_logging_out_needs_a_form(as_anna):
    assert as_anna.get("/logout/").status_code == 405
    assert as_anna.post("/logout/").status_code == 302
    assert "_auth_user_id" not in as_anna.session


def test_a_part_asked_for_after_the_session_ended_leads_the_whole_page_to_the_log_in(client):
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/jobs/?quick=active"}
    response = client.get("/jobs/progress/", headers=headers, follow=True)
    assert response["HX-Redirect"] == "/login/?next=%2Fjobs%2F%3Fquick%3Dactive"


def test_a_changed_password_is_checked_and_keeps_the_session(client, member):
    client.force_login(member)
    data = {"old_password": PASSWORD, "new_password1": "short", "new_password2": "short"}
    assert "at least 12 characters" in client.post("/password/", data).content.decode()
    data |= {"new_password1": "eighteen red pears!", "new_password2": "eighteen red pears!"}
    assert client.post("/password/", data).status_code == 302
    assert client.get("/").status_code == 200


# menu and apps


def test_the_menu_shows_what_the_user_may_open(client, anna):
    client.force_login(anna)
    text = client.get("/").content.decode()
    assert 'href="/jobs/"' in text
    assert "Administration" not in text
    assert "Pricing rules" not in re.sub(r"<dialog.*?</dialog>", "", text, flags=re.S)

    anna.is_staff = True
    anna.save()
    assert "Administration" in client.get("/").content.decode()


@pytest.mark.requirement("CB-20")
def test_the_invoices_entry_opens_a_menu_of_its_own(client, anna):
    anna.user_permissions.add(Permission.objects.get(codename="view_invoice"))
    client.force_login(anna)
    text = client.get("/").content.decode()
    group = re.search(r'<li class="nav-group.*?</ul></li>', text, re.S).group()
    assert 'href="/invoicing/' in group
    assert '<ul class="nav-sub" aria-label="Invoices">' in group


@pytest.mark.requirement("L-32")
def test_the_apps_button_is_at_the_bottom_of_the_menu_and_explains_an_empty_drawer(as_anna):
    text = as_anna.get("/").content.decode()
    foot = text[text.index('class="side-foot"') :]
    assert 'data-bs-target="#apps"' in foot
    assert "No apps for you yet" in foot


def test_the_current_entry_is_marked_on_pages_below_it(as_anna, anna):
    text = as_anna.get(f"/jobs/{make_job(anna).pk}/").content.decode()
    entry = re.search(r'<a class="nav-entry is-current" href="([^"]+)"', text).group(1)
    assert entry == "/jobs/"


# theme


@pytest.mark.parametrize(
    ("cookie", "theme"), [(None, "light"), ("dark", "dark"), ("light", "light"), ("<x>", "light")]
)
def test_the_theme_of_the_cookie_is_in_the_first_byte_of_the_page(as_anna, cookie, theme):
    if cookie:
        as_anna.cookies["theme"] = cookie
    assert f'<html lang="en" data-bs-theme="{theme}">' in as_anna.get("/").content.decode()


def test_the_theme_is_kept_in_a_cookie_and_leads_back(as_anna):
    response = as_anna.post("/theme/", {"theme": "dark", "next": "/jobs/?sort=created_at"})
    assert response["Location"] == "/jobs/?sort=created_at"
    assert response.cookies["theme"].value == "dark"
    assert as_anna.post("/theme/", {"theme": "pink"}).status_code == 400


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:x", ""])
def test_the_theme_never_leads_elsewhere(as_anna, target):
    assert as_anna.post("/theme/", {"theme": "dark", "next": target})["Location"] == "/"


# errors


def test_a_missing_page_is_a_page_of_ours(as_anna):
    response = as_anna.get("/nowhere/")
    assert response.status_code == 404
    assert "There is nothing here" in response.content.decode()


def test_a_missing_right_is_a_page_of_ours(as_anna):
    response = as_anna.get("/things/")
    assert response.status_code == 403
    assert "You have no right to this page" in response.content.decode()


def test_a_broken_page_tells_no_secret_and_keeps_the_theme(as_anna):
    as_anna.raise_request_exception = False
    as_anna.cookies["theme"] = "dark"
    response = as_anna.get("/broken/")
    text = response.content.decode()
    assert response.status_code == 500
    assert "Something went wrong on our side" in text
    assert "secret" not in text
    assert 'data-bs-theme="dark"' in text


def test_the_page_of_a_broken_server_needs_no_database(django_assert_num_queries):
    with django_assert_num_queries(0):
        response = views.server_error(RequestFactory().get("/"))
    assert response.status_code == 500


def test_a_bad_request_is_a_page_of_ours():
    response = views.bad_request(RequestFactory().get("/"), BadRequest())
    assert response.status_code == 400
    assert "could not be read" in response.content.decode()


def test_a_form_without_its_token_is_refused_with_a_page_of_ours(anna):
    client = Client(enforce_csrf_checks=True)
    client.force_login(anna)
    response = client.post("/logout/")
    assert response.status_code == 403
    assert "The form was too old" in response.content.decode()


@pytest.mark.parametrize("name", ["400", "403", "404", "409", "429", "500", "403_csrf"])
def test_every_error_page_renders_without_context(name):
    assert "Quittance" in render_to_string(f"{name}.html")


# policy


def test_the_policy_allows_our_own_files_only(as_anna):
    policy = as_anna.get("/")["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "object-src 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy


@pytest.mark.parametrize("path", ON_SCREEN, ids=lambda path: str(path.relative_to(path.parents[2])))
def test_no_template_has_inline_script_style_or_handler(path):
    text = re.sub(
        r"\{#.*?#\}|\{% comment %\}.*?\{% endcomment %\}|\{%.*?%\}",
        "",
        path.read_text(),
        flags=re.S,
    )
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "inline script"
    assert not re.search(r"<style\b", text), "inline style sheet"
    assert not re.search(r"\sstyle\s*=", text), "style attribute"
    assert not re.search(r"\son[a-z]+\s*=\s*[\"']", text), "inline handler"
    assert "hx-on" not in text, "htmx handler, needs eval"
    assert not re.search(r"hx-(vals|headers)=['\"]\s*js:", text), "needs eval"
    assert "javascript:" not in text


def test_rendered_pages_have_no_inline_script_or_style(as_anna):
    for address in ("/", "/jobs/", "/password/", "/search/?q=ab", "/nowhere/"):
        text = as_anna.get(address).content.decode()
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style\b|\sstyle=|\son[a-z]+=\"", text), (
            address
        )


def test_htmx_is_told_to_stay_within_the_policy(as_anna):
    text = as_anna.get("/").content.decode()
    config = json.loads(re.search(r"name=\"htmx-config\" content='([^']+)'", text).group(1))
    assert config["includeIndicatorStyles"] is False
    assert config["allowEval"] is False


# search


def test_the_search_asks_only_providers_that_the_user_may_use(as_anna, anna, monkeypatch):
    asked = []

    def find(text, user, limit):
        asked.append((text, user, limit))
        return [search.SearchHit("Acme <b>", "/x/", "C1", "users")]

    provider = search.Provider("Customers", "auth.view_group", find)
    monkeypatch.setattr(search, "_PROVIDERS", {"Customers": provider})
    assert "Nothing found" in as_anna.get("/search/?q=acme").content.decode()
    anna.user_permissions.add(Permission.objects.get(codename="view_group"))

    assert "Acme &lt;b&gt;" in as_anna.get("/search/?q= acme ").content.decode()
    part = as_anna.get("/search/?q=acme", headers={"HX-Request": "true"}).content.decode()
    assert part.startswith('<div class="hits">')
    assert asked == [("acme", anna, 25), ("acme", anna, 5)]


@pytest.mark.parametrize("text", ["", "a", " a ", "%00", "%00a"])
def test_the_search_waits_for_two_characters(as_anna, text):
    assert "at least two characters" in as_anna.get(f"/search/?q={text}").content.decode()


# health


def test_health_is_open_and_asks_nobody(client, django_assert_num_queries):
    with django_assert_num_queries(0):
        assert client.get("/healthz").json() == {"status": "ok"}


def test_ready_when_database_redis_and_migrations_are(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json()["status"]) == (200, "ready")


def test_not_ready_without_redis(client, monkeypatch):
    def away(self):
        raise redis.ConnectionError

    monkeypatch.setattr(redis.Redis, "ping", away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"] == {"database": True, "migrations": True, "redis": False}


def test_not_ready_without_the_database(client, monkeypatch):
    def away(*args):
        raise DatabaseError

    monkeypatch.setattr(health, "MigrationExecutor", away)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["database"] is False


def test_not_ready_with_migrations_to_run(client, monkeypatch):
    monkeypatch.setattr(
        health.MigrationExecutor, "migration_plan", lambda self, targets: ["something"]
    )
    response = client.get("/readyz")
    assert response.status_code == 503
    assert response.json()["checks"]["migrations"] is False


@pytest.mark.django_db
def test_no_cache_keeps_the_pages_of_somebody(client, client_for):
    assert client_for().get("/").headers["Cache-Control"] == "private, no-cache"
    assert "private, no-cache" not in client.get("/healthz").headers.get("Cache-Control", "")
