"""Addresses of alerts and integrations. ``/integrations/…`` itself is the intake (``alerts.middleware``)."""

from __future__ import annotations

from django.urls import path

from alerts import integration_views, views

app_name = "alerts"

urlpatterns = [
    path("alerts/", views.alert_list, name="list"),
    path("alerts/<str:reference>", views.alert_detail, name="detail"),
    path("incidents/<str:reference>/alerts", views.incident_panel, name="incident_panel"),
    path("incidents/<str:reference>/link-alerts", views.link_alerts, name="link_alerts"),
    path("settings/integrations/", integration_views.integration_list, name="integration_list"),
    path("settings/integrations/new", integration_views.integration_new, name="integration_new"),
    path("settings/integrations/<int:pk>", integration_views.integration_detail, name="integration_detail"),
    path("settings/integrations/<int:pk>/edit", integration_views.integration_edit, name="integration_edit"),
    path("settings/integrations/<int:pk>/switch", integration_views.integration_switch, name="integration_switch"),
    path("settings/integrations/<int:pk>/rotate-key", integration_views.integration_rotate, name="integration_rotate"),
]
