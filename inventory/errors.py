"""Refusals of the inventory floor: each a sentence the user can act on."""

from billing_site.kernel.errors import DomainError


class PlatformRefused(DomainError):
    """A change that a billing platform does not allow."""


class ItemImportRefused(DomainError):
    """What was asked of an import of items is not possible as it stands."""


class ItemImportHasChanged(ItemImportRefused):
    """Since the preview other rows would be new, changed or unchanged; nothing was imported."""


# What the database refuses -> the field it is about, and what to do.
ITEM_SENTENCES = {
    "inventory_catalogueitem_code_key": (
        "code",
        "Another item has this code already; codes are unique. Give another one.",
    ),
    "item_amounts_not_negative": (
        "recurring_price",
        "Prices and costs are zero or more; a reduction is a pricing rule or a credit.",
    ),
    "item_metering_is_positive": (
        "metering_increment",
        "The minimum is zero or more, and the increment is above zero or empty.",
    ),
}
CATEGORY_SENTENCES = {
    "inventory_productcategory_name_key": (
        "name",
        "Another category has this name already; names are unique. Give another one.",
    ),
}
PLATFORM_SENTENCES = {
    "inventory_billingplatform_name_key": (
        "name",
        "Another platform has this name already; names are unique. Give another one.",
    ),
    "platform_one_in_house": (
        "name",
        "There is one in-house platform already, and one is all there can be.",
    ),
}
