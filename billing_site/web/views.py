"""Pages of the workplace itself."""

from typing import Any

from django.contrib import messages
from django.contrib.auth import views as auth_views
from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse, reverse_lazy
from django.utils.decorators import method_decorator
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.views import View
from django.views.generic import TemplateView
from django_htmx.http import HttpResponseClientRedirect

from billing_site.web.context import THEME_COOKIE, THEMES, theme_of
from billing_site.web.health import readiness
from billing_site.web.login_forms import LoginForm
from billing_site.web.search import SHORTEST, search_all

COOKIE_AGE_SECONDS = 365 * 24 * 3600
HITS_WHILE_TYPING = 5
HITS_ON_PAGE = 25
SEARCH_LENGTH = 100


class HomeView(TemplateView):
    template_name = "web/home.html"


@method_decorator(login_not_required, name="dispatch")
class LoginView(auth_views.LoginView):
    template_name = "registration/login.html"
    authentication_form = LoginForm
    redirect_authenticated_user = True

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if getattr(request, "htmx", False):  # a session ended under a page: log in, then go back
            back = urlencode({"next": request.htmx.current_url_abs_path or "/"})
            return HttpResponseClientRedirect(f"{reverse('web:login')}?{back}")
        return super().dispatch(request, *args, **kwargs)


class LogoutView(auth_views.LogoutView):
    http_method_names = ["post"]


class PasswordView(auth_views.PasswordChangeView):
    template_name = "registration/password_change.html"
    success_url = reverse_lazy("web:home")

    def form_valid(self, form) -> HttpResponse:
        messages.success(self.request, "Your password was changed.")
        return super().form_valid(form)


@method_decorator(login_not_required, name="dispatch")
class ThemeView(View):
    """Keeps the chosen theme in a cookie and returns to the page."""

    http_method_names = ["post"]

    def post(self, request: HttpRequest) -> HttpResponse:
        theme = request.POST.get("theme", "")
        if theme not in THEMES:
            return HttpResponseBadRequest("Choose light or dark.")
        target = request.POST.get("next", "")
        safe = url_has_allowed_host_and_scheme(
            target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
        )
        response = redirect(target if safe else reverse("web:home"))
        response.set_cookie(
            THEME_COOKIE,
            theme,
            max_age=COOKIE_AGE_SECONDS,
            samesite="Lax",
            secure=request.is_secure(),
        )
        return response


class SearchView(View):
    """Hits while typing (htmx) and the page of all hits."""

    def get(self, request: HttpRequest) -> HttpResponse:
        text = request.GET.get("q", "").replace("\x00", "")[:SEARCH_LENGTH]
        partial = bool(request.htmx) and not request.htmx.boosted
        limit = HITS_WHILE_TYPING if partial else HITS_ON_PAGE
        groups = search_all(text, user=request.user, limit=limit)
        context = {"groups": groups, "search_text": text, "too_short": len(text.strip()) < SHORTEST}
        template = "web/_search_hits.html" if partial else "web/search.html"
        return render(request, template, context)


@method_decorator(login_not_required, name="dispatch")
class HealthView(View):
    """The process answers; nothing else is asked."""

    def get(self, request: HttpRequest) -> JsonResponse:
        return JsonResponse({"status": "ok"})


@method_decorator(login_not_required, name="dispatch")
class ReadyView(View):
    """Database, Redis and migrations; 503 with the names of what is not ready."""

    def get(self, request: HttpRequest) -> JsonResponse:
        checks = readiness()
        ready = all(checks.values())
        return JsonResponse(
            {"status": "ready" if ready else "not ready", "checks": checks},
            status=200 if ready else 503,
        )


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "400.html", {"theme": theme_of(request)}, status=400)


def server_error(request: HttpRequest) -> HttpResponse:
    """Needs neither the database nor a session: they may be what broke."""
    return HttpResponse(render_to_string("500.html", {"theme": theme_of(request)}), status=500)
