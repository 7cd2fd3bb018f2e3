"""Addresses of follow-ups."""

from __future__ import annotations

from django.urls import path

from followups import views

app_name = "followups"

urlpatterns = [
    path("follow-ups/", views.follow_ups, name="list"),
    path("follow-ups/export.csv", views.export_csv, name="export"),
]
