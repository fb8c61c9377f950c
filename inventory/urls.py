"""URLs of the inventory floor."""

from django.urls import path

from inventory.views import assets, catalogue, imports, platforms

app_name = "inventory"
urlpatterns = [
    path("items/", catalogue.CatalogueItemListView.as_view(), name="item-list"),
    path("items/new/", catalogue.CatalogueItemCreateView.as_view(), name="item-create"),
    path("items/<int:pk>/", catalogue.CatalogueItemDetailView.as_view(), name="item-detail"),
    path("items/<int:pk>/edit/", catalogue.CatalogueItemUpdateView.as_view(), name="item-edit"),
    path("items/import/", imports.ItemImportUploadView.as_view(), name="item-import"),
    path("items/imports/<int:pk>/", imports.ItemImportPreviewView.as_view(), name="item-preview"),
    path(
        "items/imports/<int:pk>/confirm/",
        imports.ItemImportConfirmView.as_view(),
        name="item-confirm",
    ),
    path(
        "items/imports/<int:pk>/discard/",
        imports.ItemImportDiscardView.as_view(),
        name="item-discard",
    ),
    path("categories/", catalogue.CategoryListView.as_view(), name="category-list"),
    path("categories/<int:pk>/", catalogue.CategoryDetailView.as_view(), name="category-detail"),
    path("platforms/", platforms.PlatformListView.as_view(), name="platform-list"),
    path("assets/", assets.AssetListView.as_view(), name="asset-list"),
    path("assets/<int:pk>/", assets.AssetDetailView.as_view(), name="asset-detail"),
]
