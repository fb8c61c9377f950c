"""The administration's own log-in, and what it shows of everybody's log-ins."""

from axes.admin import AccessAttemptAdmin, AccessFailureLogAdmin, AccessLogAdmin
from axes.models import AccessAttempt, AccessFailureLog, AccessLog
from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from billing_site.web.admin_pages import ReadOnlyAdmin
from billing_site.web.login_forms import AdminLoginForm

admin.site.login_form = AdminLoginForm


@admin.register(AccessLog)
class AccessLogPages(ReadOnlyAdmin, AccessLogAdmin):
    """Who logged in and out; nobody edits or deletes it."""


@admin.register(AccessFailureLog)
class AccessFailureLogPages(ReadOnlyAdmin, AccessFailureLogAdmin):
    """Log-ins that failed; nobody edits or deletes it."""


@admin.register(AccessAttempt)
class AccessAttemptPages(ReadOnlyAdmin, AccessAttemptAdmin):
    """Failures that count towards a lock. Deleting them is how an administrator unlocks a log-in;
    it takes nothing from the logs.
    """

    actions = ()

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return admin.ModelAdmin.has_delete_permission(self, request, obj)
