"""Addresses of services."""

from __future__ import annotations

from django.urls import path

from catalog import views

app_name = "catalog"

urlpatterns = [
    path("services/", views.service_list, name="service_list"),
    path("services/new", views.service_new, name="service_new"),
    path("services/<slug:slug>", views.service_detail, name="service_detail"),
    path("services/<slug:slug>/edit", views.service_edit, name="service_edit"),
    path("services/<slug:slug>/health", views.service_health, name="service_health"),
]
