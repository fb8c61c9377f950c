"""Refusals of the orders floor, and what the database's rules mean for a person."""

from billing_site.kernel.errors import DomainError

ORDER_SENTENCES = {
    "order_contract_is_the_customers": (
        "contract",
        "This contract belongs to another customer; choose one of the customer's own.",
    ),
}
LINE_SENTENCES = {
    "line_position_once": (
        "position",
        "Another line of the order has this position; choose a free one.",
    ),
    "line_amounts_in_range": (
        "quantity",
        "The quantity is above zero and no price or cost is negative; correct them.",
    ),
    "line_do_not_bill_has_reason": (
        "do_not_bill_reason",
        "Say why the charge is not to be billed.",
    ),
    "line_is_not_its_own_package": ("package", "A line is no part of itself; choose another."),
    "line_in_billing_is_fixed": (
        "__all__",
        "A charge of this line is In Billing: its price, quantity and route stay as they were "
        "billed. Set its bill status back first, with a reason.",
    ),
    "line_route_is_not_invoiced": (
        "__all__",
        "The charge is on an invoice of ours that is in approval or approved, so another platform "
        "cannot bill it too. Have the invoice rejected first, if it is in approval.",
    ),
}


class OrderRefused(DomainError):
    """An order or a line cannot be changed so."""


class StatusRefused(DomainError):
    """A bill status cannot be moved so."""


class TransferRefused(DomainError):
    """Nothing can be transferred to this platform."""


class ExportRefused(DomainError):
    """No file can be made for this platform."""
