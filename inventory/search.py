"""What the search at the top finds on the inventory floor."""

from django.contrib.auth.models import AbstractBaseUser

from billing_site.web.search import SearchHit, search_provider
from inventory.models import Asset, CatalogueItem


@search_provider("Catalogue", permission="inventory.view_catalogueitem")
def items(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    found = CatalogueItem.objects.matching(text)[:limit]
    return [SearchHit(i.name, i.get_absolute_url(), i.code, "package") for i in found]


@search_provider("Assets", permission="inventory.view_asset")
def assets(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    found = Asset.objects.matching(text).select_related("customer")[:limit]
    return [
        SearchHit(
            a.label,
            a.get_absolute_url(),
            ", ".join(part for part in (a.reference, a.cli, a.customer.name) if part),
            "category",
        )
        for a in found
    ]
