"""The administration: reference data is edited with words, money is read and never written."""

import datetime as dt
from decimal import Decimal

import pytest
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.urls import reverse

from approvals.models import ApprovalProcess, Decision, Review
from billing_site.web.admin_pages import ReadOnlyAdmin
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
from invoicing.models import (
    ImportBatch,
    Invoice,
    InvoiceItem,
    NumberCounter,
    NumberScheme,
    PricingRule,
    Purchase,
    TransformationResult,
)
from ledger.models import (
    Contract,
    ContractAccount,
    Customer,
    CustomerCluster,
    Firm,
    LedgerEntry,
    Payment,
)
from tests import builders

pytestmark = pytest.mark.django_db
READ_ONLY = (
    AccessAttempt,
    AccessFailureLog,
    AccessLog,
    Contract,
    ContractAccount,
    Customer,
    Decision,
    ImportBatch,
    Invoice,
    InvoiceItem,
    LedgerEntry,
    NumberCounter,
    Payment,
    PricingRule,
    Purchase,
    Review,
    TransformationResult,
)
EDITED = (ApprovalProcess, BillingPlatform, CatalogueItem, CustomerCluster, NumberScheme, Firm)


@pytest.fixture
def administrator(client):
    user = User.objects.create_superuser("root", password=None)
    client.force_login(user)
    return client


def page(model, name, *args):
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_{name}", args=args)


def posted(client, url, **data):
    return client.post(url, data, follow=True)


def text_of(response):
    return response.content.decode()


@pytest.mark.parametrize("model", READ_ONLY, ids=lambda model: model.__name__)
def test_records_of_money_are_read_and_never_written(administrator, model):
    pages = admin.site.get_model_admin(model)
    assert isinstance(pages, ReadOnlyAdmin)
    assert administrator.get(page(model, "changelist")).status_code == 200
    assert administrator.get(page(model, "changelist") + "?q=x").status_code == 200
    assert administrator.get(page(model, "add")).status_code == 403
    assert administrator.post(page(model, "add"), {}).status_code == 403


@pytest.mark.requirement("L-2")
@pytest.mark.parametrize("model", EDITED, ids=lambda model: model.__name__)
def test_reference_data_has_a_list_and_a_form(administrator, model):
    assert administrator.get(page(model, "changelist")).status_code == 200
    assert administrator.get(page(model, "changelist") + "?q=x").status_code == 200
    assert administrator.get(page(model, "add")).status_code == 200


def test_an_invoice_is_shown_and_neither_changed_nor_deleted(administrator):
    invoice = builders.make_invoice()
    builders.make_purchase(invoice)

    shown = administrator.get(page(Invoice, "change", invoice.pk))
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert administrator.post(page(Invoice, "change", invoice.pk), {}).status_code == 403
    assert administrator.post(page(Invoice, "delete", invoice.pk), {}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": invoice.pk, "post": "yes"}
    administrator.post(page(Invoice, "changelist"), action)
    assert Invoice.objects.filter(pk=invoice.pk).exists()


@pytest.mark.requirement("L-3", "L-14")
def test_a_platform_is_created_by_its_name_alone_and_gets_notes_later(administrator):
    form = administrator.get(page(BillingPlatform, "add")).context["adminform"].form
    assert list(form.fields) == ["name"]

    posted(administrator, page(BillingPlatform, "add"), name="Affinity")

    platform = BillingPlatform.objects.get(name="Affinity")
    assert not platform.is_in_house
    posted(
        administrator,
        page(BillingPlatform, "change", platform.pk),
        name="Affinity",
        notes="See the guide",
        link="https://example.com/affinity",
    )
    platform.refresh_from_db()
    assert (platform.notes, platform.link) == ("See the guide", "https://example.com/affinity")


@pytest.mark.requirement("L-2")
def test_there_may_be_any_number_of_platforms_but_no_two_of_a_name(administrator):
    posted(administrator, page(BillingPlatform, "add"), name="Affinity")
    posted(administrator, page(BillingPlatform, "add"), name="Daisy")
    again = posted(administrator, page(BillingPlatform, "add"), name="Daisy")

    assert "names are unique" in text_of(again)
    assert BillingPlatform.objects.external().count() == 2


@pytest.mark.requirement("L-4")
@pytest.mark.parametrize("role", ["Finance", "Invoice approval", "Auditor"])
@pytest.mark.parametrize("is_staff", [False, True])
def test_only_administrators_define_platforms(client, role, is_staff):
    client.force_login(builders.make_user(role, is_staff=is_staff))

    answer = client.post(page(BillingPlatform, "add"), {"name": "Affinity"})

    assert answer.status_code in (302, 403)
    assert not BillingPlatform.objects.external().exists()


@pytest.mark.requirement("L-2")
def test_the_in_house_platform_is_not_deleted(administrator):
    platform = BillingPlatform.objects.get(is_in_house=True)

    shown = administrator.get(page(BillingPlatform, "delete", platform.pk))
    posted(administrator, page(BillingPlatform, "delete", platform.pk), post="yes")
    action = {"action": "delete_selected", "_selected_action": platform.pk, "post": "yes"}
    administrator.post(page(BillingPlatform, "changelist"), action, follow=True)

    assert "renamed, and never deleted" in text_of(shown)
    assert BillingPlatform.objects.filter(pk=platform.pk).exists()


@pytest.mark.parametrize("name", ["", "   "])
def test_the_in_house_platform_keeps_a_name(administrator, name):
    platform = BillingPlatform.objects.get(is_in_house=True)

    answer = posted(administrator, page(BillingPlatform, "change", platform.pk), name=name)

    assert "This field is required" in text_of(answer)
    platform.refresh_from_db()
    assert platform.name == "In-house"


def test_a_platform_that_is_a_route_stays(administrator):
    platform = BillingPlatform.objects.create(name="Affinity")
    builders.make_item(recurring_route=platform)

    answer = administrator.get(page(BillingPlatform, "delete", platform.pk))
    posted(administrator, page(BillingPlatform, "delete", platform.pk), post="yes")

    assert "protected" in text_of(answer)
    assert BillingPlatform.objects.filter(pk=platform.pk).exists()


@pytest.mark.parametrize(
    ("model", "make"),
    [
        (CustomerCluster, builders.make_cluster),
        (ProductCategory, builders.make_category),
    ],
)
def test_a_branch_is_moved_and_never_below_itself(administrator, model, make):
    top = make("Top")
    leaf = make("Leaf", top)

    refused = posted(administrator, page(model, "change", top.pk), name="Top", parent=str(leaf.pk))
    assert "cannot be placed below itself" in text_of(refused)
    posted(administrator, page(model, "change", leaf.pk), name="Leaf", parent="")
    leaf.refresh_from_db()
    assert leaf.path == [leaf.pk]
    hidden = posted(administrator, page(model, "add"), name="a\u202eb")
    assert "invisible character" in text_of(hidden)
    again = posted(administrator, page(model, "add"), name="Top")
    assert "names are unique" in text_of(again)
    assert model.objects.count() == 2


@pytest.mark.requirement("H-CB11")
@pytest.mark.parametrize(
    ("number_format", "reset", "said"),
    [
        ("R{yyyy}", "yearly", "exactly one"),
        ("R{####}", "yearly", "does not show the year"),
        ("R{yyyy}-{####}", "monthly", "does not show the month"),
        ("R{year}-{####}", "never", "is not known"),
    ],
)
def test_a_number_format_that_repeats_numbers_is_refused(administrator, number_format, reset, said):
    scheme = NumberScheme.objects.get()
    answer = posted(
        administrator,
        page(NumberScheme, "change", scheme.pk),
        name=scheme.name,
        format=number_format,
        first_number="1",
        reset=reset,
        date_source="approval",
        customer_cluster="",
    )

    assert said in text_of(answer)
    scheme.refresh_from_db()
    assert scheme.format == "R{yyyy}-{####}"


@pytest.mark.requirement("H-CB11")
def test_a_scheme_whose_numbers_are_used_keeps_its_beginning(administrator):
    scheme = NumberScheme.objects.get()
    data = {
        "name": scheme.name,
        "format": "INV{yyyy}-{#####}",
        "first_number": "1",
        "reset": "never",
        "date_source": "approval",
        "customer_cluster": "",
    }
    NumberCounter.objects.create(scheme=scheme, key="2026", last_number=4)

    refused = posted(administrator, page(NumberScheme, "change", scheme.pk), **data)
    assert "on invoices already" in text_of(refused)
    posted(administrator, page(NumberScheme, "change", scheme.pk), **data | {"reset": "yearly"})
    scheme.refresh_from_db()
    assert (scheme.format, scheme.reset) == ("INV{yyyy}-{#####}", "yearly")


def test_a_second_scheme_or_process_for_everybody_is_refused_in_words(administrator):
    scheme = posted(
        administrator,
        page(NumberScheme, "add"),
        name="Second",
        format="S{####}",
        first_number="1",
        reset="never",
        date_source="approval",
        customer_cluster="",
    )
    process = posted(
        administrator,
        page(ApprovalProcess, "add"),
        **steps(name="Second"),
    )

    assert "for all customers already" in text_of(scheme)
    assert "for all customers already" in text_of(process)
    assert NumberScheme.objects.count() == ApprovalProcess.objects.count() == 1


def steps(*groups, **fields):
    data = {"customer_cluster": "", "steps-TOTAL_FORMS": "1", "steps-INITIAL_FORMS": "0"}
    data |= {"steps-0-position": "1", "steps-0-group": "", "steps-0-process": ""}
    for number, group in enumerate(groups):
        data |= {f"steps-{number}-position": str(number + 1), f"steps-{number}-group": group.pk}
    return data | fields


@pytest.mark.requirement("H-CB7", "K-17")
def test_a_process_needs_a_step(administrator):
    from django.contrib.auth.models import Group

    cluster = builders.make_cluster()
    group = Group.objects.get(name="Finance")
    data = {"name": "Finance first", "customer_cluster": cluster.pk}

    refused = posted(administrator, page(ApprovalProcess, "add"), **steps(**data))
    assert "at least one step" in text_of(refused)
    posted(administrator, page(ApprovalProcess, "add"), **steps(group, **data))
    assert ApprovalProcess.objects.get(customer_cluster=cluster).steps.get().group == group


def test_there_is_one_firm(administrator):
    data = {"name": "Nordlicht", "country": "DE", "city": "Hamburg"}
    posted(administrator, page(Firm, "add"), **data)

    assert Firm.objects.get().name == "Nordlicht"
    assert administrator.get(page(Firm, "add")).status_code == 403
    assert administrator.post(page(Firm, "delete", 1), {"post": "yes"}).status_code == 403
    refused = posted(administrator, page(Firm, "change", 1), **data | {"country": "XX"})
    assert "no ISO 3166 country code" in text_of(refused)


def test_the_bank_codes_of_the_firm_are_checked_and_kept_compact(administrator):
    data = {"name": "Nordlicht", "country": "DE", "city": "Hamburg"}
    posted(administrator, page(Firm, "add"), **data)  # without a bank

    pasted = {"iban": "de89 3704 0044 0532 0130 00", "bic": "bylade m1 001"}
    posted(administrator, page(Firm, "change", 1), **data | pasted)
    firm = Firm.objects.get()
    assert (firm.iban, firm.bic) == ("DE89370400440532013000", "BYLADEM1001")
    wrong = {"iban": "DE89370400440532013001", "bic": "BYLADE"}
    refused = text_of(posted(administrator, page(Firm, "change", 1), **data | wrong))
    assert "The check digits 89 do not fit" in refused
    assert "BYLADE is no BIC" in refused
    assert Firm.objects.get().iban == "DE89370400440532013000"


def test_a_price_is_typed_in_digits_and_its_stored_zero_can_be_sent_back(administrator):
    item = builders.make_item(upfront_price=Decimal(0), recurring_price=Decimal("4.90"))
    address = page(CatalogueItem, "change", item.pk)
    form = administrator.get(address).context["adminform"].form
    data = {name: form[name].value() or "" for name in form.fields}
    assert (data["upfront_price"], data["recurring_price"]) == ("0", "4.9")

    refused = administrator.post(address, data | {"recurring_price": "1e5"})
    assert "This is no number." in text_of(refused)
    assert administrator.post(address, data | {"name": "Line"}).status_code == 302
    item.refresh_from_db()
    assert (item.name, item.upfront_price, item.recurring_price) == ("Line", 0, Decimal("4.9"))


def test_clusters_and_categories_are_never_offered_as_a_long_list(administrator):
    for model in (CustomerCluster, ProductCategory, CatalogueItem, NumberScheme, ApprovalProcess):
        form = administrator.get(page(model, "add")).content.decode()
        assert "admin-autocomplete" in form


def test_the_log_in_of_the_administration_takes_what_a_user_can_have(client):
    User.objects.create_superuser("root", password="seventeen green apples")
    User.objects.create_user("clerk", password="seventeen green apples")
    address = reverse("admin:login")

    def answer(username, password="seventeen green apples"):
        return client.post(address, {"username": username, "password": password})

    assert "A user name has up to 150 characters." in text_of(answer("x" * 256))
    assert "A password has up to 4096 characters." in text_of(answer("root", "x" * 100_000))
    assert not AccessAttempt.objects.exists()
    assert "for a staff account" in text_of(answer("clerk"))
    assert answer("root").status_code == 302


def failure(model, **fields):
    return model.objects.create(
        username="fin",
        ip_address="127.0.0.1",
        attempt_time=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        **fields,
    )


def test_locked_logins_are_listed_and_reset(administrator):
    one, other = (
        failure(AccessAttempt, failures_since_start=5, user_agent=agent) for agent in "ab"
    )
    shown = administrator.get(page(AccessAttempt, "change", one.pk))
    assert b'name="_save"' not in shown.content
    assert administrator.post(page(AccessAttempt, "change", one.pk), {}).status_code == 403

    assert "fin" in text_of(administrator.get(page(AccessAttempt, "changelist")))
    posted(administrator, page(AccessAttempt, "delete", one.pk), post="yes")
    assert AccessAttempt.objects.get() == other
    action = {"action": "delete_selected", "_selected_action": other.pk, "post": "yes"}
    posted(administrator, page(AccessAttempt, "changelist"), **action)
    assert not AccessAttempt.objects.exists()


@pytest.mark.parametrize("model", [AccessLog, AccessFailureLog])
def test_who_logged_in_is_neither_changed_nor_deleted(administrator, model):
    model.objects.all().delete()  # the administrator's own
    row = failure(model)

    shown = administrator.get(page(model, "change", row.pk))
    assert shown.status_code == 200
    assert b'name="_save"' not in shown.content
    assert administrator.post(page(model, "change", row.pk), {}).status_code == 403
    assert administrator.post(page(model, "delete", row.pk), {"post": "yes"}).status_code == 403
    action = {"action": "delete_selected", "_selected_action": row.pk, "post": "yes"}
    administrator.post(page(model, "changelist"), action)
    assert model.objects.get() == row


def test_what_an_administrator_does_is_logged(administrator):
    posted(administrator, page(BillingPlatform, "add"), name="Affinity")

    assert LogEntry.objects.get().object_repr == "Affinity"
