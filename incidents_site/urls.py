"""Every address of Muster. Patterns are written in the form that links use; both forms of slash work."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from accounts.urls import urlpatterns as accounts_patterns
from incidents.views.list import incident_list
from incidents_site import first_run, health, metrics

urlpatterns = [
    path("", incident_list, name="home"),
    path("", include("home.urls")),
    path("", include("incidents.urls")),
    path("", include("automation.urls")),
    path("", include("alerts.urls")),
    path("", include("runbooks.urls")),
    path("", include("postmortems.urls")),
    path("", include("followups.urls")),
    path("", include("statuspage.urls")),
    path("status/", include("statuspage.public_urls")),
    path("", include("metrics.urls")),
    path("", include("catalog.urls")),
    path("", include("oncall.urls")),
    path("", include("notifications.urls")),
    path("", include(([*accounts_patterns, path("setup/<str:token>", first_run.setup, name="setup")], "accounts"))),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("api.urls")),
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("health/paging", health.paging, name="paging"),
    path("-/metrics", metrics.metrics, name="metrics"),
]
