"""Addresses of schedules and escalation policies."""

from __future__ import annotations

from django.urls import path

from oncall import absence_views, cover_views, feed_views, schedule_views, views, who_views

app_name = "oncall"

urlpatterns = [
    path("on-call/", schedule_views.schedule_list, name="schedule_list"),
    path("on-call/text", who_views.who_text, name="who_text"),
    path("on-call/new", schedule_views.schedule_new, name="schedule_new"),
    path("on-call/<int:pk>", schedule_views.schedule_detail, name="schedule_detail"),
    path("on-call/<int:pk>/edit", schedule_views.schedule_edit, name="schedule_edit"),
    path("on-call/<int:pk>/override", schedule_views.override_new, name="override_new"),
    path("on-call/overrides/<int:pk>/end", schedule_views.override_end, name="override_end"),
    path("on-call/<int:pk>/take", cover_views.take_now, name="take_now"),
    path("on-call/<int:pk>/cover", cover_views.cover_new, name="cover_new"),
    path("on-call/<int:pk>/swap", cover_views.swap, name="swap"),
    path("on-call/cover/<int:pk>/take", cover_views.cover_take, name="cover_take"),
    path("on-call/cover/<int:pk>/withdraw", cover_views.cover_withdraw, name="cover_withdraw"),
    path("on-call/away/", absence_views.absence_list, name="absence_list"),
    path("on-call/away/new", absence_views.absence_new, name="absence_new"),
    path("on-call/away/<int:pk>/remove", absence_views.absence_remove, name="absence_remove"),
    path("on-call/<int:pk>/calendar-feed", feed_views.schedule_feed_new, name="schedule_feed_new"),
    path("on-call/<int:pk>/calendar-feed/revoke", feed_views.schedule_feed_revoke, name="schedule_feed_revoke"),
    path("me/calendar-feed", feed_views.own_feed_new, name="own_feed_new"),
    path("me/calendar-feed/revoke", feed_views.own_feed_revoke, name="own_feed_revoke"),
    path("ical/<str:secret>.ics", feed_views.feed, name="feed"),
    path("escalation-policies/", views.policy_list, name="policy_list"),
    path("escalation-policies/new", views.policy_new, name="policy_new"),
    path("escalation-policies/<int:pk>", views.policy_detail, name="policy_detail"),
    path("escalation-policies/<int:pk>/edit", views.policy_edit, name="policy_edit"),
]
