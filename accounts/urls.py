"""Addresses of the own profile and of teams. ``accounts:setup`` is added at the top (``incidents_site.first_run``)."""

from __future__ import annotations

from django.urls import path

from accounts import kept_views, team_views, views

app_name = "accounts"

urlpatterns = [
    path("me/", views.profile, name="profile"),
    path("me/tokens/new", views.token_new, name="token_new"),
    path("me/tokens/<int:pk>/revoke", views.token_revoke, name="token_revoke"),
    path("me/kept/<str:token>", kept_views.kept_form, name="kept"),
    path("teams/", team_views.team_list, name="team_list"),
    path("teams/new", team_views.team_new, name="team_new"),
    path("teams/<slug:slug>", team_views.team_detail, name="team_detail"),
    path("teams/<slug:slug>/edit", team_views.team_edit, name="team_edit"),
]
