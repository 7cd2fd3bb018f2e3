"""Addresses of postmortems."""

from __future__ import annotations

from django.urls import path

from postmortems import export_views, list_views, panel_views, views

app_name = "postmortems"

urlpatterns = [
    path("postmortems/", list_views.postmortem_list, name="list"),
    path("incidents/<str:reference>/postmortem", panel_views.incident_panel, name="incident_panel"),
    path("postmortems/<str:reference>", views.postmortem_detail, name="detail"),
    path("postmortems/<str:reference>/start", views.start, name="start"),
    path("postmortems/<str:reference>/export.md", export_views.export, {"format_": "md"}, name="export_markdown"),
    path("postmortems/<str:reference>/export.html", export_views.export, {"format_": "html"}, name="export_html"),
    path("postmortems/<str:reference>/export.pdf", export_views.export, {"format_": "pdf"}, name="export_pdf"),
]
