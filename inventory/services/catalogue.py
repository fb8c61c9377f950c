"""Creating and changing one item of the catalogue."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from billing_site.web.edits import refuse_stale, save_valid
from inventory.errors import ITEM_SENTENCES
from inventory.models import CatalogueItem

Fields = Mapping[str, Any]


@transaction.atomic
def create_item(*, fields: Fields) -> CatalogueItem:
    """Store a catalogue item; each of its two routes may be empty, which means in-house (L-6).

    :param fields: values by field name of the model; code, name and category are needed.
    :raises FieldsRefused: a value does not fit.
    """
    item = CatalogueItem(**fields)
    save_valid(item, sentences=ITEM_SENTENCES)
    return item


@transaction.atomic
def update_item(*, item_id: int, fields: Fields, version: int | None = None) -> CatalogueItem:
    """Change a catalogue item; only what differs is written.

    A change of what invoices are made of sends the unlocked invoices that hold the item to
    Pending with the next sweep of invoicing.

    :param version: ``version_of`` the record when the form was shown; None: no guard.
    :raises EditIsStale: the record was changed meanwhile.
    :raises FieldsRefused: a value does not fit.
    """
    item = CatalogueItem.objects.select_for_update().get(pk=item_id)
    if version is not None:
        refuse_stale(item, version=version)
    changed = [name for name, value in fields.items() if getattr(item, name) != value]
    for name in changed:
        setattr(item, name, fields[name])
    if changed:
        save_valid(item, sentences=ITEM_SENTENCES, update_fields=changed)
    return item
