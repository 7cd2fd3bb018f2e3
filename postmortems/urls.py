"""Addresses of postmortems."""

from __future__ import annotations

from django.urls import path

from postmortems import views

app_name = "postmortems"

urlpatterns = [
    path("postmortems/", views.postmortem_list, name="list"),
    path("postmortems/<str:reference>", views.postmortem_detail, name="detail"),
    path("postmortems/<str:reference>/start", views.start, name="start"),
]
