"""Bases of the pages of the Django admin: reference data that says what it refuses, and records
that nobody edits.
"""

from collections.abc import Sequence
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.options import IS_POPUP_VAR
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.paginator import Paginator
from django.db import IntegrityError, InternalError, models
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.functional import cached_property

from billing_site.kernel.errors import DomainError
from billing_site.web.decimal_fields import PlainDecimalField
from billing_site.web.edits import Sentences, WordedModelForm, constraint_of

PAGE_SIZE = 50
MOST_COUNTED = 10_000


class BoundedPaginator(Paginator):
    """Counts no further than the pages that somebody would leaf through."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list.order_by()
        return rows[:MOST_COUNTED].count()


class KnownChoicesSelect(AutocompleteSelect):
    """Shows a refused form again without asking the database for a key that is no number."""

    def optgroups(self, name: Any, value: Any, attrs: Any = None) -> Any:
        return super().optgroups(name, [v for v in value if v.isascii() and v.isdigit()], attrs)


class ReferenceAdmin(admin.ModelAdmin):
    """Reference data: what the database refuses comes as a message, never as an error page.

    :cvar sentences: constraint -> field and sentence; see :mod:`billing_site.web.edits`.
    :cvar refusal: what to do when the database refuses for another reason.
    """

    sentences: Sentences = {}
    refusal = (
        "Nothing was changed: the database holds a rule against it, or somebody else changed the "
        "record at the same moment. Reload the page and look at the record again."
    )
    list_per_page = PAGE_SIZE
    show_full_result_count = False
    formfield_overrides = {models.DecimalField: {"form_class": PlainDecimalField}}

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any):
        form = kwargs.pop("form", self.form)
        if not issubclass(form, WordedModelForm):
            form = WordedModelForm
        form = type(form.__name__, (form,), {"sentences": self.sentences or form.sentences})
        return super().get_form(request, obj, change, form=form, **kwargs)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if "widget" not in kwargs and db_field.name in self.get_autocomplete_fields(request):
            using = kwargs.get("using")
            kwargs["widget"] = KnownChoicesSelect(db_field, self.admin_site, using=using)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            return super().changeform_view(request, object_id, *args, **kwargs)
        except (DomainError, IntegrityError, InternalError, ProtectedError) as error:
            return self._refused(request, error)

    def delete_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        try:
            return super().delete_view(request, object_id, *args, **kwargs)
        except (DomainError, IntegrityError, InternalError, ProtectedError) as error:
            return self._refused(request, error)

    def changelist_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return super().changelist_view(request, *args, **kwargs)
        except (DomainError, IntegrityError, InternalError, ProtectedError) as error:
            return self._refused(request, error)

    def _refused(self, request: HttpRequest, error: Exception) -> HttpResponse:
        self.message_user(request, self.sentence_of(error), messages.ERROR)
        popup = f"?{IS_POPUP_VAR}=1" if IS_POPUP_VAR in request.GET else ""
        return redirect(f"{request.path}{popup}")

    def sentence_of(self, error: Exception) -> str:
        """What a refusal says to the person."""
        if isinstance(error, DomainError):
            return str(error)
        if isinstance(error, ProtectedError):
            used = len(error.protected_objects)
            return f"It is used by {used} other records, so it stays. Change those first."
        name = constraint_of(error)
        return self.sentences[name][1] if name in self.sentences else self.refusal


class ReadOnlyAdmin(admin.ModelAdmin):
    """Records that services write and nobody edits: to look at, search and filter."""

    list_per_page = PAGE_SIZE
    show_full_result_count = False
    paginator = BoundedPaginator
    actions: Sequence[str] | None = None

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False
