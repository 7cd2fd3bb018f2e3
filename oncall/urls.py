"""Addresses of escalation policies."""

from __future__ import annotations

from django.urls import path

from oncall import views

app_name = "oncall"

urlpatterns = [
    path("escalation-policies/", views.policy_list, name="policy_list"),
    path("escalation-policies/new", views.policy_new, name="policy_new"),
    path("escalation-policies/<int:pk>", views.policy_detail, name="policy_detail"),
    path("escalation-policies/<int:pk>/edit", views.policy_edit, name="policy_edit"),
]
