"""Addresses of actions, runners and executions, and the door for runners."""

from __future__ import annotations

from django.urls import path

from automation import action_views, ask_views, door_views, execution_views, runner_views

app_name = "automation"

urlpatterns = [
    path("automation/", action_views.action_list, name="action_list"),
    path("automation/actions/new", action_views.action_new, name="action_new"),
    path("automation/actions/<slug:slug>", action_views.action_detail, name="action_detail"),
    path("automation/actions/<slug:slug>/edit", action_views.action_edit, name="action_edit"),
    path("automation/actions/<slug:slug>/archive", action_views.action_archive, name="action_archive"),
    path("automation/actions/<slug:slug>/secret", action_views.action_secret, name="action_secret"),
    path("automation/runners/", runner_views.runner_list, name="runner_list"),
    path("automation/runners/new", runner_views.runner_new, name="runner_new"),
    path("automation/runners/<int:pk>", runner_views.runner_detail, name="runner_detail"),
    path("automation/runners/<int:pk>/switch", runner_views.runner_switch, name="runner_switch"),
    path("automation/runners/<int:pk>/rotate", runner_views.runner_rotate, name="runner_rotate"),
    path("incidents/<str:reference>/actions", ask_views.incident_panel, name="incident_panel"),
    path("incidents/<str:reference>/actions/<slug:slug>", ask_views.ask, name="ask"),
    path("executions/<int:pk>", execution_views.execution, name="execution"),
    path("executions/<int:pk>/changed", execution_views.execution_changed, name="execution_changed"),
    path("executions/<int:pk>/approve", execution_views.approve, name="approve"),
    path("executions/<int:pk>/refuse", execution_views.refuse, name="refuse"),
    path("executions/<int:pk>/stop", execution_views.stop, name="stop"),
    path("runner/v1/claim", door_views.claim, name="claim"),
    path("runner/v1/executions/<int:pk>/start", door_views.start, name="start"),
    path("runner/v1/executions/<int:pk>/output", door_views.output, name="output"),
    path("runner/v1/executions/<int:pk>/finish", door_views.finish, name="finish"),
]
