"""Every page asks for a log-in and says which permission it needs."""

import pytest
from django import forms
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import RequestFactory
from django.urls import URLPattern, get_resolver, reverse
from django.urls.converters import IntConverter
from django_filters import ModelChoiceFilter

from billing_site.web.decimal_fields import PlainDecimalField
from billing_site.web.list_filters import YesNoField
from billing_site.web.list_parts import LISTS
from tests.architecture.sources import APPS

# Without a log-in. Everything else is behind LoginRequiredMiddleware.
OPEN = {"web:login", "web:theme", "web:healthz", "web:readyz"}
# For everybody who is logged in, and why.
FOR_EVERYBODY = {
    "web:home": "shows what each person may see, part by part",
    "web:logout": "ends one's own session",
    "web:password": "changes one's own password",
    "web:search": "each group of hits asks for its own permission",
    "web:job-list": "shows one's own jobs",
    "web:job-progress": "shows one's own jobs",
    "web:job-detail": "one's own jobs; a foreign one answers 404",
    "web:job-cancel": "one's own jobs; a foreign one answers 404",
    "web:job-retry": "one's own jobs; a foreign one answers 404",
    "web:job-download": "one's own jobs; a foreign one answers 404",
}


def pages(patterns=None, prefix: str = "") -> dict[str, URLPattern]:
    """URL name with its namespace -> pattern; without the admin, which guards itself."""
    found = {}
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if hasattr(pattern, "url_patterns"):
            if pattern.namespace != "admin":
                inner = f"{pattern.namespace}:" if pattern.namespace else prefix
                found |= pages(pattern.url_patterns, inner)
        else:
            assert pattern.name, f"{pattern.pattern} has no name"
            found[f"{prefix}{pattern.name}"] = pattern
    return found


def test_only_the_pages_on_the_list_are_open():
    assert "django.contrib.auth.middleware.LoginRequiredMiddleware" in settings.MIDDLEWARE
    without = {
        name
        for name, pattern in pages().items()
        if not getattr(pattern.callback, "login_required", True)
    }
    assert without == OPEN


@pytest.mark.requirement("R13")
def test_every_page_says_which_permission_it_needs():
    silent = {
        name
        for name, pattern in pages().items()
        if name not in OPEN and not declared_permission(pattern)
    }
    assert silent == FOR_EVERYBODY.keys()


def declared_permission(pattern: URLPattern):
    view = getattr(pattern.callback, "view_class", pattern.callback)
    return getattr(view, "permission_required", None)


def test_no_filter_asks_a_person_for_the_key_of_a_row():
    """A row is chosen from names, or named; its key comes with a link, in a hidden field."""
    pages()  # loads the views, and they register their lists
    asking = [
        f"{key}: {name}"
        for key, view in LISTS.items()
        if view.filterset_class is not None
        for name, one in view.filterset_class.base_filters.items()
        if isinstance(one, ModelChoiceFilter)
        and not isinstance(one.field.widget, forms.Select | forms.HiddenInput)
    ]
    assert asking == []


def form_fields() -> dict[str, forms.Field]:
    """Every field of our forms, of the filters of our lists and of the administration."""
    pages()  # loads the views, and with them the forms and lists
    found, classes = {}, [forms.BaseForm]
    for form in classes:
        classes += form.__subclasses__()
        if form.__module__.split(".")[0] in {*APPS, "billing_site"}:
            found |= {f"{form.__qualname__}.{name}": f for name, f in form.base_fields.items()}
    for key, view in LISTS.items():
        if view.filterset_class is not None and not view.__module__.startswith("tests."):
            filters = view.filterset_class.base_filters
            found |= {f"{key}: {name}": one.field for name, one in filters.items()}
    request = RequestFactory().get("/admin/")
    request.user = User(is_superuser=True)
    for model, page in admin.site._registry.items():
        if not model.__module__.startswith(APPS) or not page.has_change_permission(request):
            continue
        forms_of = [page.get_form(request)]
        forms_of += [
            inline.get_formset(request).form
            for inline in page.get_inline_instances(request)
            if inline.has_change_permission(request)
        ]
        for form in forms_of:
            label = f"{page}, {form.__name__}"
            found |= {f"{label}: {name}": f for name, f in form.base_fields.items()}
    for name, field in list(found.items()):
        for number, part in enumerate(getattr(field, "fields", ())):
            found[f"{name}[{number}]"] = part
    return found


@pytest.mark.django_db
def test_every_number_that_is_typed_is_plain_digits():
    numbers = {n: f for n, f in form_fields().items() if isinstance(f, forms.DecimalField)}
    assert [name for name, one in numbers.items() if not isinstance(one, PlainDecimalField)] == []
    seen = " ".join(numbers)
    for place in ("PaymentForm.amount", "LineForm.quantity", "TierRow.up_to", "invoice: total[1]"):
        assert place in seen
    assert "inventory.CatalogueItemAdmin, CatalogueItemForm: upfront_price" in seen


@pytest.mark.django_db
def test_what_does_not_matter_is_never_called_unknown():
    asking = {name: type(field) for name, field in form_fields().items()}
    assert [name for name, one in asking.items() if issubclass(one, forms.NullBooleanField)] == []
    assert asking["invoicing.invoice: empty"] is YesNoField


def test_every_list_that_exports_amounts_says_in_which_currency_they_are():
    pages()  # loads the views, and they register their lists
    exports = {key: view.export for key, view in LISTS.items() if view.export is not None}
    assert [key for key, one in exports.items() if one.has_amounts and not one.currency] == []
    assert exports["invoicing.invoice"].has_amounts


@pytest.mark.django_db
def test_every_permission_that_a_page_needs_exists():
    known = {
        f"{permission.content_type.app_label}.{permission.codename}"
        for permission in Permission.objects.select_related("content_type")
    }
    needed = set()
    for pattern in pages().values():
        wanted = declared_permission(pattern) or ()
        needed |= {wanted} if isinstance(wanted, str) else set(wanted)
    assert needed <= known


def address(name: str, pattern: URLPattern) -> str:
    """The address of a page, with 0 or a text for what it asks for."""
    arguments = {
        key: 0 if isinstance(converter, IntConverter) else "none"
        for key, converter in pattern.pattern.converters.items()
    }
    return reverse(name, kwargs=arguments)


@pytest.mark.requirement("R13")
@pytest.mark.django_db
def test_nobody_gets_anywhere_without_a_log_in(client):
    for name, pattern in pages().items():
        if name in OPEN:
            continue
        for answer in (client.get(address(name, pattern)), client.post(address(name, pattern))):
            assert answer.status_code == 302, name
            assert answer["Location"].startswith("/login/"), name


@pytest.mark.requirement("R13")
@pytest.mark.django_db
def test_a_page_is_closed_to_whoever_lacks_its_permission(client_for):
    stranger = client_for()
    for name, pattern in pages().items():
        if name in OPEN or name in FOR_EVERYBODY:
            continue
        for answer in (stranger.get(address(name, pattern)), stranger.post(address(name, pattern))):
            assert answer.status_code in (403, 405), name


def test_urls_are_named_object_and_page():
    """``invoicing:invoice-list``; the workplace's own pages have names of one word."""
    odd = [name for name in pages() if not name.startswith("web:") and "-" not in name]
    assert not odd
