"""URLs of the inventory floor."""

from django.urls import path

from inventory import views

app_name = "inventory"
urlpatterns = [
    path("items/", views.CatalogueItemListView.as_view(), name="item-list"),
    path("items/new/", views.CatalogueItemCreateView.as_view(), name="item-create"),
    path("items/<int:pk>/", views.CatalogueItemDetailView.as_view(), name="item-detail"),
    path("items/<int:pk>/edit/", views.CatalogueItemUpdateView.as_view(), name="item-edit"),
    path("categories/", views.CategoryListView.as_view(), name="category-list"),
    path("categories/<int:pk>/", views.CategoryDetailView.as_view(), name="category-detail"),
]
