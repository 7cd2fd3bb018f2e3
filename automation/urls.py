"""Addresses of actions, runners and executions, and the door for runners."""

from __future__ import annotations

from django.urls import path

from automation import execution_views, runner_door

app_name = "automation"

urlpatterns = [
    path("executions/<int:pk>", execution_views.execution, name="execution"),
    path("runner/v1/claim", runner_door.claim, name="claim"),
    path("runner/v1/executions/<int:pk>/start", runner_door.start, name="start"),
    path("runner/v1/executions/<int:pk>/output", runner_door.output, name="output"),
    path("runner/v1/executions/<int:pk>/finish", runner_door.finish, name="finish"),
]
