"""Amounts, statuses, moments, icons, timelines and the files behind them."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pghistory
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders
from django.db import models
from django.template.loader import render_to_string
from django.utils.html import strip_tags

from billing_site.web import timelines
from billing_site.web.enums import JobStatus
from billing_site.web.models import Job
from billing_site.web.templatetags import quittance as tags
from billing_site.web.timelines import timeline_of
from billing_site.web.vendor import FILES, ICONS, NodeModulesFinder, NodeModulesStorage
from ledger.models import Customer
from tests.builders import make_cluster, make_customer, make_user

ICON_SHEET = Path(settings.BASE_DIR, "static/css/icons.css")
NO_PACKAGES = not Path(settings.BASE_DIR, "node_modules/@tabler/core").exists()
needs_packages = pytest.mark.skipif(NO_PACKAGES, reason="run `npm ci --ignore-scripts` first")


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (Decimal("1234.5"), "EUR", "1,234.50"),
        (Decimal("1234"), "JPY", "1,234"),
        (Decimal("1.5"), "BHD", "1.500"),
        (Decimal("-0.01"), "EUR", "-0.01"),
        (7, "EUR", "7.00"),
    ],
)
def test_an_amount_has_the_decimals_of_its_currency(amount, currency, text):
    shown = re.sub(r"<[^>]+>", "", tags.money(amount, currency))
    assert shown.replace("\N{MINUS SIGN}", "-") == text


def test_no_amount_is_a_dash_and_not_zero():
    assert "–" in tags.money(None, "EUR")


def test_a_status_is_a_word_and_a_colour():
    badge = tags.status(Job(status=JobStatus.COMPLETED_WITH_ERRORS))
    assert "Completed with errors" in badge
    assert "status-amber" in badge


def test_texts_are_escaped():
    assert "<b>" not in tags.badge("<b>")
    assert "<b>" not in tags.money(Decimal(1), "EUR", True).replace("<span", "")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (89, "89 s"),
        (90, "2 min"),
        (5369, "89 min"),
        (5370, "1 h 30 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_in_words(seconds, text):
    assert tags.duration(dt.timedelta(seconds=seconds)) == text


def test_moments_are_in_the_zone_of_the_firm():
    shown = tags.moment(dt.datetime(2026, 3, 28, 23, 30, tzinfo=dt.UTC))
    assert "29 Mar 2026, 00:30" in shown
    assert "29 Mar 2026" in tags.day(dt.datetime(2026, 3, 28, 23, 30, tzinfo=dt.UTC))


def test_every_icon_of_the_list_has_its_rule_and_no_other():
    named = set(re.findall(r"\.icon-mask-([a-z0-9-]+)\{", ICON_SHEET.read_text()))
    assert named == set(ICONS)


def test_a_missing_icon_is_an_error_of_the_template():
    with pytest.raises(ValueError, match="unicorn"):
        tags.icon("unicorn")


def test_templates_name_only_icons_of_the_list():
    for path in Path(settings.BASE_DIR, "templates").rglob("*.html"):
        named = set(re.findall(r"""\bicon(?: |=)["']([a-z0-9-]+)["']""", path.read_text()))
        assert named <= set(ICONS), path


@needs_packages
def test_the_listed_files_are_served_and_nothing_else_of_node_modules():
    for name in FILES:
        assert finders.find(f"vendor/{name}"), name
    assert not NodeModulesFinder().check()
    for name in (
        "vendor/axe-core/axe.min.js",
        "vendor/../package.json",
        "vendor/",
        "inter/latin.woff2",
    ):
        assert not finders.find(name), name
    with pytest.raises(FileNotFoundError):
        NodeModulesStorage().path("../package.json")


def test_missing_packages_are_named_with_the_command(settings, tmp_path):
    settings.BASE_DIR = tmp_path
    [warning] = NodeModulesFinder().check()
    assert "npm ci" in warning.hint


# timeline


def test_a_timeline_tells_who_changed_what_from_what_to_what(anna):
    customer = make_customer(name="Acme", code="C1")
    cluster = make_cluster("North")
    with pghistory.context(user=anna.pk):
        Customer.objects.filter(pk=customer.pk).update(name="Acme Ltd", cluster=cluster)

    [changed, created], more = timeline_of(customer, limit=10)

    assert not more
    assert (created.verb, created.who) == ("Created", "")
    assert (changed.verb, changed.who) == ("Changed", "Anna Roth")
    changes = {change.field: (change.before, change.after) for change in changed.changes}
    assert changes["Name"] == ("Acme", "Acme Ltd")
    assert changes["Cluster"][1] == str(cluster)


def test_a_timeline_shows_values_as_the_product_does(settings, db):
    settings.TIME_ZONE = "Europe/Berlin"
    joined = dt.datetime(2026, 3, 5, 23, 30, 59, 123456, tzinfo=dt.UTC)
    user = make_user(date_joined=joined, email="")
    user.email, user.is_staff = "a@example.org", True
    user.date_joined = joined + dt.timedelta(days=1)
    user.save()
    user.email = ""
    user.save()

    [emptied, changed, created], _ = timeline_of(user, limit=10)

    assert not created.changes
    assert {change.field: (change.before, change.after) for change in changed.changes} == {
        "Date joined": ("06 Mar 2026, 00:30", "07 Mar 2026, 00:30"),
        "Email address": ("", "a@example.org"),
        "Staff status": ("No", "Yes"),
    }
    [emptied_email] = emptied.changes
    assert (emptied_email.before, emptied_email.after) == ("a@example.org", "")
    shown = " ".join(
        strip_tags(render_to_string("web/_timeline.html", {"entries": [emptied, changed]})).split()
    )
    assert "Email address: a@example.org → –" in shown
    assert "Email address: – → a@example.org" in shown
    assert "123456" not in shown


AMOUNT = models.DecimalField(max_digits=19, decimal_places=4)


@pytest.mark.parametrize(
    ("currency", "shown"),
    [("EUR", "3,376.40"), ("JPY", "3,376.4"), ("BHD", "3,376.400"), ("", "3,376.4")],
)
def test_an_amount_of_a_history_has_the_decimals_of_its_currency(currency, shown):
    assert timelines._text(AMOUNT, "net_total", "3376.4000", {}, currency) == shown


@pytest.mark.parametrize(
    ("field", "kept", "shown"),
    [
        (models.DecimalField(), "2.620000000000000", "2.62"),
        (models.DecimalField(), "1E+2", "100"),
        (models.DecimalField(), "once a text", "once a text"),
        (models.DateField(), "2026-03-05", "05 Mar 2026"),
        (models.DateTimeField(), "2026-03-05T10:00:00.5+00:00", "05 Mar 2026, 11:00"),
        (models.DateTimeField(), "yesterday", "yesterday"),
        (models.CharField(), "2026-03-05", "2026-03-05"),
        (None, "2.50", "2.50"),
    ],
)
def test_what_an_event_kept_is_shown_by_the_kind_of_its_field(settings, field, kept, shown):
    settings.TIME_ZONE = "Europe/Berlin"
    assert timelines._text(field, "x", kept, {}) == shown


def test_a_timeline_of_many_changes_costs_a_fixed_number_of_queries(
    anna, django_assert_max_num_queries
):
    customer = make_customer()
    with pghistory.context(user=anna.pk):
        for n in range(12):
            Customer.objects.filter(pk=customer.pk).update(name=f"N{n}", cluster=make_cluster())

    with django_assert_max_num_queries(4):
        entries, more = timeline_of(customer, limit=10)

    assert len(entries) == 10
    assert more
