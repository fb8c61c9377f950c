"""Reads of the inventory floor that are not one queryset."""

from dataclasses import dataclass

from django.db.models import Count, Q

from inventory.models import CatalogueItem, ProductCategory


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
