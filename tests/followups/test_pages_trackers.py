"""The pages of trackers, and exporting from the list."""

from __future__ import annotations

import re

import pytest
from django.urls import reverse

from accounts.models import AuditEntry
from followups import tickets
from followups.models import Ticket, Tracker
from incidents import action_items
from notifications import signing
from tests import make

pytestmark = pytest.mark.django_db

LIST = "/follow-ups/trackers/"
GITHUB = {
    "kind": "github", "name": "Ops", "base_url": "https://api.github.com", "project": "octo/repo", "secret": "ghp_abc",
    "is_active": "on",
}  # fmt: skip


@pytest.fixture
def as_admin(client, admin):
    client.force_login(admin)
    return client


@pytest.fixture
def item(alice):
    return action_items.add(make.incident(), title="Alert on lag", owner=alice, by=alice)


def test_an_admin_defines_and_changes_a_tracker_whose_secret_is_on_no_page(as_admin):
    crew = make.team("crew")
    assert "No trackers yet" in as_admin.get(LIST).content.decode()
    answer = as_admin.post(f"{LIST}new", {**GITHUB, "team": "crew"})
    assert (answer.status_code, answer["Location"]) == (303, LIST)
    tracker = Tracker.objects.get()
    assert (tracker.secret, tracker.team, tracker.is_active) == ("ghp_abc", crew, True)
    changed = {"name": "Ops issues", "base_url": "https://api.github.com/", "project": "octo/ops", "secret": ""}
    assert as_admin.post(tracker.get_absolute_url(), changed)["Location"] == LIST
    tracker.refresh_from_db()
    assert (str(tracker), tracker.project, tracker.secret, tracker.is_active) == (
        "Ops issues",
        "octo/ops",
        "ghp_abc",
        False,
    )
    for path in (LIST, tracker.get_absolute_url(), reverse("admin:followups_tracker_change", args=[tracker.pk])):
        assert "ghp_abc" not in as_admin.get(path).content.decode()
    assert "ghp_abc" not in str(list(AuditEntry.objects.values()))


def test_a_webhook_without_a_secret_gets_one_that_is_shown_once(as_admin):
    hook = {"kind": "webhook", "name": "Desk", "base_url": "https://hooks.example.com/t", "is_active": "on"}
    answer = as_admin.post(f"{LIST}new", hook)
    secret = Tracker.objects.get().secret
    assert answer.status_code == 201
    assert secret in answer.content.decode()
    assert secret.startswith(signing.PREFIX)
    assert secret not in as_admin.get(LIST).content.decode()


@pytest.mark.parametrize(
    ("change", "mistake"),
    [
        ({"project": "octo"}, "Write the repository as owner/name."),
        ({"secret": ""}, "Give the token that Muster speaks with there."),
        ({"kind": "jira", "project": "OPS"}, "Jira asks for the account’s e-mail address beside its token."),
        ({"base_url": "api.github.com"}, "Write an address that begins with https:// or http://."),
        ({"kind": "trello"}, "Select a valid choice."),
        ({"name": "Taken"}, "already exists"),
        ({"team": "nobody"}, "Select a valid choice."),
    ],
)
def test_a_tracker_that_cannot_be_comes_back_with_what_was_typed(as_admin, change, mistake):
    make.tracker(name="Taken")
    answer = as_admin.post(f"{LIST}new", GITHUB | change)
    page = answer.content.decode().replace("&#x27;", "’")
    assert (answer.status_code, Tracker.objects.count()) == (422, 1)
    assert mistake in page
    assert "ghp_abc" not in page  # a secret is typed again


def test_another_host_asks_for_the_secret_anew(as_admin):
    tracker = make.tracker()
    answer = as_admin.post(tracker.get_absolute_url(), {**GITHUB, "base_url": "https://x.example", "secret": ""})
    assert answer.status_code == 422
    assert "The address is on another host now: give its secret anew." in answer.content.decode()


def test_the_list_of_trackers_counts_tickets_and_errors(as_admin, item, admin):
    tickets.export(item, tracker=make.tracker(name="Ops"), by=admin)
    make.tracker("jira", name="Quiet")
    Ticket.objects.update(error="x")
    page = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", as_admin.get(LIST).content.decode()))
    assert "Ops GitHub issues octo/repo every team 1, 1 with an error On" in page
    assert "Quiet Jira Cloud OPS every team 0 On" in page


# ---- exporting -----------------------------------------------------------------------------------------------------


def test_an_item_is_exported_from_the_list_and_its_ticket_stands_there(at_desk, item):
    sheet = f"/follow-ups/items/{item.pk}/export"
    assert "No tracker takes what this incident left." in at_desk.get(sheet).content.decode()
    assert sheet not in at_desk.get("/follow-ups/").content.decode()
    tracker = make.tracker(name="Ops")
    assert f'href="{sheet}?next=%2Ffollow-ups%2F" data-sheet' in at_desk.get("/follow-ups/").content.decode()
    form = at_desk.get(sheet).content.decode()
    assert "It becomes a ticket in <b>GitHub octo/repo</b>." in form
    assert "Export to Ops" in form
    answer = at_desk.post(sheet, {"tracker": tracker.pk, "next": "/follow-ups/?owner=me"})
    assert (answer.status_code, answer["Location"]) == (303, "/follow-ups/?owner=me")
    assert "On its way to Ops" in at_desk.get("/follow-ups/").content.decode()
    again = at_desk.post(sheet, {"tracker": tracker.pk})
    assert again.status_code == 422
    assert "has a ticket already" in again.content.decode()


def test_of_several_trackers_one_is_chosen(at_desk, item):
    first, second = make.tracker(name="Ops"), make.tracker("jira", name="Desk")
    sheet = f"/follow-ups/items/{item.pk}/export"
    form = at_desk.get(sheet).content.decode()
    assert re.findall(r'type="radio" name="tracker" value="(\d+)"', form) == [str(second.pk), str(first.pk)]
    assert at_desk.post(sheet, {}).status_code == 422
    assert at_desk.post(sheet, {"tracker": second.pk}, headers={"HX-Request": "true"}).status_code == 204
    assert Ticket.objects.get().tracker == second


def test_an_error_is_shown_and_tried_again(at_desk, item, alice):
    tickets.export(item, tracker=make.tracker(name="Ops"), by=alice)
    Ticket.objects.update(state="failed", due_at=None, error="GitHub does not accept the token (HTTP 401): Bad <b>")
    page = at_desk.get("/follow-ups/").content.decode()
    assert "Not exported to Ops" in page
    assert "GitHub does not accept the token (HTTP 401): Bad &lt;b&gt;" in page
    answer = at_desk.post(f"/follow-ups/items/{item.pk}/retry", {"next": "/follow-ups/?owner=me"})
    assert (answer.status_code, answer["Location"]) == (303, "/follow-ups/?owner=me")
    assert Ticket.objects.get().state == "queued"


def test_a_ticket_that_is_there_is_a_link_and_stands_in_the_file(at_desk, item, alice):
    tickets.export(item, tracker=make.tracker(), by=alice)
    url = "https://github.com/octo/repo/issues/12"
    Ticket.objects.update(state="open", key="octo/repo#12", url=url)
    assert f'<a class="mu-num" href="{url}"' in at_desk.get("/follow-ups/").content.decode()
    assert at_desk.get("/follow-ups/export.csv").getvalue().decode().rstrip().endswith(f"octo/repo#12,open,{url}")


def test_the_sheet_says_what_others_will_read_of_a_private_incident(at_desk, alice):
    secret = make.incident(is_private=True, assignee=alice)
    item = action_items.add(secret, title="x", by=alice)
    make.tracker()
    form = at_desk.get(f"/follow-ups/items/{item.pk}/export").content.decode()
    assert f"{secret.reference} is private. Whoever reads that tracker" in form


# ---- rights --------------------------------------------------------------------------------------------------------


def test_who_may_do_what(client, alice, bob, charlie, item):
    secret = action_items.add(make.incident(is_private=True, assignee=alice), title="x", by=alice)
    tickets.export(item, tracker=make.tracker(), by=alice)
    tickets.export(secret, tracker=make.tracker(), by=alice)
    client.force_login(bob)
    for path in ("export", "retry"):
        assert client.post(f"/follow-ups/items/{secret.pk}/{path}").status_code == 404
    assert client.get(LIST).status_code == client.post(f"{LIST}new", GITHUB).status_code == 403
    client.force_login(charlie)
    for path in ("export", "retry"):
        assert client.post(f"/follow-ups/items/{item.pk}/{path}").status_code == 403
    assert client.get(f"/follow-ups/items/{10**17}/export").status_code == 404
