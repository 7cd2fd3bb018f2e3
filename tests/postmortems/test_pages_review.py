"""Pages of review, comments, publication, public version, meeting, factors and owner: without a script, as sheets, and
for those who may not."""

from __future__ import annotations

import html
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from icalendar import Calendar

from incidents import timeline
from incidents.models import StatusUpdate
from postmortems import comments, meeting, publishing, reviewing
from postmortems.models import Comment, Factor, Postmortem
from statuspage import addresses
from statuspage import publishing as page_publishing
from statuspage.models import Report
from tests import make
from tests.postmortems.told import finished, told

pytestmark = pytest.mark.django_db

SHEET = {"HTTP_HX_REQUEST": "true"}
SOON = timezone.now() + timedelta(days=3)


@pytest.fixture
def postmortem(alice):
    return finished(make.postmortem(by=alice))


@pytest.fixture
def at(postmortem):
    """An address of the postmortem."""
    return lambda path="": f"/postmortems/{postmortem.incident.reference}{path}"


@pytest.fixture
def desk(client, alice):
    client.force_login(alice)
    return client


def text_of(response):
    return html.unescape(response.content.decode())


def fresh(postmortem):
    return Postmortem.objects.get(pk=postmortem.pk)


def go(client, address, data=None, **more):
    """(status, where to) of a POST."""
    answer = client.post(address, data or {}, **more)
    return answer.status_code, answer.headers.get("Location", "")


# ---- reviewing -----------------------------------------------------------------------------------------------------


def test_a_draft_is_sent_for_review_and_approved(desk, client, postmortem, at, bob):
    timeline.add_note(postmortem.incident, text="Looking", by=bob, now=make.NOW)
    carol = make.user("carol", role="viewer")
    page = desk.get(at("/review"))
    assert list(page.context["form"].fields["reviewers"].queryset) == [bob]
    assert carol in page.context["form"].fields["also"].queryset
    assert go(desk, at("/review"), {"reviewers": ["bob"], "also": "carol"}) == (303, at("#review"))
    assert [row.user for row in fresh(postmortem).reviewers.all()] == [bob, carol]
    assert "0 of 2 approved" in text_of(desk.get(at()))
    client.force_login(carol)  # reads only, and was asked
    assert "Approve" in text_of(client.get(at()))
    assert go(client, at("/approve")) == (303, at("#review"))
    assert "1 of 2 approved" in text_of(client.get(at()))
    assert go(client, at("/approve"), {"to": "back"}) == (303, at("#review"))
    assert "0 of 2 approved" in text_of(client.get(at()))


def test_nobody_chosen_is_said_and_an_unknown_person_too(desk, postmortem, at):
    assert "Choose at least one person" in text_of(desk.post(at("/review"), {}))
    assert desk.post(at("/review"), {"reviewers": ["nobody"]}).status_code == 422
    assert fresh(postmortem).state == "draft"


def test_a_reviewer_is_taken_off_and_one_who_is_none_is_not_found(desk, postmortem, at, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob])
    assert go(desk, at("/review/remove"), {"username": "bob"}) == (303, at("#review"))
    for nobody in ("bob", "", "\0"):
        assert go(desk, at("/review/remove"), {"username": nobody})[0] == 404
    assert not fresh(postmortem).reviewers.exists()


def test_who_was_not_asked_cannot_approve(desk, postmortem, at, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob])
    answer = desk.post(at("/approve"))
    assert answer.status_code == 409
    assert "You are not one of its reviewers" in text_of(answer)


def test_an_approval_of_an_older_text_is_shown_as_such(desk, postmortem, at, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob])
    reviewing.approve(postmortem, by=bob)
    postmortem.sections.update(edited_at=timezone.now())
    page = text_of(desk.get(at()))
    assert "the text has changed since" in page
    assert "0 of 1 approved" in page


def test_the_owner_is_changed_in_a_sheet(desk, postmortem, at, bob, charlie):
    sheet = desk.get(at("/owner"), **SHEET)
    assert "<html" not in text_of(sheet)
    assert charlie not in sheet.context["form"].fields["owner"].queryset
    answer = desk.post(at("/owner"), {"owner": "bob"}, **SHEET)
    assert (answer.status_code, answer["HX-Refresh"]) == (204, "true")
    assert fresh(postmortem).owner == bob


def test_factors_are_chosen_and_added(desk, postmortem, at):
    capacity = Factor.objects.create(name="Capacity")
    assert go(desk, at("/factors"), {"factors": [capacity.pk], "new": "Odd clock"}) == (303, at("#review"))
    assert [factor.name for factor in fresh(postmortem).factors.all()] == ["Capacity", "Odd clock"]
    assert desk.post(at("/factors"), {"factors": ["x"]}).status_code == 422
    assert desk.post(at("/factors"), {"new": "x" * 61}).status_code == 422


# ---- comments ------------------------------------------------------------------------------------------------------


def test_a_comment_stands_beside_its_section_and_is_settled(desk, postmortem, at):
    sheet = desk.get(at("/comments?section=impact"))
    assert sheet.context["form"]["section"].value() == "impact"
    assert go(desk, at("/comments"), {"section": "impact", "text": "*Whom*\r\nand how?"}) == (303, at("#comments"))
    comment = Comment.objects.get()
    assert (comment.section.key, comment.text) == ("impact", "*Whom*\nand how?")
    page = text_of(desk.get(at()))
    assert "<em>Whom</em>" in page
    assert page.count(f'id="comment-{comment.pk}"') == 1
    assert "1 open" in page
    settle = at(f"/comments/{comment.pk}")
    assert go(desk, settle, {"to": "settled"}) == (303, at(f"#comment-{comment.pk}"))
    assert "1 settled comment" in text_of(desk.get(at()))
    assert go(desk, settle, {"to": "open"})[0] == 303
    assert Comment.objects.get().settled_at is None
    assert go(desk, at("/comments/0"), {})[0] == 404


def test_nothing_that_was_typed_is_lost_and_nothing_of_it_runs(desk, postmortem, at):
    answer = desk.post(at("/comments"), {"section": "nothing", "text": "Keep this"})
    assert (answer.status_code, "Keep this" in text_of(answer)) == (422, True)
    assert desk.post(at("/comments"), {"text": ""}).status_code == 422
    desk.post(at("/comments"), {"text": "<script>x()</script> [y](javascript:z())"})
    page = desk.get(at()).content.decode()
    assert "<script>x" not in page
    assert 'href="javascript' not in page


# ---- publishing ----------------------------------------------------------------------------------------------------


def test_what_is_missing_is_a_list_of_links_to_the_editor(desk, at, alice):
    incident = make.postmortem(by=alice).incident
    address = f"/postmortems/{incident.reference}/publish"
    page = desk.get(address)
    for key in ("summary", "root_cause", "action_items"):
        assert f'href="/postmortems/{incident.reference}/edit#{key}"' in text_of(page)
    answer = desk.post(address)
    assert answer.status_code == 422
    assert not Postmortem.objects.filter(incident=incident, state="published").exists()


def test_the_page_says_who_is_told_and_what_is_public_before_the_button(desk, postmortem, at, bob):
    timeline.add_note(postmortem.incident, text="Looking", by=bob, now=make.NOW)
    page = text_of(desk.get(at("/publish")))
    assert "1 person" in page
    assert "Nothing. There is no public version of it." in page
    assert go(desk, at("/publish")) == (303, at())
    assert fresh(postmortem).is_published
    assert told(postmortem) == [("Bob", "Postmortem published")]
    assert go(desk, at("/publish")) == (303, at())  # a second press
    assert desk.get(at("/publish")).status_code == 303
    assert not StatusUpdate.objects.exists()


def test_doubts_are_asked_about_once_more(desk, postmortem, at, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob, make.user("carol")])
    answer = desk.post(at("/publish"))
    page = text_of(answer)
    assert answer.status_code == 200
    assert "2 of 2 reviewers have not approved. Publish anyway?" in page
    assert not fresh(postmortem).is_published
    assert desk.post(at("/publish"), {"anyway": "1 of 2 reviewers has not approved"}).status_code == 200
    assert not fresh(postmortem).is_published
    assert go(desk, at("/publish"), {"anyway": "2 of 2 reviewers have not approved"}) == (303, at())
    assert fresh(postmortem).is_published


def test_somebody_who_is_too_late_is_told(desk, postmortem, at, bob):
    publishing.publish(postmortem, by=bob)
    answer = desk.post(at("/publish"))
    assert answer.status_code == 409
    assert "Bob has published this postmortem already" in text_of(answer)


def test_the_public_text_goes_out_only_with_its_tick_and_as_it_was_seen(desk, postmortem, at):
    publishing.write_public(postmortem, text="Payments *failed*.", by=None)
    page = desk.get(at("/publish"))
    assert "Payments <em>failed</em>." in text_of(page)
    old = {"with_public": "on", "public_mark": publishing.mark_of("Older")}
    assert go(desk, at("/publish"), old)[0] == 409
    assert not fresh(postmortem).is_published
    seen = {"with_public": "on", "public_mark": page.context["outlook"].public_mark}
    assert go(desk, at("/publish"), seen) == (303, at())
    update = StatusUpdate.objects.get()
    assert (update.visibility, update.message) == ("external", "Payments *failed*.")
    assert "Public" in text_of(desk.get(postmortem.incident.get_absolute_url()))


def test_the_public_version_is_written_looked_at_and_published(desk, postmortem, at):
    page = desk.get(at("/public"))
    assert page.context["form"]["public_text"].value() == ""
    suggested = desk.post(at("/public"), {"suggest": "1", "public_text": ""})
    assert suggested.context["form"]["public_text"].value() == publishing.SUGGESTION
    preview = desk.post(at("/public"), {"preview": "1", "public_text": "An **hour**."})
    assert "<strong>hour</strong>" in text_of(preview)
    assert fresh(postmortem).public_text == ""
    base = page.context["form"]["base"].value()
    assert go(desk, at("/public"), {"public_text": "An hour.", "base": base}) == (303, at("/public"))
    late = desk.post(at("/public"), {"public_text": "A day.", "base": base})
    assert (late.status_code, "A day." in text_of(late)) == (409, True)
    assert "It goes out when the postmortem is published" in text_of(desk.get(at("/public")))
    assert go(desk, at("/public/publish"), {"public_mark": publishing.mark_of("An hour.")})[0] == 409
    publishing.publish(postmortem, by=None)
    assert "Publish exactly this text" in text_of(desk.get(at("/public")))
    assert go(desk, at("/public/publish"), {"public_mark": "x"})[0] == 409
    assert go(desk, at("/public/publish"), {"public_mark": publishing.mark_of("An hour.")}) == (303, at("/public"))
    assert "Published for the public" in text_of(desk.get(at("/public")))
    assert StatusUpdate.objects.get().message == "An hour."


@pytest.fixture
def outward(desk, alice):
    """A postmortem with a public version of an incident that has a service, and how its two pages read."""
    kafka = make.service("kafka")
    postmortem = finished(make.postmortem(by=alice, services=[kafka]))
    publishing.write_public(postmortem, text="An hour.", by=None)

    def read(path="/public"):
        return text_of(desk.get(f"/postmortems/{postmortem.incident.reference}{path}"))

    return kafka, postmortem, read


def publish_with_public(postmortem):
    publishing.publish(postmortem, by=None, with_public=True, public_mark=publishing.mark_of("An hour."))


def test_it_is_said_which_status_pages_tell_the_public_version(outward):
    kafka, postmortem, read = outward
    page = make.status_page("acme", kafka, name="Acme status")
    for path in ("/public", "/publish"):
        assert "It will be told on Acme status." in read(path)
    publish_with_public(postmortem)
    assert "Within seconds it is told on Acme status." in read()
    page_publishing.publish_missing(now=timezone.now())
    address = addresses.incident_of(page, Report.objects.get().public_id)
    assert f'Told on <a class="mu-link" href="{address}">Acme status</a>.' in read()


def test_a_public_version_that_no_status_page_tells_says_so_and_what_to_do(outward):
    kafka, postmortem, read = outward
    for path in ("/public", "/publish"):
        assert "No status page would tell it" in read(path)
        assert "Before you publish it, give a component" in read(path)
    publish_with_public(postmortem)
    page_publishing.publish_missing(now=timezone.now())
    make.status_page("acme", kafka)
    assert "No status page tells it" in read()
    assert "post the text as a public status update" in read()


def test_an_overlong_public_text_is_given_back(desk, at):
    answer = desk.post(at("/public"), {"public_text": "y" * 20_001})
    assert answer.status_code == 422
    assert "y" * 20_001 in text_of(answer)


def test_it_is_taken_back_to_edit(desk, postmortem, at, alice):
    publishing.publish(postmortem, by=alice)
    assert "Take back to edit" in text_of(desk.get(at()))
    assert go(desk, at("/take-back")) == (303, at("#review"))
    assert fresh(postmortem).state == "draft"
    assert "First published" in text_of(desk.get(at()))


# ---- the meeting ---------------------------------------------------------------------------------------------------


def test_a_meeting_is_set_by_the_readers_clock_moved_and_cancelled(desk, postmortem, at, alice):
    alice.time_zone = "Europe/Berlin"
    alice.save()
    day = SOON.date().isoformat()
    sent = {"at": f"{day}T10:00", "minutes": "45", "place": "Room 2"}
    assert go(desk, at("/meeting"), sent) == (303, at("#meeting"))
    arranged = fresh(postmortem)
    with timezone.override("Europe/Berlin"):
        assert f"{timezone.localtime(arranged.meeting_at):%Y-%m-%dT%H:%M}" == sent["at"]
    page = text_of(desk.get(at()))
    assert "45 minutes" in page
    assert "Room 2" in page
    assert f'value="{sent["at"]}"' in text_of(desk.get(at("/meeting")))
    answer = desk.get(at("/meeting.ics"))
    assert answer["Content-Type"] == "text/calendar; charset=utf-8; method=REQUEST"
    (event,) = Calendar.from_ical(answer.content).walk("VEVENT")
    assert event.decoded("DTSTART") == arranged.meeting_at
    assert go(desk, at("/meeting/cancel")) == (303, at("#meeting"))
    assert desk.get(at("/meeting.ics")).status_code == 404
    assert "No meeting is set" in text_of(desk.get(at()))


@pytest.mark.parametrize(
    "sent",
    [
        {"at": "2020-01-01T10:00"}, {"at": ""}, {"at": "0001-01-01T00:00"}, {"at": "9999-12-31T23:59"},
        {"at": "soon"}, {"minutes": "0"}, {"minutes": "x"}, {"place": "z" * 301},
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_meeting_is_said(desk, postmortem, at, sent):
    answer = desk.post(at("/meeting"), {"at": f"{SOON:%Y-%m-%dT%H:%M}", "minutes": "60", "place": "Room 2"} | sent)
    assert answer.status_code == 422
    assert next(iter(sent)) in answer.context["form"].errors
    assert fresh(postmortem).meeting_at is None


# ---- who may, and what it costs ------------------------------------------------------------------------------------

WRITES = (
    "/review", "/review/remove", "/approve", "/take-back", "/owner", "/factors", "/comments", "/publish", "/public",
    "/public/publish", "/meeting", "/meeting/cancel",
)  # fmt: skip


def test_a_viewer_reads_and_does_nothing(client, postmortem, at, alice, charlie):
    comment = comments.add(postmortem, text="Why?", by=alice)
    meeting.arrange(postmortem, at=SOON, by=alice)
    client.force_login(charlie)
    assert {path: client.post(at(path)).status_code for path in WRITES} == dict.fromkeys(WRITES, 403)
    assert client.post(at(f"/comments/{comment.pk}")).status_code == 403
    (event,) = Calendar.from_ical(client.get(at("/meeting.ics")).content).walk("VEVENT")
    assert str(event["ATTENDEE"]) == "mailto:charlie@example.com"  # addresses of others are for who is invited
    page = text_of(client.get(at()))
    assert "Why?" in page
    for word in ("Send for review", "Publish…", "Settle", "Take back", "Change the meeting", "Set a meeting"):
        assert word not in page


def test_of_a_private_incident_a_stranger_sees_nothing(client, alice, bob):
    postmortem = finished(make.postmortem(by=alice, is_private=True))
    meeting.arrange(postmortem, at=SOON, by=alice)
    client.force_login(bob)
    reference = postmortem.incident.reference
    found = {path: client.post(f"/postmortems/{reference}{path}").status_code for path in WRITES}
    assert found == dict.fromkeys(WRITES, 404)
    assert client.get(f"/postmortems/{reference}/meeting.ics").status_code == 404
    client.force_login(alice)
    assert bob not in client.get(f"/postmortems/{reference}/review").context["form"].fields["also"].queryset
    page = text_of(client.get(f"/postmortems/{reference}/publish"))
    assert f"Nothing: {reference} is private." in page
    assert client.post(f"/postmortems/{reference}/public", {"public_text": "x"}).status_code == 409


def test_many_comments_and_reviewers_cost_what_few_do(desk, postmortem, at, alice, bob):
    def cost():
        with CaptureQueriesContext(connection) as queries:
            assert desk.get(at()).status_code == 200
        return len(queries)

    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob])
    comments.add(postmortem, text="One", by=bob)
    cost()
    few = cost()
    people = [make.user() for _ in range(4)]
    reviewing.send_for_review(postmortem, by=alice, reviewers=people)
    for section in postmortem.sections.all():
        for person in people[:2]:
            comments.add(postmortem, section=section, text="More", by=person)
    assert cost() == few
    assert few <= 12
