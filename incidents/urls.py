"""Addresses of this app."""

from __future__ import annotations

from django.urls import path

from incidents import subscription_views, template_views, update_views
from incidents.views import (
    actions,
    answer,
    bulk,
    communication,
    declare,
    detail,
    export,
    ledger,
    list,
    notes,
    readiness,
    saved_views,
    simulate,
)

app_name = "incidents"

urlpatterns = [
    path("incidents/", list.incident_list, name="list"),
    path("incidents/new", declare.declare, name="declare"),
    path("incidents/new/plan", declare.declare_plan, name="declare_plan"),
    path("incidents/similar", declare.similar, name="similar"),
    path("incidents/acknowledge", bulk.acknowledge, name="acknowledge_many"),
    path("incidents/export.csv", export.export_csv, name="export"),
    path("incidents/views", saved_views.save, name="save_view"),
    path("incidents/views/<int:pk>/delete", saved_views.delete, name="delete_view"),
    path("incidents/<str:reference>", detail.incident_detail, name="detail"),
    path("incidents/<str:reference>/panels", detail.panels, name="panels"),
    path("incidents/<str:reference>/presence", detail.presence, name="presence"),
    path("incidents/<str:reference>/ledger", ledger.ledger, name="ledger"),
    path("incidents/<str:reference>/acknowledge", actions.acknowledge, name="acknowledge"),
    path("incidents/<str:reference>/move", actions.move, name="move"),
    path("incidents/<str:reference>/assign", actions.assign, name="assign"),
    path("incidents/<str:reference>/severity", actions.severity, name="severity"),
    path("incidents/<str:reference>/services", actions.services, name="services"),
    path("incidents/<str:reference>/edit", actions.edit, name="edit"),
    path("incidents/<str:reference>/resolve", actions.resolve, name="resolve"),
    path("incidents/<str:reference>/escalate", actions.escalate, name="escalate"),
    path("incidents/<str:reference>/unacknowledge", actions.unacknowledge, name="unacknowledge"),
    path("incidents/<str:reference>/snooze", actions.snooze, name="snooze"),
    path("incidents/<str:reference>/wake", actions.wake, name="wake"),
    path("incidents/<str:reference>/reopen", actions.reopen, name="reopen"),
    path("incidents/<str:reference>/exclude", actions.exclude, name="exclude"),
    path("incidents/<str:reference>/include", actions.include, name="include"),
    path("incidents/<str:reference>/notes", notes.add_note, name="add_note"),
    path("incidents/<str:reference>/notes/<int:pk>/correct", notes.correct_note, name="correct_note"),
    path("incidents/<str:reference>/evidence", notes.link_evidence, name="link_evidence"),
    path("incidents/<str:reference>/mitigations", notes.record_mitigation, name="record_mitigation"),
    path("incidents/<str:reference>/status-updates/new", update_views.post_update, name="post_update"),
    path("incidents/<str:reference>/status-updates/<int:pk>/edit", update_views.edit_update, name="edit_update"),
    path(
        "incidents/<str:reference>/status-updates/<int:pk>/withdraw",
        update_views.withdraw_update,
        name="withdraw_update",
    ),
    path(
        "incidents/<str:reference>/status-updates/<int:pk>/publish", update_views.publish_update, name="publish_update"
    ),
    path("incidents/<str:reference>/action-items/new", communication.add_action, name="add_action"),
    path("incidents/<str:reference>/action-items/<int:pk>/edit", communication.change_action, name="change_action"),
    path("incidents/<str:reference>/action-items/<int:pk>/accept", communication.accept_action, name="accept_action"),
    path("incidents/<str:reference>/action-items/<int:pk>/done", communication.finish_action, name="finish_action"),
    path("incidents/<str:reference>/action-items/<int:pk>/reopen", communication.reopen_action, name="reopen_action"),
    path("subscriptions", subscription_views.subscription_list, name="subscriptions"),
    path("subscriptions/follow", subscription_views.follow, name="follow"),
    path("subscriptions/unfollow", subscription_views.unfollow, name="unfollow"),
    path("subscriptions/<int:pk>/remove", subscription_views.remove, name="subscription_remove"),
    path("services/<slug:slug>/simulate", simulate.simulate, name="simulate"),
    path("update-templates/", template_views.update_template_list, name="update_template_list"),
    path("update-templates/new", template_views.update_template_new, name="update_template_new"),
    path("update-templates/<int:pk>", template_views.update_template_edit, name="update_template_edit"),
    path("update-templates/<int:pk>/delete", template_views.update_template_remove, name="update_template_remove"),
    path("on-call/readiness", readiness.on_call_readiness, name="readiness"),
    path("answers/email/<str:token>", answer.answer, name="answer"),
]
