"""What is audited, and that the audit sees every way of writing, with who did it."""

import uuid

import pghistory
import pytest
from django.apps import apps
from django.contrib.auth.models import Group

from approvals.models import ApprovalProcess, ApprovalStep, Review
from inventory.models import BillingPlatform
from invoicing.models import (
    Invoice,
    InvoiceItem,
    NumberScheme,
    Purchase,
    Subscription,
    TransformationResult,
)
from ledger.models import Contract, Payment
from orders.models import ExportFile
from tests import builders
from tests.invoicing.invoice_rows import NOON, approve, change, move, new_invoice

pytestmark = pytest.mark.django_db

LABELS = ("web", "ledger", "inventory", "orders", "invoicing", "approvals")
# Model -> (a new row, a text or number field that may change).
SAMPLES = {
    "ledger.Firm": (builders.make_firm, "name"),
    "ledger.CustomerCluster": (builders.make_cluster, "name"),
    "ledger.Customer": (builders.make_customer, "name"),
    "ledger.Contract": (
        lambda: Contract.objects.create(
            customer=builders.make_customer(contract=False), reference="V-1", currency="EUR"
        ),
        "reference",
    ),
    "ledger.Payment": (
        lambda: Payment.objects.create(
            account=builders.make_customer().contracts.get().account,
            operation=uuid.uuid4(),
            method="cash",
            amount=1,
            booking_date=NOON.date(),
        ),
        "note",
    ),
    "inventory.BillingPlatform": (lambda: BillingPlatform.objects.create(name="Other"), "name"),
    "inventory.ProductCategory": (builders.make_category, "name"),
    "inventory.CatalogueItem": (builders.make_item, "name"),
    "inventory.Asset": (builders.make_asset, "label"),
    "orders.SalesOrder": (builders.make_order, "site"),
    "orders.OrderLine": (builders.make_line, "serial"),
    "orders.ExportFile": (
        lambda: ExportFile.objects.create(
            platform=builders.make_platform(), kind="cli", by=builders.make_user(), at=NOON
        ),
        "checksum",
    ),
    "invoicing.PricingRule": (builders.make_rule, "name"),
    "invoicing.PriceTier": (
        lambda: builders.make_rule(
            "price_ladder", ladder_mode="volume", tiers=[(None, 1)]
        ).tiers.get(),
        "unit_price",
    ),
    "invoicing.NumberScheme": (
        lambda: NumberScheme.objects.create(name="Other", customer_cluster=builders.make_cluster()),
        "name",
    ),
    "invoicing.Purchase": (lambda: builders.make_purchase(builders.make_invoice()), "label"),
    "invoicing.TransformationResult": (
        lambda: TransformationResult.objects.create(invoice=builders.make_invoice()),
        "error",
    ),
    "invoicing.Subscription": (
        lambda: Subscription.objects.create(contract=builders.make_customer().contracts.get()),
        "name",
    ),
    "invoicing.SubscriptionItem": (builders.make_subscription_item, "label"),
    "approvals.ApprovalProcess": (
        lambda: ApprovalProcess.objects.create(
            name="Other", customer_cluster=builders.make_cluster()
        ),
        "name",
    ),
    "approvals.ApprovalStep": (
        lambda: ApprovalStep.objects.create(
            process=ApprovalProcess.objects.get(), position=2, group=Group.objects.first()
        ),
        "position",
    ),
    "approvals.Review": (
        lambda: Review.objects.create(
            invoice=builders.make_invoice(),
            process=ApprovalProcess.objects.get(),
            steps=[1],
            requested_by=builders.make_user(),
            requested_at=NOON,
        ),
        "position",
    ),
}
# Its insertion is recorded by the import batch: owner, moment and file.
INSERTED_BY_BATCH = {"invoicing.Purchase"}
# Its decisions are audited, its calculation is not.
DECISIONS_ONLY = {"invoicing.Invoice"}
# Proxies of Django's tables of rights; tests/billing_site/web/test_rights.py tries them.
RIGHTS = {
    "web.AuditedUser",
    "web.AuditedGroup",
    "web.UserRole",
    "web.UserRight",
    "web.RoleRight",
}
# Why the rest needs no audit of its own.
UNAUDITED = {
    "web.Job": "is itself the record of who asked for what and how it went",
    "web.JobItem": "written once, by its job",
    "web.Selection": "written once, by its owner",
    "orders.BillStatusEvent": "append-only: the database refuses every change",
    "orders.TransferBatch": "append-only: the database refuses every change",
    "ledger.ContractAccount": "moved by ledger entries only, which are the record",
    "ledger.LedgerEntry": "append-only: the database refuses every change",
    "inventory.ItemImport": "is itself the record of an import",
    "inventory.ItemImportRow": "written once, with the verdicts of its file",
    "invoicing.ImportBatch": "is itself the record of an import",
    "invoicing.InvoiceItem": "derived: recomputed from purchases and rules, which are audited",
    "invoicing.NumberCounter": "moved by approvals only, which are audited",
    "invoicing.ImportRow": "a row of an uploaded file, between its check and its import",
    "invoicing.ForetoldInvoice": "the forecast of such a row, removed with it",
    "invoicing.PricingSweep": "says how far a sweep got; derived",
    "invoicing.LineCheck": "the work list of pick-up, written by triggers; derived",
    "approvals.Decision": "append-only: the database refuses every change",
}


def our_models() -> dict[str, type]:
    return {
        model._meta.label: model
        for model in apps.get_models()
        if model._meta.app_label in LABELS and not hasattr(model, "pgh_tracked_model")
    }


def events_of(row) -> list:
    """Events of a row, oldest first."""
    model = next(
        event
        for event in apps.get_models()
        if getattr(event, "pgh_tracked_model", None) is type(row)
    )
    return list(model.objects.filter(pgh_obj_id=row.pk).order_by("pgh_id"))


def labels_of(row) -> list[str]:
    return [event.pgh_label for event in events_of(row)]


def other_value(row, field: str):
    value = getattr(row, field)
    return f"{value} changed" if isinstance(value, str) else value + 1


def test_every_model_is_audited_or_says_why_not():
    audited = {
        event.pgh_tracked_model._meta.label
        for event in apps.get_models()
        if getattr(event, "pgh_tracked_model", None)
    }
    ours = our_models()
    assert audited & ours.keys() == SAMPLES.keys() | DECISIONS_ONLY | RIGHTS
    assert ours.keys() - audited == UNAUDITED.keys()


@pytest.mark.parametrize("label", sorted(SAMPLES))
def test_every_way_of_writing_leaves_an_event_with_its_actor(label):
    make, field = SAMPLES[label]
    user = builders.make_user()
    with pghistory.context(user=user.pk):
        row = make()
        model = type(row)
        rows = model._base_manager.filter(pk=row.pk)
        expected = [] if label in INSERTED_BY_BATCH else ["insert"]
        assert labels_of(row) == expected

        row.refresh_from_db()
        setattr(row, field, other_value(row, field))
        row.save()
        rows.update(**{field: other_value(row, field)})
        row.refresh_from_db()
        setattr(row, field, other_value(row, field))
        model._base_manager.bulk_update([row], [field])
        expected += ["update"] * 3
        assert labels_of(row) == expected

        events = events_of(row)
        assert {event.pgh_context.metadata["user"] for event in events} == {user.pk}
        values = [getattr(event, field) for event in events[-3:]]
        assert len(set(values)) == 3
        assert values[-1] == getattr(row, field)

        pk = row.pk
        delete_row(row)
        row.pk = pk
        assert labels_of(row) == [*expected, "delete"]


def delete_row(row) -> None:
    if row._meta.label == "ledger.Customer":
        for contract in row.contracts.all():
            contract.account.delete()
            contract.delete()
    type(row)._base_manager.filter(pk=row.pk).delete()


def test_rows_made_in_bulk_are_audited():
    customer = builders.make_customer(contract=False)
    contracts = Contract.objects.bulk_create(
        Contract(customer=customer, reference=f"V-{n}", currency="EUR") for n in range(3)
    )
    assert [labels_of(contract) for contract in contracts] == [["insert"]] * 3


def test_the_to_and_fro_of_calculation_leaves_no_event():
    invoice = new_invoice()
    InvoiceItem.objects.create(
        invoice=invoice, position=1, kind="price", label="x", exact_amount=1, amount=1
    )
    move(invoice, "open")
    change(invoice, status="pending", net_total=1, gross_total=1)
    change(invoice, status="error", error="No VAT rule.")
    change(invoice, status="pending", error="")
    move(invoice, "open")
    assert labels_of(invoice) == []


def test_decisions_on_an_invoice_leave_events():
    invoice = new_invoice()
    move(invoice, "approving")
    change(invoice, status="pending")
    move(invoice, "approving")
    approve(invoice)
    assert [event.status for event in events_of(invoice)] == [
        "approving",
        "pending",
        "approving",
        "approved",
    ]
    assert events_of(invoice)[-1].number == Invoice.objects.get(pk=invoice.pk).number


def test_importing_purchases_leaves_no_event():
    invoice = new_invoice()
    purchases = [builders.make_purchase(invoice) for _ in range(2)]
    assert [labels_of(purchase) for purchase in purchases] == [[], []]
    Purchase.objects.filter(invoice=invoice).update(quantity=2)
    assert [labels_of(purchase) for purchase in purchases] == [["update"], ["update"]]


def test_a_change_that_changes_nothing_is_not_recorded_as_one():
    customer = builders.make_customer()
    customer.save()
    assert labels_of(customer) == ["insert"]
