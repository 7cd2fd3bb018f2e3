"""Every address of Muster. Patterns are written in the form that links use; both forms of slash work."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from incidents_site import health

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("accounts/", include("allauth.urls")),
]
