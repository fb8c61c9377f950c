"""Pages of the workplace itself: home, log in, jobs, search, health."""

from django.urls import path

from billing_site.web import views
from billing_site.web.job_views import (
    JobCancelView,
    JobDetailView,
    JobDownloadView,
    JobListView,
    JobProgressView,
    JobRetryView,
)

app_name = "web"
urlpatterns = [
    path("", views.HomeView.as_view(), name="home"),
    path("login/", views.LoginView.as_view(), name="login"),
    path("logout/", views.LogoutView.as_view(), name="logout"),
    path("password/", views.PasswordView.as_view(), name="password"),
    path("theme/", views.ThemeView.as_view(), name="theme"),
    path("search/", views.SearchView.as_view(), name="search"),
    path("jobs/", JobListView.as_view(), name="job-list"),
    path("jobs/progress/", JobProgressView.as_view(), name="job-progress"),
    path("jobs/<int:pk>/", JobDetailView.as_view(), name="job-detail"),
    path("jobs/<int:pk>/cancel/", JobCancelView.as_view(), name="job-cancel"),
    path("jobs/<int:pk>/retry/", JobRetryView.as_view(), name="job-retry"),
    path("jobs/<int:pk>/download/", JobDownloadView.as_view(), name="job-download"),
    path("healthz", views.HealthView.as_view(), name="healthz"),
    path("readyz", views.ReadyView.as_view(), name="readyz"),
]
