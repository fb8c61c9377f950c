"""Pages of customers, contracts, clusters and ledgers: what they show, to whom, at what cost."""

import csv
import datetime as dt
import io
import json
import uuid
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from ledger.enums import EntryType
from ledger.models import Contract, Customer, LedgerEntry, Payment
from ledger.services.customers import update_customer
from ledger.services.entries import Posting, post_entries
from ledger.services.payments import record_payment
from tests import builders
from tests.ledger.visits import AT, form_data, post, text_of

pytestmark = pytest.mark.django_db
LATER = dt.datetime(2018, 5, 31, 6, 24, 38, tzinfo=dt.UTC)


# The story of the Billwerk ledger (requirements, test 1)


@pytest.mark.requirement("B-12", "B-13", "B-15", "B-20", "B-21", "B-22", "B-23", "B-24")
def test_the_contract_page_shows_its_ledger_newest_first(finance):
    customer = builders.make_customer()
    contract = customer.contracts.get()
    post(contract)
    open_page = text_of(finance.get(contract.get_absolute_url()))
    record_payment(
        account=contract.account,
        operation=uuid.uuid4(),
        method="bank_transfer",
        amount=Decimal("89.25"),
        at=LATER,
        transaction_reference="TX-1",
    )

    shown = text_of(finance.get(contract.get_absolute_url()))

    assert "Open claims" in open_page
    assert "All settled" in shown
    assert shown.index("Transaction: TX-1") < shown.index("Invoice: R2018-0022")
    assert ">+89.25<" in shown.replace("owed </span>", ">")
    assert "\u221289.25" in shown
    assert reverse("invoicing:invoice-detail", args=[22]) in shown
    for word in ("GrossAmount", "14 Jun 2018", "31 May 2018", "0.00", "EUR", "confirmed"):
        assert word in shown


@pytest.mark.requirement("B-27", "B-16", "B-17", "B-18", "B-19")
def test_the_ledger_is_exported_as_json_xlsx_and_csv(finance):
    contract = builders.make_customer().contracts.get()
    other = builders.make_customer().contracts.get()
    post(contract)
    post(other, amount="5.00")

    listed = json.loads(text_of(finance.get(reverse("ledger:ledger-json", args=[contract.pk]))))
    address = reverse("ledger:entry-list")
    query = {"contract": contract.reference, "part": "export"}
    rows = list(
        csv.DictReader(io.StringIO(text_of(finance.get(address, query | {"format": "csv"}))))
    )
    workbook = finance.get(address, query | {"format": "xlsx"})

    assert [entry["Amount"] for entry in listed] == [89.25]
    assert [(row["Contract"], row["Type"]) for row in rows] == [(contract.reference, "Receivable")]
    assert Decimal(rows[0]["Amount"]) == Decimal("89.25")
    assert b"".join(workbook.streaming_content).startswith(b"PK")


@pytest.mark.requirement("B-14", "K-15")
def test_the_customer_page_is_the_journal_of_all_contracts(finance):
    customer = builders.make_customer()
    euro = customer.contracts.get()
    dollar = builders.make_contract(customer, currency="USD")
    post(euro, fact="invoice:1", description="Invoice: first")
    post(dollar, fact="invoice:2", amount="7.00", description="Invoice: second", at=LATER)
    post(builders.make_customer().contracts.get(), description="Invoice: foreign")

    shown = text_of(finance.get(customer.get_absolute_url()))

    assert shown.index("Invoice: second") < shown.index("Invoice: first")
    assert "Invoice: foreign" not in shown
    assert "96.25" not in shown  # unlike currencies are never added
    assert reverse("ledger:contract-detail", args=[dollar.pk]) in shown


@pytest.mark.requirement("B-22")
def test_a_long_ledger_is_leafed_through_without_loss(finance):
    contract = builders.make_customer().contracts.get()
    post_entries(
        postings=[
            Posting(
                account_id=contract.account.pk,
                type=EntryType.RECEIVABLE,
                fact=f"invoice:{n}",
                description=f"Entry {n:03}.",
                currency="EUR",
                amount=Decimal("1.00"),
                booking_date=dt.date(2026, 1, 1),
            )
            for n in range(60)
        ],
        at=AT,
    )

    first = finance.get(contract.get_absolute_url())
    page = first.context["page"]
    second = finance.get(contract.get_absolute_url(), {"after": page.next_after})
    third = finance.get(contract.get_absolute_url(), {"after": second.context["page"].next_after})
    seen = [
        row.sequence for response in (first, second, third) for row in response.context["page"].rows
    ]

    assert seen == list(range(60, 0, -1))
    assert not third.context["page"].has_next
    forged = finance.get(contract.get_absolute_url(), {"after": "forged"})
    assert [row.sequence for row in forged.context["page"].rows] == seen[:25]


# Forms


@pytest.mark.requirement("H-CB6", "CB-5", "CB-6", "CB-15")
def test_a_customer_is_created_with_everything_an_invoice_needs(finance):
    cluster = builders.make_cluster()
    answer = finance.post(
        reverse("ledger:customer-create"),
        form_data(
            cluster=cluster.pk,
            frequency_count="3",
            metadata_key=["Cost centre", ""],
            metadata_value=["4711", ""],
        ),
        follow=True,
    )

    customer = Customer.objects.get(code="NORD-1")
    assert customer.metadata == {"Cost centre": "4711"}
    assert customer.frequency_count == 3
    assert customer.contracts.get().account.balance == 0
    assert "The first invoices appear within a minute" in text_of(answer)
    assert "4711" in text_of(answer)


def test_what_does_not_fit_is_refused_in_words_and_kept_in_the_form(finance):
    answer = finance.post(
        reverse("ledger:customer-create"),
        form_data(
            name="<b>Bold</b>",
            cluster="",
            bill_from="2026-02-30",
            time_zone="Mars/Base",
            country="XX",
            metadata_key=["", "Twice", "Twice"],
            metadata_value=["orphan", "1", "2"],
        ),
    )

    shown = text_of(answer)
    assert answer.status_code == 422
    assert "Give it as YYYY-MM-DD" in shown
    assert "Mars/Base is no time zone" in shown
    assert "Row 1 has a value but no name" in shown
    assert "&lt;b&gt;Bold&lt;/b&gt;" in shown
    assert "<b>Bold</b>" not in shown
    assert not Customer.objects.exists()


@pytest.mark.parametrize(
    ("day", "stored"),
    [("1989-12-31", False), ("1990-01-01", True), ("2099-12-31", True), ("2100-01-01", False)],
)
def test_bill_from_is_a_sensible_day(finance, day, stored):
    finance.post(
        reverse("ledger:customer-create"),
        form_data(cluster=builders.make_cluster().pk, bill_from=day),
    )

    assert Customer.objects.exists() is stored


def test_a_second_customer_of_a_code_is_refused_beside_the_field(finance):
    builders.make_customer(code="NORD-1")
    answer = finance.post(
        reverse("ledger:customer-create"), form_data(cluster=builders.make_cluster().pk)
    )

    assert answer.status_code == 422
    assert "codes are unique" in str(answer.context["form"].errors["code"])


@pytest.mark.requirement("H-CB6")
def test_the_code_in_a_forged_form_is_ignored(finance):
    customer = builders.make_customer(code="KEEP")
    page = finance.get(reverse("ledger:customer-edit", args=[customer.pk]))
    version = page.context["form"]["version"].value()
    finance.post(
        reverse("ledger:customer-edit", args=[customer.pk]),
        form_data(code="OTHER", cluster=customer.cluster_id, version=version),
    )

    customer.refresh_from_db()
    assert (customer.code, customer.name) == ("KEEP", "Nordwind")


def test_an_edit_on_top_of_another_one_says_what_changed_and_can_be_repeated(finance):
    customer = builders.make_customer(name="Old", city="Kiel")
    address = reverse("ledger:customer-edit", args=[customer.pk])
    version = finance.get(address).context["form"]["version"].value()
    update_customer(customer_id=customer.pk, fields={"city": "Lübeck"})
    data = form_data(cluster=customer.cluster_id, name="Mine", city="Kiel", version=version)

    stale = finance.post(address, data)
    customer.refresh_from_db()
    assert stale.status_code == 409
    assert "City is now “Lübeck”" in text_of(stale)
    assert 'value="Mine"' in text_of(stale)
    assert customer.name == "Old"
    again = finance.post(address, data | {"version": stale.context["form"]["version"].value()})
    customer.refresh_from_db()
    assert again.status_code == 302
    assert (customer.name, customer.city) == ("Mine", "Kiel")


@pytest.mark.requirement("H-CB6", "CB-17")
def test_bill_from_of_a_billed_customer_is_refused_beside_the_field(finance):
    customer = builders.make_invoice().customer
    answer = finance.post(
        reverse("ledger:customer-edit", args=[customer.pk]),
        form_data(
            cluster=customer.cluster_id,
            bill_from="2026-05-01",
            version=finance.get(reverse("ledger:customer-edit", args=[customer.pk]))
            .context["form"]["version"]
            .value(),
        ),
    )

    assert answer.status_code == 422
    assert "has invoices already" in str(answer.context["form"].errors["bill_from"])


@pytest.mark.requirement("H-CB6")
def test_billing_is_suspended_with_a_reason_and_resumed(finance):
    customer = builders.make_customer()
    suspend = reverse("ledger:customer-suspend", args=[customer.pk])

    assert finance.post(suspend, {"reason": ""}).status_code == 422
    shown = text_of(finance.post(suspend, {"reason": "Insolvency"}, follow=True))
    assert "Insolvency" in shown
    finance.post(reverse("ledger:customer-resume", args=[customer.pk]))
    customer.refresh_from_db()
    assert not customer.suspended


@pytest.mark.requirement("H-B2", "R6")
def test_a_payment_form_sent_twice_records_one_payment(finance):
    contract = builders.make_customer().contracts.get()
    address = reverse("ledger:payment-create", args=[contract.pk])
    form = finance.get(address).context["form"]
    data = {
        "operation": form["operation"].value(),
        "amount": "89.25",
        "method": "bank_transfer",
        "booking_date": "",
        "is_checked": "on",
    }

    finance.post(address, data)
    finance.post(address, data)

    assert Payment.objects.count() == LedgerEntry.objects.count() == 1
    contract.account.refresh_from_db()
    assert contract.account.balance == Decimal("-89.25")
    assert "In credit" in text_of(finance.get(contract.get_absolute_url()))


@pytest.mark.requirement("H-B2")
@pytest.mark.parametrize(
    ("changes", "doubt"),
    [
        ({}, ""),
        ({"amount": "89.26"}, "The contract owes 89.25 EUR; what is above stays as a credit."),
        ({"booking_date": "1990-01-01"}, "is more than 90 days ago"),
        ({"transaction_reference": "TX-2"}, ""),
        ({"transaction_reference": "TX-1"}, "with the reference TX-1 is recorded already"),
    ],
)
def test_an_unusual_payment_is_asked_about_before_it_is_recorded(finance, changes, doubt):
    contract = builders.make_customer().contracts.get()
    post(contract, "99.25")
    first = {"operation": uuid.uuid4(), "method": "bank_transfer", "transaction_reference": "TX-1"}
    record_payment(account=contract.account, amount=Decimal(10), at=timezone.now(), **first)
    address = reverse("ledger:payment-create", args=[contract.pk])
    data = {"operation": str(uuid.uuid4()), "amount": "89.25", "method": "bank_transfer"} | changes
    answer = finance.post(address, data)
    assert Payment.objects.count() == (1 if doubt else 2)
    if doubt:
        assert answer.status_code == 422
        assert doubt in text_of(answer)
        finance.post(address, data | {"is_checked": "on"})
        assert Payment.objects.count() == 2


@pytest.mark.requirement("H-B2")
@pytest.mark.parametrize(
    ("currency", "amount", "said"),
    [
        ("EUR", "1000.0000", "payment of 1,000.00 EUR is"),
        ("EUR", "0.5", "payment of 0.50 EUR is"),
        ("JPY", "1000", "payment of 1,000 JPY is"),
        ("BHD", "1.005", "payment of 1.005 BHD is"),
    ],
)
def test_a_recorded_payment_is_named_in_the_decimals_of_its_currency(
    finance, currency, amount, said
):
    customer = builders.make_customer(currency=currency)
    data = {"operation": str(uuid.uuid4()), "amount": amount, "method": "bank_transfer"}
    address = reverse("ledger:payment-create", args=[customer.contracts.get().pk])
    answer = finance.post(address, data | {"is_checked": "on"}, follow=True)
    assert said in text_of(answer)


@pytest.mark.requirement("H-B2")
@pytest.mark.parametrize(
    "amount", ["0", "-1", "0.001", "1e30", "1e3", "1_0", "１２", "NaN", "abc", ""]
)
def test_a_payment_that_cannot_be_booked_is_refused(finance, amount):
    contract = builders.make_customer().contracts.get()
    answer = finance.post(
        reverse("ledger:payment-create", args=[contract.pk]),
        {"operation": str(uuid.uuid4()), "amount": amount, "method": "bank_transfer"},
    )

    assert answer.status_code == 422
    assert not Payment.objects.exists()


@pytest.mark.requirement("D-28", "K-15")
def test_a_contract_is_added_and_its_terms_are_changed(finance):
    customer = builders.make_customer()
    data = {
        "currency": "USD",
        "terms_kind": "day_of_month",
        "terms_days": "15",
        "terms_months": "1",
    }
    finance.post(reverse("ledger:contract-create", args=[customer.pk]), data)
    contract = Contract.objects.get(currency="USD")
    address = reverse("ledger:contract-edit", args=[contract.pk])
    version = finance.get(address).context["form"]["version"].value()

    assert "on day 15, one month later" in text_of(finance.get(contract.get_absolute_url()))
    forged = data | {"reference": contract.reference, "currency": "EUR", "version": version}
    finance.post(address, forged | {"terms_days": "31"})
    contract.refresh_from_db()
    assert (contract.currency, contract.terms_days) == ("USD", 31)
    refused = finance.post(address, forged | {"terms_days": "32"})
    assert "1 to 31" in str(refused.context["form"].errors["terms_days"])


# Lists


@pytest.mark.requirement("H-CB6", "CB-50", "CB-51")
def test_the_list_of_customers_has_quick_searches_with_counts(finance):
    usual = builders.make_customer(name="Usual")
    orphan = builders.make_customer(name="Orphan", contract=False)
    stopped = builders.make_customer(name="Stopped", suspended=True, suspended_reason="x")
    old = builders.make_customer(name="Old")
    Customer.objects.filter(pk=old.pk).update(created_at=AT)
    address = reverse("ledger:customer-list")

    def names(**query):
        return {row.name for row in finance.get(address, query).context["page"].rows}

    assert names() == {"Usual", "Orphan", "Stopped", "Old"}
    assert names(quick="orphaned") == {orphan.name}
    assert names(quick="suspended") == {stopped.name}
    assert names(quick="new") == {"Usual", "Orphan", "Stopped"}
    summary = finance.get(address, {"part": "summary"})
    counts = {tab["key"]: tab["count"] for tab in summary.context["tabs"]}
    assert counts == {"all": 4, "orphaned": 1, "suspended": 1, "new": 3}
    shown = text_of(finance.get(address))
    assert usual.get_absolute_url() in shown
    assert reverse("ledger:cluster-detail", args=[usual.cluster_id]) in shown


@pytest.mark.requirement("K-15")
def test_the_list_shows_a_balance_per_currency(finance):
    customer = builders.make_customer()
    builders.make_contract(customer, currency="USD")
    for contract in customer.contracts.all():
        post(contract, amount="12.50" if contract.currency == "EUR" else "7.00")

    shown = text_of(finance.get(reverse("ledger:customer-list")))

    assert "12.50" in shown
    assert "7.00" in shown
    assert "19.50" not in shown


@pytest.mark.requirement("CB-36", "CB-51")
def test_a_cluster_page_has_the_tree_at_the_side_and_the_customers_below(finance):
    top = builders.make_cluster("Top")
    below = builders.make_cluster("Below", top)
    beside = builders.make_cluster("Beside")
    inside = builders.make_customer(name="Inside", cluster=below)
    builders.make_customer(name="Elsewhere", cluster=beside)

    answer = finance.get(top.get_absolute_url())

    assert [row.pk for row in answer.context["page"].rows] == [inside.pk]
    shown = text_of(answer)
    assert shown.index("tree-side") < shown.index("Inside")
    for cluster in (top, below, beside):
        assert cluster.get_absolute_url() in shown
    assert {node.cluster.name: node.customers for node in answer.context["tree"]} == {
        "Top": 1,
        "Below": 1,
        "Beside": 1,
    }
    assert finance.get(reverse("ledger:cluster-list")).status_code == 302


def test_a_page_of_the_ledger_costs_the_same_with_more_rows(finance, django_assert_num_queries):
    def queries(address):
        from django.db import connection
        from django.test.utils import CaptureQueriesContext

        with CaptureQueriesContext(
            connection,
        ) as caught:
            assert finance.get(address).status_code == 200
        return len(caught)

    cluster = builders.make_cluster()
    customer = builders.make_customer(cluster=cluster)
    contract = customer.contracts.get()
    post(contract)
    pages = (
        reverse("ledger:customer-list"),
        reverse("ledger:entry-list"),
        customer.get_absolute_url(),
        contract.get_absolute_url(),
        cluster.get_absolute_url(),
    )
    few = [queries(page) for page in pages]
    for n in range(12):
        builders.make_customer(cluster=cluster)
        post(contract, fact=f"invoice:{n + 2}")
        record_payment(
            account=contract.account,
            operation=uuid.uuid4(),
            method="cash",
            amount=Decimal(1),
            at=LATER,
        )
        builders.make_cluster(parent=cluster)

    assert [queries(page) for page in pages] == few
    assert max(few) < 20
