"""When an update goes out, and what becomes of one that waits: held, scheduled, taken back, published, edited."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from incidents import changes, communication, lifecycle
from incidents.communication import post_update, publish_due
from incidents.models import StatusUpdate
from incidents.models.incident import NotAllowedNow
from tests import make
from tests.make import MINUTE, NOW, happened
from tests.poison import poisoned

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
SECOND = timedelta(seconds=1)


@pytest.fixture
def incident(db):
    return make.incident(severity="low", at=NOW)


def say(incident, by, **more):
    return post_update(incident, **{"message": "We look.", "status": "investigating", "by": by, "now": NOW} | more)


def tell_all(incident, by, **more):
    return say(incident, by, **{"visibility": "external", "title": "Checkout fails"} | more)


def mistakes(refused):
    return refused.value.message_dict


def said(incident):
    """The texts on the timeline, in order, each with what was done."""
    entries = incident.timeline.filter(kind__in=["status_updated", "update_changed"]).order_by("at", "id")
    return [(entry.at, entry.data.get("did", "posted"), entry.text) for entry in entries]


# ---- waiting -----------------------------------------------------------------------------------------------------


def test_a_held_update_goes_out_after_a_minute_and_not_before(incident, alice):
    update = say(incident, alice, hold=True)
    assert (update.due_at, update.published_at, said(incident)) == (NOW + MINUTE, None, [])
    assert publish_due(now=NOW + MINUTE - SECOND) == 0
    assert publish_due(now=NOW + MINUTE) == 1
    update.refresh_from_db()
    assert (update.at, update.published_at, update.by) == (NOW, NOW + MINUTE, alice)
    assert said(incident) == [(NOW + MINUTE, "posted", "We look.")]
    assert publish_due(now=NOW + DAY) == 0
    assert happened(incident).count("status_updated") == 1


def test_updates_that_are_due_together_go_out_in_the_order_of_their_times(incident, alice):
    for minutes, words in ((3, "third"), (1, "first"), (2, "second")):
        say(incident, alice, message=words, publish_at=NOW + minutes * MINUTE)
    assert publish_due(now=NOW + 5 * MINUTE) == 3
    assert [text for _, _, text in said(incident)] == ["first", "second", "third"]
    order = StatusUpdate.objects.order_by("published_at").values_list("message", flat=True)
    assert list(order) == ["first", "second", "third"]


def test_an_update_that_cannot_be_published_holds_up_those_of_its_own_incident_alone(incident, alice):
    other = make.incident(severity="low", at=NOW)
    say(incident, alice, message="poison", publish_at=NOW + MINUTE)
    say(incident, alice, message="after it", publish_at=NOW + 2 * MINUTE)
    say(other, alice, message="elsewhere", publish_at=NOW + 2 * MINUTE)
    with poisoned("incidents_timelineentry", column="text"):
        assert publish_due(now=NOW + 5 * MINUTE) == 1
        assert (said(incident), [text for _, _, text in said(other)]) == ([], ["elsewhere"])
    assert publish_due(now=NOW + 6 * MINUTE) == 2
    assert [text for _, _, text in said(incident)] == ["poison", "after it"]


@pytest.mark.parametrize(
    ("more", "mistake"),
    [
        ({"publish_at": NOW}, {"publish_at": ["This time has passed."]}),
        ({"publish_at": NOW + 91 * DAY}, {"publish_at": ["At most 90 days ahead."]}),
        (
            {"publish_at": NOW + DAY, "hold": True},
            {"hold": ["Either it is held for a minute, or it goes out at a time; not both."]},
        ),
        ({"next_at": NOW}, {"next_at": ["The next update comes after this one."]}),
        ({"next_at": NOW + 30 * SECOND, "hold": True}, {"next_at": ["The next update comes after this one."]}),
        ({"next_at": NOW + 91 * DAY}, {"next_at": ["At most 90 days ahead."]}),
    ],
)
def test_times_lie_ahead_and_not_too_far(incident, alice, more, mistake):
    with pytest.raises(ValidationError) as refused:
        say(incident, alice, **more)
    assert mistakes(refused) == mistake
    assert not StatusUpdate.objects.exists()
    say(incident, alice, publish_at=NOW + 90 * DAY, next_at=NOW + 180 * DAY)


def test_what_waits_is_taken_back_once_and_never_published(incident, alice, bob):
    update = say(incident, alice, hold=True)
    for by, second in ((bob, 5), (alice, 9)):
        taken = communication.withdraw(update, by=by, now=NOW + second * SECOND)
        assert (taken.cancelled_at, taken.cancelled_by) == (NOW + 5 * SECOND, bob)
    assert publish_due(now=NOW + DAY) == 0
    assert said(incident) == []
    for refused in (communication.publish_now, communication.edit):
        with pytest.raises(NotAllowedNow, match="It was taken back; write another one."):
            refused(update, by=alice)


def test_what_is_published_is_not_taken_back(incident, alice):
    update = say(incident, alice)
    with pytest.raises(NotAllowedNow, match=r"^It was published at \d\d:\d\d:\d\d and cannot be taken back; edit it"):
        communication.withdraw(update, by=alice)
    update.refresh_from_db()
    assert (update.published_at, update.cancelled_at) == (NOW, None)


def test_what_waits_can_go_out_at_once(incident, alice, bob):
    update = say(incident, alice, publish_at=NOW + DAY)
    for _ in range(2):
        assert communication.publish_now(update, by=bob, now=NOW + SECOND).published_at == NOW + SECOND
    entry = incident.timeline.get(kind="status_updated")
    assert (entry.by, entry.at) == (alice, NOW + SECOND)


# ---- the end of the incident, and private ones ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "goes_out"),
    [
        ({"publish_at": NOW + 10 * MINUTE}, False),
        ({"publish_at": NOW + 10 * MINUTE, "even_when_over": True}, True),
        ({"publish_at": NOW + 10 * MINUTE, "status": "resolved"}, True),
        ({"publish_at": NOW + 10 * MINUTE, "status": "postmortem"}, True),
        ({"hold": True}, True),  # written a minute ago, for now
    ],
)
def test_a_scheduled_update_goes_out_after_the_end_only_if_its_author_wants_it(incident, alice, more, goes_out):
    update = say(incident, alice, **more)
    lifecycle.resolve(incident, by=alice, now=NOW + 30 * SECOND)
    assert publish_due(now=NOW + 10 * MINUTE) == 1
    update.refresh_from_db()
    assert (update.published_at is not None, update.cancelled_at is not None) == (goes_out, not goes_out)
    assert said(incident) == [(NOW + 10 * MINUTE, "posted" if goes_out else "withheld", "We look.")]


def test_what_was_scheduled_after_the_end_or_is_open_again_goes_out(incident, alice):
    lifecycle.resolve(incident, by=alice, now=NOW)
    later = say(incident, alice, publish_at=NOW + 10 * MINUTE, now=NOW + MINUTE)
    publish_due(now=NOW + 10 * MINUTE)
    later.refresh_from_db()
    assert later.published_at == NOW + 10 * MINUTE
    again = make.incident(severity="low", at=NOW)
    update = say(again, alice, publish_at=NOW + 10 * MINUTE)
    lifecycle.resolve(again, by=alice, now=NOW + MINUTE)
    lifecycle.reopen(again, by=alice, reason="It came back", now=NOW + 2 * MINUTE)
    publish_due(now=NOW + 10 * MINUTE)
    update.refresh_from_db()
    assert update.published_at == NOW + 10 * MINUTE


def test_the_public_hears_nothing_of_what_is_private(alice):
    secret = make.incident(is_private=True, assignee=alice, at=NOW)
    with pytest.raises(ValidationError) as refused:
        tell_all(secret, alice)
    assert mistakes(refused) == {
        "visibility": [
            f"{secret.reference} is private. Edit it so that everybody here may see it, before the public hears of it."
        ]
    }
    say(secret, alice)
    assert StatusUpdate.objects.get().visibility == "internal"


def test_what_waits_for_the_public_is_withheld_when_its_incident_becomes_private(incident, alice):
    update = tell_all(incident, alice, hold=True)
    inside = say(incident, alice, hold=True)
    changes.edit(incident, by=alice, is_private=True)
    with pytest.raises(NotAllowedNow, match="is private"):
        communication.publish_now(update, by=alice)
    assert publish_due(now=NOW + MINUTE) == 2
    update.refresh_from_db(), inside.refresh_from_db()
    assert (update.published_at, update.cancelled_at, update.cancelled_by) == (None, NOW + MINUTE, None)
    assert inside.published_at is not None
    entry = incident.timeline.get(kind="update_changed")
    assert entry.data == {
        "did": "withheld", "why": "private", "update": update.pk, "status": "investigating", "visibility": "external",
    }  # fmt: skip


# ---- what the public reads -----------------------------------------------------------------------------------------


def test_the_first_public_update_says_what_the_incident_is_called_and_later_ones_keep_it(incident, alice):
    with pytest.raises(ValidationError) as refused:
        tell_all(incident, alice, title=" \n ")
    assert mistakes(refused) == {"title": ["Say what the incident is called in public."]}
    first = tell_all(incident, alice, title=" Payments\nfail ", hold=True)
    assert first.title == "Payments fail"
    with pytest.raises(ValidationError):  # the first one may still be taken back
        tell_all(incident, alice, title="")
    publish_due(now=NOW + MINUTE)
    assert tell_all(incident, alice, title="", now=NOW + 2 * MINUTE).title == ""
    assert tell_all(incident, alice, title="Cards fail", now=NOW + 3 * MINUTE).title == "Cards fail"
    first.refresh_from_db()
    assert communication.edit(first, title="", by=alice).title == ""


def test_a_title_is_short_and_nothing_for_inner_updates(incident, alice):
    for more, mistake in (
        ({"title": "x" * 121}, "A title has at most 120 characters; this one has 121."),
        ({"visibility": "internal"}, "Only external updates have a title."),
    ):
        with pytest.raises(ValidationError) as refused:
            tell_all(incident, alice, **more)
        assert mistakes(refused) == {"title": [mistake]}
    assert tell_all(incident, alice, title="x" * 120).title == "x" * 120


@pytest.mark.parametrize(
    ("affects", "mistake"),
    [
        ({"a b": "operational"}, "Give each part by its id, and its state as one word."),
        ({"abc": "x" * 41}, "Give each part by its id, and its state as one word."),
        ({"abc": "\x00"}, "Give each part by its id, and its state as one word."),
        ({"abc": 3}, "Give each part by its id, and its state as one word."),
        ({f"a{place}": "x" for place in range(51)}, "At most 50 parts of the page; these are 51."),
    ],
)
def test_parts_of_the_page_are_named_shortly(incident, alice, affects, mistake):
    with pytest.raises(ValidationError) as refused:
        tell_all(incident, alice, affects=affects)
    assert mistakes(refused) == {"affects": [mistake]}


def test_parts_of_the_page_are_kept_as_they_were_said(incident, alice):
    kept = tell_all(incident, alice, affects={"k3x9": "partial_outage"})
    kept.refresh_from_db()
    assert kept.affects == {"k3x9": "partial_outage"}
    with pytest.raises(ValidationError) as refused:
        say(incident, alice, affects={"k3x9": "partial_outage"})
    assert mistakes(refused) == {"affects": ["Only external updates say how parts of the public page are."]}


# ---- editing -------------------------------------------------------------------------------------------------------


def test_what_waits_is_just_changed(incident, alice, bob):
    update = say(incident, alice, hold=True)
    edited = communication.edit(update, message="We know.", status="identified", by=bob, now=NOW + SECOND)
    assert (edited.message, edited.status, edited.edited_at, edited.by) == ("We know.", "identified", None, alice)
    assert (edited.revisions.count(), said(incident)) == (0, [])
    publish_due(now=NOW + MINUTE)
    assert said(incident) == [(NOW + MINUTE, "posted", "We know.")]


def test_what_is_published_keeps_what_it_said(incident, alice, bob):
    update, words = tell_all(incident, alice), {"message": "Cards fail.", "title": "Cards", "status": "identified"}
    edited = communication.edit(update, **words, by=bob, now=NOW + DAY)
    edited.refresh_from_db()
    assert (edited.message, edited.title, edited.status) == ("Cards fail.", "Cards", "identified")
    assert (edited.edited_at, edited.edited_by, edited.published_at, edited.by) == (NOW + DAY, bob, NOW, alice)
    before = edited.revisions.get()
    assert (before.message, before.title, before.status) == ("We look.", "Checkout fails", "investigating")
    assert (before.replaced_at, before.replaced_by) == (NOW + DAY, bob)
    assert said(incident) == [(NOW, "posted", "We look."), (NOW + DAY, "edited", "Cards fail.")]
    communication.edit(update, **words | {"message": " Cards fail.\n"}, by=alice)
    assert edited.revisions.count() == 1


def test_an_edit_is_checked_like_a_new_one(incident, alice):
    update = tell_all(incident, alice)
    for more, field in (
        ({"message": " "}, "message"),
        ({"message": "x" * 5001}, "message"),
        ({"title": ""}, "title"),
        ({"title": "x" * 121}, "title"),
        ({"status": "fixed"}, "status"),
    ):
        with pytest.raises(ValidationError) as refused:
            communication.edit(update, by=alice, **more)
        assert list(mistakes(refused)) == [field]
    update.refresh_from_db()
    assert (update.edited_at, update.revisions.count()) == (None, 0)
