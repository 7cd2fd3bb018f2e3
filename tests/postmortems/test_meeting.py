"""The meeting: who is invited, what their calendars read, and what happens to it."""

from __future__ import annotations

import email
from datetime import UTC, datetime, timedelta
from email.policy import default as modern
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone
from icalendar import Calendar

from incidents import timeline
from incidents.models.incident import NotAllowedNow
from notifications.channels import email as mail
from notifications.models import Notification
from postmortems import invitation, meeting, reviewing
from postmortems.review_forms import MeetingForm, WallTimeField
from tests import make
from tests.postmortems.told import told

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(minutes=60)
MINUTE = timedelta(minutes=1)
AT = datetime(2026, 10, 20, 8, 30, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def postmortem(alice, bob):
    made = make.postmortem(by=alice)
    timeline.add_note(made.incident, text="Looking", by=bob, now=make.NOW)
    return made


def sent(word):
    """Invitations as calendars read them, by who got them."""
    rows = Notification.objects.exclude(attachment="").filter(title__contains=word)
    return {row.recipient: Calendar.from_ical(row.attachment) for row in rows}


def event_of(calendar):
    (event,) = calendar.walk("VEVENT")
    return event


def people_in(event):
    found = event["ATTENDEE"]
    return sorted(str(each) for each in (found if isinstance(found, list) else [found]))


def test_owner_reviewers_and_who_took_part_get_an_invitation(postmortem, alice, bob, settings):
    carol = make.user("carol")
    reviewing.send_for_review(postmortem, by=alice, reviewers=[carol], now=LATER)
    meeting.arrange(postmortem, at=AT, minutes=45, place="Room 2; or https://meet.example.com/x", by=alice, now=LATER)
    calendars = sent("Postmortem meeting")
    assert sorted(calendars) == ["Alice", "Bob", "Carol"]
    calendar = calendars["Bob"]
    event = event_of(calendar)
    assert (str(calendar["METHOD"]), int(event["SEQUENCE"]), str(event["STATUS"])) == ("REQUEST", 0, "CONFIRMED")
    assert (event.decoded("DTSTART"), event.decoded("DTEND")) == (AT, AT + 45 * MINUTE)
    assert str(event["LOCATION"]) == "Room 2; or https://meet.example.com/x"
    assert people_in(event) == [f"mailto:{name}@example.com" for name in ("alice", "bob", "carol")]
    assert str(event["ORGANIZER"]).removeprefix("mailto:") in settings.DEFAULT_FROM_EMAIL
    assert str(event["URL"]).endswith(f"/postmortems/{postmortem.incident.reference}")
    assert str(event["UID"]) == invitation.uid_of(postmortem)


def test_an_address_to_be_paged_at_is_in_nobody_elses_copy(postmortem, alice, bob):
    bob.email = ""
    bob.save()
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    copies = {name: people_in(event_of(calendar)) for name, calendar in sent("Postmortem meeting").items()}
    assert copies == {
        "Alice": ["mailto:alice@example.com"],
        "Bob": ["mailto:alice@example.com", "mailto:bob@example.com"],
    }
    postmortem.refresh_from_db()
    files = [meeting.text_of(postmortem, now=LATER, reader=reader) for reader in (alice, bob, None)]
    assert [len(people_in(event_of(Calendar.from_ical(file)))) for file in files] == [1, 2, 1]


def test_a_change_and_the_end_keep_the_uid_and_raise_the_sequence(postmortem, alice):
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    moved = meeting.arrange(postmortem, at=AT + 60 * MINUTE, place="Room 3", by=alice, now=LATER + MINUTE)
    assert (moved.meeting_at, moved.meeting_changes) == (AT + 60 * MINUTE, 1)
    over = meeting.cancel(postmortem, by=alice, now=LATER + 2 * MINUTE)
    meeting.cancel(postmortem, by=alice, now=LATER + 3 * MINUTE)
    assert (over.meeting_at, over.meeting_place, over.meeting_changes) == (None, "", 2)
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER + 4 * MINUTE)
    events = [
        (str(calendar["METHOD"]), int(event_of(calendar)["SEQUENCE"]), event_of(calendar).decoded("DTSTART"))
        for row in Notification.objects.exclude(attachment="").filter(recipient="Bob").order_by("id")
        for calendar in [Calendar.from_ical(row.attachment)]
    ]
    assert events == [
        ("REQUEST", 0, AT), ("REQUEST", 1, AT + 60 * MINUTE), ("CANCEL", 2, AT + 60 * MINUTE), ("REQUEST", 3, AT),
    ]  # fmt: skip
    assert {str(event_of(each)["UID"]) for each in sent("").values()} == {invitation.uid_of(postmortem)}
    assert str(event_of(sent("cancelled")["Bob"])["STATUS"]) == "CANCELLED"


def test_who_comes_to_it_later_gets_it_too_and_nobody_twice(postmortem, alice, bob):
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob, make.user("carol")], now=LATER + MINUTE)
    word = "Postmortem meeting"
    assert told(postmortem, word) == [("Alice", word), ("Bob", word), ("Carol", word)]


def test_whoever_was_invited_hears_of_the_end(postmortem, alice):
    carol = make.user("carol")
    reviewing.send_for_review(postmortem, by=alice, reviewers=[carol], now=LATER)
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    reviewing.remove_reviewer(postmortem, carol, by=alice, now=LATER)
    meeting.cancel(postmortem, by=alice, now=LATER + MINUTE)
    assert sorted(sent("cancelled")) == ["Alice", "Bob", "Carol"]


def test_of_a_private_incident_only_who_sees_it_is_invited(alice, bob):
    postmortem = make.postmortem(by=alice, is_private=True)
    timeline.add_note(postmortem.incident, text="I could see it then", by=bob, now=LATER)
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    assert sorted(sent("meeting")) == ["Alice"]
    assert people_in(event_of(sent("meeting")["Alice"])) == ["mailto:alice@example.com"]


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"at": LATER}, "at"),
        ({"at": LATER - MINUTE}, "at"),
        ({"at": LATER + timedelta(days=366)}, "at"),
        ({"minutes": 4}, "minutes"),
        ({"minutes": 601}, "minutes"),
        ({"place": "x" * 301}, "place"),
    ],
)
def test_what_makes_no_sense_is_refused(postmortem, alice, fields, wrong):
    with pytest.raises(ValidationError) as refused:
        meeting.arrange(postmortem, **{"at": AT, "by": alice, "now": LATER} | fields)
    assert list(refused.value.message_dict) == [wrong]
    assert sent("meeting") == {}


def test_a_meeting_that_has_begun_is_not_cancelled(postmortem, alice):
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    with pytest.raises(NotAllowedNow, match="has begun"):
        meeting.cancel(postmortem, by=alice, now=AT + MINUTE)


def test_each_reads_the_time_of_their_own_zone(postmortem, alice, bob):
    bob.time_zone = "Asia/Kolkata"
    bob.save()
    meeting.arrange(postmortem, at=AT, by=alice, now=LATER)
    bodies = {row.recipient: row.body for row in Notification.objects.exclude(attachment="")}
    assert "When: Tue 20 Oct 2026, 08:30 UTC, 60 minutes" in bodies["Alice"]
    assert "When: Tue 20 Oct 2026, 14:00 IST, 60 minutes" in bodies["Bob"]


@pytest.mark.parametrize(
    ("wall", "instant"),
    [
        ("2026-10-24T10:00", "2026-10-24T08:00+00:00"),
        ("2026-10-25T02:30", "2026-10-25T00:30+00:00"),  # twice there: the first
        ("2026-10-25T10:00", "2026-10-25T09:00+00:00"),
        ("2027-03-28T02:30", "2027-03-28T01:00+00:00"),  # left out: when it is over
    ],
)
def test_a_wall_time_is_one_instant_also_when_clocks_change(wall, instant):
    with timezone.override(BERLIN):
        assert WallTimeField().clean(wall) == datetime.fromisoformat(instant)


@pytest.mark.parametrize(
    "wall", ["soon", "0001-01-01T00:00", "9999-12-31T23:59", "2026-10-25T02:30+02:00", "2026-13-01T00:00"]
)
def test_what_is_no_wall_time_is_an_error_and_no_crash(wall):
    with timezone.override(BERLIN), pytest.raises(ValidationError):
        WallTimeField().clean(wall)


def test_an_hour_that_is_there_twice_survives_a_form_that_is_sent_as_it_was(postmortem):
    postmortem.meeting_at = datetime(2026, 10, 25, 1, 30, tzinfo=UTC)  # the second 02:30 of Berlin
    with timezone.override(BERLIN):
        form = MeetingForm({"at": "2026-10-25T02:30", "minutes": "60", "place": ""}, postmortem=postmortem)
        assert form.is_valid()
        assert form.cleaned_data["at"] == postmortem.meeting_at


def test_the_e_mail_carries_it_beside_the_text_and_as_a_file(postmortem, alice):
    meeting.arrange(postmortem, at=AT, place="Café", by=alice, now=LATER)
    row = Notification.objects.exclude(attachment="").filter(recipient="Bob").get()
    message = email.message_from_bytes(mail.compose(row, is_repeat=False).as_bytes(), policy=modern)
    kinds = [part.get_content_type() for part in message.walk()]
    assert kinds == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics",
    ]  # fmt: skip
    text, invite, file = (part for part in message.walk() if not part.is_multipart())
    assert "When: Tue 20 Oct 2026" in text.get_content()
    assert invite["Content-Type"].params["method"] == "REQUEST"
    assert file.get_filename() == "meeting.ics"
    for part in (invite, file):
        assert str(event_of(Calendar.from_ical(part.get_payload(decode=True)))["LOCATION"]) == "Café"


def test_an_e_mail_without_one_is_plain_text(postmortem, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER)
    row = Notification.objects.get(title__contains="to review")
    assert mail.compose(row, is_repeat=False).get_content_type() == "text/plain"


def test_odd_names_and_places_make_no_line_of_their_own(postmortem, alice):
    alice.name = 'Al"ice\r\nATTENDEE:mailto:evil@example.com'
    alice.save()
    meeting.arrange(postmortem, at=AT, place="x\r\nMETHOD:CANCEL", by=alice, now=LATER)
    calendar = sent("meeting")["Bob"]
    assert str(calendar["METHOD"]) == "REQUEST"
    assert people_in(event_of(calendar)) == ["mailto:alice@example.com", "mailto:bob@example.com"]
