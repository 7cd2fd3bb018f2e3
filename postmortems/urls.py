"""Addresses of postmortems."""

from __future__ import annotations

from django.urls import path

from postmortems import (
    editor_views,
    event_views,
    export_views,
    history_views,
    list_views,
    panel_views,
    publish_views,
    review_views,
    template_views,
    views,
)

app_name = "postmortems"

urlpatterns = [
    path("postmortems/", list_views.postmortem_list, name="list"),
    path("postmortems/templates/", template_views.template_list, name="template_list"),
    path("postmortems/templates/new", template_views.template_new, name="template_new"),
    path("postmortems/templates/<int:pk>/edit", template_views.template_edit, name="template_edit"),
    path("incidents/<str:reference>/postmortem", panel_views.incident_panel, name="incident_panel"),
    path("postmortems/<str:reference>", views.postmortem_detail, name="detail"),
    path("postmortems/<str:reference>/start", views.start, name="start"),
    path("postmortems/<str:reference>/export.md", export_views.export, {"format_": "md"}, name="export_markdown"),
    path("postmortems/<str:reference>/export.html", export_views.export, {"format_": "html"}, name="export_html"),
    path("postmortems/<str:reference>/export.pdf", export_views.export, {"format_": "pdf"}, name="export_pdf"),
    path("postmortems/<str:reference>/review", review_views.review, name="review"),
    path("postmortems/<str:reference>/review/remove", review_views.remove_reviewer, name="remove_reviewer"),
    path("postmortems/<str:reference>/approve", review_views.approve, name="approve"),
    path("postmortems/<str:reference>/take-back", review_views.take_back, name="take_back"),
    path("postmortems/<str:reference>/owner", review_views.owner, name="owner"),
    path("postmortems/<str:reference>/factors", review_views.choose_factors, name="factors"),
    path("postmortems/<str:reference>/comments", review_views.comment, name="comment"),
    path("postmortems/<str:reference>/comments/<int:pk>", review_views.settle_comment, name="settle_comment"),
    path("postmortems/<str:reference>/publish", publish_views.publish, name="publish"),
    path("postmortems/<str:reference>/public", publish_views.public_version, name="public_version"),
    path("postmortems/<str:reference>/public/publish", publish_views.publish_public, name="publish_public"),
    path("postmortems/<str:reference>/meeting", publish_views.meeting, name="meeting"),
    path("postmortems/<str:reference>/meeting/cancel", publish_views.cancel_meeting, name="cancel_meeting"),
    path("postmortems/<str:reference>/meeting.ics", publish_views.meeting_ics, name="meeting_ics"),
    path("postmortems/<str:reference>/edit", editor_views.edit, name="edit"),
    path("postmortems/<str:reference>/edit/changed", editor_views.edit_changed, name="edit_changed"),
    path("postmortems/<str:reference>/sections/<slug:section>", editor_views.write, name="section"),
    path("postmortems/<str:reference>/sections/<slug:section>/preview", editor_views.preview, name="preview"),
    path("postmortems/<str:reference>/sections/<slug:section>/restore", history_views.restore, name="section_restore"),
    path("postmortems/<str:reference>/history", history_views.history, name="history"),
    path("postmortems/<str:reference>/events", event_views.event_list, name="events"),
    path("postmortems/<str:reference>/events/new", event_views.event_new, name="event_new"),
    path("postmortems/<str:reference>/events/decide", event_views.event_decide, name="event_decide"),
    path("postmortems/<str:reference>/events/<int:pk>/edit", event_views.event_edit, name="event_edit"),
]
