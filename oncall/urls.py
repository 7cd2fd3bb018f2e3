"""Addresses of schedules and escalation policies."""

from __future__ import annotations

from django.urls import path

from oncall import schedule_views, views

app_name = "oncall"

urlpatterns = [
    path("on-call/", schedule_views.schedule_list, name="schedule_list"),
    path("on-call/new", schedule_views.schedule_new, name="schedule_new"),
    path("on-call/<int:pk>", schedule_views.schedule_detail, name="schedule_detail"),
    path("on-call/<int:pk>/edit", schedule_views.schedule_edit, name="schedule_edit"),
    path("on-call/<int:pk>/override", schedule_views.override_new, name="override_new"),
    path("on-call/overrides/<int:pk>/end", schedule_views.override_end, name="override_end"),
    path("escalation-policies/", views.policy_list, name="policy_list"),
    path("escalation-policies/new", views.policy_new, name="policy_new"),
    path("escalation-policies/<int:pk>", views.policy_detail, name="policy_detail"),
    path("escalation-policies/<int:pk>/edit", views.policy_edit, name="policy_edit"),
]
