"""Valid objects in one line, for tests. Every argument can be given; the rest is believable."""

import datetime as dt
import itertools
from decimal import Decimal

from django.contrib.auth.models import Group, User

from inventory.enums import ItemType
from inventory.models import Asset, BillingPlatform, CatalogueItem, ProductCategory
from invoicing.enums import InvoiceStatus, InvoiceType, Operator
from invoicing.models import (
    Invoice,
    PriceTier,
    PricingRule,
    Purchase,
    Subscription,
    SubscriptionItem,
)
from ledger.models import Contract, ContractAccount, Customer, CustomerCluster, Firm
from orders.models import OrderLine, SalesOrder

_numbers = itertools.count(1)
UTC = dt.UTC


def number() -> int:
    return next(_numbers)


def make_user(*roles: str, **fields) -> User:
    """A user in the groups named by ``roles`` (see approvals.roles)."""
    password = fields.pop("password", None)
    user = User(username=fields.pop("username", f"user{number()}"), **fields)
    if password:
        user.set_password(password)
    else:
        user.set_unusable_password()
    user.save()
    user.groups.set(Group.objects.filter(name__in=roles))
    assert user.groups.count() == len(roles), f"unknown role in {roles}"
    return user


def make_firm(**fields) -> Firm:
    defaults = {"name": "Nordlicht Telekom GmbH", "city": "Hamburg", "country": "DE"}
    firm, _ = Firm.objects.update_or_create(pk=1, defaults=defaults | fields)
    return firm


def make_cluster(name: str | None = None, parent: CustomerCluster | None = None) -> CustomerCluster:
    cluster = CustomerCluster.objects.create(name=name or f"Cluster {number()}", parent=parent)
    cluster.refresh_from_db()
    return cluster


def make_customer(
    *, currency: str = "EUR", contract: bool = True, contract_fields: dict | None = None, **fields
) -> Customer:
    """A customer with a default contract and its account."""
    n = number()
    fields.setdefault("code", f"C{n:05}")
    fields.setdefault("name", f"Customer {n}")
    fields.setdefault("bill_from", dt.date(2026, 1, 1))
    fields.setdefault("country", "DE")
    if "cluster" not in fields:
        fields["cluster"] = make_cluster()
    customer = Customer.objects.create(**fields)
    if contract:
        make_contract(customer, currency=currency, is_default=True, **(contract_fields or {}))
    return customer


def make_contract(customer: Customer, **fields) -> Contract:
    fields.setdefault("reference", f"V{number():05}")
    fields.setdefault("currency", "EUR")
    contract = Contract.objects.create(customer=customer, **fields)
    ContractAccount.objects.create(contract=contract)
    return contract


def make_category(name: str | None = None, parent: ProductCategory | None = None):
    category = ProductCategory.objects.create(name=name or f"Category {number()}", parent=parent)
    category.refresh_from_db()
    return category


def make_item(**fields) -> CatalogueItem:
    n = number()
    fields.setdefault("code", f"P{n:05}")
    fields.setdefault("name", f"Product {n}")
    if "category" not in fields:
        fields["category"] = make_category()
    return CatalogueItem.objects.create(**fields)


def make_rule(operator: str = Operator.PRICE, *, tiers=(), **fields) -> PricingRule:
    """``tiers``: (up_to or None, unit price) or (up_to or None, unit price, flat fee)."""
    fields.setdefault("name", f"Rule {number()}")
    fields.setdefault("valid_from", dt.date(2020, 1, 1))
    rule = PricingRule.objects.create(operator=operator, **fields)
    for up_to, unit_price, *fee in tiers:
        PriceTier.objects.create(
            rule=rule, up_to=up_to, unit_price=unit_price, flat_fee=fee[0] if fee else 0
        )
    return rule


def make_vat(percentage: str = "19", **fields) -> PricingRule:
    return make_rule(Operator.VAT, percentage=Decimal(percentage), **fields)


def make_invoice(customer: Customer | None = None, **fields) -> Invoice:
    """An invoice for January 2026 unless told otherwise; ``status`` is set past the state machine."""
    customer = customer or make_customer()
    fields.setdefault("contract", customer.contracts.get(is_default=True))
    fields.setdefault("currency", fields["contract"].currency)
    fields.setdefault("type", InvoiceType.PERIODICAL)
    fields.setdefault("period_from", dt.date(2026, 1, 1))
    fields.setdefault("period_to", dt.date(2026, 1, 31))
    fields.setdefault("invoice_date", fields["period_to"])
    if fields.get("status") == InvoiceStatus.OPEN:
        fields.setdefault("calculated_at", dt.datetime(2026, 2, 1, tzinfo=UTC))
    return Invoice.objects.create(customer=customer, **fields)


def calculated(invoice: Invoice) -> Invoice:
    """The invoice as a calculation leaves it: Open, whatever it was."""
    at = dt.datetime(2026, 2, 1, tzinfo=UTC)
    Invoice.objects.filter(pk=invoice.pk, status=InvoiceStatus.PENDING).update(
        status=InvoiceStatus.OPEN, calculated_at=at
    )
    invoice.refresh_from_db()
    return invoice


def make_purchase(invoice: Invoice | None = None, **fields) -> Purchase:
    """A purchase on ``invoice``; without one it is unmapped and ``unmapped_reason`` is needed."""
    n = number()
    fields.setdefault("reference", f"U{n:06}")
    fields.setdefault("purchased_at", dt.datetime(2026, 1, 15, 12, tzinfo=UTC))
    fields.setdefault("purchased_on", fields["purchased_at"].date())
    fields.setdefault("quantity", Decimal(1))
    fields.setdefault("metered_quantity", fields["quantity"])
    if invoice is not None:
        if "item" not in fields:
            fields["item"] = make_item()
        fields.setdefault("customer", invoice.customer)
        fields.setdefault("contract", invoice.contract)
        fields.setdefault("customer_code", invoice.customer.code)
        fields.setdefault("product_code", fields["item"].code)
        fields.setdefault("currency", invoice.currency)
    fields.setdefault("customer_code", "unknown")
    fields.setdefault("product_code", "unknown")
    fields.setdefault("currency", "EUR")
    return Purchase.objects.create(invoice=invoice, **fields)


def make_platform(name: str | None = None, **fields) -> BillingPlatform:
    """An external billing platform."""
    return BillingPlatform.objects.create(name=name or f"Platform {number()}", **fields)


def make_order(customer: Customer | None = None, **fields) -> SalesOrder:
    customer = customer or make_customer()
    fields.setdefault("contract", customer.contracts.get(is_default=True))
    fields.setdefault("ordered_on", dt.date(2026, 5, 4))
    return SalesOrder.objects.create(customer=customer, **fields)


def make_line(order: SalesOrder | None = None, **fields) -> OrderLine:
    """A line of 10.00 up-front and 20.00 a month without routes; not converted."""
    order = order or make_order()
    fields.setdefault("position", order.lines.count() + 1)
    if "item" not in fields:
        fields["item"] = make_item(item_type=fields.pop("item_type", ItemType.SERVICE_WITH_CLI))
    fields.setdefault("upfront_price", Decimal(10))
    fields.setdefault("recurring_price", Decimal(20))
    return OrderLine.objects.create(order=order, **fields)


def make_asset(customer: Customer | None = None, **fields) -> Asset:
    customer = customer or make_customer()
    fields.setdefault("contract", customer.contracts.get(is_default=True))
    fields.setdefault("label", f"Asset {number()}")
    if "item" not in fields:
        fields["item"] = make_item()
    return Asset.objects.create(customer=customer, **fields)


def make_converted_line(order: SalesOrder | None = None, **fields) -> OrderLine:
    """A line with its asset, past the service."""
    line = make_line(order, **fields)
    line.asset = make_asset(line.order.customer, contract=line.order.contract, item=line.item)
    line.converted_at = dt.datetime(2026, 5, 4, 12, tzinfo=UTC)
    line.save()
    return line


def make_subscription_item(line: OrderLine | None = None, **fields) -> SubscriptionItem:
    """The recurring charge of a line, past pick-up."""
    line = line or make_converted_line()
    subscription, _ = Subscription.objects.get_or_create(contract=line.order.contract)
    fields.setdefault("subscription", subscription)
    fields.setdefault("starts_on", dt.date(2026, 5, 4))
    fields.setdefault("quantity", line.quantity)
    fields.setdefault("unit_price", line.recurring_price)
    return SubscriptionItem.objects.create(
        order_line=line,
        asset=line.asset,
        item=line.item,
        label=line.name,
        created_at=dt.datetime(2026, 5, 4, 12, tzinfo=UTC),
        **fields,
    )
