"""Saved views of the list: kept in one spelling, one's own, replaced by name, and few."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from incidents import saved_views
from incidents.filters import IncidentFilter
from incidents.models import SavedView
from tests.api.caller import Caller

pytestmark = pytest.mark.django_db


def kept(user) -> list[tuple[str, str]]:
    return [(view.name, view.query) for view in SavedView.objects.visible_to(user)]


@pytest.mark.parametrize(
    ("query", "spelling"),
    [
        ("", ""),
        ("?team=mine&severity=high", "severity=high&team=mine"),
        ("severity=low&severity=high", "severity=high"),
        ("period=active&sort=-created&q=", ""),
        ("period=all&sort=created", "period=all&sort=created"),
        ("cursor=abc&seen=1&shown=2&next=//evil&csrfmiddlewaretoken=x", ""),
        ("q=%20a%20b%20", "q=a+b"),
        ("q=%00%ff&%00=1", "q=%EF%BF%BD%EF%BF%BD"),
        ("&&==&q", ""),
    ],
)
def test_a_query_is_kept_in_one_spelling(query, spelling):
    assert saved_views.normalised(query) == spelling
    assert saved_views.normalised(spelling) == spelling


def test_every_filter_of_the_list_can_be_kept():
    assert set(IncidentFilter.base_filters) <= set(saved_views.FILTERS)


def test_a_view_is_saved_shown_and_marked_as_the_present_one(client, alice):
    client.force_login(alice)
    answer = client.post(reverse("incidents:save_view"), {"name": " Bad  ones ", "query": "severity=critical&cursor=x"})
    assert (answer.status_code, answer["Location"]) == (303, "/incidents/?severity=critical")
    assert kept(alice) == [("Bad ones", "severity=critical")]
    page = client.get(answer["Location"]).content.decode()
    assert "View “Bad ones” saved" in page
    assert '<a href="/incidents/?severity=critical" aria-current="page">Bad ones</a>' in page
    assert '<a href="/incidents/?severity=critical">Bad ones</a>' in client.get("/incidents/").content.decode()


def test_saving_under_the_same_name_replaces(client, alice):
    client.force_login(alice)
    for query in ("severity=high", "severity=low"):
        client.post(reverse("incidents:save_view"), {"name": "Mine", "query": query})
    assert kept(alice) == [("Mine", "severity=low")]
    assert "replaced" in client.get("/incidents/").content.decode()


@pytest.mark.parametrize(("name", "said"), [("", "Give the view a name."), ("x" * 61, "At most 60 characters.")])
def test_a_name_that_will_not_do_is_said_and_nothing_is_kept(client, alice, name, said):
    client.force_login(alice)
    answer = client.post(reverse("incidents:save_view"), {"name": name, "query": "period=all"})
    assert answer["Location"] == "/incidents/?period=all"
    assert said in client.get(answer["Location"]).content.decode()
    assert kept(alice) == []


def test_one_person_has_so_many_views_and_no_more(alice, bob):
    for number in range(saved_views.MOST):
        saved_views.save(name=f"View {number}", query="", by=alice)
    with pytest.raises(ValidationError, match="You have 50 views"):
        saved_views.save(name="One more", query="", by=alice)
    assert saved_views.save(name="View 7", query="q=x", by=alice)[1]
    assert saved_views.save(name="One more", query="", by=bob)[0].user == bob


def test_a_query_that_is_too_long_is_refused(alice):
    with pytest.raises(ValidationError, match="too long"):
        saved_views.save(name="Long", query="q=" + "x" * 2000, by=alice)


def test_views_are_deleted_by_their_owner_only(client, alice, bob, admin):
    view, _ = saved_views.save(name="Hers only", query="period=all", by=alice)
    action = reverse("incidents:delete_view", args=[view.pk])
    for stranger in (bob, admin):
        client.force_login(stranger)
        assert client.post(action).status_code == 404
        assert "Hers only" not in client.get("/incidents/").content.decode()
    client.force_login(alice)
    assert client.get(action).status_code == 405
    assert client.post(action, {"query": "severity=high"})["Location"] == "/incidents/?severity=high"
    assert kept(alice) == []
    assert client.post(action).status_code == 404


def test_viewers_keep_views_too(client, charlie):
    client.force_login(charlie)
    client.post(reverse("incidents:save_view"), {"name": "Read", "query": ""})
    assert kept(charlie) == [("Read", "")]


def test_a_name_is_shown_and_never_run(client, alice):
    saved_views.save(name="<b>x</b>", query="q=%22%3E%3Cscript%3E", by=alice)
    client.force_login(alice)
    page = client.get("/incidents/").content.decode()
    assert "<b>x" not in page
    assert "<script>" not in page


def test_the_api_lists_saves_and_deletes_ones_own(alice, bob, settings):
    api, stranger = Caller(alice, "write"), Caller(bob, "write")
    answer = api.post("saved-views", {"name": "Bad ones", "query": "severity=critical&cursor=x"})
    view = SavedView.objects.get()
    shown = answer.json()
    assert answer.status_code == 201
    assert shown == {
        "id": view.pk,
        "name": "Bad ones",
        "query": "severity=critical",
        "url": f"{settings.MUSTER.base_url}/incidents/?severity=critical",
        "created_at": shown["created_at"],
    }
    assert api.post("saved-views", {"name": "Bad ones"}).status_code == 200
    assert [item["query"] for item in api.items("saved-views")] == [""]
    assert stranger.items("saved-views") == []
    assert stranger.delete(f"saved-views/{view.pk}").status_code == 404
    assert api.delete(f"saved-views/{view.pk}").status_code == 204
    assert api.items("saved-views") == []
    assert api.post("saved-views", {"name": " "}).status_code == 422
    assert Caller(alice, "read").post("saved-views", {"name": "x"}).status_code == 403
