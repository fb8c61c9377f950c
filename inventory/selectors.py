"""Reads of the inventory floor that are not one queryset."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from django.db.models import PROTECT, Count, Model, Q

from billing_site.web.enums import RowVerdict
from inventory.models import (
    BillingPlatform,
    CatalogueItem,
    ItemImport,
    ItemImportRow,
    ProductCategory,
)


@dataclass(frozen=True, slots=True)
class CategoryNode:
    """A category in its tree with the number of items in it and below it."""

    category: ProductCategory
    items: int
    is_open: bool


def category_tree(*, around: ProductCategory | None = None) -> list[CategoryNode]:
    """All categories, parents before children; open on the way to ``around``. Two queries."""
    categories = list(ProductCategory.objects.as_tree())
    paths = {category.pk: category.path for category in categories}
    counts: dict[int, int] = {}
    own = CatalogueItem.objects.order_by().values_list("category").annotate(Count("pk"))
    for category_id, count in own:
        for above in paths.get(category_id, ()):
            counts[above] = counts.get(above, 0) + count
    on_the_way = set(around.path) if around is not None else set()
    return [
        CategoryNode(category, counts.get(category.pk, 0), category.pk in on_the_way)
        for category in categories
    ]


def item_counts() -> dict[str, int]:
    """How many catalogue items there are: ``on_sale``, ``inactive``, ``without_price``."""
    return CatalogueItem.objects.aggregate(
        on_sale=Count("pk", filter=Q(active=True)),
        inactive=Count("pk", filter=Q(active=False)),
        without_price=Count("pk", filter=Q(active=True, upfront_price=None, recurring_price=None)),
    )


def why_platform_stays(platform: BillingPlatform) -> str:
    """Why a billing platform cannot be deleted, and the remedy; empty when it can.

    Counts what has it as a route in every app, through the relations of the model.
    """
    if platform.is_in_house:
        return (
            f"{platform.name} is the in-house platform: Quittance bills what is on it. It can be "
            "renamed, and never deleted."
        )
    uses: dict[type[Model], Q] = {}
    for relation in BillingPlatform._meta.related_objects:
        if relation.on_delete is PROTECT:
            condition = Q(**{relation.field.name: platform})
            uses[relation.related_model] = uses.get(relation.related_model, Q()) | condition
    counted = [
        f"{count:,} {_noun(model, count)}"
        for model, condition in uses.items()
        if (count := model._base_manager.filter(condition).count())
    ]
    if not counted:
        return ""
    *most, last = counted
    listed = f"{', '.join(most)} and {last}" if most else last
    return f"{platform.name} is a billing route of {listed}; give them another route first."


def _noun(model: type[Model], count: int) -> str:
    names = model._meta
    return str(names.verbose_name if count == 1 else names.verbose_name_plural)


def platforms_with_counts() -> list[BillingPlatform]:
    """All platforms, the in-house one first, with ``upfront`` and ``recurring``: numbers of items.

    An item without a route counts for the in-house platform. Three queries.
    """
    platforms = list(BillingPlatform.objects.all())
    items = CatalogueItem.objects.order_by()
    for name in ("upfront", "recurring"):
        counts = dict(items.values_list(f"{name}_route").annotate(Count("pk")))
        for platform in platforms:
            own = counts.get(platform.pk, 0)
            setattr(platform, name, own + (counts.get(None, 0) if platform.is_in_house else 0))
    return platforms


def names_of_catalogue() -> tuple[dict[str, int], dict[str, int], bool]:
    """Ids of categories and of platforms by name; whether there is an external platform."""
    categories = dict(ProductCategory.objects.order_by().values_list("name", "pk"))
    platforms = BillingPlatform.objects.values_list("name", "pk", "is_in_house")
    return (
        categories,
        {name: pk for name, pk, _ in platforms},
        any(not in_house for _, _, in_house in platforms),
    )


def items_by_guid(guids: Iterable[UUID]) -> dict[UUID, CatalogueItem]:
    """Catalogue items by their public identifier; unknown ones are left out. One query."""
    return {item.guid: item for item in CatalogueItem.objects.filter(guid__in=list(guids))}


def owners_of_codes(codes: Iterable[str]) -> dict[str, UUID]:
    """The GUID of the item behind each code in use. One query."""
    found = CatalogueItem.objects.filter(code__in=list(codes)).order_by()
    return dict(found.values_list("code", "guid"))


@dataclass(frozen=True, slots=True)
class RowsPage:
    """Some rows of an import in the order of the file; ``next_after`` is 0 on the last page."""

    rows: Sequence[ItemImportRow]
    next_after: int


def page_of_rows(upload: ItemImport, *, verdict: str, after: int, size: int) -> RowsPage:
    """The rows behind row ``after``; of all verdicts when ``verdict`` is empty. One query."""
    rows = upload.rows.filter(number__gt=after).order_by("number")
    if verdict in RowVerdict.values:
        rows = rows.filter(verdict=verdict)
    found = list(rows[: size + 1])
    return RowsPage(found[:size], found[size - 1].number if len(found) > size else 0)
