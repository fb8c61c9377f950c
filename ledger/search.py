"""What the search at the top finds on the ledger floor."""

from django.contrib.auth.models import AbstractBaseUser

from billing_site.web.search import SearchHit, search_provider
from ledger.models import Contract, Customer


@search_provider("Customers", permission="ledger.view_customer")
def customers(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    found = Customer.objects.matching(text)[:limit]
    return [SearchHit(c.name, c.get_absolute_url(), c.code, "users") for c in found]


@search_provider("Contracts", permission="ledger.view_contract")
def contracts(text: str, user: AbstractBaseUser, limit: int) -> list[SearchHit]:
    found = Contract.objects.filter(reference__istartswith=text).select_related("customer")
    return [
        SearchHit(c.reference, c.get_absolute_url(), c.customer.name, "file-text")
        for c in found[:limit]
    ]
