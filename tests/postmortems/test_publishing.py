"""Publishing: what is missing, who hears of it, once only; the public version; taking it back."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from accounts.models import AuditEntry
from incidents import action_items, lifecycle, policy, timeline
from incidents.models import Incident, IncidentSettings, StatusUpdate
from incidents.models.incident import NotAllowedNow
from notifications.models import Notification
from postmortems import editing, places, publishing, reading, reviewing
from postmortems.models import Postmortem, Section
from tests import make
from tests.postmortems.told import finished, told

LATER = make.NOW + timedelta(minutes=60)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def postmortem(alice):
    return finished(make.postmortem(by=alice))


def missing(postmortem):
    return [(each.section.key, each.why) for each in publishing.missing_of(reading.read(postmortem))]


def say(postmortem, key, body):
    Section.objects.filter(postmortem=postmortem, key=key).update(body=body)
    return Postmortem.objects.get(pk=postmortem.pk)


# ---- what is missing ---------------------------------------------------------------------------------------------


def test_a_fresh_draft_says_what_is_missing(alice):
    postmortem = make.postmortem(by=alice)
    gap = "still has a gap, marked “To write”"
    none = "has no action item; add one, or write why none is needed"
    assert missing(postmortem) == [
        ("summary", gap), ("root_cause", gap), ("impact", gap), ("resolution", gap), ("action_items", none),
        ("lessons_learned", gap),
    ]  # fmt: skip
    with pytest.raises(publishing.Incomplete, match="Summary: still has a gap") as refused:
        publishing.publish(postmortem, by=alice, now=LATER)
    assert len(refused.value.missing) == 6
    postmortem.refresh_from_db()
    assert postmortem.state == "draft"
    assert "postmortem_published" not in make.happened(postmortem.incident)


@pytest.mark.parametrize(
    ("body", "is_missing"),
    [
        (places.ACTION_ITEMS, True),
        (f"\n{places.ACTION_ITEMS}\n", True),
        (f"None: it was a drill.\n\n{places.ACTION_ITEMS}", False),
        ("None: it was a drill.", False),
        ("", True),
    ],
)
def test_action_items_are_written_down_or_it_says_why_not(postmortem, alice, body, is_missing):
    postmortem = say(postmortem, "action_items", body)
    assert [key for key, _ in missing(postmortem)] == (["action_items"] if is_missing else [])
    action_items.add(postmortem.incident, title="Alert on it", by=alice, now=LATER)
    assert [key for key, _ in missing(postmortem)] == (["action_items"] if not body else [])


def test_a_timeline_without_an_event_is_missing_too(postmortem):
    postmortem.events.update(is_kept=False)
    assert missing(postmortem) == [("timeline", "has no event; keep one, or write what there is to know")]


def test_what_is_optional_may_stay_empty(postmortem):
    postmortem = say(postmortem, "lessons_learned", "")
    assert missing(postmortem) == [("lessons_learned", "is empty")]
    postmortem.sections.filter(key="lessons_learned").update(is_required=False)
    assert missing(Postmortem.objects.get(pk=postmortem.pk)) == []


# ---- publishing --------------------------------------------------------------------------------------------------


def test_it_stands_from_then_on(postmortem, alice):
    published = publishing.publish(postmortem, by=alice, now=LATER)
    assert (published.state, published.published_at, published.published_by) == ("published", LATER, alice)
    entry = published.incident.timeline.get(kind="postmortem_published")
    assert (entry.at, entry.by, entry.data) == (
        LATER, alice, {"postmortem": postmortem.pk, "count": 1, "is_public": False},
    )  # fmt: skip
    with pytest.raises(NotAllowedNow, match="stands as it is"):
        editing.write(postmortem.sections.first(), body="Other.", by=alice)


def test_everybody_whom_it_concerns_is_told_once(alice, bob):
    people = {name: make.user(name) for name in ("carol", "dora", "erik", "fay", "gita", "hana")}
    team = make.team("payments", people["hana"], channel_address="pay@example.com")
    policy.ensure_defaults()
    IncidentSettings.objects.update(leadership=make.team("board", people["fay"], people["carol"]))
    incident = make.incident(services=[make.service("pay", team=team)], by=people["carol"], assignee=people["dora"])
    Notification.objects.all().delete()
    timeline.add_note(incident, text="Looking", by=bob, now=make.NOW)
    incident = lifecycle.resolve(incident, by=people["carol"], now=make.NOW + 30 * MINUTE)
    action_items.add(incident, title="Alert on it", owner=people["erik"], by=alice, now=LATER)
    postmortem = finished(make.postmortem(incident, by=alice))
    reviewing.send_for_review(postmortem, by=alice, reviewers=[people["gita"], bob], now=LATER)

    before = publishing.outlook(postmortem, by=alice).audience
    assert [str(user) for user in before.people] == ["Bob", "Carol", "Dora", "Erik", "Fay", "Gita"]
    assert (before.teams, before.mute) == ([team], [])
    publishing.publish(postmortem, by=alice, now=LATER + MINUTE)
    assert told(postmortem, "published") == [
        (name, "Postmortem published") for name in ("Bob", "Carol", "Dora", "Erik", "Fay", "Gita", "Payments")
    ]


def test_leadership_is_told_only_where_the_policy_tells_it(alice):
    policy.ensure_defaults()
    IncidentSettings.objects.update(leadership=make.team("board", make.user("fay")))
    postmortem = finished(make.postmortem(by=alice, severity="high"))
    assert publishing.outlook(postmortem, by=alice).audience.people == []


def test_who_has_no_contact_method_is_counted_apart(postmortem, alice):
    nobody = make.user("dora", email=False)
    action_items.add(postmortem.incident, title="Alert on it", owner=nobody, by=alice, now=LATER)
    found = publishing.outlook(postmortem, by=alice).audience
    assert (found.people, found.mute) == ([], [nobody])


def test_of_a_private_incident_nobody_hears_who_does_not_see_it(alice, bob):
    team = make.team("vault", bob, channel_address="vault@example.com")
    postmortem = make.postmortem(by=alice, is_private=True, services=[make.service("safe", team=team)])
    IncidentSettings.objects.update(leadership=make.team("board", make.user("fay")))
    timeline.add_note(postmortem.incident, text="Looking", by=bob, now=LATER)
    left = make.user("dora")
    timeline.add_note(postmortem.incident, text="I could see it then", by=left, now=LATER)
    postmortem = finished(postmortem)
    publishing.publish(postmortem, by=alice, now=LATER)
    assert told(postmortem) == [("Bob", "Postmortem published")]
    assert not Incident.objects.visible_to(left).filter(pk=postmortem.incident_id).exists()


def test_pressing_twice_publishes_once_and_somebody_else_is_too_late(postmortem, alice, bob):
    timeline.add_note(postmortem.incident, text="Looking", by=bob, now=LATER)
    for _ in range(2):
        publishing.publish(postmortem, by=alice, now=LATER)
    with pytest.raises(NotAllowedNow, match="Alice has published"):
        publishing.publish(postmortem, by=bob, now=LATER)
    assert make.happened(postmortem.incident).count("postmortem_published") == 1
    assert told(postmortem) == [("Bob", "Postmortem published")]


@pytest.mark.django_db(transaction=True)
def test_of_two_people_at_once_one_publishes():
    people = [make.user("alice"), make.user("bob")]
    postmortem = finished(make.postmortem(by=people[0]))
    ready, ended = threading.Barrier(2), []

    def press(person):
        ready.wait()
        try:
            publishing.publish(postmortem, by=person, now=LATER)
            ended.append("published")
        except NotAllowedNow:
            ended.append("too late")
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[person]) for person in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["published", "too late"]
    assert make.happened(postmortem.incident).count("postmortem_published") == 1


def test_an_incident_that_is_open_again_keeps_its_postmortem(postmortem, alice):
    lifecycle.reopen(postmortem.incident, reason="Again", by=alice, now=LATER)
    with pytest.raises(NotAllowedNow, match="again; publish when it is resolved"):
        publishing.publish(postmortem, by=alice, now=LATER)


def test_reviewers_who_have_not_approved_are_doubt_and_no_lock(postmortem, alice, bob):
    people = [bob, make.user("carol"), make.user("dora")]
    assert publishing.outlook(postmortem, by=alice).doubt == ""
    reviewing.send_for_review(postmortem, by=alice, reviewers=people, now=LATER)
    reviewing.approve(postmortem, by=bob, now=LATER)
    assert publishing.outlook(postmortem, by=alice).doubt == "2 of 3 reviewers have not approved"
    reviewing.approve(postmortem, by=people[1], now=LATER)
    assert publishing.outlook(postmortem, by=alice).doubt == "1 of 3 reviewers has not approved"
    assert publishing.publish(postmortem, by=alice, now=LATER).is_published


# ---- taking it back ----------------------------------------------------------------------------------------------


def test_taken_back_it_can_be_changed_and_published_again(postmortem, alice, bob):
    timeline.add_note(postmortem.incident, text="Looking", by=bob, now=LATER)
    publishing.publish(postmortem, by=alice, now=LATER)
    for _ in range(2):
        draft = publishing.take_back(postmortem, by=bob, now=LATER + MINUTE)
    assert (draft.state, draft.published_at, draft.first_published_at) == ("draft", None, LATER)
    assert AuditEntry.objects.filter(action="taken back", actor=bob).count() == 1
    editing.write(draft.sections.first(), body="Other.", by=bob, now=LATER + MINUTE)
    again = publishing.publish(draft, by=bob, now=LATER + 2 * MINUTE)
    assert (again.first_published_at, again.published_at) == (LATER, LATER + 2 * MINUTE)
    assert told(postmortem) == [
        ("Alice", "Postmortem published again"),
        ("Alice", "Postmortem taken back"),
        ("Bob", "Postmortem published"),
    ]


# ---- the public version ------------------------------------------------------------------------------------------


def public(postmortem):
    return list(
        StatusUpdate.objects.filter(incident=postmortem.incident).values_list("visibility", "status", "message")
    )


def test_the_public_reads_its_own_text_and_never_the_inner_one(postmortem, alice):
    publishing.write_public(postmortem, text="Payments failed for an hour.\r\n", by=alice)
    assert public(postmortem) == []
    publishing.publish(postmortem, by=alice, with_public=True, now=LATER)
    assert public(postmortem) == [("external", "postmortem", "Payments failed for an hour.")]
    assert make.happened(postmortem.incident)[-2:] == ["status_updated", "postmortem_published"]


def test_published_again_the_same_update_says_the_new_text(postmortem, alice, bob):
    publishing.write_public(postmortem, text="An hour.", by=alice)
    publishing.publish(postmortem, by=alice, with_public=True, now=LATER)
    publishing.write_public(postmortem, text="Two hours.", by=bob)
    assert public(postmortem) == [("external", "postmortem", "An hour.")]
    for _ in range(2):
        publishing.publish_public(postmortem, by=bob, now=LATER + MINUTE)
    assert public(postmortem) == [("external", "postmortem", "Two hours.")]
    entries = postmortem.incident.timeline.filter(kind="status_updated")
    assert [entry.text for entry in entries] == ["An hour.", "Two hours."]


def test_nothing_goes_out_that_was_not_looked_at(postmortem, alice, bob):
    publishing.write_public(postmortem, text="An hour.", by=alice)
    mark = publishing.mark_of("An hour.")
    publishing.write_public(postmortem, text="Two hours.", by=bob)
    with pytest.raises(NotAllowedNow, match="has changed since you looked"):
        publishing.publish(postmortem, by=alice, with_public=True, public_mark=mark, now=LATER)
    with pytest.raises(NotAllowedNow, match="Somebody else has changed"):
        publishing.write_public(postmortem, text="A day.", by=alice, base=mark)
    postmortem.refresh_from_db()
    assert (postmortem.state, postmortem.public_text, public(postmortem)) == ("draft", "Two hours.", [])


def test_an_empty_or_overlong_public_version_is_refused(postmortem, alice):
    with pytest.raises(ValidationError, match="no public version yet"):
        publishing.publish(postmortem, by=alice, with_public=True, now=LATER)
    with pytest.raises(ValidationError, match="at most 20,000"):
        publishing.write_public(postmortem, text="x" * 20_001, by=alice)
    with pytest.raises(NotAllowedNow, match="Publish the postmortem first"):
        publishing.publish_public(postmortem, by=alice)
    assert not StatusUpdate.objects.exists()


def test_a_private_incident_has_no_public_version(alice):
    postmortem = finished(make.postmortem(by=alice, is_private=True))
    with pytest.raises(NotAllowedNow, match="is private"):
        publishing.write_public(postmortem, text="Hello.", by=alice)
    Postmortem.objects.update(public_text="Hello.")
    with pytest.raises(NotAllowedNow, match="is private"):
        publishing.publish(postmortem, by=alice, with_public=True, now=LATER)
    assert not StatusUpdate.objects.exists()


def test_what_the_public_was_told_before_is_kept_with_the_update(postmortem, alice, bob):
    publishing.write_public(postmortem, text="An hour.", by=alice)
    publishing.publish(postmortem, by=alice, with_public=True, now=LATER)
    publishing.write_public(postmortem, text="Two hours.", by=bob)
    publishing.publish_public(postmortem, by=bob, now=LATER + MINUTE)
    update = StatusUpdate.objects.get()
    assert (update.published_at, update.by, update.edited_at, update.edited_by) == (LATER, alice, LATER + MINUTE, bob)
    assert [(was.message, was.replaced_by) for was in update.revisions.all()] == [("An hour.", bob)]
