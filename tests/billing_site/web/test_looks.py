"""Amounts, statuses, moments, icons, timelines and the files behind them."""

import datetime as dt
import re
from decimal import Decimal
from pathlib import Path

import pghistory
import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

from billing_site.web.enums import JobStatus
from billing_site.web.models import Job
from billing_site.web.templatetags import quittance as tags
from billing_site.web.timelines import timeline_of
from billing_site.web.vendor import FILES, ICONS, NodeModulesFinder, NodeModulesStorage
from ledger.models import Customer
from tests.builders import make_cluster, make_customer

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
