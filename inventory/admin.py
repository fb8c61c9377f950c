"""The inventory floor for administrators: platforms, categories and the catalogue (L-2..L-4)."""

from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from billing_site.web.admin_pages import ReferenceAdmin
from inventory import services
from inventory.errors import CATEGORY_SENTENCES, ITEM_SENTENCES, PLATFORM_SENTENCES
from inventory.models import BillingPlatform, CatalogueItem, ProductCategory
from ledger.admin import TreeNodeForm


@admin.register(BillingPlatform)
class BillingPlatformAdmin(ReferenceAdmin):
    """Creation asks for the name only (L-3); notes and a link follow (L-14)."""

    sentences = PLATFORM_SENTENCES
    list_display = ("name", "is_in_house", "link")
    search_fields = ("name",)
    readonly_fields = ("is_in_house",)
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}

    def get_fields(self, request: HttpRequest, obj: BillingPlatform | None = None):
        return ("name", "notes", "link", "is_in_house") if obj else ("name",)

    def get_deleted_objects(self, objs: Any, request: HttpRequest):
        """The page before deleting names the in-house platform among what stays."""
        deleted, counts, missing, stays = super().get_deleted_objects(objs, request)
        kept = [platform for platform in objs if platform.is_in_house]
        names = [f"{platform.name}: the in-house platform is never deleted" for platform in kept]
        return deleted, counts, missing, [*stays, *names]

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
