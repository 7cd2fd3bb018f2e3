"""Who reads a draft, what they say to it, and who sees to it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError

from incidents import seeing
from incidents.models import Incident
from incidents.models.incident import NotAllowedNow
from postmortems import editing, publishing, reviewing
from tests import make
from tests.postmortems.told import finished, told

pytestmark = pytest.mark.django_db

LATER = make.NOW + timedelta(minutes=60)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def postmortem(alice):
    return make.postmortem(by=alice)


def asked(postmortem):
    return [(row.user, row.approved_at) for row in postmortem.reviewers.all()]


def test_reviewers_are_told_once_and_it_is_in_review(postmortem, alice, bob):
    sent = reviewing.send_for_review(postmortem, by=alice, reviewers=[bob, alice], now=LATER)
    assert (sent.state, sent.in_review_at) == ("in_review", LATER)
    assert asked(postmortem) == [(bob, None), (alice, None)]
    assert told(postmortem) == [("Bob", "Postmortem to review")]
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER + MINUTE)
    assert told(postmortem) == [("Bob", "Postmortem to review")]


def test_another_reviewer_can_be_added_and_one_removed(postmortem, alice, bob):
    carol = make.user("carol")
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER)
    reviewing.send_for_review(postmortem, by=alice, reviewers=[carol], now=LATER + MINUTE)
    reviewing.remove_reviewer(postmortem, bob, by=alice, now=LATER + 2 * MINUTE)
    reviewing.remove_reviewer(postmortem, bob, by=alice, now=LATER + 3 * MINUTE)
    assert asked(postmortem) == [(carol, None)]
    assert told(postmortem) == [
        ("Bob", "Postmortem to review"),
        ("Bob", "Postmortem: no review needed"),
        ("Carol", "Postmortem to review"),
    ]


def test_somebody_has_to_read_it(postmortem, alice):
    with pytest.raises(ValidationError, match="at least one person"):
        reviewing.send_for_review(postmortem, by=alice, reviewers=[], now=LATER)
    postmortem.refresh_from_db()
    assert postmortem.state == "draft"


def test_sending_an_untouched_draft_begins_the_work(alice, bob):
    postmortem = make.postmortem()
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER)
    postmortem.refresh_from_db()
    assert (postmortem.incident.status, postmortem.started_at) == ("postmortem", LATER)


def test_only_who_sees_a_private_incident_can_review_or_own_it(alice, bob, admin):
    carol = make.user("carol")
    service = make.service("safe", team=make.team("vault", bob))
    postmortem = make.postmortem(by=alice, is_private=True, services=[service])
    with pytest.raises(ValidationError, match="Carol cannot see"):
        reviewing.send_for_review(postmortem, by=alice, reviewers=[bob, carol], now=LATER)
    with pytest.raises(ValidationError, match="Carol cannot work on"):
        reviewing.give(postmortem, owner=carol, by=alice, now=LATER)
    assert asked(postmortem) == []
    assert told(postmortem) == []
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob, admin], now=LATER)
    assert [user for user, _ in asked(postmortem)] == [bob, admin]
    assert not Incident.objects.visible_to(carol).filter(pk=postmortem.incident_id).exists()


@pytest.mark.parametrize("is_private", [True, False])
def test_who_sees_an_incident_is_the_other_side_of_which_incidents_one_sees(alice, bob, charlie, admin, is_private):
    service = make.service("safe", team=make.team("vault", make.user("dora")))
    incident = make.incident(
        is_private=is_private, services=[service], assignee=alice, steps=[make.user("erik")], by=bob
    )
    make.user("gone", is_active=False)
    seen = {
        user.username
        for user in make.User.objects.active()
        if Incident.objects.visible_to(user).filter(pk=incident.pk).exists()
    }
    assert {user.username for user in seeing.people_of(incident)} == seen
    assert seen == {"alice", "bob", "root", "dora", "erik"} | (set() if is_private else {"charlie"})


def test_the_owner_hears_of_an_approval_and_of_its_end(postmortem, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob, make.user("carol")], now=LATER)
    reviewing.approve(postmortem, by=bob, now=LATER + MINUTE)
    reviewing.approve(postmortem, by=bob, now=LATER + 2 * MINUTE)
    assert asked(postmortem)[0] == (bob, LATER + MINUTE)
    assert told(postmortem, "Bob") == [("Alice", "Postmortem: Bob approved it")]
    reviewing.approve(postmortem, by=bob, is_approved=False, now=LATER + 3 * MINUTE)
    assert asked(postmortem)[0] == (bob, None)
    assert told(postmortem, "back") == [("Alice", "Postmortem: Bob took their approval back")]


def test_an_approval_is_stale_once_the_text_has_changed(postmortem, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER)
    row = reviewing.approve(postmortem, by=bob, now=LATER + MINUTE)
    assert not reviewing.is_stale(row)
    editing.write(postmortem.sections.get(key="impact"), body="None.", by=alice, now=LATER + 2 * MINUTE)
    assert reviewing.is_stale(postmortem.reviewers.get())
    row = reviewing.approve(postmortem, by=bob, now=LATER + 3 * MINUTE)
    assert (row.approved_at, reviewing.is_stale(row)) == (LATER + 3 * MINUTE, False)


def test_only_who_was_asked_approves_and_only_in_review(postmortem, alice, bob):
    with pytest.raises(NotAllowedNow, match="not one of its reviewers"):
        reviewing.approve(postmortem, by=bob)
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER)
    publishing.take_back(postmortem, by=alice, now=LATER)
    with pytest.raises(NotAllowedNow, match="a draft again"):
        reviewing.approve(postmortem, by=bob)


def test_a_second_round_asks_everybody_again(postmortem, alice, bob):
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER)
    reviewing.approve(postmortem, by=bob, now=LATER + MINUTE)
    publishing.take_back(postmortem, by=alice, now=LATER + 2 * MINUTE)
    reviewing.send_for_review(postmortem, by=alice, reviewers=[bob], now=LATER + 3 * MINUTE)
    assert asked(postmortem) == [(bob, None)]
    assert told(postmortem, "review") == [("Bob", "Postmortem to review")] * 2


def test_a_published_one_is_not_reviewed(postmortem, alice, bob):
    publishing.publish(finished(postmortem), by=alice, now=LATER)
    with pytest.raises(NotAllowedNow, match="published and stands"):
        reviewing.send_for_review(postmortem, by=alice, reviewers=[bob])


def test_a_new_owner_is_told(postmortem, alice, bob, charlie):
    reviewing.give(postmortem, owner=bob, by=alice, now=LATER)
    postmortem.refresh_from_db()
    assert postmortem.owner == bob
    assert told(postmortem) == [("Bob", "Postmortem for you")]
    with pytest.raises(ValidationError, match="Charlie cannot work on"):
        reviewing.give(postmortem, owner=charlie, by=alice, now=LATER)
    reviewing.give(postmortem, owner=None, by=alice, now=LATER)
    postmortem.refresh_from_db()
    assert postmortem.owner is None
