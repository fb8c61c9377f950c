"""Roles of domain.md: a user group each, with the permissions it grants (B-, CB- and L- roles)."""

VIEW_APPS = ("web", "ledger", "inventory", "orders", "invoicing", "approvals")

FINANCE = (
    "ledger.add_customer",
    "ledger.change_customer",
    "ledger.add_contract",
    "ledger.change_contract",
    "ledger.record_payment",
    "invoicing.import_purchases",
    "invoicing.map_purchase",
    "invoicing.add_pricingrule",
    "invoicing.change_pricingrule",
    "invoicing.delete_pricingrule",
    "invoicing.add_invoice",
    "invoicing.recalculate_invoice",
    "invoicing.close_invoice",
    "approvals.request_approval",
    "inventory.add_catalogueitem",
    "inventory.change_catalogueitem",
    "inventory.import_items",
    "orders.add_salesorder",
    "orders.change_salesorder",
    "orders.add_orderline",
    "orders.change_orderline",
    "orders.delete_orderline",
    "orders.convert_orderline",
)

ROLES: dict[str, tuple[str, ...]] = {
    "Finance": FINANCE,
    "Invoice approval": ("approvals.approve_invoice", "approvals.request_approval"),
    "Auditor": (),
    "Allow update billing": ("orders.update_billing",),
    "Apps - Change Queue": ("orders.use_apps_change_queue",),
}
