"""The builders make rows that the database accepts."""

import pytest
from django.db import transaction
from django.db.utils import IntegrityError

from invoicing.models import InvoiceItem
from tests import builders

pytestmark = pytest.mark.django_db


def test_a_purchase_lies_on_an_invoice_of_its_customer():
    invoice = builders.make_invoice()
    purchase = builders.make_purchase(invoice)
    assert purchase.customer == invoice.customer
    assert list(invoice.purchases.all()) == [purchase]


def test_a_cluster_knows_its_ancestors_and_moves_with_them():
    root = builders.make_cluster("Root")
    child = builders.make_cluster("Child", root)
    grandchild = builders.make_cluster("Grandchild", child)
    assert grandchild.path == [root.pk, child.pk, grandchild.pk]
    other = builders.make_cluster("Other")
    child.parent = other
    child.save()
    grandchild.refresh_from_db()
    assert grandchild.path == [other.pk, child.pk, grandchild.pk]
    other.parent = grandchild
    with pytest.raises(IntegrityError), transaction.atomic():
        other.save()


def test_items_are_written_only_while_the_invoice_is_pending():
    invoice = builders.make_invoice(status="open")
    item = InvoiceItem(
        invoice=invoice, position=1, kind="price", label="x", exact_amount=1, amount=1
    )
    with pytest.raises(IntegrityError), transaction.atomic():
        item.save()
    pending = builders.make_invoice(status="pending")
    item.invoice = pending
    item.save()
    assert pending.items.count() == 1
