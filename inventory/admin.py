"""The inventory floor for administrators: platforms, categories and the catalogue (L-2..L-4)."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from billing_site.web.admin_pages import ReferenceAdmin
from inventory import selectors, services
from inventory.errors import CATEGORY_SENTENCES, ITEM_SENTENCES, PLATFORM_SENTENCES
from inventory.forms import ColumnNamesField
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
from ledger.admin import TreeNodeForm

EXPORTS = {"product_columns": "Export Product", "cli_columns": "Export CLI"}


@admin.register(BillingPlatform)
class BillingPlatformAdmin(ReferenceAdmin):
    """Creation asks for the name only (L-3); notes, link and export columns follow (L-14, L-40)."""

    sentences = PLATFORM_SENTENCES
    list_display = ("name", "is_in_house", "link")
    search_fields = ("name",)
    readonly_fields = ("is_in_house",)
    formfield_overrides = ReferenceAdmin.formfield_overrides | {
        models.URLField: {"assume_scheme": "https"}
    }

    def get_fieldsets(self, request: HttpRequest, obj: BillingPlatform | None = None) -> Any:
        if obj is None:
            return ((None, {"fields": ("name",)}),)
        more = ("notes", "link", "product_columns", "cli_columns")
        return (
            (None, {"fields": ("name", "is_in_house")}),
            ("Notes, link and export columns", {"fields": more, "classes": ("collapse",)}),
        )

    def formfield_for_dbfield(
        self, db_field: models.Field, request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name in EXPORTS:
            return ColumnNamesField(
                required=False,
                label=f"Columns of {EXPORTS[db_field.name]}",
                help_text="Names as Billing Export lists them, one per line or comma separated, "
                "in the order they are written. Empty: the usual columns.",
            )
        return super().formfield_for_dbfield(db_field, request, **kwargs)

    def get_deleted_objects(self, objs: Any, request: HttpRequest) -> Any:
        """The page before deleting says what stays and why; nothing is loaded to say so."""
        platforms = list(objs)
        stays = [kept for one in platforms if (kept := selectors.why_platform_stays(one))]
        names = [str(platform) for platform in platforms]
        missing = set()
        if not self.has_delete_permission(request):
            missing.add(self.opts.verbose_name)
        return names, {self.opts.verbose_name_plural: len(names)}, missing, stays

    def delete_model(self, request: HttpRequest, obj: BillingPlatform) -> None:
        services.delete_platform(platform_id=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: Any) -> None:
        for platform in queryset:
            services.delete_platform(platform_id=platform.pk)


@admin.register(ProductCategory)
class ProductCategoryAdmin(ReferenceAdmin):
    form = TreeNodeForm
    sentences = CATEGORY_SENTENCES
    list_display = ("name", "parent", "depth")
    list_select_related = ("parent",)
    search_fields = ("name",)
    ordering = ("name",)
    autocomplete_fields = ("parent",)
    fields = ("name", "parent")


@admin.register(CatalogueItem)
class CatalogueItemAdmin(ReferenceAdmin):
    sentences = ITEM_SENTENCES
    list_display = ("code", "name", "category", "kind", "item_type", "recurring_price", "active")
    list_select_related = ("category",)
    list_filter = ("active", "kind", "item_type")
    search_fields = ("code", "name")
    autocomplete_fields = ("category", "upfront_route", "recurring_route")
    fieldsets = (
        (None, {"fields": ("code", "name", ("kind", "item_type"), "category", "unit", "active")}),
        ("Up-front", {"fields": (("upfront_price", "upfront_cost"), "upfront_route")}),
        ("Recurring", {"fields": (("recurring_price", "recurring_cost"), "recurring_route")}),
        ("Metering", {"fields": (("metering_minimum", "metering_increment"),)}),
    )
