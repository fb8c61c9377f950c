"""What the search at the top finds on the orders floor."""

from django.contrib.auth.models import AbstractBaseUser

from billing_site.web.search import SearchHit, search_provider
from orders.models import SalesOrder


@search_provider("Sales orders", permission="orders.view_salesorder")
def orders(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    found = SalesOrder.objects.matching(text).select_related("customer")[:limit]
    return [SearchHit(o.number, o.get_absolute_url(), o.customer.name, "stack-2") for o in found]
