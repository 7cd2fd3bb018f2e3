"""Postmortems over the API: what pages can do, and that what is read can be sent back."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import Role
from api.resources import postmortems as resource
from incidents import action_items, lifecycle
from incidents.models import Incident
from postmortems import comments, editing, reviewing
from postmortems.models import Postmortem
from tests import make
from tests.api.caller import Caller, fields_of

pytestmark = pytest.mark.django_db

KEYS = ["summary", "timeline", "root_cause", "impact", "resolution", "action_items", "lessons_learned"]
MINUTE = timedelta(minutes=1)


@pytest.fixture
def incident(alice):
    made = make.incident(title="Checkout fails", at=timezone.now() - 40 * MINUTE, services=[make.service("checkout")])
    lifecycle.acknowledge(made, by=alice, now=timezone.now() - 38 * MINUTE)
    return lifecycle.resolve(made, by=alice, root_cause="A full disk.", now=timezone.now() - 10 * MINUTE)


@pytest.fixture
def postmortem(incident):
    return make.postmortem(incident)


def texts(document):
    return {section["key"]: section["body"] for section in document["sections"]}


def finish(api, postmortem):
    """Write every section."""
    sections = [{"key": key, "body": f"All of {key}."} for key in KEYS]
    assert api.patch(f"postmortems/{postmortem.pk}", {"sections": sections}).status_code == 200


# ---- reading -----------------------------------------------------------------------------------------------------


def test_the_list_of_an_incident_has_its_sections_in_order(api, alice, incident, postmortem):
    action_items.add(incident, title="Watch the disk", by=alice, owner=alice)
    (one,) = api.items(f"postmortems?incident={incident.reference}")
    assert (one["id"], one["incident"], one["state"]) == (postmortem.pk, incident.reference, "draft")
    assert [section["key"] for section in one["sections"]] == KEYS
    said = texts(one)
    assert "Checkout fails" in said["summary"]
    assert "Alice acknowledged it" in said["timeline"]
    assert "- Watch the disk (owner Alice" in said["action_items"]
    assert said["root_cause"].startswith("A full disk.")
    assert one["unwritten"] == ["summary", "root_cause", "impact", "resolution", "lessons_learned"]
    assert one["owner"] == "alice"
    due = incident.resolved_at + timedelta(days=5)
    assert one["due_at"] == due.isoformat().replace("+00:00", "Z")


def test_a_page_of_whole_postmortems_is_short_however_long_it_may_be(api, postmortem, monkeypatch):
    monkeypatch.setattr(resource, "LONGEST_PAGE", 1)
    make.postmortem()
    first = api.get("postmortems?limit=200").json()
    assert len(first["items"]) == 1
    assert first["next"] is not None


def test_it_is_read_by_its_id_and_by_its_incident(api, incident, postmortem):
    by_id = api.get(f"postmortems/{postmortem.pk}").json()
    assert api.get(f"postmortems/{incident.reference}").json() == by_id
    assert api.get(f"postmortems/{incident.reference.lower()}/").json() == by_id
    for name in ("INC-999999", "0", "-1", "9" * 30, "x", "INC-", "１"):
        assert api.get(f"postmortems/{name}").status_code == 404, name


@pytest.mark.parametrize(("query", "is_found"), [
    ("state=draft", True), ("state=published", False), ("severity=critical", True), ("severity=low", False),
    ("service=checkout", True), ("service=x", False), ("team=x", False), ("factor=capacity", True),
    ("factor=x", False), ("owner=me", True), ("owner=alice", True), ("owner=none", False), ("q=checkout+disk", True),
    ("q=zebra", False),
])  # fmt: skip
def test_the_list_is_narrowed(api, postmortem, query, is_found):
    api.patch(f"postmortems/{postmortem.pk}", {"factors": ["Capacity"]})
    assert bool(api.items(f"postmortems?{query}")) is is_found


@pytest.mark.parametrize(("query", "field"), [("state=done", "state"), ("severity=x", "severity"), ("x=1", "x"),
                                              ("incident=42", "incident"), ("cursor=x", "cursor")])  # fmt: skip
def test_a_filter_that_makes_no_sense_is_named(api, query, field):
    assert fields_of(api.get(f"postmortems?{query}")) == [field]


def test_the_list_costs_the_same_queries_at_any_length(api, alice, bob, django_assert_max_num_queries):
    for _ in range(3):
        one = make.postmortem(by=alice, services=[make.service()])
        action_items.add(one.incident, title="x", owner=alice, by=alice)
        reviewing.send_for_review(one, reviewers=[alice, bob], by=alice)
    with django_assert_max_num_queries(14):
        assert len(api.items("postmortems")) == 3


# ---- beginning and writing ---------------------------------------------------------------------------------------


def test_beginning_one_writes_a_draft_once(api, alice, incident):
    first = api.post("postmortems", {"incident": incident.reference})
    assert first.status_code == 201, first.content
    assert first.json()["owner"] == "alice"
    again = api.post("postmortems", {"incident": incident.reference})
    assert (again.status_code, again.json()["id"]) == (200, first.json()["id"])
    assert api.get(f"incidents/{incident.reference}").json()["status"] == "postmortem"


def test_of_an_open_incident_there_is_none_yet(api):
    answer = api.post("postmortems", {"incident": make.incident().reference})
    assert answer.status_code == 409
    assert "begins when it is resolved" in answer.json()["detail"]
    assert fields_of(api.post("postmortems", {"incident": "INC-999"})) == ["incident"]


def test_what_was_read_can_be_sent_back_and_changes_nothing(api, alice, incident, postmortem):
    action_items.add(incident, title="Watch *the* disk", by=alice)
    before = api.get(f"postmortems/{postmortem.pk}").json()
    same = {name: before[name] for name in ("sections", "owner", "factors", "meeting", "public_text")}
    assert api.patch(f"postmortems/{postmortem.pk}", same).json() == before
    assert postmortem.sections.get(key="timeline").body == "[[events]]"
    based = [{"key": each["key"], "body": each["body"], "base": each["body"]} for each in before["sections"]]
    assert api.patch(f"postmortems/{postmortem.pk}", {"sections": based}).json() == before
    assert not Postmortem.objects.filter(sections__number__gt=1).exists()


def test_sections_are_written_and_their_live_lists_stay_live(api, alice, incident, postmortem):
    said = texts(api.get(f"postmortems/{postmortem.pk}").json())
    changed = api.patch(
        f"postmortems/{incident.reference}",
        {"sections": [
            {"key": "root_cause", "body": "Nothing watched it."},
            {"key": "timeline", "body": f"In short:\n\n{said['timeline']}"},
        ]},
    )  # fmt: skip
    assert texts(changed.json())["root_cause"] == "Nothing watched it."
    assert postmortem.sections.get(key="timeline").body == "In short:\n\n[[events]]"
    incident.refresh_from_db()
    assert incident.status == "postmortem"


def test_with_a_base_both_texts_are_merged_or_the_second_is_told(api, bob, postmortem):
    section = postmortem.sections.get(key="lessons_learned")
    editing.write(section, body="First line.\n\nLast line.", by=bob)
    base = "First line.\n\nLast line."
    editing.write(section, body="First line.\n\nLast line, changed.", by=bob)
    merged = {"key": "lessons_learned", "base": base, "body": "First line, mine.\n\nLast line."}
    answer = api.patch(f"postmortems/{postmortem.pk}", {"sections": [merged]})
    assert texts(answer.json())["lessons_learned"] == "First line, mine.\n\nLast line, changed."
    clash = [{"key": "root_cause", "body": "Lost?"}, {**merged, "body": "First line.\n\nLast line, otherwise."}]
    answer = api.patch(f"postmortems/{postmortem.pk}", {"sections": clash})
    assert (answer.status_code, answer["Content-Type"]) == (409, "application/problem+json")
    assert answer.json()["current"] == {
        "key": "lessons_learned", "body": "First line, mine.\n\nLast line, changed.",
    }  # fmt: skip
    assert postmortem.sections.get(key="root_cause").body != "Lost?"


@pytest.mark.parametrize(("body", "field"), [
    ({"sections": [{"key": "nothing", "body": "x"}]}, "sections"),
    ({"sections": [{"key": "nothing", "body": "x", "base": ""}]}, "sections"),
    ({"sections": [{"key": "summary", "body": "x"}, {"key": "summary", "body": "y"}]}, "sections"),
    ({"sections": [{"key": "summary", "body": "x", "title": "Other"}]}, "sections.0.title"),
    ({"sections": [{"key": "summary", "body": "x" * 50_001}]}, "sections.0.body"),
    ({"owner": "nobody-of-that-name"}, "owner"),
    ({"factors": ["x" * 61]}, "factors.0"),
    ({"meeting": {"at": "2020-01-01T10:00:00Z"}}, "at"),
    ({"meeting": {"at": "2020-01-01T10:00:00Z", "minutes": 1}}, "meeting.minutes"),
    ({"state": "published"}, "state"),
])  # fmt: skip
def test_what_cannot_be_is_named(api, postmortem, body, field):
    answer = api.patch(f"postmortems/{postmortem.pk}", body)
    assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_owner_factors_meeting_and_public_text(api, bob, postmortem):
    at = (timezone.now() + timedelta(days=2)).replace(microsecond=0).isoformat().replace("+00:00", "Z")
    meeting = {"at": at, "minutes": 45, "place": "Room 2"}
    body = {"owner": "bob", "factors": ["Capacity", "Missing alert"], "meeting": meeting, "public_text": "Sorry."}
    now = api.patch(f"postmortems/{postmortem.pk}", body).json()
    assert {name: now[name] for name in body} == body
    assert api.patch(f"postmortems/{postmortem.pk}", {"meeting": None, "owner": None}).json()["meeting"] is None


# ---- review and publishing ---------------------------------------------------------------------------------------


def test_from_review_to_publication_and_back(api, bob, postmortem):
    address = f"postmortems/{postmortem.pk}"
    assert fields_of(api.post(f"{address}/review", {"reviewers": ["x"]})) == ["reviewers"]
    sent = api.post(f"{address}/review", {"reviewers": ["bob"]}).json()
    assert (sent["state"], [row["user"] for row in sent["reviewers"]]) == ("in_review", ["bob"])
    assert api.post(f"{address}/approve").status_code == 409
    unfinished = api.post(f"{address}/publish")
    assert unfinished.status_code == 422
    finish(api, postmortem)
    assert Caller(bob, "write").post(f"{address}/approve").json()["reviewers"][0]["approved_at"]
    assert fields_of(api.post(f"{address}/publish", {"with_public": True})) == ["public_text"]
    api.patch(address, {"public_text": "We are sorry."})
    out = api.post(f"{address}/publish", {"with_public": True}).json()
    assert (out["state"], out["published_by"], out["is_public"]) == ("published", "alice", True)
    refused = api.patch(address, {"sections": [{"key": "summary", "body": "x"}]})
    assert refused.status_code == 409
    assert "Take it back to change it" in refused.json()["detail"]
    back = api.post(f"{address}/take-back").json()
    assert (back["state"], back["published_at"], bool(back["first_published_at"])) == ("draft", None, True)
    assert api.call("DELETE", f"{address}/reviewers/bob").json()["reviewers"] == []
    assert api.call("DELETE", f"{address}/reviewers/bob").status_code == 404


def test_comments_are_made_and_settled(api, bob, postmortem):
    address = f"postmortems/{postmortem.pk}/comments"
    comments.add(postmortem, text="On the whole", by=bob)
    made = api.post(address, {"text": "Why?", "section": "root_cause"})
    assert (made.status_code, made.json()["section"], made.json()["created_by"]) == (201, "root_cause", "alice")
    assert fields_of(api.post(address, {"text": "Why?", "section": "x"})) == ["section"]
    settled = api.patch(f"{address}/{made.json()['id']}", {"settled": True}).json()
    assert settled["settled_by"] == "alice"
    assert [(row["text"], bool(row["settled_at"])) for row in api.items(address)] == [
        ("On the whole", False), ("Why?", True),
    ]  # fmt: skip
    assert api.patch(f"{address}/{made.json()['id']}", {"settled": False}).json()["settled_at"] is None
    assert api.patch(f"{address}/999999", {"settled": True}).status_code == 404


def test_events_are_kept_left_out_corrected_and_added(api, incident, postmortem):
    address = f"postmortems/{postmortem.pk}/events"
    first, *rest = api.items(address)
    assert api.patch(f"{address}/{first['id']}", {"is_kept": False}).json()["is_kept"] is False
    other = api.patch(f"{address}/{rest[0]['id']}", {"text": "She took it"}).json()
    assert (other["text"], other["is_corrected"], other["source_text"]) == ("She took it", True, rest[0]["text"])
    at = incident.created_at.isoformat()
    added = api.post(address, {"text": "The deploy began", "at": at})
    assert (added.status_code, added.json()["entry"], added.json()["changed_by"]) == (201, None, "alice")
    entry = incident.timeline.exclude(pk__in=postmortem.events.exclude(entry=None).values("entry")).first()
    assert api.post(address, {"entry": entry.pk}).json()["entry"] == entry.pk
    said = texts(api.get(f"postmortems/{postmortem.pk}").json())["timeline"]
    assert "She took it" in said
    assert first["text"] not in said
    for body, field in (({}, "text"), ({"entry": 10**9}, "entry"), ({"entry": 1, "text": "x"}, "entry")):
        assert fields_of(api.post(address, body))[0] == field
    assert fields_of(api.patch(f"{address}/{first['id']}", {"at": "2999-01-01T00:00:00Z"})) == ["at"]
    assert api.patch(f"{address}/999999", {"is_kept": True}).status_code == 404


def test_revisions_say_what_it_said_before(api, postmortem):
    api.patch(f"postmortems/{postmortem.pk}", {"sections": [{"key": "impact", "body": "None."}]})
    new, old = api.items(f"postmortems/{postmortem.pk}/revisions?section=impact")
    assert (new["number"], new["by"], new["body"]) == (2, "alice", "None.")
    assert (old["number"], old["by"], old["note"]) == (1, None, "drafted")
    assert len(api.items(f"postmortems/{postmortem.pk}/revisions")) == 8


def test_files(api, postmortem):
    for query, kind in (("", "text/markdown; charset=utf-8"), ("?format=html", "text/html; charset=utf-8")):
        answer = api.get(f"postmortems/{postmortem.incident.reference}/export{query}")
        assert (answer.status_code, answer["Content-Type"]) == (200, kind)
        assert b"Checkout fails" in answer.content
        assert answer["Content-Disposition"].startswith("attachment;")
    assert fields_of(api.get(f"postmortems/{postmortem.pk}/export?format=doc")) == ["format"]


# ---- who may -----------------------------------------------------------------------------------------------------


def test_a_reviewer_approves_and_comments_whatever_their_role(postmortem, alice):
    vera, address = make.user("vera", role=Role.VIEWER), f"postmortems/{postmortem.pk}"
    other, viewer = Caller(make.user("otto", role=Role.VIEWER), "write"), Caller(vera, "write")
    reviewing.send_for_review(postmortem, reviewers=[vera], by=alice)
    assert viewer.post(f"{address}/approve").json()["reviewers"][0]["approved_at"]
    comment = viewer.post(f"{address}/comments", {"text": "And the alarm?"}).json()
    assert viewer.patch(f"{address}/comments/{comment['id']}", {"settled": True}).json()["settled_by"] == "vera"
    for caller in (other, Caller(vera, "read")):
        assert caller.post(f"{address}/approve").status_code == 403
        assert caller.post(f"{address}/comments", {"text": "x"}).status_code == 403
        assert caller.patch(f"{address}/comments/{comment['id']}", {"settled": False}).status_code == 403


def test_viewers_read_and_do_not_write(postmortem):
    viewer = Caller(make.user("vera", role=Role.VIEWER), "write")
    assert viewer.get(f"postmortems/{postmortem.pk}").status_code == 200
    assert viewer.patch(f"postmortems/{postmortem.pk}", {"owner": None}).status_code == 403
    assert viewer.post("postmortems", {"incident": postmortem.incident.reference}).status_code == 403


def test_what_one_may_not_see_is_not_there(bob, postmortem):
    Incident.objects.filter(pk=postmortem.incident_id).update(is_private=True, assignee=bob)
    stranger = Caller(make.user("eve"), "write")
    address = f"postmortems/{postmortem.pk}"
    assert stranger.items("postmortems") == []
    for path in ("", "/comments", "/events", "/revisions", "/export"):
        assert stranger.get(address + path).status_code == 404, path
    for path, body in (("/review", {"reviewers": ["bob"]}), ("/publish", None), ("/take-back", None),
                       ("/comments", {"text": "x"}), ("/events", {"entry": 1}), ("/approve", None)):  # fmt: skip
        assert stranger.post(address + path, body).status_code == 404, path
    assert stranger.patch(address, {"owner": None}).status_code == 404
    assert fields_of(stranger.post("postmortems", {"incident": postmortem.incident.reference})) == ["incident"]
    assert Caller(bob, "read").get(address).status_code == 200
