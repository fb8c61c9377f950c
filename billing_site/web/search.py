"""The search at the top: every app offers what it can find, in its ``search.py``.

::

    from billing_site.web.search import SearchHit, search_provider

    @search_provider("Customers", permission="ledger.view_customer")
    def customers(text: str, user, limit: int) -> list[SearchHit]:
        found = Customer.objects.matching(text)[:limit]
        return [SearchHit(c.name, c.get_absolute_url(), c.code, "users") for c in found]

A provider runs one query, scoped to the user, and returns at most ``limit`` hits.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib.auth.models import AbstractBaseUser
from django.utils.module_loading import autodiscover_modules


@dataclass(frozen=True)
class SearchHit:
    """One thing found: what it is called, where it is, a second line, its icon."""

    title: str
    url: str
    subtitle: str = ""
    icon: str = "search"


@dataclass(frozen=True)
class Provider:
    label: str
    permission: str
    find: Callable[[str, AbstractBaseUser, int], list[SearchHit]]


@dataclass(frozen=True)
class SearchGroup:
    label: str
    hits: list[SearchHit]


_PROVIDERS: dict[str, Provider] = {}
SHORTEST = 2


def search_provider(label: str, *, permission: str):
    """Register a provider; groups are shown in the order of registration."""

    def register(find: Callable[[str, AbstractBaseUser, int], list[SearchHit]]):
        _PROVIDERS[label] = Provider(label, permission, find)
        return find

    return register


def search_all(text: str, *, user: AbstractBaseUser, limit: int) -> list[SearchGroup]:
    """What every provider that the user may use finds; nothing for fewer than two characters."""
    autodiscover_modules("search")
    text = text.strip()
    if len(text) < SHORTEST:
        return []
    groups = [
        SearchGroup(provider.label, provider.find(text, user, limit))
        for provider in _PROVIDERS.values()
        if user.has_perm(provider.permission)
    ]
    return [group for group in groups if group.hits]
