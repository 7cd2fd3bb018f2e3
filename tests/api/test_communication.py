"""Status updates and action items through the API."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from api.schemas.base import rfc3339
from incidents import action_items
from incidents.models import ActionItem, StatusUpdate, UpdateTemplate
from notifications.models import Notification
from tests import make
from tests.api.caller import Caller, fields_of, mistakes_of

DAY = timedelta(days=1)


@pytest.fixture
def incident(db):
    return make.incident(severity="low", at=timezone.now())


def updates(incident) -> str:
    return f"incidents/{incident.reference}/status-updates"


def items(incident) -> str:
    return f"incidents/{incident.reference}/action-items"


def in_a_week() -> str:
    return (timezone.now().date() + 7 * DAY).isoformat()


# ---- status updates ------------------------------------------------------------------------------------------


def test_an_update_is_posted_and_listed(api, incident):
    posted = api.post(updates(incident), {"message": "We *know* why.", "status": "identified"})
    assert posted.status_code == 201
    said = posted.json()
    update = StatusUpdate.objects.get()
    assert said == {
        "id": update.pk,
        "incident_id": incident.reference,
        "message": "We *know* why.",
        "status": "identified",
        "visibility": "internal",
        "title": "",
        "created_by": "alice",
        "created_at": rfc3339(update.at),
        "publish_at": rfc3339(update.at),
        "published_at": rfc3339(update.at),
        "cancelled_at": None,
        "edited_at": None,
        "next_update_at": None,
        "affects": {},
        "even_when_over": False,
        "version": update.version,
        "revisions": [],
    }
    api.post(updates(incident), {"message": "Over.", "status": "resolved", "visibility": "internal"})
    assert [each["message"] for each in api.items(updates(incident))] == ["We *know* why.", "Over."]
    assert api.get(f"incidents/{incident.reference}").json()["status"] == "triggered"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"status": "resolved"}, "message"),
        ({"message": "", "status": "resolved"}, "message"),
        ({"message": "  ", "status": "resolved"}, "message"),
        ({"message": "x" * 5001, "status": "resolved"}, "message"),
        ({"message": "x"}, "status"),
        ({"message": "x", "status": "fixed"}, "status"),
        ({"message": "x", "status": "resolved", "visibility": "public"}, "visibility"),
        ({"message": "x", "status": "resolved", "created_by": "bob"}, "created_by"),
    ],
)
def test_an_update_that_cannot_be_posted_says_why(api, incident, body, field):
    answer = api.post(updates(incident), body)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    assert not StatusUpdate.objects.exists()


def test_the_public_is_told_by_the_first_update_what_it_is_called(api, incident):
    body = {"message": "x", "status": "investigating", "visibility": "external"}
    assert mistakes_of(api.post(updates(incident), body)) == [("title", "Say what the incident is called in public.")]
    soon = timezone.now() + DAY
    body |= {"title": "Checkout fails", "affects": {"k3x9": "major_outage"}, "next_update_at": rfc3339(soon)}
    said = api.post(updates(incident), body).json()
    assert (said["title"], said["affects"], said["next_update_at"], said["published_at"]) == (
        "Checkout fails", {"k3x9": "major_outage"}, rfc3339(soon), said["created_at"],
    )  # fmt: skip
    assert api.post(updates(incident), {**body, "title": ""}).status_code == 201


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"title": "x" * 121}, "title"),
        ({"title": "Checkout", "visibility": "internal"}, "title"),
        ({"title": None}, "title"),
        ({"affects": {"a b": "x"}}, "affects"),
        ({"affects": {"a": 3}}, "affects.a"),
        ({"affects": ["a"]}, "affects"),
        ({"affects": {f"a{place}": "x" for place in range(51)}}, "affects"),
        ({"next_update_at": "2024-01-01T00:00:00Z"}, "next_update_at"),
        ({"next_update_at": "9000-01-01T00:00:00Z"}, "next_update_at"),
        ({"publish_at": "2024-01-01T00:00:00Z"}, "publish_at"),
        ({"publish_at": "tomorrow"}, "publish_at"),
        ({"publish_at": "9000-01-01T00:00:00Z"}, "publish_at"),
        ({"hold": "yes"}, "hold"),
        ({"message": "a\x00b"}, ""),
        ({"affects": {"\x00": "x"}}, ""),
    ],
)
def test_what_cannot_be_said_in_public_is_refused_in_words(api, incident, more, field):
    body = {"message": "x", "status": "investigating", "visibility": "external", "title": "Checkout"}
    answer = api.post(updates(incident), body | more)
    assert answer.status_code == 422
    if field:
        assert fields_of(answer) == [field]
    assert not StatusUpdate.objects.exists()


def test_a_held_update_is_changed_withdrawn_or_published(api, incident):
    body = {"message": "We look.", "status": "investigating", "hold": True}
    held = api.post(updates(incident), body).json()
    update = StatusUpdate.objects.get()
    assert (held["published_at"], held["publish_at"]) == (None, rfc3339(update.at + timedelta(seconds=60)))
    at = f"{updates(incident)}/{held['id']}"
    changed = api.patch(at, {"message": "We know.", "status": "identified"}).json()
    assert changed == held | {"message": "We know.", "status": "identified", "version": changed["version"]}
    withdrawn = api.post(f"{at}/withdraw").json()
    assert withdrawn["cancelled_at"] is not None
    assert api.post(f"{at}/withdraw").json() == withdrawn
    for answer in (api.post(f"{at}/publish"), api.patch(at, {"message": "x"})):
        assert (answer.status_code, answer.json()["detail"]) == (409, "It was taken back; write another one.")
    other = api.post(updates(incident), body).json()
    out = api.post(f"{updates(incident)}/{other['id']}/publish").json()
    assert (out["published_at"] is not None, incident.timeline.filter(kind="status_updated").count()) == (True, 1)
    assert api.post(f"{updates(incident)}/{other['id']}/withdraw").status_code == 409


def test_a_published_update_keeps_what_it_said_before(api, incident):
    said = api.post(updates(incident), {"message": "We look.", "status": "investigating"}).json()
    edited = api.patch(f"{updates(incident)}/{said['id']}", {"message": "We *look*."}).json()
    assert edited == said | {
        "message": "We *look*.",
        "version": StatusUpdate.objects.get().version,
        "edited_at": edited["edited_at"],
        "revisions": [
            {
                "status": "investigating",
                "title": "",
                "message": "We look.",
                "replaced_at": edited["edited_at"],
                "replaced_by": "alice",
            }
        ],
    }
    assert api.items(updates(incident)) == [edited]
    for wrong, field in (({"message": ""}, "message"), ({"status": "fixed"}, "status"), ({"hold": True}, "hold")):
        answer = api.patch(f"{updates(incident)}/{said['id']}", wrong)
        assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_what_waits_and_what_was_withdrawn_is_seen_by_responders_alone(api, incident, charlie):
    held = api.post(updates(incident), {"message": "x", "status": "investigating", "hold": True}).json()
    reader = Caller(charlie, "read")
    assert ([each["id"] for each in api.items(updates(incident))], reader.items(updates(incident))) == (
        [held["id"]],
        [],
    )
    api.post(f"{updates(incident)}/{held['id']}/publish")
    assert [each["id"] for each in reader.items(updates(incident))] == [held["id"]]


def test_an_update_belongs_to_its_incident(api, incident):
    other = make.incident(severity="low", at=timezone.now())
    said = api.post(updates(other), {"message": "x", "status": "investigating", "hold": True}).json()
    for number in (said["id"], 2**63 - 1, 2**70, "x"):
        at = f"{updates(incident)}/{number}"
        answers = (api.patch(at, {"message": "y"}), api.post(f"{at}/publish"), api.post(f"{at}/withdraw"))
        assert [answer.status_code for answer in answers] == [404] * 3
    assert StatusUpdate.objects.waiting().get().message == "x"


def test_managers_keep_words_to_begin_with(api, alice, admin):
    body = {"name": "We look", "status": "investigating", "title": "A problem", "message": "Since {started}."}
    assert api.post("update-templates", body).status_code == 403
    boss = Caller(admin)
    made = boss.post("update-templates", body).json()
    template = UpdateTemplate.objects.get()
    assert made == body | {
        "id": template.pk, "visibility": "external", "updated_at": rfc3339(template.updated_at),
    }  # fmt: skip
    at = f"update-templates/{made['id']}"
    assert api.items("update-templates") == [api.get(at).json()] == [made]
    assert api.patch(at, {"name": "x"}).status_code == api.call("DELETE", at).status_code == 403
    assert boss.patch(at, {"name": "Look"}).json()["name"] == "Look"
    assert mistakes_of(boss.patch(at, {"message": "{reference}"})) == [
        ("message", "{reference} is for colleagues only; the public must not read it.")
    ]
    assert fields_of(boss.post("update-templates", body | {"name": "Look"})) == ["name"]
    assert boss.call("DELETE", at).status_code == 204
    assert (boss.get(at).status_code, boss.patch(at, {}).status_code, UpdateTemplate.objects.count()) == (404, 404, 0)


def test_updates_and_items_with_a_key_are_made_once(api, incident):
    for path, body in (
        (updates(incident), {"message": "x", "status": "resolved"}),
        (items(incident), {"title": "x"}),
    ):
        first, again = (api.post(path, body, key=path) for _ in "12")
        assert (again.status_code, again.json(), again["Idempotency-Replayed"]) == (201, first.json(), "true")
    assert (StatusUpdate.objects.count(), ActionItem.objects.count()) == (1, 1)


# ---- action items --------------------------------------------------------------------------------------------


def test_an_item_is_added_read_and_listed(api, incident, bob):
    added = api.post(items(incident), {"title": "Alert on lag", "owner": "bob", "due_on": in_a_week()})
    assert added.status_code == 201
    item = ActionItem.objects.get()
    assert added.json() == {
        "id": item.pk,
        "incident_id": incident.reference,
        "title": "Alert on lag",
        "owner": "bob",
        "due_on": in_a_week(),
        "kind": None,
        "state": "open",
        "done": False,
        "done_at": None,
        "done_by": None,
        "accepted_at": None,
        "accepted_by": None,
        "accepted_reason": None,
        "created_at": item.created_at.isoformat().replace("+00:00", "Z"),
        "created_by": "alice",
    }
    assert api.get(f"action-items/{item.pk}").json() == added.json()
    assert api.items(items(incident)) == api.items("action-items") == [added.json()]
    assert Notification.objects.get(user=bob).reason == "Action item for you"


def test_a_patch_changes_what_it_names_ticks_and_unticks(api, incident, bob):
    item = action_items.add(incident, title="x", owner=bob, by=bob)
    path = f"action-items/{item.pk}"
    changed = api.patch(path, {"title": "y", "owner": None, "due_on": in_a_week()}).json()
    assert (changed["title"], changed["owner"], changed["due_on"]) == ("y", None, in_a_week())
    done = api.patch(path, {"due_on": None, "done": True}).json()
    assert (done["due_on"], done["done"], done["done_by"]) == (None, True, "alice")
    assert api.patch(path, {"done": True}).json() == done
    opened = api.patch(path, {"done": False, "title": "z"}).json()
    assert (opened["title"], opened["done"], opened["done_at"], opened["done_by"]) == ("z", False, None, None)
    kinds = [entry["kind"] for entry in api.items(f"incidents/{incident.reference}/timeline")]
    assert [kind for kind in kinds if kind.startswith("action")] == [
        "action_added", "action_changed", "action_changed", "action_done", "action_reopened", "action_changed",
    ]  # fmt: skip


def test_a_risk_is_accepted_and_the_item_taken_up_again(api, incident, alice):
    added = api.post(items(incident), {"title": "x", "kind": "preventive"}).json()
    path = f"action-items/{added['id']}"
    assert (added["kind"], api.patch(path, {"kind": "mitigating"}).json()["kind"]) == ("preventive", "mitigating")
    accepted = api.patch(path, {"kind": None, "accepted_reason": "It goes in March."}).json()
    assert (accepted["kind"], accepted["state"], accepted["accepted_by"]) == (None, "accepted", "alice")
    assert (accepted["accepted_reason"], accepted["done"]) == ("It goes in March.", False)
    assert (
        api.patch(path, {"title": "y"}).json()["detail"] == "“x” is closed as an accepted risk; reopen it to change it."
    )
    opened = api.patch(path, {"done": False, "title": "y"}).json()
    assert (opened["state"], opened["accepted_reason"], opened["title"]) == ("open", None, "y")
    assert api.patch(path, {"done": True}).json()["state"] == "done"
    late = api.patch(path, {"accepted_reason": "z"})
    assert (late.status_code, late.json()["detail"]) == (409, "“y” is done; there is no risk left to accept.")


@pytest.mark.parametrize(
    "change",
    [*({"accepted_reason": text} for text in (" ", "", None, "x" * 2001)), {"accepted_reason": "x", "done": True}],
)
def test_a_risk_that_cannot_be_accepted_says_why(api, incident, alice, change):
    item = action_items.add(incident, title="x", by=alice)
    answer = api.patch(f"action-items/{item.pk}", change)
    assert (answer.status_code, fields_of(answer)) == (422, ["accepted_reason"])
    assert api.get(f"action-items/{item.pk}").json()["state"] == "open"


def test_items_by_state_kind_and_what_is_so_of_their_incident(api, alice):
    team = make.team("crew")
    kafka = make.incident(services=[make.service("kafka", team=team)], severity="critical")
    other = make.incident(services=[make.service("search")], severity="low")
    now = timezone.now()
    late = action_items.add(kafka, title="l", kind="detective", due_on=now.date() - DAY, by=alice, now=now - 3 * DAY)
    done = action_items.set_done(action_items.add(kafka, title="d", by=alice), by=alice)
    lived = action_items.accept_risk(action_items.add(other, title="a", by=alice), reason="why", by=alice)
    soon = action_items.add(other, title="s", kind="preventive", due_on=now.date() + DAY, by=alice)

    def found(query: str) -> list[int]:
        return [each["id"] for each in api.items(f"action-items?{query}")]

    assert (found("state=open"), found("state=done"), found("state=accepted")) == (
        [soon.pk, late.pk], [done.pk], [lived.pk],
    )  # fmt: skip
    assert (found("overdue=true"), found("overdue=false")) == ([late.pk], [soon.pk, lived.pk, done.pk])
    assert (found("kind=detective"), found("kind=none")) == ([late.pk], [lived.pk, done.pk])
    assert found("severity=critical") == found("service=kafka") == found("team=crew") == [done.pk, late.pk]
    assert found("service=search&state=open") == [soon.pk]
    assert found("team=nobody") == found("service=nobody") == []


def test_what_is_done_is_reopened_before_it_is_changed(api, incident, alice):
    item = action_items.set_done(action_items.add(incident, title="x", by=alice), by=alice)
    answer = api.patch(f"action-items/{item.pk}", {"title": "y"})
    assert (answer.status_code, answer.json()["detail"]) == (409, "“x” is done; reopen it to change it.")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"title": ""}, "title"),
        ({"title": None}, "title"),
        ({"title": "x" * 256}, "title"),
        ({"owner": "nobody"}, "owner"),
        ({"due_on": "2020-01-01"}, "due_on"),
        ({"due_on": "9999-12-31"}, "due_on"),
        ({"due_on": "2026-02-30"}, "due_on"),
        ({"due_on": "20261021"}, "due_on"),
        ({"due_on": "2026-W43-3"}, "due_on"),
        ({"due_on": "2026-10-21T00:00:00Z"}, "due_on"),
        ({"due_on": 1760000000}, "due_on"),
        ({"due_on": ""}, "due_on"),
        ({"kind": ""}, "kind"),
        ({"kind": "other"}, "kind"),
        ({"done": "yes"}, "done"),
        ({"done": None}, "done"),
        ({"done_at": "2026-10-21T00:00:00Z"}, "done_at"),
        ({"incident_id": "INC-1"}, "incident_id"),
    ],
)
def test_a_value_that_cannot_be_is_named_and_nothing_changes(api, incident, alice, change, field):
    item = action_items.add(incident, title="x", by=alice)
    answer = api.patch(f"action-items/{item.pk}", {"title": "y"} | change)
    assert (answer.status_code, fields_of(answer)) == (422, [field])
    item.refresh_from_db()
    assert (item.title, item.owner, item.due_on, item.done_at) == ("x", None, None, None)
    if "done" not in field and "incident" not in field:
        answer = api.post(items(incident), {"title": "y"} | change)
        assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_items_of_all_incidents_by_owner_state_and_incident(api, alice, bob, incident):
    other = make.incident()
    mine = action_items.add(incident, title="mine", owner=alice, by=alice)
    done = action_items.set_done(action_items.add(incident, title="done", owner=bob, by=alice), by=bob)
    nobodys = action_items.add(other, title="nobody's", by=alice)

    def found(query: str) -> list[int]:
        return [each["id"] for each in api.items(f"action-items?{query}")]

    assert found("") == [nobodys.pk, done.pk, mine.pk]
    assert found("owner=me") == found("owner=alice") == [mine.pk]
    assert found("owner=none") == [nobodys.pk]
    assert found("owner=nobody-here") == []
    assert (found("done=true"), found("done=false")) == ([done.pk], [nobodys.pk, mine.pk])
    assert found(f"incident={incident.reference.lower()}&done=false") == [mine.pk]
    assert found("incident=INC-999999") == []


@pytest.mark.parametrize(
    ("query", "field"),
    [("incident=42", "incident"), ("incident=%00", "incident"), ("done=perhaps", "done"),
     ("state=x", "state"), ("kind=x", "kind"), ("severity=x", "severity"), ("overdue=x", "overdue"), ("due=x", "due"),
     ("cursor=x", "cursor"), ("limit=201", "limit"), ("owner=%00", "owner")],
)  # fmt: skip
def test_a_filter_that_cannot_be_is_named(api, query, field):
    answer = api.get(f"action-items?{query}")
    assert (answer.status_code, fields_of(answer)) == (422, [field])


def test_pages_follow_each_other_and_cost_the_same(api, alice, bob, incident):
    made = [action_items.add(incident, title=f"{number}", owner=bob, by=alice).pk for number in range(5)]
    made_first = api.get("action-items?limit=2").json()
    seen, page = [], made_first
    while True:
        seen += [each["id"] for each in page["items"]]
        if page["next"] is None:
            break
        page = api.get(page["next"].removeprefix("http://testserver")).json()
    assert seen == made[::-1]

    def cost(limit: int) -> int:
        with CaptureQueriesContext(connection) as queries:
            assert len(api.items(f"action-items?limit={limit}")) == limit
        return len(queries)

    assert cost(1) == cost(5)


# ---- rights --------------------------------------------------------------------------------------------------


def test_what_belongs_to_a_private_incident_is_hidden_with_it(bob, root, alice):
    secret = make.incident(is_private=True, assignee=alice)
    item = action_items.add(secret, title="Secret", by=alice)
    stranger = Caller(bob, "write")
    assert stranger.items("action-items") == stranger.items(f"action-items?incident={secret.reference}") == []
    for method, body in (("GET", None), ("PATCH", {"done": True})):
        answer = stranger.call(method, f"action-items/{item.pk}", body)
        missing = stranger.call(method, "action-items/999999", body)
        assert (answer.status_code, answer.content) == (404, missing.content)
    assert [each["id"] for each in root.items("action-items")] == [item.pk]
    item.refresh_from_db()
    assert item.done_at is None


def test_a_viewer_and_a_token_that_reads_do_not_act(charlie, alice, incident):
    item = action_items.add(incident, title="x", by=alice)
    for caller in (Caller(charlie, "admin"), Caller(alice, "read")):
        assert caller.get(f"action-items/{item.pk}").status_code == 200
        assert caller.patch(f"action-items/{item.pk}", {"done": True}).status_code == 403
        assert caller.post(items(incident), {"title": "y"}).status_code == 403
        assert caller.post(updates(incident), {"message": "x", "status": "resolved"}).status_code == 403
    assert (ActionItem.objects.get().done_at, StatusUpdate.objects.count()) == (None, 0)
