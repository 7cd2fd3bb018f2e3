"""The pages on which people say how it stands and what is left to do, and the panels that show it."""

from __future__ import annotations

import html
import re
from datetime import timedelta

import pytest
from django.db import connection
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from incidents import action_items, communication, detail
from incidents.models import ActionItem, SeverityPolicy
from tests import make
from tests.make import MINUTE, happened

pytestmark = pytest.mark.django_db

WEEK = timedelta(days=7)


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


@pytest.fixture
def incident(db):
    return make.incident(severity="low", at=timezone.now() - 3 * MINUTE)


@pytest.fixture
def item(incident, bob):
    return action_items.add(incident, title="Alert on <lag>", owner=bob, due_on=timezone.localdate() + WEEK, by=bob)


def url(name: str, incident, *args) -> str:
    return reverse(f"incidents:{name}", args=[incident.reference, *args])


def words(source: str) -> str:
    """What markup says."""
    bare = re.sub(r"<svg.*?</svg>", "", source, flags=re.DOTALL)
    return html.unescape(re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", bare))).strip()


def panel(response, name: str) -> str:
    return response.content.decode().split(f'id="{name}"')[1].split("</section>")[0]


def sent(form_page, **changes) -> dict[str, str]:
    """The form as a browser would send it, with some fields filled in."""
    found = re.findall(r'<input[^>]*name="([^"]+)"[^>]*value="([^"]*)"', form_page.content.decode())
    given = {name: html.unescape(value) for name, value in found if name != "csrfmiddlewaretoken"}
    selected = re.search(
        r'<select name="owner".*?<option value="([^"]*)" selected', form_page.content.decode(), re.DOTALL
    )
    return given | {"owner": selected[1] if selected else ""} | changes


# ---- action items --------------------------------------------------------------------------------------------


def test_an_item_is_added_changed_ticked_and_taken_up_again(at_desk, incident, bob):
    today = timezone.localdate()
    where = incident.get_absolute_url()
    data = {"title": "Alert on lag", "owner": "bob", "due_on": today.isoformat(), "kind": "detective"}
    answer = at_desk.post(url("add_action", incident), data)
    assert (answer.status_code, answer["Location"]) == (303, where)
    item = ActionItem.objects.get()
    assert (item.title, item.owner, item.due_on, item.kind) == ("Alert on lag", bob, today, "detective")
    assert words(panel(at_desk.get(where), "actions")).endswith(
        "0 of 1 done Add an action item Mark as done: Alert on lag Alert on lag Bob, due today , detective "
        "Accept the risk: Alert on lag Edit: Alert on lag In the list of follow-ups, with their tickets"
    )
    form = at_desk.get(url("change_action", incident, item.pk))
    changed = sent(form, title="Alert on lag above 60 s", owner="", due_on="")
    assert at_desk.post(url("change_action", incident, item.pk), changed).status_code == 303
    assert "no owner yet" in panel(at_desk.get(where), "actions")
    for name, done, said in (("finish_action", "1 of 1 done", "Open again:"), ("reopen_action", "0 of 1", "Mark as")):
        answer = at_desk.post(url(name, incident, item.pk))
        assert (answer.status_code, answer["Location"]) == (303, f"{where}#actions")
        shown = words(panel(at_desk.get(where), "actions"))
        assert done in shown
        assert said in shown
    assert [kind for kind in happened(incident) if kind.startswith("action")] == [
        "action_added", "action_changed", "action_done", "action_reopened",
    ]  # fmt: skip


def test_a_new_item_is_due_by_policy_unless_somebody_chooses_another_day(at_desk, incident):
    form = at_desk.get(url("add_action", incident))
    assert f'value="{timezone.localdate() + timedelta(days=90)}"' in form.content.decode()
    assert "By policy: 90 days for a low incident. Choose another day, or none." in words(form.content.decode())
    at_desk.post(url("add_action", incident), sent(form, title="by policy"))
    at_desk.post(url("add_action", incident), sent(form, title="whenever", due_on=""))
    due = dict(ActionItem.objects.values_list("title", "due_on"))
    assert due == {"by policy": timezone.localdate() + timedelta(days=90), "whenever": None}
    SeverityPolicy.objects.filter(severity="low").update(follow_up_within_days=None)
    assert "By policy" not in at_desk.get(url("add_action", incident)).content.decode()


def test_a_risk_is_accepted_with_a_reason_and_taken_up_again(at_desk, incident, item):
    where = incident.get_absolute_url()
    form = at_desk.get(url("accept_action", incident, item.pk))
    assert "Alert on <lag>" in words(form.content.decode())
    for reason in ("", " ", "x" * 2001):
        refused = at_desk.post(url("accept_action", incident, item.pk), {"reason": reason})
        assert refused.status_code == 422
    answer = at_desk.post(url("accept_action", incident, item.pk), {"reason": "It goes in March."})
    assert (answer.status_code, answer["Location"]) == (303, where)
    shown = words(panel(at_desk.get(where), "actions"))
    assert "0 of 1 done, 1 accepted" in shown
    day = f"{timezone.localdate():%-d %b}"
    assert (
        f"1 risk accepted Open again: Alert on <lag> Alert on <lag> risk accepted by Alice {day}: It goes in March."
        in shown
    )
    assert "Nothing is left to do yet." not in shown
    timeline = words(panel(at_desk.get(where), "timeline"))
    assert "Alice accepted the risk of leaving the action item Alert on <lag> of Bob undone Reason: It goes" in timeline
    at_desk.post(url("reopen_action", incident, item.pk))
    item.refresh_from_db()
    assert (item.is_undone, item.accepted_reason) == (True, "")


def test_the_risk_of_what_is_done_cannot_be_accepted(at_desk, incident, item, bob):
    action_items.set_done(item, by=bob)
    answer = at_desk.post(url("accept_action", incident, item.pk), {"reason": "Too late, typed at length"})
    assert answer.status_code == 422
    assert "is done; there is no risk left to accept." in answer.content.decode()
    assert "Too late, typed at length" in answer.content.decode()


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [("/follow-ups/?owner=me", "/follow-ups/?owner=me"), ("https://evil.example/", ""), ("//evil.example/", "")],
)
def test_a_sheet_leads_back_to_the_page_of_ours_that_asked(at_desk, incident, item, back, leads_to):
    form = at_desk.get(url("accept_action", incident, item.pk), {"next": back})
    given = sent(form, reason="We live with it.")
    assert given.get("next", "") == leads_to
    answer = at_desk.post(url("accept_action", incident, item.pk), given | {"next": back})
    assert answer["Location"] == (leads_to or incident.get_absolute_url())


def test_an_old_form_takes_nothing_back(at_desk, incident, item, alice):
    form = at_desk.get(url("change_action", incident, item.pk))
    action_items.change(item, owner=alice, due_on=None, by=alice)
    at_desk.post(url("change_action", incident, item.pk), sent(form, title="Alert on lag, louder"))
    item.refresh_from_db()
    assert (item.title, item.owner, item.due_on) == ("Alert on lag, louder", alice, None)


def test_an_owner_who_left_stays_until_somebody_else_is_chosen(at_desk, incident, item, bob):
    bob.is_active = False
    bob.save()
    form = at_desk.get(url("change_action", incident, item.pk))
    at_desk.post(url("change_action", incident, item.pk), sent(form, title="Renamed"))
    item.refresh_from_db()
    assert (item.title, item.owner) == ("Renamed", bob)
    assert 'value="bob"' not in at_desk.get(url("add_action", incident)).content.decode()


def test_what_somebody_has_ticked_meanwhile_comes_back_with_what_was_typed(at_desk, incident, item, bob):
    form = at_desk.get(url("change_action", incident, item.pk))
    action_items.set_done(item, by=bob)
    answer = at_desk.post(url("change_action", incident, item.pk), sent(form, title="Renamed too late"))
    assert answer.status_code == 422
    assert "“Alert on &lt;lag&gt;” is done; reopen it to change it." in answer.content.decode()
    assert "Renamed too late" in answer.content.decode()


@pytest.mark.parametrize(
    ("data", "mistake"),
    [
        ({"title": " "}, "Say in a few words what is to be done."),
        ({"title": "x" * 256}, "at most 255 characters"),
        ({"title": "x", "owner": "nobody-here"}, "Select a valid choice."),
        ({"title": "x", "due_on": "2020-01-01"}, "This day has passed; choose today or a later one."),
        ({"title": "x", "due_on": "20261-01-01"}, "Enter a valid date."),
    ],
)
def test_an_item_that_cannot_be_kept_comes_back(at_desk, incident, data, mistake):
    for headers in ({}, {"HX-Request": "true"}):
        answer = at_desk.post(url("add_action", incident), data, headers=headers)
        assert answer.status_code == 422
        assert mistake in answer.content.decode()
    assert not ActionItem.objects.exists()


def test_to_htmx_a_form_is_a_sheet_and_a_tick_is_an_event(at_desk, incident, item):
    headers = {"HX-Request": "true"}
    for name, args in (("post_update", ()), ("add_action", ()), ("change_action", (item.pk,))):
        answer = at_desk.get(url(name, incident, *args), headers=headers)
        assert answer.status_code == 200
        assert "<!doctype html>" not in answer.content.decode()
    answer = at_desk.post(url("finish_action", incident, item.pk), headers=headers)
    assert answer.status_code == 204
    assert "Done: Alert on <lag>." in answer["HX-Trigger"]


def test_an_item_of_another_incident_is_not_found(at_desk, item):
    other = make.incident()
    for name in ("change_action", "accept_action", "finish_action", "reopen_action"):
        for pk in (item.pk, 10**30):
            assert at_desk.post(url(name, other, pk)).status_code == 404


# ---- rights --------------------------------------------------------------------------------------------------


def requests(incident, item):
    """Every request of this file, as (name, arguments, method)."""
    yield from ((name, (), method) for name in ("post_update", "add_action") for method in ("get", "post"))
    yield from ((name, (item.pk,), method) for name in ("change_action", "accept_action") for method in ("get", "post"))
    yield from ((name, (item.pk,), "post") for name in ("finish_action", "reopen_action"))


def test_viewers_read_and_do_nothing(client, charlie, incident, item):
    client.force_login(charlie)
    shown = panel(client.get(incident.get_absolute_url()), "actions")
    assert "Alert on &lt;lag&gt;" in shown
    assert "<button" not in shown
    assert "data-sheet" not in shown
    for name, args, method in requests(incident, item):
        assert getattr(client, method)(url(name, incident, *args)).status_code == 403, name
    item.refresh_from_db()
    assert item.done_at is None


def test_a_private_incident_is_not_there_for_others(client, alice, bob):
    secret = make.incident(is_private=True, assignee=alice)
    item = action_items.add(secret, title="x", by=alice)
    client.force_login(bob)
    for name, args, method in requests(secret, item):
        assert getattr(client, method)(url(name, secret, *args)).status_code == 404, name


def test_ticks_answer_post_only(at_desk, incident, item):
    for name in ("finish_action", "reopen_action"):
        assert at_desk.get(url(name, incident, item.pk)).status_code == 405


# ---- the panels ----------------------------------------------------------------------------------------------


def test_panels_ask_the_database_nothing(alice, bob, incident):
    for number in range(3):
        communication.post_update(incident, message=f"m{number}", status="investigating", by=alice)
        item = action_items.add(incident, title=f"t{number}", owner=bob, by=alice)
    action_items.set_done(item, by=bob)
    workspace = detail.load(incident, now=timezone.now())
    request = RequestFactory().get("/")
    context = {"incident": incident, "workspace": workspace, "can_respond": True}
    with CaptureQueriesContext(connection) as queries:
        shown = [render_to_string(f"incidents/_{name}.html", context, request) for name in ("communication", "actions")]
    assert len(queries) == 0
    assert [part.strip().count("<section") for part in shown] == [1, 1]


def test_the_newest_update_stands_open_and_earlier_ones_are_folded(at_desk, alice, incident):
    for number in range(3):
        at = timezone.now() - (3 - number) * MINUTE
        communication.post_update(incident, message=f"message {number}", status="investigating", by=alice, now=at)
    said = panel(at_desk.get(incident.get_absolute_url()), "communication")
    order = [said.index(text) for text in ("message 2", "2 earlier updates", "message 1", "message 0")]
    assert order == sorted(order)


def test_a_long_update_shows_its_beginning_and_unfolds(at_desk, alice, incident):
    communication.post_update(incident, message="word " * 200 + "end", status="investigating", by=alice)
    said = panel(at_desk.get(incident.get_absolute_url()), "communication")
    beginning, _, rest = said.partition("<details")
    assert (beginning.count("word"), rest.count("word"), "end" in beginning, "end" in rest) == (50, 200, False, True)


def test_what_is_late_comes_first_and_what_is_done_last(at_desk, alice, incident):
    now = timezone.now()
    today = timezone.localdate()
    for title, due_on in (("done", None), ("whenever", None), ("later", today + WEEK), ("late", today - WEEK)):
        action_items.add(incident, title=title, due_on=due_on, by=alice, now=now - 2 * WEEK)
    action_items.set_done(ActionItem.objects.get(title="done"), by=alice)
    shown = panel(at_desk.get(incident.get_absolute_url()), "actions")
    titles = re.findall(r"<span><span>(\w+)</span>", shown)
    assert titles == ["late", "later", "whenever", "done"]
    assert re.findall(r'class="mu-overdue"[^>]*>(overdue since)', shown) == ["overdue since"]


def test_what_is_empty_says_so(at_desk, incident):
    page = at_desk.get(incident.get_absolute_url())
    assert "Nobody has said yet how it stands." in panel(page, "communication")
    assert "Nothing is left to do yet." in panel(page, "actions")


def test_every_entry_reads_as_a_sentence(at_desk, alice, incident):
    facts = {"action": 1, "title": "Alert on lag", "owner": "Bob", "due_on": "2024-10-21"}
    everything = {
        "title": {"from": "Alert", "to": "Alert on lag"},
        "owner": {"from": "Bob", "to": "Eve"},
        "due_on": {"from": "", "to": "2024-10-21"},
    }
    everything["kind"] = {"from": "", "to": "detective"}
    nothing = {"owner": {"from": "Bob", "to": ""}, "due_on": {"from": "2024-10-21", "to": ""}}
    for kind, data, said in (
        ("status_updated", {"status": "monitoring", "visibility": "internal"}, "posted a status update: Monitoring Hm"),
        ("status_updated", {"status": "resolved", "visibility": "external"}, "posted a public update: Resolved Hm"),
        ("update_changed", {"did": "edited", "status": "resolved"}, "edited a status update: Resolved Hm"),
        (
            "update_changed",
            {"did": "withheld", "why": "private", "visibility": "external"},
            "did not publish a public update: the incident is private by now Hm",
        ),
        ("update_changed", {"did": "withheld", "why": "over"}, "a status update: the incident was over by then Hm"),
        ("action_added", facts, "added an action item: Alert on lag , for Bob , due 21 Oct 2024"),
        ("action_added", facts | {"owner": "Alice", "due_on": ""}, "an action item: Alert on lag , for themselves"),
        ("action_done", facts, "finished the action item Alert on lag of Bob"),
        (
            "action_accepted",
            facts,
            "accepted the risk of leaving the action item Alert on lag of Bob undone Reason: Hm",
        ),
        ("action_reopened", facts | {"owner": "Alice"}, "reopened the action item Alert on lag"),
        (
            "action_changed",
            facts | {"changed": everything},
            "changed the action item Alert on lag it said “Alert” before detective owner: Eve , before that Bob "
            "due 21 Oct 2024",
        ),
        (
            "action_changed",
            facts | {"changed": nothing},
            "owner: nobody, before that Bob no due date, before that 21 Oct 2024",
        ),
    ):
        entry = incident.timeline.create(kind=kind, at=timezone.now(), by=alice, text="Hm", data=data)
        shown = render_to_string("incidents/_entry_communication.html", {"entry": entry})
        assert said in words(shown), kind
        assert "<use" in render_to_string("incidents/_entry.html", {"entry": entry, "incident": incident})


def test_what_happens_to_a_postmortem_reads_as_a_sentence(alice, incident):
    for kind, by, said in (
        ("postmortem_drafted", None, "Muster drafted the postmortem"),
        ("postmortem_published", alice, "Alice published the postmortem"),
    ):
        entry = incident.timeline.create(kind=kind, at=timezone.now(), by=by)
        shown = render_to_string("incidents/_entry.html", {"entry": entry, "incident": incident})
        assert said in words(shown)
        assert 'href="#info"' not in shown
