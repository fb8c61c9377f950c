"""The administration's own log-in."""

from django.contrib import admin

from billing_site.web.login_forms import AdminLoginForm

admin.site.login_form = AdminLoginForm
