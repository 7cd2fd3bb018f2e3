"""Saying it otherwise: all of what waits, the words of what is out, and two people at one update."""

from __future__ import annotations

import html
import re
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from incidents import changes, communication
from incidents.communication import Overtaken, edit, post_update, publish_due
from incidents.consequences import Consequences
from incidents.models import StatusUpdate
from incidents.models.incident import NotAllowedNow
from tests import make
from tests.api.caller import Caller
from tests.make import MINUTE, NOW

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
HOUR = 60 * MINUTE


def waiting(by, **more) -> StatusUpdate:
    words: dict[str, Any] = {"message": "We look.", "status": "investigating", "publish_at": NOW + HOUR, "now": NOW}
    return post_update(make.incident(severity="low", at=NOW), by=by, **words | more)


def public(by, **more) -> StatusUpdate:
    said = {"visibility": "external", "title": "Checkout fails", "affects": {"k3x9": "major_outage"}}
    return waiting(by, **said | more)


def row(update: StatusUpdate) -> StatusUpdate:
    return StatusUpdate.objects.get(pk=update.pk)


# ---- what waits ----------------------------------------------------------------------------------------------------


def test_everything_of_what_waits_can_be_changed(alice, bob):
    update = waiting(alice)
    said = {
        "visibility": "external",
        "title": "Checkout",
        "affects": {"k3x9": "partial_outage"},
        "status": "identified",
    }
    edit(update, by=bob, next_at=NOW + 3 * HOUR, publish_at=NOW + 2 * HOUR, even_when_over=True, now=NOW, **said)
    found = row(update)
    assert (found.visibility, found.title, found.affects, found.status) == (*said.values(),)
    assert (found.due_at, found.next_at, found.even_when_over) == (NOW + 2 * HOUR, NOW + 3 * HOUR, True)
    assert (found.edited_at, found.edited_by, found.by, found.revisions.count()) == (None, bob, alice, 0)
    edit(update, by=bob, next_at=None, now=NOW)
    assert row(update).next_at is None
    assert publish_due(now=NOW + HOUR) == 0


def test_what_was_for_the_public_alone_goes_with_it(alice):
    update = public(alice)
    edit(update, by=alice, visibility="internal", now=NOW)
    assert (row(update).visibility, row(update).title, row(update).affects) == ("internal", "", {})


@pytest.mark.parametrize(
    ("said", "mistake"),
    [
        ({"visibility": "external"}, {"title": ["Say what the incident is called in public."]}),
        ({"visibility": "public"}, {"visibility": ["Choose one of: internal, external."]}),
        ({"affects": {"k3x9": "x"}}, {"affects": ["Only external updates say how parts of the public page are."]}),
        ({"title": "Checkout"}, {"title": ["Only external updates have a title."]}),
        ({"publish_at": NOW}, {"publish_at": ["This time has passed."]}),
        ({"next_at": NOW + HOUR}, {"next_at": ["The next update comes after this one."]}),
        ({"message": " "}, {"message": ["Say how it stands."]}),
    ],
)
def test_a_draft_stays_fit_to_go_out(alice, said, mistake):
    update = waiting(alice)
    with pytest.raises(ValidationError) as refused:
        edit(update, by=alice, now=NOW, **said)
    assert refused.value.message_dict == mistake
    assert row(update).version == update.version


def test_the_next_update_still_comes_after_one_that_is_put_off(alice):
    update = waiting(alice, next_at=NOW + 2 * HOUR)
    with pytest.raises(ValidationError, match="The next update comes after this one"):
        edit(update, by=alice, publish_at=NOW + 3 * HOUR, now=NOW)


def test_a_private_incident_gets_no_public_draft(admin):
    update = waiting(admin)
    changes.edit(update.incident, by=admin, is_private=True)
    with pytest.raises(ValidationError, match="is private"):
        edit(row(update), by=admin, visibility="external", title="x", now=NOW)


def test_saving_what_is_so_already_changes_nothing(alice, bob):
    update = public(alice, next_at=NOW + 2 * HOUR)
    same = {name: getattr(update, name) for name in communication.EDITABLE if name != "publish_at"}
    edit(update, by=bob, publish_at=update.due_at, now=NOW + 2 * HOUR, **same)
    assert row(update).edited_by is None


# ---- what is out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "more", [{"visibility": "internal"}, {"affects": {}}, {"next_at": NOW + 9 * HOUR}, {"publish_at": NOW + 9 * HOUR}]
)
def test_of_what_is_published_words_alone_are_changed(alice, more):
    update = public(alice)
    publish_due(now=NOW + HOUR)
    with pytest.raises(Overtaken, match="its words and its status can be changed, and nothing else"):
        edit(update, by=alice, message="Other", **more)
    assert row(update).message == "We look."
    so = {"visibility": "external", "affects": update.affects, "next_at": None, "publish_at": update.due_at}
    assert edit(update, by=alice, message="Other", **so).revisions.count() == 1


def test_a_public_version_is_changed_in_its_postmortem(alice):
    incident = make.incident(at=NOW)
    out = Consequences(NOW)
    update = communication.publish_postmortem(incident, message="It was us.", by=alice, out=out)
    out.write()
    with pytest.raises(NotAllowedNow, match="change it there"):
        edit(update, by=alice, message="It was not us.")
    assert row(update).message == "It was us."


# ---- two people ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_out", [False, True])
def test_the_second_of_two_editors_is_told_and_overwrites_nothing(alice, bob, is_out):
    update = waiting(alice)
    if is_out:
        publish_due(now=NOW + HOUR)
    seen = row(update).version
    edit(update, by=bob, message="Bob's", based_on=seen)
    with pytest.raises(Overtaken, match="Bob has changed this update meanwhile") as overtaken:
        edit(update, by=alice, message="Alice's", based_on=seen)
    assert (row(update).message, overtaken.value.update.message) == ("Bob's", "Bob's")
    edit(update, by=alice, message="Alice's", based_on=overtaken.value.update.version)
    assert row(update).message == "Alice's"


def test_going_out_is_no_change_of_its_words(alice):
    update = waiting(alice)
    publish_due(now=NOW + HOUR)
    assert edit(update, by=alice, message="We know.", based_on=update.version).edited_at is not None


# ---- pages ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def at_desk(client, alice):
    client.force_login(alice)
    return client


def page_of(update) -> str:
    return reverse("incidents:edit_update", args=[update.incident.reference, update.pk])


def later(by, **more) -> StatusUpdate:
    """One that waits for an hour by the clock on the wall, with seconds that no field shows."""
    return waiting(by, **{"publish_at": timezone.now() + HOUR, "now": None} | more)


def form_of(client, update) -> dict[str, str]:
    """What a browser would send back unchanged."""
    source = client.get(page_of(update)).content.decode().split('class="mu-sheet"')[1]
    found = {}
    for tag in re.findall(r"<input[^>]*>", source):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if name and ('type="radio"' not in tag or " checked" in tag) and 'type="checkbox"' not in tag:
            found[name[1]] = html.unescape(value[1]) if value else ""
    for name, inside in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', source, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', inside)
        found[name] = chosen[1] if chosen else ""
    area = re.search(r'<textarea name="message"[^>]*>\s*(.*?)</textarea>', source, re.DOTALL)
    return found | {"message": html.unescape(area[1])} if area else found


def test_the_form_of_a_draft_has_all_of_it_and_changes_nothing_by_itself(at_desk, alice):
    update = later(alice, visibility="external", title="Checkout", next_at=timezone.now() + 2 * HOUR)
    said = form_of(at_desk, update)
    assert [said[name] for name in ("visibility", "title", "when", "next_in")] == ["external", "Checkout", "keep", "at"]
    assert at_desk.post(page_of(update), said).status_code == 303
    assert (row(update).version, row(update).edited_by) == (update.version, None)
    assert at_desk.post(page_of(update), said | {"when": "at", "visibility": "internal"}).status_code == 303
    assert (row(update).visibility, row(update).due_at) == ("internal", update.due_at)
    soon = timezone.localtime(update.due_at + DAY)
    said = form_of(at_desk, update) | {"when": "at", "publish_at": f"{soon:%Y-%m-%dT%H:%M}", "next_in": ""}
    at_desk.post(page_of(update), said | {"message": "Other"})
    found = row(update)
    assert (found.message, found.due_at, found.next_at) == ("Other", soon.replace(second=0, microsecond=0), None)


def test_a_draft_is_looked_at_once_more_before_the_public_reads_it(at_desk, alice):
    update = later(alice)
    said = form_of(at_desk, update) | {"visibility": "external", "title": "Checkout", "message": "See inc-42."}
    page = at_desk.post(page_of(update), said | {"preview": "1"})
    assert page.status_code == 200
    assert "Is this meant for the public?" in page.content.decode()
    assert row(update).version == update.version


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_the_second_editor_reads_both_and_saves_over_what_they_saw(at_desk, alice, bob, headers):
    update = later(alice)
    said = form_of(at_desk, update) | {"message": "Alice's words"}
    edit(update, by=bob, message="Bob's <b>", status="identified")
    answer = at_desk.post(page_of(update), said, headers=headers)
    source = answer.content.decode()
    assert answer.status_code == 409
    for seen in ("Bob has changed this update meanwhile.", "Bob&#x27;s &lt;b&gt;", "Alice&#x27;s words"):
        assert seen in source
    assert row(update).message == "Bob's <b>"
    assert at_desk.post(page_of(update), said | {"based_on": row(update).version}).status_code == 303
    assert row(update).message == "Alice's words"


def test_a_draft_that_goes_out_while_it_is_changed_takes_words_and_nothing_else(at_desk, alice):
    update = later(alice)
    said = form_of(at_desk, update) | {"message": "Other words"}
    communication.publish_now(update, by=alice)
    answer = at_desk.post(page_of(update), said | {"visibility": "external", "title": "Checkout"})
    source = answer.content.decode()
    assert answer.status_code == 409
    assert "its words and its status can be changed, and nothing else" in source
    assert ("Other words" in source, 'name="visibility"' in source) == (True, False)
    assert at_desk.post(page_of(update), said).status_code == 303
    assert (row(update).message, row(update).visibility) == ("Other words", "internal")


def test_the_form_of_what_is_published_says_what_stays(at_desk, alice):
    update = post_update(make.incident(), message="We look.", status="investigating", by=alice)
    assert (
        "Who reads it and when the next one comes stay as they were told"
        in at_desk.get(page_of(update)).content.decode()
    )


def test_the_page_leads_from_a_public_version_to_its_postmortem(at_desk, alice):
    incident, out = make.incident(at=NOW), Consequences(NOW)
    update = communication.publish_postmortem(incident, message="It was us.", by=alice, out=out)
    out.write()
    source = at_desk.get(incident.get_absolute_url()).content.decode()
    assert reverse("postmortems:public_version", args=[incident.reference]) in source
    assert page_of(update) not in source
    answer = at_desk.post(page_of(update), {"status": "postmortem", "message": "It was not us."})
    assert (answer.status_code, "change it there" in answer.content.decode()) == (422, True)


# ---- over the API --------------------------------------------------------------------------------------------------


def test_the_api_changes_drafts_in_full_and_knows_who_was_faster(alice, bob):
    update = later(alice)
    at, api = f"incidents/{update.incident.reference}/status-updates/{update.pk}", Caller(alice, "write")
    seen = api.get(f"incidents/{update.incident.reference}/status-updates").json()["items"][0]["version"]
    body = {"visibility": "external", "title": "Checkout", "affects": {"k3x9": "major_outage"}, "based_on": seen}
    said = api.patch(at, body).json()
    assert (said["visibility"], said["affects"]) == ("external", {"k3x9": "major_outage"})
    answer = api.patch(at, {"message": "Mine", "based_on": seen})
    assert (answer.status_code, answer.json()["current"]) == (409, said)
    assert answer.json()["detail"] == "Alice has changed this update meanwhile. Nothing was saved."
    wrong = api.patch(at, {"next_update_at": "2020-01-01T00:00:00Z"})
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "next_update_at")
    communication.publish_now(update, by=bob)
    assert api.patch(at, {"visibility": "internal"}).status_code == 409
    assert api.patch(at, {"message": "Mine"}).json()["message"] == "Mine"
    for wrong in ({"publish_at": None}, {"visibility": None}, {"based_on": None}, {"affects": None}, {"hold": True}):
        assert api.patch(at, wrong).status_code == 422


def test_one_update_is_read_by_whoever_may(alice, charlie):
    update = later(alice)
    at = f"incidents/{update.incident.reference}/status-updates/{update.pk}"
    assert Caller(alice, "read").get(at).json()["version"] == update.version
    assert Caller(charlie, "read").get(at).status_code == 404
    communication.publish_now(update, by=alice)
    assert Caller(charlie, "read").get(at).json()["message"] == "We look."
    assert Caller(alice, "read").get(at.replace(str(update.pk), str(update.pk + 1))).status_code == 404
