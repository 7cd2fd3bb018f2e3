"""Addresses work with and without a trailing slash, and nothing redirects."""

from __future__ import annotations

import pytest
from django.http import HttpResponse
from django.urls import path, re_path

from incidents_site.slashes import either_slash

# As in Django admin, whose last pattern takes whatever the others left.
urlpatterns = [
    path("shop/cart/", HttpResponse),
    re_path(r"^shop/(?P<url>.*)$", HttpResponse),
]


def path_seen_by_views(rf, asked):
    seen = []

    def view(request):
        seen.append(request.path_info)
        return HttpResponse()

    either_slash(view)(rf.post(asked, data=b"body", content_type="text/plain"))
    return seen[0]


@pytest.mark.parametrize(
    ("asked", "seen"),
    [
        ("/healthz", "/healthz"),
        ("/healthz/", "/healthz"),
        ("/accounts/login/", "/accounts/login/"),
        ("/accounts/login", "/accounts/login/"),
        ("/admin", "/admin/"),
        ("/admin/login", "/admin/login/"),
        ("/no/such/page", "/no/such/page"),
        ("/no/such/page/", "/no/such/page/"),
        ("/static/css/app.css", "/static/css/app.css"),
    ],
)
def test_the_other_ending_is_tried_when_the_given_one_leads_nowhere(rf, asked, seen):
    assert path_seen_by_views(rf, asked) == seen


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(
    ("asked", "seen"),
    [("/shop/cart", "/shop/cart/"), ("/shop/cart/", "/shop/cart/"), ("/shop/other", "/shop/other")],
)
def test_a_pattern_that_takes_anything_does_not_hide_the_other_ending(rf, asked, seen):
    assert path_seen_by_views(rf, asked) == seen


@pytest.mark.parametrize("asked", ["/healthz", "/healthz/"])
def test_both_endings_answer_the_same(client, asked):
    answer = client.get(asked)
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
