"""Addresses of this app."""

from __future__ import annotations

from django.urls import path

from home import views

app_name = "home"

urlpatterns = [
    path("now/", views.now, name="now"),
    path("my-work/", views.my_work, name="my_work"),
    path("me/pages", views.pages_to_me, name="pages_to_me"),
    path("search/", views.search, name="search"),
    path("first-steps/", views.first_steps, name="first_steps"),
    path("first-steps/test-page", views.test_page, name="test_page"),
]
