"""Addresses of the outbox, contact methods, inboxes and team addresses."""

from __future__ import annotations

from django.urls import path

from notifications import contact_views, drill_views, views

app_name = "notifications"

urlpatterns = [
    path("outbox/", views.outbox, name="outbox"),
    path("outbox/<int:pk>", views.notification_detail, name="notification_detail"),
    path("inbox/<slug:slug>", views.team_inbox, name="team_inbox"),
    path("teams/<slug:slug>/addresses", views.team_address_form, name="team_addresses"),
    path("me/contact-methods/new", contact_views.contact_method_new, name="contact_method_new"),
    path("me/contact-methods/<int:pk>/test", contact_views.contact_method_test, name="contact_method_test"),
    path("me/contact-methods/<int:pk>/remove", contact_views.contact_method_remove, name="contact_method_remove"),
    path("me/drills/", drill_views.drill_list, name="drill_list"),
    path("me/drills/start", drill_views.drill_start, name="drill_start"),
    path("me/drills/monthly", drill_views.drill_monthly, name="drill_monthly"),
    path("me/drills/<int:pk>", drill_views.drill_detail, name="drill_detail"),
    path("drill/<str:token>", drill_views.drill_answer, name="drill_answer"),
    path("confirm/<str:token>", contact_views.confirm, name="confirm"),
]
