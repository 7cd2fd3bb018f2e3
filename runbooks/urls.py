"""Addresses of runbooks and runs."""

from __future__ import annotations

from django.urls import path

from runbooks import editor_views, run_views, views

app_name = "runbooks"

urlpatterns = [
    path("runbooks/", views.runbook_list, name="list"),
    path("runbooks/new", editor_views.runbook_new, name="new"),
    path("runbooks/<slug:slug>", views.runbook_detail, name="detail"),
    path("runbooks/<slug:slug>/edit", editor_views.runbook_edit, name="edit"),
    path("runbooks/<slug:slug>/history", views.runbook_history, name="history"),
    path("runbooks/<slug:slug>/review", views.runbook_review, name="review"),
    path("runbooks/<slug:slug>/archive", views.runbook_archive, name="archive"),
    path("runbooks/<slug:slug>/start", run_views.start, name="start"),
    path("incidents/<str:reference>/runbooks", run_views.incident_panel, name="incident_panel"),
    path("runs/<int:pk>", run_views.run_detail, name="run"),
    path("runs/<int:pk>/changed", run_views.run_changed, name="run_changed"),
    path("runs/<int:pk>/steps/<int:position>/done", run_views.tick, name="tick"),
    path("runs/<int:pk>/steps/<int:position>/undo", run_views.untick, name="untick"),
    path("runs/<int:pk>/steps/<int:position>/skip", run_views.skip, name="skip"),
    path("runs/<int:pk>/steps/<int:position>/seen", run_views.seen, name="seen"),
]
