"""Addresses of services and maintenance windows."""

from __future__ import annotations

from django.urls import path

from catalog import maintenance_views, views

app_name = "catalog"

urlpatterns = [
    path("services/", views.service_list, name="service_list"),
    path("services/new", views.service_new, name="service_new"),
    path("services/<slug:slug>", views.service_detail, name="service_detail"),
    path("services/<slug:slug>/edit", views.service_edit, name="service_edit"),
    path("services/<slug:slug>/health", views.service_health, name="service_health"),
    path("maintenance/", maintenance_views.maintenance_list, name="maintenance_list"),
    path("maintenance/new", maintenance_views.maintenance_new, name="maintenance_new"),
    path("maintenance/<slug:window>", maintenance_views.maintenance_detail, name="maintenance_detail"),
    path("maintenance/<slug:window>/edit", maintenance_views.maintenance_edit, name="maintenance_edit"),
    path("maintenance/<slug:window>/start", maintenance_views.maintenance_start, name="maintenance_start"),
    path("maintenance/<slug:window>/end", maintenance_views.maintenance_end, name="maintenance_end"),
    path("maintenance/<slug:window>/extend", maintenance_views.maintenance_extend, name="maintenance_extend"),
    path("maintenance/<slug:window>/cancel", maintenance_views.maintenance_cancel, name="maintenance_cancel"),
]
