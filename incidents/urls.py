"""Addresses of this app."""

from __future__ import annotations

from django.urls import path

from incidents.views import actions, answer, declare, detail, list, notes

app_name = "incidents"

urlpatterns = [
    path("incidents/", list.incident_list, name="list"),
    path("incidents/new", declare.declare, name="declare"),
    path("incidents/<str:reference>", detail.incident_detail, name="detail"),
    path("incidents/<str:reference>/acknowledge", actions.acknowledge, name="acknowledge"),
    path("incidents/<str:reference>/move", actions.move, name="move"),
    path("incidents/<str:reference>/assign", actions.assign, name="assign"),
    path("incidents/<str:reference>/severity", actions.severity, name="severity"),
    path("incidents/<str:reference>/services", actions.services, name="services"),
    path("incidents/<str:reference>/edit", actions.edit, name="edit"),
    path("incidents/<str:reference>/resolve", actions.resolve, name="resolve"),
    path("incidents/<str:reference>/reopen", actions.reopen, name="reopen"),
    path("incidents/<str:reference>/postmortem", actions.postmortem, name="postmortem"),
    path("incidents/<str:reference>/notes", notes.add_note, name="add_note"),
    path("incidents/<str:reference>/notes/<int:pk>/correct", notes.correct_note, name="correct_note"),
    path("incidents/<str:reference>/evidence", notes.link_evidence, name="link_evidence"),
    path("incidents/<str:reference>/mitigations", notes.record_mitigation, name="record_mitigation"),
    path("answers/email/<str:token>", answer.answer, name="answer"),
]
