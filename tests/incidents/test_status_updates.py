"""Status updates: what is said, what is suggested, and what stays as it was."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from incidents import communication, lifecycle
from incidents.models import StatusUpdate
from notifications.models import Notification
from tests import make
from tests.make import MINUTE, happened

pytestmark = pytest.mark.django_db


def test_an_update_is_on_the_timeline_and_moves_nothing(alice, now):
    incident = make.incident(severity="low", at=now)
    told = Notification.objects.count()
    update = communication.post_update(
        incident, message=" All **good** again.\n", status="resolved", by=alice, now=now + MINUTE
    )
    assert (update.message, update.status, update.visibility) == ("All **good** again.", "resolved", "internal")
    assert (update.at, update.by) == (now + MINUTE, alice)
    incident.refresh_from_db()
    assert (incident.status, incident.resolved_at, incident.acknowledged_at) == ("triggered", None, None)
    entry = incident.timeline.get(kind="status_updated")
    assert (entry.at, entry.by, entry.text) == (now + MINUTE, alice, "All **good** again.")
    assert entry.data == {"update": update.pk, "status": "resolved", "visibility": "internal"}
    assert Notification.objects.count() == told


@pytest.mark.parametrize(
    ("message", "mistake"),
    [
        ("", "Say how it stands."),
        (" \n\t ", "Say how it stands."),
        ("x" * 5001, "An update has at most 5,000 characters; this one has 5,001."),
    ],
)
def test_a_message_has_1_to_5000_characters(alice, message, mistake):
    incident = make.incident()
    with pytest.raises(ValidationError) as refused:
        communication.post_update(incident, message=message, status="resolved", by=alice)
    assert refused.value.message_dict == {"message": [mistake]}
    communication.post_update(incident, message="x" * 5000, status="resolved", by=alice)
    assert StatusUpdate.objects.count() == 1


@pytest.mark.parametrize(
    ("words", "field", "mistake"),
    [
        ({"status": "fixed"}, "status", "Choose one of: investigating, identified, monitoring, resolved, postmortem."),
        ({"visibility": "public"}, "visibility", "Choose one of: internal, external."),
    ],
)
def test_words_that_do_not_exist_are_refused(alice, words, field, mistake):
    incident = make.incident()
    with pytest.raises(ValidationError) as refused:
        communication.post_update(incident, by=alice, **{"message": "x", "status": "resolved"} | words)
    assert refused.value.message_dict == {field: [mistake]}
    assert not StatusUpdate.objects.exists()
    assert "status_updated" not in happened(incident)


def test_the_database_knows_the_words_too(alice):
    incident = make.incident()
    for wrong in ({"status": "fixed"}, {"status": "resolved", "visibility": "public"}):
        with pytest.raises(IntegrityError), transaction.atomic():
            StatusUpdate.objects.create(incident=incident, message="x", **wrong)


@pytest.mark.parametrize(
    ("lifecycle_status", "last", "suggested"),
    [
        ("triggered", None, "investigating"),
        ("acknowledged", None, "investigating"),
        ("investigating", None, "investigating"),
        ("investigating", "identified", "identified"),
        ("investigating", "monitoring", "investigating"),  # the fix did not hold
        ("investigating", "resolved", "investigating"),  # reopened
        ("mitigating", None, "identified"),
        ("mitigating", "investigating", "identified"),
        ("mitigating", "monitoring", "monitoring"),
        ("resolved", "monitoring", "resolved"),
        ("postmortem", "resolved", "postmortem"),
    ],
)
def test_the_suggestion_follows_the_work_and_what_was_said(lifecycle_status, last, suggested):
    incident = make.incident()
    update = StatusUpdate(incident=incident, status=last) if last else None
    incident.status = lifecycle_status
    assert communication.suggested_status(incident, last=update) == suggested


def test_what_is_resolved_can_still_be_spoken_of(alice, now):
    incident = make.incident(at=now)
    lifecycle.resolve(incident, by=alice, now=now + MINUTE)
    communication.post_update(incident, message="It is over.", status="resolved", by=alice, now=now + 2 * MINUTE)
    assert happened(incident)[-2:] == ["resolved", "status_updated"]


def test_updates_are_seen_by_whoever_sees_the_incident(admin, alice, bob):
    public, secret = make.incident(), make.incident(is_private=True, assignee=alice)
    for incident in (public, secret):
        communication.post_update(incident, message="x", status="investigating", by=alice)

    def seen(user):
        return [update.incident for update in StatusUpdate.objects.visible_to(user)]

    assert (seen(bob), seen(alice), seen(admin)) == ([public], [public, secret], [public, secret])
