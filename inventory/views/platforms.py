"""Billing platforms for whoever routes items: notes, link, what is on them (L-2, L-14)."""

from django.contrib.auth.mixins import PermissionRequiredMixin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views import View

from inventory import selectors


class PlatformListView(PermissionRequiredMixin, View):
    """All platforms; they are made and changed in the Django admin (L-4)."""

    permission_required = "inventory.view_billingplatform"
    http_method_names = ["get"]

    def get(self, request: HttpRequest) -> HttpResponse:
        platforms = selectors.platforms_with_counts()
        context = {
            "platforms": platforms,
            "has_external": any(not platform.is_in_house for platform in platforms),
        }
        return render(request, "inventory/platform_list.html", context)
