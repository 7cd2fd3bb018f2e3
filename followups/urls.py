"""Addresses of follow-ups."""

from __future__ import annotations

from django.urls import path

from followups import ticket_views, tracker_views, views

app_name = "followups"

urlpatterns = [
    path("follow-ups/", views.follow_ups, name="list"),
    path("follow-ups/export.csv", views.export_csv, name="export"),
    path("follow-ups/items/<int:pk>/export", ticket_views.export_item, name="export_item"),
    path("follow-ups/items/<int:pk>/retry", ticket_views.retry_ticket, name="retry_ticket"),
    path("follow-ups/trackers/", tracker_views.tracker_list, name="tracker_list"),
    path("follow-ups/trackers/new", tracker_views.tracker_new, name="tracker_new"),
    path("follow-ups/trackers/<int:pk>", tracker_views.tracker_edit, name="tracker_edit"),
]
